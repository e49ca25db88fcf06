"""A piece -> what a network with two clocks reads: tokens, the frame that memory recalls, and what is known beside."""

from typing import NamedTuple

import numpy as np

from utils import midi, text

POSITIONS = 29  # places in a bar: 0 to 15 in 4/4, 16 to 27 in 3/4, 28 for any other metre
MIN_MATCH, MATCHES = 4, (4, 8, 12, 16, 24, 32, 48)  # frames that must agree to recall; lengths told apart
FERMATA_QUARTERS, LEFT_QUARTERS = 20, 32  # how far ahead a plan looks
PLAN = (25, FERMATA_QUARTERS + 3, LEFT_QUARTERS + 2)  # values of key, next fermata and end; the last says unknown


def prepare(roll, upbeat=0, bar_frames=16, keys=(0,), onsets=False, sixteenths=1, tonic=None, conditions=()):
    """Prepare a piece, in one key or several.

    Args: roll: uint8 (frames, 128) or lists of pitches. upbeat, bar_frames, sixteenths: see `bar_conditions`.
        keys: semitones, one result for each. onsets: write the onset alphabet, the highest pitch of a frame first,
        with END as a last frame of its own. tonic: pitch class, a third condition that moves with the key, or None.
        conditions: further int (frames,) arrays, END's frame counted.
    Returns: list of (tokens, recalled int (frames, slots), conditions int32 (frames, kinds)); the first two kinds are
        the place in the bar, below POSITIONS, and the length that memory recalls, up to len(MATCHES).
    Raises: ValueError for a pitch outside MIDI's range, before or after transposition.
    Notebook: 02, "Two clocks".
    """
    roll = text.as_roll(roll)
    # memory knows no more than the text does; END's frame comes after all others, so that its own row does not matter
    heard = np.vstack([roll, roll[:1]]) if onsets else roll != 0
    source, length = recall(heard, max(1, 4 // sixteenths))
    place = bar_conditions(len(source), upbeat, bar_frames, sixteenths)
    result = []
    for key in keys:
        tokens = text.frame_tokens(midi.transpose(roll, key), onsets, descending=onsets)
        if onsets:
            tokens = np.vstack([tokens, np.full((1, tokens.shape[1]), -1)])
            tokens[-1, 0] = len(text.vocab(True)) - 1
        keyed = [] if tonic is None else [np.full(len(source), (tonic + key) % 12)]
        facts = np.column_stack([place, np.searchsorted(MATCHES, length, "right"), *keyed, *conditions])
        result.append((tokens, np.where(source[:, None] >= 0, tokens[source], -1), facts.astype(np.int32)))
    return result


def pad(pieces, num_frames=None, slots=None):
    """Stack pieces of unequal length into one batch.

    Args: pieces: list of what `prepare` returns. num_frames, slots: size of the batch; by default what they need.
    Returns: tokens, recalled int32 (pieces, num_frames, slots), padded with -1; conditions int32 (pieces, num_frames,
        kinds), padded with 0.
    """
    num_frames = num_frames or max(len(tokens) for tokens, _, _ in pieces)
    slots = slots or max(tokens.shape[1] for tokens, _, _ in pieces)
    tokens, recalled = np.full((2, len(pieces), num_frames, slots), -1, np.int32)
    conditions = np.zeros((len(pieces), num_frames, pieces[0][2].shape[1]), np.int32)
    for row, parts in enumerate(pieces):
        for batch, part in zip((tokens, recalled, conditions), parts):
            batch[row, :len(part), :part.shape[1]] = part
    return tokens, recalled, conditions


def line(prepared, levels):
    """Write a piece as one line of states for a network that reads nothing else: a character, and where the next stands.

    Args: prepared: (tokens, recalled, conditions) of `prepare`. levels: int, the size of the vocab.
    Returns: int32 (1 + characters,): place in the bar of the next character's frame * levels + this character; the first
        is FRAME_END, which stands before every piece. Modulo levels it is the text.
    Notebook: 03, "The same network on characters".
    """
    tokens, _, conditions = prepared
    frames, slots = np.nonzero(tokens >= 0)
    places, written = conditions[frames, 0], tokens[frames, slots]
    return (np.append(places, places[-1]) * levels + np.append(0, written)).astype(np.int32)


def follow(levels):
    """Say which state of `line` follows when a character is written: FRAME_END moves on by a place in the bar.

    Args: levels: int, the size of the vocab.
    Returns: int32 (POSITIONS * levels, levels), as `queues.generate` takes it.
    """
    place, character = np.arange(POSITIONS * levels)[:, None] // levels, np.arange(levels)
    on = np.array([*range(1, 16), 0, *range(17, 28), 16, 28])
    return np.where(character == 0, on[place], place) * levels + character


def bar_conditions(num_frames, upbeat=0, bar_frames=16, sixteenths=1):
    """Number each frame's place in the bar, for 4/4 and 3/4 apart.

    Args: num_frames: int. upbeat: sixteenths before the first barline. bar_frames: sixteenths in a bar, 16 in 4/4 and
        12 in 3/4; other metres share one number. sixteenths: in a frame, 4 on the quarter grid.
    Returns: int (num_frames,), below POSITIONS.
    Notebook: 02, "Where in the bar?".
    """
    place = (np.arange(num_frames) * sixteenths - upbeat) % bar_frames
    first = {16: 0, 12: 16}.get(bar_frames)
    return np.full(num_frames, POSITIONS - 1) if first is None else first + place


def plan(num_frames, tonic=None, mode="major", fermatas=None, length=None):
    """Say where a piece is going, frame by frame: its key, how far off the next fermata is, and how far the end.

    Args: num_frames: int. tonic: pitch class 0 to 11, or None where the key is unknown. mode: "major" or "minor".
        fermatas: frames, or None where they are unknown. length: frames until END, or None where it is unknown.
    Returns: list of three int (num_frames,), each below its number in PLAN; distances in quarters, rounded up.
    Notebook: 02.
    """
    now = np.arange(num_frames)
    key = np.full(num_frames, PLAN[0] - 1 if tonic is None else tonic % 12 + 12 * (mode == "minor"))
    if fermatas is None:
        ahead = np.full(num_frames, PLAN[1] - 1)
    else:
        following = np.append(np.sort(fermatas), np.iinfo(np.int32).max)  # after the last fermata: none within sight
        ahead = np.minimum(-((now - following[np.searchsorted(following, now)]) // 4), FERMATA_QUARTERS + 1)
    left = np.full(num_frames, PLAN[2] - 1) if length is None else np.clip(-((now - length) // 4), 0, LEFT_QUARTERS)
    return [key, ahead, left]


def final_key(roll, semitones):
    """Name the key that a piece closes in, as a singer would: by its last bass note.

    Analysis of the whole piece misses one final in seven, for chorales are modal and wander.

    Args: roll: uint8 (frames, 128), with a sounding frame. semitones: what moves the piece to C major or A minor.
    Returns: (tonic, mode): the last bass's pitch class 0 to 11; "major" where the piece's scale has the major third
        above it, else "minor".
    Notebook: 02, "A plan".
    """
    tonic = int(np.flatnonzero(roll[np.flatnonzero(roll.any(axis=1))[-1]])[0]) % 12
    return tonic, "major" if (tonic + semitones + 4) % 12 in (0, 2, 4, 5, 7, 9, 11) else "minor"


class Form(NamedTuple):
    """The outline of a piece, without a note of it.

    upbeat: sixteenths before the first barline. bar_frames: sixteenths in a bar. tonic, mode, fermatas, length: see
    `plan`; None is unknown.
    """

    upbeat: int
    bar_frames: int
    tonic: int | None
    mode: str
    fermatas: np.ndarray | None
    length: int | None


def form(piece):
    """Read the outline of a piece: anything with roll, semitones, upbeat, bar_frames and fermatas, as `data` gives."""
    return Form(piece.upbeat, piece.bar_frames, *final_key(piece.roll, piece.semitones), piece.fermatas, len(piece.roll))


def prepare_planned(roll, form, keys=(0,), hidden=0.0, rng=None):
    """Prepare a piece of the onset alphabet with its plan, of which now and then a part is unknown.

    Args: roll: uint8 (frames, 128). form: its Form. keys: semitones, one result for each. hidden: the share of results in
        which the key is unknown; the same, drawn apart, for the fermatas and the end. rng: numpy Generator, to draw them.
    Returns: list as of `prepare`, with five kinds of conditions.
    Notebook: 02, "A plan".
    """
    prepared = []
    for key in keys:
        keep = rng.random(3) >= hidden if hidden else (True, True, True)
        tonic, fermatas, length = (fact if kept else None for fact, kept in zip(
            (form.tonic, form.fermatas, form.length), keep))
        tonic = None if tonic is None else (tonic + key) % 12
        prepared += prepare(midi.transpose(roll, key), form.upbeat, form.bar_frames, onsets=True,
                            conditions=plan(len(roll) + 1, tonic, form.mode, fermatas, length))
    return prepared


def recall(frames, beat=4):
    """Recall all along a piece, see `Memory`.

    Args: frames: (frames, anything), a row each. beat: frames in a quarter.
    Returns: source, length: int (frames,), what `Memory.recall` says before each frame.
    """
    kinds = np.unique(frames, axis=0, return_inverse=True)[1].ravel()
    memory, found = Memory(1, len(frames), beat), []
    for kind in kinds:
        found.append(memory.recall())
        memory.push(kind[None])
    source, length = np.array(found, int).reshape(-1, 2).T
    return source, length


class Memory:
    """Remember pieces frame by frame, and find where each last sounded as it does now, a whole number of beats ago.

    Args: num_pieces, max_frames: how much to remember; pieces grow side by side. beat: frames in a quarter.
    Source: the match model of PAQ, Mahoney 2005. Notebook: 02, "A memory".
    """

    def __init__(self, num_pieces, max_frames, beat=4):
        self.beat, self.now = beat, 0
        self.kinds = np.zeros((num_pieces, max_frames), np.int64)  # a number for each different frame
        self.agree = np.zeros((num_pieces, max_frames + 1), np.int64)  # [s]: how many frames before s equal the latest

    def recall(self):
        """Point to the frame that followed then: source, length int (pieces,); -1 and 0 where too little agrees."""
        first = self.now % self.beat
        agree = self.agree[:, first:self.now:self.beat]
        if not agree.shape[1]:
            return np.full(len(agree), -1), np.zeros(len(agree), int)
        best = agree.shape[1] - 1 - agree[:, ::-1].argmax(axis=1)  # the latest of the longest
        length = np.take_along_axis(agree, best[:, None], axis=1)[:, 0]
        known = length >= MIN_MATCH
        return np.where(known, first + self.beat * best, -1), np.where(known, length, 0)

    def push(self, kinds):
        """Add a frame to each piece: kinds int (pieces,), equal for equal frames."""
        now = self.now
        self.agree[:, 1:now + 1] = np.where(self.kinds[:, :now] == kinds[:, None], self.agree[:, :now] + 1, 0)
        self.kinds[:, now] = kinds
        self.now += 1
