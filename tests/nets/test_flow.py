"""A flow is invertible and plays all at once; its losses are those of the papers; it learns and refuses."""

import numpy as np
import pytest

from utils.nets import flow, student, wavenet
from utils.nets.backend import keras

TINY = dict(num_flows=2, num_layers=3, channels=6, skip_channels=8)
HEARD = dict(condition_size=3, condition_channels=4, hop=4, excitation_size=2)


def network(**sizes):
    keras.utils.set_random_seed(0)
    return flow.build(**TINY | sizes)


def known(steps, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(-(-steps // 4), 3)).astype(np.float32), rng.normal(size=(steps, 2)).astype(np.float32)


def test_a_flow_can_be_inverted():
    model, noise = network(**HEARD), np.random.default_rng(0).standard_normal(40, np.float32)
    wave = model.predict_on_batch([x[None] for x in (noise, *known(40))])[0, :, 0]
    assert not np.allclose(wave, noise, atol=0.1)
    assert np.allclose(flow.noise_of(model, wave, *known(40)), noise, atol=1e-4)


def test_the_whole_chain_is_one_gaussian_and_a_sample_does_not_move_its_own_moments():
    model, noise = network(), np.random.default_rng(0).standard_normal((1, 40)).astype(np.float32)
    wave, mean, log_sigma = np.moveaxis(model.predict_on_batch(noise), -1, 0)
    assert np.allclose(wave, mean + np.exp(log_sigma) * noise, atol=1e-5)
    nudged = noise.copy()
    nudged[0, 20] += 1
    moved = np.abs(model.predict_on_batch(nudged) - model.predict_on_batch(noise))[0] > 1e-7
    assert moved[20, 0] and not moved[:20].any() and not moved[20, 1:].any()
    assert np.flatnonzero(moved.any(axis=1)).max() <= 20 + 2 * wavenet.receptive_field(1, 3)


def test_the_divergence_is_that_of_two_gaussians():
    mean, log_sigma, other, other_log = np.random.default_rng(0).normal(size=(4, 50)) / 2
    found = keras.ops.convert_to_numpy(flow.divergence(mean, log_sigma, other, other_log))
    s, t = np.exp(log_sigma), np.exp(other_log)
    expected = np.log(t / s) + (s**2 + (mean - other) ** 2) / (2 * t**2) - 0.5
    assert np.allclose(found, expected + flow.LAMBDA * (log_sigma - other_log) ** 2)
    assert np.allclose(flow.divergence(mean, log_sigma, mean, log_sigma), 0)


def test_a_piece_is_played_alike_in_one_pass_and_in_several(monkeypatch):
    model = network(**HEARD)
    condition, excitation = known(203)
    whole = flow.perform(model, 203, condition, excitation, seed=3, hop=4)
    monkeypatch.setattr(student, "PASS_SAMPLES", 64)
    assert np.allclose(flow.perform(model, 203, condition, excitation, seed=3, hop=4), whole, atol=1e-5)
    assert whole.shape == (203,) and not np.allclose(whole, flow.perform(model, 203, condition, excitation, hop=4))


@pytest.fixture
def short(monkeypatch):
    """Spectra of short windows: an excerpt must be longer than the longest."""
    monkeypatch.setattr(student, "FFT_SIZES", (256, 64))


def test_a_flow_learns_from_a_teacher_that_stays_as_it_is(tmp_path, short):
    model, line = network(num_layers=1), np.sin(np.arange(9000) * 0.3).astype(np.float32)
    teacher = wavenet.build(num_stacks=1, num_layers=1, channels=4, skip_channels=4, head="gaussian")
    before = [value.numpy().copy() for value in teacher.weights]
    distiller = flow.Distiller(model, teacher, skip=10)
    history = flow.fit(distiller, [line], [line], tmp_path, epochs=2, steps=4, num_steps=320, learning_rate=1e-2)
    assert history["loss"][1] < history["loss"][0]
    assert all(np.array_equal(old, new.numpy()) for old, new in zip(before, teacher.weights))


def test_what_cannot_be_used_is_refused():
    model, (condition, excitation) = network(**HEARD), known(40)
    with pytest.raises(ValueError, match="1 or more"):
        flow.build(num_flows=0)
    with pytest.raises(ValueError, match="at least 1 and 0"):
        flow.perform(model, 0, condition, excitation, hop=4)
    with pytest.raises(ValueError, match="excitation of shape .* 2 numbers"):
        flow.perform(model, 40, condition, hop=4)
    with pytest.raises(ValueError, match="condition of shape .* 3 numbers"):
        flow.perform(model, 40, condition[:, :2], excitation, hop=4)
    with pytest.raises(ValueError, match="at least 11 rows"):
        flow.perform(model, 41, condition, np.vstack([excitation] * 2), hop=4)
    with pytest.raises(ValueError, match="NaN"):
        flow.perform(model, 40, condition, np.nan * excitation, hop=4)
