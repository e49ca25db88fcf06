"""Where the barlines and the sixteenths are: upbeats, places in the bar, free performances, cleaned recordings."""

import numpy as np

from utils.music import midi

SIXTEENTH = 1 / midi.STEPS_PER_QUARTER
EXACT = 1e-6  # quarter notes: smaller differences are rounding errors
OFF = 1 / 8  # of a step: an onset farther from the grid is off the grid
GRIDS = (4, 6, 8)  # steps per quarter note in written music: sixteenths, triplets, thirty-seconds
PERFORMED = 0.6  # share of onsets off every grid: about 3/4 in free playing, 1/3 with a click
ON_TIME = 0.5  # how closely onsets must agree (1: exactly) before they are moved together
GATE = (0.6, 0.95)  # time to the release of a key, as a share of the time to the next note
EVEN = 0.06  # most by which these shares differ if all keys are released in the same way
GAP = 0.5  # quarter notes: a shorter silence is a release, if most notes have one
STRENGTHS = 5  # of a frame: off the beat, half a beat, beat, middle of the bar, beginning of the bar


# ---------------------------------------------------------------------------------------------- performances


def phase(start, steps=midi.STEPS_PER_QUARTER):
    """Find how late all onsets are on average, compared with a grid.

    Args: start: float (notes,), quarter notes. steps: of the grid, per quarter note.
    Returns: float, quarter notes, from minus half a step to half a step; 0.0 if the onsets do not agree.
    """
    mean = np.exp(2j * np.pi * steps * np.asarray(start)).mean()
    return float(np.angle(mean) / (2 * np.pi * steps)) if abs(mean) > ON_TIME else 0.0


def off_grid(notes):
    """Measure how far notes are from any grid: 0 for written music, about .75 for free playing.

    Args: notes: midi.NOTE (notes,), at least one.
    Returns: float, the share of onsets that are more than an eighth of a step away from the best grid; a step is a
        quarter, a sixth or an eighth of a quarter note. A late start that all onsets share does not count.
    Notebook: 01.
    """
    shares = []
    for steps in GRIDS:
        place = (notes["start"] - phase(notes["start"], steps)) * steps
        shares.append(np.mean(np.abs(place - np.rint(place)) > OFF))
    return float(min(shares))


def clean(notes):
    """Bring a recording with a click onto the grid: onsets to the nearest sixteenth, releases to the next note.

    If keys are released after about the same share of each note, every length is divided by that share. Then, or if
    most notes end with a gap, gaps under an eighth are closed. Notes of one part that were held over the next note stay
    held.

    Args: notes: midi.NOTE (notes,), at least one.
    Returns: notes: a copy in the same order; done: list of str, what was corrected.
    Notebook: 01.
    """
    notes, done = notes.copy(), []
    late = phase(notes["start"])
    if abs(late) > OFF * SIXTEENTH:
        done.append(f"all onsets moved by {-late:+.3f} quarter notes")
        notes["start"] = np.maximum(0, notes["start"] - late)
        notes["end"] = np.maximum(SIXTEENTH / 2, notes["end"] - late)
    following = _following(notes)
    followed = np.isfinite(following) & (notes["end"] <= following + SIXTEENTH / 2)
    lengths, room = (notes["end"] - notes["start"])[followed], (following - notes["start"])[followed]
    ends = notes["end"] * midi.STEPS_PER_QUARTER
    shares = lengths / room
    released = np.median(shares) if followed.any() else 1.0
    played = np.mean(np.abs(ends - np.rint(ends)) > OFF) > 0.25  # or all notes have the same share
    played |= bool(followed.any()) and np.mean(np.abs(shares - released) < EVEN) > 0.9 and np.ptp(np.rint(4 * room)) > 0
    gated = GATE[0] <= released < GATE[1] and played
    gaps = room - lengths
    if gated or followed.any() and np.mean((gaps > SIXTEENTH * OFF) & (gaps < GAP - SIXTEENTH * OFF)) > 0.5:
        start = np.rint(notes["start"] / SIXTEENTH) * SIXTEENTH
        end = start + (notes["end"] - notes["start"]) / (released if gated else 1.0)
        end = np.maximum(np.rint(end / SIXTEENTH), start / SIXTEENTH + 1) * SIXTEENTH
        following = np.rint(following / SIXTEENTH) * SIXTEENTH
        close = followed & (following - end < GAP)
        notes["start"], notes["end"] = start, np.where(close, np.maximum(following, start + SIXTEENTH), end)
        done.append(f"{int(close.sum())} early releases closed")
    return notes, done


def _following(notes):
    """For each note the next onset in its part, more than half a step later; infinite if there is none."""
    apart = 2 * midi.MAX_QUARTERS * notes["part"].astype(float)  # as if the parts were played one after the other
    onsets = np.sort(notes["start"] + apart)
    place = np.searchsorted(onsets, notes["start"] + apart + SIXTEENTH / 2, side="right")
    following = np.append(onsets, np.inf)[place] - apart
    return np.where(following <= midi.MAX_QUARTERS, following, np.inf)


# ---------------------------------------------------------------------------------------------- bars


def beginning(meta, first, end):
    """Find where a piece begins and how long its upbeat is, in any notation of an upbeat.

    Whole silent bars at the beginning are cut. If half or more of the first sounding bar is silent, the rest of it is
    an upbeat.

    Args: meta: midi.Meta. first: the first onset, quarter notes. end: of the piece, quarter notes.
    Returns: (start, upbeat), quarter notes: the part that is cut, and then the part before the first barline.
    Notebook: 01.
    """
    before, after = _parted(meta, first)
    metre = before[-1][1:] if before else midi.main_metre(meta, end)
    bar = 4 * metre[0] / metre[1]
    if not before and after and after[0][0] - first < bar:
        return first, after[0][0] - first
    now = before[-1][0] if before else 0.0
    now += (first - now + EXACT) // bar * bar  # the first barline, or the last barline before the music
    silent = first - now
    upbeat = midi.upbeat_quarters(midi.Meta(((0.0, *metre), *((mark[0] - now, *mark[1:]) for mark in after))))
    if upbeat or silent >= bar / 2:
        return first, (upbeat or bar) - silent
    return now, 0.0


def _parted(meta, moment):
    """The time signatures up to a moment and those after it."""
    before = [mark for mark in meta.time_signatures if mark[0] <= moment + EXACT]
    return before, list(meta.time_signatures[len(before):])


def bars(meta, start, upbeat, end):
    """List the bars of a piece from its first barline on, through all changes of metre.

    Args: meta: midi.Meta. start, upbeat: from `beginning`. end: of the piece, quarter notes, before the cut.
    Returns: int32 (bars, 3): frame of the barline, counted from the cut, numerator and denominator; at least one bar.
    Notebook: 01.
    """
    first = start + upbeat
    before, after = _parted(meta, first)
    now = (first, *(before[-1][1:] if before else midi.main_metre(meta, end)))
    marks = [now, *(mark for mark in after if mark[0] < end)]
    rows = []
    for (at, beats, unit), stop in zip(marks, [*(mark[0] for mark in marks[1:]), max(end, first + 2 * EXACT)]):
        for barline in np.arange(at, stop - EXACT, 4 * beats / unit):
            rows.append((round((barline - start) * midi.STEPS_PER_QUARTER), beats, unit))
    return np.array(rows, np.int32).reshape(-1, 3)


def beat_frames(beats, unit):
    """Frames of a beat in a metre: three eighths in 6/8, 9/8 and 12/8."""
    return 48 // unit if unit >= 8 and beats % 3 == 0 and beats > 3 else max(1, 16 // unit)


def strengths(beats, unit):
    """Give the strength of each sixteenth of a bar.

    Args: beats, unit: the metre. In 6/8, 9/8 and 12/8 a beat is three eighths; in 3/8 it is one.
    Returns: int (frames,), 4 at the beginning of the bar, 3 in the middle of a bar with an even number of beats, 2 on
        the other beats, 1 on the two or three parts of a beat, 0 elsewhere.
    Notebook: 01.
    """
    frames = round(beats * 16 / unit)
    beat = beat_frames(beats, unit)
    part = max(1, beat // 3 if beat % 3 == 0 else beat // 2)
    place = np.arange(max(frames, 1))
    strength = np.where(place % beat == 0, 2, np.where(place % part == 0, 1, 0))
    count = frames / beat
    strength[(place * 2 == frames) & (count % 2 == 0)] = 3
    strength[0] = STRENGTHS - 1
    return strength


def bar_number(frame, upbeat, bar_frames):
    """Give the bar number of one or more frames, in a piece of one metre: 1 is the first full bar, 0 the upbeat."""
    return (frame - upbeat) // bar_frames + 1


def place(bars, upbeat, num_frames):
    """Find the place of each frame of a piece in its bar.

    Args: bars: int (bars, 3), from `bars`. upbeat: frames before the first barline. num_frames: int.
    Returns: position, strength: int (num_frames,): frames since the barline, and strengths as in `strengths`.
    Raises: ValueError if there are no bars.
    Notebook: 01.
    """
    if not len(bars):
        raise ValueError("no bars: pass the bars of a piece, from grid.bars or Piece.bars")
    position, strength = np.zeros((2, num_frames), int)
    edges = [*bars[:, 0].tolist(), max(num_frames, int(bars[-1, 0]) + 1)]
    full = strengths(*bars[0, 1:])
    before = np.arange(-upbeat, 0) % len(full)
    position[:upbeat], strength[:upbeat] = before[:num_frames], full[before][:num_frames]
    for (frame, beats, unit), stop in zip(bars.tolist(), edges[1:]):
        known = strengths(beats, unit)
        inside = np.arange(max(0, min(stop, num_frames) - frame))
        position[frame:frame + len(inside)] = inside
        strength[frame:frame + len(inside)] = known[inside % len(known)]
    return position, strength
