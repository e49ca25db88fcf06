"""Copying and variety: what is copied from the training pieces, and whether a generator has mode collapse."""

import numpy as np
from scipy.spatial import distance

from utils.measure import metrics
from utils.music import baselines
from utils.music.windows import as_piece, as_windows, fingerprint

COLLAPSED_NN, COLLAPSED_UNIQUE = 0.5, 0.9  # below one of these a generator has collapsed
NOISE_IN_KEY, NOISE_CHORD_RATE = 0.85, 0.55  # below one of these it writes noise


class CopyIndex:
    """Store rolls, and find what another roll has copied from them, in any single transposition.

    A copy has the same sounding pitches; attacks do not count. A copied run may contain silence, but silence alone is
    not a copy.

    Args: rolls: list of uint8 (frames, 128), whole pieces.
    Raises: ValueError without rolls, or for an array that is not a roll.
    Notebook: 01, "Bach and the baselines".
    """

    def __init__(self, rolls):
        if not len(rolls):
            raise ValueError("no rolls to remember: pass the training pieces")
        chords, moves = zip(*map(fingerprint, rolls))
        self._chords, moves = np.unique(np.concatenate(chords)), np.concatenate(moves)
        self._places = np.argsort(moves, kind="stable")  # places of equal moves next to each other
        self._moves = moves[self._places]

    def longest(self, roll):
        """Find the longest copied run: roll uint8 (frames, 128) -> int, the sounding frames in it."""
        sounds = np.any(as_piece(roll), axis=1)
        return int(self._runs(roll, sounds.astype(int)).max(initial=0))

    def seen(self, roll, length=8):
        """Measure copying: roll -> the copied share of its windows of `length` frames, begun by a sound; or NaN."""
        begins = np.any(as_piece(roll), axis=1)[:max(len(roll) - length + 1, 0)]
        ends = self._runs(roll, np.ones(len(roll), int))[length - 1:]
        return float(np.mean(ends[begins] >= length)) if begins.any() else np.nan

    def _runs(self, roll, weight):
        """The copied run with the largest weight that ends on each frame."""
        chords, moves = fingerprint(roll)
        heaviest = weight * np.isin(chords, self._chords)
        first, last = (np.searchsorted(self._moves, moves, side) for side in ("left", "right"))
        run, before = np.zeros(len(self._places), int), []  # the weight of the run up to each place
        for time in range(1, len(roll)):
            here = self._places[first[time]:last[time]]
            grown = np.maximum(run[here - 1], weight[time - 1]) + weight[time]
            run[before] = 0
            run[here], before = grown, here
            heaviest[time] = grown.max(initial=heaviest[time])
        return heaviest


def nn(samples, reference):
    """Detect mode collapse: compare the distances among samples with the distances among the reference's windows.

    Args: samples, reference: uint8 (windows, frames, 128), equally long. The larger set is reduced evenly to the size
        of the smaller one, because distances are smaller in a larger set.
    Returns: float, the median Hamming distance from a sample's sounding cells to the nearest other sample's, divided by
        the same for the reference: 0 for a single tune, 1 for the variety of Bach. Below 0.5 a generator has collapsed.
    Raises: ValueError for fewer than two windows, different lengths, or a reference with many repetitions.
    Notebook: 04, "Has it collapsed?".
    """
    samples, reference = as_windows(samples), as_windows(reference)
    size = min(len(samples), len(reference))
    if size < 2 or samples.shape[1] != reference.shape[1]:
        raise ValueError(f"samples of shape {samples.shape}, reference of shape {reference.shape}: "
                         "pass at least two windows of each, with equally many frames")
    near, near_reference = (_nearest(each[np.arange(size) * len(each) // size]) for each in (samples, reference))
    if near_reference == 0:
        raise ValueError("most windows of the reference are repeated: leave the repetitions out")
    return near / near_reference


def unique(samples):
    """Count distinct samples: uint8 (windows, frames, 128) -> their share, by sounding cells; NaN without samples."""
    cells = as_windows(samples) != 0
    return len({cell.tobytes() for cell in np.packbits(cells, axis=2)}) / len(cells) if len(cells) else np.nan


def precision_coverage(samples, reference, k=5):
    """Measure quality and variety separately: samples near the reference, and the part of it with samples near.

    Each window of the reference has a ball around it that reaches to its k-th neighbour in the reference.

    Args: samples, reference: float (windows, features), as `features` returns; both are standardised by the reference.
        k: neighbours. Compare results only for equal k and equal numbers of windows.
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


def controls(rolls, count, rng):
    """Make what a test of collapse has to tell apart: Bach, a few windows again and again, and chance.

    Args: rolls: uint8 (windows, frames, 128), Bach's. count: windows of each, a multiple of 8. rng: NumPy Generator.
    Returns: (known, rest): dict of name -> uint8 (count, frames, 128); the windows of Bach's that are not in it.
    Notebook: 04, "Has it collapsed?".
    """
    chosen = rng.permutation(len(rolls))[:count]
    few = np.tile(rolls[:8], (count // 8, 1, 1))
    for window in few:  # in each, one pitch falls silent
        window[:, rng.choice(np.flatnonzero(window.any(axis=0)))] = 0
    known = {"Bach against Bach": rolls[chosen], "one window": few[:1].repeat(count, 0),
             "eight windows, a pitch missing": few}
    known |= {make.__name__.replace("_", " "): make(rolls, count, rng)
              for make in (baselines.uniform, baselines.mixed_voices, baselines.shuffled_beats)}
    return known, np.delete(rolls, chosen, axis=0)


def collapse(samples, reference, bar_frames=16):
    """Decide whether a generator has collapsed, writes noise, or is healthy.

    Args: samples: uint8 (windows, frames, 128), 256 or so. reference: windows of training, key-normalised, encoded and
        decoded like the samples. bar_frames: 16 in 4/4, 12 in 3/4.
    Returns: dict: nn and unique as the functions of these names, coverage of `precision_coverage` over `features`,
        in_key and chord_rate as means over the samples with notes, and verdict: "collapsed" for nn below 0.5 or unique
        below 0.9; else "noise" for in_key below 0.85 or chord_rate below 0.55, or for silence; else "healthy".
    Raises: ValueError as `nn` and `measure`.
    Source: the thresholds are between Bach and the baselines. Notebook: 04, "Has it collapsed?".
    """
    measures = metrics.measure(samples, bar_frames)
    sounds = as_windows(samples).any(axis=(1, 2))
    _, coverage = precision_coverage(metrics.features(samples, bar_frames), metrics.features(reference, bar_frames))
    found = {"nn": nn(samples, reference), "unique": unique(samples), "coverage": coverage} | {
        name: float(measures[name][sounds].mean()) if sounds.any() else np.nan for name in ("in_key", "chord_rate")}
    is_music = found["in_key"] >= NOISE_IN_KEY and found["chord_rate"] >= NOISE_CHORD_RATE
    collapsed = found["nn"] < COLLAPSED_NN or found["unique"] < COLLAPSED_UNIQUE
    return found | {"verdict": "collapsed" if collapsed else "healthy" if is_music else "noise"}


def _nearest(windows):
    """Median Hamming distance from each window's sounding cells to the nearest other window's."""
    cells = (windows[..., windows.any(axis=(0, 1))] != 0).reshape(len(windows), -1).astype(np.float32)
    count = cells.sum(axis=1)
    distances = count[:, None] + count - 2 * cells @ cells.T
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))
