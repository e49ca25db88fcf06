"""Interpolated Kneser-Ney n-grams over characters: the floor that every network has to beat."""

from typing import NamedTuple

import numpy as np

OPENING = 0  # the token before a text; characters count from 1, the last token is "any other character"
TOKEN_BITS = 8  # of a 64-bit key; the other 56 hash its context: a million contexts clash with a chance of 1 in 100,000
LAST_TOKEN = 2**TOKEN_BITS - 1
MIN_DISCOUNT = 0.1  # leaves some probability to what was never seen even in an order without rare n-grams


class Ngram(NamedTuple):
    """A fitted chain, as `fit` returns it.

    characters: str, each once. hashes: uint64 (order - 1, tokens), a random number for each token so many places back;
    the XOR of these names a context. discounts: float64 (order,). keys: one array for each order, uint64 (ngrams,),
    sorted: the context's hash with the next token in its lowest bits, so that all that follows one context stands
    together.
    totals: beside each of keys, int32 (ngrams + 1,), the running sum of the n-grams' counts.
    """

    characters: str
    hashes: np.ndarray
    discounts: np.ndarray
    keys: list
    totals: list

    def nll(self, text):
        """Score every character given all before it, from an unprimed start.

        A character that `fit` never saw gets the probability of "any other character": small, never zero.

        Args: text: str.
        Returns: float64 (characters,), in nats, 0 or more.
        Source: Chen and Goodman 1999, section 3. Notebook: 01, "The floor".
        """
        tokens, depths = _tokenize([text], self.characters)
        probabilities = np.full(len(tokens), 1 / (len(self.characters) + 1))
        contexts = np.zeros(len(tokens), np.uint64)  # hash of the n - 1 tokens before each place
        for n, (discount, keys, totals) in enumerate(zip(self.discounts, self.keys, self.totals), start=1):
            if n > 1:
                contexts ^= self.hashes[n - 2, np.roll(tokens, n - 1)]
            places = np.flatnonzero(depths >= max(n - 1, 1))  # where a context reaches back no further than the start
            low = contexts[places] & ~np.uint64(LAST_TOKEN)
            first, last = np.searchsorted(keys, low), np.searchsorted(keys, low | np.uint64(LAST_TOKEN), "right")
            seen = last > first
            places, low, first, last = places[seen], low[seen], first[seen], last[seen]
            key = low | tokens[places]
            count = totals[np.searchsorted(keys, key, "right")] - totals[np.searchsorted(keys, key)]
            backed_off = discount * (last - first) * probabilities[places]
            probabilities[places] = (np.maximum(count - discount, 0) + backed_off) / (totals[last] - totals[first])
        return -np.log(probabilities[1:])

    def probabilities(self, history=""):
        """Predict the next character.

        Args: history: str, the text so far, from its start.
        Returns: float64 (len(characters) + 1,) that sums to 1, in the order of `characters`; the last is any other one.
        Notebook: 01, "The floor".
        """
        order = len(self.keys)
        tokens = _tokenize([history[-order:]], self.characters)[0][len(history) >= order:]  # or OPENING is too far back
        found = np.full(len(self.characters) + 1, 1 / (len(self.characters) + 1))
        context = np.uint64(0)
        for n, (discount, keys, totals) in enumerate(zip(self.discounts, self.keys, self.totals), start=1):
            if n - 1 > len(tokens):
                break
            if n > 1:
                context ^= self.hashes[n - 2, tokens[1 - n]]
            low = context & ~np.uint64(LAST_TOKEN)
            first, last = np.searchsorted(keys, low), np.searchsorted(keys, low | np.uint64(LAST_TOKEN), "right")
            if first == last:
                break  # what never stood here never stood in a longer context
            followers = (keys[first:last] & np.uint64(LAST_TOKEN)).astype(int)
            found *= discount * (last - first)
            found[followers - 1] += np.diff(totals[first:last + 1]) - discount
            found /= totals[last] - totals[first]
        return found

    def generate(self, rng, max_characters=10_000, end="", temperature=1.0, prompt=""):
        """Write on, character by character.

        Args: rng: numpy Generator. max_characters: where to stop at the latest. end: a character after which to stop.
            temperature: below 1 likelier, above 1 bolder; 0 always takes the likeliest. prompt: the text so far.
        Returns: str, what was added to the prompt, `end` included.
        Raises: ValueError for a negative temperature, or an end that the chain cannot write.
        Notebook: 01, "The floor plays".
        """
        if not 0 <= temperature < np.inf:
            raise ValueError(f"temperature is {temperature}: give 0 for the likeliest character, or a number near 1")
        if end not in self.characters:
            raise ValueError(f"the chain never writes {end!r}, no text held it: end each text with it before the fit")
        written = ""
        while len(written) < max_characters and not (end and written.endswith(end)):
            scores = self.probabilities(prompt + written)[:-1]
            if temperature > 0:
                weights = (scores / scores.max()) ** (1 / temperature)
                choice = rng.choice(len(weights), p=weights / weights.sum())
            else:
                choice = scores.argmax()
            written += self.characters[choice]
        return written


def fit(texts, order=20):
    """Count the n-grams of some texts, each with its own start.

    In the highest order an n-gram counts as often as it occurs; in a lower one, as often as different characters stand
    before it; where a text starts with it, as often as it occurs, since nothing can stand before. One discount an
    order.

    Args: texts: iterable of str. order: characters in the longest n-gram, at least 1.
    Returns: Ngram.
    Raises: ValueError for an order below 1, texts without a character, or more than 254 different characters.
    Source: Kneser and Ney 1995; Chen and Goodman 1999, section 3; the discount is Ney, Essen and Kneser's of 1994.
    Notebook: 01, "The floor".
    """
    texts = [texts] if isinstance(texts, str) else list(texts)
    characters = "".join(sorted(set().union(*texts)))
    if order < 1:
        raise ValueError(f"order is {order}: an n-gram has at least 1 character")
    if not 0 < len(characters) < LAST_TOKEN:
        raise ValueError(f"the texts hold {len(characters)} different characters: give 1 to {LAST_TOKEN - 1}")
    tokens, depths = _tokenize(texts, characters)
    hashes = np.random.default_rng(0).integers(2**64, size=(order - 1, len(characters) + 2), dtype=np.uint64)
    contexts = np.zeros(len(tokens), np.uint64)
    for n in range(2, order + 1):
        contexts ^= hashes[n - 2, np.roll(tokens, n - 1)]

    discounts, levels = np.empty(order), []
    places = np.flatnonzero(depths >= max(order - 1, 1))  # where the n-grams to count end
    for n in range(order, 0, -1):
        keys = contexts[places] & ~np.uint64(LAST_TOKEN) | tokens[places]
        keys, first, counts = np.unique(keys, return_index=True, return_counts=True)
        levels.append((keys, np.append(0, np.cumsum(counts)).astype(np.int32)))
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        discounts[n - 1] = max(once / max(once + 2 * twice, 1), MIN_DISCOUNT)
        if n > 1:  # drop each n-gram's first character, and let the shorter ones that open a text join
            contexts ^= hashes[n - 2, np.roll(tokens, n - 1)]
            opening = depths == n - 2 if n > 2 else np.zeros(len(tokens), bool)
            places = np.concatenate([places[first], np.flatnonzero(opening)])
    keys, totals = zip(*levels[::-1])
    return Ngram(characters, hashes, discounts, list(keys), list(totals))


def _tokenize(texts, characters):
    """Tokens of all texts, each after its OPENING, uint8; and how far each stands from its OPENING, int32."""
    token = {character: i for i, character in enumerate(characters, start=1)}
    other = len(characters) + 1
    tokens = [t for text in texts for t in (OPENING, *(token.get(character, other) for character in text))]
    depths = [np.arange(len(text) + 1, dtype=np.int32) for text in texts]
    return np.array(tokens, np.uint8), np.concatenate(depths)
