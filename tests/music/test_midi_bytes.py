"""The bytes of MIDI files: what damage costs, and what it does not."""

import struct
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.music import midi, midi_bytes

law = settings(database=None, deadline=None)

END = b"\x00\xff\x2f\x00"
WRONG = {  # an event that cannot be, after its time; and what it is counted as
    b"\xff\x59\x02\x08\x00": "key signature",
    b"\xff\x59\x02\x00\x02": "key signature",
    b"\xff\x59\x00": "key signature",
    b"\xff\x59\x01\x01": "key signature",
    b"\xff\x59\x03\x00\x00\x00": "key signature",
    b"\xff\x58\x04\x00\x02\x18\x08": "time signature",
    b"\xff\x58\x04\x04\x07\x18\x08": "time signature",
    b"\xff\x58\x00": "time signature",
    b"\xff\x58\x02\x04\x02": "time signature",
    b"\xff\x51\x03\x00\x00\x00": "tempo",
    b"\xff\x51\x00": "tempo",
    b"\xff\x51\x02\x07\xa1": "tempo",
    b"\xff\x54\x05\x60\x3c\x3c\x1f\x63": "SMPTE offset",
    b"\xff\x54\x01\x60": "SMPTE offset",
    b"\xff\x00\x01\x00": "sequence number",
    b"\xb0\xff\xff": "data byte over 127",
    b"\xb0\x07\x80": "data byte over 127",
    b"\xc0\x80": "data byte over 127",
    b"\xd0\xff": "data byte over 127",
    b"\xe0\x00\xff": "data byte over 127",
    b"\xa0\x3c\x90": "data byte over 127",
    b"\x90\x80\x40": "data byte over 127",
    b"\x80\xff\x00": "data byte over 127",
    **{
        bytes([status]) + bytes(size): "status byte that no file should hold"
        for status, size in [
            (0xF1, 1),
            (0xF2, 2),
            (0xF3, 1),
            *((status, 0) for status in (0xF4, 0xF5, 0xF6, *range(0xF8, 0xFF))),
        ]
    },
    b"\xf0\x7e\x7f\x09\x01\xf7": "size of a system message",
    b"\xf0\x05\x41\xf7": "size of a system message",
}
HARMLESS = [  # what a file may hold beside notes, whatever it says
    b"\xff\x59\x02\xfb\x01",
    b"\xff\x58\x04\x06\x03\x24\x08",
    b"\xff\x51\x03\x07\xa1\x20",
    b"\xff\x54\x05\x60\x03\x04\x05\x06",
    *(b"\xff%c\x04\xff\xfe\x00\x80" % kind for kind in range(1, 16)),
    b"\xff\x05\x00",
    b"\xff\x20\x02\x09\x09",
    b"\xff\x21\x00",
    b"\xff\x60\x01\x00",
    b"\xff\x7f\x00",
    b"\xff\x80\x01a",
    b"\xff\xff\x00",
    b"\xff\x01\x08ab" + b"MTrk12",
    b"\xf0\x03\x43\x12\xf7",
    b"\xf0\x02\x43\x12",
    b"\xf7\x03\x90\x3c\x40",
    b"\xf0\x00",
    b"\xf0\x05\x41\xf7\xf0\x42\xf7",
    b"\xb0\x40\x7f",
    b"\xc0\x13",
    b"\xd0\x01",
    b"\xe0\x00\x40",
    b"\xa0\x3c\x01",
]


def chunk(events, name=b"MTrk", size=None):
    return name + struct.pack(">L", len(events) if size is None else size) + events


def head(num_tracks=1, kind=1, division=96, size=6, more=b""):
    return b"MThd" + struct.pack(">L3H", size, kind, num_tracks, division) + more


def events(*pitches):
    """The events of notes of a quarter each, one after another."""
    return b"".join(b"\x00\x90%c\x50\x60\x80%c\x00" % (pitch, pitch) for pitch in pitches)


def parse(data):
    """(start, pitch, track) of all notes, in order of time in each track; and what was skipped."""
    _, division, tracks, skipped = midi_bytes.parse(data, midi.MAX_QUARTERS)
    rows = [
        (row[0] / division, row[3], number)
        for number, track in enumerate(tracks)
        for row in sorted(zip(*[iter(track.notes)] * 5))
    ]
    return rows, skipped


A, B, C = events(60, 62, 64), events(72, 74), events(48)
NOTES_A = [(0, 60, 0), (1, 62, 0), (2, 64, 0)]
NOTES_B = [(0, 72, 1), (1, 74, 1)]
NOTES_C = [(0, 48, 2)]
ALL = NOTES_A + NOTES_B + NOTES_C


# Laws


@law
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([*WRONG, *HARMLESS]), st.integers(0, 300)), max_size=12))
def test_what_is_no_note_costs_no_note_and_keeps_its_time(others):
    clock, body, wanted, kinds = 0, b"", [], Counter()
    for number, pitch in enumerate((60, 62, 64)):
        for _, event, delta in (each for each in others if each[0] == number):
            body += (bytes([128 | delta >> 7]) if delta > 127 else b"") + bytes([delta & 127]) + event
            clock += delta
            kinds.update([WRONG[event]] if event in WRONG else [])
        body += events(pitch)
        wanted.append((clock / 96, pitch, 0))
        clock += 96
    assert parse(head() + chunk(body + END)) == (wanted, kinds)


@law
@given(
    st.lists(st.sampled_from(["right", 0, 1, 7, 20, 1_000, 2**32 - 1, "next", "all"]), min_size=3, max_size=3),
    st.sampled_from([b"", END]),
    st.integers(0, 5) | st.just(65_535),
    st.sampled_from([b"", b"\x00", b"?!? what is this"]),
)
def test_sizes_and_counts_cost_nothing(sizes, end, num_tracks, between):
    bodies = [body + end for body in (A, B, C)]
    following = [0, 0]
    for body in bodies[::-1]:
        following.append(following[-1] + 8 + len(body) + len(between))
    data = head(num_tracks)
    for number, (body, size) in enumerate(zip(bodies, sizes)):
        swallowed = {"right": 0, "next": following[4 - number] - following[3 - number], "all": following[4 - number]}
        data += chunk(body, size=len(body) + swallowed[size] if isinstance(size, str) else size) + between
    if end or not between:  # else nothing says where a track ends
        assert parse(data)[0] == ALL


@law
@given(st.binary(max_size=200), st.sampled_from([b"", head(), head() + b"MTrk", head() + chunk(b"", size=200)]))
def test_any_bytes_are_read_or_refused_in_a_sentence(data, start):
    try:
        parse(start + data)
    except midi_bytes.Damage as error:
        assert "; " in str(error) or "cut it" in str(error)


@law
@given(st.integers(0, 500), st.integers(0, 40))
def test_a_wrapper_changes_nothing(before, after):
    data = head(3) + chunk(A + END) + chunk(B + END) + chunk(C + END)
    notes, skipped = parse(bytes(before) + data + bytes(after))
    assert notes == ALL and skipped == Counter({"wrapper": 1} if before else {})


# Values worked by hand


def rmid(data, before=b"", after=b""):
    body = b"RMID" + before + b"data" + struct.pack("<L", len(data)) + data + bytes(len(data) % 2) + after
    return b"RIFF" + struct.pack("<L", len(body)) + body


def macbinary(data, resources=b""):
    start = b"\0\5a.mid".ljust(65, b"\0") + b"Midi".ljust(18, b"\0") + struct.pack(">LL", len(data), len(resources))
    return start.ljust(128, b"\0") + data + bytes(-len(data) % 128) + resources


@pytest.mark.parametrize("text", [b"", b"a"])  # an odd and an even number of bytes
def test_rmid_and_macbinary_with_what_else_they_hold(text):
    data = head(2) + chunk(b"\x00\xff\x01%c" % len(text) + text + A + END) + chunk(B + END)
    names = b"LIST" + struct.pack("<L", 20) + b"INFOINAM" + struct.pack("<L", 8) + b"MThdMTrk"
    for wrapped in (
        rmid(data),
        rmid(data, before=names),
        rmid(data, after=names),
        macbinary(data),
        macbinary(data, names),
    ):
        assert parse(wrapped) == (NOTES_A + NOTES_B, Counter({"wrapper": 1}))


@pytest.mark.parametrize(
    "header",
    [
        head(3, size=8, more=b"xx"),
        head(3, size=5),
        head(3, size=0),
        head(3, size=2**32 - 1),
        head(3, kind=3),
        head(3, kind=0),
        head(1),
        head(0),
        head(9),
        head(3) + b"junk\xff\xff",
        head(3) + chunk(b"anything", b"XFIH"),
    ],
    ids=range(11),
)
def test_a_header_that_is_wrong_or_long_costs_nothing(header):
    assert parse(header + chunk(A + END) + chunk(B + END) + chunk(C + END))[0] == ALL


def test_bytes_between_and_after_tracks_cost_nothing_and_are_counted():
    notes, skipped = parse(head(2) + chunk(A + END) + b"junk!" + chunk(B + END) + b"\xff\xfe" * 50)
    assert notes == NOTES_A + NOTES_B and skipped == {"bytes outside of tracks": 2}
    notes, skipped = parse(head(2) + chunk(A + END + b"more") + chunk(B + END))
    assert notes == NOTES_A + NOTES_B and skipped == {"bytes after the end of a track": 1}


def test_running_status_makes_no_chunk_of_notes():
    """Letters and digits are pitches, velocities and times too; a size that ends among them is wrong."""
    body = b"\x00\x90" + b"".join(b"%c\x50\x30" % (0x41 + place) for place in range(20)) + b"\xff\x2f\x00"
    for size in range(2, len(body)):
        notes, skipped = parse(head(2) + chunk(body, size=size) + chunk(B + END))
        assert len(notes) == 22 and skipped == {"size of a track": 1}


def test_damage_costs_at_most_its_track():
    broken = b"\x00\x3c\x50"  # data bytes, and no status before them
    for damaged, left in [
        (broken + A, []),
        (A + broken[:2], NOTES_A),
        (A + b"\x00\xff\x01\x7f", NOTES_A),
        (A[:-2], NOTES_A),
        (b"\x00\x90\x3c", []),
    ]:
        notes, skipped = parse(head(2) + chunk(damaged) + chunk(B + END))
        assert notes[: len(left)] == left and [pitch for _, pitch, _ in notes[len(left) :]] == [72, 74]
        assert skipped["damaged track"] + skipped["end of a damaged track"] == 1


def test_a_cut_file_keeps_what_is_there():
    data = head(2) + chunk(A + END) + chunk(B + END)
    assert [parse(data[:-cut])[0] for cut in (4, 8)] == [NOTES_A + NOTES_B] * 2
    assert [parse(data[:-cut])[0] for cut in (12, 28)] == [NOTES_A + NOTES_B[:1], NOTES_A]


def test_velocities_over_127_are_held_to_it():
    _, _, tracks, skipped = midi_bytes.parse(head() + chunk(b"\x00\x90\x3c\xff\x60\x80\x3c\xff" + END), 100)
    assert list(tracks[0].notes) == [0, 127, 96, 60, 0] and skipped == {"velocity over 127": 2}


@pytest.mark.parametrize(
    "division, quarters", [(0xE728, 96 / 500), (0xE250, 96 / 1200), (0xE800, 8), (0xFFFF, 96 / 127.5)]
)
def test_smpte_frames_count_at_tempo_120(division, quarters):
    notes, skipped = parse(head(division=division) + chunk(A + END))
    assert notes[1][0] == pytest.approx(quarters) and skipped == {"division in SMPTE frames": 1}


def test_drums_are_counted_and_channels_kept():
    _, _, tracks, skipped = midi_bytes.parse(
        head(kind=0) + chunk(b"\x00\x99\x24\x50\x00\x93\x3c\x50\x60\x83\x3c\x00" + END), 100
    )
    assert list(tracks[0].notes) == [0, 80, 96, 60, 3] and skipped == {"drum note": 1}


def test_a_last_moment_that_is_absurd_lengthens_no_note():
    far = b"\xff\xff\xff\x7f\xff\x2f\x00"
    _, _, tracks, _ = midi_bytes.parse(head() + chunk(b"\x00\x90\x3c\x50\x60\x90\x3e\x50\x60\x80\x3e\x00" + far), 100)
    assert [tracks[0].notes[place] for place in (2, 7)] == [192, 192]


# What is refused


@pytest.mark.parametrize(
    "data, fault",
    [
        (b"", "no MThd"),
        (b"text", "no MThd"),
        (bytes(2_000) + head(), "no MThd"),
        (head()[:13], "cut short"),
        (head(kind=2) + chunk(A), "type 2"),
        (head(division=0) + chunk(A), "division is 0"),
        (head() + chunk(b"\xff\xff\xff\x7f\x90\x3c\x50"), "longer than 20,000"),
        (head() + chunk(END) * 2_001, "more than 2,000 tracks"),
        (rmid(b"no score"), "no MThd"),
    ],
    ids=range(9),
)
def test_what_is_no_file_is_refused_with_fault_and_remedy(data, fault):
    with pytest.raises(midi_bytes.Damage, match=f"{fault}.*; (copy|export|cut)"):
        parse(data)


def test_more_wrong_than_right_is_noise():
    assert parse(head() + chunk(A + b"\x00\xff\x59\x00" * 900 + END))[1] == {"key signature": 900}
    assert parse(head() + chunk(A + b"\x00\xff\x59\x00" * 1_100 + END))[0] == []
