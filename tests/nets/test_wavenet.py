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
    with pytest.raises(ValueError, match="no WaveNet"):
        wavenet.weights(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))


def test_excerpts_hold_what_comes_next_and_what_is_known_of_it():
    line, rows = np.arange(200) % 16, np.arange(50)
    known = lambda number, start, steps: [rows[start // 4:(start + steps) // 4, None]]
    (codes, facts), target = wavenet.Excerpts([line], 40, 3, known=known, hop=4)[0]
    assert codes.shape == target.shape == (3, 40) and np.array_equal((codes + 1) % 16, target)
    assert facts.shape == (3, 10, 1) and np.array_equal(facts[:, :, 0] * 4 % 16, codes[:, ::4])
    assert np.array_equal(wavenet.Excerpts([line], 40, seed=4)[0][0], wavenet.Excerpts([line], 40, seed=4)[0][0])


def test_short_lines_are_padded_states_become_codes_and_samples_get_noise():
    states, target = wavenet.Excerpts([np.array([32, 17, 19])], 4, 1, levels=16)[0]
    assert states.tolist() == [[32, 17, 19, 0]] and target.tolist() == [[1, 3, -1, -1]]
    given, target = wavenet.Excerpts([np.zeros(9000, np.float32)], 8000, 1, dither=0.5)[0]
    assert (
        given.shape == target.shape and abs(given.std() - 0.5) < 0.03 and np.array_equal(given[:, 1:], target[:, :-1])
    )


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
