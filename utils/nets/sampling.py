"""From a network's logits to one choice, with a temperature and the caller's random generator."""

import numpy as np


def sample(logits, rng, temperature=1.0):
    """Draw one index from each distribution.

    Args: logits: float (..., vocab), natural logarithms up to a constant; -inf forbids an index. rng: numpy Generator.
        temperature: divides the logits; below 1 safer, above 1 bolder, 0 always takes the likeliest.
    Returns: int64 (...), each from 0 to vocab - 1.
    Raises: ValueError for a temperature below 0, NaN, or a distribution that forbids every index.
    Notebook: 02, "How bold?".
    """
    logits = np.asarray(logits, np.float64)
    if not 0 <= temperature < np.inf:
        raise ValueError(f"temperature is {temperature}: give 0 for the likeliest index, or a number near 1")
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits have shape {logits.shape}: the last axis must be the vocabulary")
    with np.errstate(invalid="ignore"):
        logits = logits - logits.max(axis=-1, keepdims=True)
    if np.isnan(logits).any():  # comes from NaN, an infinite logit, or a row of only -inf
        raise ValueError("logits hold NaN, +inf, or forbid every index: check whether the network's loss was finite")
    if temperature == 0:
        return logits.argmax(axis=-1)
    with np.errstate(over="ignore"):  # a tiny temperature leaves only the likeliest index
        logits = logits / temperature
    return (logits + rng.gumbel(size=logits.shape)).argmax(axis=-1)  # Gumbel trick: the same as drawing from a softmax


def draw(share, chance, temperature):
    """Draw a cell of a voice from each row: hold, rest or strike by probability, then a pitch with the temperature.

    A temperature on all tokens would favour hold, a single token, over a strike, which many pitches share: too few
    notes.

    Args: share: float (rows, infill_inputs.VOCAB), log-probabilities of hold, rest and pitches. chance: float (rows,),
        0 to 1. temperature: float from 0.
    Returns: int (rows,).
    """
    if temperature == 0:
        return share.argmax(axis=1)
    pitches = share[:, 2:] / temperature
    strike = np.logaddexp.reduce(share[:, 2:], axis=1) - np.logaddexp.reduce(pitches, axis=1)
    total = np.cumsum(np.exp(np.concatenate([share[:, :2], pitches + strike[:, None]], axis=1)), axis=1)
    return (total <= chance[:, None] * total[:, -1:]).sum(axis=1).clip(max=share.shape[1] - 1)
