import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.music import lines, midi


def make_notes(*rows):
    """Rows of (start, end, pitch) in sixteenths."""
    return np.array([(start / 4, end / 4, pitch, midi.VELOCITY, 0) for start, end, pitch in rows], midi.NOTE)


notes = st.lists(st.tuples(st.floats(0, 30), st.floats(0, 9), st.integers(40, 60)), min_size=1, max_size=25).map(
    lambda rows: make_notes(*((start, start + steps, pitch) for start, steps, pitch in rows)))


@settings(max_examples=60, deadline=None)
@given(notes)
def test_every_note_is_on_the_grid_or_merged_with_one_of_its_pitch(notes):
    rows = lines.on_grid(notes)
    assert rows == sorted(rows, key=lambda row: (row[0], -row[2]))
    for start, end, pitch, index in rows:
        assert end > start >= 0 and pitch == notes["pitch"][index]
        assert abs(start - 4 * notes["start"][index]) <= 1
    kept = {row[-1] for row in rows}
    for index in set(range(len(notes))) - kept:
        first, last = 4 * notes["start"][index], 4 * notes["end"][index]
        assert any(pitch == notes["pitch"][index] and start <= last + 1 and end > first - 1
                   for start, end, pitch, _ in rows)


@settings(max_examples=60, deadline=None)
@given(notes, st.booleans())
def test_a_column_has_one_note_at_a_time(notes, known):
    rows = lines.on_grid(notes)
    columns = lines.assign(rows, known)
    frames = range(max(row[1] for row in rows))
    most = max(sum(start <= frame < end for start, end, *_ in rows) for frame in frames)
    for frame in frames:
        now = [column for row, column in zip(rows, columns) if row[0] <= frame < row[1]]
        assert len(now) == len(set(now))
    assert max(columns) < (most if known else max(most, len(lines.CENTRES)))


@pytest.mark.parametrize("rows, columns", [
    ([(0, 4, 72), (0, 4, 60)], [0, 1]),
    ([(0, 4, 60), (4, 8, 72), (4, 8, 61)], [0, 0, 1]),  # two columns: a line alone starts on top
    ([(0, 8, 60), (2, 4, 72)], [1, 0]),  # what will be below is already below
    ([(0, 8, 60), (2, 4, 48)], [0, 1])])
def test_columns_by_hand(rows, columns):
    assert lines.assign(lines.on_grid(make_notes(*rows))) == columns


def test_nothing_to_assign():
    assert lines.on_grid(make_notes()) == [] == lines.assign([]) == lines.assign([], known=False)
