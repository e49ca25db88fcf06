"""Chords, cadences and parallels of four named voices, as a teacher would mark them."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from utils.music import grid, voices, windows

NUMERALS = "I bII II bIII III IV #IV V bVI VI bVII VII".split()  # roots above the tonic of a major key
QUALITIES = {(0, 4, 7): "", (0, 3, 7): "m", (0, 4, 7, 10): "7", (0, 4, 10): "7", (0, 3, 7, 10): "m7",
             (0, 4, 7, 11): "maj7", (0, 3, 6, 10): "ø7", (0, 3, 6, 9): "o7", (0, 3, 6): "o", (0, 4): "", (0, 3): "m"}
NO_CHORD = "?"
BEFORE = 4  # frames before the last note of a phrase that may hold the chord before it


class Cadence(NamedTuple):
    """How a phrase ends. frame: of its last note. bar: its number. chord: such as "V", "IVm" or "V7/VII"; after the
    slash is the bass, if it is not the root. kind: str. at_rest: whether it is a major or minor triad over its root;
    the fifth may be missing.
    """

    frame: int
    bar: int
    chord: str
    kind: str
    at_rest: bool


class Parallel(NamedTuple):
    """Two voices that move in the same direction from one fifth, octave or unison to another. upper, lower: 0 soprano
    to 3 bass. frame, bar: of the second interval.
    """

    frame: int
    bar: int
    upper: int
    lower: int
    interval: str


def tonic(read):
    """The pitch class of a piece's tonic."""
    return (9 * (read.mode == "minor") - read.semitones) % 12


def closes(read):
    """Whether the last lowest note of a piece is its tonic; a silent piece does not close."""
    pitch = voices.pitches(read.voices)
    sounding = pitch[(pitch >= 0).any(axis=1)]
    return bool(len(sounding)) and int(sounding[-1][sounding[-1] >= 0].min()) % 12 == tonic(read)


def cadences(read):
    """Name the chord on which each phrase ends, and the kind of cadence.

    Args: read: piece.Piece of four voices. Returns: list of Cadence, one for each fermata. Degrees count from the tonic
        of the major key.
    Notebook: 06, "Three attempts".
    """
    pitch, found, home = voices.pitches(read.voices), [], tonic(read)
    degree = lambda each: None if each is None else (each - home) % 12
    for frame in read.fermatas[read.fermatas < len(pitch)].tolist():
        root, quality, bass = chord(pitch[settled(read.voices, frame)])
        before = [chord(pitch[at])[0] for at in range(frame - 1, max(frame - 1 - BEFORE, -1), -1)]
        last = next((each for each in before if each is not None), None)
        name = NO_CHORD
        if root is not None:
            name = NUMERALS[degree(root)] + quality + ("" if bass == root else f"/{NUMERALS[degree(bass)]}")
        found.append(Cadence(frame, grid.bar_number(frame, read.upbeat, read.bar_frames), name,
                             _kind(degree(last), degree(root), bass == root),
                             root is not None and bass == root and quality in ("", "m")))
    return found


def settled(cells, frame):
    """The last frame of the highest voice's note on `frame`: by then suspensions are resolved."""
    voice = int(np.argmax(cells[frame] >= 0))
    after = np.flatnonzero(cells[frame + 1:, voice] < voices.HELD)
    return frame + int(after[0]) if len(after) else len(cells) - 1


def chord(pitch):
    """Name a chord: int (voices,), -1 for silence -> root, quality as in QUALITIES, bass; pitch classes, None for none.

    The bass is tried as root first, then the other pitches from low to high.
    """
    sounding = pitch[pitch >= 0].astype(int)
    if not len(sounding):
        return None, "", None
    bass = int(sounding.min()) % 12
    for root in (bass, *(int(each) % 12 for each in np.sort(sounding))):
        quality = QUALITIES.get(tuple(sorted({int((each - root) % 12) for each in sounding})))
        if quality is not None:
            return root, quality, bass
    return None, "", bass


def _kind(before, root, on_root):
    """Name a cadence by the degrees of its last two chords."""
    if root is None:
        return "open"
    if root == 7:
        return "half"
    if root == 0 and not on_root:
        return "on the tonic, inverted"
    if root == 0:
        return {7: "authentic", 11: "authentic", 5: "plagal"}.get(before, "on the tonic")
    if before == 7 and root in (8, 9):
        return "deceptive"
    return f"authentic, on {NUMERALS[root]}" if before is not None and (before - root) % 12 == 7 and on_root else "open"


def parallels(read):
    """List parallel fifths, octaves and unisons between named voices.

    Args: read: anything with voices, int (frames, voices), upbeat and bar_frames. Returns: list of Parallel.
    Source: Huron 2001, Tone and Voice. Notebook: 06, "Three attempts".
    """
    pitch, found = voices.pitches(read.voices).astype(int), []
    move = np.where((pitch[1:] >= 0) & (pitch[:-1] >= 0), np.diff(pitch, axis=0), 0)
    for upper, lower in combinations(range(pitch.shape[1]), 2):
        between = np.abs(pitch[:, upper] - pitch[:, lower]) % 12  # voices may cross
        same = np.sign(move[:, upper]) * np.sign(move[:, lower]) > 0
        there = same & np.isin(between[1:], windows.PERFECT) & (between[1:] == between[:-1])
        for frame in (np.flatnonzero(there) + 1).tolist():
            bar = grid.bar_number(frame, read.upbeat, read.bar_frames)
            found.append(Parallel(frame, bar, upper, lower, "fifths" if between[frame] == 7 else "octaves"))
    return sorted(found)
