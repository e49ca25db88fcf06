"""Notes -> the grid -> columns with one note at a time: those of one part by overlap, others dealt to four by rank."""

from bisect import bisect_left, bisect_right
from itertools import groupby
from math import floor

import numpy as np

from utils.music import midi

CENTRES = (71, 65, 58, 50)  # near the mean pitches of soprano, alto, tenor and bass in the chorales
CHORD = 3  # notes at once: with this many or more, the highest is the melody
HANDFUL = 12  # notes of one part at once: with more, nobody hears separate lines
CROSSING = 1_000  # cost of crossing a held note, in semitones: more than any leap
BESIDE = 300  # cost of leaving too few columns for the notes above or below
MELODY = 4_000  # cost of taking the top voice for a note below a melody
UNUSED = 12  # cost of opening a column, or of coming back to a silent one


def on_grid(notes, steps_per_quarter=midi.STEPS_PER_QUARTER):
    """Bring the notes of one part onto the grid, without overlaps that come only from rounding.

    Start and end are rounded to the nearest frame, halves up, and a note keeps at least one frame. If a note ends
    before the next begins, but not on the grid, it is shortened. If nothing of it would be left, it merges with a note
    of its own pitch, or moves one frame earlier (a grace note), or stays where it is, as in a chord.

    Args: notes: midi.NOTE (notes,) in any order. steps_per_quarter: frames in a quarter note, int from 1.
    Returns: list of (start, end, pitch, index of the note), frames and pitches as ints, sorted by start, high before
        low; a note that was merged into another is missing.
    Notebook: 01, "One chorale, three ways".
    """
    onset, release = ((notes[edge] * steps_per_quarter).tolist() for edge in ("start", "end"))
    start = [floor(time + 0.5) for time in onset]
    end = [max(floor(time + 0.5), first + 1) for time, first in zip(release, start)]
    pitch, merged, recent = notes["pitch"].tolist(), set(), []

    def is_chord(old, new):
        shared = min(release[old], release[new]) - onset[new]
        shorter = min(1, release[old] - onset[old], release[new] - onset[new])
        return onset[old] == onset[new] or shared > 0 and 2 * shared >= shorter

    def advance(note):  # move a note shorter than a frame, and such notes before it, one frame earlier if there is room
        line = [old for old in recent if old != note and end[old] >= start[note] and not is_chord(old, note)]
        if start[note] >= max(onset[note], 1) and release[note] - onset[note] < 1 and all(
                start[old] < start[note] - 1 or start[old] < start[note] and advance(old) for old in line):
            start[note], end[note] = start[note] - 1, start[note]
            for old in line:
                end[old] = start[note]
            return True

    for new in sorted(range(len(notes)), key=lambda note: (onset[note], release[note])):
        recent = [old for old in recent if end[old] > start[new] - 2 and old not in merged]
        for old in recent:
            if end[old] > start[new] and not is_chord(old, new):
                if start[old] < start[new]:
                    end[old] = start[new]
                elif pitch[old] != pitch[new]:
                    advance(old)
                else:
                    merged.add(old)
                    end[new] = max(end[old], end[new])
        recent.append(new)
    rows = [(start[note], end[note], pitch[note], note) for note in range(len(notes)) if note not in merged]
    return sorted(rows, key=lambda row: (row[0], -row[2], row[1]))


def assign(rows, known=True):
    """Give each note a column.

    For a known part there are as many columns as notes sound at once, the highest first; otherwise the four voices of
    `voices.deal`. The notes that begin on one frame are placed together and do not cross. The costs that decide are in
    semitones.

    Args: rows: as `on_grid` returns them. known: whether the notes belong to one known part.
    Returns: list of int, the column of each row.
    Notebook: 01, "One chorale, three ways".
    """
    if known and most_at_once([row[:2] for row in rows]) > HANDFUL:
        return _first_free(rows)
    above, below, crowd = _ranks(rows)
    width = max(crowd, default=0) if known else len(CENTRES)
    last = {} if known else {place: (0, 0, centre) for place, centre in enumerate(CENTRES)}  # column -> its last row
    columns = [0] * len(rows)

    def cost(row, column):
        start, _, pitch = rows[row][:3]
        _, end, before = last[column][:3] if column in last else (0, 0, None)
        near = UNUSED + column if before is None else abs(pitch - before) + min(start - end, UNUSED) + column / width
        crossed = sum((pitch - held[2]) * (column - place) > 0 for place, held in last.items()
                      if held[1] > start and place < width)
        outside = max(0, above[row] - column, column - (width - 1 - below[row]))
        hidden = not known and crowd[row] >= CHORD and not above[row] and column > 0
        return near + CROSSING * crossed + BESIDE * outside + MELODY * hidden

    for start, group in groupby(range(len(rows)), key=lambda row: rows[row][0]):
        group = list(group)
        free = [column for column in range(width) if column not in last or last[column][1] <= start]
        extra = [group.pop((len(group) - 1) // 2) for _ in range(len(group) - len(free))]
        places = _in_order([[cost(row, column) for column in free] for row in group])
        chosen = {row: free[place] for row, place in zip(group, places)}
        for row in extra:
            spare = [column for column in last if column >= width and last[column][1] <= start]
            near = lambda column: abs(rows[row][2] - last[column][2])
            chosen[row] = min(spare, key=near, default=max(width, len(last)))
            last[chosen[row]] = rows[row]
        for row, column in chosen.items():
            columns[row], last[column] = column, rows[row]
    return columns


def most_at_once(spans):
    """Count the most notes that sound together: spans, int (notes, 2) of first frame and frame after the last."""
    start, end = np.reshape(np.array(spans, int), (-1, 2)).T
    edges = np.zeros(end.max(initial=0) + 1, int)
    np.add.at(edges, start, 1)
    np.add.at(edges, end, -1)
    return int(edges.cumsum().max())


def _first_free(rows):
    """Give each note the first free column: the only fast way for very many notes at once."""
    ends, columns = [], []  # ends: end of the last note in each column
    for start, end, *_ in rows:
        column = next((column for column, last in enumerate(ends) if last <= start), len(ends))
        ends[column:column + 1] = [end]
        columns.append(column)
    return columns


def _ranks(rows):
    """For each note, while it sounds: the largest number of notes above it, below it, and in all."""
    above, below, crowd = [0] * len(rows), [0] * len(rows), [0] * len(rows)
    starting = {start: list(group) for start, group in groupby(range(len(rows)), key=lambda row: rows[row][0])}
    sounding = []
    for now in sorted({edge for row in rows for edge in row[:2]}):
        sounding = [row for row in sounding if rows[row][1] > now] + starting.get(now, [])
        heights = sorted(rows[row][2] for row in sounding)
        for row in sounding:
            above[row] = max(above[row], len(heights) - bisect_right(heights, rows[row][2]))
            below[row] = max(below[row], bisect_left(heights, rows[row][2]))
            crowd[row] = max(crowd[row], len(heights))
    return above, below, crowd


def _in_order(costs):
    """Choose a column for each row of costs, from left to right, with the smallest total cost."""
    best, chosen = [[0.0] * (len(costs[0]) + 1 if costs else 1)], []
    for row in costs:
        sums = [float("inf")]
        for column, cost in enumerate(row):
            sums.append(min(sums[-1], best[-1][column] + cost))
        best.append(sums)
    column = len(best[0]) - 1
    for sums in best[:0:-1]:
        while sums[column - 1] == sums[column]:
            column -= 1
        column -= 1
        chosen.append(column)
    return chosen[::-1]
