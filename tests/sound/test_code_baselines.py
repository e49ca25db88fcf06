"""Baselines for codes score what they can know, and no better."""

import numpy as np
import pytest

from utils.sound import audio, code_baselines


def test_ngrams_know_what_follows_and_no_more():
    rng = np.random.default_rng(0)
    chance = rng.integers(100, 104, 40_000).astype(np.uint8)  # two bits a code
    for order in (1, 2, 3):
        assert code_baselines.ngram_nats([chance[:30_000]], [chance[30_000:]], order) == pytest.approx(
            np.log(4), abs=0.01
        )
    cycle = np.tile([1, 2, 1, 3], 5_000).astype(np.uint8)
    one, two, three = (code_baselines.ngram_nats([cycle], [cycle], order) for order in (1, 2, 3))
    assert one == pytest.approx(1.5 * np.log(2), abs=0.01) and three < 0.01
    assert two == pytest.approx(0.5 * np.log(2), abs=0.01)
    assert np.isfinite(code_baselines.ngram_nats([cycle], [chance], 3))
    with pytest.raises(ValueError, match="choose 1, 2 or 3"):
        code_baselines.ngram_nats([cycle], [cycle], 4)


def test_a_linear_prediction_follows_resonances():
    rng, noise = np.random.default_rng(0), 0.01
    wave, x = np.zeros(30_000), rng.logistic(0, noise, 30_000)
    for t in range(2, len(wave)):
        wave[t] = 1.6 * wave[t - 1] - 0.9 * wave[t - 2] + x[t]
    codes = audio.mu_law_encode(wave / np.abs(wave).max())
    found = code_baselines.ar_nats([codes[:20_000]], [codes[20_000:]], 8)
    assert found < code_baselines.ar_nats([codes[:20_000]], [codes[20_000:]], 1) - 0.5
    scale = noise / np.abs(wave).max()
    width = np.gradient(audio.mu_law_decode(np.arange(256)))[codes[20_000:]]
    ideal = (np.log(scale) + 2 - np.log(width)).mean()  # entropy of a logistic, less the width of a code
    assert found == pytest.approx(ideal, abs=0.1)
