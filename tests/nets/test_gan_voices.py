"""Four voices: what a generator chooses, what a discriminator is told, and that both learn."""

import numpy as np
import pytest
import tensorflow as tf

from utils.nets import gan, gan_grid, gan_voices
from utils.nets.backend import keras


def cells_of(*chords):
    """One sample: an eighth a chord, pitches from high to low, all struck."""
    sample = np.zeros((1, len(chords), 4, gan_voices.WIDTH), np.float32)
    for time, chord in enumerate(chords):
        sample[0, time, np.arange(4), np.subtract(chord, gan_grid.LOWEST_SUNG)] = 1
        sample[0, time, :, -1] = 1
    return sample


def relations(*chords):
    """What `Relations` says of the last chord: (6, 12) intervals, (2, 6) parallels, (4, 5) sizes, (4, 12) steps."""
    out = np.array(gan_voices.Relations()(cells_of(*chords)))[0, -1, 4 * gan_voices.WIDTH + 12:]
    out[72:84] /= gan_voices.PARALLEL_WEIGHT
    return out[:72].reshape(6, 12), out[72:84].reshape(2, 6), out[84:104].reshape(4, 5), out[104:].reshape(4, 12)


def test_relations_by_hand():
    intervals, parallels, sizes, steps = relations((72, 67, 64, 48), (74, 67, 62, 43))
    # pairs from the highest voice down: 74-67, 74-62, 74-43, 67-62, 67-43, 62-43
    np.testing.assert_array_equal(intervals.argmax(axis=1), [7, 0, 7, 5, 0, 7])
    np.testing.assert_array_equal(steps.argmax(axis=1), [2, 0, 10, 7])  # up 2, none, down 2, down 5, modulo 12
    np.testing.assert_array_equal(sizes.argmax(axis=1), [1, 0, 1, 3])  # second, none, second, fourth
    for one_hot in (intervals, sizes, steps):
        assert np.all(one_hot.sum(axis=1) == 1)
    assert not parallels.any()


def test_parallels_by_hand():
    _, parallels, _, _ = relations((72, 67, 60, 53), (74, 67, 62, 55))  # an octave and fifths move up together
    np.testing.assert_array_equal(np.argwhere(parallels), [[0, 1], [1, 2], [1, 5]])  # 74-62; 74-55, 62-55
    _, parallels, _, _ = relations((72, 67, 60, 53), (72, 67, 60, 53))  # nothing moves
    assert not parallels.any()


def test_relations_but_the_cells_are_the_same_in_every_key():
    here, there = relations((72, 67, 64, 48), (74, 65, 62, 50)), relations((77, 72, 69, 53), (79, 70, 67, 55))
    for one, other in zip(here, there):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_nothing_moves_on_the_first_eighth():
    _, parallels, sizes, steps = relations((72, 67, 64, 48))
    assert not parallels.any() and not sizes.any() and not steps.any()


def test_a_choice_is_hard_forwards_and_soft_backwards():
    logits = tf.constant(np.random.default_rng(1).normal(size=(2, 8, 4, gan_voices.WIDTH)).astype(np.float32))
    weights = tf.range(gan_voices.WIDTH, dtype=tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        chosen = gan_voices.Choose()(logits)
        soft = tf.concat([tf.nn.softmax(logits[..., :-1]), tf.sigmoid(logits[..., -1:])], -1)
        losses = tf.reduce_sum(chosen * weights), tf.reduce_sum(soft * weights)
    values = np.round(chosen.numpy(), 5)
    assert set(np.unique(values)) <= {0, 1}
    np.testing.assert_array_equal(values[..., :-1].argmax(axis=-1), logits.numpy()[..., :-1].argmax(axis=-1))
    np.testing.assert_array_equal(values[..., :-1].sum(axis=-1), 1)
    np.testing.assert_array_equal(values[..., -1], logits.numpy()[..., -1] > 0)
    np.testing.assert_allclose(*(tape.gradient(loss, logits) for loss in losses), atol=1e-5)


@pytest.fixture
def networks():
    keras.utils.set_random_seed(1)
    return gan_voices.build_generator(8, channels=8), gan_voices.build_discriminator(8, channels=8)


def test_features_are_the_cells_and_their_relations():
    sample = cells_of(*[(72, 67, 64, 48)] * 8)
    read = gan_voices.build_features(8).predict_on_batch(sample)
    assert read.shape == (1, 8, gan_voices.NUM_RELATIONS)
    np.testing.assert_array_equal(read[..., :4 * gan_voices.WIDTH], gan_voices.CELL_WEIGHT * sample.reshape(1, 8, -1))
    sung = read[0, 0, 4 * gan_voices.WIDTH:4 * gan_voices.WIDTH + 12] / gan_voices.CELL_WEIGHT
    np.testing.assert_array_equal(
        np.roll(sung, gan_grid.LOWEST_SUNG), [2, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    )  # C twice, E, G


def test_what_is_generated_is_music_and_can_be_judged(networks):
    made = gan.generate(networks[0], 5)
    assert made.shape == (5, 8, 4, gan_voices.WIDTH)
    assert networks[1].predict_on_batch(gan_voices.build_features(8).predict_on_batch(made)).shape == (5, 1)
    windows = gan_grid.decode_voices(made)
    assert windows.shape == (5, 16, 128) and np.all((windows != 0).sum(axis=2) >= 1)


def test_both_sides_learn(networks):
    real = np.concatenate([cells_of(*[(72, 67, 64, 48)] * 8), cells_of(*[(74, 67, 59, 43)] * 8)])
    trainer = gan.Trainer(
        *networks, real, 1e-3, 1e-3, penalty=1, average=0.5, features=gan_voices.build_features(8, 3), batch_size=4
    )
    before = [[v.numpy() for v in network.trainable_variables] for network in networks]
    _, history = gan.run(trainer, 3)
    assert len(history["loss"]) == 3 and np.isfinite(history["loss"]).all()
    for network, values in zip(networks, before):
        assert any(np.any(now.numpy() != was) for now, was in zip(network.trainable_variables, values))


def test_eighths_that_fill_no_bar_are_refused():
    with pytest.raises(ValueError, match="whole bars"):
        gan_voices.build_generator(12)


def test_samples_are_transposed_only_while_training_and_as_a_whole():
    keras.utils.set_random_seed(1)
    samples = np.repeat(cells_of((72, 67, 64, 48), (74, 65, 62, 50)), 400, axis=0)
    layer = gan_voices.Transpose(3)
    np.testing.assert_array_equal(layer(samples), samples)
    moved = np.asarray(layer(samples, training=True))
    shifts = moved[..., :-1].argmax(axis=-1) - samples[..., :-1].argmax(axis=-1)  # (400, 2, 4)
    assert np.all(shifts == shifts[:, :1, :1]) and set(np.unique(shifts)) == set(range(-3, 4))
    assert np.mean(shifts[:, 0, 0] == 0) > 0.3
    np.testing.assert_array_equal(moved[..., -1], samples[..., -1])
    high = cells_of((86, 67, 64, 48)).repeat(64, axis=0)  # what is pushed beyond the range falls silent
    assert set(np.asarray(layer(high, training=True))[..., :-1].sum(axis=(1, 2, 3)).round()) == {3, 4}
