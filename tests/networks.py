"""Networks so small that they compile in a second, built once for all tests: change none of their weights for good."""

import functools
from contextlib import contextmanager

from utils.music import text
from utils.nets import compose, inputs, two_clocks
from utils.nets.backend import keras

import tensorflow as tf  # isort: skip, after the backend, which keeps its start quiet

BAR = inputs.POSITIONS, len(inputs.MATCHES) + 1  # what every network with two clocks is told
PLANNED = *BAR, *compose.PLAN


@functools.cache
def two_clock(cell="gru", onsets=False, kinds=BAR, seed=0):
    keras.utils.set_random_seed(seed)
    return two_clocks.build_two_clock(len(text.vocab(onsets)), cell=cell, slow_units=16, slow_layers=2, fast_units=12,
                                      embedding_size=4, num_conditions=kinds, dropout_rate=0.1)


@contextmanager
def eagerly():
    """Let TensorFlow take every step as it comes: to trace a graph takes longer than a handful of steps."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
