"""Writing in NumPy: given cells stay, holds hold, a run is read without Keras, what is sung and chosen is obeyed."""

import numpy as np
import pytest

from tests.networks import CHORALE, INFILLER, infiller, quartet, quartet_gap
from utils import runs
from utils.music import voices
from utils.music.voices import HELD, REST
from utils.nets import infill, infill_numpy

TUNE, GAP = quartet(), quartet_gap()


def test_given_cells_never_change():
    (written, nats), = infill.write(infiller(), [CHORALE], [TUNE], [GAP], seed=3)
    assert written.dtype == np.int16 and written.shape == TUNE.shape and nats.shape == (40,)
    assert (written[GAP] == TUNE[GAP]).all() and (written[~GAP] != TUNE[~GAP]).any()
    assert nats[:16].max() == 0 and nats[16:28].min() > 0


def test_a_note_given_from_its_middle_is_begun_in_the_gap():
    cells = TUNE.copy()
    cells[28, 3] = cells[28, 3] + HELD if cells[28, 3] < HELD else cells[28, 3]  # the bass is held across the seam
    for seed in range(3):
        (written, _), = infill.write(infiller(), [CHORALE], [cells], [GAP], seed=seed)
        assert written[28, 3] == cells[28, 3] and written[27, 3] % HELD == cells[28, 3] % HELD


def test_held_cells_hold_what_sounded():
    (written, _), = infill.write(infiller(), [CHORALE], temperature=1.5)
    held = written >= HELD
    assert not held[0].any() and (written[1:] % HELD == written[:-1] % HELD)[held[1:]].all()


def test_a_piece_is_the_same_whatever_stands_beside_it():
    alone = infill.write(infiller(), [CHORALE], [TUNE], [GAP], seed=2)[0][0]
    longer = np.full((52, 4), REST)
    forms = [CHORALE, CHORALE._replace(length=52)]
    beside = infill.write(infiller(), forms, [TUNE, longer], [GAP, longer >= 0], seed=2)
    assert (alone == beside[0][0]).all()


def test_a_run_is_read_without_keras(tmp_path):
    runs.save(infiller(), {"loss": [1.0]}, tmp_path, builder=INFILLER)
    network = infill_numpy.load(tmp_path)
    kept = infill.arrays(infiller())
    assert network.keys() == kept.keys() and tuple(network["dilations"]) == INFILLER["dilations"]
    assert all(np.allclose(network[name], kept[name], atol=1e-3) for name in kept)
    (cells, _), = infill_numpy.write([network], [CHORALE], [TUNE], [GAP])
    assert (cells[GAP] == TUNE[GAP]).all()


@pytest.mark.parametrize("own, was, now, wrong", [
    (41, 48, 50, 43), (48, 41, 43, 50),  # a fifth, both a step up, asked of the lower voice and of the upper one
    (48, 36, 38, 50), (36, 48, 46, 34),  # octaves
])
def test_parallels_are_found_from_either_voice(own, was, now, wrong):
    place = np.array([own]), np.array([[was]]), np.array([[now]])
    kerass = np.array(infill.parallels(place[0][:, None], *place[1:]))[0, 0]
    ours = infill_numpy.parallels(place[0][:, None], *place[1:])[0, 0]
    assert (kerass == ours).all() and ours[wrong - 1] and not ours[[wrong, wrong - 2]].any()


def test_parallel_fourths_are_free():
    for own, was, now in ((41, 46, 48), (46, 41, 43)):
        assert not np.array(infill.parallels(np.array([[own]]), np.array([[was]]), np.array([[now]]))).any()


# ---------------------------------------------------------------------------------------------- singable, choose


def write(pieces=1, **more):
    """Write that many pieces of the same outline with the small network, nothing given."""
    return infill_numpy.write([infill.arrays(infiller())], [CHORALE] * pieces, temperature=1.5, **more)


def wrong(cells):
    """What nobody can sing: rests, and notes struck beyond the ranges or too far below a neighbour."""
    pitch, struck, (low, high) = voices.pitches(cells).astype(int), voices.struck(cells), np.transpose(voices.RANGES)
    far = struck[:, 1:3] & (pitch[:, :2] - pitch[:, 1:3] > voices.OCTAVE)
    return int((cells < 0).sum()), int((struck & ((pitch < low) | (pitch > high))).sum()), int(far.sum())


@pytest.mark.parametrize("seed", range(3))
def test_what_is_singable_has_no_rest_no_note_out_of_range_and_no_wide_gap(seed):
    (free, _), (sung, nats) = *write(seed=seed), *write(seed=seed, singable=True)
    assert min(wrong(free)) > 0 and wrong(sung) == (0, 0, 0) and np.isfinite(nats).all()


def test_given_cells_stay_although_nobody_can_sing_them():
    cells, known = TUNE.copy(), np.zeros(TUNE.shape, bool)
    known[:, 0] = known[8:12, 2] = True
    cells[:8, 0], cells[8:12, 2] = 96, REST
    (written, _), = infill_numpy.write([infill.arrays(infiller())], [CHORALE], [cells], [known], singable=True)
    assert (written[known] == cells[known]).all() and written[~known].min() >= 0


def test_a_piece_goes_on_from_the_one_that_is_chosen():
    plain, seen = write(3, seed=4), []

    def choose(now, rows):
        seen.append((now, rows.shape, rows.dtype))
        return np.array([2, 1, 2]) if now == 15 else None

    chosen = write(3, seed=4, choose=choose)
    assert seen == [(now, (3, 40, 4), np.int16) for now in range(40)]
    for (cells, nats), (own, own_nats) in zip(chosen[1:], plain[1:]):
        assert (cells == own).all() and (nats == own_nats).all()
    (cells, nats), (model, model_nats) = chosen[0], plain[2]
    assert (cells[:16] == model[:16]).all() and (nats[:16] == model_nats[:16]).all()
    assert (cells[:16] != plain[0][0][:16]).any() and (cells[16:] != model[16:]).any()


def test_what_is_written_after_choices_costs_what_nll_says():
    chosen = write(3, seed=1, choose=lambda now, rows: np.roll(np.arange(3), now % 3) if now % 5 == 4 else None)
    scored = infill.nll([infiller()], [cells for cells, _ in chosen], [CHORALE] * 3)
    for (_, nats), theirs in zip(chosen, scored):
        np.testing.assert_allclose(nats, theirs, rtol=1e-3, atol=1e-3)


def test_a_choice_of_each_for_itself_changes_nothing():
    plain, chosen = write(2), write(2, choose=lambda now, rows: np.arange(2))
    for (cells, nats), (own, own_nats) in zip(chosen, plain):
        assert (cells == own).all() and (nats == own_nats).all()


def test_a_choice_sees_what_is_written_so_far():
    kept = []
    (cells, _), = write(choose=lambda now, rows: kept.append(rows[0, :now + 1].copy()))
    assert all((cells[:len(rows)] == rows).all() for rows in kept) and len(kept) == len(cells)
