"""A draw follows the softmax, keeps to its nucleus, and belongs to the caller's generator."""

import numpy as np
import pytest

from utils.nets import sampling

pytestmark = pytest.mark.filterwarnings("error")

LOGITS = np.log([0.5, 0.25, 0.15, 0.1])


def shares(logits, **options):
    """How often each index is drawn, of 20,000 draws."""
    drawn = sampling.sample(np.broadcast_to(logits, (20_000, len(logits))), np.random.default_rng(0), **options)
    return np.bincount(drawn, minlength=len(logits)) / len(drawn)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3)])
@pytest.mark.parametrize("options", [{}, {"temperature": 0}, {"temperature": 0.5}])
def test_one_index_comes_back_for_each_distribution(shape, options):
    drawn = np.asarray(sampling.sample(np.zeros((*shape, 7)), np.random.default_rng(0), **options))
    assert drawn.shape == shape and drawn.dtype == np.int64 and (0 <= drawn).all() and (drawn < 7).all()


def test_a_seed_decides_and_a_constant_does_not_matter():
    logits = np.random.default_rng(1).normal(size=(50, 9))
    first, second = (sampling.sample(logits + constant, np.random.default_rng(2)) for constant in (0, 1000))
    assert (first == second).all()


def test_temperature_zero_and_nearly_zero_take_the_likeliest():
    logits = np.random.default_rng(1).normal(size=(50, 9))
    for temperature in (0, 1e-300, 1e-9):
        assert (sampling.sample(logits, np.random.default_rng(2), temperature) == logits.argmax(axis=-1)).all()


def test_draws_follow_the_softmax_at_any_temperature():
    assert shares(LOGITS) == pytest.approx([0.5, 0.25, 0.15, 0.1], abs=0.015)
    squared = np.exp(2 * LOGITS) / np.exp(2 * LOGITS).sum()
    assert shares(LOGITS, temperature=0.5) == pytest.approx(squared, abs=0.015)


def test_a_forbidden_index_is_never_drawn():
    assert shares([0, -np.inf, 0, -np.inf])[[1, 3]].tolist() == [0, 0]


@pytest.mark.parametrize(("logits", "options", "message"), [
    ([0.0, 1.0], {"temperature": -1}, "temperature is -1"),
    ([0.0, 1.0], {"temperature": np.nan}, "temperature is nan"),
    ([0.0, np.nan], {}, "hold NaN"),
    ([0.0, np.inf], {}, "hold NaN"),
    ([-np.inf, -np.inf], {}, "forbid every index"),
    (0.0, {}, "last axis must be the vocabulary"),
    (np.zeros((3, 0)), {}, "last axis must be the vocabulary"),
])
def test_what_cannot_be_drawn_from_says_why(logits, options, message):
    with pytest.raises(ValueError, match=message):
        sampling.sample(logits, np.random.default_rng(0), **options)


def test_temperature_0_is_the_likeliest_and_others_choose_among_pitches():
    share = np.log(np.array([[0.4, 0.1, 0.3, 0.2]]))  # hold, rest, two pitches

    def draws(temperature):
        chances = (np.arange(1000) + 0.5) / 1000
        found = sampling.draw(np.repeat(share, 1000, axis=0), chances, temperature)
        return np.bincount(found, minlength=4) / 1000

    assert draws(0).tolist() == [1, 0, 0, 0]
    assert np.allclose(draws(1.0), np.exp(share[0]), atol=0.002)
    cold = draws(0.5)  # strikes as often, and the likelier pitch more often: 9 to 4
    assert np.allclose(cold[:2], [0.4, 0.1], atol=0.002) and np.isclose(cold[2] / cold[3], 9 / 4, rtol=0.05)
