"""A piece -> the inputs of a network with two clocks: tokens, the frame that memory recalls, and places in the bar."""

from typing import NamedTuple

import numpy as np

from utils.music import grid, midi, text

POSITIONS = 29  # places in a bar: 0 to 15 in 4/4, 16 to 27 in 3/4, 28 for any other metre
FIRST_PLACES = {(4, 4): 0, (2, 2): 0, (3, 4): 16}
LONGEST_BAR = 24  # sixteenths that `places` distinguishes: a bar of 12/8 or 3/2
PLACES = POSITIONS + LONGEST_BAR * grid.STRENGTHS  # with those of all other metres
MIN_MATCH, MATCHES = 4, (4, 8, 12, 16, 24, 32, 48)  # equal frames that a recall needs; classes of lengths
NUM_CONDITIONS = POSITIONS, len(MATCHES) + 1  # number of values of the first two conditions


class Prepared(NamedTuple):
    """A piece, or a batch of pieces, as the network reads it.

    tokens: int (..., frames, slots), the characters of each frame, padded with text.NO_TOKEN. recalled: same shape, the
    frame to which memory points. conditions: int32 (..., frames, kinds); the first two kinds are the place in the bar,
    below POSITIONS, and the length that memory recalls, up to len(MATCHES).
    """

    tokens: np.ndarray
    recalled: np.ndarray
    conditions: np.ndarray


def prepare(roll, upbeat=0, bar_frames=16, keys=(0,), onsets=False, sixteenths=1, tonic=None, bars=None):
    """Prepare a piece, in one key or several.

    Args: roll: uint8 (frames, 128) or lists of pitches. upbeat, bar_frames, sixteenths: see `bar_conditions`.
        keys: semitones, one result for each. onsets: use the onset alphabet, the highest pitch of a frame first, with
        END as an additional last frame. tonic: pitch class, a third condition that moves with the key, or None. bars:
        of the piece, for places in any metre (`places`).
    Returns: list of Prepared.
    Raises: ValueError for a pitch outside MIDI's range, before or after transposition.
    Notebook: 02, "Two clocks".
    """
    roll = text.as_roll(roll)
    # memory knows no more than the text does; END's frame is the last, so its own row has no effect
    heard = np.vstack([roll, roll[:1]]) if onsets else roll != 0
    source, length = recall(heard, max(1, 4 // sixteenths))
    place = (bar_conditions(len(source), upbeat, bar_frames, sixteenths) if bars is None else
             places(bars, upbeat, len(source)))
    result = []
    for key in keys:
        tokens = text.frame_tokens(midi.transpose(roll, key), onsets, descending=onsets)
        if onsets:
            tokens = np.vstack([tokens, np.full((1, tokens.shape[1]), text.NO_TOKEN)])
            tokens[-1, 0] = text.END_TOKEN
        keyed = [] if tonic is None else [np.full(len(source), (tonic + key) % 12)]
        facts = np.column_stack([place, np.searchsorted(MATCHES, length, "right"), *keyed])
        recalled = np.where(source[:, None] >= 0, tokens[source], text.NO_TOKEN)
        result.append(Prepared(tokens, recalled, facts.astype(np.int32)))
    return result


def pad(pieces, num_frames=None, slots=None):
    """Stack pieces of unequal length into one batch.

    Args: pieces: list of Prepared. num_frames, slots: size of the batch; by default as large as needed.
    Returns: Prepared of int32 (pieces, num_frames, ...), tokens padded with text.NO_TOKEN, conditions with 0.
    """
    num_frames = num_frames or max(len(piece.tokens) for piece in pieces)
    slots = slots or max(piece.tokens.shape[1] for piece in pieces)
    tokens, recalled = np.full((2, len(pieces), num_frames, slots), text.NO_TOKEN, np.int32)
    conditions = np.zeros((len(pieces), num_frames, pieces[0].conditions.shape[1]), np.int32)
    batch = Prepared(tokens, recalled, conditions)
    for row, piece in enumerate(pieces):
        for whole, part in zip(batch, piece):
            whole[row, :len(part), :part.shape[1]] = part
    return batch


def line(prepared, levels):
    """Write a piece as one line of states, the only input of a network: a character, and the place of the next one.

    Args: prepared: Prepared. levels: int, the size of the vocab.
    Returns: int32 (1 + characters,): place in the bar of the next character's frame * levels + this character; the
        first is FRAME_END, which is before every piece. Modulo levels it is the text.
    Notebook: 03, "The same network on characters".
    """
    frames, slots = np.nonzero(prepared.tokens != text.NO_TOKEN)
    places, written = prepared.conditions[frames, 0], prepared.tokens[frames, slots]
    return (np.append(places, places[-1]) * levels + np.append(text.SPACE_TOKEN, written)).astype(np.int32)


def follow(levels, metre=None):
    """List the state of `line` that follows each character: FRAME_END advances by one place in the bar.

    Args: levels: int, the size of the vocab. metre: (numerator, denominator) of a network that reads `places`, None for
        one that reads `bar_conditions`.
    Returns: int32 (places * levels, levels), as `queues.generate` takes it.
    """
    on = np.array([*range(1, 16), 0, *range(17, 28), 16, 28])
    if metre is not None:
        bar = places(np.array([(0, *metre)]), 0, len(grid.strengths(*metre)))
        on = np.append(on, range(POSITIONS, PLACES))
        on[bar] = np.roll(bar, -1)
    place, character = np.arange(len(on) * levels)[:, None] // levels, np.arange(levels)
    return (np.where(character == text.SPACE_TOKEN, on[place], place) * levels + character).astype(np.int32)


def bar_conditions(num_frames, upbeat=0, bar_frames=16, sixteenths=1):
    """Number each frame's place in the bar, separately for 4/4 and 3/4.

    Args: num_frames: int. upbeat: sixteenths before the first barline. bar_frames: sixteenths in a bar, 16 in 4/4 and
        12 in 3/4; other metres share one number. sixteenths: per frame, 4 on the quarter grid.
    Returns: int (num_frames,), below POSITIONS.
    Notebook: 02, "Two clocks".
    """
    place = (np.arange(num_frames) * sixteenths - upbeat) % bar_frames
    first = {16: 0, 12: 16}.get(bar_frames)
    return np.full(num_frames, POSITIONS - 1) if first is None else first + place


def places(bars, upbeat, num_frames):
    """Number each frame's place in the bar in any metre, through all its changes.

    Args: bars, upbeat: of a piece, see `grid.bars`. num_frames: int.
    Returns: int (num_frames,), below PLACES: as `bar_conditions` in 4/4, 2/2 and 3/4; elsewhere a number for each pair
        of position and strength of the beat.
    Notebook: 02, "Two clocks".
    """
    position, strength = grid.place(bars, upbeat, num_frames)
    now = np.maximum(0, np.searchsorted(bars[:, 0], np.arange(num_frames), side="right") - 1)
    first = np.array([FIRST_PLACES.get((beats, unit), -1) for _, beats, unit in bars.tolist()])[now]
    other = POSITIONS + np.minimum(position, LONGEST_BAR - 1) * grid.STRENGTHS + strength
    return np.where(first < 0, other, first + position)


def recall(frames, beat=4):
    """Recall at every frame of a piece, see `Memory`.

    Args: frames: (frames, anything), one row each. beat: frames in a quarter.
    Returns: source, length: int (frames,), the results of `Memory.recall` before each frame.
    """
    kinds = np.unique(frames, axis=0, return_inverse=True)[1].ravel()
    memory, found = Memory(1, len(frames), beat), []
    for kind in kinds:
        found.append(memory.recall())
        memory.push(kind[None])
    source, length = np.array(found, int).reshape(-1, 2).T
    return source, length


class Memory:
    """Store pieces frame by frame, and find where each last sounded as now, a whole number of beats ago.

    Args: num_pieces, max_frames: how much to remember; pieces grow side by side. beat: frames in a quarter.
    Source: the match model of PAQ, Mahoney 2005. Notebook: 02, "Two clocks".
    """

    def __init__(self, num_pieces, max_frames, beat=4):
        self.beat, self.now = beat, 0
        self.kinds = np.zeros((num_pieces, max_frames), np.int64)  # a number for each different frame
        self.agree = np.zeros((num_pieces, max_frames + 1), np.int64)  # [s]: how many frames before s equal the latest

    def recall(self):
        """Point to the frame that followed then: source, length int (pieces,); -1 and 0 if too few frames agree."""
        first = self.now % self.beat
        agree = self.agree[:, first:self.now:self.beat]
        if not agree.shape[1]:
            return np.full(len(agree), -1), np.zeros(len(agree), int)
        best = agree.shape[1] - 1 - agree[:, ::-1].argmax(axis=1)  # the latest of the longest matches
        length = np.take_along_axis(agree, best[:, None], axis=1)[:, 0]
        known = length >= MIN_MATCH
        return np.where(known, first + self.beat * best, -1), np.where(known, length, 0)

    def push(self, kinds):
        """Add a frame to each piece: kinds int (pieces,), equal for equal frames."""
        now = self.now
        self.agree[:, 1:now + 1] = np.where(self.kinds[:, :now] == kinds[:, None], self.agree[:, :now] + 1, 0)
        self.kinds[:, now] = kinds
        self.now += 1
