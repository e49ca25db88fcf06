"""From a network's logits to one choice: temperature, and the caller's own random generator."""

import numpy as np


def sample(logits, rng, temperature=1.0):
    """Draw one index from each distribution.

    Args: logits: float (..., vocab), natural logarithms up to a constant; -inf forbids an index. rng: numpy Generator.
        temperature: divides the logits; below 1 likelier, above 1 bolder, 0 always takes the likeliest.
    Returns: int64 (...), each from 0 to vocab - 1.
    Raises: ValueError for a temperature below 0, NaN, or a distribution with nothing to choose.
    Notebook: 02, "How bold?".
    """
    logits = np.asarray(logits, np.float64)
    if not 0 <= temperature < np.inf:
        raise ValueError(f"temperature is {temperature}: give 0 for the likeliest index, or a number near 1")
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits have shape {logits.shape}: the last axis must be the vocabulary")
    with np.errstate(invalid="ignore"):
        logits = logits - logits.max(axis=-1, keepdims=True)
    if np.isnan(logits).any():  # from NaN, from an infinite logit, and from a row that is -inf throughout
        raise ValueError("logits hold NaN, +inf, or forbid every index: look whether the network's loss was finite")
    if temperature == 0:
        return logits.argmax(axis=-1)
    with np.errstate(over="ignore"):  # a tiny temperature leaves only the likeliest, as it should
        logits = logits / temperature
    return (logits + rng.gumbel(size=logits.shape)).argmax(axis=-1)  # Gumbel's trick: softmax draws without a softmax


def temper_by_kind(logits, kinds, temperature, kind_temperature=1.0):
    """Temper two choices apart: that of a kind of index, and that of one index among its kind.

    A temperature below 1 prefers the one note that could be held to the many that could be struck in its place, if all
    of them compete: music comes to stand still. Held and struck notes as kinds keep their shares.

    Args: logits: float (..., vocab), as `sample`. kinds: int (vocab,), the kind of each index. temperature: above 0,
        among a kind. kind_temperature: above 0, between kinds.
    Returns: float64 (..., vocab), logits to `sample` from at temperature 1.
    Raises: ValueError for a temperature that is not above 0, or kinds of another number than the vocabulary.
    Notebook: 05, "The writers".
    """
    logits, kinds = np.asarray(logits, np.float64), np.asarray(kinds)
    for value in (temperature, kind_temperature):
        if not 0 < value < np.inf:
            raise ValueError(f"temperature is {value}: give a number above 0 and near 1")
    if kinds.shape != logits.shape[-1:]:
        raise ValueError(f"kinds of shape {kinds.shape} for logits of shape {logits.shape}: give one for each index")
    tempered = np.full_like(logits, -np.inf)
    for kind in np.unique(kinds):
        own = logits[..., kinds == kind]
        mass, cool_mass = (np.logaddexp.reduce(each, axis=-1, keepdims=True) for each in (own, own / temperature))
        share = np.divide(mass, kind_temperature) - np.where(cool_mass > -np.inf, cool_mass, 0)
        tempered[..., kinds == kind] = own / temperature + share
    return tempered
