"""An ear that hears what is played and no more, and distances that are 0 for what is equal."""

import numpy as np
import pytest

from utils.music import midi
from utils.sound import audio, hearing

TEMPO = 120
CHORD = np.array(
    [(0, 2, 48, 90, 0), (0, 2, 64, 90, 0), (0, 2, 67, 90, 0), (2, 4, 53, 90, 0), (2, 4, 69, 90, 0)], midi.NOTE
)


@pytest.fixture(scope="module")
def ear():
    return hearing.templates(audio.render_sine)


@pytest.fixture(scope="module")
def wave():
    return audio.render_sine(CHORD, tempo=TEMPO)[:2 * audio.SAMPLE_RATE]


def test_chords_are_heard_and_nothing_else(ear, wave):
    found = hearing.hear(wave, CHORD, TEMPO, ear)
    assert found.recall > 0.9 and found.false < 0.2 and found.frames == 8
    assert hearing.hear(wave, CHORD[:3], TEMPO, ear).false > 0.7  # two pitches too many, in half of the frames
    missing = hearing.hear(audio.render_sine(CHORD[[0, 1, 3, 4]], tempo=TEMPO), CHORD, TEMPO, ear)
    assert missing.recall < found.recall - 0.15


def test_silence_and_noise_are_no_music(ear, wave):
    silent = hearing.hear(0 * wave, CHORD, TEMPO, ear)
    assert silent.recall == silent.false == 0
    noise = np.random.default_rng(0).normal(0, 0.07, len(wave))
    assert hearing.hear(noise, CHORD, TEMPO, ear).false > 5


def test_distances_of_what_is_known(wave):
    assert hearing.distance(wave, wave) == (0, 0, 0)
    half = hearing.distance(wave / 2, wave)
    assert half.convergence == pytest.approx(0.5, abs=1e-4) and half.loudness == pytest.approx(-6.02, abs=0.01)
    assert 0 < half.log_spectrum <= 6.03  # the bins that lie below the floor do not move
    noise = np.random.default_rng(0).normal(0, 0.07, len(wave))
    assert hearing.distance(2 * noise, noise).log_spectrum == pytest.approx(6.02, abs=0.01)
    assert hearing.distance(noise, wave).log_spectrum > 10


@pytest.mark.parametrize("bad, match", [(np.zeros(0), "not empty"), (np.full(5000, np.nan), "without NaN"),
                                        (np.zeros((2, 5000)), "pass .samples,., not empty")])
def test_waves_that_are_none_are_refused(ear, bad, match):
    with pytest.raises(ValueError, match=match):
        hearing.hear(bad, CHORD, TEMPO, ear)
    with pytest.raises(ValueError, match=match):
        hearing.distance(bad, bad)


def test_another_length_is_refused(wave):
    with pytest.raises(ValueError, match="same length"):
        hearing.distance(wave, wave[1:])
