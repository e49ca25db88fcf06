"""Find the key of a piece from its notes: music21's analysis, in linear time."""

import numpy as np

KEY_MODES = ("major", "minor")
PROFILES = np.array([  # how much of each semitone above its tonic a key expects
    [17.7661, 0.145624, 14.9265, 0.160186, 19.8049, 11.3587, 0.291248, 22.062, 0.145624, 8.15494, 0.232998, 4.95122],
    [18.2648, 0.737619, 14.0499, 16.8599, 0.702494, 14.4362, 0.702494, 18.6161, 4.56621, 1.93186, 7.37619, 1.75623]])
TONICS = ("C Db D Eb E F F# G Ab A Bb B".split(), "C C# D Eb E F F# G G# A Bb B".split())  # as usually written


def find(notes):
    """Find the key whose profile has the highest correlation with the time that each pitch class sounds.

    Args: notes: midi.NOTE (notes,), at least one.
    Returns: (tonic, mode): pitch class 0 to 11, and "major" or "minor".
    Source: Krumhansl 1990, Cognitive Foundations of Musical Pitch, chapter 4; profiles by Aarden 2003 for the Essen
        collection, as in music21 (`analysis.discrete.AardenEssen`). Notebook: 01, "Keys and metres".
    """
    agreed = agreement(np.bincount(notes["pitch"] % 12, notes["end"] - notes["start"], minlength=12))
    mode, tonic = np.unravel_index(np.argmax(agreed), agreed.shape)
    return int(tonic), KEY_MODES[mode]


def agreement(sounding):
    """Compare how long each pitch class sounds, float (12,), with every key: float (2, 12), by mode and tonic,
    proportional to the correlation.
    """
    rolled = np.array([[np.roll(profile, tonic) for tonic in range(12)] for profile in PROFILES])  # (2, 12, 12)
    return rolled @ (sounding - sounding.mean()) / rolled.std(axis=2)


def signed(sharps):
    """The two keys of a signature, -7 to 7 sharps: [(tonic, "major"), (tonic, "minor")]."""
    return [(7 * sharps % 12, "major"), ((7 * sharps + 9) % 12, "minor")]


def closing(cells, semitones):
    """Find the key in which a piece ends, as a singer would: the tonic is the pitch class of its last lowest note.

    An analysis of the whole piece finds another tonic in one piece of seven, because chorales are modal and change
    their key. The mode is major if the piece's scale has the major third above the tonic.

    Args: cells: int (frames, voices), see `voices`, with at least one note; the last column is the bass. semitones:
        from the piece's scale to that of C major.
    Returns: (tonic, mode), as `find`.
    """
    last = cells[np.flatnonzero((cells >= 0).any(axis=1))[-1]]
    tonic = int(last[last >= 0][-1]) % 128 % 12
    return tonic, KEY_MODES[(tonic + semitones + 4) % 12 not in (0, 2, 4, 5, 7, 9, 11)]


def name(tonic, mode):
    """Write the name of a key: (7, "minor") is "G minor"."""
    return f"{TONICS[KEY_MODES.index(mode)][tonic]} {mode}"


def pitch_name(pitch):
    """Write the name of a MIDI pitch with its octave: 60 is "C4"."""
    return f"{TONICS[0][pitch % 12]}{pitch // 12 - 1}"


def to_c(tonic, mode):
    """Count the semitones, -6 to 5, by which a key moves to C major or A minor by the nearest way."""
    return ((9 if mode == "minor" else 0) - tonic + 6) % 12 - 6
