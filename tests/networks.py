"""Networks so small that they compile in a second, built once for all tests: change none of their weights for good."""

import functools

import numpy as np

from utils.music import text, voices
from utils.nets import infill, infill_inputs, inputs, two_clocks
from utils.nets.backend import keras


@functools.cache
def two_clock(cell="gru", onsets=False, kinds=inputs.NUM_CONDITIONS, seed=0):
    keras.utils.set_random_seed(seed)
    return two_clocks.build_two_clock(len(text.vocab(onsets)), cell=cell, slow_units=16, slow_layers=2, fast_units=12,
                                      embedding_size=4, num_conditions=kinds, dropout_rate=0.1)


CHORALE = infill_inputs.Form(4, 16, 4, 7, "major", np.array([20, 36]), 40)
INFILLER = {"channels": 8, "dilations": (1, 2), "units": 8, "hidden": 12}


@functools.cache
def infiller(seed=0):
    keras.utils.set_random_seed(seed)
    return infill.build_infiller(**INFILLER)


def quartet():
    """Four voices that move on every beat, at random but in their ranges: int16 (40, 4)."""
    rng = np.random.default_rng(1)
    notes = np.array([72, 65, 60, 50]) + rng.integers(-5, 6, (10, 4))
    cells = np.repeat(notes, 4, axis=0) + voices.HELD
    cells[::4] -= voices.HELD
    cells[12:16, 2] = voices.REST
    return cells.astype(np.int16)


def quartet_gap():
    """All is given but the middle bar, and the alto to the end: bool (40, 4)."""
    known = np.ones((40, 4), bool)
    known[16:28], known[16:, 1] = False, False
    return known
