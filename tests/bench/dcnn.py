"""The rows of notebook 03: how fast a WaveNet plays by queues, against a window read anew; and performers."""

from pathlib import Path

import numpy as np

from tests.bench.table import Row, seconds
from utils.music import data, voices
from utils.nets import queues, queues_numba, student, training, wavenet
from utils.nets.backend import keras
from utils.sound import conditioning, expression, tones

import tensorflow as tf  # after the backend, which keeps its start quiet

OUTPUTS = Path(__file__).resolve().parents[2] / "outputs"
RATE = 16_000  # samples a second are real time
STEPS = {"lean": 16_000, "seed": 3_000}  # of one stream
STREAMS = (16, 64)
REPEATS = 3
PRESETS = {"lean": dict(num_stacks=3, num_layers=10, skip_channels=256),  # one that a laptop can play
           "seed": dict(num_stacks=5, num_layers=10, skip_channels=1024)}  # the original network


def rows():
    keras.utils.set_random_seed(0)
    for name in ("lean", "seed"):
        yield from _network(name)
    yield from _performers()


def _network(name):
    """One preset, conditioned as it performs or not: window, NumPy, TensorFlow's loop, and Numba."""
    hears = dict(condition_size=conditioning.NUM_SCORE_FEATURES, hop=conditioning.HOP) if name == "lean" else {}
    sizes = PRESETS[name]
    model, steps = wavenet.build(**sizes, **hears), STEPS[name]
    weights, condition = wavenet.weights(model), None
    window = [np.zeros((1, wavenet.receptive_field(sizes["num_stacks"], sizes["num_layers"])), int)]
    if hears:
        rows = -(-max(steps, window[0].size) // conditioning.HOP)
        condition = np.random.default_rng(0).random((rows, conditioning.NUM_SCORE_FEATURES), np.float32)
        window[0] = np.zeros((1, rows * conditioning.HOP), int)
        window.append(condition[None])
    model.predict_on_batch(window)
    naive = 1 / seconds(lambda: model.predict_on_batch(window), REPEATS)[0]
    speed = _speed(weights, steps, condition)
    for streams in (1, *STREAMS):
        found = speed if streams == 1 else _speed(weights, max(steps // streams, 200), condition, streams)
        goal = {("lean", 1): "16,000, 1,000 x", ("seed", 1): "1,500", ("lean", 64): "2 x one",
                ("seed", 64): "4 x one"}
        rival = ("Keras, window", naive) if streams == 1 else ("one stream", speed)
        yield Row(f"WaveNet {name}, queues, {streams} at once", found, "samples/s", goal.get((name, streams), ""),
                  *rival, found / rival[1])
    kept, queues.queues_numba = queues.queues_numba, None
    try:
        yield Row(f"WaveNet {name}, queues in NumPy", plain := _speed(weights, steps // 20, condition), "samples/s", "",
                  "Keras, window", naive, plain / naive)
    finally:
        queues.queues_numba = kept
    loop = _while_loop(weights, steps // 4)
    yield Row(f"WaveNet {name}, TensorFlow loop", loop, "samples/s", "", "Keras, window", naive, loop / naive)
    size = sum(value.nbytes for value in weights.values() if np.ndim(value) > 1)
    limit = _bytes_a_second(size) / size
    yield Row(f"WaveNet {name}, limit of the memory", limit, "samples/s", "reach 80 %" * (name == "seed"),
              "queues", speed, speed / limit)


def _speed(weights, steps, condition, streams=1):
    queues.generate(weights, 2, condition, streams)
    return steps * streams / seconds(lambda: queues.generate(weights, steps, condition, streams), REPEATS)[0]


def _bytes_a_second(size):
    """Speed of reading so many bytes again and again, by a compiled sum: what weights of that size could be read at."""
    values = np.ones((1, size // 4), np.float32)
    vector = values.reshape(-1, 64)
    out, once = np.zeros((1, 64), np.float32), np.ones((1, len(vector)), np.float32)
    queues_numba._add_product(out, once, vector)
    return size / seconds(lambda: queues_numba._add_product(out, once, vector), 20)[0]


def _while_loop(weights, steps):
    """The same queues as a loop inside TensorFlow, compiled by XLA, unconditioned."""
    w = {name: tf.constant(value) for name, value in weights.items() if name not in ("hop", "dilations")}
    channels, starts = w["embed"].shape[1], np.cumsum(weights["dilations"]) - weights["dilations"]

    def step(t, code, queue):
        x, gated = w["embed"][code][None], []
        for layer, (start, dilation) in enumerate(zip(starts, weights["dilations"])):
            place = int(start) + t % int(dilation)
            both = tf.concat([queue[place][None], x], 1) @ w["gate_kernel"][layer] + w["gate_bias"][layer]
            queue = tf.tensor_scatter_nd_update(queue, [[place]], x)
            gated.append(tf.tanh(both[:, :channels]) * tf.sigmoid(both[:, channels:]))
            x = x + gated[-1] @ w["residual_kernel"][layer] + w["residual_bias"][layer]
        x = tf.nn.relu(tf.concat(gated, 1) @ w["skip_kernel"] + w["skip_bias"])
        scores = tf.nn.relu(x @ w["hidden_kernel"] + w["hidden_bias"]) @ w["head_kernel"] + w["head_bias"]
        return t + 1, tf.cast(tf.argmax(scores[0]), tf.int32), queue

    @tf.function(jit_compile=True)
    def play():
        queue = tf.zeros((int(weights["dilations"].sum()), channels))
        return tf.while_loop(lambda t, *_: t < steps, step, (0, 128, queue))[1]

    play()
    return steps / seconds(play, REPEATS)[0]


def _performers():
    """Teacher and student as shipped, on a busy score: samples a second, conditions made beforehand."""
    length, rng, found = 4 * student.PASS_SAMPLES, np.random.default_rng(0), {}
    condition = rng.random((length // conditioning.HOP, conditioning.NUM_SCORE_FEATURES), np.float32)
    excitation = rng.standard_normal((length, tones.NUM_HARMONICS + 1), np.float32)
    teacher, ours = (training.rebuild(OUTPUTS / f"dcnn_{name}") for name in ("teacher", "student"))
    weights = wavenet.weights(teacher)
    runs = {"teacher": lambda: queues.generate(weights, RATE, condition, excitation=excitation),
            "student": lambda: student.perform(ours, length, condition, excitation[:, -1:])}
    ours.compile(jit_compile=True)
    for name, run in runs.items():
        run()
        found[name] = (RATE if name == "teacher" else length) / seconds(run, REPEATS)[0]
        goal = {"teacher": "2 x", "student": "20 x"}[name]
        yield Row(name.capitalize(), found[name], "samples/s", goal, "real time", RATE, found[name] / RATE)
    yield from _performance()


def _performance():
    """Turn a chorale into a performance by rule."""
    piece = data.pieces("test")[0]
    notes, known = voices.to_notes(piece.voices), expression.facts(piece)
    expression.perform(notes, **known)
    yield Row("A performance by rule", seconds(lambda: expression.perform(notes, **known), REPEATS)[0], "s a piece",
              "at most 0.1")
