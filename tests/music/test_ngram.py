"""The Kneser-Ney chain agrees with a slow one made of dictionaries, and keeps the laws of probability."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from utils.music import midi, ngram, text
from utils.music.piece import blank

TEXTS = ["abracadabra", "abba", "cabbage and a bra", "a"]


def slow_nll(texts, order, text):
    """Interpolated Kneser-Ney by the book, one dictionary an order; contexts stop at a text's start, "^"."""
    counts = defaultdict(Counter)  # n-gram, by its length -> count
    marked = ["^" + text for text in texts]
    for n in range(1, order + 1):
        longer = {line[i - n:i + 1] for line in marked for i in range(n, len(line))}
        for line in marked:
            for i in range(n - 1, len(line)):
                gram = line[i - n + 1:i + 1]
                if i > 0 and (n == order or gram[0] == "^"):
                    counts[n][gram] += 1
        if n < order:
            counts[n].update(gram[1:] for gram in longer)
    alphabet = set("".join(texts))
    discounts = {}
    for n in counts:
        once, twice = (sum(count == k for count in counts[n].values()) for k in (1, 2))
        discounts[n] = max(once / max(once + 2 * twice, 1), ngram.MIN_DISCOUNT)

    def probability(context, character, n):
        if n == 0:
            return 1 / (len(alphabet) + 1)
        followers = {gram[-1]: count for gram, count in counts[n].items() if gram[:-1] == context}
        lower = probability(context[1:], character, n - 1)
        if not followers:
            return lower
        kept = max(followers.get(character, 0) - discounts[n], 0)
        return (kept + discounts[n] * len(followers) * lower) / sum(followers.values())

    line = "^" + text
    contexts = [line[max(0, i - order + 1):i] for i in range(1, len(line))]
    return [-np.log(probability(context, character, len(context) + 1)) for context, character in zip(contexts, text)]


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("text", ["abracadabra", "bad cab", "zebra", "a", ""])
def test_nll_is_that_of_the_slow_dictionaries(order, text):
    assert ngram.fit(TEXTS, order).nll(text) == pytest.approx(slow_nll(TEXTS, order, text), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(strategies.lists(strategies.text("abc ", min_size=1, max_size=20), min_size=1, max_size=5),
       strategies.integers(1, 8), strategies.text("abcd ", max_size=20))
def test_nll_is_exact_for_any_texts(texts, order, text):
    assert ngram.fit(texts, order).nll(text) == pytest.approx(slow_nll(texts, order, text), abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 5, 20])
def test_probabilities_sum_to_one_and_are_what_nll_scores(order):
    chain, text = ngram.fit(TEXTS, order), "a cabbage z bra"
    for i, nats in enumerate(chain.nll(text)):
        probabilities = chain.probabilities(text[:i])
        assert probabilities.sum() == pytest.approx(1)
        assert probabilities.min() > 0
        assert probabilities[chain.characters.find(text[i])] == pytest.approx(np.exp(-nats))  # find: -1 for any other


def test_a_future_character_leaves_the_past_alone():
    chain = ngram.fit(TEXTS, 4)
    assert (chain.nll("abra bra")[:4] == chain.nll("abra" + "ccc")[:4]).all()


def test_bigrams_by_hand():
    # "aab" alone: bigrams ^a, aa, ab once each, so their discount is 1; unigrams count what stands before: a stands
    # after ^ and a, b after a: counts 2 and 1, so the discount is 1 / (1 + 2), and three letters ("any other" is one)
    # share it
    a, b = (2 - 1 / 3 + 2 / 3 / 3) / 3, (1 - 1 / 3 + 2 / 3 / 3) / 3
    assert np.exp(-ngram.fit(["aab"], 2).nll("ab")) == pytest.approx([a, b])


def test_generate_repeats_itself_from_a_seed_goes_on_a_prompt_and_ends():
    chain = ngram.fit(["do re mi fa sol."] * 3, 6)
    first, second = (chain.generate(np.random.default_rng(1), 50) for _ in range(2))
    assert first == second and len(first) == 50 and set(first) <= set(chain.characters)
    rest = chain.generate(np.random.default_rng(0), end=".", temperature=0, prompt="do re")
    assert rest == " mi fa sol."


def test_generate_draws_as_often_as_the_probabilities_say():
    chain, rng = ngram.fit(["abac"], 2), np.random.default_rng(0)
    drawn = Counter(chain.generate(rng, 1, prompt="a") for _ in range(4000))
    expected = chain.probabilities("a")[:-1]
    assert [drawn[character] / 4000 for character in "abc"] == pytest.approx(expected / expected.sum(), abs=0.03)


def test_what_cannot_be_fitted_says_why():
    with pytest.raises(ValueError, match="order is 0"):
        ngram.fit(TEXTS, 0)
    with pytest.raises(ValueError, match="hold 0 different characters"):
        ngram.fit(["", ""])
    with pytest.raises(ValueError, match="give 1 to 254"):
        ngram.fit(["".join(map(chr, range(1000, 1255)))])
    chain = ngram.fit(TEXTS, 2)
    with pytest.raises(ValueError, match="temperature is -1"):
        chain.generate(np.random.default_rng(0), temperature=-1)
    with pytest.raises(ValueError, match="end each text with it"):
        chain.generate(np.random.default_rng(0), end="}")


def test_it_composes_from_pieces_in_one_key_or_in_more():
    roll = np.zeros((64, 128), np.uint8)
    roll[::4, 60], roll[np.arange(64) % 4 > 0, 60] = 1, 2  # middle C in quarters
    piece = blank("one note", np.full((64, 4), -1, np.int16), (4, 4), 0, "major", 0)._replace(roll=roll)
    assert ngram.endings([piece], (0, 2)) == [text.encode(midi.transpose(roll, up), onsets=True) + text.END
                                              for up in (0, 2)]
    chain, made, row = ngram.compose([piece], order=6, seed=1, num_keys=2, min_frames=16)
    assert len(chain.characters) == 6 and made.shape[1] == 128  # struck and held in two keys, space and end
    assert set(np.flatnonzero(made.any(axis=0))) <= {60, 61} and row["bars"] == len(made) / 16
    assert row["notes"] == (made == 1).sum() and 1 <= row["tries"] <= ngram.MAX_TRIES
    with pytest.raises(ValueError, match="give 1 to 12"):
        ngram.compose([piece], num_keys=0)
