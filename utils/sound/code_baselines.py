"""Baselines in nats per code, without a network: n-grams of codes, and a linear prediction of the wave."""

import numpy as np
from scipy import linalg, special
from tqdm import tqdm

from utils.sound import audio

SHARE = 0.5  # discount of a count: what an n-gram gives to the shorter one, for each different next code
SCALES = np.geomspace(2e-4, 0.05, 40)  # of the logistic, in full scale


def ngram_nats(train, test, order):
    """Score codes by an n-gram with absolute discounting, each order backing off to the shorter one.

    Args: train, test: lists of uint8 (codes,). order: 1 (unigram) to 3 (trigram).
    Returns: float, nats per code over all of test except the first two codes of each line.
    Raises: ValueError for another order.
    Source: Chen and Goodman 1998, section 2.7 (absolute discounting). Notebook: 03, "Baselines".
    """
    if order not in (1, 2, 3):
        raise ValueError(f"order {order}: choose 1, 2 or 3; four codes have 4 billion combinations")
    test = [np.asarray(line, np.int64) for line in test]
    before = [np.concatenate([line[2 - back:len(line) - back] for line in test]) for back in (1, 2)]
    follow = np.concatenate([line[2:] for line in test])
    probability = np.full(len(follow), 1 / 256)
    for size in range(1, order + 1):
        counts = np.zeros(256**size, np.int32)
        for line in train:
            line = np.asarray(line, np.int64)
            number = sum(line[size - 1 - back:len(line) - back] * 256**back for back in range(size))
            counts += np.bincount(number, minlength=256**size).astype(np.int32)
        counts = counts.reshape(-1, 256)
        context = sum((before[back] * 256**back for back in range(size - 1)), np.zeros(len(follow), np.int64))
        total, kinds = counts.sum(axis=1)[context], (counts > 0).sum(axis=1)[context]
        seen = np.maximum(counts[context, follow] - SHARE, 0)
        left = np.where(total, SHARE * kinds / np.maximum(total, 1), 1)
        probability = seen / np.maximum(total, 1) + left * probability
    return float(-np.log(probability).mean())


def ar_nats(train, test, order=128):
    """Score codes by a linear prediction of the wave, with a logistic distribution around it.

    The prediction is fitted by least squares over train, from its autocorrelation. The scale of the logistic is the one
    of SCALES that is best for train. The probability of a code is that of the interval that it represents.

    Args: train, test: lists of uint8 (codes,). order: samples that the prediction reads.
    Returns: float, nats per code over all of test except the first `order` codes of each line.
    Source: Makhoul 1975, Linear prediction, section II; Salimans et al. 2017, PixelCNN++, section 2.1 (logistic).
        Notebook: 03, "Baselines".
    """
    products = 0
    for line in train:
        wave = audio.mu_law_decode(line).astype(float)
        spectrum = np.abs(np.fft.rfft(wave, 2 * len(wave))) ** 2
        products = products + np.fft.irfft(spectrum)[:order + 1]
    products[0] *= 1 + 1e-7  # a wave of few partials is nearly singular
    taps = linalg.solve_toeplitz(products[:order], products[1:])
    edges = audio.mu_law_decode(np.arange(256))
    edges = np.concatenate([[-np.inf], (edges[1:] + edges[:-1]) / 2, [np.inf]])

    def known(line):
        """The codes to score, and the predicted wave for each."""
        wave = audio.mu_law_decode(line).astype(float)
        return np.asarray(line[order:], int), np.convolve(wave, taps)[order - 1:len(wave) - 1]

    def nats(lines, scale):
        total, count = 0.0, 0
        for codes, predicted in lines:
            low, high = ((edges[codes + up] - predicted) / scale for up in (0, 1))
            flip = low > 0  # far above the prediction both tails round to 1: mirror them
            low, high = np.where(flip, -high, low), np.where(flip, -low, high)
            total -= np.log(np.maximum(special.expit(high) - special.expit(low), 1e-12)).sum()
            count += len(codes)
        return total / count

    part = [known(line[:200_000]) for line in train[:20]]
    tried = [nats(part, scale) for scale in tqdm(SCALES, desc="scales", leave=False)]
    return float(nats([known(line) for line in test], SCALES[np.argmin(tried)]))
