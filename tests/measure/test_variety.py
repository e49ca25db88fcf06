"""Copies, variety and collapse: brute force, a published package, and values worked by hand."""

import warnings

import numpy as np
import pytest

from tests.rolls import random_windows, roll_of, sparse, windows_of
from utils.measure import metrics, variety
from utils.music import baselines


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("call, remedy", [
    (lambda: variety.nn(windows_of(), windows_of()), "at least two windows"),
    (lambda: variety.nn(np.zeros((2, 64, 128), np.uint8), np.zeros((2, 48, 128), np.uint8)), "equally many frames"),
    (lambda: variety.nn(np.zeros((2, 64, 128), np.uint8), np.zeros((2, 64, 128), np.uint8)), "repetitions"),
    (lambda: variety.precision_coverage(np.zeros((3, 2)), np.zeros((5, 2))), "over k=5"),
    (lambda: variety.CopyIndex([]), "training pieces"),
    (lambda: variety.CopyIndex([roll_of((60, 0, 64))]).longest(windows_of()), "one piece"),
])
def test_what_cannot_be_compared_is_refused_with_a_remedy(call, remedy):
    with pytest.raises(ValueError, match=remedy):
        call()


def test_silence_is_compared_without_a_warning():
    silence, single = windows_of(), windows_of((60, 0, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        index = variety.CopyIndex([silence[0], single[0]])
        assert index.longest(silence[0]) == 0 and np.isnan(index.seen(silence[0]))
        assert np.isnan(variety.unique(silence[:0]))


# ---------------------------------------------------------------------------------------------- copying


def longest_by_force(roll, remembered):
    """Every run at every place in every transposition: the most sounding frames that agree."""
    best = 0
    for other in remembered:
        for semitones in range(-60, 61):
            moved = np.zeros_like(other)
            pitches = np.arange(max(0, -semitones), min(128, 128 - semitones))
            moved[:, pitches + semitones] = other[:, pitches]
            equal = np.array([[np.array_equal(a != 0, b != 0) for b in moved] for a in roll])
            for offset in range(-len(roll) + 1, len(moved)):
                run = 0
                for is_equal, frame in zip(np.diagonal(equal, offset), roll[max(0, -offset):]):
                    run = run + bool(frame.any()) if is_equal else 0
                    best = max(best, run)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_longest_run_is_what_brute_force_finds(seed):
    rng = np.random.default_rng(seed)
    remembered = [sparse(rng, 24), sparse(rng, 20)]
    roll = sparse(rng, 16)
    roll[3:12] = np.roll(remembered[1][5:14], 4, axis=1)
    assert variety.CopyIndex(remembered).longest(roll) == longest_by_force(roll, remembered)
    stranger = sparse(rng, 16)
    assert variety.CopyIndex(remembered).longest(stranger) == longest_by_force(stranger, remembered)


def test_a_copy_is_found_in_another_key_and_with_other_attacks(rng):
    pieces = list(random_windows(rng, num=3))
    index = variety.CopyIndex(pieces)
    copy = np.roll(pieces[1][10:50], -4, axis=1)
    copy[copy == 2] = 1
    sounding = int(np.any(copy, axis=1).sum())
    assert index.longest(copy) == sounding and index.seen(copy) == 1


def test_a_change_of_transposition_ends_a_run(rng):
    pieces = list(random_windows(rng, num=3))
    pieces[0][:, 70] = 2  # no rests
    patchwork = np.concatenate([pieces[0][10:30], np.roll(pieces[0][30:45], 1, axis=1)])
    assert variety.CopyIndex(pieces).longest(patchwork) == 20


def test_runs_do_not_cross_from_piece_to_piece():
    rise, fall = roll_of((60, 0, 4), (62, 4, 8), frames=8), roll_of((65, 0, 4), (61, 4, 8), frames=8)
    index = variety.CopyIndex([rise, fall])
    assert index.longest(np.concatenate([rise, fall])) == 8
    assert index.longest(rise) == index.longest(fall) == 8


def test_silence_is_no_copy_but_may_stand_inside_one():
    piece = roll_of((60, 0, 4), (64, 4, 5), (67, 12, 16), frames=32)
    index = variety.CopyIndex([piece])
    assert index.longest(piece) == 9
    assert index.longest(np.roll(piece, 7, axis=0)) == 9
    assert index.longest(np.zeros((64, 128), np.uint8)) == 0


def test_seen_by_hand():
    piece = roll_of(*[(60 + i, i, i + 1) for i in range(10)], frames=10)
    chord = np.tile(roll_of((40, 0, 1), (41, 0, 1), frames=1), (6, 1))
    roll = np.concatenate([piece, chord])
    assert variety.CopyIndex([piece]).seen(roll) == 3 / 9  # stretches of 8 in 16 frames: those that begin at 0, 1, 2
    assert np.isnan(variety.CopyIndex([piece]).seen(piece[:7]))


# ---------------------------------------------------------------------------------------------- variety


def test_nn_by_hand_and_its_ends(rng):
    reference = np.concatenate([windows_of((60, 0, length)) for length in (8, 12, 20, 36)])  # nearest: 4, 4, 8, 16
    samples = np.concatenate([windows_of((72, 0, length)) for length in (8, 10, 12, 15)])  # 2, 2, 2, 3
    assert variety.nn(samples, reference) == pytest.approx(2 / 6)
    assert variety.nn(reference, reference) == 1
    assert variety.nn(np.repeat(reference[:1], 4, axis=0), reference) == 0
    bach = random_windows(rng, num=40)
    assert 0.9 < variety.nn(bach[::2], bach[1::2]) < 1.1
    assert variety.nn(bach[::2], np.repeat(bach, 2, axis=0)[::4]) == pytest.approx(1)


def test_nn_is_what_pairwise_comparison_finds(rng):
    samples, reference = random_windows(rng, num=9), random_windows(rng, num=9, voices=2)
    near = [np.median([min(np.sum((a != 0) != (b != 0)) for j, b in enumerate(rolls) if i != j)
                       for i, a in enumerate(rolls)]) for rolls in (samples, reference)]
    assert variety.nn(samples, reference) == near[0] / near[1]


def test_unique_counts_distinct_sounds(rng):
    rolls = random_windows(rng, num=4)
    assert variety.unique(rolls) == 1
    assert variety.unique(np.concatenate([rolls, rolls[:1], np.minimum(rolls[1:2], 1)])) == 4 / 6


@pytest.mark.parametrize("k", [1, 5])
def test_precision_and_coverage_are_those_of_prdc(rng, k):
    prdc = pytest.importorskip("prdc")
    reference = rng.normal(size=(80, 6)) * [1, 2, 3, 4, 5, 60] + 3
    samples = rng.normal(size=(60, 6)) * [1, 2, 3, 4, 5, 90] + 4
    mean, spread = reference.mean(axis=0), reference.std(axis=0)
    theirs = prdc.compute_prdc((reference - mean) / spread, (samples - mean) / spread, nearest_k=k)
    assert variety.precision_coverage(samples, reference, k) == pytest.approx((theirs["precision"], theirs["coverage"]))


def test_precision_and_coverage_by_hand():
    reference = np.array([[0.0], [1], [2], [10], [11], [12]])  # balls of radius 1 or, at the ends, 1
    assert variety.precision_coverage(np.array([[0.5], [30]]), reference, k=1) == (0.5, 2 / 6)
    assert variety.precision_coverage(reference, reference, k=1) == (1, 1)
    constant = np.column_stack([reference, np.ones(6)])
    assert variety.precision_coverage(constant, constant, k=1) == (1, 1)


# ---------------------------------------------------------------------------------------------- collapse


@pytest.fixture
def train(bach):
    return bach["train"]


def verdict(samples, reference):
    return variety.collapse(samples, reference)["verdict"]


def test_bach_against_bach_is_healthy(train):
    found = variety.collapse(train[:200], train[200:])
    assert found["verdict"] == "healthy" and 0.9 < found["nn"] < 1.1 and found["coverage"] > 0.9
    assert list(found) == ["nn", "unique", "coverage", "in_key", "chord_rate", "verdict"]


def test_one_tune_and_a_few_with_small_changes_are_collapsed(train, rng):
    assert verdict(np.repeat(train[:1], 100, axis=0), train[200:]) == "collapsed"
    few = np.tile(train[:8], (16, 1, 1, 1)).reshape(-1, *train.shape[1:])  # eight prototypes, many times over
    for window in few:  # in each a few sounding cells fall silent: all are distinct
        cells = np.argwhere(window)
        window[tuple(cells[rng.choice(len(cells), 4, replace=False)].T)] = 0
    found = variety.collapse(few, train[200:])
    assert found["unique"] == 1 and found["verdict"] == "collapsed"


@pytest.mark.parametrize("baseline", [baselines.uniform, baselines.mixed_voices])
def test_uniform_noise_and_mixed_voices_are_noise(train, baseline):
    assert verdict(baseline(train[200:], 200, np.random.default_rng(2)), train[200:]) == "noise"


def test_silence_is_not_healthy(train):
    assert verdict(np.zeros_like(train[:20]), train[200:]) == "collapsed"
    assert verdict(train[:20] * 0 + np.eye(20, 128, k=60, dtype=np.uint8)[:, None], train[200:]) != "healthy"


def test_shuffled_beats_pass_this_gate(train):
    """They vary as Bach does, in his chords: what catches them are parallels and progressions."""
    shuffled = baselines.shuffled_beats(train[200:], 200, np.random.default_rng(2))
    assert verdict(shuffled, train[200:]) == "healthy"
    parallels = [np.mean(metrics.measure(rolls)["parallels"]) for rolls in (shuffled, train[200:])]
    assert parallels[0] > 5 * parallels[1]


def test_collapse_refuses_what_it_cannot_compare(train):
    with pytest.raises(ValueError, match="equally many frames"):
        variety.collapse(train[:10, :32], train[200:])
    with pytest.raises(ValueError, match="at least two windows"):
        variety.collapse(train[:1], train[200:])


def test_controls_are_what_the_verdicts_have_to_tell_apart(train, rng):
    known, rest = variety.controls(train, 64, rng)
    assert len(rest) == len(train) - 64 and all(len(rolls) == 64 for rolls in known.values())
    found = {name: variety.collapse(rolls, rest)["verdict"] for name, rolls in known.items()}
    assert found["Bach against Bach"] == "healthy" and found["uniform"] == "noise"
    assert found["one window"] == found["eight windows, a pitch missing"] == "collapsed"
