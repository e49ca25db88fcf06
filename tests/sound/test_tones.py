"""Tones: in tune with their pitch, and a fitted piano that finds what it was made of."""

import numpy as np
import pytest

from utils.sound import audio, tones

RATE = audio.SAMPLE_RATE


def bell(notes):
    """Two partials, the second a little sharp, each with a decay of its own."""
    seconds = np.arange(round(tones.SECONDS * RATE)) / RATE
    hz = audio.pitch_to_hz(notes["pitch"][0])
    return (0.2 * np.exp(-seconds) * np.sin(2 * np.pi * hz * seconds)
            + 0.1 * np.exp(-seconds / 0.3) * np.cos(2 * np.pi * 2.02 * hz * seconds) * (2.02 * hz < 7_600))


@pytest.fixture(scope="module")
def piano():
    return tones.fit(bell)


def test_a_fitted_piano_sounds_as_what_it_was_fitted_to(piano):
    tone = tones.additive(piano)
    for pitch in (0, 20, 50):
        wave, found = tones.single(pitch, bell), tone(pitch)[:, 0]
        assert found.dtype == np.float32 and np.sum((wave - found) ** 2) < 0.02 * np.sum(wave**2)
        assert piano.hz[pitch, 1] / piano.hz[pitch, 0] == pytest.approx(2.02, abs=0.01)


def test_partials_that_would_fold_back_are_left_out(piano):
    assert piano.hz.max() < RATE / 2 and (piano.hz[50] == 0).sum() == tones.PARTIALS - 7
    high = tones.harmonics(50)  # B5, 988 Hz: its ninth harmonic lies above 8 kHz
    power = np.abs(np.fft.rfft(high[:8000, 5])) ** 2
    assert set(np.argsort(power)[-2:] * 2 // 100) == {69, 79}


def test_both_are_side_by_side(piano):
    together = tones.both(piano)(20)
    assert np.array_equal(together[:, :tones.NUM_HARMONICS], tones.harmonics(20))
    assert np.array_equal(together[:, -1:], tones.additive(piano)(20))


def test_a_piano_is_kept(piano, tmp_path):
    tones.save(tmp_path / "piano.npz", piano)
    assert all(np.array_equal(old, new) for old, new in zip(piano, tones.load(tmp_path / "piano.npz")))
    (tmp_path / "other.npz").write_bytes(b"no piano")
    for name in ("none.npz", "other.npz"):
        with pytest.raises(ValueError, match="holds no piano"):
            tones.load(tmp_path / name)
