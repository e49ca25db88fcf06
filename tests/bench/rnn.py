"""The rows of notebook 02: how fast the recurrent networks learn and write, against Keras used plainly."""

from pathlib import Path

import numpy as np

from tests.bench.table import Row, seconds
from utils.music import data, text
from utils.nets import char_rnn, infill_inputs, infill_numpy, inputs, training, two_clocks
from utils.nets.backend import keras

STEPS, EPOCHS = 40, 4  # of training, timed after an epoch that compiles
WINDOW, BATCH = 100, 32  # characters and windows of the plain network, as the original and as Keras has them
UNITS = 500  # of its two layers: as many weights as the network with two clocks
BARS, PIECES = 16, (1, 16, 64)
CELLS = 4 * 16 * BARS  # of a piece; Keras's `predict` would read a piece once for each of them
INFILL = Path(__file__).resolve().parents[2] / "outputs/infill"


def rows():
    alphabet = text.vocab()
    pieces = [inputs.prepare(piece.roll, piece.upbeat, piece.bar_frames)[0] for piece in data.pieces("train")]
    model = two_clocks.build_two_clock(len(alphabet))
    on_jax = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.AdamW(1e-3), loss=two_clocks.frame_loss, jit_compile=on_jax)
    ours = characters_a_second(model, two_clocks.Crops(pieces, steps=STEPS))
    plain = char_rnn.build_char_rnn(len(alphabet), units=UNITS, num_layers=2)
    plain.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    stream = np.concatenate([piece.tokens[piece.tokens != text.NO_TOKEN] for piece in pieces])
    stream = stream[:STEPS * BATCH * WINDOW + 1]
    windows = [part[:STEPS * BATCH * WINDOW].reshape(STEPS * BATCH, WINDOW) for part in (stream[:-1], stream[1:])]
    rival = characters_a_second(plain, *windows)
    sizes = f"{model.count_params() / 1e6:.1f} and {plain.count_params() / 1e6:.1f} M weights"
    yield Row(f"RNN training, {sizes}", ours, "characters/s", "1.5 x the rival", "Keras, plain", rival, ours / rival)

    model, network = training.rebuild(INFILL), infill_numpy.load(INFILL)
    form = infill_inputs.Form(tonic=7, mode="major", length=16 * BARS)
    batch = infill_inputs.batch([np.full((form.length, 4), -1)], [form])
    model.predict_on_batch(batch)
    rival = CELLS * seconds(lambda: model.predict_on_batch(batch), repeats=3)[0]
    for count in PIECES:
        spent, _ = seconds(lambda: infill_numpy.write([network], [form] * count))
        yield Row(f"{BARS} bars in four voices, {count} at once", spent / count, "s/piece",
                  "at most 0.5" * (count == 1), "predict, once a cell", rival, rival * count / spent)


def characters_a_second(model, *batches):
    """Speed of the fastest of several epochs, once an epoch has compiled what it needs."""
    epoch = lambda: model.fit(*batches, batch_size=BATCH if len(batches) > 1 else None, verbose=0)
    epoch()
    spent, _ = seconds(epoch, repeats=EPOCHS)
    if len(batches) > 1:
        return batches[0].size / spent
    return sum((batches[0][step][1] != text.NO_TOKEN).sum() for step in range(STEPS)) / spent
