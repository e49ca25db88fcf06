"""Machine listeners to sound: deaf to what is alike, sure of a filter that a person hears, and told what is silence."""

import numpy as np
import pytest

from utils.measure import timbre


def plucked(seed, seconds=12, brightness=1.0):
    """Notes of three partials at random, a second wave with duller ones for the same seed."""
    rng, time = np.random.default_rng(seed), np.arange(seconds * 16_000) / 16_000
    wave = np.zeros_like(time)
    for start in np.arange(0, seconds, 0.25):
        hz, since = 110 * 2 ** (rng.integers(24) / 12), np.maximum(time - start, 0)
        for partial in (1, 2, 3):
            tone = np.sin(2 * np.pi * partial * hz * since) * np.exp(-3 * since) * (since > 0)
            wave += 0.05 * brightness ** (partial - 1) * tone
    return wave.astype(np.float32)


def test_patches_are_in_units_of_the_floor():
    sine = np.sin(2 * np.pi * 1000 * np.arange(20_000) / 16_000).astype(np.float32)
    spectra = timbre.patches([sine, 0 * sine])
    assert spectra.shape == (2, 59, 513) and spectra.dtype == np.float32
    assert spectra[0].max() == pytest.approx(0, abs=0.01) and spectra[0].max(axis=0).argmax() == 64
    assert (spectra[1] == -1).all()
    assert (timbre.patches([0.9e-4 * sine]) == -1).all()  # softer than -80 dB: silence
    assert timbre.features(spectra).shape == (2, 2 * timbre.NUM_BANDS)


def test_equal_sides_are_not_told_apart_and_dull_ones_are():
    learned, unseen = [plucked(seed) for seed in range(4)], [plucked(seed) for seed in (10, 11)]
    other, fresh = [plucked(seed) for seed in range(20, 24)], [plucked(seed) for seed in (30, 31)]
    same = timbre.judge(learned, other, unseen, fresh, epochs=1)
    assert {verdict.name for verdict in same} == {"boosted trees", "logistic", "network"}
    assert all(0.2 < verdict.auc < 0.8 for verdict in same)
    dull = [[plucked(seed, brightness=0.5) for seed in seeds] for seeds in (range(4), (10, 11))]
    told = timbre.judge(learned, dull[0], unseen, dull[1], epochs=1)
    assert told[0].auc > 0.95 and told[0].low <= told[0].auc <= told[0].high
    assert [verdict.auc for verdict in told] == sorted((verdict.auc for verdict in told), reverse=True)


def test_what_cannot_be_judged_is_refused():
    wave = plucked(0, 2)
    with pytest.raises(ValueError, match="same pieces"):
        timbre.judge([wave], [wave[:-1]], [wave], [wave])
    with pytest.raises(ValueError, match="16000 samples"):
        timbre.judge([wave[:900]], [wave[:900]], [wave], [wave])
