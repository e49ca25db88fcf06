"""Interpolated Kneser-Ney n-grams over characters: the baseline that every network has to beat."""

from typing import NamedTuple

import numpy as np

from utils.music import midi, text

OPENING = 0  # the token before a text; characters count from 1, the last token is "any other character"
TOKEN_BITS = 8  # of a 64-bit key; 56 bits hash the context: a million contexts collide with a chance of 1 in 100,000
LAST_TOKEN = 2**TOKEN_BITS - 1
MIN_DISCOUNT = 0.1  # leaves some probability to what was never seen even in an order without rare n-grams
MAX_TRIES, MAX_CHARACTERS = 50, 6000  # of `compose`: pieces, and characters in one of them, about six minutes


class Ngram(NamedTuple):
    """A fitted chain, as `fit` returns it.

    characters: str, each once. hashes: uint64 (order - 1, tokens), a random number for each token at each distance
    back; the XOR of these is the hash of a context. discounts: float64 (order,). keys: one array for each order, uint64
    (ngrams,), sorted: the context's hash with the next token in its lowest bits, so that all followers of one context
    are together. totals: for each of keys, int32 (ngrams + 1,), the running sum of the n-grams' counts.
    """

    characters: str
    hashes: np.ndarray
    discounts: np.ndarray
    keys: list
    totals: list

    def nll(self, text):
        """Score every character given all characters before it, without a prompt.

        A character that `fit` never saw gets the probability of "any other character": small, but never zero.

        Args: text: str.
        Returns: float64 (characters,), in nats, 0 or more.
        Source: Chen and Goodman 1999, section 3. Notebook: 01, "A chain that counts".
        """
        tokens, depths = _tokenize([text], self.characters)
        probabilities = np.full(len(tokens), 1 / (len(self.characters) + 1))
        contexts = np.zeros(len(tokens), np.uint64)  # hash of the n - 1 tokens before each place
        for n, (discount, keys, totals) in enumerate(zip(self.discounts, self.keys, self.totals), start=1):
            if n > 1:
                contexts ^= self.hashes[n - 2, np.roll(tokens, n - 1)]
            places = np.flatnonzero(depths >= max(n - 1, 1))  # where a context does not reach back before the start
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
        Notebook: 01, "A chain that counts".
        """
        order = len(self.keys)
        tokens = _tokenize([history[-order:]], self.characters)[0][len(history) >= order:]  # unless it is too far back
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
                break  # what was never seen in this context was never seen in a longer one
            followers = (keys[first:last] & np.uint64(LAST_TOKEN)).astype(int)
            found *= discount * (last - first)
            found[followers - 1] += np.diff(totals[first:last + 1]) - discount
            found /= totals[last] - totals[first]
        return found

    def generate(self, rng, max_characters=10_000, end="", temperature=1.0, prompt=""):
        """Continue the text, character by character.

        Args: rng: numpy Generator. max_characters: most characters to add. end: stop after this character. temperature:
            below 1 safer, above 1 bolder; 0 always takes the likeliest. prompt: the text so far.
        Returns: str, what was added to the prompt, `end` included.
        Raises: ValueError for a negative temperature, or an end that the chain cannot write.
        Notebook: 01, "The chain plays".
        """
        if not 0 <= temperature < np.inf:
            raise ValueError(f"temperature is {temperature}: give 0 for the likeliest character, or a number near 1")
        if end not in self.characters:
            raise ValueError(f"the chain never writes {end!r}, it is in no text: end each text with it before the fit")
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

    In the highest order an n-gram counts as often as it occurs. In a lower order it counts once for each different
    character before it; at the start of a text, where no character is before it, it counts as often as it occurs. There
    is one discount per order.

    Args: texts: iterable of str. order: characters in the longest n-gram, at least 1.
    Returns: Ngram.
    Raises: ValueError for an order below 1, texts without a character, or more than 254 different characters.
    Source: Kneser and Ney 1995; Chen and Goodman 1999, section 3; the discount is Ney, Essen and Kneser's of 1994.
    Notebook: 01, "A chain that counts".
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
        if n > 1:  # drop the first character of each n-gram, and add the shorter n-grams at the start of a text
            contexts ^= hashes[n - 2, np.roll(tokens, n - 1)]
            opening = depths == n - 2 if n > 2 else np.zeros(len(tokens), bool)
            places = np.concatenate([places[first], np.flatnonzero(opening)])
    keys, totals = zip(*levels[::-1])
    return Ngram(characters, hashes, discounts, list(keys), list(totals))


def endings(pieces, keys=(0,)):
    """Write pieces in C major or A minor, with onsets and an end, as `compose` learns them.

    Args: pieces: list of piece.Piece. keys: iterable of int, semitones up from there; each piece once in each.
    Returns: list of str.
    """
    return [text.encode(midi.transpose(piece.roll, piece.semitones + key), onsets=True) + text.END
            for piece in pieces for key in keys]


def compose(pieces, order=20, temperature=1.0, seed=0, num_keys=1, min_frames=128):
    """Learn from pieces, and write until one is long enough.

    Args: pieces: list of piece.Piece. order: as `fit`. temperature: as `Ngram.generate`. seed: int. num_keys: from C
        and A upwards, 1 to 12. min_frames: of what is taken; after MAX_TRIES the last one is.
    Returns: chain: Ngram; roll uint8 (frames, 128); dict: tries, bars of 16 frames, notes struck, mended notes.
    Raises: ValueError for another number of keys; as `fit` and `Ngram.generate`.
    Notebook: 01, "The chain plays".
    """
    if not 1 <= num_keys <= 12:
        raise ValueError(f"num_keys is {num_keys}: give 1 to 12")
    chain, rng = fit(endings(pieces, range(num_keys)), order), np.random.default_rng(seed)
    roll, tries = np.zeros((0, midi.NUM_PITCHES), np.uint8), 0
    while tries < MAX_TRIES and (len(roll) < min_frames or not roll.any()):
        written, tries = chain.generate(rng, MAX_CHARACTERS, text.END, temperature), tries + 1
        roll, mended = text.decode(written, return_mended=True)
    return chain, roll, {"tries": tries, "bars": len(roll) / 16, "notes": int((roll == 1).sum()),
                         "mended": sum(mended.values())}


def _tokenize(texts, characters):
    """Tokens of all texts, each text after an OPENING, uint8; and each token's distance from its OPENING, int32."""
    token = {character: i for i, character in enumerate(characters, start=1)}
    other = len(characters) + 1
    tokens = [t for text in texts for t in (OPENING, *(token.get(character, other) for character in text))]
    depths = [np.arange(len(text) + 1, dtype=np.int32) for text in texts]
    return np.array(tokens, np.uint8), np.concatenate(depths)
