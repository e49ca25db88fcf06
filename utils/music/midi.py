"""MIDI file <-> notes <-> piano roll, in quarter notes; owns the pitch range and the steps per quarter."""

import io
import re
import struct
from collections import defaultdict, deque
from typing import NamedTuple

import mido
import numpy as np
from mido.midifiles import meta as mido_meta

from utils import files

STEPS_PER_QUARTER = 4  # a frame of the piano roll is a sixteenth
NUM_PITCHES = 128
TICKS_PER_QUARTER = 480  # of the files we write
TEMPO = 120.0  # quarter notes a minute: what MIDI means where a file names no tempo
VELOCITY = 90
DRUM_CHANNEL = 9  # channel 10 in the standard, which counts from 1
NOTE = np.dtype([("start", "f8"), ("end", "f8"), ("pitch", "u1"), ("velocity", "u1"), ("part", "i2")])  # quarter notes

MAX_BYTES = 300_000  # mido needs 2 microseconds a byte; at 3 bytes or more a note this also bounds the notes
MAX_HIGH_BYTES = 4_096  # in a row: mido reads a number without an end in quadratic time
MAX_QUARTERS = 20_000  # two and three quarter hours at tempo 120


class MidiError(ValueError):
    """A file that cannot be read as MIDI; the message names file, fault and remedy."""


class Meta(NamedTuple):
    """What a MIDI file says beside its notes; a moment is counted in quarter notes from the start."""

    time_signatures: tuple = ()  # (quarter, numerator, denominator)
    key_signatures: tuple = ()  # (quarter, "Gm"), as mido spells keys
    tempos: tuple = ()  # (quarter, quarter notes a minute)
    markers: tuple = ()  # (quarter, text); a fermata is a marker "fermata"
    part_names: tuple = ()  # one string a part


NO_META = Meta()


class _OtherMeta(mido_meta.MetaSpec):
    """A meta event of a type that mido does not know: its content is ignored, its time is kept."""

    attributes, defaults = ["data"], [()]

    def decode(self, message, data):
        message.data = tuple(data)


# Left alone, mido (1.3.3) forgets the delta time of such an event, and the rest of its track comes too early.
for _type in range(256):
    if isinstance(mido_meta.build_meta_message(_type, [0] * 8), mido.UnknownMetaMessage):
        mido_meta.add_meta_spec(type(f"MetaSpec_other_{_type}", (_OtherMeta,), {"type_byte": _type}))


def read_midi(path):
    """Read a standard MIDI file of type 0 or 1: its notes, and what it says beside them.

    A part is a track with notes (type 1) or a channel with notes (type 0), numbered in the order of the file. Of
    notes of one pitch and channel that overlap, the first to begin is the first to end; a note without an end lasts
    to the end of its track, and every note one tick at least. The drum channel is left out. The sustain pedal is
    ignored: a note ends where its key is released. Of two signatures or tempos at one moment the last counts.

    Args: path: str or Path of a file of at most MAX_BYTES bytes and MAX_QUARTERS quarter notes.
    Returns: notes: NOTE (notes,), sorted by start, pitch, part; meta: Meta.
    Raises: MidiError for a file that cannot be opened, is damaged, too large, too long, or without notes.
    Source: Standard MIDI Files 1.0, MIDI Manufacturers Association. Notebook: 01.
    """
    file = _parse(path)
    events = _events(file, path)
    waiting, track_ends, rows = defaultdict(deque), {}, []
    for tick, track, message in events:
        track_ends[track] = tick
        if message.type not in ("note_on", "note_off") or message.channel == DRUM_CHANNEL:
            continue
        key = message.note, track, message.channel
        if message.type == "note_on" and message.velocity:
            waiting[key].append((tick, message.velocity))
        elif waiting[key]:
            rows.append((*waiting[key].popleft(), tick, *key))
    for key, endless in waiting.items():
        rows += [(*onset, track_ends[key[1]], *key) for onset in endless]
    if not rows:
        raise _error(path, "it has no notes (drums aside)", "choose a file with a melodic part")

    start, velocity, end, pitch, track, channel = np.array(rows).T
    sources, part = np.unique(channel if file.type == 0 else track, return_inverse=True)
    notes = np.empty(len(rows), NOTE)
    notes["start"], notes["end"] = np.array([start, np.maximum(end, start + 1)]) / file.ticks_per_beat
    notes["pitch"], notes["velocity"], notes["part"] = pitch, velocity, part
    part_names = [file.tracks[0 if file.type == 0 else source].name for source in sources]
    return notes[np.lexsort((part, pitch, start))], _meta(events, file.ticks_per_beat, part_names)


def midi_to_notes(path):
    """Read the notes of a MIDI file; `read_midi` gives its signatures, tempos and markers too.

    Args: path: str or Path. Returns: NOTE (notes,), sorted by start, pitch, part. Raises: MidiError. Notebook: 01.
    """
    return read_midi(path)[0]


def _error(path, fault, remedy):
    return MidiError(f"{path}: {fault}; {remedy}.")


def _parse(path):
    """Refuse what header and chunk sizes give away, then let mido read the tracks."""
    again = "copy or export it again"
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise _error(path, f"it cannot be opened ({error})", "check the name, and that it is a file") from error
    name, header_size, kind, num_tracks, division = struct.unpack_from(">4sLHHH", data.ljust(14, b"\0"))
    for wrong, fault, remedy in [
        (not data, "it is empty", again),
        (len(data) > MAX_BYTES, f"it has more than {MAX_BYTES:,} bytes", "cut it into shorter pieces"),
        (name != b"MThd", "it is no MIDI file (no MThd at its start)", "export it as a standard MIDI file"),
        (len(data) < 14, "its header is cut short", again),
        (kind > 1, f"it is of type {kind}", "export it as type 0 or 1"),
        (division == 0, "its division is 0 ticks a quarter note", "export it with 480"),
        (division >= 0x8000, "its division counts SMPTE frames", "export it with ticks a quarter note"),
        (re.search(rb"[\x80-\xff]{%d}" % MAX_HIGH_BYTES, data), f"{MAX_HIGH_BYTES:,} bytes over 127 in a row", again),
    ]:
        if wrong:
            raise _error(path, fault, remedy)
    chunks, position = [struct.pack(">4sLHHH", b"MThd", 6, kind, num_tracks, division)], 8 + header_size
    while len(chunks) <= num_tracks:
        if position + 8 > len(data):
            raise _error(path, f"it claims {num_tracks} tracks and holds {len(chunks) - 1}", again)
        name, size = struct.unpack_from(">4sL", data, position)
        chunk = data[position : position + 8 + size]
        if len(chunk) < 8 + size:
            raise _error(path, f"track {len(chunks)} is cut short", again)
        if name == b"MTrk":  # the standard asks readers to pass over any other chunk
            chunks.append(chunk)
        position += 8 + size
    try:
        return mido.MidiFile(file=io.BytesIO(b"".join(chunks)))
    except (EOFError, OSError, LookupError, ValueError, mido.KeySignatureError) as error:
        raise _error(path, f"an event is damaged ({error!r})", "export it again from a notation program") from error


def _events(file, path):
    """List (tick, track, message), one track after another."""
    events, limit = [], MAX_QUARTERS * file.ticks_per_beat
    for index, track in enumerate(file.tracks):
        tick = 0
        for message in track:
            tick += message.time  # an int of any size: compared before it may become a float
            if tick >= limit:
                raise _error(path, f"it is longer than {MAX_QUARTERS:,} quarter notes", "cut it into shorter pieces")
            no_tempo = message.type == "set_tempo" and message.tempo == 0
            no_metre = message.type == "time_signature" and not (message.numerator and message.denominator <= 64)
            if no_tempo or no_metre:
                raise _error(path, f"it holds an impossible {message}", "export it with a tempo and metre that exist")
            events.append((tick, index, message))
    return events


def _meta(events, ticks_per_quarter, part_names):
    """Gather signatures, tempos and markers, each in order of time."""

    def timeline(kind, values):
        latest = {tick: values(message) for tick, _, message in events if message.type == kind}
        return tuple((tick / ticks_per_quarter, *latest[tick]) for tick in sorted(latest))

    markers = {(tick / ticks_per_quarter, message.text) for tick, _, message in events if message.type == "marker"}
    return Meta(
        time_signatures=timeline("time_signature", lambda message: (message.numerator, message.denominator)),
        key_signatures=timeline("key_signature", lambda message: (message.key,)),
        tempos=timeline("set_tempo", lambda message: (mido.tempo2bpm(message.tempo),)),
        markers=tuple(sorted(markers)),
        part_names=tuple(part_names),
    )


def notes_to_midi(notes, path=None, meta=NO_META):
    """Write notes as a standard MIDI file of type 1: a conductor track, then one track a part.

    Moments go to the nearest of 480 ticks a quarter; a note lasts one tick at least; velocities are held to 1..127. The
    tracks end one second (at the last tempo) after the last event, so that a renderer keeps the release. An upbeat is
    a first time signature as long as the upbeat: 1/4 at 0, then 3/4 at the first barline. No notes: a silent file.

    Args: notes: NOTE (notes,) in any order. path: str or Path, written in one step, or None. meta: Meta.
    Returns: bytes, the whole file.
    Raises: ValueError for notes outside the ranges of NOTE, and for a key, metre or tempo that MIDI cannot hold.
    Source: Standard MIDI Files 1.0, MIDI Manufacturers Association. Notebook: 01.
    """
    notes = _checked(notes)
    names = dict(enumerate(meta.part_names))
    tracks = [_conductor_events(meta)]
    for part in np.unique(notes["part"]).tolist():
        title = [(0, mido.MetaMessage("track_name", name=_latin(names[part])))] if names.get(part) else []
        tracks.append(title + _note_events(notes[notes["part"] == part], channel=part % 15))
    release = _ticks((meta.tempos[-1][1] if meta.tempos else TEMPO) / 60)
    end = max((events[-1][0] for events in tracks if events), default=0) + release
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    for events in tracks:
        events.append((end, mido.MetaMessage("end_of_track")))
        now = 0
        for tick, message in events:
            message.time, now = tick - now, tick
        file.tracks.append(mido.MidiTrack(message for _, message in events))
    stream = io.BytesIO()
    file.save(file=stream)
    if path is not None:
        with files.whole(path) as temporary:
            temporary.write_bytes(stream.getvalue())
    return stream.getvalue()


def _ticks(quarters):
    return np.rint(np.multiply(quarters, TICKS_PER_QUARTER)).astype(int).tolist()


def _latin(text):
    return text.encode("latin1", "replace").decode("latin1")  # the characters that mido writes


def _conductor_events(meta):
    """List (tick, message) of what concerns every part, in order of time."""
    build = mido.MetaMessage
    events = [(at, build("time_signature", numerator=n, denominator=d)) for at, n, d in meta.time_signatures]
    events += [(at, build("key_signature", key=key)) for at, key in meta.key_signatures]
    events += [(at, build("set_tempo", tempo=mido.bpm2tempo(tempo))) for at, tempo in meta.tempos]
    events += [(at, build("marker", text=_latin(text))) for at, text in meta.markers]
    return [(_ticks(at), message) for at, message in sorted(events, key=lambda event: event[0])]


def _note_events(notes, channel):
    """List (tick, message) of one part in order of time; at one tick keys are released before others are struck."""
    starts, ends = _ticks(notes["start"]), _ticks(notes["end"])
    events = []
    for start, end, pitch, velocity in zip(starts, ends, notes["pitch"].tolist(), notes["velocity"].tolist()):
        events += [(start, "note_on", pitch, min(max(velocity, 1), 127)), (max(end, start + 1), "note_off", pitch, 0)]
    channel += channel >= DRUM_CHANNEL
    return [
        (tick, mido.Message(kind, channel=channel, note=pitch, velocity=velocity))
        for tick, kind, pitch, velocity in sorted(events)  # "note_off" < "note_on"
    ]


def _checked(notes):
    """Return notes as a NOTE array, or refuse those that no file and no piano roll can hold."""
    notes = np.asarray(notes, NOTE)
    in_time = (0 <= notes["start"]) & (notes["start"] <= notes["end"]) & (notes["end"] <= MAX_QUARTERS)  # NaN fails
    bad = notes[~(in_time & (notes["pitch"] < NUM_PITCHES) & (notes["part"] >= 0))]
    if len(bad):
        limits = f"0 <= start <= end <= {MAX_QUARTERS:,} quarter notes, pitch < {NUM_PITCHES} and part >= 0"
        raise ValueError(f"{len(bad)} of {len(notes)} notes are out of range, the first {bad[0]}; keep {limits}.")
    return notes


def notes_to_roll(notes, steps_per_quarter=STEPS_PER_QUARTER):
    """Draw notes on a grid, all parts on one sheet.

    Start and end go to the nearest step, halves up, and every note keeps one step at least. Notes of one pitch that
    overlap merge: each start stays an attack, and the pitch sounds until the last of them ends.

    Args: notes: NOTE (notes,) in any order. steps_per_quarter: frames a quarter note, int from 1.
    Returns: uint8 (frames, 128), 0 silent, 1 attacked, 2 held; frames reach to the last end.
    Raises: ValueError for notes outside the ranges of NOTE. Notebook: 01.
    """
    notes = _checked(notes)
    pitch = notes["pitch"]
    start = np.floor(notes["start"] * steps_per_quarter + 0.5).astype(int)
    end = np.maximum(np.floor(notes["end"] * steps_per_quarter + 0.5).astype(int), start + 1)
    keys_down = np.zeros((end.max(initial=0) + 1, NUM_PITCHES), "int32")
    np.add.at(keys_down, (start, pitch), 1)
    np.add.at(keys_down, (end, pitch), -1)
    roll = np.uint8(2) * (keys_down[:-1].cumsum(axis=0, dtype="int32") > 0)
    roll[start, pitch] = 1
    return roll


def roll_to_notes(roll, steps_per_quarter=STEPS_PER_QUARTER, velocity=VELOCITY):
    """Read notes off a piano roll, as one part; a held cell after silence counts as an attack, so that any roll sounds.

    Args: roll: integer (frames, 128), 0 silent, 1 attacked, 2 held. steps_per_quarter: frames a quarter note, int
        from 1. velocity: of every note, int 1..127.
    Returns: NOTE (notes,), sorted by start, pitch; silent frames at the end of the roll leave no trace.
    Raises: ValueError for another shape or another value. Notebook: 01.
    """
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != NUM_PITCHES:
        raise ValueError(f"a piano roll of shape {roll.shape}; give it as (frames, {NUM_PITCHES}), time first.")
    if not np.isin(roll, (0, 1, 2)).all():
        raise ValueError(f"a piano roll with values {roll.min()} to {roll.max()}; use 0 silent, 1 attacked, 2 held.")
    silence = np.zeros((1, NUM_PITCHES), bool)
    sounding = roll > 0
    attacked = sounding & ((roll == 1) | ~np.vstack([silence, sounding[:-1]]))
    carried_on = np.vstack([(sounding & ~attacked)[1:], silence])
    pitch, start = attacked.T.nonzero()  # pitch by pitch, where the n-th attack and the n-th end are one note's
    _, last = (sounding & ~carried_on).T.nonzero()
    notes = np.empty(len(start), NOTE)
    notes["start"], notes["end"] = start / steps_per_quarter, (last + 1) / steps_per_quarter
    notes["pitch"], notes["velocity"], notes["part"] = pitch, velocity, 0
    return notes[np.lexsort((pitch, start))]


def transpose(roll, semitones):
    """Shift a roll in pitch.

    Args: roll: uint8 (frames, 128). semitones: int, up if positive.
    Returns: a new roll of the same shape.
    Raises: ValueError when a note would leave MIDI's 128 pitches.
    Notebook: 01, "Keys and metres".
    """
    shifted = np.roll(roll, semitones, axis=1)
    if semitones and np.any(shifted[:, :semitones] if semitones > 0 else shifted[:, semitones:]):
        raise ValueError(f"{semitones:+d} semitones would push a note out of MIDI's range 0 to 127: transpose by less")
    return shifted


def upbeat_quarters(meta):
    """Measure the upbeat: a first time signature that after one of its bars makes way for one with longer bars.

    Args: meta: Meta. Returns: float, quarter notes before the first barline, 0.0 when the first bar is full.
    Notebook: 01.
    """
    if len(meta.time_signatures) < 2:
        return 0.0
    (start, beats, unit), (barline, full_beats, full_unit) = meta.time_signatures[:2]
    is_upbeat = start == 0 and barline == 4 * beats / unit < 4 * full_beats / full_unit
    return float(barline) if is_upbeat else 0.0


def main_metre(meta):
    """Name the metre of the first full bar, past the upbeat if there is one.

    Args: meta: Meta. Returns: (numerator, denominator), ints; (4, 4), the MIDI default, where the file names none.
    Notebook: 01.
    """
    if not meta.time_signatures:
        return 4, 4
    return tuple(meta.time_signatures[1 if upbeat_quarters(meta) else 0][1:])
