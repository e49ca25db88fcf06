"""Steps that move one side to the bit, and statistics that stay where they belong."""

import numpy as np
import pytest
import tensorflow as tf

from utils.nets import gan, gan_grid, training
from utils.nets.backend import keras

SHAPE = (4, gan_grid.NUM_SUNG)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def real(rng):
    """Forty samples of four frames, four pitches in each."""
    samples = np.full((40, *SHAPE), -1, np.float32)
    np.put_along_axis(samples, rng.permuted(np.tile(np.arange(56), (40, 4, 1)), axis=2)[..., :4], 1, axis=2)
    return samples


def build(real, seed=1, **settings):
    keras.utils.set_random_seed(seed)
    generator = gan.build_generator(SHAPE, units=(8, 16))
    discriminator = gan.build_discriminator(SHAPE, units=(16,), minibatch_std=True)
    return gan.Trainer(generator, discriminator, real, 1e-3, 1e-3, seed=seed, batch_size=8, **settings)


def bits(model):
    return [weight.tobytes() for weight in model.get_weights()]


def variables(values):
    return [value.numpy() for value in values]


# ---------------------------------------------------------------------------------------------- networks


def test_the_study_s_networks_have_its_sizes():
    generator, discriminator = gan.build_generator((32, 56)), gan.build_discriminator((32, 56))
    dense = [[layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
             for model in (generator, discriminator)]
    assert dense == [[128, 256, 512, 1028, 32 * 56], [512, 256, 1]]
    made = gan.generate(generator, 3)
    assert made.shape == (3, 32, 56) and np.abs(made).max() <= 1
    assert discriminator.predict_on_batch(made).shape == (3, 1)


def test_minibatch_std_by_hand():
    out = gan.MinibatchStd()(np.float32([[0, 1], [4, 1]]))  # deviations 2 and 0
    np.testing.assert_allclose(out, [[0, 1, 1], [4, 1, 1]], atol=1e-3)


# ---------------------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("settings", [dict(), dict(penalty=10), dict(penalty=10, relativistic=True)])
def test_a_discriminator_step_moves_the_discriminator_and_not_the_generator(real, settings):
    trainer = build(real, **settings)
    trainable = variables(trainer.generator.trainable_variables)
    before = bits(trainer.discriminator), [weight.tobytes() for weight in trainable]
    loss = float(trainer.discriminator_step())
    after = bits(trainer.discriminator), [w.tobytes() for w in variables(trainer.generator.trainable_variables)]
    moved = [a != b for a, b in zip(before[0], after[0])]
    assert np.isfinite(loss) and before[1] == after[1]
    assert all(moved[:-1]) and moved[-1] != (
        "relativistic" in settings
    )  # a difference of logits has no use for a last bias


@pytest.mark.parametrize("relativistic", [False, True])
def test_a_generator_step_moves_the_generator_and_not_the_discriminator(real, relativistic):
    trainer = build(real, relativistic=relativistic)
    before = bits(trainer.discriminator), bits(trainer.generator)
    assert np.isfinite(float(trainer.generator_step()))
    moved = [a != b for a, b in zip(before[1], bits(trainer.generator))]
    biases = [weight.ndim == 1 for weight in trainer.generator.get_weights()]
    assert bits(trainer.discriminator) == before[0]
    assert all(m for m, bias in zip(moved, biases) if not bias)  # a bias before batch normalisation has no gradient


def test_batch_normalisation_keeps_statistics_of_its_own_latents_only(real):
    """They move with every batch that the generator writes, and neither with real samples nor when it is asked."""
    trainer = build(real)
    layer = next(layer for layer in trainer.generator.layers if isinstance(layer, keras.layers.BatchNormalization))
    at_start = layer.moving_mean.numpy()
    trainer.discriminator_step()
    moved = layer.moving_mean.numpy()
    assert np.any(moved != at_start)
    gan.generate(trainer.generator, 16)
    trainer.discriminator(real[:8], training=True)
    np.testing.assert_array_equal(layer.moving_mean, moved)


def test_settling_sets_the_statistics_of_fixed_latents_and_nothing_else(real):
    trainer = build(real)
    generator = trainer.generator
    first = next(layer for layer in generator.layers if isinstance(layer, keras.layers.Dense))
    layer = next(layer for layer in generator.layers if isinstance(layer, keras.layers.BatchNormalization))
    trainable = variables(generator.trainable_variables)
    gan.settle(generator, 500)
    np.testing.assert_allclose(layer.moving_mean, np.mean(first(gan.latents(500)), axis=0), atol=1e-5)
    assert layer.momentum == 0.8
    for before, after in zip(trainable, generator.trainable_variables):
        np.testing.assert_array_equal(before, after)


def test_the_average_lies_between_where_the_generator_was_and_is(real):
    trainer = build(real, average=0.75)
    old = variables(trainer.generator.trainable_variables)
    trainer.generator_step()
    for before, now, slow in zip(old, trainer.generator.trainable_variables, trainer.averaged.trainable_variables):
        np.testing.assert_allclose(slow, 0.75 * before + 0.25 * now.numpy(), atol=1e-7)


def test_the_penalty_is_the_squared_slope_at_real_samples():
    real = np.float32([[1, -1], [3, 1]])
    keras.utils.set_random_seed(1)
    generator = gan.build_generator((2,), units=(4,))
    samples = keras.Input((2,))
    linear = keras.Model(samples, keras.layers.Dense(1)(samples))  # its slope is its weight
    trainer = gan.Trainer(generator, linear, real, 1e-3, 1e-3, penalty=10)
    _, steepness = trainer._judge(tf.constant(np.repeat(real, gan.BATCH // 2, axis=0)), penalised=True)
    assert float(steepness) == pytest.approx(np.sum(linear.get_weights()[0] ** 2), rel=1e-5)


def test_the_penalty_is_over_what_the_discriminator_reads():
    real = np.float32([[1, -1], [3, 1]])
    samples, read = keras.Input((2,)), keras.Input((2,))
    features = keras.Model(samples, keras.layers.Rescaling(3.0)(samples))
    linear = keras.Model(read, keras.layers.Dense(1)(read))
    trainer = gan.Trainer(
        gan.build_generator((2,), units=(4,)), linear, real, 1e-3, 1e-3, penalty=10, features=features
    )
    logits, steepness = trainer._judge(tf.constant(np.repeat(real, gan.BATCH // 2, axis=0)), penalised=True)
    weight = linear.get_weights()[0]
    assert float(steepness) == pytest.approx(np.sum(weight**2), rel=1e-5)  # and not nine times as much
    np.testing.assert_allclose(logits[0], 3 * real[0] @ weight, rtol=1e-5)


@pytest.mark.parametrize("relativistic", [False, True])
def test_losses_at_chance_are_log_2(real, relativistic):
    trainer = build(real, relativistic=relativistic)
    trainer.discriminator.layers[-1].set_weights([0 * w for w in trainer.discriminator.layers[-1].get_weights()])
    assert float(trainer.generator_step()) == pytest.approx(np.log(2))
    assert float(trainer.discriminator_step()) == pytest.approx(np.log(2))


@pytest.mark.parametrize("bound, extra", [(0.0, 3), (1e9, 0)])
def test_the_balancer_adds_steps_while_a_loss_is_over_its_bound_and_no_more_than_stated(real, bound, extra, eagerly):
    trainer = build(real, balance=(bound, 3))
    trainer.epochs(tf.constant(2))
    assert [int(optimizer.iterations) for optimizer in trainer.optimizers] == [2 * (1 + extra)] * 2


# ---------------------------------------------------------------------------------------------- fits


@pytest.mark.parametrize("recipe", gan.RECIPES)
def test_two_fits_with_one_seed_agree_and_another_seed_differs(real, recipe):
    (one, history), (two, _), (other, _) = (
        gan.fit(real, recipe, 2e-4, 2e-4, epochs=3, seed=seed, watch=lambda epoch, model: {"looks": epoch}, every=2)
        for seed in (3, 3, 4))
    assert bits(one) == bits(two) and bits(one) != bits(other)
    assert len(history["loss"]) == len(history["discriminator_loss"]) == 3
    assert history["epoch"] == [2, 3] and history["looks"] == [2, 3]


@pytest.mark.parametrize("recipe, discriminator_rate, rates", [
    ("slowing", 1.6e-3, (1.6e-3, 8e-4, 4e-4)),  # a geometric mean at half, four times the generator's at the end
    ("slowing", 3e-4, (3e-4,) * 3),  # slow enough from the start
    ("cured", 1.6e-3, (1.6e-3,) * 3)])
def test_a_slowing_discriminator_ends_at_four_times_the_generator_s_rate(
        real, monkeypatch, recipe, discriminator_rate, rates):
    monkeypatch.setattr(gan, "run", lambda trainer, *_: trainer)
    slower, faster = gan.fit(real, recipe, 1e-4, discriminator_rate, epochs=100).optimizers
    for steps, rate in zip((0, 50, 100), rates):
        slower.iterations.assign(steps)
        faster.iterations.assign(steps)
        assert float(slower.learning_rate) == pytest.approx(1e-4) and float(faster.learning_rate) == pytest.approx(rate)


def test_a_relativistic_recipe_is_the_pairing_loss_with_both_penalties_and_no_deviation():
    assert gan.RECIPES["relativistic"] == gan.CURE | dict(relativistic=True, minibatch_std=False)


def test_a_generator_may_have_latents_of_another_size(real):
    latents = keras.Input((2,))
    generator = keras.Model(latents, keras.layers.Reshape(SHAPE)(gan.normal(keras.layers.Dense(4 * 56)(latents))))
    trainer = gan.Trainer(generator, gan.build_discriminator(SHAPE, units=(8,)), real, 1e-3, 1e-3, average=0.5)
    averaged, _ = gan.run(trainer, 2)
    assert gan.generate(averaged, 3).shape == (3, *SHAPE)


@pytest.mark.parametrize("recipe", ["balanced", "cured"])
def test_a_graph_takes_the_steps_of_the_recipe(real, recipe, monkeypatch):
    steps, expected = gan.fit(real, recipe, 2e-4, 2e-4, epochs=3, seed=3)
    monkeypatch.setattr(training, "WORTH_A_GRAPH", 0)
    graph, history = gan.fit(real, recipe, 2e-4, 2e-4, epochs=3, seed=3)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-3)
    np.testing.assert_allclose(gan.generate(graph, 3), gan.generate(steps, 3), atol=1e-2)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(real, tmp_path):
    whole, history = gan.run(build(real, average=0.5), 6, every=2)

    class Stop(Exception):
        pass

    def stop(epoch, generator):
        if epoch == 4:
            raise Stop
        return {}

    with pytest.raises(Stop):
        gan.run(build(real, average=0.5), 6, stop, 2, tmp_path)
    resumed, again = gan.run(build(real, seed=1, average=0.5), 6, every=2, folder=tmp_path)
    assert bits(resumed) == bits(whole) and again == history and history["epoch"] == [2, 4, 6]
    other = gan.Trainer(gan.build_generator(SHAPE, units=(4,)), gan.build_discriminator(SHAPE), real, 1e-4, 1e-4)
    with pytest.raises(ValueError, match="other networks"):
        gan.run(other, 6, folder=tmp_path)


def test_the_generator_of_the_best_look_is_returned_after_a_stop_too(real, tmp_path):
    """The highest measure wins, of equals the latest, and a number wins against NaN."""
    measures, seen = [np.nan, 0.2, 0.4, 0.4, 0.1, np.nan], {}

    def watch(epoch, generator):
        if epoch == 5 and 5 not in seen:
            seen[5] = None
            raise KeyboardInterrupt
        seen[epoch] = bits(generator)
        return {"likeness": measures[epoch - 1]}

    with pytest.raises(KeyboardInterrupt):
        gan.run(build(real, average=0.5), 6, watch, 1, tmp_path, "likeness")
    kept, history = gan.run(build(real, seed=2, average=0.5), 6, watch, 1, tmp_path, "likeness")
    assert bits(kept) == seen[4] != seen[3] and history["epoch"] == [1, 2, 3, 4, 5, 6]


def test_a_run_that_was_stopped_goes_on_with_the_features_own_draws(real, tmp_path):
    def trainer():
        keras.utils.set_random_seed(1)
        samples, read = keras.Input(SHAPE), keras.Input(SHAPE)
        features = keras.Model(samples, keras.layers.GaussianNoise(0.5, seed=1)(samples))
        judge = keras.Model(read, keras.layers.Dense(1)(keras.layers.Flatten()(read)))
        return gan.Trainer(gan.build_generator(SHAPE, units=(8,)), judge, real, 1e-3, 1e-3,
                           features=features, batch_size=8)

    whole, _ = gan.run(trainer(), 4, every=2)
    gan.run(trainer(), 2, every=2, folder=tmp_path)
    assert bits(gan.run(trainer(), 4, every=2, folder=tmp_path)[0]) == bits(whole)


def test_a_loss_that_is_not_finite_stops_the_fit(real):
    with pytest.raises(FloatingPointError, match="lower the rates"):
        gan.fit(real, "original", 1e30, 1e30, epochs=4)


def test_a_fit_refuses_what_it_cannot_learn_from(real):
    networks = gan.build_generator(SHAPE, units=(4,)), gan.build_discriminator(SHAPE, units=(4,))
    for call, words in (
            (lambda: gan.fit(real, "wasserstein", 1e-4, 1e-4), "choose one of original, balanced, cured, no_penalty"),
            (lambda: gan.fit(real[:0], "original", 1e-4, 1e-4), "at least one"),
            (lambda: gan.fit(real, "original", 1e-4, 1e-4, epochs=0), "at least one"),
            (lambda: gan.fit(real, "original", 0, 1e-4), "rates above 0"),
            (lambda: gan.Trainer(*networks, real[:, :3], 1e-4, 1e-4), "each of shape"),
            (lambda: gan.Trainer(*networks, real, 1e-4, 1e-4, batch_size=1), "batch of 2"),
            (lambda: gan.Trainer(gan.build_generator((2, 56)), networks[1], real, 1e-4, 1e-4), "one shape")):
        with pytest.raises(ValueError, match=words):
            call()


def test_the_way_between_two_latents_is_round(rng):
    first, last = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, 128)))
    way = gan.between(first, last, 5)
    np.testing.assert_allclose(way[[0, -1]], [first, last], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.sum(way[1:] * way[:-1], axis=1), way[0] @ way[1], atol=1e-5)  # equal steps
    np.testing.assert_allclose(gan.between(first, 3 * first, 3)[1], 2 * first, atol=1e-5)
