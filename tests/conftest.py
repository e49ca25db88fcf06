"""What many tests share: Bach's windows, and a way round TensorFlow's tracing."""

import numpy as np
import pytest

from utils.music import data, windows


@pytest.fixture(scope="session")
def bach():
    """Windows in C major or A minor, by split; those to train on in random order."""
    found = {split: windows.windows(data.pieces(split)) for split in ("train", "valid", "test")}
    found["train"] = found["train"][np.random.default_rng(1).permutation(len(found["train"]))]
    for rolls in found.values():
        rolls.flags.writeable = False
    return found


@pytest.fixture
def eagerly():
    """Let TensorFlow take every step as it comes: to trace a graph takes longer than a handful of steps."""
    import tensorflow as tf  # not all tests need it

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
