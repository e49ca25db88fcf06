"""Chance: what each baseline keeps of its training, and what it loses."""

import numpy as np
import pytest

from utils.music import baselines, windows

ALL = (baselines.uniform, baselines.shuffled_beats, baselines.mixed_voices, baselines.markov, baselines.beat_markov)


@pytest.fixture(scope="module")
def training():
    """Twelve windows of four-part notes on the eighth grid, each voice in its own register."""
    rng = np.random.default_rng(1)
    rolls = np.zeros((12, 64, 128), np.uint8)
    for window in rolls:
        for lowest in (40, 50, 60, 70):
            for start in range(0, 64, 2):
                pitch = lowest + int(rng.integers(4))
                window[start:start + 2, pitch] = (1, 2)
    return rolls


def sounding_frames(rolls):
    return {frame.tobytes() for frame in (rolls != 0).reshape(-1, 128)}


@pytest.mark.parametrize("baseline", ALL)
def test_every_baseline_makes_windows_that_strike_before_they_hold(baseline, training):
    before = training.copy()
    made = baseline(training, 20, np.random.default_rng(3))
    assert made.shape == (20, 64, 128) and made.dtype == np.uint8 and made.max() <= 2
    np.testing.assert_array_equal(windows.struck(made), made)
    np.testing.assert_array_equal(training, before)
    np.testing.assert_array_equal(made, baseline(training, 20, np.random.default_rng(3)))
    assert np.any(made != baseline(training, 20, np.random.default_rng(4)))
    assert baseline(training, 0, np.random.default_rng(3)).shape == (0, 64, 128)


@pytest.mark.parametrize("baseline", ALL)
def test_every_baseline_plays_in_three_four_time(baseline, training):
    assert baseline(training[:, :48], 3, np.random.default_rng(0)).shape == (3, 48, 128)


def test_uniform_spreads_four_pitches_over_the_range(training):
    made = baselines.uniform(training, 50, np.random.default_rng(0))
    used = np.flatnonzero(made.any(axis=(0, 1)))
    assert (used[0], used[-1]) == (40, 73) and len(used) == 34
    assert (made != 0).sum(axis=2).max() == 4


def test_shuffled_beats_are_the_beats_of_one_window(training):
    def beats(window):
        return sorted((beat != 0).tobytes() for beat in window.reshape(16, 4, 128))

    of_training = [beats(window) for window in training]
    for window in baselines.shuffled_beats(training, 10, np.random.default_rng(0)):
        assert beats(window) in of_training


def test_mixed_voices_keep_each_melody(training):
    melodies = [{voice.tobytes() for voice in windows.voices(training)[..., i]} for i in range(4)]
    for by_rank in windows.voices(baselines.mixed_voices(training, 10, np.random.default_rng(0))):
        assert all(by_rank[:, i].tobytes() in melodies[i] for i in range(4))


def test_mixed_voices_of_a_single_window_are_that_window(training):
    made = baselines.mixed_voices(training[:1], 3, np.random.default_rng(0))
    np.testing.assert_array_equal(made, np.repeat(training[:1], 3, axis=0))


def test_markov_makes_only_moves_that_training_makes(training):
    def moves(rolls):
        return {(a.tobytes(), b.tobytes()) for window in rolls != 0 for a, b in zip(window, window[1:])}

    few_chords = np.where(training.cumsum(axis=2) <= 3, training, 0)  # the bass alone: states that recur
    made = baselines.markov(few_chords, 20, np.random.default_rng(0))
    assert moves(made) <= moves(few_chords)
    assert any(window.tobytes() not in {w.tobytes() for w in few_chords} for window in made)


def test_markov_begins_anew_where_training_ends():
    """Every frame of the only window differs, so a walk can only repeat it; a state without a future starts again."""
    window = np.zeros((1, 8, 128), np.uint8)
    window[0, np.arange(8), 60 + np.arange(8)] = 1
    np.testing.assert_array_equal(baselines.markov(window, 1, np.random.default_rng(0)), window)
    ends_early = window[:, [0, 1, 2, 3, 0, 1, 2, 7]]  # C D E leads to F or to G; G ends its window
    made = baselines.markov(ends_early, 40, np.random.default_rng(0))
    for row in made.argmax(axis=2) - 60:
        followers = {(int(a), int(b)) for a, b in zip(row, row[1:])}
        assert followers <= {(0, 1), (1, 2), (2, 3), (2, 7), (3, 0), (7, 0)}
    assert (7, 0) in {(int(a), int(b)) for row in made.argmax(axis=2) - 60 for a, b in zip(row, row[1:])}


def test_beat_markov_plays_beats_of_training(training):
    beats = {(beat != 0).tobytes() for beat in training.reshape(-1, 4, 128)}
    made = baselines.beat_markov(training, 10, np.random.default_rng(0))
    assert {(beat != 0).tobytes() for beat in made.reshape(-1, 4, 128)} <= beats


@pytest.mark.parametrize("baseline", ALL)
@pytest.mark.parametrize("rolls, remedy", [
    (np.zeros((3, 64, 128), np.uint8), "windows with notes"),
    (np.zeros((64, 128), np.uint8), "roll\\[None\\]"),
    (np.ones((1, 6, 128), np.uint8), "multiple of 4"),
])
def test_what_cannot_be_imitated_is_refused_with_a_remedy(baseline, rolls, remedy):
    with pytest.raises(ValueError, match=remedy):
        baseline(rolls, 2, np.random.default_rng(0))
