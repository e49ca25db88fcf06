"""The student's spectra and their inverse agree, a piece is played alike in any passes, and it learns."""

import numpy as np
import pytest

from utils.nets import student
from utils.nets.backend import keras

TINY = dict(channels=8, num_layers=2, kernel_size=3, condition_size=3)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return student.build(**TINY)


def known(steps, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(-(-steps // 80), 3)), rng.normal(size=(steps, 1))


def test_a_head_that_asks_for_nothing_leaves_the_additive_piano_as_it_is(model):
    condition, excitation = known(3200)
    kept = model.get_layer("head").get_weights()
    model.get_layer("head").set_weights([0 * each for each in kept])
    try:
        assert np.allclose(student.perform(model, 3200, condition, excitation), excitation[:, 0], atol=0.2)
        quiet = [0 * kept[0], np.repeat([0, 0, -50, 0, 0], student.BINS).astype(np.float32)]
        model.get_layer("head").set_weights(quiet)
        assert np.allclose(student.perform(model, 3200, condition, excitation), excitation[:, 0], atol=1e-3)
        quiet[1][:student.BINS] = np.log(0.5)
        model.get_layer("head").set_weights(quiet)
        assert np.allclose(student.perform(model, 3200, condition, excitation), excitation[:, 0] / 2, atol=1e-3)
    finally:
        model.get_layer("head").set_weights(kept)


def test_a_frame_sees_its_neighbours_and_no_further(model):
    condition, excitation = known(16_000)
    before = student.perform(model, 16_000, condition, excitation)
    condition[100] += 5  # at sample 8,000
    moved = np.flatnonzero(np.abs(student.perform(model, 16_000, condition, excitation) - before) > 1e-6)
    reach = student.WINDOW // 2 + 3 * student.FRAME_STEP  # two layers of kernel 3, and the row's own frame
    assert len(moved) and moved.min() >= 8_000 - reach and moved.max() <= 8_000 + reach


def test_a_piece_is_played_alike_in_one_pass_and_in_several(model, monkeypatch):
    condition, excitation = known(20_123)
    whole = student.perform(model, 20_123, condition, excitation)
    monkeypatch.setattr(student, "PASS_SAMPLES", 6_400)
    assert np.allclose(student.perform(model, 20_123, condition, excitation), whole, atol=1e-4)
    assert whole.shape == (20_123,) and whole.dtype == np.float32


def test_the_spectral_loss_knows_level_and_pitch_and_no_phase():
    seconds = np.arange(8192) / 16_000
    sine = lambda hz, phase=0.0: np.sin(2 * np.pi * hz * seconds + phase)[None].astype(np.float32)
    loss = lambda a, b: float(student.spectral_loss(a, b))
    assert loss(sine(440), sine(440)) < 1e-4
    assert loss(sine(440), sine(440, 1.0)) < 0.2 * loss(sine(440), sine(466))
    one = keras.ops.convert_to_numpy(student._magnitudes(0.5 * sine(500), 512))
    assert one.max() == pytest.approx(0.5, rel=0.01)
    noise = np.random.default_rng(0).standard_normal((1, 8192), np.float32)  # no bin of it is below the floor
    assert loss(noise, 2 * noise) == pytest.approx(np.log(2) + 1, rel=1e-3)


@pytest.mark.parametrize("level_weight", [0.0, 0.1])
def test_a_student_learns_with_levels_and_without(tmp_path, level_weight):
    keras.utils.set_random_seed(0)
    model, line = student.build(**TINY), np.sin(np.arange(9000) * 0.3).astype(np.float32)
    tell = lambda number, first, steps: [np.ones((steps // 80, 3)), np.sin(np.arange(steps) + first)[:, None] / 9]
    learner = student.Learner(model, level_weight=level_weight)
    history = student.fit(learner, [line], [line], tmp_path, epochs=2, steps=4, num_steps=4800, batch_size=2,
                          learning_rate=1e-2, known=(tell, tell))
    assert history["val_loss"][1] < history["val_loss"][0]


def test_what_cannot_be_used_is_refused(model):
    condition, excitation = known(320)
    with pytest.raises(ValueError, match="1 or more"):
        student.build(num_layers=0)
    with pytest.raises(ValueError, match="at least 1"):
        student.perform(model, 0, condition, excitation)
    with pytest.raises(ValueError, match="excitation of shape .* 1 numbers"):
        student.perform(model, 320, condition, excitation[:, 0])
    with pytest.raises(ValueError, match="condition of shape .* 3 numbers"):
        student.perform(model, 320, condition[:, :2], excitation)
    with pytest.raises(ValueError, match="at least 6 rows"):
        student.perform(model, 401, condition, np.vstack([excitation] * 2))
    with pytest.raises(ValueError, match="NaN"):
        student.perform(model, 320, condition, np.nan * excitation)
