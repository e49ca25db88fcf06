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


KINDS = np.array([0, 1, 1, 1])


@pytest.mark.parametrize("temperature", [0.3, 0.8, 1.0, 2.0])
def test_kinds_keep_their_shares_whatever_the_temperature_within(temperature):
    logits = np.stack([LOGITS, LOGITS[[1, 0, 2, 3]]])
    softmax = np.exp(sampling.temper_by_kind(logits, KINDS, temperature))
    assert np.allclose(softmax[:, 0], [0.5, 0.25]) and np.allclose(softmax.sum(axis=1), 1)
    within = np.exp(logits[:, 1:] / temperature)
    assert np.allclose(
        softmax[:, 1:] / softmax[:, 1:].sum(axis=1, keepdims=True), within / within.sum(axis=1, keepdims=True)
    )


def test_the_choice_between_kinds_has_a_temperature_of_its_own():
    softmax = np.exp(sampling.temper_by_kind(np.log([0.8, 0.1, 0.05, 0.05]), KINDS, 1.0, kind_temperature=2.0))
    assert softmax[0] / softmax[1:].sum() == pytest.approx(2)  # the root of 4
    assert softmax[1:] / softmax[1:].sum() == pytest.approx([0.5, 0.25, 0.25])


def test_what_is_forbidden_stays_forbidden_a_whole_kind_too():
    logits = np.log([[0.5, 0.5, 1e-9, 1e-9], [1, 1, 1, 1], [1, 1, 1, 1]])
    logits[1, 0], logits[2, 1:] = -np.inf, -np.inf
    tempered = sampling.temper_by_kind(logits, KINDS, 0.5)
    assert (np.isneginf(tempered) == np.isneginf(logits)).all() and not np.isnan(tempered).any()


@pytest.mark.parametrize(
    "kinds, temperature, remedy", [(KINDS, 0, "above 0"), (KINDS, np.nan, "above 0"), (KINDS[:3], 1, "one for each")]
)
def test_kinds_that_cannot_be_tempered(kinds, temperature, remedy):
    with pytest.raises(ValueError, match=remedy):
        sampling.temper_by_kind(LOGITS, kinds, temperature)
