"""Lessons: every network is scored by the chain rule, a state is asked in all fairness, and trials stay small."""

from pathlib import Path

import numpy as np
import pytest

from tests import networks
from utils import runs
from utils.music import data, text
from utils.nets import char_rnn, infill, infill_inputs, lessons, training
from utils.nets.backend import keras

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pieces():
    return [piece for piece in data.pieces("test") if piece.metre == (4, 4) and len(piece.fermatas)][:2]


def test_nats_of_characters_add_up_to_those_of_frames(pieces):
    model = char_rnn.build_char_rnn(129, units=8)
    nats = lessons.frame_nats(model, pieces[:1])[0]
    tokens = lessons.one_string(pieces[:1], everything=True)
    assert len(nats) == len(pieces[0].roll)
    assert np.isclose(nats.sum(), char_rnn.text_nll(model, tokens).sum())


def test_every_network_scores_every_frame(pieces):
    for model in (networks.two_clock(), networks.infiller()):
        assert [len(nats) for nats in lessons.frame_nats(model, pieces[:1])] == [len(pieces[0].roll)]


def test_an_average_by_place_weighs_every_character_once(pieces):
    ones = [(piece.roll != 0).sum(axis=1) + 1.0 for piece in pieces]  # a nat for each character
    assert np.allclose(lessons.by_place(ones, pieces), 1)


def test_pieces_with_repeats_are_learned_in_both_ways():
    repeated = next(piece for piece in data.pieces("train") if piece.repeats)
    assert len(lessons.in_keys([repeated], (0, 2))) == 4 and len(lessons.as_written([repeated])) == 1


def test_the_grid_of_quarters_is_the_one_that_the_shipped_networks_learned():
    checked = data.pieces("valid")[:2]
    folder = ROOT / "outputs" / "rnn_quarter_a"
    found, stated = lessons.quarter_nats(training.rebuild(folder), checked), runs.config(folder)["valid_nats"]
    assert all(abs(found[piece.name] - stated[piece.name]) < 2e-3 for piece in checked)
    assert runs.config(folder)["builder"]["num_conditions"] == list(lessons.QUARTER_CONDITIONS)
    assert len(lessons.in_quarters(checked, (0, 1), range(4))) == 16


def test_facts_are_true_of_the_text(pieces):
    tokens, known = lessons.facts(pieces[0])
    assert np.array_equal(known["the frame ends"] == 1, tokens == text.SPACE_TOKEN)
    assert {len(values) for values in known.values()} == {len(tokens)}
    marked = np.flatnonzero(known["the frame ends"])[pieces[0].fermatas[0]]
    assert known["a phrase ends"][marked] and not known["a phrase ends"].all()


def test_a_probe_finds_what_is_there_and_nothing_else():
    rng = np.random.default_rng(0)
    states = [rng.normal(size=(400, 5)) for _ in range(2)]
    found = lessons.probe(states, [{"unit": s[:, 2], "sum": s @ [1, 2, 0, -1, 0], "chance": rng.normal(size=400)}
                                   for s in states])
    assert found["unit"]["best unit"] > 0.999 and found["sum"]["all units"] > 0.999 > found["sum"]["best unit"]
    assert found["chance"]["all units"] < 0.3


def test_music_in_four_parts_moves_with_its_tonic():
    cells, form = lessons.higher(networks.quartet(), networks.CHORALE, -3)
    assert form.tonic == (networks.CHORALE.tonic - 3) % 12
    assert np.array_equal(lessons.higher(cells, form, 3)[0], networks.quartet())


def test_what_a_network_of_characters_writes_becomes_notes():
    roll, other = lessons.rolls(char_rnn.build_char_rnn(129, units=8), 40, streams=2)
    assert roll.shape[1] == other.shape[1] == 128 and len(lessons.notes(roll)) == (roll == 1).sum()


def test_a_trial_of_characters_takes_its_steps_and_says_what_came_out(pieces):
    model, rows = lessons.try_characters({"units": 8, "temperature": 1.2}, pieces, pieces,
                                         {"val_loss": [1.0, 0.5]}, steps=2)
    assert model.layers[2].units == 8 and rows["yours"]["steps"] == 2
    assert rows["the original GRU"]["nats per character"] == 0.5
    with pytest.raises(ValueError, match="no setting volume to try: choose among cell, units"):
        lessons.try_characters({"volume": 3}, pieces, pieces, {"val_loss": [1.0]})


def test_a_trial_of_voices_takes_its_steps(pieces):
    four, small = lessons.in_four(pieces), {"channels": 4, "units": 4, "hidden": 4, "num_frames": 8, "batch_size": 2}
    model, rows = lessons.try_voices(small | {"without": ["intervals"]}, four, four[:1], {"val_loss": [2.0, 1.0]},
                                     steps=1)
    assert rows["yours"]["steps"] == 1 and rows["shipped, first epoch"]["nats per frame"] == 2 and not model.without


@pytest.mark.parametrize("without", ["intervals", "encoder", "parallels"])
def test_what_is_left_out_is_written_into_the_weights(without):
    keras.utils.set_random_seed(1)
    model = infill.build_infiller(**networks.INFILLER, without=(without,))
    batch = infill_inputs.batch([networks.quartet()], [networks.CHORALE], [networks.quartet_gap()])
    before = keras.ops.convert_to_numpy(model(batch))
    assert np.allclose(keras.ops.convert_to_numpy(lessons.settle(model)(batch)), before, atol=1e-4)
    assert not model.without


def test_an_ablation_takes_its_last_rows(tmp_path):
    four = [(networks.quartet(), networks.CHORALE)]
    rows = lessons.ablation(four, four, tmp_path, networks.INFILLER, rows=1, steps=1, num_frames=8, batch_size=1)
    assert list(rows) == [list(lessons.INGREDIENTS)[-1]] and rows.popitem()[1].keys() == {"nothing", "soprano"}
