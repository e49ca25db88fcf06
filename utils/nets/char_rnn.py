"""The original character networks: builder, training, likelihood, and writing with the state carried along."""

import numpy as np

from utils.nets import sampling, training
from utils.nets.backend import keras, layers
from utils.nets.excerpts import Excerpts

CELLS = {"gru": layers.GRU, "lstm": layers.LSTM}
PADDED = 512  # characters: texts are read in lengths that are multiples of it
NUM_STATES = {layers.GRU: 1, layers.LSTM: 2}  # arrays that a layer carries from step to step


def build_char_rnn(vocab_size, cell="gru", units=256, num_layers=1, embedding_size=64, dropout_rate=0.0):
    """Build the original network: a character in, the distribution of the next one out.

    Args: vocab_size: int. cell: "gru" or "lstm". units, num_layers: size of the recurrent stack. embedding_size: int.
        dropout_rate: between layers.
    Returns: keras.Model from tokens int (batch, characters) to logits float (batch, characters, vocab_size).
    Raises: ValueError for another cell.
    Source: Graves 2013, Generating Sequences with Recurrent Neural Networks. Notebook: 02, "The original network".
    """
    recurrent = recurrent_layer(cell)
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(vocab_size, embedding_size)(tokens)
    for _ in range(num_layers):
        x = recurrent(units, return_sequences=True)(x)
        x = layers.Dropout(dropout_rate)(x)
    return keras.Model(tokens, layers.Dense(vocab_size)(x), name=f"char_{cell}")


def recurrent_layer(cell):
    """Return the Keras layer of a cell, "gru" or "lstm". Raises ValueError for another one."""
    if cell not in CELLS:
        raise ValueError(f"there is no cell {cell!r}: choose one of {', '.join(CELLS)}")
    return CELLS[cell]


def fit(model, train, valid, folder, epochs, steps=100, length=100, batch_size=8, learning_rate=1e-3, seed=0,
        keep_best=False):
    """Train the original network as it was trained: next character, random excerpts, a constant rate.

    A stopped run continues after its last complete epoch.

    Args: model: what `build_char_rnn` returns. train, valid: texts as tokens int (characters,). folder: Path, for the
        backup, TensorBoard's logs and history.csv. epochs, steps: steps per epoch. length, batch_size: of the excerpts.
        learning_rate: of Adam. seed: of the excerpts. keep_best: see `training.fit`.
    Returns: dict, the history: loss and val_loss, nats per character, one value per epoch; their exponentials
        are perplexities.
    Raises: ValueError for a text that is too short for one window.
    Notebook: 02, "The original network".
    """
    prepare(model, epochs * steps, learning_rate)
    lessons, checks = excerpts(train, valid, steps, model.output_shape[-1], length, batch_size, seed)
    return training.fit(model, lessons, folder, epochs, lambda: check(model, checks), keep_best)


def prepare(model, num_steps, learning_rate=1e-3):
    """Compile a network of characters for so many steps: `training.prepare`, a graph always, since texts are long."""
    training.prepare(model, num_steps, keras.optimizers.Adam(learning_rate),
                     keras.losses.SparseCategoricalCrossentropy(from_logits=True), always_a_graph=True)


def excerpts(train, valid, steps, levels, length=100, batch_size=8, seed=0):
    """Cut random excerpts: batches to learn from, and one batch, eight times as large, to check on.

    Args: as `fit`; levels: int, the size of the alphabet.
    Returns: Excerpts of so many steps; (given, target), each int (8 * batch_size, length).
    Raises: ValueError for a text that is too short for one window.
    """
    if min(len(train), len(valid)) <= length:
        raise ValueError(f"{len(train)} and {len(valid)} characters have no excerpt of {length}: pass longer texts")
    lessons, checks = (Excerpts([np.asarray(text)], length, size, steps, levels=levels, seed=seed)
                       for text, size in ((train, batch_size), (valid, 8 * batch_size)))
    return lessons, checks[0]


def check(model, checks):
    """Mean nats per character of what `excerpts` cut to check on: float."""
    given, target = checks
    return float(training.nats(model.predict_on_batch(given).astype(np.float64), target).mean())


def states(model, texts):
    """Read texts, and keep the state after each character, in the last recurrent layer.

    Args: model: what `build_char_rnn` returns; of an LSTM the output is taken, not the cell. texts: list of tokens int
        (characters,).
    Returns: list of float32 (characters, units).
    Notebook: 02, "What the state holds".
    """
    recurrent = [layer for layer in model.layers if type(layer) in NUM_STATES][-1]
    reader = keras.Model(model.input, recurrent.output)
    return [reader.predict_on_batch(_padded(text))[0, :len(text)] for text in texts]


def write_characters(model, num_characters, num_streams=1, temperature=1.0, seed=0, first=0):
    """Write text with the original network, several streams side by side, its state carried along.

    Args: model: what `build_char_rnn` returns. num_characters: int. temperature: see `sampling.sample`. seed: int.
        first: the token to start from.
    Returns: int (num_streams, num_characters), tokens.
    Raises: ValueError for no characters.
    Notebook: 02, "The original network".
    """
    if num_characters < 1:
        raise ValueError(f"{num_characters} characters to write: give at least 1")
    token, before, after = keras.Input((1,), dtype="int32"), [], []
    x = token
    for layer in model.layers[1:]:  # the same layers again, with states as inputs and outputs
        if type(layer) in NUM_STATES:
            state = [keras.Input((layer.units,)) for _ in range(NUM_STATES[type(layer)])]
            carried = type(layer).from_config(layer.get_config() | {"return_state": True})
            x, *new = carried(x, initial_state=state)
            carried.set_weights(layer.get_weights())
            before, after = before + state, after + new
        else:
            x = layer(x)
    step = keras.Model([token, *before], [x[:, 0], *after])
    states = [np.zeros((num_streams, state.shape[1]), np.float32) for state in before]
    rng, chosen, written = np.random.default_rng(seed), np.full(num_streams, first), []
    for _ in range(num_characters):
        logits, *states = step.predict_on_batch([chosen[:, None], *states])
        chosen = sampling.sample(logits, rng, temperature)
        written.append(chosen)
    return np.stack(written, axis=1)


def text_nll(model, tokens, first=0):
    """Score a text with the original network, from an unprimed start.

    Args: model: what `build_char_rnn` returns. tokens: int (characters,). first: the token that generation starts from.
    Returns: float64 (characters,), nats of each character.
    Notebook: 02, "The published benchmark".
    """
    tokens = np.asarray(tokens, np.int32)
    if not len(tokens):
        return np.zeros(0)
    before = np.concatenate([[first], tokens[:-1]]).astype(np.int32)
    return training.nats(model.predict_on_batch(_padded(before))[0, :len(tokens)].astype(np.float64), tokens)


def _padded(tokens):
    """A batch of one text, as long as a multiple of PADDED: each other length would be compiled anew."""
    return np.pad(np.asarray(tokens, np.int32), (0, -len(tokens) % PADDED))[None]
