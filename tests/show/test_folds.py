"""Copies of a block become one, whatever their number; what differs stays apart."""

import pytest

from utils.nets.backend import keras, layers
from utils.show import folds, graph


def tower(sizes, residual=True):
    """Blocks of two dense layers, with a way past each."""
    x = start = keras.Input((4,))
    for size in sizes:
        y = layers.Dense(4)(layers.Dense(size, activation="relu")(x))
        x = x + y if residual else y
    return graph.read(keras.Model(start, layers.Dense(1)(x)))[0]


@pytest.mark.parametrize("number", [3, 5, 12])
def test_equal_blocks_are_counted(number):
    boxes = tower([8] * number)
    inside = [box for box in boxes if box.block]
    assert [box.kind for box in inside] == ["Dense", "Dense", "+"] and {box.count for box in inside} == {number}
    assert inside[2].next is inside[0] and len(inside[0].weights) == number


def test_a_chain_without_sums_is_folded_too():
    assert {box.count for box in tower([8] * 4, residual=False) if box.block} == {4}


def test_two_copies_or_other_sizes_stay_apart():
    assert not any(box.block for box in tower([8, 8])) and not any(box.block for box in tower([8, 9, 8, 9, 7]))


def test_a_last_copy_whose_end_is_missing_counts():
    x, outputs = keras.Input((4,)), []
    y = x
    for number in range(4):
        outputs.append(layers.Dense(4, activation="tanh")(y))
        if number < 3:
            y = y + layers.Dense(4)(outputs[-1])
    boxes, _ = graph.read(keras.Model(x, layers.Dense(1)(layers.Concatenate()(outputs))))
    assert [box.count for box in boxes if box.block] == [4, 3, 3]
    assert list(boxes[-2].fans.values()) == [4]


def test_twins_and_sums_merge():
    x = keras.Input((None,), dtype="int32")
    y = layers.Embedding(5, 4)(x) + layers.Embedding(5, 4)(x) + layers.Embedding(5, 4)(x)
    boxes, _ = graph.read(keras.Model(x, layers.Dense(1)(y)))
    assert [(box.kind, box.count) for box in boxes][1] == ("Embedding", 3)


def test_many_inputs_are_named_where_they_are_read():
    inputs = [keras.Input((2,), name=f"input_{letter}") for letter in "abcdef"]
    parts = [layers.Dense(2)(layers.Concatenate()(pair)) for pair in zip(inputs, inputs[1:])]
    boxes, _ = graph.read(keras.Model(inputs, layers.Dense(1)(layers.Concatenate()(parts))))
    assert {box.title for box in boxes if box.kind == "input"} >= {"input_a, input_b", "input_e, input_f"}
    assert all(len(readers) == 1 for box in boxes for readers in [folds.consumers(boxes)[id(box)]]
               if box.kind == "input")
