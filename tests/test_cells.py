"""Rolls that survive the way to a GAN's cells and back."""

import numpy as np
import pytest

from utils import cells, metrics


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_what_is_encoded_decodes_to_the_same_chords():
    windows = np.zeros((2, 16, 128), np.uint8)
    for window, chord in zip(windows, ((48, 55, 64, 72), (43, 59, 62, 79))):
        window[:, list(chord)] = 2
        window[0, list(chord)] = 1
    made = cells.encode(windows)
    assert made.shape == (2, 8, 56) and made.dtype == np.float32 and set(np.unique(made)) == {-1, 1}
    np.testing.assert_array_equal(cells.decode(made), windows)
    np.testing.assert_array_equal(cells.encode(cells.decode(made)), made)


def test_any_numbers_decode_to_four_voices_that_are_struck_before_they_are_held(rng):
    windows = cells.decode(rng.normal(size=(3, 8, 56)))
    assert windows.shape == (3, 16, 128) and np.all((windows != 0).sum(axis=2) == 4)
    np.testing.assert_array_equal(metrics.struck(windows), windows)
    assert np.all((cells.decode(np.full((1, 8, 56), np.nan)) != 0).sum(axis=2) == 4)


def test_rolls_that_the_networks_cannot_read_are_refused(rng):
    low = np.zeros((1, 16, 128), np.uint8)
    low[:, :, 30] = 1
    for call, words in ((lambda: cells.encode(low), "transpose"), (lambda: cells.encode(low[:0]), "no windows"),
                        (lambda: cells.encode(low[0]), "windows of shape"), (lambda: cells.encode(low[:, :15]), "multiple"),
                        (lambda: cells.decode(np.zeros((2, 8, 50))), "pass"), (lambda: cells.decode(np.zeros(56)), "pass")):
        with pytest.raises(ValueError, match=words):
            call()
