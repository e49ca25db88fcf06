"""MIDI files, notes and piano rolls: the laws between them, values worked by hand, and what is refused."""

import io
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils.music import midi

law = settings(database=None, deadline=None)


def note_lists(unit):
    """Up to 30 notes in any order, overlapping or not; times are multiples of `unit` quarter notes, parts 0, 1, ..."""
    start, length, pitch = st.integers(0, 64), st.integers(1, 20), st.integers(0, 127)
    velocity, part = st.integers(1, 127), st.integers(0, 20)

    def build(rows):
        start, length, pitch, velocity, part = np.array(rows).T
        part = np.unique(part, return_inverse=True)[1]
        return np.array(list(zip(start * unit, (start + length) * unit, pitch, velocity, part)), midi.NOTE)

    return st.lists(st.tuples(start, length, pitch, velocity, part), min_size=1, max_size=30).map(build)


GRID_NOTES = note_lists(unit=1 / midi.STEPS_PER_QUARTER)
ROLLS = st.integers(0, 12).flatmap(
    lambda frames: hnp.arrays("uint8", (frames, 128), elements=st.integers(0, 2), fill=st.just(0))
)
META = midi.Meta(
    time_signatures=((0.0, 1, 4), (1.0, 3, 4)),
    key_signatures=((0.0, "Gm"), (4.0, "Bb")),
    tempos=((0.0, 96.0), (4.0, 60.0)),
    markers=((3.0, "Vers 2"), (6.0, "repeat end")),
    part_names=("Soprano", "Alto", "Tenor", "Bass"),
    fermatas=(3.0, 5.0),
    repeats=((0.0, 4.0), (4.0, 7.0)),
    score="bwv0.mxl",
)


def midi_chunk(events, name=b"MTrk"):
    return name + struct.pack(">L", len(events)) + events


def midi_bytes(*tracks, kind=1, division=480, num_tracks=None):
    """A MIDI file from the bytes of its events, whatever they are."""
    num_tracks = len(tracks) if num_tracks is None else num_tracks
    return midi_chunk(struct.pack(">3H", kind, num_tracks, division), b"MThd") + b"".join(map(midi_chunk, tracks))


@pytest.fixture
def read(tmp_path):
    """Read the bytes of a file as if it lay on disk."""

    def read_bytes(data):
        path = tmp_path / "piece.mid"
        path.write_bytes(data)
        return midi.read_midi(path)

    return read_bytes


@pytest.fixture(scope="module")
def round_trip(tmp_path_factory):
    """Write notes, read them again, hand back the bytes written and what was read."""
    path = tmp_path_factory.mktemp("round_trip") / "piece.mid"
    return lambda notes, meta=None: (midi.notes_to_midi(notes, path, meta or midi.Meta()), *midi.read_midi(path))


@pytest.fixture(scope="module")
def chorale():
    """Two bars in four parts, with an upbeat of a quarter and a fermata."""
    chords = [67, 62, 59, 55], [71, 62, 55, 55], [69, 66, 57, 50], [67, 62, 59, 52], [66, 62, 57, 50], [67, 62, 59, 43]
    ends = [1, 2, 3, 4, 5, 7]
    rows = [
        (start, ends[start], pitch, midi.VELOCITY, part)
        for start, chord in enumerate(chords)
        for part, pitch in enumerate(chord)
    ]
    notes = np.array(rows, midi.NOTE)
    return np.sort(notes, order=["start", "pitch", "part"]), META


# Laws


@law
@given(note_lists(unit=1 / midi.TICKS_PER_QUARTER))
def test_a_file_read_and_written_again_is_the_same_file(round_trip, notes):
    data, notes_read, meta = round_trip(notes)
    assert midi.notes_to_midi(notes_read, meta=meta) == data


@law
@given(st.lists(ROLLS.filter(np.any), min_size=1, max_size=3), st.integers(1, 127))
def test_notes_that_do_not_overlap_survive_a_file(round_trip, rolls, velocity):
    parts = [midi.roll_to_notes(roll, velocity=velocity) for roll in rolls]
    for number, part in enumerate(parts):
        part["part"] = number
    notes = np.sort(np.concatenate(parts), order=["start", "pitch", "part"])
    np.testing.assert_array_equal(round_trip(notes)[1], notes)


@law
@given(ROLLS.filter(np.any))
def test_grid_notes_survive_file_notes_roll_notes_file(round_trip, roll):
    data, notes, _ = round_trip(midi.roll_to_notes(roll))
    again = midi.roll_to_notes(midi.notes_to_roll(notes))
    np.testing.assert_array_equal(again, notes)
    assert midi.notes_to_midi(again) == data


@law
@given(GRID_NOTES)
def test_a_file_keeps_the_roll_even_where_notes_overlap(round_trip, notes):
    np.testing.assert_array_equal(midi.notes_to_roll(round_trip(notes)[1]), midi.notes_to_roll(notes))


@law
@given(ROLLS)
def test_a_roll_survives_notes_but_for_held_cells_without_an_attack(roll):
    expected = roll.copy()
    for frame, pitch in zip(*np.nonzero(roll == 2)):
        if frame == 0 or roll[frame - 1, pitch] == 0:
            expected[frame, pitch] = 1
    length = np.flatnonzero(roll.any(axis=1)).max(initial=-1) + 1
    np.testing.assert_array_equal(midi.notes_to_roll(midi.roll_to_notes(roll)), expected[:length])


@law
@given(GRID_NOTES, st.integers(-127, 127))
def test_transposed_notes_are_a_transposed_roll(notes, semitones):
    pitch = notes["pitch"].astype(int) + semitones
    kept = notes[(0 <= pitch) & (pitch < 128)]
    transposed = kept.copy()
    transposed["pitch"] = kept["pitch"].astype(int) + semitones
    there = midi.transpose(midi.notes_to_roll(kept), semitones)
    np.testing.assert_array_equal(midi.notes_to_roll(transposed), there)
    np.testing.assert_array_equal(midi.transpose(there, -semitones), midi.notes_to_roll(kept))


@pytest.mark.parametrize("pitch, semitones", [(127, 1), (0, -1), (60, 70), (60, 200), (60, -200)])
def test_a_transposition_out_of_range_is_refused(pitch, semitones):
    roll = np.zeros((1, 128), np.uint8)
    roll[0, pitch] = 1
    with pytest.raises(ValueError, match="transpose by less"):
        midi.transpose(roll, semitones)


@law
@given(GRID_NOTES, st.integers(0, 40))
def test_later_notes_are_a_later_roll(notes, frames):
    later = notes.copy()
    later["start"] += frames / 4
    later["end"] += frames / 4
    np.testing.assert_array_equal(midi.notes_to_roll(later), np.pad(midi.notes_to_roll(notes), ((frames, 0), (0, 0))))


@law
@given(GRID_NOTES, st.integers(1, 6))
def test_a_finer_grid_loses_nothing(notes, factor):
    fine = midi.notes_to_roll(notes, steps_per_quarter=4 * factor)
    notes_read = midi.roll_to_notes(fine, steps_per_quarter=4 * factor)
    np.testing.assert_array_equal(midi.notes_to_roll(notes_read), midi.notes_to_roll(notes))


def test_meta_survives_a_file(round_trip, chorale):
    notes, meta = chorale
    data, _, meta_read = round_trip(notes, meta)
    assert meta_read == meta
    assert midi.notes_to_midi(notes, meta=meta_read) == data


def test_another_reader_finds_the_same_notes_and_metre(chorale):
    notes, meta = chorale
    other = pretty_midi.PrettyMIDI(io.BytesIO(midi.notes_to_midi(notes, meta=meta)))
    found = [(note.pitch, other.time_to_tick(note.start) / 480) for part in other.instruments for note in part.notes]
    assert sorted(found) == sorted(notes[["pitch", "start"]].tolist())
    assert [(mark.numerator, mark.denominator) for mark in other.time_signature_changes] == [(1, 4), (3, 4)]


# Values worked by hand


def test_a_written_file_byte_by_byte():
    data = midi.notes_to_midi([(0, 0.25, 60, 90, 0)], meta=midi.Meta(markers=[(0, "fermata")]))
    end = b"\x88\x38\xff\x2f\x00"  # 120 + 960 ticks: the note, then one second at tempo 120
    conductor = b"\x00\xff\x06\x07fermata" + end
    part = b"\x00\x90\x3c\x5a" + b"\x78\x80\x3c\x00" + b"\x87\x40\xff\x2f\x00"
    assert data == midi_bytes(conductor, part)


def test_our_facts_byte_by_byte():
    data = midi.notes_to_midi([(0, 0.25, 60, 90, 0)], meta=midi.Meta(fermatas=[0.0]))
    names = zlib.crc32(struct.pack("<2q", 0, 60))  # of the notes: tick and pitch
    facts = b'}bach facts 1 {"fermatas":[0.0],"repeats":[],"score":"","notes":%d}' % names
    assert data[22:22 + 4 + len(facts)] == b"\x00\xff\x7f%c" % len(facts) + facts


def test_notes_start_and_end_at_the_nearest_step_halves_up_and_keep_a_step():
    roll = midi.notes_to_roll([(0.124, 0.374, 60, 90, 0), (0.125, 0.375, 61, 90, 0), (0.25, 0.26, 62, 90, 0)])
    assert roll.shape == (2, 128) and roll.dtype == np.uint8
    assert roll[:, 60:63].T.tolist() == [[1, 0], [0, 1], [0, 1]]


def test_overlapping_notes_of_one_pitch_merge():
    roll = midi.notes_to_roll([(0, 2, 60, 90, 0), (0.5, 1, 60, 90, 1)])
    assert roll[:, 60].tolist() == [1, 2, 1, 2, 2, 2, 2, 2]
    assert midi.roll_to_notes(roll)[["start", "end"]].tolist() == [(0, 0.5), (0.5, 2)]


def test_no_notes_are_an_empty_roll_and_a_silent_file():
    roll = midi.notes_to_roll([])
    assert roll.shape == (0, 128) and midi.roll_to_notes(roll).shape == (0,)
    assert midi.notes_to_midi([])[:4] == b"MThd"


def test_the_file_ends_a_second_after_the_last_event_at_the_last_tempo(chorale):
    notes, meta = chorale
    file = mido.MidiFile(file=io.BytesIO(midi.notes_to_midi(notes, meta=meta)))
    assert [sum(message.time for message in track) for track in file.tracks] == [(7 + 1) * 480] * 5


def test_sixteen_parts_avoid_the_drum_channel(round_trip):
    notes = np.array([(0, 1, 60, 90, part) for part in range(16)], midi.NOTE)
    np.testing.assert_array_equal(round_trip(notes)[1], notes)


def test_text_that_midi_cannot_hold_is_written_with_question_marks(round_trip):
    _, _, meta = round_trip([(0, 1, 60, 90, 0)], midi.Meta(part_names=["Ténor “1”"]))
    assert meta.part_names == ("Ténor ?1?",)


def test_writing_leaves_one_file_and_takes_text_for_a_path(tmp_path):
    path = tmp_path / "piece.mid"
    data = midi.notes_to_midi([(0, 1, 60, 90, 0)], str(path))
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == data
    assert midi.midi_to_notes(str(path)) == midi.midi_to_notes(path)


def test_running_status_and_velocity_zero(read):
    two_notes = b"\x00\x90\x3c\x50" + b"\x60\x3c\x00" + b"\x00\x3e\x51" + b"\x60\x3e\x00"
    notes, meta = read(midi_bytes(two_notes, division=96))
    assert notes.tolist() == [(0, 1, 60, 80, 0), (1, 2, 62, 81, 0)]
    assert meta == midi.Meta(part_names=("",), skipped=())


def test_of_overlapping_notes_the_first_to_begin_is_the_first_to_end(read):
    notes, _ = read(midi_bytes(b"\x00\x90\x3c\x01" + b"\x60\x3c\x02" + b"\x60\x3c\x00" + b"\x60\x3c\x00", division=96))
    assert notes.tolist() == [(0, 2, 60, 1, 0), (1, 3, 60, 2, 0)]


def test_a_note_without_an_end_lasts_to_the_end_of_its_track(read):
    endless = b"\x00\x90\x3c\x50" + b"\x60\x90\x3e\x50" + b"\x60\xff\x2f\x00"
    longer = b"\x00\x91\x30\x50" + b"\x83\x00\x81\x30\x00"
    notes, _ = read(midi_bytes(endless, longer, division=96))
    assert notes[["end", "pitch"]].tolist() == [(4, 48), (2, 60), (2, 62)]


def test_ends_without_a_note_are_passed_over_and_a_note_lasts_a_tick(read):
    notes, _ = read(midi_bytes(b"\x00\x80\x3c\x00" + b"\x00\x90\x3c\x50" + b"\x00\x80\x3c\x00", division=4))
    assert notes[["start", "end"]].tolist() == [(0, 0.25)]


def test_parts_are_channels_in_type_0_and_tracks_with_notes_in_type_1(read):
    soprano, drum, bass = b"\x00\x93\x48\x50", b"\x00\x99\x24\x50", b"\x00\x91\x30\x50"
    end = b"\x60\xff\x2f\x00"
    one_track, _ = read(midi_bytes(soprano + drum + bass + end, kind=0))
    assert one_track[["pitch", "part"]].tolist() == [(48, 0), (72, 1)]
    named = b"\x00\xff\x03\x01"
    tracks = named + b"A" + end, named + b"B" + soprano + end, named + b"C" + drum + end, named + b"D" + bass + end
    many_tracks, meta = read(midi_bytes(*tracks))
    assert many_tracks[["pitch", "part"]].tolist() == [(48, 1), (72, 0)] and meta.part_names == ("B", "D")


def test_the_sustain_pedal_is_ignored(read):
    pedal = b"\x00\xb0\x40\x7f" + b"\x00\x90\x3c\x50" + b"\x60\x80\x3c\x00" + b"\x60\xb0\x40\x00"
    assert read(midi_bytes(pedal, division=96))[0][["start", "end"]].tolist() == [(0, 1)]


def test_metre_and_tempo_may_change_anywhere_and_the_last_of_a_moment_counts(read):
    signature = b"\xff\x58\x04%c%c\x18\x08"  # numerator, and denominator as a power of 2
    metres = b"\x00" + signature % (4, 2) + b"\x00" + signature % (3, 2) + b"\x60" + signature % (6, 3)
    tempo = b"\x00\x90\x3c\x50" + b"\x60\xff\x51\x03\x0f\x42\x40" + b"\x60\x80\x3c\x00"
    _, meta = read(midi_bytes(metres, tempo, division=96))
    assert meta.time_signatures == ((0, 3, 4), (1, 6, 8)) and meta.tempos == ((1, 60),)


def test_the_time_before_an_unknown_event_counts(read):
    notes, _ = read(midi_bytes(b"\x60\xff\x60\x01\x00" + b"\x00\x90\x3c\x50" + b"\x60\x80\x3c\x00", division=96))
    assert notes[["start", "end"]].tolist() == [(1, 2)]


def test_chunks_of_other_names_are_passed_over(read):
    data = midi_bytes(b"\x00\x90\x3c\x50" + b"\x60\x80\x3c\x00")
    assert len(read(data[:14] + midi_chunk(b"abc", b"XFIH") + data[14:])[0]) == 1


@pytest.mark.parametrize(
    "time_signatures, upbeat, metre",
    [
        ([], 0, (4, 4)),
        ([(0, 3, 4)], 0, (3, 4)),
        ([(0, 1, 4), (1, 3, 4)], 1, (3, 4)),
        ([(0, 3, 8), (1.5, 4, 4), (9.5, 3, 4)], 1.5, (4, 4)),
        ([(0, 1, 4), (2, 3, 4)], 0, (1, 4)),  # two bars of 1/4 are no upbeat
        ([(0, 4, 4), (4, 3, 4)], 0, (4, 4)),  # nor is a longer bar
        ([(2, 1, 4), (3, 3, 4)], 0, (1, 4)),  # nor one that does not come first
        ([(0, 3, 4), (1, 3, 4)], 1, (3, 4)),  # the same signature again, before its bar is full
        ([(0, 4, 4), (1, 3, 4)], 1, (3, 4)),
        ([(1, 3, 4)], 1, (3, 4)),  # only at the end of the upbeat
        ([(0.5, 6, 8)], 0.5, (6, 8)),
        ([(0, 1, 8), (0.5, 6, 8)], 0.5, (6, 8)),
        ([(0, 1, 2), (2, 2, 2)], 2, (2, 2)),
        ([(0, 4, 4), (3, 3, 4)], 0, (4, 4)),  # a bar cut short, but no shorter than the next
        ([(3, 3, 4)], 0, (3, 4)),  # a full bar
        ([(0, 3, 32), (0.38, 3, 4)], 0.38, (3, 4)),  # coarse ticks
    ],
)
def test_upbeat_and_metre(time_signatures, upbeat, metre):
    meta = midi.Meta(time_signatures)
    assert midi.upbeat_quarters(meta) == upbeat and midi.main_metre(meta) == metre


def test_the_main_metre_is_judged_by_share_of_time():
    odd_first = midi.Meta([(0, 2, 4), (4, 4, 4)])
    assert midi.main_metre(odd_first, end=400) == (4, 4) and midi.main_metre(odd_first, end=10) == (2, 4)
    upbeat_completed = midi.Meta([(0, 1, 4), (1, 4, 4), (37, 3, 4)])
    assert midi.metre_shares(upbeat_completed, end=40) == {(4, 4): 36 / 39, (3, 4): 3 / 39}
    assert midi.metre_shares(midi.Meta([(0, 3, 4), (100, 6, 8)]), end=12) == {(3, 4): 1}  # what comes after the end
    assert midi.metre_shares(midi.Meta([(0, 4, 4), (32, 6, 8)]), end=40, begin=32) == {(6, 8): 1}  # or is silence
    assert midi.metre_shares(midi.Meta(), end=8) == {(4, 4): 1}


@pytest.mark.parametrize(
    "name, text",
    [
        (b"T\xc3\xa9nor", "T\xe9nor"),
        (b"T\xe9nor", "T\xe9nor"),
        (b"", ""),
        (b"\xff\x00", "\xff\0"),
        ("\u7b1b".encode(), "\u7b1b"),
    ],
)
def test_names_in_utf_8_and_as_of_old(read, name, text):
    _, meta = read(midi_bytes(b"\x00\xff\x03" + bytes([len(name)]) + name + NOTE_ON + b"\x60\x80\x3c\x00"))
    assert meta.part_names == (text,)


def test_channels_of_one_track_are_told_apart(read):
    two = b"\x00\xff\x03\x05Choir" + NOTE_ON + b"\x00\x93\x48\x50" + NOTE_OFF + b"\x00\x83\x48\x00"
    for kind in (0, 1):
        notes, meta = read(midi_bytes(two, kind=kind))
        assert notes["part"].tolist() == [0, 1] and meta.part_names == ("Choir (channel 1)", "Choir (channel 4)")
    assert read(midi_bytes(two[9:]))[1].part_names == ("(channel 1)", "(channel 4)")
    _, meta = read(midi_bytes(NOTE_ON, b"\x00\x91\x3c\x50", kind=0))  # a type that allows for one track
    assert meta.part_names == ("", "")


# Our own facts


def test_facts_survive_an_edit_that_leaves_the_notes_and_no_other(chorale, read):
    notes, meta = chorale
    louder, higher, later, fewer = notes.copy(), notes.copy(), notes.copy(), notes[1:]
    louder["velocity"], higher["pitch"], later["start"] = 127, notes["pitch"] + 1, notes["start"] + 0.25
    later["end"] += 0.25
    ours = midi.notes_to_midi(notes, meta=meta)
    event = ours[ours.index(b"\xff\x7f") - 1:ours.index(b"\x00\xff\x58")]
    for changed, believed in [(louder, True), (higher, False), (later, False), (fewer, False)]:
        data = midi.notes_to_midi(changed, meta=meta._replace(fermatas=(), repeats=(), score=""))
        found = read(data[:22] + event + data[22:])[1]
        assert bool(found.fermatas or found.repeats or found.score) == believed
        assert found.skipped == (("size of a track", 1),)


@pytest.mark.parametrize(
    "text", ["key", "key of G", "key G minor", "fermata", "Fermata", "repeat start", "repeat end", "repeat"]
)
def test_a_strangers_words_are_words(round_trip, chorale, text):
    markers = ((0.0, text), (3.0, text))
    _, _, meta = round_trip(chorale[0], midi.Meta(markers=markers))
    assert meta == midi.Meta(markers=markers, part_names=("",) * 4)


@pytest.mark.parametrize("facts", [
    b"", b"{}", b"[]", b"null", b"{", b"\xff", b"[" * 5_000, b'{"fermatas":[1e999],"repeats":[],"score":"","notes":%d}',
    b'{"fermatas":[NaN],"repeats":[],"score":"","notes":%d}', b'{"fermatas":[-1],"repeats":[],"score":"","notes":%d}',
    b'{"fermatas":[1],"repeats":[[1]],"score":"","notes":%d}', b'{"fermatas":1,"repeats":[],"score":"","notes":%d}',
    b'{"fermatas":["x"],"repeats":[],"score":"","notes":%d}', b'{"fermatas":[1],"repeats":[],"score":""}',
    b'{"fermatas":[1],"repeats":[],"score":"","notes":0}', b'{"fermatas":[1],"repeats":[],"notes":%d}'], ids=range(16))
def test_damaged_and_forged_facts_say_nothing(read, facts):
    if b"%d" in facts:
        facts = facts % zlib.crc32(struct.pack("<2q", 0, 60))
    size = len(midi.OWN_FACTS + facts)
    event = b"\x00\xff\x7f" + bytes([128 | size >> 7, size & 127]) + midi.OWN_FACTS + facts
    notes, meta = read(midi_bytes(event + NOTE_ON + b"\x60\x80\x3c\x00"))
    assert len(notes) == 1 and meta == midi.Meta(part_names=("",))


def test_two_sets_of_facts_say_nothing(read, chorale):
    data = midi.notes_to_midi(chorale[0], meta=chorale[1])
    event = data[data.index(b"\xff\x7f") - 1:data.index(b"\x00\xff\x58")]
    assert read(data[:22] + event + data[22:])[1].fermatas == ()


# What was damaged and is read

NOTE_ON, NOTE_OFF = b"\x00\x90\x3c\x50", b"\x60\x80\x3c\x00"
NOTE = NOTE_ON + NOTE_OFF
GOOD = midi_bytes(NOTE + b"\x00\xff\x2f\x00")
MENDED_FILES = {
    "truncated track": (GOOD[:-6], "end of a damaged track"),
    "truncated event": (midi_bytes(NOTE + b"\x60\x80\x3c"), "end of a damaged track"),
    "SMPTE division": (midi_bytes(NOTE, division=0xE728), "division in SMPTE frames"),
    "velocity over 127": (midi_bytes(b"\x00\x90\x3c\xff" + NOTE_OFF), "velocity over 127"),
    "missing tracks": (midi_bytes(NOTE, num_tracks=3), "number of tracks"),
    "more tracks": (midi_bytes(NOTE, NOTE, num_tracks=1), "number of tracks"),
    "bad key signature": (midi_bytes(b"\x00\xff\x59\x02\x09\x00" + NOTE), "key signature"),
    "tempo 0": (midi_bytes(b"\x00\xff\x51\x03\x00\x00\x00" + NOTE), "tempo"),
    "metre 0": (midi_bytes(b"\x00\xff\x58\x04\x00\x02\x18\x08" + NOTE), "time signature"),
    "type 3": (midi_bytes(NOTE, kind=3), "header"),
    "in a wrapper": (b"\0" * 128 + GOOD, "wrapper"),
}


@pytest.mark.parametrize("data, kind", MENDED_FILES.values(), ids=MENDED_FILES.keys())
def test_what_the_notes_do_not_need_is_passed_over_and_counted(read, data, kind):
    notes, meta = read(data)
    assert notes["pitch"].tolist() == [60] * len(notes) and kind in dict(meta.skipped)
    assert all(type(count) is int and count > 0 for _, count in meta.skipped)
    assert meta[:4] == midi.Meta()[:4]


# What is refused

RUNNING = b"\x00\x3c\x50"
BAD_FILES = {
    "empty": (b"", "empty"),
    "truncated header": (GOOD[:10], "header is cut short"),
    "text": (b"To be a MIDI file takes more than a name.", "no MThd"),
    "type 2": (midi_bytes(NOTE_ON, kind=2), "type 2"),
    "division 0": (midi_bytes(NOTE_ON, division=0), "division is 0"),
    "no tracks": (midi_bytes(), "no notes"),
    "no notes": (midi_bytes(b"\x00\xff\x2f\x00"), "no notes"),
    "drums only": (midi_bytes(b"\x00\x99\x3c\x50"), "no notes .*1 x drum note"),
    "huge delta": (midi_bytes(NOTE_ON + b"\xff\xff\xff\x7f\x80\x3c\x00"), "longer than 20,000 quarter"),
    "huger delta": (midi_bytes(NOTE_ON + b"\xff" * 4000 + b"\x7f\x80\x3c\x00"), "longer than 20,000 quarter"),
    "endless number": (midi_bytes(NOTE_ON + b"\xff" * 2_000_000), "no notes .*1 x damaged track"),
    "too large": (midi_bytes(NOTE_ON + RUNNING * 1_000_000), "2,500,000 bytes"),
    "most notes, then too long": (midi_bytes(NOTE_ON + RUNNING * 830_000 + b"\xff\xff\xff\x7f\x3c\x00"), "longer than"),
    "most events, no notes": (midi_bytes(b"\x00\xc0\x01" + b"\x00\x01" * 1_249_000), "no notes"),
    "most texts, no notes": (midi_bytes(b"\x00\xff\x01\x00" * 624_000), "no notes"),
    "most chunks": (midi_bytes() + b"ABCD\0\0\0\0" * 312_000, "no notes"),
    "most tracks": (midi_bytes() + b"MTrk\0\0\0\0" * 312_000, "more than 2,000 tracks"),
    "noise": (midi_bytes(np.random.default_rng(0).bytes(2_400_000)), "no notes"),
    "noise after the header": (midi_bytes() + np.random.default_rng(0).bytes(2_400_000), "no notes"),
    "noise of channels": (midi_bytes(bytes(np.random.default_rng(0).integers(0, 240, 2_400_000, "u1"))), "no notes"),
    "wrong signatures": (midi_bytes(b"\x00\xff\x59\x00" * 600_000), "no notes .*1001 x key signature"),
}


@pytest.mark.parametrize("data, fault", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_refused_with_file_fault_and_remedy(read, data, fault):
    with pytest.raises(midi.MidiError, match=rf"piece\.mid: .*{fault}.*; .+\.$"):
        read(data)


def test_no_refusal_takes_a_second_or_200_megabytes(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells a process its own peak, without that of the process that started it")
    for name, (data, _) in BAD_FILES.items():
        (tmp_path / f"{name}.mid").write_bytes(data)
    script = """
import pathlib, sys, time
from utils.music import midi
slowest = 0
for path in pathlib.Path(sys.argv[1]).iterdir():
    start = time.process_time()
    try:
        midi.read_midi(path)
    except midi.MidiError:
        slowest = max(slowest, time.process_time() - start)
print(slowest, *[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""
    root = Path(midi.__file__).parents[2]
    seconds, kilobytes = subprocess.check_output([sys.executable, "-c", script, tmp_path], cwd=root).split()
    assert float(seconds) < 1 and int(kilobytes) * 1024 < 200e6  # Python and NumPy included


@pytest.mark.parametrize("name", ["missing.mid", "", "null\0.mid"])
def test_what_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(midi.MidiError, match="cannot be opened.*; check the name"):
        midi.read_midi(f"{tmp_path}/{name}")


@pytest.mark.parametrize("convert", [midi.notes_to_midi, midi.notes_to_roll])
@pytest.mark.parametrize(
    "note",
    [
        (np.nan, 1, 60, 90, 0),
        (-1, 1, 60, 90, 0),
        (2, 1, 60, 90, 0),
        (0, np.inf, 60, 90, 0),
        (0, 1, 128, 90, 0),
        (0, 1, 60, 90, -1),
    ],
)
def test_impossible_notes_are_refused(convert, note):
    with pytest.raises(ValueError, match="1 of 2 notes are out of range.*; keep 0 <= start"):
        convert(np.array([(0, 1, 60, 90, 0), note], midi.NOTE))


@pytest.mark.parametrize("roll", [np.zeros((128, 16)), np.zeros(128), np.full((16, 128), 3)])
def test_what_is_no_roll_is_refused(roll):
    with pytest.raises(ValueError, match="a piano roll .*; "):
        midi.roll_to_notes(roll)


def other_writers(chorale):
    """The chorale as other programs write it: type 0; running status, odd divisions and pedal; drums and text."""
    notes, meta = chorale
    ours = mido.MidiFile(file=io.BytesIO(midi.notes_to_midi(notes, meta=meta)))
    one_track = mido.MidiFile(type=0, ticks_per_beat=480, tracks=[ours.merged_track])
    running = mido.MidiFile(type=1, ticks_per_beat=96)
    for track in ours.tracks[1:]:
        body = [message.copy(time=message.time // 5) for message in track]
        for index, message in enumerate(body):
            if message.type == "note_off":  # as note_on it needs no status byte of its own
                body[index] = mido.Message.from_dict({**message.dict(), "type": "note_on", "velocity": 0})
        running.tracks.append(mido.MidiTrack([mido.Message("control_change", control=64, value=127), *body]))
    rich = mido.MidiFile(type=1, ticks_per_beat=480, tracks=list(ours.tracks))
    rich.add_track("Drums").extend(mido.Message("note_on", channel=9, note=36, time=480) for _ in range(4))
    rich.add_track("Text").extend(
        [
            mido.Message("sysex", data=(1, 2, 3)),
            mido.Message("program_change", program=19),
            mido.Message("pitchwheel", pitch=100, time=99),
            mido.MetaMessage("lyrics", text="Wachet auf", time=20),
            mido.MetaMessage("smpte_offset"),
            mido.MetaMessage("sequencer_specific", data=(0, 200, 255)),
        ]
    )
    for file in (one_track, running, rich):
        stream = io.BytesIO()
        file.save(file=stream)
        yield stream.getvalue()


def test_other_writers_give_the_same_music(read, chorale):
    for data in other_writers(chorale):
        np.testing.assert_array_equal(midi.notes_to_roll(read(data)[0]), midi.notes_to_roll(chorale[0]))


def damage(data, rng):
    """Change 1 to 3 places: a byte, a bit, a few bytes cut out, repeated or put in, or the end lost."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 9))
        few = data[at : at + length]
        start, stop, new = [
            (at, at + 1, rng.bytes(1)),
            (at, at + 1, bytes([data[at] ^ 1 << rng.integers(8)])),
            (at, at + length, b""),
            (at, at, few),
            (at, at, rng.bytes(length)),
            (at, None, b""),
        ][rng.choice(6, p=[0.4, 0.3, 0.1, 0.1, 0.08, 0.02])]
        data[start:stop] = new
        data = data or bytearray(1)
    return bytes(data)


def damage_one_track(data, rng):
    """Damage the events of one track and keep the sizes right, so that the reader reaches them."""
    _, *tracks = data.split(b"MTrk")
    tracks = [track[4:] for track in tracks]
    index = rng.integers(len(tracks))
    tracks[index] = damage(tracks[index], rng)
    return midi_bytes(*tracks, kind=data[9], division=int.from_bytes(data[12:14]))


def test_two_thousand_mutants_are_read_or_refused(read, chorale):
    rng = np.random.default_rng(0)
    notes, meta = chorale
    sources = [midi.notes_to_midi(notes, meta=meta), midi.notes_to_midi(notes[:4]), *other_writers(chorale)]
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for index in range(2_000):
            mutate = damage if index % 2 else damage_one_track
            try:
                notes, meta = read(mutate(sources[index % len(sources)], rng))
            except midi.MidiError:
                refused += 1
            else:
                assert len(notes) and (notes["start"] < notes["end"]).all()
                midi.notes_to_midi(notes, meta=meta)
    assert 20 < refused < 400  # most damage costs a track at most
