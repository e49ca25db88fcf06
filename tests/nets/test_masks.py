"""Masks leave something to write, and crops fit."""

import numpy as np
import pytest

from tests.networks import CHORALE, quartet, quartet_gap
from utils.nets import infill_inputs, masks

TUNE, GAP = quartet(), quartet_gap()


def test_masks_leave_something_to_write_and_crops_fit():
    rng = np.random.default_rng(0)
    for kind in masks.MASKS:
        given, present = masks.mask(64, rng, {kind: 1.0})
        assert (~given & present).any()
    batch, token, weight = masks.Crops([(TUNE, CHORALE)], 64, 3, seed=1)[0]
    assert token.shape == weight.shape == (3, 64, 4) and weight[:, 40:].max() == 0
    assert (batch["given"] * weight).max() == 0 and token.max() < infill_inputs.VOCAB


def test_without_pieces_there_is_nothing_to_crop():
    with pytest.raises(ValueError, match="at least one"):
        masks.Crops([])
