"""Rolls that survive the way to a GAN's cells and back."""

import numpy as np
import pytest

from utils.music import windows
from utils.nets import gan_grid


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_what_is_encoded_decodes_to_the_same_chords():
    rolls = np.zeros((2, 16, 128), np.uint8)
    for window, chord in zip(rolls, ((48, 55, 64, 72), (43, 59, 62, 79))):
        window[:, list(chord)] = 2
        window[0, list(chord)] = 1
    made = gan_grid.encode(rolls)
    assert made.shape == (2, 8, 56) and made.dtype == np.float32 and set(np.unique(made)) == {-1, 1}
    np.testing.assert_array_equal(gan_grid.decode(made), rolls)
    np.testing.assert_array_equal(gan_grid.encode(gan_grid.decode(made)), made)


def test_any_numbers_decode_to_four_voices_that_are_struck_before_they_are_held(rng):
    rolls = gan_grid.decode(rng.normal(size=(3, 8, 56)))
    assert rolls.shape == (3, 16, 128) and np.all((rolls != 0).sum(axis=2) == 4)
    np.testing.assert_array_equal(windows.struck(rolls), rolls)
    for silence in (np.nan, -1):
        assert not gan_grid.decode(np.full((1, 8, 56), silence)).any()


def test_rests_and_three_voices_survive_the_cells():
    rolls = np.zeros((1, 8, 128), np.uint8)
    rolls[0, 2:4, [48, 55, 64]] = 2
    rolls[0, 2, [48, 55, 64]] = 1
    np.testing.assert_array_equal(gan_grid.decode(gan_grid.encode(rolls)), rolls)


def test_rolls_that_the_networks_cannot_read_are_refused(rng):
    low = np.zeros((1, 16, 128), np.uint8)
    low[:, :, 30] = 1
    for call, words in (
        (lambda: gan_grid.encode(low), "transpose"),
        (lambda: gan_grid.encode(low[:0]), "no windows"),
        (lambda: gan_grid.encode(low[0]), "windows of shape"),
        (lambda: gan_grid.encode(low[:, :15]), "multiple"),
        (lambda: gan_grid.decode(np.zeros((2, 8, 50))), "pass"),
        (lambda: gan_grid.decode(np.zeros(56)), "pass"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
