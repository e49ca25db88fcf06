"""Lines are the text with the place in the bar; a network that knows nothing scores what chance scores."""

import numpy as np
import pytest

from utils.music import data, text
from utils.nets import inputs, strings, wavenet
from utils.nets.backend import keras


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    net = wavenet.build(levels=strings.NUM_CHARACTERS, states=strings.NUM_PLACED, num_stacks=1, num_layers=2,
                        channels=4, skip_channels=4)
    net.get_layer("logits").set_weights([0 * each for each in net.get_layer("logits").get_weights()])
    return net


def test_a_line_is_the_text_in_each_key_and_where_repeats_are_played_once_more():
    piece = data.pieces("test")[0]
    line, higher = strings.of([piece], (0, 1))
    written = text.characters(line[1:] % strings.NUM_CHARACTERS, text.vocab())
    assert written == text.encode(piece.roll) and line.max() < strings.NUM_PLACED
    assert len(line) == len(higher) and (line != higher).any()
    assert len(strings.of_split("valid", count=2)) == 2
    repeated = next(each for each in data.pieces("train") if each.repeats)
    assert len(strings.of([repeated], played=True)) == 2


def test_a_network_that_knows_nothing_pays_for_every_character_alike(model):
    piece = data.pieces("test")[0]
    characters = len(text.encode(piece.roll))
    expected = characters * np.log(strings.NUM_CHARACTERS) / len(piece.roll)
    assert strings.frame_nats(model, "test", count=1) == pytest.approx(expected, rel=1e-4)
    assert strings.frame_nats(model, "test", (0, 1), count=1) == pytest.approx(expected, rel=1e-4)


def test_what_it_writes_is_a_roll(model):
    roll = strings.write(model, 50, seed=1)
    assert roll.shape[1] == 128 and np.array_equal(roll, strings.write(model, 50, seed=1))
    assert inputs.POSITIONS * strings.NUM_CHARACTERS == strings.NUM_PLACED
