"""The original character network: it reads backwards only, writes what it predicts, and learns from excerpts."""

import numpy as np
import pytest

from utils.nets import char_rnn
from utils.nets.backend import keras


def test_the_original_network_reads_characters():
    model = char_rnn.build_char_rnn(129, "lstm", units=8, num_layers=2)
    tokens = np.arange(20)[None]
    changed = tokens.copy()
    changed[0, 10] = 99
    before, after = (keras.ops.convert_to_numpy(model(t)) for t in (tokens, changed))
    assert before.shape == (1, 20, 129) and np.array_equal(before[0, :10], after[0, :10])
    assert not np.allclose(before[0, 10:], after[0, 10:])


def test_a_text_is_scored_as_the_original_network_predicts_it():
    model = char_rnn.build_char_rnn(9, units=8)
    tokens = np.array([3, 1, 4, 1, 5])
    logits = keras.ops.convert_to_numpy(model(np.array([[0, 3, 1, 4, 1]])))[0]
    expected = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(5), tokens]
    assert np.allclose(char_rnn.text_nll(model, tokens), expected, atol=1e-5)
    assert not len(char_rnn.text_nll(model, []))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_original_network_writes_what_its_whole_window_predicts(cell):
    keras.utils.set_random_seed(0)
    model = char_rnn.build_char_rnn(20, cell, units=8, num_layers=2)
    written = char_rnn.write_characters(model, 30, num_streams=2, temperature=0, first=3)
    read = np.concatenate([np.full((2, 1), 3), written[:, :-1]], axis=1)
    assert np.array_equal(keras.ops.convert_to_numpy(model(read)).argmax(axis=-1), written)
    with pytest.raises(ValueError, match="at least 1"):
        char_rnn.write_characters(model, 0)


def test_states_are_what_the_logits_are_made_of():
    model = char_rnn.build_char_rnn(9, units=8)
    state, = char_rnn.states(model, [np.array([3, 1, 4])])
    assert state.shape == (3, 8)
    logits = keras.ops.convert_to_numpy(model(np.array([[3, 1, 4]])))[0]
    assert np.allclose(keras.ops.convert_to_numpy(model.layers[-1](state)), logits, atol=1e-5)


def test_a_text_is_learned_and_one_too_short_is_refused(tmp_path):
    tokens, model = np.arange(500) % 7, char_rnn.build_char_rnn(7, units=8)
    with pytest.raises(ValueError, match="500 and 10 characters have no excerpt of 10: pass longer texts"):
        char_rnn.fit(model, tokens, tokens[:10], tmp_path, epochs=1, length=10)
    history = char_rnn.fit(model, tokens, tokens, tmp_path, epochs=3, steps=20, length=10, learning_rate=0.02)
    assert len(history["val_loss"]) == 3 and history["val_loss"][-1] < np.log(7)


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match="no cell 'rnn'"):
        char_rnn.build_char_rnn(5, "rnn")
