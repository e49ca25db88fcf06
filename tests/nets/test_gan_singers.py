"""Voices that sing by interval: that they write what they read, count intervals, and how gradients pass a choice."""

import numpy as np
import pytest
import tensorflow as tf

from utils.nets import gan_singers, gan_voices
from utils.nets.backend import keras
from utils.nets.infill_inputs import VOCAB

FRAMES = 8


def outline(frames, samples=1):
    return np.zeros((samples, frames, len(gan_singers.SIZES)), np.uint8)


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(1)
    return gan_voices.build_generator(FRAMES, units=8, hidden=8)


def test_it_writes_what_it_reads_and_reads_nothing_ahead(generator):
    singers = generator.get_layer("singers")
    latents = np.random.default_rng(1).normal(size=(6, FRAMES, 4)).astype("float32")
    tokens, plan = np.array(singers.write(latents, outline(FRAMES, 6))), outline(FRAMES, 6)
    shares = np.array(tf.nn.softmax(singers.read(tf.constant(tokens), plan)))
    ends = np.take_along_axis(shares.cumsum(axis=-1), tokens[..., None], axis=-1)[..., 0]
    chance = np.array(0.5 + 0.5 * tf.math.erf(latents * 0.5**0.5))
    assert np.all(chance <= ends + 1e-5)
    assert np.all(chance >= ends - np.take_along_axis(shares, tokens[..., None], axis=-1)[..., 0] - 1e-5)
    changed = tokens.copy()
    changed[:, 5, 3] = tokens[:, 5, 3] % 60 + 5  # a bass note, after which alto and tenor of the frame are written
    here, there = (np.array(singers.read(tf.constant(each), plan)) for each in (tokens, changed))
    moved = np.abs(there - here).max(axis=(0, 3))
    assert moved[:5].max() == 0 and np.all(moved[5, [0, 3]] == 0) and np.all(moved[5, [1, 2]] > 0)


def test_intervals_are_looked_up_alike_in_every_octave():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(1, 1, sum(gan_singers.SAID))).astype("float32")
    values[..., :VOCAB] = 0  # what is said of single pitches
    here = np.array([[[50, 45, 0, 20]]]), np.array([[[48, 46, 41, 25]]]), np.array([[[47, 48, 40, 24]]])
    low = np.array(gan_singers.by_interval(values, 1, *here))[0, 0, 2:]
    high = np.array(gan_singers.by_interval(values, 1, *(np.where(each > 0, each + 12, 0) for each in here)))[0, 0, 2:]
    np.testing.assert_allclose(low[:-12], high[12:], atol=1e-5)
    assert np.ptp(low) > 1


def test_gradients_pass_as_if_each_choice_were_soft(generator):
    latents = np.random.default_rng(1).normal(size=(2, FRAMES, 4)).astype("float32")
    with tf.GradientTape() as tape:
        made = generator([latents, outline(FRAMES, 2)], training=True)
        loss = tf.reduce_sum(made * tf.range(VOCAB, dtype=tf.float32))
    np.testing.assert_allclose(made, generator([latents, outline(FRAMES, 2)]), atol=1e-5)
    slopes = tape.gradient(loss, [variable.value for variable in generator.trainable_variables])
    assert all(slope is not None and np.isfinite(slope).all() for slope in slopes)
    assert sum(np.any(slope != 0) for slope in slopes) > len(slopes) / 2


def test_voices_are_followed_by_hand():
    token = np.array([[[40], [0], [45], [1], [0], [47]]])  # struck, held, another, a rest, nothing to hold, another
    pitch, hit, before, age = (np.array(each)[0, :, 0] for each in gan_singers.follow(tf.constant(token)))
    np.testing.assert_array_equal(pitch, [39, 39, 44, 0, 0, 46])
    np.testing.assert_array_equal(hit, [1, 0, 1, 0, 0, 1])
    np.testing.assert_array_equal(before, [0, 0, 0, 39, 39, 39])
    np.testing.assert_array_equal(age, [0, 0, 1, 0, 1, 2])
