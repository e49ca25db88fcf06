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


# ---------------------------------------------------------------------------------------------- four voices


def test_four_voices_keep_all_of_bach_but_his_odd_sixteenths(bach):
    bach = bach["valid"]
    made = gan_grid.encode_voices(bach)
    assert made.shape[1:] == (32, 4, 57) and len(made) > 0.7 * len(bach)
    assert np.all(made[..., :56].sum(axis=3) == 1) and np.all(np.diff(made[..., :56].argmax(axis=3), axis=2) <= 0)
    four = bach[np.all(np.isin((bach[:, ::2] != 0).sum(axis=2), (3, 4)), axis=1)][:, ::2]
    sung = four[..., gan_grid.LOWEST_SUNG:gan_grid.LOWEST_SUNG + gan_grid.NUM_SUNG]
    np.testing.assert_array_equal(made[..., :56].any(axis=2), sung != 0)
    assert np.all((made[..., :56] * made[..., 56:]).any(axis=2) | (sung != 1))  # every attack on an eighth is kept


def test_in_unison_the_voices_move_least():
    rolls = np.zeros((1, 4, 128), np.uint8)
    rolls[0, :2, [72, 67, 64, 48]] = 1
    rolls[0, 2:, [72, 64, 48]] = 1  # the alto joins the tenor
    pitches = gan_grid.encode_voices(rolls)[0, 1, :, :56].argmax(axis=1) + gan_grid.LOWEST_SUNG
    np.testing.assert_array_equal(pitches, [72, 64, 64, 48])


def test_what_has_not_four_voices_is_refused():
    rolls = np.zeros((2, 16, 128), np.uint8)
    rolls[:, :, 60] = 1
    with pytest.raises(ValueError, match="pass four voices"):
        gan_grid.encode_voices(rolls)
