"""Writing in NumPy: given cells stay, holds hold, a run is read without Keras, and draws follow the temperature."""

import numpy as np
import pytest

from tests.networks import CHORALE, INFILLER, infiller, quartet, quartet_gap
from utils import runs
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


def test_temperature_0_is_the_likeliest_and_others_choose_among_pitches():
    share = np.log(np.array([[0.4, 0.1, 0.3, 0.2]]))  # hold, rest, two pitches

    def draws(temperature):
        chances = (np.arange(1000) + 0.5) / 1000
        found = infill_numpy.draw(np.repeat(share, 1000, axis=0), chances, temperature)
        return np.bincount(found, minlength=4) / 1000

    assert draws(0).tolist() == [1, 0, 0, 0]
    assert np.allclose(draws(1.0), np.exp(share[0]), atol=0.002)
    cold = draws(0.5)  # strikes as often, and the likelier pitch more often: 9 to 4
    assert np.allclose(cold[:2], [0.4, 0.1], atol=0.002) and np.isclose(cold[2] / cold[3], 9 / 4, rtol=0.05)


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
