"""The queues give what the whole network gives, past its receptive field too, and refuse what they cannot use."""

import numpy as np
import pytest

from utils.nets import queues, wavenet
from utils.nets.backend import keras

LEVELS = 24


def network(condition_size=0, hop=1, seed=0, **sizes):
    keras.utils.set_random_seed(seed)
    sizes = dict(levels=LEVELS, num_stacks=2, num_layers=4, channels=8, skip_channels=18) | sizes
    model = wavenet.build(**sizes, condition_size=condition_size, condition_channels=5, hop=hop)
    for layer in model.layers:  # biases are born as zeros, which would hide that one is forgotten
        for value in layer.weights:
            value.assign(value + 0.3 * np.random.default_rng(value.shape[-1]).normal(size=value.shape))
    return model


@pytest.mark.parametrize("condition_size, hop", [(0, 1), (3, 1), (3, 4)])
def test_the_queues_equal_the_whole_network_past_its_receptive_field(condition_size, hop):
    model, rng = network(condition_size, hop), np.random.default_rng(1)
    steps = 4 * wavenet.receptive_field(2, 4) // hop * hop
    codes = rng.integers(0, LEVELS, (3, steps))
    condition = rng.normal(size=(steps // hop, condition_size)) if condition_size else None
    known = [np.repeat(condition[None], 3, axis=0)] if condition_size else []
    expected = keras.ops.convert_to_numpy(model([codes, *known]))
    assert np.abs(queues.logits(wavenet.weights(model), codes, condition) - expected).max() < 1e-4


def test_a_gaussian_with_excitation_is_equal_too():
    model, rng = network(3, 4, head="gaussian", excitation_size=2), np.random.default_rng(1)
    steps = 4 * wavenet.receptive_field(2, 4) // 4 * 4
    wave, condition, excitation = (rng.normal(size=size) for size in ((2, steps), (steps // 4, 3), (steps, 2)))
    expected = keras.ops.convert_to_numpy(
        model([wave, *(np.repeat(x[None], 2, axis=0) for x in (condition, excitation))])
    )
    found = queues.logits(wavenet.weights(model), wave, condition, excitation)
    assert found.shape == (2, steps, 2) and np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("head, states", [("softmax", None), ("softmax", 2 * LEVELS), ("gaussian", None)])
def test_without_numba_the_same_is_generated(monkeypatch, head, states):
    weights, rng = wavenet.weights(network(3, 4, head=head, excitation_size=2, states=states)), np.random.default_rng(0)
    known = dict(condition=rng.normal(size=(25, 3)), excitation=rng.normal(size=(100, 2)))
    if states:
        known["follow"] = (np.arange(states)[:, None] + 1) % 2 * LEVELS + np.arange(LEVELS)
    for settings in (dict(temperature=0), dict(temperature=0.8, num_streams=3, seed=2)):
        with monkeypatch.context() as patch:
            compiled = queues.generate(weights, 100, **known, **settings)
            patch.setattr(queues, "queues_numba", None)
            plain = queues.generate(weights, 100, **known, **settings)
        assert np.allclose(compiled, plain, atol=1e-3) if head == "gaussian" else np.mean(compiled != plain) < 0.02


def test_samples_are_drawn_from_the_gaussian():
    weights = wavenet.weights(network(head="gaussian"))
    mean, log_sigma = queues.logits(weights, [[0.7]])[0, 0]
    drawn = queues.generate(weights, 1, num_streams=20_000, temperature=0.5, first=0.7)[:, 0]
    assert abs(drawn.mean() - mean) < 0.02 * np.exp(log_sigma) and abs(drawn.std() / np.exp(log_sigma) - 0.5) < 0.02
    assert np.allclose(queues.generate(weights, 1, temperature=0, first=0.7), mean)


def test_states_follow_from_what_is_drawn():
    weights = wavenet.weights(network(states=3 * LEVELS))
    place, code = np.arange(3 * LEVELS)[:, None] // LEVELS, np.arange(LEVELS)
    codes = queues.generate(weights, 50, follow=(place + (code == 0)) % 3 * LEVELS + code, first=LEVELS)[0]
    assert codes.max() < LEVELS and (codes == 0).any()
    follow = queues.generate(
        weights, 50, temperature=0, follow=(place + (code == 0)) % 3 * LEVELS + code, first=LEVELS
    )[0]
    read = np.append(LEVELS, ((1 + np.cumsum(follow == 0)) % 3 * LEVELS + follow)[:-1])
    assert np.array_equal(queues.logits(weights, read[None])[0].argmax(axis=-1), follow)


def test_a_whole_network_is_equal_too():
    keras.utils.set_random_seed(0)
    model, steps = wavenet.build(num_stacks=3, num_layers=10, skip_channels=256), wavenet.receptive_field(3, 10) + 300
    codes = np.random.default_rng(0).integers(0, 256, (1, steps))
    expected = keras.ops.convert_to_numpy(model(codes))[:, -300:]
    assert np.abs(queues.logits(wavenet.weights(model), codes)[:, -300:] - expected).max() < 1e-4


def test_what_is_generated_is_what_the_network_expects():
    weights = wavenet.weights(network())
    codes = queues.generate(weights, 60, num_streams=2, temperature=0, first=3)
    read = np.concatenate([np.full((2, 1), 3), codes[:, :-1]], axis=1)
    assert np.array_equal(queues.logits(weights, read).argmax(axis=-1), codes)


def test_codes_are_drawn_as_often_as_they_are_likely():
    weights = wavenet.weights(network())
    drawn = queues.generate(weights, 1, num_streams=20_000, temperature=0.7, first=5, seed=2)[:, 0]
    expected = np.exp(queues.logits(weights, [[5]])[0, 0].astype(float) / 0.7)
    assert np.abs(np.bincount(drawn, minlength=LEVELS) / 20_000 - expected / expected.sum()).max() < 0.015


def test_one_seed_gives_the_same_codes_and_looks_at_the_progress_do_not_show(monkeypatch):
    weights = wavenet.weights(network())
    once = queues.generate(weights, 50, num_streams=3, seed=1)
    assert np.array_equal(once, queues.generate(weights, 50, num_streams=3, seed=1))
    assert not np.array_equal(once, queues.generate(weights, 50, num_streams=3, seed=2))
    monkeypatch.setattr(queues, "STEPS_A_LOOK", 7)
    assert np.array_equal(once, queues.generate(weights, 50, num_streams=3, seed=1))


def test_what_cannot_be_used_is_refused():
    weights, known = wavenet.weights(network()), wavenet.weights(network(3, 4))
    with pytest.raises(ValueError, match="at least 1"):
        queues.generate(weights, 0)
    with pytest.raises(ValueError, match="without condition: leave"):
        queues.generate(weights, 8, np.zeros((8, 3)))
    for condition in (None, np.zeros((1, 3)), np.zeros((2, 2)), np.full((2, 3), np.nan)):
        with pytest.raises(ValueError, match="3 in each of at least 2 rows"):
            queues.generate(known, 8, condition)
    with pytest.raises(ValueError, match="hidden_kernel"):
        queues.generate({name: value for name, value in weights.items() if name != "hidden_kernel"}, 8)
    with pytest.raises(ValueError, match="NaN"):
        queues.generate(weights | {"skip_bias": np.full(18, np.nan)}, 8)
    with pytest.raises(ValueError, match="one network"):
        queues.generate(weights | {"dilations": np.array([1, 2])}, 8)
    with pytest.raises(ValueError, match="without excitation"):
        queues.generate(weights, 8, excitation=np.zeros((8, 1)))
    with pytest.raises(ValueError, match="pass .states, levels."):
        queues.generate(weights, 8, follow=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="below 24"):
        queues.logits(weights, [[24]])
