"""Several drafts of each attempt at a piece, of which only the best go on wherever a phrase has come to its end.

This is a particle filter: what goes on is a sample of what the network would write if each phrase had to come to rest.
Source: Doucet, de Freitas and Gordon 2001, Sequential Monte Carlo methods in practice, chapter 1.
"""

from typing import NamedTuple

import numpy as np

from utils.music import harmony

DRAFTS = 8  # of each attempt
# What a phrase end that is no triad costs, and a last one that is not on the tonic; a parallel costs 1, and so does a
# last chord that is reached from none of V, VII and IV.
RESTLESS, HOMELESS = 2, 4


class Choice(NamedTuple):
    """One choice among drafts. frame: int, in sixteenths, after which it was made. faults: int (attempts, drafts).
    parents: int (attempts, drafts), from which draft of its attempt each one goes on.
    """

    frame: int
    faults: np.ndarray
    parents: np.ndarray


def survivors(faults, rng):
    """Choose which drafts of one attempt go on: only those with the fewest faults, each with the same chance.

    Args: faults: int (drafts,). rng: numpy Generator.
    Returns: int (drafts,), the draft from which each one goes on.
    Source: resampling, Doucet et al. 2001, chapter 1. Notebook: 06, "How does every phrase come to rest?".
    """
    best = np.flatnonzero(faults == faults.min())  # the weight of these is 1, that of the others 0
    return rng.choice(best, len(faults))


def count_faults(read, cells, start, end, is_last):
    """Count what speaks against a draft, in what it has written since the choice before.

    Args: read: piece.Piece, its outline. cells: int (frames, 4), the draft so far. start: frame of the choice before.
        end: frame with the fermata of the phrase that ends here, or None. is_last: whether the piece ends here.
    Returns: int, 0 for none.
    Notebook: 06, "How does every phrase come to rest?".
    """
    faults = len(harmony.parallels(read._replace(voices=cells[start:])))
    read = read._replace(voices=cells)
    if end is not None:
        cadence, = harmony.cadences(read._replace(fermatas=np.array([end])))
        faults += RESTLESS * (not cadence.at_rest) + (is_last and cadence.kind not in ("authentic", "plagal"))
    return faults + HOMELESS * (is_last and not harmony.closes(read))


def places(read, cells, known, outline):
    """Say after which frames drafts are compared.

    Where a phrase comes to rest, a beat after what was written meets what is given, and at the end.

    Args: read: piece.Piece. cells, known: (frames, 4), the piece and what is given of it. outline: infill_inputs.Form.
    Returns: dict of frame -> frame with the fermata of the phrase that ends there, or None.
    """
    length, beat = len(known), 4 * outline.length // len(read.voices)
    looks = dict.fromkeys(np.flatnonzero(~known[:-1].all(axis=1) & known[1:].all(axis=1)) + beat)
    for frame in outline.fermatas[outline.fermatas < length].tolist():
        looks[harmony.settled(cells, frame) if known[frame].any() else frame + beat - 1] = frame
    looks = {min(look, length - 1): frame for look, frame in looks.items()}
    looks.setdefault(length - 1)
    return looks


def chooser(read, cells, known, outline, drafts, rng, watch=None):
    """Make the function by which `infill_numpy.write` lets only the best drafts of each attempt go on.

    Args: read, cells, known, outline: as `places`. drafts: int, of each attempt. rng: numpy Generator. watch: list to
        which each Choice is added.
    Returns: function of a frame's number and the cells so far, as `infill_numpy.write` asks for.
    """
    looks, before = places(read, cells, known, outline), [0]
    scale = outline.length // len(read.voices)
    read = read._replace(bar_frames=outline.bar_frames, upbeat=outline.upbeat or 0)

    def choose(now, rows):
        if now not in looks:
            return None
        is_last = now == len(known) - 1
        faults = np.array([count_faults(read, row[:now + 1], before[-1], looks[now], is_last) for row in rows])
        before.append(now)
        groups = faults.reshape(-1, drafts)
        parents = np.array([survivors(group, rng) for group in groups])
        if watch is not None:
            watch.append(Choice(now // scale, groups, parents))
        return (parents + drafts * np.arange(len(groups))[:, None]).ravel()

    return choose
