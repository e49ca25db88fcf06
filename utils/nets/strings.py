"""Pieces <-> lines of characters for the dilated network: what it learns from, what it scores, what it writes."""

import numpy as np

from utils.music import data, text
from utils.nets import inputs, wavenet

NUM_CHARACTERS = len(text.vocab())  # different characters
NUM_PLACED = inputs.POSITIONS * NUM_CHARACTERS  # a character, and the place in the bar of the one that follows
PADDED_TO = 512  # lines are padded to a multiple of it: few shapes, few compilations


def of_split(split, keys=(0,), played=False, count=None):
    """Write the pieces of a split, or `count` of them, as lines: see `of`."""
    return of(data.pieces(split)[:count], keys, played)


def of(pieces, keys=(0,), played=False):
    """Write pieces as lines.

    Args: pieces: list of piece.Piece. keys: semitones to transpose by, a line for each. played: whether a piece with
        repeats is also written as it is played.
    Returns: list of int32 (1 + characters,), see `inputs.line`.
    Notebook: 03, "The same network on characters".
    """
    rolls = [(each, roll) for each in pieces
             for roll in ([each.roll, data.unfold(each)] if played and each.repeats else [each.roll])]
    return [inputs.line(item, NUM_CHARACTERS) for each, roll in rolls
            for item in inputs.prepare(roll, each.upbeat, each.bar_frames, keys)]


def frame_nats(model, split, keys=(0,), count=None):
    """Score the pieces of a split: nats per frame, from the first character on.

    Args: model: what `wavenet.build` returned for NUM_CHARACTERS and NUM_PLACED. split: "valid" or "test". keys:
        semitones; the probabilities that a frame has in each key are averaged. count: of pieces; None takes all.
    Returns: float, the mean over all frames.
    Notebook: 03, "The same network on characters".
    """
    total = frames = 0
    for number, piece in enumerate(data.pieces(split)[:count], 1):
        likely = []
        for line in of([piece], keys):
            size = -(-len(line) // PADDED_TO) * PADDED_TO
            given, target = np.zeros((1, size), int), np.full((1, size), -1)
            given[0, :len(line) - 1], target[0, :len(line) - 1] = line[:-1], line[1:] % NUM_CHARACTERS
            nats = wavenet.nll(model, given, target)[0, :len(line) - 1]
            ends = np.flatnonzero(target[0] == text.SPACE_TOKEN)  # a frame's characters, its space included
            likely.append(np.exp(-np.diff(np.cumsum(nats)[ends], prepend=0)))
        total -= np.log(np.mean(likely, axis=0)).sum()
        frames += len(piece.roll)
        print(end="." if number % 10 == 0 else "", flush=True)
    return float(total / frames)


def write(model, num_characters, temperature=1.0, seed=0):
    """Write a piece: uint8 (frames, 128), a roll of these characters; arguments as `wavenet.write_characters`."""
    tokens = wavenet.write_characters(model, num_characters, temperature=temperature, seed=seed)[0]
    return text.decode(text.characters(tokens, text.vocab()))
