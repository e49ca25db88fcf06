"""A score -> a performance, by rules: fermatas, breaths, louder and slower parts of phrases, accents, an early melody.

Each rule is small and fixed; `depth` scales all of them. They follow the rules of KTH Stockholm (Friberg, Bresin and
Sundberg 2006, Overview of the KTH rule system for musical performance); phrase arcs follow Todd 1992 (The dynamics of
dynamics), the last ritardando Friberg and Sundberg 1999, the early melody Goebl 2001.
"""

from typing import NamedTuple

import numpy as np

from utils.music import grid, midi, voices

CHORALE_TEMPO = 84.0  # quarter notes per minute
CLOCK_STEP = 1 / 8  # quarter notes between two points of the tempo curve
HELD_LONGER = 0.5  # extra length of a note with a fermata, as a share of its length
BREATH_SECONDS = 0.22  # of silence after a fermata
ARC_TEMPO, ARC_VELOCITY = 0.06, 12  # how much slower and softer a phrase is at its ends than in its middle
SLOWING, SLOWING_QUARTERS = 0.12, 2  # towards the last note of a phrase
LAST_SLOWING, LAST_QUARTERS = 0.5, 6  # towards the last note of a piece
ACCENTS = np.array([-3, -1, 1, 3, 5])  # velocity by `grid.strengths`
BALANCE = np.array([7, -6, 0])  # velocity of the top voice, the inner voices and the bass
LEAD_SECONDS, SPREAD_SECONDS = 0.012, 0.004  # delay of the other voices after the melody, and spread among them
DETACHED, DETACHED_SECONDS = 0.2, 0.08  # gap before a repeated note: share of the note, and most seconds
SOFTEST, LOUDEST, SHORTEST_SECONDS = 35, 112, 0.03
DEEPEST = 2


class Performance(NamedTuple):
    """notes: midi.NOTE (notes,) in the given order, start and end in SECONDS, with velocities. file: bytes, the same
    performance as a MIDI file with a tempo map. clock: quarters and the seconds at which they are played, float
    (moments,) each.
    """

    notes: np.ndarray
    file: bytes
    clock: tuple


def perform(notes, depth=1.0, metre=(4, 4), upbeat=0.0, fermatas=(), tempo=midi.TEMPO, seed=0, meta=midi.NO_META):
    """Perform a score by rule.

    Args: notes: midi.NOTE (notes,), quarter notes, parts from the top down; a single part is dealt to voices. depth: 0
        (as written, all notes equally loud) to 2. metre: (numerator, denominator). upbeat: quarters before the first
        barline. fermatas: quarters on which the last note of a phrase begins. tempo: quarter notes per minute. seed:
        int, of the asynchrony. meta: midi.Meta for the file; its tempos are replaced by the performed ones.
    Returns: Performance.
    Raises: ValueError if there are no notes, and for an impossible depth or tempo.
    Notebook: 03, "A performance".
    """
    notes = midi.checked(notes)
    if not len(notes):
        raise ValueError("There are no notes: the piece is silent. Generate again, or choose another.")
    if not (0 <= depth <= DEEPEST and 0 < tempo < np.inf):
        raise ValueError(f"depth {depth}, tempo {tempo}: give a depth of 0 to {DEEPEST}, and quarter notes per minute")
    part = _parts(notes)
    phrases = _phrases(notes[part == 0], float(notes["end"].max()), fermatas)
    clock = _clock(phrases, depth, tempo)
    played = notes.copy()
    if depth == 0:
        played["start"], played["end"] = notes["start"] * 60 / tempo, notes["end"] * 60 / tempo
    else:
        played["start"], played["end"] = np.interp(notes["start"], *clock), np.interp(notes["end"], *clock)
        _articulate(notes, played, part, phrases, depth, seed)
    place = np.rint((notes["start"] - upbeat) * midi.STEPS_PER_QUARTER).astype(int)
    strength = grid.strengths(*metre)
    loud = ACCENTS[strength[place % len(strength)]] + BALANCE[part]
    loud = loud + ARC_VELOCITY * (1 / 3 - _arc(notes["start"], phrases))
    played["velocity"] = np.clip(np.rint(midi.VELOCITY + depth * loud), SOFTEST, LOUDEST) if depth else midi.VELOCITY
    return Performance(played, _file(played, clock, meta), clock)


def facts(piece):
    """What `perform` uses of a piece: piece.Piece -> dict with metre, upbeat and fermatas, in quarter notes."""
    return {"metre": piece.metre, "upbeat": piece.upbeat / midi.STEPS_PER_QUARTER,
            "fermatas": (piece.fermatas / midi.STEPS_PER_QUARTER).tolist()}


def _parts(notes):
    """The role of each note: 0 the top voice, 1 an inner voice, 2 the bass."""
    part = notes["part"] if len(np.unique(notes["part"])) > 1 else voices.deal(notes)["part"]
    return np.where(part == part.min(), 0, np.where(part == part.max(), 2, 1))


def _phrases(top, end, fermatas):
    """(start, last note's start, end, whether it is held) of each phrase, quarters: float (phrases, 4)."""
    rows, start = [], 0.0
    for at in sorted(fermatas):
        under = top[(top["start"] <= at + 1e-6) & (top["end"] > at + 1e-6)]
        if len(under) and under["end"][-1] > start:
            rows.append((start, float(under["start"][-1]), float(under["end"][-1]), 1))
            start = rows[-1][2]
    if start < end - 1e-6:
        rows.append((start, max(start, float(top["start"].max(initial=0))), end, 0))
    return np.array(rows)


def _arc(quarters, phrases):
    """How near each moment is to the ends of its phrase: 0 in the middle, 1 at both ends."""
    number = np.clip(np.searchsorted(phrases[:, 2], quarters, "right"), 0, len(phrases) - 1)
    start, end = phrases[number, 0], phrases[number, 2]
    return (2 * np.clip((quarters - start) / (end - start), 0, 1) - 1) ** 2


def _clock(phrases, depth, tempo):
    """When each moment of the score is played: quarters and seconds, float (moments,) each, both from 0."""
    end = phrases[-1, 2]
    edges = np.append(np.arange(0, end, CLOCK_STEP), end)
    middle = (edges[:-1] + edges[1:]) / 2
    slow = 1 + depth * ARC_TEMPO * (_arc(middle, phrases) - 1 / 3)
    for _, last, stop, held in phrases:
        near = (middle > last - SLOWING_QUARTERS) & (middle < stop)
        slow[near] *= 1 + depth * SLOWING * np.minimum((middle[near] - last) / SLOWING_QUARTERS + 1, 1)
        slow[(middle > last) & (middle < stop)] *= 1 + depth * HELD_LONGER * held
    last, held = phrases[-1, [1, 3]]  # before the last note, and on it if it has no fermata
    slow *= 1 + depth * LAST_SLOWING * np.clip((middle - last) / LAST_QUARTERS + 1, 0, 1 - held * (middle > last)) ** 2
    lengths = np.diff(edges) * 60 / tempo * slow
    for _, _, stop, held in phrases[:-1]:  # the breath is a part of the last step, whose notes are shortened
        lengths[np.searchsorted(edges, stop - 1e-6) - 1] += depth * BREATH_SECONDS * held
    return edges, np.insert(np.cumsum(lengths), 0, 0)


def _articulate(notes, played, part, phrases, depth, seed):
    """Breathe after fermatas, detach repeated notes, play the melody early: changes `played`."""
    for _, _, stop, held in phrases[:-1]:
        played["end"][np.abs(notes["end"] - stop) < 1e-6] -= depth * BREATH_SECONDS * held
    for name in np.unique(notes["part"]):
        mine = np.flatnonzero(notes["part"] == name)
        mine = mine[np.lexsort((notes["start"][mine], notes["pitch"][mine]))]
        again = ((notes["pitch"][mine][1:] == notes["pitch"][mine][:-1])
                 & (np.abs(notes["start"][mine][1:] - notes["end"][mine][:-1]) < 1e-6))
        length = (played["end"] - played["start"])[mine][:-1]
        played["end"][mine[:-1][again]] -= depth * np.minimum(DETACHED * length, DETACHED_SECONDS)[again]
    late = LEAD_SECONDS + np.random.default_rng(seed).uniform(0, SPREAD_SECONDS, len(notes))
    played["start"] += depth * np.where(part == 0, 0, late)
    played["end"] = np.maximum(played["end"], played["start"] + SHORTEST_SECONDS)


def _file(played, clock, meta):
    """The MIDI file: a tempo for each step of the clock, and the notes at their places on it."""
    quarters, seconds = clock
    tempos = 60 * np.diff(quarters) / np.diff(seconds)
    new = np.insert(np.abs(np.diff(tempos)) > 1e-9 * tempos[1:], 0, True)
    written = played.copy()
    beyond = lambda times: np.maximum(0, times - seconds[-1]) * tempos[-1] / 60  # the last notes may end late
    for edge in ("start", "end"):
        written[edge] = np.interp(played[edge], seconds, quarters) + beyond(played[edge])
    pairs = zip(quarters[:-1][new].tolist(), tempos[new].tolist())
    return midi.notes_to_midi(written, meta=meta._replace(tempos=tuple(pairs)))
