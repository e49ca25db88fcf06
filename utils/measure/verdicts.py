"""All figures about one writer's windows, in the way that notebook 05 and `notebooks/judge.py` share."""

from typing import NamedTuple

import numpy as np

from utils.measure import critic, metrics, phrases, variety
from utils.music import windows

COPIED = 64  # windows that are searched for in the training pieces
COLUMNS = {"chord rate": "chord_rate", "dissonance": "dissonance", "parallels per bar": "parallels",
           "notes per bar": "notes_per_bar"}  # of a table of results: means over windows
WHOLES = "phrases", "copied", "coverage"  # of the same table: of all windows together


class Bach(NamedTuple):
    """Bach's side of every comparison. train, test: uint8 (windows, frames, 128), key-normalised. groups: int (test
    windows,), the piece of each. index: variety.CopyIndex of the training pieces. features: float (test windows, 19).
    """

    train: np.ndarray
    test: np.ndarray
    groups: np.ndarray
    index: variety.CopyIndex
    features: np.ndarray


def cut(pieces):
    """Cut pieces of 4/4 into windows.

    Args: pieces: list of data.Piece.
    Returns: (rolls, groups): uint8 (windows, 64, 128), and int (windows,), the piece that each comes from.
    Notebook: 05, "The writers".
    """
    found = [windows.windows([piece]) for piece in pieces]
    return np.concatenate(found), np.repeat(range(len(found)), list(map(len, found)))


def bach(train, test):
    """Prepare Bach's side: train, test, lists of data.Piece in 4/4 -> Bach."""
    rolls, groups = cut(test)
    index = variety.CopyIndex([piece.roll for piece in train])
    return Bach(windows.windows(train), rolls, groups, index, metrics.features(rolls))


def measures(rolls):
    """Take all measures of windows: dict from a name to float (windows,), see `metrics.measure`, `phrases.measure`."""
    return metrics.measure(rolls) | phrases.measure(rolls)


def mean(values):
    """The mean of what is defined: float (windows,) -> float, NaN where nothing is."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def copies(rolls, side, most=COPIED):
    """Measure the longest copied run of each of the first windows: int (at most `most`,), sixteenths in any key."""
    return np.array([side.index.longest(window) for window in rolls[:most]])


def figures(rolls, side, most=COPIED):
    """Say of windows what their means hide.

    Args: rolls: uint8 (windows, frames, 128). side: Bach. most: windows that are searched for copies.
    Returns: dict of float: roots, notes, onsets, phrases, divergences from the training windows in bits; similar bars,
        mean self-similarity; copied, the median longest run that is in a training piece, in sixteenths, and longest
        copy, the longest of all; seen before, share of stretches of 8 frames; precision and coverage; nn, nearness to
        one another.
    Notebook: 05, "Copies".
    """
    apart = {"roots": metrics.root_divergence(rolls, side.train)} | phrases.divergences(rolls, side.train)
    precision, coverage = variety.precision_coverage(metrics.features(rolls), side.features)
    similar = np.array([mean(metrics.self_similarity(window, max_lag=3)) for window in rolls if window.any()])
    copied = copies(rolls, side, most)
    return apart | {"similar bars": mean(similar), "copied": np.median(copied), "longest copy": int(copied.max()),
                    "seen before": np.nanmean([side.index.seen(window) for window in rolls[:most]]),
                    "precision": precision, "coverage": coverage, "nn": variety.nn(rolls, side.train)}


def listen(side, taught=None, asked=None, groups=None, seed=1, epochs=12, seen=lambda rolls: rolls):
    """Let the critics learn from a writer's windows and Bach's training ones, and ask about others and test ones.

    Args: side: Bach. taught, asked: uint8 (windows, frames, 128), of which no piece is in both; None for Bach himself,
        whose training windows are then held against one another. groups: int (asked windows,), the piece of each; None
        for each by itself. seed, epochs: see `critic.judge`. seen: function that puts Bach's windows through the
        writer's encoding.
    Returns: list of critic.Verdict, the hardest first.
    Notebook: 05, "The critic".
    """
    known, unseen = seen(side.train), seen(side.test)
    if taught is None:
        middle = len(known) // 2
        sides = known[:middle:2], known[1:middle:2], unseen, known[middle:]
    else:
        sides = known, taught, unseen, asked
    return critic.judge(*sides, side.groups, seed, epochs, groups)


def row(means, whole, verdicts=()):
    """Put together a row of a table of results.

    Args: means: dict from a measure to float. whole: as `figures`. verdicts: as `listen`, or as dicts; or none.
    Returns: dict from a column to float, None where it is not known.
    Notebook: 05, "The page, and your ears".
    """
    found = {column: means[measure] for column, measure in COLUMNS.items()} | {name: whole[name] for name in WHOLES}
    if verdicts:
        first = verdicts[0]
        found["critic's AUC"] = first["auc"] if isinstance(first, dict) else first.auc
    return {column: None if np.isnan(value) else float(value) for column, value in found.items()}
