"""Measures of windows: how far music is from Bach, by numbers that distinguish real chorales from chance.

Windows as in `music.windows`. A value is NaN if a window leaves it undefined, such as the dissonance of silence. Values
of Bach and of chance: notebook 01, "Bach and the baselines".
"""

from itertools import combinations

import numpy as np
from scipy.spatial import distance

from utils.music import midi
from utils.music.windows import (BEAT_FRAMES, NUM_CLASSES, NUM_VOICES, PERFECT, as_windows, fold,
                                 four_bar_windows, ratio, steps, voices)

KEY = (0, 2, 4, 5, 7, 8, 9, 11)  # C major, and A minor with its leading tone G sharp
DISSONANT = (1, 2, 6, 10, 11)  # semitones modulo 12: seconds, sevenths and tritone, interval classes 1, 2 and 6
TRIADS = (0, 4, 7), (0, 3, 7), (0, 3, 6)  # semitones above the root: major, minor, diminished
SEVENTHS = (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10), (0, 3, 6, 10), (0, 3, 6, 9)
CHORDS = TRIADS + SEVENTHS
STEP_SIZES = (1, 3, 5, 8, midi.NUM_PITCHES)  # semitones: seconds, thirds, fourths to fifths, wider


def _chord_tables():
    """All chords on all roots, as unit vectors (roots, chords, classes), and the pitch-class sets that count as one."""
    vectors = np.zeros((NUM_CLASSES, len(CHORDS), NUM_CLASSES))
    passes = np.zeros(2**NUM_CLASSES, bool)  # index: the set, with class c as bit c
    for root in range(NUM_CLASSES):
        for number, chord in enumerate(CHORDS):
            vectors[root, number, np.add(root, chord) % NUM_CLASSES] = len(chord) ** -0.5
            for classes in (chord, *combinations(chord, len(chord) - 1)):
                passes[sum(1 << (root + c) % NUM_CLASSES for c in classes)] = True
    return vectors, passes


_CHORD_VECTORS, _IS_CHORD = _chord_tables()


def measure(windows, bar_frames=16):
    """Compute the measures that separate Bach from chance, window by window.

    Args: windows: uint8 (windows, frames, 128), key-normalised, from a barline. bar_frames: 16 in 4/4, 12 in 3/4.
    Returns: dict of float64 (windows,):
        notes_per_bar: attacks per bar.
        odd_onsets: share of the attacks that fall on the second or fourth sixteenth of a beat.
        chord_rate: share of sounding beats that begin with a triad or seventh chord, of which one class may be missing.
        dissonance: share of voice pairs, over all frames, that form a second, a seventh or a tritone.
        in_key: share of sounding cells in C major or A minor, with both G and G sharp.
        melodic_interval: mean size in semitones of the voices' `steps`; repeated notes do not count.
        parallels: pairs of voices per bar that move in parallel, from fifth to fifth or octave (unison) to octave.
    Raises: ValueError for another shape, or frames that are not a whole number of bars.
    Source: Huron 2001, Tone and Voice, for steps and parallels. Notebook: 01, "Bach and the baselines".
    """
    windows = as_windows(windows, bar_frames)
    bars = windows.shape[1] / bar_frames
    sounding, onsets = windows != 0, np.sum(windows == 1, axis=2)  # (windows, frames, 128) and (windows, frames)
    heard = fold(sounding[:, ::BEAT_FRAMES]) > 0  # (windows, beats, classes)
    classes = fold(sounding.sum(axis=1))  # (windows, 12)
    by_rank, moves = voices(windows), steps(windows)
    upper, lower = np.triu_indices(NUM_VOICES, 1)
    pairs = by_rank[..., lower] >= 0  # (windows, frames, 6)
    intervals = (by_rank[..., upper] - by_rank[..., lower]) % NUM_CLASSES
    same_way = np.sign(moves[..., upper]) * np.sign(moves[..., lower]) > 0
    parallel = same_way & np.isin(intervals[:, 1:], PERFECT) & (intervals[:, 1:] == intervals[:, :-1])
    return {
        "notes_per_bar": onsets.sum(axis=1) / bars,
        "odd_onsets": ratio(onsets[:, 1::2], onsets),
        "chord_rate": ratio(is_chord(heard), heard.any(axis=2)),
        "dissonance": ratio(pairs & np.isin(intervals, DISSONANT), pairs),
        "in_key": ratio(classes[:, KEY], classes),
        "melodic_interval": ratio(np.abs(moves), moves != 0),
        "parallels": parallel.sum(axis=(1, 2)) / bars,
    }


def is_chord(classes):
    """Whether pitch classes, bool (..., 12), are a triad or seventh chord; one class may be missing."""
    return _IS_CHORD[classes @ (1 << np.arange(NUM_CLASSES))]


def summary(measures):
    """Summarise measures over windows.

    Args: measures: dict from name to float (windows,), as `measure` returns; NaN is ignored.
    Returns: dict from name to (mean, 5th percentile, 95th percentile), three NaN if no window has a value.
    """
    defined = {name: values[np.isfinite(values)] for name, values in measures.items()}
    return {name: tuple(map(float, (values.mean(), *np.percentile(values, (5, 95))))) if len(values) else (np.nan,) * 3
            for name, values in defined.items()}


def counts(windows):
    """Count what many papers report, though chance passes it.

    Args: windows: uint8 (windows, frames, 128).
    Returns: dict of float64 (windows,), NaN for silence: polyphony, pitches per sounding frame; polyphony_rate, share
        of frames with at least two; pitch_range in semitones; pitches and pitch_classes, how many different ones are
        struck; pitch_class_entropy of the struck, in bits.
    Raises: ValueError for another shape.
    Source: Dong et al. 2020, MusPy, section 5. Notebook: 05, "The table".
    """
    windows = as_windows(windows)
    sounding, struck = np.sum(windows != 0, axis=2), np.sum(windows == 1, axis=1)
    classes = fold(struck)
    silent = ~struck.any(axis=1)
    share = classes / np.maximum(classes.sum(axis=1, keepdims=True), 1)
    highest = midi.NUM_PITCHES - 1 - np.argmax(struck[:, ::-1] > 0, axis=1)
    found = {
        "polyphony": ratio(sounding, sounding > 0),
        "polyphony_rate": np.mean(sounding > 1, axis=1),
        "pitch_range": highest - np.argmax(struck > 0, axis=1),
        "pitches": np.sum(struck > 0, axis=1),
        "pitch_classes": np.sum(classes > 0, axis=1),
        "pitch_class_entropy": -np.sum(share * np.log2(np.where(share > 0, share, 1)), axis=1),
    }
    return {name: np.where(silent, np.nan, values) for name, values in found.items()}


def interval(values, groups, seed=0, num_draws=1000):
    """Compute a confidence interval of a mean over windows, when windows of the same piece are not independent.

    Args: values: float (windows,), NaN where undefined. groups: (windows,), the piece of each. seed: int. num_draws:
        number of bootstrap samples; each draws as many whole pieces with replacement.
    Returns: (low, high), the 95 % interval of the mean; NaN if no window has a value.
    Raises: ValueError for groups of another number.
    Source: Efron and Tibshirani 1993, An introduction to the bootstrap, chapter 13. Notebook: 05, "The table".
    """
    values, groups = np.asarray(values, float), np.asarray(groups)
    if values.shape != groups.shape:
        raise ValueError(f"{len(values)} values in {len(groups)} groups: name the piece of each window")
    defined = np.isfinite(values)
    if not defined.any():
        return np.nan, np.nan
    _, piece = np.unique(groups[defined], return_inverse=True)
    sums, counts = np.bincount(piece, values[defined]), np.bincount(piece)
    drawn = np.random.default_rng(seed).integers(len(counts), size=(num_draws, len(counts)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


def features(windows, bar_frames=16):
    """Describe each window by numbers whose distances can be compared.

    Args: windows: uint8 (windows, frames, 128), key-normalised. bar_frames: 16 in 4/4, 12 in 3/4.
    Returns: float64 (windows, 19): the seven of `measure`; each voice's mean pitch; the share of attacks on each
        sixteenth of the beat; the share of steps that are seconds, thirds, fourths or fifths, wider. Undefined values
        are 0.
    Raises: ValueError as `measure`.
    Notebook: 05.
    """
    windows = as_windows(windows, bar_frames)
    onsets, by_rank, sizes = np.sum(windows == 1, axis=2), voices(windows), np.abs(steps(windows))
    return np.nan_to_num(np.column_stack([
        *measure(windows, bar_frames).values(),
        ratio(np.maximum(by_rank, 0), by_rank >= 0, axis=1),
        *[ratio(onsets[:, sixteenth::BEAT_FRAMES], onsets) for sixteenth in range(BEAT_FRAMES)],
        *[ratio((sizes >= low) & (sizes < high), sizes > 0) for low, high in zip(STEP_SIZES, STEP_SIZES[1:])],
    ]))


def root_transitions(windows):
    """Count which chord root follows which.

    The chord of a beat is the triad or seventh chord with the largest cosine to the time that each pitch class sounds.
    Of equally close chords, the one whose root is the fewest semitones above the bass is taken.

    Args: windows: uint8 (windows, frames, 128), key-normalised, whole beats.
    Returns: int64 (12, 12), from a beat's root (rows, C = 0) to the next beat's root (columns). The diagonal is 0,
        because a repeated chord is not a progression; a silent beat ends a progression.
    Raises: ValueError for another shape, or a beat cut short.
    Source: Müller 2015, Fundamentals of Music Processing, section 5.2. Notebook: 01, "Bach and the baselines".
    """
    sounding = as_windows(windows, BEAT_FRAMES) != 0
    num, frames, _ = sounding.shape
    beats = sounding.reshape(num, frames // BEAT_FRAMES, BEAT_FRAMES, midi.NUM_PITCHES).sum(axis=2)
    bass = np.argmax(beats != 0, axis=2)
    above_bass = np.take_along_axis(fold(beats), (bass[..., None] + np.arange(NUM_CLASSES)) % NUM_CLASSES, axis=2)
    closest = np.argmax(above_bass @ _CHORD_VECTORS.reshape(-1, NUM_CLASSES).T, axis=2)  # of equals the first
    roots = np.where(beats.any(axis=2), (bass + closest // len(CHORDS)) % NUM_CLASSES, -1)
    now, after = roots[:, :-1], roots[:, 1:]
    moves = (now >= 0) & (after >= 0) & (now != after)
    counts = np.bincount(NUM_CLASSES * now[moves] + after[moves], minlength=NUM_CLASSES**2)
    return counts.reshape(NUM_CLASSES, NUM_CLASSES)


def root_divergence(windows, reference):
    """Compare the chord progressions of two sets of windows.

    Args: windows, reference: uint8 (windows, frames, 128), key-normalised. Small sets diverge by chance: compare with
        as many windows of Bach.
    Returns: float, Jensen-Shannon divergence of the root transitions in bits, from 0 (equal) to 1; NaN without
        transitions.
    Raises: ValueError as `root_transitions`.
    Source: Lin 1991, Divergence measures based on the Shannon entropy. Notebook: 01, "Bach and the baselines".
    """
    counts = [root_transitions(each).ravel() for each in (windows, reference)]
    return float(distance.jensenshannon(*counts, base=2) ** 2) if all(map(np.any, counts)) else np.nan


def self_similarity(roll, upbeat=0, bar_frames=16, max_lag=16):
    """Measure how similar a bar is to the bar some bars before: long-term form, which a short memory cannot write.

    Args: roll: uint8 (frames, 128), a whole piece. upbeat: frames before the first barline. bar_frames: frames per bar.
        max_lag: the largest distance in bars.
    Returns: float64 (max_lag,), for lags of 1 to max_lag bars the mean cosine between the pitch classes of two bars,
        sounding or not, frame by frame; 0 to 1, and NaN if no two sounding bars have this distance.
    Raises: ValueError as `four_bar_windows`.
    Source: Foote 1999, Visualizing music and audio using self-similarity. Notebook: 01, "Bach and the baselines".
    """
    bars = fold(four_bar_windows(roll, upbeat, bar_frames, bars=1) != 0) > 0  # (bars, frames, 12)
    vectors = bars.reshape(len(bars), bar_frames * NUM_CLASSES).astype(float)
    norms = np.linalg.norm(vectors, axis=1)
    cosines, defined = vectors @ vectors.T, np.outer(norms, norms)
    cosines = np.divide(cosines, defined, out=np.zeros_like(cosines), where=defined > 0)
    by_lag = [ratio(np.diagonal(cosines, lag)[None], np.diagonal(defined > 0, lag)[None])
              for lag in range(1, max_lag + 1)]
    return np.concatenate(by_lag)
