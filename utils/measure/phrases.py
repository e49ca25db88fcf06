"""Finer measures of windows: spacing of chords, ends of phrases, changes of harmony, and lengths of notes.

Windows as in `music.windows`. A *phrase end* here is a chord that all voices hold for more than a quarter, as chorales
do at the end of a phrase. In the training pieces in 4/4, over 90 % of these phrase ends have a fermata, but only four
in ten fermatas are such phrase ends. The others last a quarter and cannot be recognised without the score. Voices are
counted from the highest down. A roll does not say which voice sings what, so crossings of voices are not visible.
Bach's values: notebook 05, "The table".
"""

import numpy as np
from scipy.spatial import distance

from utils.measure import metrics
from utils.music import midi
from utils.music.windows import BEAT_FRAMES, NUM_CLASSES, as_windows, fold, ratio, voices

PHRASE_END_FRAMES = 5  # more than a quarter
WIDE = 12  # semitones: an octave, the usual limit between neighbouring upper voices
FIFTHS, MINOR_THIRDS, MAJOR_THIRDS = 7 * np.pi / 6, 3 * np.pi / 2, 2 * np.pi / 3  # radians per semitone
RADII = 1, 1, 0.5


def measure(windows, bar_frames=16):
    """Compute finer measures, window by window.

    Args: windows: uint8 (windows, frames, 128), key-normalised, from a barline. bar_frames: 16 in 4/4, 12 in 3/4.
    Returns: dict of float64 (windows,), NaN if a window leaves it undefined:
        groove: similarity of rhythm in neighbouring bars, the share of sixteenths with an attack in both or in neither.
        wide_spacing: share of frames of four voices in which soprano and alto, or alto and tenor, are more than an
            octave apart.
        tonal_step: mean distance between the tonal centroids of neighbouring beats; 0 where the harmony stays.
        returns: share of the steps of all voices, after the first, that go directly back to the pitch before.
        phrase_ends: phrase ends per bar.
        cadences: see `cadences`.
    Raises: ValueError for another shape, or frames that are not a whole number of bars.
    Source: Wu and Yang 2020, The Jazz Transformer on the front line (groove); Harte, Sandler and Gasser 2006, Detecting
        harmonic change in musical audio (tonal centroid); Huron 2001, Tone and Voice (spacing). Notebook: 05, "The
        table".
    """
    windows = as_windows(windows, bar_frames)
    onsets = np.any(windows == 1, axis=2)
    bars = onsets.reshape(len(windows), -1, bar_frames)
    alike = bars[:, 1:] == bars[:, :-1]
    by_rank = voices(windows)
    four = np.all(by_rank >= 0, axis=2)
    wide = np.any(by_rank[..., :2] - by_rank[..., 1:3] > WIDE, axis=2)
    path, sounds = centroids(windows)
    defined = sounds[:, 1:] & sounds[:, :-1]
    return {
        "groove": ratio(alike, np.ones_like(alike)),
        "wide_spacing": ratio(four & wide, four),
        "tonal_step": ratio(np.linalg.norm(np.diff(path, axis=1), axis=2) * defined, defined),
        "returns": returns(by_rank),
        "phrase_ends": phrase_ends(windows).sum(axis=1) / bars.shape[1],
        "cadences": cadences(windows),
    }


def returns(by_rank):
    """Compute the share of melodic steps that go directly back: float (windows,), NaN if no voice has two steps.

    Args: by_rank: int (windows, frames, voices), as `voices`. A step is to another pitch; silence is skipped.
    Notebook: 05, "The table".
    """
    back, total = np.zeros((2, len(by_rank)))
    for window, voice in np.ndindex(len(by_rank), by_rank.shape[2]):
        line = by_rank[window, :, voice]
        line = line[line >= 0]
        line = line[np.append(True, line[1:] != line[:-1])[:len(line)]]
        back[window] += np.sum(line[2:] == line[:-2])
        total[window] += max(len(line) - 2, 0)
    return np.divide(back, total, out=np.full(len(by_rank), np.nan), where=total > 0)


def phrase_ends(windows):
    """Find where phrases end: bool (windows, frames), true on the attack of a chord that is then held.

    It must be held for more than a quarter within the window. The end of the window does not count as its end, because
    the chord may be longer.
    """
    windows = as_windows(windows)
    onsets, sounds = np.any(windows == 1, axis=2), np.any(windows, axis=2)
    stays = np.ones((len(windows), max(windows.shape[1] - PHRASE_END_FRAMES + 1, 0)), bool)
    for later in range(1, PHRASE_END_FRAMES):
        end = later + stays.shape[1]
        stays &= ~onsets[:, later:end] & sounds[:, later:end]
    return onsets & np.pad(stays, [(0, 0), (0, windows.shape[1] - stays.shape[1])])


def cadences(windows):
    """Compute the share of each window's phrase ends that are a major or minor triad over its root.

    Args: windows: uint8 (windows, frames, 128); a piece may be passed as roll[None], of any length.
    Returns: float64 (windows,), NaN where no phrase ends. Notebook: 05, "The writers".
    """
    ends = phrase_ends(windows)
    return ratio(ends & on_its_root(voices(windows)), ends)


def centroids(windows):
    """Place each beat on the circles of fifths, minor thirds and major thirds.

    Args: windows: uint8 (windows, frames, 128), whole beats.
    Returns: (float64 (windows, beats, 6), bool (windows, beats)): the tonal centroids, two coordinates per circle, 0
        for silence; and which beats sound.
    """
    sounding = as_windows(windows, BEAT_FRAMES) != 0
    beats = sounding.reshape(len(sounding), -1, BEAT_FRAMES, midi.NUM_PITCHES).sum(axis=2)
    classes = fold(beats).astype(float)
    total = classes.sum(axis=2, keepdims=True)
    angles = np.outer((FIFTHS, MINOR_THIRDS, MAJOR_THIRDS), np.arange(NUM_CLASSES))
    radii = np.array(RADII)[:, None]
    circles = np.concatenate([radii * np.sin(angles), radii * np.cos(angles)])  # (6, 12)
    return classes @ circles.T / np.maximum(total, 1), total[..., 0] > 0


def lengths(windows):
    """Count the lengths of notes, onsets and phrases.

    Args: windows: uint8 (windows, frames, 128).
    Returns: dict of int64 counts, each (frames + 1,), by length in sixteenths: notes, from attack to end or to the end
        of the window; onsets, from one attack in any voice to the next; phrases, from one phrase end to the next.
    Raises: ValueError for another shape.
    """
    windows = as_windows(windows)
    frames = windows.shape[1]
    places = np.arange(frames + 1)[:, None]
    last = np.full((len(windows), 1, midi.NUM_PITCHES), frames)
    ends = np.concatenate([np.where(windows != 2, places[:-1], frames), last], axis=1)
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]  # for each frame the next frame where nothing is held
    notes = (ends[:, 1:] - places[:-1])[windows == 1]
    gaps = [np.concatenate([np.diff(np.flatnonzero(each)) for each in events] or [[]]).astype(int)
            for events in (np.any(windows == 1, axis=2), phrase_ends(windows))]
    return {name: np.bincount(values, minlength=frames + 1)
            for name, values in zip(("notes", "onsets", "phrases"), (notes, *gaps))}


def divergences(windows, reference):
    """Compare the lengths in two sets of windows.

    Args: windows, reference: uint8 (windows, frames, 128), equally long.
    Returns: dict of float, for notes, onsets and phrases of `lengths` the Jensen-Shannon divergence in bits, from 0
        (equal) to 1; NaN if one side has none. Small sets diverge by chance: compare with as many windows of Bach.
    Raises: ValueError for another shape, or windows of another length than the reference's.
    Source: Lin 1991, Divergence measures based on the Shannon entropy. Notebook: 05, "The table".
    """
    ours, theirs = lengths(windows), lengths(reference)
    if len(ours["notes"]) != len(theirs["notes"]):
        raise ValueError(f"windows of {len(ours['notes']) - 1} frames, reference of {len(theirs['notes']) - 1}: "
                         "cut both to the same length")
    return {name: float(distance.jensenshannon(ours[name], theirs[name], base=2) ** 2)
            if ours[name].any() and theirs[name].any() else np.nan for name in ours}


def on_its_root(by_rank):
    """Whether each frame of pitches from high to low (..., 4) is a triad, or one without its fifth, over its root."""
    bass = np.where(by_rank >= 0, by_rank, np.iinfo(np.int16).max).min(axis=-1, keepdims=True)
    above = np.where(by_rank >= 0, (by_rank - bass) % NUM_CLASSES, 0)
    return np.any([np.all(np.isin(above, triad), axis=-1) & np.any(above == triad[1], axis=-1)
                   for triad in metrics.TRIADS[:2]], axis=0)
