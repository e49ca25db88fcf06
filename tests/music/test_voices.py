from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from utils.music import midi, voices

REST, HELD = voices.REST, voices.HELD
few = settings(max_examples=40, deadline=None)


def make_notes(*rows):
    """Rows of (start, end, pitch, part) in quarters."""
    return np.array([(start, end, pitch, midi.VELOCITY, part) for start, end, pitch, part in rows], midi.NOTE)


def in_steps(*rows):
    return make_notes(*((start / 4, end / 4, *rest) for start, end, *rest in rows))


def sorted_notes(notes):
    return notes[np.lexsort((notes["part"], notes["pitch"], notes["start"]))]


def most_at_once(notes):
    return int((midi_rows(notes) > 0).sum(axis=1).max(initial=0))


def midi_rows(notes):
    """(frames, notes): which of the notes sounds on which frame."""
    frames = np.arange(round(notes["end"].max(initial=0) * 4))[:, None] / 4
    return (notes["start"] <= frames) & (frames < notes["end"])


@st.composite
def lines(draw, max_parts=4):
    """Parts of one note at a time on the grid; each has a note."""
    rows = []
    for part in range(draw(st.integers(1, max_parts))):
        now = 0
        for rest, length, pitch in draw(st.lists(
                st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(0, 127)), min_size=1, max_size=8)):
            rows.append((now + rest, now + rest + length, pitch, part))
            now += rest + length
    return sorted_notes(in_steps(*rows))


@st.composite
def crowds(draw, max_parts=3):
    """Parts with any overlap, on the grid."""
    row = st.tuples(st.integers(0, 24), st.integers(1, 10), st.integers(36, 90), st.integers(0, max_parts - 1))
    return in_steps(*((start, start + steps, pitch, part)
                      for start, steps, pitch, part in draw(st.lists(row, min_size=1, max_size=25))))


cells_of_any_kind = st.tuples(st.integers(0, 12), st.integers(0, 4)).flatmap(lambda shape: st.lists(
    st.integers(-300, 600), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]).map(
        lambda values: np.array(values, np.int16).reshape(shape)))


# ---------------------------------------------------------------------------------------------- notes <-> cells


@few
@given(lines())
def test_parts_of_one_note_at_a_time_come_back_as_they_were(notes):
    cells, names = voices.from_notes(notes)
    assert cells.dtype == np.int16 and names == tuple(f"Part {part + 1}" for part in range(cells.shape[1]))
    assert np.array_equal(voices.to_notes(cells), notes)
    assert np.array_equal(voices.from_notes(voices.to_notes(cells))[0], cells)


@few
@given(cells_of_any_kind)
def test_every_array_is_music(cells):
    notes = voices.to_notes(cells)
    pitch, struck = voices.pitches(cells), voices.struck(cells)
    assert pitch.dtype == np.int16 and set(np.unique(pitch)) <= set(range(-1, 128))
    assert struck.sum() == len(notes) and not (struck & (pitch < 0)).any()
    roll = voices.to_roll(cells)
    drawn = midi.notes_to_roll(notes)
    assert roll.shape == (len(cells), 128) and roll.dtype == np.uint8
    assert np.array_equal(roll[:len(drawn)], drawn) and not roll[len(drawn):].any()
    again, _ = voices.from_notes(notes)
    assert np.array_equal(voices.to_notes(again)[["start", "end", "pitch"]], notes[["start", "end", "pitch"]])


def test_cells_by_hand():
    notes = in_steps((0, 3, 60, 0), (3, 4, 60, 0), (1, 3, 48, 2))
    cells, names = voices.from_notes(notes, ("Flute", "nobody", ""))
    assert names == ("Flute", "Part 3")
    assert cells.tolist() == [[60, REST], [60 + HELD, 48], [60 + HELD, 48 + HELD], [60, REST]]
    assert voices.pitches(cells).tolist() == [[60, -1], [60, 48], [60, 48], [60, -1]]
    assert voices.struck(cells).tolist() == [[True, False], [False, True], [False, False], [True, False]]


def test_a_held_cell_without_its_note_is_struck():
    cells = np.array([[60 + HELD], [62 + HELD], [62 + HELD], [REST], [62 + HELD], [999]])
    assert voices.struck(cells)[:, 0].tolist() == [True, True, False, False, True, False]
    assert voices.to_notes(cells, velocity=33).tolist() == [
        (0, 0.25, 60, 33, 0), (0.25, 0.75, 62, 33, 0), (1, 1.25, 62, 33, 0)]


def test_nothing_is_silence():
    cells, names = voices.from_notes(make_notes())
    assert cells.shape == (0, 0) and names == () and len(voices.to_notes(cells)) == 0


@pytest.mark.parametrize("cells", [np.zeros(4, int), np.zeros((4, 4)), np.zeros((4, 4), bool)])
def test_other_arrays_are_refused(cells):
    with pytest.raises(ValueError, match=r"give int16 \(frames, voices\)"):
        voices.to_notes(cells)


@pytest.mark.parametrize("row", [(np.nan, 1, 60, 0), (2, 1, 60, 0), (-1, 1, 60, 0), (0, 1, 128, 0), (0, 1, 60, -1)])
@pytest.mark.parametrize("function", [voices.from_notes, voices.deal])
def test_notes_out_of_range_are_refused(function, row):
    with pytest.raises(ValueError, match="1 of 1 notes are out of range.*keep 0 <= start"):
        function(make_notes(row))


@few
@given(lines(), st.integers(-12, 12))
def test_transposing_back_gives_the_same(notes, semitones):
    cells, _ = voices.from_notes(notes)
    moved = notes["pitch"].astype(int) + semitones
    if moved.min() < 0 or moved.max() > 127:
        with pytest.raises(ValueError, match="transpose by less"):
            voices.transpose(cells, semitones)
    else:
        assert np.array_equal(voices.to_notes(voices.transpose(cells, semitones))["pitch"].sum(), moved.sum())
        assert np.array_equal(voices.transpose(voices.transpose(cells, semitones), -semitones), cells)


# ---------------------------------------------------------------------------------------------- chords


@few
@given(crowds())
def test_no_note_is_dropped_and_no_column_is_for_nothing(notes):
    cells, names = voices.from_notes(notes, ("A", "B", "C"))
    place = 0
    for part, name in enumerate("ABC"):
        chosen = notes[notes["part"] == part]
        width = most_at_once(chosen)
        assert names[place:place + width] == tuple([name, *(f"{name} {n}" for n in range(2, width + 1))][:width])
        back = voices.to_notes(cells[:, place:place + width])
        assert Counter(back[["start", "end", "pitch"]].tolist()) == Counter(chosen[["start", "end", "pitch"]].tolist())
        place += width
    assert place == cells.shape[1]


@few
@given(st.lists(st.tuples(st.integers(1, 6), st.sets(st.integers(40, 80), min_size=1, max_size=4)), min_size=1))
def test_chords_are_split_the_highest_first(chords):
    """Chord after chord: no voice crosses another, and full chords fill all columns."""
    rows, now = [], 0
    for steps, pitches in chords:
        rows += [(now, now + steps, pitch, 0) for pitch in pitches]
        now += steps
    cells, _ = voices.from_notes(in_steps(*rows))
    for row in voices.pitches(cells):
        sounding = row[row >= 0]
        assert (np.diff(sounding) < 0).all()


def test_a_line_over_held_notes_stays_a_line():
    """A piano part: bass held, melody and inner voice move; a part beside it is not touched."""
    piano = [(0, 16, 48, 0), (0, 4, 64, 0), (0, 4, 72, 0), (4, 8, 74, 0), (8, 12, 76, 0), (8, 12, 67, 0),
             (12, 16, 77, 0)]
    cells, names = voices.from_notes(in_steps(*piano, (0, 16, 50, 1)), ("Piano", "Cello"))
    assert names == ("Piano", "Piano 2", "Piano 3", "Cello")
    assert voices.pitches(cells)[::4].T.tolist() == [
        [72, 74, 76, 77], [64, -1, 67, -1], [48] * 4, [50] * 4]


# ---------------------------------------------------------------------------------------------- the grid


@few
@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0.25, 2), st.integers(40, 80)), min_size=1, max_size=12))
def test_a_played_line_stays_one_column_with_all_its_notes(steps):
    """Notes of a sixteenth or more, one after another at any time: rounded as in a roll, at most cut short."""
    now, rows = 0, []
    for rest, length, pitch in steps:
        rows.append((now + rest, now + rest + length, pitch, 0))
        now += rest + length
    notes = make_notes(*rows)
    cells, names = voices.from_notes(notes)
    back = voices.to_notes(cells)
    assert names == ("Part 1",) and len(back) == len(notes)
    assert back["start"].tolist() == (np.floor(notes["start"] * 4 + 0.5) / 4).tolist()
    assert np.array_equal(midi.notes_to_roll(notes) == 1, voices.to_roll(cells)[:len(cells)] == 1)


@few
@given(crowds(), st.floats(0.01, 0.1))
def test_finger_legato_splits_nothing(notes, overlap):
    """Ends that hang over by less than half a step change nothing."""
    late = notes.copy()
    late["end"] += overlap
    assert np.array_equal(voices.from_notes(late)[0], voices.from_notes(notes)[0])


def test_notes_under_a_step():
    split = lambda *rows: [voices.to_notes(voices.from_notes(in_steps(*rows))[0])[["start", "pitch", "part"]].tolist()]
    quarter = lambda *rows: [[(start / 4, pitch, part) for start, pitch, part in rows]]
    # two grace notes before the beat take the end of the note before them
    assert split((0, 3, 71, 0), (3, 3.5, 73, 0), (3.5, 4, 74, 0), (4, 8, 71, 0)) == quarter(
        (0, 71, 0), (2, 73, 0), (3, 74, 0), (4, 71, 0))
    # of one pitch they merge; without room they are split, not dropped
    assert split((0, 0.4, 71, 0), (0.45, 4, 71, 0)) == quarter((0, 71, 0))
    assert split((0, 0.4, 71, 0), (0.45, 4, 72, 0)) == quarter((0, 71, 1), (0, 72, 0))
    # a fast chord is a chord
    assert split((0, 0.3, 71, 0), (0, 0.3, 75, 0)) == quarter((0, 71, 1), (0, 75, 0))


def test_a_finer_grid():
    notes = make_notes((0, 0.125, 60, 0), (0.125, 0.25, 62, 0))
    cells, _ = voices.from_notes(notes, steps_per_quarter=8)
    assert cells[:, 0].tolist() == [60, 62]
    assert np.array_equal(voices.to_notes(cells, steps_per_quarter=8), notes)


# ---------------------------------------------------------------------------------------------- which part is which


@pytest.mark.parametrize("names, found", [
    (["Soprano", "Alto", "Tenor", "Bass"], (0, 1, 2, 3)),
    (["S", "A", "T", "B"], (0, 1, 2, 3)),
    (["S.", "A.", "T.", "B."], (0, 1, 2, 3)),
    (["BASSUS", "T\u00e9nor", "altus", "cantus"], (3, 2, 1, 0)),
    (["Violin", "Discantus 1", "Discantus 2", "Alt", "Tenore", "Basso"], (1, 3, 4, 5)),
    (["Canto", "Alto Oboe 2", "Tenor", "B 1"], (0, 1, 2, 3)),
    (["Sopran Oboe 1", "Alto", "Tenor", "Bassoon"], None),
    (["Soprano", "Alto", "Bass"], None),
    (["Part 1", "Part 2", "Part 3", "Part 4"], None),
    (["", "1", "?", ""], None),
    ([], None),
])
def test_a_choir_is_known_by_its_names(names, found):
    assert voices.choir(names) == found


def test_the_order_of_parts():
    down = in_steps((0, 4, 72, 0), (0, 4, 60, 1), (0, 4, 65, 2), (0, 4, 48, 5))
    for music in (down, voices.from_notes(down)[0]):
        parts = [0, 1, 2, 5] if music.dtype.names else [0, 1, 2, 3]
        assert voices.order(music) == parts
    up = in_steps((0, 4, 48, 0), (0, 4, 65, 1), (0, 4, 60, 2), (0, 4, 72, 3))
    assert voices.order(up) == voices.order(voices.from_notes(up)[0]) == [3, 2, 1, 0]
    assert voices.order(up, ("Alto", "Soprano", "Bass", "Tenor")) == [1, 0, 3, 2]  # by name, whatever they sing
    five = in_steps(*((0, 4, 60, part) for part in range(5)))
    assert voices.order(five, ("Oboe", "B", "T", "A", "S")) == [0, 4, 3, 2, 1]
    assert voices.order(make_notes()) == [] == voices.order(np.zeros((0, 0), int))


# ---------------------------------------------------------------------------------------------- parts unknown


@few
@given(crowds(max_parts=1))
def test_dealing_changes_nothing_but_parts_and_each_voice_has_one_note_at_a_time(notes):
    dealt = voices.deal(notes)
    for field in ("start", "end", "pitch", "velocity"):
        assert np.array_equal(dealt[field], notes[field])
    for part in np.unique(dealt["part"]):
        assert most_at_once(dealt[dealt["part"] == part]) == 1
    assert dealt["part"].min() >= 0 and (dealt["part"].max() < 4 or most_at_once(notes) > 4)


@few
@given(st.lists(st.tuples(st.integers(1, 6), st.sets(st.integers(40, 84), min_size=1, max_size=5)), min_size=1),
       st.booleans())
def test_the_highest_of_three_is_in_the_top_voice(chords, held):
    """Chord after chord over a bass that is held or not: four voices by rank, the melody on top, no crossing."""
    rows, now = [], 0
    for steps, pitches in chords:
        rows += [(now, now + steps, pitch, 0) for pitch in pitches]
        now += steps
    rows += [(0, now, 30, 0)] * held
    dealt = voices.deal(in_steps(*rows))
    for sounding in midi_rows(dealt):
        now = dealt[sounding]
        now = now[np.argsort(-now["pitch"].astype(int))]
        parts = now["part"].tolist()
        if len(now) >= 3:
            assert parts[0] == 0
        if len(now) == 4:
            assert parts == [0, 1, 2, 3]
        assert parts == sorted(parts) or len(now) > 4


@few
@given(crowds(max_parts=1), st.lists(st.tuples(st.integers(1, 9), st.integers(91, 110)), min_size=8))
def test_a_melody_over_three_voices_stays_in_the_top_voice(notes, melody):
    assume(most_at_once(notes) <= 3)
    ends = np.cumsum([steps for steps, _ in melody]).tolist()
    above = in_steps(*((end - steps, end, pitch, 0) for end, (steps, pitch) in zip(ends, melody)))
    dealt = voices.deal(np.concatenate([notes, above]))
    for sounding in midi_rows(dealt):
        now = dealt[sounding]
        if len(now) >= 3 and now["pitch"].max() > 90:
            assert now["part"][now["pitch"].argmax()] == 0


def test_a_roll_of_four_voices_is_dealt_as_it_was():
    rows = [(0, 4, 72, 0), (4, 8, 74, 0), (8, 16, 71, 0), (0, 2, 67, 1), (2, 4, 65, 1), (4, 8, 65, 1), (8, 16, 67, 1),
            (0, 8, 60, 2), (8, 16, 62, 2), (0, 4, 52, 3), (4, 8, 50, 3), (8, 12, 43, 3), (12, 16, 55, 3)]
    notes = sorted_notes(in_steps(*rows))
    from_roll = midi.roll_to_notes(midi.notes_to_roll(notes))
    assert voices.deal(from_roll)["part"].tolist() == notes["part"].tolist()


def test_the_melody_is_not_dealt_to_the_alto():
    """It leaps down to where the alto was, while alto and tenor rest: the next full chord has it on top again."""
    rows = [(0, 4, 76), (0, 4, 67), (0, 4, 60), (0, 4, 48), (4, 8, 67), (4, 8, 64), (4, 8, 48),
            (8, 12, 66), (8, 12, 62), (8, 12, 57), (12, 16, 79), (12, 16, 67), (12, 16, 59), (12, 16, 43)]
    dealt = voices.deal(in_steps(*((*row, 7) for row in rows)))
    assert dealt["pitch"][dealt["part"] == 0].tolist() == [76, 67, 66, 79]


def test_a_chord_that_outlasts_the_melody_does_not_become_it():
    dealt = voices.deal(in_steps((0, 4, 76, 0), (0, 16, 67, 0), (0, 16, 60, 0), (0, 16, 48, 0)))
    assert dealt["part"].tolist() == [0, 1, 2, 3]


def test_a_note_alone_goes_where_it_was_near():
    dealt = voices.deal(in_steps((0, 4, 50, 0), (4, 8, 70, 0), (8, 12, 48, 0), (12, 16, 64, 0)))
    assert dealt["part"].tolist() == [3, 0, 3, 0]


def test_merged_notes_are_dealt_too():
    dealt = voices.deal(in_steps((0, 0.4, 71, 0), (0.45, 4, 71, 0), (0, 4, 60, 0)))
    assert dealt["part"].tolist() == [0, 0, 2]


def test_any_music_gets_four_voices_if_four_are_enough():
    four = np.array([[72, 67, 60, 48], [74, 67, 59, 43]], np.int16)
    assert np.array_equal(voices.in_four(four), four)
    tune = np.array([[72], [74], [-1]], np.int16)
    assert voices.in_four(tune).tolist() == [[72, -1, -1, -1], [74, -1, -1, -1], [-1] * 4]
    piano = np.array([[60, 72, 48, -1, 67], [59, 74, 43, -1, 67]], np.int16)  # five parts that never all sound
    assert voices.pitches(voices.in_four(piano)).tolist() == four.tolist()
    assert voices.in_four(np.array([[60, 62, 64, 65, 67]], np.int16)) is None
