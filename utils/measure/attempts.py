"""Measure how good attempts at four voices are, sort them, and compare them."""

from itertools import combinations

import numpy as np

from utils.measure import metrics
from utils.music import ear, harmony, voices


def judge(read):
    """Judge a piece in four named voices.

    Args: read: piece.Piece of four voices.
    Returns: dict: closes, whether the last lowest note is the tonic; at rest, share of phrase ends on a triad over its
        root; chords, share of beats with a chord (as chord_rate of `metrics.measure`); dissonance, share of pairs of
        sounding voices; parallels, per bar; spacing, share of frames in which neighbouring upper voices are at most an
        octave apart; outside, notes beyond `voices.RANGES`; crossings, share of frames in which a voice is above a
        higher one. NaN if there is nothing to judge.
    Notebook: 06, "Three attempts".
    """
    pitch = voices.pitches(read.voices).astype(int)
    sounds, struck = pitch >= 0, voices.struck(read.voices)
    upper, lower = np.array(list(combinations(range(4), 2))).T
    pairs, between = sounds[:, upper] & sounds[:, lower], pitch[:, upper] - pitch[:, lower]
    beats, ends = _classes(pitch[_beats(read)]), harmony.cadences(read)
    near = [0, 3]  # soprano and alto, alto and tenor
    low, high = np.transpose(voices.RANGES)
    return {"closes": harmony.closes(read),
            "at rest": float(np.mean([end.at_rest for end in ends])) if ends else np.nan,
            "chords": _share(metrics.is_chord(beats), beats.any(axis=1)),
            "dissonance": _share(np.isin(between % 12, metrics.DISSONANT), pairs),
            "parallels": len(harmony.parallels(read)) / (len(pitch) / read.bar_frames),
            "spacing": _share((between[:, near] <= voices.OCTAVE).all(axis=1), pairs[:, near].all(axis=1)),
            "outside": int((struck & ((pitch < low) | (pitch > high))).sum()),
            "crossings": _share(((between < 0) & pairs).any(axis=1), pairs.any(axis=1))}


def order(attempts):
    """Sort attempts, the best first.

    Attempts that close on the tonic come first. Then the smallest sum counts, of nats per frame, parallels per bar, the
    share of phrase ends that are not at rest, and the share of beats without a chord.

    Args: attempts: list of (piece.Piece, nats per frame).
    Returns: list of int, indices, the best first.
    Notebook: 06, "Three attempts".
    """
    def loses(index):
        read, nats = attempts[index]
        found = judge(read)
        return not found["closes"], np.nansum([nats, found["parallels"], 1 - found["at rest"], 1 - found["chords"]])

    return sorted(range(len(attempts)), key=loses)


def alike(first, second):
    """Share of beats with the same pitch classes in two pieces, 0 to 1, up to the end of the shorter one."""
    beats = _beats(first)
    beats = beats[beats < len(second.voices)]
    mine, theirs = (_classes(voices.pitches(read.voices)[beats]) for read in (first, second))
    return float(np.mean((mine == theirs).all(axis=1)))


def _beats(read):
    """The frames on which a beat begins."""
    beat = ear.beat_frames(read.metre)
    return np.arange(read.upbeat % beat, len(read.voices), beat)


def _classes(pitch):
    """Pitches (frames, 4), -1 for silence -> bool (frames, 12)."""
    return ((pitch[..., None] % 12 == np.arange(12)) & (pitch[..., None] >= 0)).any(axis=1)


def _share(found, where):
    return float((found & where).sum() / where.sum()) if where.any() else np.nan
