"""The notes of one file as a piece: nothing of it is lost, and what is done to it is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.music import grid, keys, midi, piece, voices

law = settings(database=None, deadline=None)
NAMES = ("Soprano", "Alto", "Tenor", "Bass")


def line(pitches, start=0.0, length=1.0, part=0):
    return np.array(
        [(start + at * length, start + (at + 1) * length, pitch, 90, part) for at, pitch in enumerate(pitches)],
        midi.NOTE,
    )


def sort(*lines):
    return np.sort(np.concatenate(lines), order=["start", "pitch", "part"])


@pytest.fixture
def chorale():
    """Three bars in four parts, and an upbeat of a quarter."""
    parts = (
        [67, 71, 69, 67, 66, 67, 69, 71, 72],
        [62, 62, 66, 62, 62, 64, 66, 67, 64],
        [59, 55, 57, 59, 57, 60, 62, 62, 60],
        [55, 55, 50, 52, 50, 48, 50, 43, 48],
    )
    notes = sort(*(line(pitches, part=part) for part, pitches in enumerate(parts)))
    return notes, midi.Meta(((0.0, 1, 4), (1.0, 4, 4)), (), (), (), NAMES)


PARTS = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(40, 80)), min_size=1, max_size=12),
    min_size=1,
    max_size=5,
)


def build(parts, first):
    """Parts of one note at a time on the grid, from rows of rest, length and pitch."""
    rows = []
    for part, steps in enumerate(parts):
        now = first
        for rest, length, pitch in steps:
            now += rest / 4
            rows.append((now, now + length / 4, pitch, 90, part))
            now += length / 4
    return np.sort(np.array(rows, midi.NOTE), order=["start", "pitch", "part"])


# Laws


@law
@given(
    PARTS,
    st.integers(0, 40).map(lambda step: step / 4),
    st.sampled_from(
        [
            (),
            ((0.0, 3, 4),),
            ((0.0, 6, 8),),
            ((0.0, 1, 64),),
            ((0.0, 5, 32), (3.0, 2, 2)),
            ((0.0, 1, 4), (1.0, 3, 4)),
            ((2.0, 2, 2),),
            ((0.0, 4, 4), (900.0, 3, 4)),
        ]
    ),
)
def test_any_file_is_a_piece_and_no_note_is_lost(parts, first, signatures):
    notes = build(parts, first)
    found, done = piece.from_notes("any", notes, midi.Meta(signatures, part_names=("",) * len(parts)))
    assert found.roll.dtype == np.uint8 and len(found.roll) == len(found.voices) and found.voices.shape[1] >= len(parts)
    assert len(found.voice_names) == found.voices.shape[1] and len(set(found.voice_names)) == len(found.voice_names)
    assert found.bar_frames >= 1 and found.upbeat >= 0 and len(found.bars) and found.bars[0, 0] == found.upbeat
    assert found.bars[0, 1:].tolist() == list(found.metre) or len(signatures) > 1
    assert -6 <= found.semitones <= 5 and found.mode in keys.KEY_MODES and found.split == "extra" and found.index == -1
    assert {(row[1]) for row in zip(*np.nonzero(found.roll == 1))} == set(notes["pitch"].tolist())
    assert (
        0 <= np.flatnonzero(found.roll.any(axis=1))[0] < max(found.bar_frames, 1) + found.upbeat or len(signatures) > 1
    )
    if "early releases" not in " ".join(done):
        np.testing.assert_array_equal(voices.to_roll(found.voices), found.roll)


@law
@given(PARTS, st.integers(1, 30))
def test_silent_bars_before_change_nothing(parts, bars):
    notes, meta = build(parts, 0), midi.Meta(((0.0, 4, 4),), part_names=("",) * len(parts))
    later = notes.copy()
    later["start"] += 4 * bars
    later["end"] += 4 * bars
    one, _ = piece.from_notes("one", notes, meta)
    other, done = piece.from_notes("one", later, meta)
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a, b)
    assert any(text.endswith("quarter notes of silence cut") for text in done)


@pytest.mark.parametrize("mode", keys.KEY_MODES)
@pytest.mark.parametrize("tonic", range(12))
def test_a_blank_piece_is_what_a_file_of_its_outline_would_be(chorale, tonic, mode):
    read, _ = piece.from_notes("mine", *chorale)
    made = piece.blank("mine", read.voices, read.metre, read.upbeat, mode, tonic)
    for name in ("name", "split", "index", "roll", "metre", "bar_frames", "upbeat", "fermatas", "repeats", "left_out",
                 "voices", "voice_names", "bars", "off_grid"):
        np.testing.assert_array_equal(getattr(made, name), getattr(read, name), name)
    assert made.mode == mode and made.semitones == made.quarter_shift == keys.to_c(tonic, mode)
    assert made.bars.dtype == read.bars.dtype and made.fermatas.dtype == read.fermatas.dtype


# Values worked by hand


def test_a_blank_piece_by_hand():
    made = piece.blank("new", np.full((40, 4), voices.REST, np.int16), (6, 8), 2, "minor", 4)
    assert made.bars.tolist() == [[2, 6, 8], [14, 6, 8], [26, 6, 8], [38, 6, 8]] and made.bar_frames == 12
    assert made.roll.shape == (40, 128) and not made.roll.any() and made.semitones == 5 and made.upbeat == 2
    assert (made.split, made.index, made.repeats, made.left_out) == ("extra", -1, (), "") and not made.fermatas.size
    short = piece.blank("short", np.full((4, 4), voices.REST, np.int16), (4, 4), 4, "major", 0)
    assert short.bars.tolist() == [[4, 4, 4]]  # an upbeat and nothing else


def test_a_chorale_by_hand(chorale):
    found, done = piece.from_notes("mine", *chorale)
    assert (found.metre, found.bar_frames, found.upbeat, found.left_out, found.off_grid) == (
        (4, 4),
        16,
        4,
        "",
        0,
    ) and not done
    assert (found.mode, found.semitones) == ("major", 5) and found.voice_names == NAMES and len(found.roll) == 36
    assert found.bars.tolist() == [[4, 4, 4], [20, 4, 4]] and found.fermatas.size == 0 and found.repeats == ()
    assert found.voices[0].tolist() == [67, 62, 59, 55] and found.voices[1].tolist() == [
        67 + 128,
        62 + 128,
        59 + 128,
        55 + 128,
    ]


def test_what_we_exported_is_taken_as_it_is(chorale):
    notes, meta = chorale
    late = notes.copy()
    late["start"] += 0.1
    meta = meta._replace(score="bwv0.mxl", fermatas=(3.0, 99.0), repeats=((1.0, 5.0), (5.0, 99.0)))
    found, done = piece.from_notes("ours", late, meta)
    assert not done and found.off_grid == 0 and found.upbeat == 4
    assert found.fermatas.tolist() == [12] and found.repeats == ((4, 20), (20, len(found.roll)))
    entry = dict(
        split="test", index="3", parts="SATB", transpose_semitones="-2", time_scale="2", quarter_shift_semitones="1"
    )
    found, _ = piece.from_notes("ours", notes, meta, entry)
    assert (found.split, found.index, found.quarter_shift, len(found.roll)) == ("test", 3, 1, 72)
    assert found.voices[0].tolist() == [65, 60, 57, 53] and found.upbeat == 8 and found.bars[:, 0].tolist() == [8, 40]


@pytest.mark.parametrize(
    "choice, kept", [("SATB", [1, 2, 3, 4]), ("first4", [0, 1, 2, 3]), ("last4", [1, 2, 3, 4]), ("", range(5))]
)
def test_the_split_table_names_the_parts(chorale, choice, kept):
    notes, meta = chorale
    lower = notes.copy()
    lower["part"] += 1
    notes = sort(line([84] * 9), lower)
    meta = meta._replace(part_names=("Flute", *NAMES))
    entry = dict(piece.NO_ENTRY, parts=choice)
    found, _ = piece.from_notes("many", notes, meta, entry)
    assert sorted(found.voice_names) == sorted(meta.part_names[part] for part in kept)


def test_a_strangers_five_parts_all_stay(chorale):
    notes, meta = chorale
    notes = sort(notes, line([36] * 9, part=4))
    found, _ = piece.from_notes("mine", notes, meta._replace(part_names=(*NAMES, "Continuo")))
    assert found.voice_names == (*NAMES, "Continuo") and found.voices[0].tolist() == [67, 62, 59, 55, 36]


@pytest.mark.parametrize("metre", [(2, 2), (2, 4), (6, 8), (3, 8), (12, 8), (5, 4)])
def test_any_metre_is_taken_and_the_studys_filter_says_why_it_would_not(metre):
    found, _ = piece.from_notes("mine", line([60, 62, 64, 65] * 12), midi.Meta(((0.0, *metre),), part_names=("",)))
    assert (
        found.metre == metre
        and found.bar_frames == 16 * metre[0] // metre[1]
        and found.left_out == "metre {}/{}".format(*metre)
    )


def test_single_odd_bars_cost_nothing():
    meta = midi.Meta(
        ((0.0, 1, 4), (1.0, 4, 4), (21.0, 3, 4), (24.0, 1, 4), (25.0, 4, 4), (57.0, 3, 4)), part_names=("",)
    )
    found, _ = piece.from_notes("mine", line([60, 62, 64, 65, 67] * 12), meta)
    assert found.metre == (4, 4) and found.left_out == "" and found.upbeat == 4
    assert found.bars[4:8].tolist() == [[68, 4, 4], [84, 3, 4], [96, 1, 4], [100, 4, 4]]
    half, _ = piece.from_notes("mine", line([60, 62] * 20), midi.Meta(((0.0, 4, 4), (20.0, 6, 8)), part_names=("",)))
    assert half.metre == (4, 4) and half.left_out == "metre 6/8"


def test_a_recording_is_mended_and_a_performance_is_told_apart(chorale):
    notes, meta = chorale
    rng = np.random.default_rng(0)
    played = notes.copy()
    played["start"] = np.maximum(0, notes["start"] + rng.uniform(-0.05, 0.05, len(notes)))
    played["end"] = played["start"] + (notes["end"] - notes["start"]) * 0.7
    found, done = piece.from_notes("mine", played, meta)
    wanted, _ = piece.from_notes("mine", notes, meta)
    np.testing.assert_array_equal(found.voices[:-4], wanted.voices[: len(found.voices) - 4])
    assert any("early releases closed" in text for text in done) and found.off_grid <= grid.PERFORMED
    free = line([60, 62, 64, 65] * 30)
    free["start"] = np.cumsum(rng.uniform(0.2, 0.9, 120))
    free["end"] = free["start"] + 0.2
    found, done = piece.from_notes("free", free, midi.Meta(part_names=("",)))
    assert found.off_grid > grid.PERFORMED and not any("closed" in text for text in done)


def test_rows_say_what_was_done(chorale):
    found, _ = piece.from_notes("mine", *chorale)
    row = piece.row("mine.mid", found, ["12 quarter notes of silence cut"], (("tempo", 2),))
    assert row["mended"] == "2 x tempo passed over; 12 quarter notes of silence cut" and row["dropped"] == ""
    assert (row["file"], row["piece"], row["key"], row["metre"], row["parts"]) == (
        "mine.mid",
        "mine",
        "G major",
        "4/4",
        4,
    )
    broken = piece.row("broken.mid", dropped="it is empty")
    assert broken.keys() == row.keys() and broken["piece"] == "" and broken["dropped"] == "it is empty"


def test_a_window_becomes_a_piece_of_four_voices_that_sounds_as_it_does(bach):
    for window in bach["valid"][:20]:
        made = piece.of_window("four bars", window)
        np.testing.assert_array_equal(made.roll, window)
        assert made.voices.shape == (64, 4) and made.semitones == 0 and made.metre == (4, 4) and not made.upbeat


def test_a_window_may_be_silent_or_have_more_notes_than_voices():
    silent = piece.of_window("silent", np.zeros((16, 128), np.uint8))
    assert silent.voices.shape == (16, 4) and (silent.voices == voices.REST).all()
    crowd = np.zeros((16, 128), np.uint8)
    crowd[:, 60:72:2], crowd[0, 60:72:2] = 2, 1
    crowded = piece.of_window("crowd", crowd)
    assert crowded.voices.shape[1] > 4
    np.testing.assert_array_equal(crowded.roll, crowd)


def test_the_mode_of_a_window_is_the_likelier_of_its_two_keys():
    for chord, mode in (((48, 64, 67, 72), "major"), ((45, 60, 64, 69), "minor")):
        roll = np.zeros((16, 128), np.uint8)
        roll[:, chord], roll[0, chord] = 2, 1
        assert piece.of_window("chord", roll).mode == mode
