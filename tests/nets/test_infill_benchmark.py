"""The benchmark with voices named: pitches without attacks, and what they cost."""

import numpy as np
import pytest

from tests.networks import infiller, quartet, quartet_gap
from utils.music.voices import HELD
from utils.nets import infill, infill_benchmark, infill_inputs

TUNE, GAP = quartet(), quartet_gap()


def test_pitches_without_attacks_tie_what_repeats():
    cells = infill_benchmark.without_attacks([[60, -1, 50, 40], [60, -1, 50, 41], [62, 55, 50, 41]])
    assert cells.tolist() == [[60, -1, 50, 40], [60 + HELD, -1, 50 + HELD, 41], [62, 55, 50 + HELD, 41 + HELD]]
    assert (infill_benchmark.without_attacks(TUNE) == infill_benchmark.without_attacks(
        np.where(TUNE >= 0, TUNE % HELD, TUNE))).all()


def test_a_pitch_costs_no_more_than_the_cell_that_holds_it():
    cells = infill_benchmark.without_attacks(TUNE)
    (pitches,), (whole,) = (infill_benchmark.frame_nll(infiller(), [TUNE], metres={(16, 4): 1.0}),
                            infill.nll(infiller(), [cells], [infill_inputs.Form(4, 16)]))
    assert (pitches <= whole + 1e-6).all() and pitches.sum() < whole.sum()
    assert pitches[0] == pytest.approx(whole[0], abs=1e-5)  # nothing to hold yet
    both, = infill_benchmark.frame_nll(infiller(), [TUNE], metres={(16, 4): 0.5, (12, 0): 0.5})
    assert both.sum() <= pitches.sum() + np.log(2) + 1e-6  # a mixture loses a bit at most
