"""Piano roll frames <-> one string of characters, which the character models read and write."""

from collections import Counter

import numpy as np

from utils.music import midi

FRAME_END = " "  # ends a frame, as a space ends a word: no more pitches sound on this sixteenth
START, END = "{", "}"  # before the first frame, after the last one

# A sounding pitch is an ASCII character for the piano's 88 keys, '!' = A0 (21) to 'x' = C8 (108); middle C is 'H'.
# The few pitches beyond the piano are Cyrillic letters. A struck pitch is one of the 128 letters of Latin Extended-A.
SOUNDING = "".join(chr(p + 12) if 21 <= p <= 108 else chr(0x400 + p) for p in range(midi.NUM_PITCHES))
STRUCK = "".join(chr(0x100 + p) for p in range(midi.NUM_PITCHES))

# Tokens: a character's place in `vocab`. Both alphabets share the first 129.
SPACE_TOKEN = 0  # FRAME_END
HELD_TOKENS = range(1, 1 + midi.NUM_PITCHES)  # a sounding pitch; in the alphabet with onsets, a held one
STRUCK_TOKENS = range(HELD_TOKENS.stop, HELD_TOKENS.stop + midi.NUM_PITCHES)
START_TOKEN, END_TOKEN = STRUCK_TOKENS.stop, STRUCK_TOKENS.stop + 1
NO_TOKEN = -1  # padding of a frame with fewer characters

_PITCH = {character: (p, struck) for struck, row in enumerate((SOUNDING, STRUCK)) for p, character in enumerate(row)}


def vocab(onsets=False):
    """List the characters of an alphabet; a character's index is its token.

    Args: onsets: add the struck characters, START and END to the plain alphabet.
    Returns: str of 129 characters (FRAME_END, then pitches 0 to 127), or of 259 with onsets.
    Notebook: 01, "A chorale as a string".
    """
    return FRAME_END + SOUNDING + (STRUCK + START + END if onsets else "")


def encode(frames, onsets=False, descending=False):
    """Write frames as text: the characters of each frame's pitches, then a space.

    The plain alphabet says which pitches sound on each sixteenth. It cannot distinguish a held note from a repeated
    one. With onsets an attacked pitch is written with its struck character, a held one with its plain character.

    Args: frames: roll uint8 (frames, 128) of 0 silent, 1 attacked, 2 held; or one list of MIDI pitches per sixteenth,
        where a pitch that is also in the list before counts as held. onsets: distinguish attacked from held.
        descending: write the highest pitch of a frame first (the soprano), not the lowest.
    Returns: str, without START and END.
    Raises: ValueError for a pitch outside 0 to 127 or an array of another shape.
    Source: Boulanger-Lewandowski et al. 2012 for pitches per time step as a benchmark. Notebook: 01.
    """
    roll = as_roll(frames)
    times, pitches = np.nonzero(roll)
    if descending:
        order = np.lexsort((-pitches, times))
        times, pitches = times[order], pitches[order]
    struck = (roll[times, pitches] == 1) & onsets
    words = [""] * len(roll)
    for time, pitch, is_struck in zip(times.tolist(), pitches.tolist(), struck.tolist()):
        words[time] += STRUCK[pitch] if is_struck else SOUNDING[pitch]
    return "".join(word + FRAME_END for word in words)


def decode(text, return_mended=False):
    """Read any text as a piano roll; both alphabets, in any order of characters.

    A plain character holds its pitch from the frame before, or attacks it if it was silent. Any text becomes a roll:
    unknown characters are skipped, a repeated pitch counts once, a last frame without its space is ended, a held note
    that was never struck is struck, and nothing after END is read.

    Args: text: str. return_mended: also return what had to be corrected.
    Returns: roll uint8 (frames, 128); with return_mended also a dict from fault to count, empty for a well-formed text.
    Notebook: 01, "A chorale as a string".
    """
    mended = Counter()
    text, end, tail = text.removeprefix(START).partition(END)
    mended["characters after the end"] += len(tail)
    strict = bool(end) or not set(STRUCK).isdisjoint(text)  # in the onset alphabet a note is struck before it is held
    words = text.split(FRAME_END)
    if words[-1]:
        mended["last frame not closed"] += 1
    else:
        words.pop()
    roll = np.zeros((len(words), midi.NUM_PITCHES), np.uint8)
    for time, word in enumerate(words):
        for character in word:
            if character not in _PITCH:
                mended["unknown characters"] += 1
                continue
            pitch, struck = _PITCH[character]
            sounds_on = time > 0 and roll[time - 1, pitch] != 0
            mended["pitch written twice in a frame"] += int(roll[time, pitch] != 0)
            mended["held note never struck"] += int(strict and not struck and not sounds_on)
            roll[time, pitch] = 2 if sounds_on and not struck and roll[time, pitch] != 1 else 1
    return (roll, {fault: count for fault, count in mended.items() if count}) if return_mended else roll


def as_roll(frames):
    """Turn lists of MIDI pitches into a roll; a roll passes unchanged.

    Args: frames: roll (frames, 128) or a sequence with one sequence of MIDI pitches for each frame.
    Returns: roll uint8 (frames, 128).
    Raises: ValueError for a pitch outside 0 to 127, or an array that is not a roll.
    """
    if isinstance(frames, np.ndarray) and frames.ndim == 2:
        if frames.shape[1] != midi.NUM_PITCHES:
            raise ValueError(f"a roll has {midi.NUM_PITCHES} columns, this one has shape {frames.shape}: build it with "
                             "midi.notes_to_roll, or pass lists of MIDI pitches")
        return frames
    sounding = np.zeros((len(frames), midi.NUM_PITCHES), bool)
    for time, pitches in enumerate(frames):
        for pitch in pitches:
            if int(pitch) != pitch or not 0 <= pitch < midi.NUM_PITCHES:
                raise ValueError(f"frame {time} holds pitch {pitch}: MIDI pitches are whole numbers from 0 to 127")
            sounding[time, int(pitch)] = True
    held = sounding & np.roll(sounding, 1, axis=0)
    held[:1] = False
    return sounding.astype(np.uint8) + held


def tokens(text, alphabet):
    """Number the characters of a text.

    Args: text: str. alphabet: what `vocab` returned.
    Returns: int32 (characters,), each below len(alphabet).
    Raises: ValueError for a character outside the alphabet.
    """
    index = {character: i for i, character in enumerate(alphabet)}
    try:
        return np.array([index[character] for character in text], np.int32)
    except KeyError as error:
        raise ValueError(f"character {error} is not in this alphabet of {len(alphabet)}: "
                         "take vocab(onsets=True) for text with onsets") from None


def characters(numbers, alphabet):
    """Write tokens as text, the inverse of `tokens`."""
    return "".join(alphabet[number] for number in np.asarray(numbers).ravel())


def pitches(numbers):
    """Give the MIDI pitch of each token: int array of the same shape, -1 for a space, START, END and padding."""
    numbers = np.asarray(numbers)
    is_pitch = (numbers >= HELD_TOKENS.start) & (numbers < STRUCK_TOKENS.stop)
    return np.where(is_pitch, (numbers - HELD_TOKENS.start) % midi.NUM_PITCHES, -1)


def frame_tokens(frames, onsets=False, descending=False):
    """Cut the tokens of `encode` into frames, one row each: the same string for a network that works frame by frame.

    Args: as `encode`.
    Returns: int16 (frames, slots), each row the tokens of a frame, FRAME_END included, then -1; there are as many slots
        as the longest frame needs.
    Raises: as `encode`.
    Notebook: 02, "Two clocks".
    """
    numbers = tokens(encode(frames, onsets, descending), vocab(onsets))
    ends = np.flatnonzero(numbers == SPACE_TOKEN) + 1
    lengths = np.diff(ends, prepend=0)
    rows = np.full((len(ends), lengths.max(initial=1)), NO_TOKEN, np.int16)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = numbers
    return rows
