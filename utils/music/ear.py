"""Find what a musician hears in a tune: its key, its metre and upbeat, and where its phrases end.

The weights were learned from the sopranos of the training pieces and are in data/ear.json:
`learn(lessons(data.pieces("train")))`.
"""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.music import grid, keys, voices

LEARNED = Path(__file__).resolve().parents[2] / "data" / "ear.json"
LONGEST = 40  # beats: longer phrases count as this long
TRUST, MORE = 0.7, 1.5  # weight of phrase lengths, and bonus per phrase end: best on the training sopranos
HEARD_METRES = ((4, 4), (3, 4), (6, 8))  # the metres that it can hear
UPBEAT_STEP = 2  # frames: upbeats are multiples of an eighth
LISTEN = 400  # frames that are enough to find the metre
# The features: of each of the 24 keys, of each metre with each upbeat, and of each note as the end of a phrase.
OF_KEY = ("agreement with its profile", "the last note is its tonic", "its third", "its fifth", "the first note is its "
          "tonic", "its third", "its fifth", "it is major")
OF_METRE = ("time on the downbeat", "in the middle of the bar", "on a beat", "on half a beat", "and notes there, too",
            "", "", "", "notes across a barline", "the last note on the downbeat", "in the middle of the bar",
            "there is an upbeat", "of a quarter", "bars of three quarters", "strength of long notes",
            "rhythms return after a bar", "after two", "after four")
OF_END = ("always", "beats until the next note", "the same over the four notes before", "a rest follows",
          "the last note", "on a beat", "the next note is where the tune begins in its bar", "on the downbeat",
          "in the middle of the bar", "a leap follows", "reached by step")


class Line(NamedTuple):
    """A line of notes: start, end (frames), pitch: int arrays (notes,); num_frames: where the music ends."""

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    num_frames: int


def line(cells):
    """Read one voice: int (frames,), cells as `voices` writes them -> Line.

    Raises: ValueError if there is no note.
    """
    start = np.flatnonzero((cells >= 0) & (cells < voices.HELD))
    if not len(start):
        raise ValueError("there is no note in this tune: choose a file or a part with notes")
    silent = np.flatnonzero(np.append(cells, voices.REST) < 0)
    after = np.append(start[1:], len(cells))
    end = np.minimum(after, silent[np.searchsorted(silent, start)])
    return Line(start, end, cells[start].astype(int), len(cells))


@cache
def load():
    """Read the learned weights: dict from "key", "metre" and "end" to weights, and "lengths" to log-probabilities."""
    return {name: np.array(values) for name, values in json.loads(LEARNED.read_text(encoding="utf-8")).items()}


# ---------------------------------------------------------------------------------------------- key


def key(tune, learned, sharps=None):
    """Find the key, from the time that each pitch class sounds and, above all, from the end of the tune.

    Args: tune: Line. learned: from `load`. sharps: of the signature in the file, which counts as much as a last note on
        the tonic; None if there is none, or an empty one, which programs write by default.
    Returns: (tonic, mode): pitch class 0 to 11, and "major" or "minor".
    Notebook: 06, "A tune".
    """
    odds = key_features(tune) @ learned["key"]
    if sharps is not None:
        odds[[tonic + 12 * keys.KEY_MODES.index(mode) for tonic, mode in keys.signed(sharps)]] += learned["key"][1]
    return int(odds.argmax()) % 12, keys.KEY_MODES[int(odds.argmax()) // 12]


def key_features(tune):
    """Compute the features of a tune for each key, twelve major and twelve minor: float (24, OF_KEY)."""
    sounding = np.bincount(tune.pitch % 12, tune.end - tune.start, minlength=12)
    agreement = keys.agreement(sounding).ravel() / (12 * max(sounding.std(), 1e-9))
    major = np.arange(24) < 12
    degrees = [(note - np.arange(24)) % 12 for note in (tune.pitch[-1], tune.pitch[0])]
    stands = [(degree == 0, degree == np.where(major, 4, 3), degree == 7) for degree in degrees]
    return np.stack([agreement, *stands[0], *stands[1], major], axis=1).astype(float)


# ---------------------------------------------------------------------------------------------- metre


def candidates(metres=HEARD_METRES):
    """List the ways to bar a tune: (metre, upbeat in frames)."""
    return [(metre, upbeat) for metre in metres for upbeat in range(0, metre[0] * 16 // metre[1], UPBEAT_STEP)]


def metre(tune, learned, metres=HEARD_METRES):
    """Find metre and upbeat, for a file that does not give them.

    Args: tune: Line that begins with its first note. learned: from `load`. metres: to choose among.
    Returns: ((numerator, denominator), upbeat in frames).
    Notebook: 06, "A tune".
    """
    ways = candidates(metres)
    return ways[int((metre_features(tune, metres) @ learned["metre"]).argmax())]


def metre_features(tune, metres=HEARD_METRES):
    """Compute the features of each way to bar a tune: float (ways, OF_METRE)."""
    few = tune.start < LISTEN
    start, end = tune.start[few], np.minimum(tune.end[few], LISTEN)
    length = np.minimum(np.diff(np.append(start, end[-1])), 8)
    share, long = length / length.sum(), length >= 6
    rhythm = np.zeros(min(tune.num_frames, LISTEN) + 1)
    rhythm[start] = length
    rhythm -= rhythm.mean()
    again = lambda lag: rhythm[lag:] @ rhythm[:-lag] / (rhythm @ rhythm) if lag < len(rhythm) else 0
    rows = []
    for (beats, unit), upbeat in candidates(metres):
        strength, bar = grid.strengths(beats, unit), beats * 16 // unit
        stands = strength[(start - upbeat) % bar]
        last = np.minimum(start + length, end) - 1
        across = (start - upbeat) // bar != (last - upbeat) // bar
        rows.append([*((share * (stands == each)).sum() for each in (4, 3, 2, 1)),
                     *((stands == each).mean() for each in (4, 3, 2, 1)), across.mean(), stands[-1] == 4,
                     stands[-1] == 3, upbeat > 0, upbeat == 4, (beats, unit) == (3, 4),
                     stands[long].mean() if long.any() else 2, *map(again, (bar, 2 * bar, 4 * bar))])
    return np.array(rows, float)


# ---------------------------------------------------------------------------------------------- phrases


def beat_frames(metre):
    """Frames of a beat, the unit of phrase lengths: three eighths in 6/8, otherwise a quarter."""
    return 6 if metre[1] == 8 and metre[0] % 3 == 0 and metre[0] > 3 else 4


def end_features(tune, upbeat, bar_frames, beat_frames):
    """Compute the features of each note as the end of a phrase: float (notes, OF_END)."""
    start, end, pitch = tune.start, tune.end, tune.pitch
    following = np.append(start[1:], tune.num_frames + beat_frames)
    length = following - start
    own = np.insert(np.cumsum(end - start), 0, 0)
    number = np.arange(len(start))
    first = np.maximum(number - 4, 0)
    before = np.where(number > 0, (own[number] - own[first]) / np.maximum(number - first, 1), beat_frames)
    step = np.append(np.diff(pitch), 0)
    place = (start - upbeat) % bar_frames
    found = [np.ones(len(start)), np.minimum(length / beat_frames, 4), np.minimum(length / np.maximum(before, 1), 4),
             following > end, number == len(start) - 1, place % beat_frames == 0,
             (following - start[0]) % bar_frames == 0, place == 0, place == bar_frames // 2, np.abs(step) > 4,
             np.isin(np.insert(np.diff(pitch), 0, 0), (-2, -1, 1))]
    return np.stack(found, axis=1).astype(float)


def phrase_ends(tune, upbeat, bar_frames, beat_frames, learned):
    """Find the last note of each phrase: the likeliest division of a tune, by its notes and the lengths of phrases.

    Args: tune: Line. upbeat, bar_frames, beat_frames: frames. learned: from `load`.
    Returns: int (phrases,), frames at which the last notes begin; the last note of the tune is always one.
    Notebook: 06, "A tune".
    """
    odds, lengths = end_features(tune, upbeat, bar_frames, beat_frames) @ learned["end"], learned["lengths"]
    after = np.append(tune.start[1:], tune.num_frames)
    usual = TRUST * lengths + MORE
    best, back = np.zeros(len(odds)), np.full(len(odds), -1)
    for last in range(len(odds)):
        beats = _beats(after[last] - np.append(tune.start[0], after[:last]), beat_frames)
        total = np.append(0, best[:last]) + usual[beats]
        total[last:] = -np.inf if last else 0  # a phrase has at least two notes
        choice = int(total.argmax())
        best[last], back[last] = odds[last] + total[choice], choice - 1
    chosen, note = [], len(odds) - 1
    while note >= 0:
        chosen.append(note)
        note = back[note]
    return tune.start[chosen[::-1]]


def _beats(frames, beat_frames):
    return np.minimum(np.rint(frames / beat_frames).astype(int), LONGEST)


# ---------------------------------------------------------------------------------------------- learning


def lessons(pieces):
    """Take the sopranos of pieces in four voices, with their known answers: list of (Line, (tonic, mode), (metre,
    upbeat), frames on which phrases end).
    """
    return [(line(read.voices[:, 0]), keys.closing(read.voices, read.semitones), (read.metre, read.upbeat),
             read.fermatas) for read in pieces if read.voices.shape[1] == 4]


def learn(tunes):
    """Learn the weights from tunes with known answers.

    Args: tunes: as `lessons`. Returns: dict, as `load`.
    """
    ways = candidates()
    barred = [(tune, ways.index(way)) for tune, _, way, _ in tunes if way in ways]
    x, y, lengths = [], [], []
    for tune, _, ((beats, unit), upbeat), marks in tunes:
        if len(marks):
            mine = np.array([((marks >= a) & (marks < b)).any() for a, b in zip(tune.start, tune.end)])
            beat = beat_frames((beats, unit))
            each = end_features(tune, upbeat, beats * 16 // unit, beat)
            x.append(np.stack([np.zeros_like(each), each], axis=1))
            y.append(mine)
            after = np.append(tune.start[1:], tune.num_frames)
            lengths.append(_beats(np.diff(np.append(tune.start[0], after[mine])), beat))
    counts = np.bincount(np.concatenate(lengths), minlength=LONGEST + 1) + 0.5
    return {"key": _weigh(np.stack([key_features(tune) for tune, *_ in tunes]),
                          np.array([tonic + 12 * keys.KEY_MODES.index(mode) for _, (tonic, mode), *_ in tunes])),
            "metre": _weigh(np.stack([metre_features(tune) for tune, _ in barred]), np.array([y for _, y in barred])),
            "end": _weigh(np.concatenate(x), np.concatenate(y).astype(int)),
            "lengths": np.log(counts / counts.sum())}


def _weigh(x, y, decay=1.0):
    """Find the weights that make the right choices likeliest: x (items, choices, features), y (items,)."""
    from scipy import optimize

    def surprise(weights):
        odds = x @ weights
        odds -= np.logaddexp.reduce(odds, axis=1, keepdims=True)
        found = x[np.arange(len(y)), y] - np.einsum("ik,ikf->if", np.exp(odds), x)
        return (decay / 2 * weights @ weights - odds[np.arange(len(y)), y].sum(), decay * weights - found.sum(axis=0))

    return optimize.minimize(surprise, np.zeros(x.shape[2]), jac=True).x
