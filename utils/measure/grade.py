"""A grade for whole pieces in four voices: how far nine of their distributions are from Bach's; lower is more like him.

After the grading function of Fang et al., of which this keeps the nine features and mends what can be mended:
- *Distances follow the music.* Scale degrees lie on the circle of fifths, lengths on a logarithmic scale, melodic
  intervals in semitones. Chord types have no order: their distance is the share that would have to change (total
  variation).
- *Bach is graded on held-out pieces.* The pieces that a reference is learned from are graded, if at all, against the
  others.
- *Each feature counts alike.* Its distance is divided by that of a piece by Bach to his other training pieces, so that
  1 is usual for Bach; the grade is the mean of the nine. No weight is fitted.
- *Length does not help.* The distribution of a short piece is far from any other by chance alone. What is usual for
  Bach is learned as a function of how many notes, moves or bars were counted.
- *Voices are the singers'*, not ranks; lengths count in beats of the metre, chords on a beat and off it apart.

One weakness stays: what is nearest to an average need not be like any piece. Music that avoids all that is unusual has
parts below 1, and is graded as more like Bach than he is himself. So the parts should be read as well as their mean.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from utils.measure import metrics
from utils.music import grid, harmony, piece, voices, windows

NINE = ("pitch", "rhythm", "parallels", "harmony", "soprano", "alto", "tenor", "bass", "repetition")
MELODIES = NINE[4:8]
FIFTH = 7  # semitones
WIDEST = 24  # semitones of a melodic interval that are told apart
FINE = 12  # lengths told apart between one and its double
SHORTEST_BEATS, LONGEST_BEATS = -4, 5  # as powers of two
ALIKE = 40  # steps of similarity from none to all
MOST_LAG = 8  # bars
CHORD_TYPES = tuple(dict.fromkeys(harmony.QUALITIES.values()))
OTHER = 4  # clashing pairs from which on chords without a name are one type
MIN_BARS = 4
MIN_PIECES = 10  # to learn from
FARTHEST = 5  # semitones by which `moved_voices` moves one
SPOILED = -2, -1, 1, 2  # semitones from the right note to a wrong one
NUM_DRAWS = 1000  # of an interval
APART = {"pitch": 1.0, "rhythm": 1 / FINE, "parallels": 1.0, "repetition": 1 / ALIKE} | dict.fromkeys(MELODIES, 1.0)


class Features(NamedTuple):
    """Of one piece. mode: "major" or "minor". counts: dict from each of NINE to int (bins,)."""

    mode: str
    counts: dict


class Reference(NamedTuple):
    """What is Bach's. counts: dict from a feature, or from ("pitch", mode), to int (bins,), of all training pieces.
    usual: dict from a feature to (constant, slope): a piece with n counted is usually as far from the others as
    constant + slope / sqrt(n). fewest, most: dicts from a feature to the n between which this was learned.
    """

    counts: dict
    usual: dict
    fewest: dict
    most: dict


class Grades(NamedTuple):
    """Of pieces. total: float (pieces,), the mean of the parts, about 1 for Bach. parts: dict from each of NINE to
    float (pieces,).
    """

    total: np.ndarray
    parts: dict


class Pairs(NamedTuple):
    """How often the grade picks Bach in a pair, one piece by each: rate, and its 95 % interval from low to high."""

    rate: float
    low: float
    high: float


def why_not(read):
    """Say why a piece cannot be graded: piece.Piece -> str, empty where it can."""
    if read.voices.shape[1] != len(voices.SINGERS):
        return f"{read.voices.shape[1]} voices, not four"
    if len(read.roll) - read.upbeat < MIN_BARS * read.bar_frames:
        return f"shorter than {MIN_BARS} bars"
    silent = [name for name, struck in zip(MELODIES, voices.struck(read.voices).sum(axis=0)) if struck < 2]
    return f"{' and '.join(silent)} without a melody" if silent else ""


def features(read):
    """Count what a grade is made of.

    Args: read: piece.Piece of four voices, in any key and metre.
    Returns: Features: pitch, notes by scale degree, along the circle of fifths; rhythm, notes by length in beats;
        parallels, of the moves of two voices at once those that are no parallels and those that are; harmony, chords by
        type, on beats and off them, wherever a voice strikes; a singer's melodic intervals, by semitones down or up, 0
        for a repeated note; repetition, for each bar from the second on how alike it is to the most similar of the 8
        bars before.
    Raises: ValueError for a piece that cannot be graded, see `why_not`.
    Source: Fang et al. 2020, Bach or mock? A grading function for chorales in the style of J. S. Bach, table 1.
    Notebook: 05, "Whole pieces".
    """
    if reason := why_not(read):
        raise ValueError(f"{read.name}: {reason}: give a piece of {MIN_BARS} bars or more in four voices")
    notes, pitch = voices.to_notes(read.voices), voices.pitches(read.voices).astype(int)
    beat = grid.beat_frames(*read.metre)
    beats = (notes["end"] - notes["start"]) * windows.BEAT_FRAMES / beat
    length = np.rint(FINE * (np.clip(np.log2(beats), SHORTEST_BEATS, LONGEST_BEATS) - SHORTEST_BEATS)).astype(int)
    moves = np.where((pitch[1:] >= 0) & (pitch[:-1] >= 0), np.diff(pitch, axis=0) != 0, False).sum(axis=1)
    both, wrong = int((moves * (moves - 1) // 2).sum()), len(harmony.parallels(read))
    degrees = notes["pitch"].astype(int) - harmony.tonic(read)
    found = {"pitch": np.bincount(degrees * FIFTH % 12, minlength=12),
             "rhythm": np.bincount(length, minlength=FINE * (LONGEST_BEATS - SHORTEST_BEATS) + 1),
             "parallels": np.array([both - wrong, wrong]), "harmony": _chords(read, pitch, beat)}
    for voice, name in enumerate(MELODIES):
        line = notes["pitch"][notes["part"] == voice].astype(int)
        found[name] = np.bincount(np.clip(np.diff(line), -WIDEST, WIDEST) + WIDEST, minlength=2 * WIDEST + 1)
    return Features(read.mode, found | {"repetition": _repeated(read)})


def learn(pieces):
    """Learn from training pieces what is Bach's, and how far his pieces usually are from one another.

    Args: pieces: list of piece.Piece of four voices, ten or more, of which no near copy may be graded later.
    Returns: Reference.
    Raises: ValueError for fewer pieces, and as `features`.
    Notebook: 05, "Whole pieces".
    """
    if len(pieces) < MIN_PIECES:
        raise ValueError(f"{len(pieces)} pieces to learn a reference from: give {MIN_PIECES} or more")
    each, counts = list(map(features, pieces)), {}
    for one in each:
        for name in NINE:
            counts[_of(name, one.mode)] = counts.get(_of(name, one.mode), 0) + one.counts[name]
    usual, fewest, most = {}, {}, {}
    for name in NINE:
        apart = np.array([distance(name, one.counts[name], counts[_of(name, one.mode)] - one.counts[name])
                          for one in each])
        number = np.array([one.counts[name].sum() for one in each])
        known = np.isfinite(apart) & (number > 0)
        chance = 1 / np.sqrt(number[known])
        slope = max(np.polyfit(chance, apart[known], 1)[0], 0)
        slope = min(slope, apart[known].mean() / chance.mean())  # at most all of it is chance
        usual[name] = float(apart[known].mean() - slope * chance.mean()), float(slope)
        fewest[name], most[name] = int(number[known].min()), int(number[known].max())
    return Reference(counts, usual, fewest, most)


def grade(pieces, reference):
    """Grade pieces: the lower, the more like Bach.

    Args: pieces: list of piece.Piece of four voices. reference: as `learn` returns it; of other pieces.
    Returns: Grades.
    Raises: ValueError as `features`.
    Source: Fang et al. 2020. Notebook: 05, "Whole pieces".
    """
    parts = {name: np.zeros(len(pieces)) for name in NINE}
    for place, one in enumerate(map(features, pieces)):
        for name, counted in one.counts.items():
            constant, slope = reference.usual[name]
            number = np.clip(counted.sum(), reference.fewest[name], reference.most[name])
            apart = distance(name, counted, reference.counts.get(_of(name, one.mode), 0 * counted))
            parts[name][place] = apart / (constant + slope / np.sqrt(number))
    return Grades(np.nanmean(np.stack(list(parts.values())), axis=0) if pieces else np.zeros(0), parts)


def distance(name, counts, other):
    """Compare two distributions of one feature: float, from 0 for equal ones; NaN where one of them is empty.

    Args: name: one of NINE. counts, other: (bins,), as in `Features`. The distance is the Wasserstein distance:
        what has to be moved, times how far; for chord types each move is equally far.
    """
    if not np.any(counts) or not np.any(other):
        return np.nan
    change = counts / np.sum(counts) - other / np.sum(other)
    if name == "harmony":
        return float(np.abs(change).sum() / 2)
    flow = np.cumsum(change)
    if name == "pitch":  # round the circle the flow through one place is free: the median costs least
        flow -= np.median(flow)
    return float(np.abs(flow).sum() * APART[name])


def pairs(bach, others, seed=0):
    """Say how often the grade picks Bach, of a piece by him and one by another.

    Args: bach, others: float (pieces,), grades. seed: of the interval, for which each side's pieces are drawn
        anew.
    Returns: Pairs: 1 for always, 0.5 where the grade cannot tell; equal grades count half.
    Raises: ValueError without pieces on a side.
    Notebook: 05, "Whole pieces".
    """
    bach, others = np.asarray(bach, float), np.asarray(others, float)
    if not len(bach) or not len(others):
        raise ValueError(f"{len(bach)} and {len(others)} pieces to compare: give some of each")
    wins = (bach[:, None] < others) + (bach[:, None] == others) / 2
    rng = np.random.default_rng(seed)
    ours, theirs = (rng.multinomial(size, np.full(size, 1 / size), NUM_DRAWS) / size for size in wins.shape)
    low, high = np.quantile(((ours @ wins) * theirs).sum(axis=1), (0.025, 0.975))
    return Pairs(float(wins.mean()), float(low), float(high))


# ---------------------------------------------------------------------------------------------- music made worse


def wrong_notes(read, share, rng):
    """Move a share of a piece's notes by a semitone or two: piece.Piece, share 0 to 1, NumPy Generator -> Piece."""
    notes = voices.to_notes(read.voices)
    wrong = rng.random(len(notes)) < share
    notes["pitch"][wrong] = notes["pitch"][wrong] + rng.choice(SPOILED, wrong.sum())
    cells, _ = voices.from_notes(notes)
    silence = ((0, len(read.voices) - len(cells)), (0, 0))
    return piece.with_voices(read, np.pad(cells, silence, constant_values=voices.REST))


def shuffled_beats(read, rng):
    """Play the beats of a piece in random order: its chords stay, its lines and progressions go."""
    cells = read.voices.copy()
    count = (len(cells) - read.upbeat) // windows.BEAT_FRAMES
    inside = slice(read.upbeat, read.upbeat + count * windows.BEAT_FRAMES)
    beats = cells[inside].reshape(count, windows.BEAT_FRAMES, -1)
    cells[inside] = beats[rng.permutation(count)].reshape(count * windows.BEAT_FRAMES, -1)
    return piece.with_voices(read, cells)


def moved_voices(read, rng):
    """Transpose each voice of a piece by up to 5 semitones, each by as many as chance says: its lines stay."""
    semitones = rng.integers(-FARTHEST, FARTHEST + 1, read.voices.shape[1])
    moved = [voices.transpose(line[:, None], int(by)) for line, by in zip(read.voices.T, semitones)]
    return piece.with_voices(read, np.concatenate(moved, axis=1))


# ---------------------------------------------------------------------------------------------- what is counted


def _of(name, mode):
    """Under which key a reference keeps the counts of a feature: of degrees for each mode."""
    return (name, mode) if name == "pitch" else name


def _chords(read, pitch, beat):
    """Count chord types, on beats and off them, on the frames where a voice strikes: int (bins,)."""
    frames = np.flatnonzero(voices.struck(read.voices).any(axis=1))
    types = np.array([_chord(tuple(pitch[frame].tolist())) for frame in frames])
    on_beat = (frames - read.upbeat) % beat == 0
    size = 2 * len(CHORD_TYPES) + OTHER + 1
    return np.bincount(types + size * on_beat, minlength=2 * size)


@cache
def _chord(pitch):
    """Number a chord by its quality and whether its root is the bass; one without a name by how many pairs clash."""
    root, quality, bass = harmony.chord(np.array(pitch))
    if root is not None:
        return 2 * CHORD_TYPES.index(quality) + (root == bass)
    classes = np.unique([each % 12 for each in pitch if each >= 0])
    clashes = np.isin((classes[:, None] - classes)[np.triu_indices(len(classes), 1)] % 12, metrics.DISSONANT).sum()
    return 2 * len(CHORD_TYPES) + min(int(clashes), OTHER)


def _repeated(read):
    """How alike each bar from the second on is to the most similar of those before: int (ALIKE + 1,)."""
    bars = windows.four_bar_windows(read.roll, read.upbeat, read.bar_frames, bars=1)
    vectors = (windows.fold(bars != 0) > 0).reshape(len(bars), -1).astype(float)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    alike = vectors @ vectors.T
    most = [alike[bar, max(0, bar - MOST_LAG):bar].max() for bar in range(1, len(bars))]
    return np.bincount(np.rint(ALIKE * np.array(most)).astype(int), minlength=ALIKE + 1)[:ALIKE + 1]
