"""A model's boxes hold all of its weights, in the order in which they are read."""

import pytest

from tests import diagrams as drawn
from utils.nets.backend import keras, layers, ops
from utils.show import graph


@pytest.mark.parametrize("name", drawn.BUILDERS)
def test_boxes_hold_each_weight_once_and_stand_behind_what_they_read(name):
    model, traced = drawn.built(name)
    boxes, known = graph.read(model, traced)
    counted = {layer: number for box in boxes for layer, number in box.weights.items()}
    assert known and sum(counted.values()) == (traced or model).count_params()
    places = {id(box): place for place, box in enumerate(boxes)}
    assert all(places[id(each)] < places[id(box)] for box in boxes for each in box.inputs)
    assert {box.kind for box in boxes} >= {"input", "output"}


def test_two_taps_of_one_layer_are_a_dilated_convolution():
    x = keras.Input((None, 2))
    before = layers.Cropping1D((0, 3))(layers.ZeroPadding1D((3, 0))(x))
    model = keras.Model(x, layers.Dense(4)(layers.Concatenate()([before, x])))
    _, box, _ = graph.read(model)[0]
    assert (box.kind, box.traits["taps"], box.traits["dilation"], box.traits["back"]) == ("taps", [2], [3], [3])


def test_a_dense_layer_over_two_inputs_is_none():
    x, y = keras.Input((None, 2)), keras.Input((None, 2))
    shifted = ops.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    model = keras.Model([x, y], layers.Dense(4)(layers.Concatenate()([shifted, y])))
    assert "taps" not in [box.kind for box in graph.read(model)[0]]


def test_a_gate_is_one_note_and_a_mask_no_arrow():
    x, given = keras.Input((None, 2)), keras.Input((None, 1), dtype="int32", name="given")
    both = layers.Dense(6)(x)
    y = ops.tanh(both[..., :3]) * ops.sigmoid(both[..., 3:]) * ops.cast(given > 0, "float32")
    boxes, _ = graph.read(keras.Model([x, given], layers.Dense(1)(y)))
    assert boxes[1].notes == ["gate: tanh × sigmoid"] and [box.title for box in boxes] == [
        "input", "Dense", "Dense", "output"]
