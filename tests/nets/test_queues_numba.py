"""The parts of the compiled loop; test_queues holds the whole against the network."""

import numpy as np
import pytest

from utils.nets import queues_numba


def test_tanh_needs_no_exponential():
    x = np.linspace(-20, 20, 4001, dtype=np.float32)
    assert max(abs(queues_numba._tanh(value) - np.tanh(value)) for value in x) < 2e-6


@pytest.mark.parametrize("streams, size", [(1, 8), (1, 11), (3, 11)])
def test_products_are_added(streams, size):
    rng = np.random.default_rng(0)
    out, inputs, kernel = (
        rng.normal(size=shape).astype(np.float32) for shape in ((streams, 5), (streams, size), (size, 5))
    )
    expected = out + inputs @ kernel
    queues_numba._add_product(out, inputs, kernel)
    assert np.allclose(out, expected, atol=1e-5)


def test_draws_follow_the_logits():
    logits = np.array([0.0, 1.0, 2.0, -1.0], np.float32)
    shares = np.exp(logits) / np.exp(logits).sum()
    edges = np.cumsum(shares)
    for code, draw in enumerate(edges - shares / 2):
        assert queues_numba._draw(logits.copy(), draw, 1.0) == code
    assert queues_numba._draw(logits.copy(), 0.0, 0.0) == 2 and queues_numba._draw(logits.copy(), 1.0, 1.0) < 4
