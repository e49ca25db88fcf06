"""Numbers about piano rolls: how far music is from Bach, by measures that tell real chorales from chance.

Windows are uint8 (windows, frames, 128) of 0 silent, 1 attacked, 2 held, cut by `four_bar_windows`; a frame is a
sixteenth, a beat four frames. The voices of a roll are its pitches from high to low, for Bach and machine alike. NaN is
what a window leaves undefined, such as the dissonance of silence. Bach's values and chance's: notebook 01, "Bach and the
floors".
"""

from itertools import combinations

import numpy as np
from scipy.spatial import distance

from utils import midi

BEAT_FRAMES = midi.STEPS_PER_QUARTER
NUM_VOICES = 4
NUM_CLASSES = 12  # pitch classes, C = 0
KEY = (0, 2, 4, 5, 7, 8, 9, 11)  # C major, and A minor with its leading tone G sharp
DISSONANT = (1, 2, 6, 10, 11)  # semitones modulo 12: seconds, sevenths, tritone, which are interval classes 1, 2 and 6
PERFECT = (0, 7)  # semitones modulo 12: unison or octave, fifth
TRIADS = (0, 4, 7), (0, 3, 7), (0, 3, 6)  # semitones above the root: major, minor, diminished
SEVENTHS = (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10), (0, 3, 6, 10), (0, 3, 6, 9)
CHORDS = TRIADS + SEVENTHS
COLLAPSED_NN, COLLAPSED_UNIQUE = 0.5, 0.9  # below either a generator has collapsed
NOISE_IN_KEY, NOISE_CHORD_RATE = 0.85, 0.55  # below either it writes noise
STEP_SIZES = (1, 3, 5, 8, midi.NUM_PITCHES)  # semitones: seconds, thirds, fourths to fifths, wider


def _chord_tables():
    """All chords on all roots, as unit vectors (roots, chords, classes), and the pitch-class sets that pass for one."""
    vectors = np.zeros((NUM_CLASSES, len(CHORDS), NUM_CLASSES))
    passes = np.zeros(2**NUM_CLASSES, bool)  # by set, class c as bit c
    for root in range(NUM_CLASSES):
        for number, chord in enumerate(CHORDS):
            vectors[root, number, np.add(root, chord) % NUM_CLASSES] = len(chord) ** -0.5
            for classes in (chord, *combinations(chord, len(chord) - 1)):
                passes[sum(1 << (root + c) % NUM_CLASSES for c in classes)] = True
    return vectors, passes


_CHORD_VECTORS, _IS_CHORD = _chord_tables()

# ---------------------------------------------------------------------------------------------- windows and voices


def four_bar_windows(roll, upbeat=0, bar_frames=16, semitones=0, bars=4):
    """Cut a piece into windows that start on a barline and do not overlap; bars that fill no window are dropped.

    A note held into a window is struck again on its first frame, for nothing before it can be heard.

    Args: roll: uint8 (frames, 128). upbeat: frames before the first barline. bar_frames: frames in a bar, 16 in 4/4 and
        12 in 3/4. semitones: what transposes the piece to C major or A minor. bars: length of a window.
    Returns: uint8 (windows, bars * bar_frames, 128); no windows where the piece is too short.
    Raises: ValueError for an array that is no roll, bars without length, or a note pushed out of MIDI's range.
    Notebook: 01, "Bach and the floors".
    """
    roll, length = _as_piece(roll), bars * bar_frames
    if length < 1 or upbeat < 0:
        raise ValueError(f"{bars} bars of {bar_frames} frames, upbeat {upbeat}: give 16 frames for 4/4, 12 for 3/4")
    moved, num = midi.transpose(roll, semitones), max(len(roll) - upbeat, 0) // length
    return struck(moved[upbeat:upbeat + num * length].reshape(num, length, midi.NUM_PITCHES))


def windows(pieces, bars=4, metre=(4, 4), hop=None):
    """Cut all pieces of one metre into windows, in C major or A minor.

    Args: pieces: as `data.pieces` gives them, or anything else with roll, upbeat, bar_frames, semitones and metre.
        bars: length of a window. metre: (numerator, denominator); pieces in others are passed over. hop: bars from one
        window to the next, a divisor of `bars`; None for windows that do not overlap.
    Returns: uint8 (windows, bars * bar_frames, 128), piece after piece.
    Raises: ValueError where no piece is in that metre, for another hop, and as `four_bar_windows`.
    Notebook: 01, "Bach and the floors".
    """
    chosen = [piece for piece in pieces if piece.metre == metre]
    if not chosen:
        raise ValueError(f"none of {len(pieces)} pieces is in {metre[0]}/{metre[1]}: choose another metre")
    hop = hop or bars
    if hop < 1 or bars % hop:
        raise ValueError(f"windows of {bars} bars every {hop}: give a divisor of {bars}")
    return np.concatenate([
        four_bar_windows(piece.roll, piece.upbeat + skipped * piece.bar_frames, piece.bar_frames, piece.semitones, bars)
        for piece in chosen for skipped in range(0, bars, hop)])


def struck(windows):
    """Strike each held cell that has nothing to hold: on the first frame of a window, or after silence.

    Args: windows: uint8 (windows, frames, 128).
    Returns: a copy of the same shape, in which every note begins with its attack.
    """
    silent_before = np.ones_like(windows, bool)
    silent_before[:, 1:] = windows[:, :-1] == 0
    return np.where(silent_before & (windows != 0), np.uint8(1), windows)


def as_windows(windows, multiple=1):
    """Take windows as an array, or say why they are none.

    Args: windows: uint8 (windows, frames, 128). multiple: what its frames must be a multiple of, a bar's frames.
    Returns: the same as an array.
    Raises: ValueError for another shape, floats or booleans, or frames that are no such multiple.
    """
    windows = np.asarray(windows)
    if windows.ndim != 3 or windows.shape[2] != midi.NUM_PITCHES or windows.dtype.kind not in "ui":
        raise ValueError(f"windows of shape {windows.shape}, {windows.dtype}: pass uint8 (windows, frames, 128) as "
                         "four_bar_windows cuts them, or roll[None] for a single roll")
    if multiple < 1 or windows.shape[1] % multiple:
        raise ValueError(f"windows of {windows.shape[1]} frames are no multiple of {multiple} frames: cut whole bars, "
                         "and pass bar_frames=16 for 4/4 or 12 for 3/4")
    return windows


def voices(windows):
    """Read voices off a roll by rank, from the highest pitch of each frame to the lowest.

    Args: windows: uint8 (windows, frames, 128).
    Returns: int16 (windows, frames, 4), pitches from high to low; -1 where fewer sound; of more than four, the three
        highest and the lowest.
    Raises: ValueError for another shape.
    """
    windows = as_windows(windows)
    frame, pitch = np.nonzero(windows.reshape(-1, midi.NUM_PITCHES))  # pitches of a frame ascend
    count = np.bincount(frame, minlength=windows.shape[0] * windows.shape[1])
    rank = np.cumsum(count)[frame] - 1 - np.arange(len(frame))  # 0 is the highest of its frame
    kept = (rank < NUM_VOICES - 1) | (rank == count[frame] - 1)
    by_rank = np.full((len(count), NUM_VOICES), -1, np.int16)
    by_rank[frame[kept], np.minimum(rank[kept], NUM_VOICES - 1)] = pitch[kept]
    return by_rank.reshape(*windows.shape[:2], NUM_VOICES)


def steps(windows):
    """Find where voices move: a voice strikes another pitch than it had on the frame before.

    Only frames with as many voices as the frame before are looked at: elsewhere a rank is not one and the same voice.

    Args: windows: uint8 (windows, frames, 128).
    Returns: int16 (windows, frames - 1, 4), semitones from each frame to the next, 0 where a voice does not move.
    Raises: ValueError for another shape.
    """
    windows, by_rank = as_windows(windows), voices(windows)
    sounding = by_rank >= 0
    attacked = np.take_along_axis(windows, np.maximum(by_rank, 0), axis=2) == 1
    same_count = np.all(sounding[:, 1:] == sounding[:, :-1], axis=2, keepdims=True)
    return np.where(same_count & sounding[:, 1:] & attacked[:, 1:], np.diff(by_rank, axis=1), 0)


# ---------------------------------------------------------------------------------------------- rhythm, harmony, melody


def measure(windows, bar_frames=16):
    """Take the measures that separate Bach from chance, window by window.

    Args: windows: uint8 (windows, frames, 128), key-normalised, from a barline. bar_frames: 16 in 4/4, 12 in 3/4.
    Returns: dict of float64 (windows,):
        notes_per_bar: attacks a bar.
        odd_onsets: share of the attacks that fall on the second or fourth sixteenth of a beat.
        chord_rate: share of beats, of those that sound, whose first frame is a triad or seventh chord, or one but for a
            class that is missing.
        dissonance: share of voice pairs, over all frames, that form a second, a seventh or a tritone.
        in_key: share of sounding cells in C major or A minor, with both G and G sharp.
        melodic_interval: mean size in semitones of the voices' `steps`; repeated notes do not count.
        parallels: pairs of voices a bar that step the same way, fifth to fifth or octave to octave or unison.
    Raises: ValueError for another shape, or frames that are no whole number of bars.
    Source: Huron 2001, Tone and Voice, for steps and parallels. Notebook: 01, "Bach and the floors".
    """
    windows = as_windows(windows, bar_frames)
    bars = windows.shape[1] / bar_frames
    sounding, onsets = windows != 0, np.sum(windows == 1, axis=2)  # (windows, frames, 128) and (windows, frames)
    chords = (fold(sounding[:, ::BEAT_FRAMES]) > 0) @ (1 << np.arange(NUM_CLASSES))  # (windows, beats), a bit a class
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
        "chord_rate": ratio(_IS_CHORD[chords], chords != 0),
        "dissonance": ratio(pairs & np.isin(intervals, DISSONANT), pairs),
        "in_key": ratio(classes[:, KEY], classes),
        "melodic_interval": ratio(np.abs(moves), moves != 0),
        "parallels": parallel.sum(axis=(1, 2)) / bars,
    }


def summary(measures):
    """Sum measures up over windows.

    Args: measures: dict from name to float (windows,), as `measure` returns; NaN is left out.
    Returns: dict from name to (mean, 5th percentile, 95th percentile), three NaN where no window has a value.
    """
    defined = {name: values[np.isfinite(values)] for name, values in measures.items()}
    return {name: tuple(map(float, (values.mean(), *np.percentile(values, (5, 95))))) if len(values) else (np.nan,) * 3
            for name, values in defined.items()}


def interval(values, groups, seed=0, num_draws=1000):
    """Tell how sure a mean over windows is, where the windows of a piece are no independent witnesses.

    Args: values: float (windows,), NaN where undefined. groups: (windows,), the piece of each. seed: int. num_draws: how
        often as many pieces are drawn anew, each as a whole.
    Returns: (low, high), the mean's 95 % interval; NaN where no window has a value.
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


def root_transitions(windows):
    """Count which chord root follows which.

    A beat's chord is the triad or seventh chord closest, by cosine, to how long each pitch class sounds in the beat; of
    several as close, the one whose root is the fewest semitones above the bass.

    Args: windows: uint8 (windows, frames, 128), key-normalised, whole beats.
    Returns: int64 (12, 12), from a beat's root (rows, C = 0) to the next beat's root (columns). The diagonal is 0: a
        chord that stays is no progression; a silent beat ends one.
    Raises: ValueError for another shape, or a beat cut short.
    Source: Müller 2015, Fundamentals of Music Processing, section 5.2. Notebook: 01, "Bach and the floors".
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

    Args: windows, reference: uint8 (windows, frames, 128), key-normalised. Few windows diverge by chance alone: see
        what as many of Bach's own give.
    Returns: float, Jensen-Shannon divergence of the root transitions in bits, 0 equal to 1; NaN without transitions.
    Raises: ValueError as `root_transitions`.
    Source: Lin 1991, Divergence measures based on the Shannon entropy. Notebook: 01, "Bach and the floors".
    """
    counts = [root_transitions(each).ravel() for each in (windows, reference)]
    return float(distance.jensenshannon(*counts, base=2) ** 2) if all(map(np.any, counts)) else np.nan


def self_similarity(roll, upbeat=0, bar_frames=16, max_lag=16):
    """Tell how much a bar resembles the bar some bars before: the long form that a short memory lacks.

    Args: roll: uint8 (frames, 128), a whole piece. upbeat: frames before the first barline. bar_frames: a bar's frames.
        max_lag: the farthest bar compared.
    Returns: float64 (max_lag,), for lags of 1 to max_lag bars the mean cosine between two bars' pitch classes, sounding
        or not, frame by frame; 0 to 1, and NaN where no two sounding bars lie that far apart.
    Raises: ValueError as `four_bar_windows`.
    Source: Foote 1999, Visualizing music and audio using self-similarity. Notebook: 01, "Bach and the floors".
    """
    bars = fold(four_bar_windows(roll, upbeat, bar_frames, bars=1) != 0) > 0  # (bars, frames, 12)
    vectors = bars.reshape(len(bars), bar_frames * NUM_CLASSES).astype(float)
    norms = np.linalg.norm(vectors, axis=1)
    cosines, defined = vectors @ vectors.T, np.outer(norms, norms)
    cosines = np.divide(cosines, defined, out=np.zeros_like(cosines), where=defined > 0)
    by_lag = [ratio(np.diagonal(cosines, lag)[None], np.diagonal(defined > 0, lag)[None])
              for lag in range(1, max_lag + 1)]
    return np.concatenate(by_lag)


def closes(roll, tonic):
    """Tell whether a piece ends at home: its last chord a major or minor triad of the tonic, the tonic in the bass.

    Args: roll: uint8 (frames, 128), a whole piece. tonic: pitch class 0 to 11. The fifth may be missing, the third not.
    Returns: bool; False for silence.
    Notebook: 02, "The composers".
    """
    sounds = np.flatnonzero(_as_piece(roll).any(axis=1))
    if not sounds.size:
        return False
    pitches = np.flatnonzero(roll[sounds[-1]])
    above = set(((pitches - tonic) % NUM_CLASSES).tolist())
    return bool(pitches[0] % NUM_CLASSES == tonic % NUM_CLASSES and len(above & {3, 4}) == 1 and above <= {0, 3, 4, 7})


# ---------------------------------------------------------------------------------------------- copying and variety


class CopyIndex:
    """Remember rolls, and find what another roll has copied from them, in any one transposition.

    What counts is which pitches sound on a frame, not which are struck. Silence may stand inside a copied run, but is
    itself no copy.

    Args: rolls: list of uint8 (frames, 128), whole pieces.
    Raises: ValueError without rolls, or for an array that is no roll.
    Notebook: 01, "Bach and the floors".
    """

    def __init__(self, rolls):
        if not len(rolls):
            raise ValueError("no rolls to remember: pass the training pieces")
        chords, moves = zip(*map(_names, rolls))
        self._chords, moves = np.unique(np.concatenate(chords)), np.concatenate(moves)
        self._places = np.argsort(moves, kind="stable")  # places of equal moves side by side
        self._moves = moves[self._places]

    def longest(self, roll):
        """Measure the longest verbatim run: roll uint8 (frames, 128) -> int, the sounding frames in it."""
        sounds = np.any(_as_piece(roll), axis=1)
        return int(self._runs(roll, sounds.astype(int)).max(initial=0))

    def seen(self, roll, length=8):
        """Tell how much is copied: roll -> the share of its stretches of `length` frames, begun by a sound; or NaN."""
        begins = np.any(_as_piece(roll), axis=1)[:max(len(roll) - length + 1, 0)]
        ends = self._runs(roll, np.ones(len(roll), int))[length - 1:]
        return float(np.mean(ends[begins] >= length)) if begins.any() else np.nan

    def _runs(self, roll, weight):
        """The heaviest copied run that ends on each frame, by the weight of its frames."""
        chords, moves = _names(roll)
        heaviest = weight * np.isin(chords, self._chords)
        first, last = (np.searchsorted(self._moves, moves, side) for side in ("left", "right"))
        run, before = np.zeros(len(self._places), int), []  # the weight of the run that has come to each place
        for time in range(1, len(roll)):
            here = self._places[first[time]:last[time]]
            grown = np.maximum(run[here - 1], weight[time - 1]) + weight[time]
            run[before] = 0
            run[here], before = grown, here
            heaviest[time] = grown.max(initial=heaviest[time])
        return heaviest


def nn(samples, reference):
    """Tell mode collapse: how near samples lie to one another, against how near the reference's windows do.

    Args: samples, reference: uint8 (windows, frames, 128), equally long. The larger set is thinned out evenly to the
        size of the smaller one, because more windows lie nearer.
    Returns: float, the median Hamming distance from a sample's sounding cells to the nearest other sample's, divided by
        the same for the reference: 0 for a single tune, 1 for Bach's variety. Below 0.5 a generator has collapsed.
    Raises: ValueError for fewer than two windows, different lengths, or a reference that repeats itself.
    Notebook: 04, "Is it collapse?".
    """
    samples, reference = as_windows(samples), as_windows(reference)
    size = min(len(samples), len(reference))
    if size < 2 or samples.shape[1] != reference.shape[1]:
        raise ValueError(f"samples of shape {samples.shape}, reference of shape {reference.shape}: "
                         "pass at least two windows of each, with equally many frames")
    near, near_reference = (_nearest(each[np.arange(size) * len(each) // size]) for each in (samples, reference))
    if near_reference == 0:
        raise ValueError("most windows of the reference have a twin: leave its repetitions out")
    return near / near_reference


def unique(samples):
    """Count distinct samples: uint8 (windows, frames, 128) -> their share, by sounding cells; NaN without samples."""
    cells = as_windows(samples) != 0
    return len({cell.tobytes() for cell in np.packbits(cells, axis=2)}) / len(cells) if len(cells) else np.nan


def features(windows, bar_frames=16):
    """Describe each window by numbers whose distances mean something.

    Args: windows: uint8 (windows, frames, 128), key-normalised. bar_frames: 16 in 4/4, 12 in 3/4.
    Returns: float64 (windows, 19): the seven of `measure`; each voice's mean pitch; the share of attacks on each
        sixteenth of the beat; the share of steps that are seconds, thirds, fourths or fifths, wider. Undefined is 0.
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


def precision_coverage(samples, reference, k=5):
    """Tell quality from variety: how many samples look like the reference, and how much of it has a sample that does.

    Around each window of the reference lies a ball that reaches to its k-th neighbour in the reference.

    Args: samples, reference: float (windows, features), as `features` returns; both are standardised by the reference.
        k: neighbours. Figures compare only at equal k and equal numbers of windows.
    Returns: (precision, coverage): the share of samples in any ball, and the share of balls that hold a sample.
    Raises: ValueError for no samples, or a reference of k windows or fewer.
    Source: Naeem et al. 2020, Reliable fidelity and diversity metrics, sections 2.2 and 3. Notebook: 05.
    """
    if len(reference) <= k or not len(samples):
        raise ValueError(f"{len(samples)} samples, {len(reference)} windows of reference: pass samples, and over k={k}")
    mean, spread = reference.mean(axis=0), reference.std(axis=0)
    samples, reference = ((each - mean) / np.where(spread > 0, spread, 1) for each in (samples, reference))
    radius = np.partition(distance.cdist(reference, reference), k, axis=1)[:, k]  # number 0 is the window itself
    inside = distance.cdist(reference, samples) < radius[:, None]
    return float(inside.any(axis=0).mean()), float(inside.any(axis=1).mean())


def collapse(samples, reference, bar_frames=16):
    """Tell whether a generator has collapsed, writes noise, or is healthy.

    Args: samples: uint8 (windows, frames, 128), 256 or so. reference: windows of training, key-normalised, encoded and
        decoded as the samples were. bar_frames: 16 in 4/4, 12 in 3/4.
    Returns: dict: nn and unique as the functions of these names, coverage of `precision_coverage` over `features`, in_key
        and chord_rate as means over the samples that sound, and verdict: "collapsed" for nn below 0.5 or unique below
        0.9; else "noise" for in_key below 0.85 or chord_rate below 0.55, or for silence; else "healthy".
    Raises: ValueError as `nn` and `measure`.
    Source: the thresholds lie between Bach and floors. Notebook: 04, "Is it collapse?".
    """
    measures = measure(samples, bar_frames)
    sounds = as_windows(samples).any(axis=(1, 2))
    _, coverage = precision_coverage(features(samples, bar_frames), features(reference, bar_frames))
    found = {"nn": nn(samples, reference), "unique": unique(samples), "coverage": coverage} | {
        name: float(measures[name][sounds].mean()) if sounds.any() else np.nan for name in ("in_key", "chord_rate")}
    if found["nn"] < COLLAPSED_NN or found["unique"] < COLLAPSED_UNIQUE:
        verdict = "collapsed"
    elif found["in_key"] >= NOISE_IN_KEY and found["chord_rate"] >= NOISE_CHORD_RATE:
        verdict = "healthy"
    else:
        verdict = "noise"
    return found | {"verdict": verdict}


# ---------------------------------------------------------------------------------------------- helpers


def _as_piece(roll):
    """The roll of one piece as an array, or why it is none."""
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != midi.NUM_PITCHES or roll.dtype.kind not in "ui":
        raise ValueError(f"a roll of shape {roll.shape}, {roll.dtype}: pass one piece, uint8 (frames, 128)")
    return roll


def ratio(part, whole, axis=None):
    """Sum of part / sum of whole, over all axes but the first unless told; NaN where the whole is 0."""
    axis = tuple(range(1, whole.ndim)) if axis is None else axis
    total = whole.sum(axis=axis)
    return np.divide(part.sum(axis=axis), total, out=np.full(total.shape, np.nan), where=total > 0)


def fold(cells):
    """Sum cells (..., 128) by pitch class (..., 12)."""
    octaves = -(-midi.NUM_PITCHES // NUM_CLASSES)  # the highest one cut short
    padding = [(0, 0)] * (cells.ndim - 1) + [(0, octaves * NUM_CLASSES - midi.NUM_PITCHES)]
    return np.pad(cells, padding).reshape(*cells.shape[:-1], octaves, NUM_CLASSES).sum(axis=-2)


def _names(roll):
    """Name each frame's chord, and each move from frame to frame, alike in every key: two of uint64 (frames,)."""
    sounding = _as_piece(roll) != 0
    lowest = sounding.argmax(axis=1)
    above_lowest = (lowest[:, None] + np.arange(midi.NUM_PITCHES)) % midi.NUM_PITCHES
    odd = 2 * np.random.default_rng(0).integers(2**63, size=5, dtype=np.uint64) + 1  # the same hashes on every run
    chords = np.packbits(np.take_along_axis(sounding, above_lowest, axis=1), axis=1).view(np.uint64) @ odd[:2]
    last_sounding = np.maximum.accumulate(np.where(sounding.any(axis=1), np.arange(len(roll)), 0))
    leaps = np.diff(lowest[last_sounding], prepend=0).astype(np.uint64)  # across a rest, from the pitch before it
    moves = np.concatenate([chords[:1], chords[:-1]]) * odd[2] + chords * odd[3] + leaps * odd[4]
    moves[:1] = 0  # nothing leads to a first frame
    return chords, moves


def _nearest(windows):
    """Median Hamming distance from each window's sounding cells to the nearest other window's."""
    cells = (windows[..., windows.any(axis=(0, 1))] != 0).reshape(len(windows), -1).astype(np.float32)
    count = cells.sum(axis=1)
    distances = count[:, None] + count - 2 * cells @ cells.T
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))
