"""On mixtures whose modes are known, what a generator leaves out is counted, not guessed."""

import numpy as np
import pytest

from utils.nets import gan, gan_toys

RING, GRID = gan_toys.TOYS["ring"], gan_toys.TOYS["grid"]


def test_the_mixtures_are_those_of_the_papers():
    assert len(RING.centres) == 8 and len(GRID.centres) == 25
    np.testing.assert_allclose(np.linalg.norm(RING.centres, axis=1), 2)
    np.testing.assert_allclose(np.linalg.norm(RING.centres - np.roll(RING.centres, 1, axis=0), axis=1),
                               4 * np.sin(np.pi / 8))  # equal steps around
    assert {tuple(centre) for centre in GRID.centres} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert (RING.deviation, GRID.deviation) == (0.02, 0.05)


@pytest.mark.parametrize("toy", gan_toys.TOYS)
@pytest.mark.parametrize("seed", range(3))
def test_the_mixture_itself_has_all_modes_and_nothing_else(toy, seed):
    mixture = gan_toys.TOYS[toy]
    points = mixture.sample(gan_toys.NUM_POINTS, seed)
    found = mixture.judge(points)
    within = 1 - np.exp(-gan_toys.GOOD**2 / 2)  # of a Gaussian in the plane, 98.9 %
    assert found["modes"] == len(mixture.centres) and found["reverse_kl"] < 0.02
    assert found["quality"] == pytest.approx(within, abs=0.01)
    assert points.dtype == np.float32 and not np.array_equal(points, mixture.sample(gan_toys.NUM_POINTS, seed + 1))


def test_modes_and_quality_by_hand():
    """One point in the middle of a mode, one just within 3 deviations, one just beyond, one that two modes share."""
    points = [[0, 0], [2.14, 2], [-2.16, 2], [4, 3]]
    assert GRID.judge(points) == {"modes": 2, "quality": 0.5, "reverse_kl": pytest.approx(np.log(25 / 4))}
    assert GRID.judge([[0.2, 0]])["modes"] == 0  # nearest to a mode, but no good point


@pytest.mark.parametrize("num_modes", [1, 2, 5, 25])
def test_equal_shares_of_some_modes_are_log_of_all_over_some_away(num_modes):
    found = GRID.judge(np.tile(GRID.centres[:num_modes], (4, 1)))
    assert found["reverse_kl"] == pytest.approx(np.log(25 / num_modes)) and found["modes"] == num_modes
    assert found["quality"] == 1


def test_reverse_kl_by_hand():
    """Three points in four at one mode of eight, the fourth at another."""
    found = RING.judge(RING.centres[[0, 0, 0, 1]])
    assert found["reverse_kl"] == pytest.approx(0.75 * np.log(6) + 0.25 * np.log(2))


def test_points_that_are_no_points_are_refused():
    for points in (np.zeros((0, 2)), np.zeros((3, 3)), np.zeros(2), [[0, np.nan]]):
        with pytest.raises(ValueError, match="pairs? of numbers"):
            GRID.judge(points)


def test_a_table_is_each_mixture_with_each_recipe_and_seed():
    configs = gan_toys.table(("original", "cured"), (1, 2, 3), 10)
    assert len(configs) == 12 and configs[0] == dict(toy="ring", recipe="original", seed=1, steps=10)
    with pytest.raises(ValueError, match="choose from original"):
        gan_toys.table(("cure",), (1,), 10)


def test_a_discriminator_reads_waves_that_tell_near_points_apart():
    features = gan_toys.build_features()
    near = np.array([[0, 0], [0, 0.05], [0, 2]], np.float32)
    read = np.array(features(near))
    assert read.shape == (3, 2 * gan_toys.FREQUENCIES) and not features.weights
    assert np.linalg.norm(read, axis=1) == pytest.approx(2 ** 0.5)  # the same length everywhere
    apart = np.linalg.norm(read[1:] - read[0], axis=1)
    assert 0.03 < apart[0] < 0.15 and apart[1] > 10 * apart[0]


@pytest.mark.parametrize("recipe", ["original", "cured", "relativistic"])
def test_two_trainings_with_one_seed_agree_and_another_seed_differs(recipe):
    (one, history), (two, _), (other, _) = (
        gan_toys.train("ring", recipe, seed, 4, every=2, batch_size=8) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (gan_toys.NUM_POINTS, 2) and not np.array_equal(one, other)
    assert history["epoch"] == [2, 4] and len(history["loss"]) == 4 and len(history["modes"]) == 2


def test_a_recipe_brings_its_parts_and_the_mixture_their_sizes(monkeypatch):
    seen = {}

    def trainer(*networks, **settings):
        seen.update(settings, reads=networks[1].count_params())
        raise KeyboardInterrupt

    monkeypatch.setattr(gan, "Trainer", trainer)
    parts = {}
    for recipe in ("original", "cured", "relativistic"):
        seen.clear()
        with pytest.raises(KeyboardInterrupt):
            gan_toys.train("grid", recipe, steps=100)
        parts[recipe] = dict(seen)
    rates = [float(parts["original"]["generator_rate"](step)) for step in (0, 50, 100)]
    np.testing.assert_allclose(rates, gan_toys.FIT["generator_rate"] * np.array([1, 0.525, 0.05]), rtol=1e-5)
    assert not {"penalty", "average", "relativistic", "beta_2"} & parts["original"].keys()
    for recipe in ("cured", "relativistic"):
        assert [float(parts[recipe]["penalty"](step)) for step in (0, 100)] == pytest.approx(
            [gan_toys.FIT["penalty"], gan_toys.FIT["penalty"] / 10]) and parts[recipe]["average"] > 0
    assert parts["relativistic"]["relativistic"] and "relativistic" not in parts["cured"]
    assert parts["cured"]["reads"] == parts["original"]["reads"] + 128 and (
        parts["relativistic"]["reads"] == parts["original"]["reads"])  # the batch's deviation is one more input


def test_a_folder_trains_nothing_twice_and_refuses_another_table(tmp_path, monkeypatch):
    monkeypatch.setitem(gan_toys.FIT, "batch_size", 8)
    configs = gan_toys.table(("original",), (1,), 2)
    rows, points = gan_toys.run(configs, tmp_path)
    assert [row["toy"] for row in rows] == ["ring", "grid"] and set(points) == {"ring_original_1", "grid_original_1"}
    again = RING.judge(points["ring_original_1"])
    assert rows[0]["history"]["modes"][-1] == rows[0]["modes"] and again["quality"] == pytest.approx(
        rows[0]["quality"], abs=0.01)  # points are kept as halves
    monkeypatch.setattr(gan_toys, "train", None)
    assert gan_toys.run(configs, tmp_path)[0] == rows
    with pytest.raises(ValueError, match="another training"):
        gan_toys.run([configs[0] | dict(steps=3)], tmp_path)


def test_an_unknown_mixture_or_recipe_is_refused():
    for toy, recipe in (("square", "original"), ("ring", "cure")):
        with pytest.raises(ValueError, match="choose from ring, grid"):
            gan_toys.train(toy, recipe)


def test_trainings_are_summed_up_by_mixture_and_recipe():
    rows = [dict(toy="grid", recipe="cured", modes=modes, quality=0.5, reverse_kl=0.1, minutes=1.0)
            for modes in (25, 23)]
    found = gan_toys.counted(rows)
    assert found == {"grid, cured": {"trainings": 2, "modes": 24.0, "quality": 0.5, "reverse_kl": 0.1, "minutes": 1.0,
                                     "fewest modes": 23}}
