"""The dilated stack: causal, as far-sighted as computed, trained and taken up again."""

import numpy as np
import pytest
from scipy import stats

from utils.nets import wavenet
from utils.nets.backend import keras

TINY = dict(levels=16, num_stacks=2, num_layers=3, channels=8, skip_channels=12)


def logits_of(model, *inputs):
    return keras.ops.convert_to_numpy(model(list(inputs)))[0]


def test_the_receptive_field_is_what_a_nudge_reveals():
    keras.utils.set_random_seed(0)
    model, codes = wavenet.build(**TINY), np.zeros((1, 64), int)
    nudged = codes.copy()
    nudged[0, 30] = 1
    moved = np.flatnonzero(np.abs(logits_of(model, nudged) - logits_of(model, codes)).max(axis=-1) > 0)
    assert moved.min() == 30 and moved.max() == 30 + wavenet.receptive_field(2, 3) - 1
    assert wavenet.receptive_field(5, 10) == 5116 and wavenet.dilations(2, 3) == [1, 2, 4, 1, 2, 4]


def test_a_row_of_conditions_reaches_its_own_steps_and_later_ones():
    keras.utils.set_random_seed(0)
    model = wavenet.build(**TINY, condition_size=2, condition_channels=4, hop=4)
    codes, known = np.zeros((1, 32), int), np.zeros((1, 8, 2))
    changed = known.copy()
    changed[0, 3] = 1
    moved = np.abs(logits_of(model, codes, changed) - logits_of(model, codes, known)).max(axis=-1) > 0
    assert not moved[:12].any() and moved[12:16].all()


def test_sizes_and_networks_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="1 or more"):
        wavenet.build(num_stacks=0)
    with pytest.raises(ValueError, match="not a WaveNet"):
        wavenet.weights(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))


def test_a_nudge_moves_what_sees_it_and_nothing_before():
    keras.utils.set_random_seed(0)
    model = wavenet.build(**TINY)
    moved = wavenet.nudge(model, at=20, by=1)
    reach = wavenet.receptive_field(2, 3)
    assert moved[reach - 1] > 0 and not moved[reach:].any()
    ahead = keras.Sequential([keras.Input((None,), dtype="int32"), keras.layers.Embedding(16, 4),
                              keras.layers.Conv1D(16, 3, padding="same")])
    with pytest.raises(ValueError, match="not causal"):
        wavenet.nudge(ahead, at=20, steps=60, by=1)


def test_facts_are_sizes_and_the_cross_entropy():
    model = wavenet.build(**TINY)
    model.get_layer("logits").set_weights([0 * each for each in model.get_layer("logits").get_weights()])
    facts = wavenet.facts(model, [np.arange(300) % 16], num_steps=64, count=2)
    assert facts["weights"] == model.count_params() and facts["samples in sight"] == wavenet.receptive_field(2, 3)
    assert facts["nats per code"] == pytest.approx(np.log(16), rel=1e-5)


def test_minutes_of_training_leave_a_network_that_knows_more():
    keras.utils.set_random_seed(0)
    model, line = wavenet.build(**TINY), [np.arange(300) % 16]
    before = wavenet.facts(model, line, 64, 2)["nats per code"]
    wavenet.briefly(model, line, 0.02, num_steps=64)
    assert wavenet.facts(model, line, 64, 2)["nats per code"] < before


def test_losses_are_those_of_the_field():
    rng = np.random.default_rng(0)
    moments, target = rng.normal(size=(2, 5, 2)), rng.normal(size=(2, 5))
    expected = -stats.norm.logpdf(target, moments[..., 0], np.exp(moments[..., 1]))
    assert np.allclose(wavenet.wave_loss(target, moments), expected)
    logits = rng.normal(size=(2, 5, 3))
    assert np.allclose(wavenet.code_loss(np.full((2, 5), -1), logits), 0)


def test_a_fit_learns_and_goes_on(tmp_path):
    pieces = [np.arange(300) % 16]
    keras.utils.set_random_seed(0)
    model = wavenet.build(levels=16, num_stacks=1, num_layers=2, channels=8, skip_channels=12)
    history = wavenet.fit(model, pieces, pieces, tmp_path, epochs=2, steps=30, num_steps=64, learning_rate=1e-2)
    assert len(history["val_loss"]) == 2 and history["val_loss"][-1] < 0.5 * np.log(16)
    assert not (tmp_path / "backup").exists()


def test_a_gaussian_learns_a_wave_from_its_excitation(tmp_path):
    pitch = np.sin(np.arange(4000) * 0.3).astype(np.float32)
    known = lambda number, start, steps: [np.ones((steps // 8, 2)), pitch[start:start + steps, None]]
    keras.utils.set_random_seed(0)
    model = wavenet.build(
        num_stacks=1,
        num_layers=2,
        channels=8,
        skip_channels=8,
        condition_size=2,
        condition_channels=3,
        hop=8,
        excitation_size=1,
        head="gaussian",
    )
    line = np.append(np.float32(0), 2 * pitch)
    history = wavenet.fit(model, [line], [line], tmp_path, epochs=2, steps=24, num_steps=64, learning_rate=2e-2,
                          known=(known, known), hop=8, dither=0.1)
    assert history["val_loss"][-1] < 0.5  # a Gaussian that knows only its variance scores 1.77


def test_a_floor_under_sigma_makes_loud_and_soft_samples_count_alike():
    target, mean = np.array([0.0, 3.0], np.float32), np.array([0.5, 2.5], np.float32)
    moments = np.stack([mean, np.array([-4.0, -1.0], np.float32)], axis=-1)
    plain, floored = (keras.ops.convert_to_numpy(wavenet.wave_loss(target, moments, floor)) for floor in (-6.0, 0.0))
    expected = 0.5 * np.log(2 * np.pi) + 0.5 * (target - mean) ** 2
    assert np.allclose(floored, expected) and plain[0] > 100 and not np.allclose(plain, floored)



def test_scores_are_the_cross_entropy():
    model, codes = wavenet.build(**TINY), np.random.default_rng(0).integers(0, 16, (2, 20))
    expected = keras.losses.sparse_categorical_crossentropy(codes, model(codes), from_logits=True)
    assert np.allclose(wavenet.nll(model, codes, codes), keras.ops.convert_to_numpy(expected), atol=1e-5)
