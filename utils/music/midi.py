"""MIDI file <-> notes <-> piano roll, in quarter notes; owns the pitch range and the steps per quarter."""

import io
import json
import zlib
from typing import NamedTuple

import mido
import numpy as np

from utils import files
from utils.music import midi_bytes

STEPS_PER_QUARTER = 4  # a frame of the piano roll is a sixteenth
NUM_PITCHES = 128
TICKS_PER_QUARTER = 480  # of the files we write
TEMPO = 120.0  # quarter notes per minute: MIDI's default where a file names no tempo
VELOCITY = 90
NOTE = np.dtype([("start", "f8"), ("end", "f8"), ("pitch", "u1"), ("velocity", "u1"), ("part", "i2")])  # quarter notes

MAX_BYTES = 2_500_000  # of a file: half a million notes, read in seconds; a symphony has a tenth of that
MAX_QUARTERS = 20_000  # 2.8 hours at tempo 120
ROUNDED = 1 / 32  # quarter notes: coarse ticks shift a barline by less than this
RARE = 1 / 3  # share of the time: if the first metre of a piece takes less, it is not the main one
KEYS = ("Cb Gb Db Ab Eb Bb F C G D A E B F# C#".split(),  # signatures by sharps, from -7 to 7: major, minor
        "Abm Ebm Bbm Fm Cm Gm Dm Am Em Bm F#m C#m G#m D#m A#m".split())
OWN_FACTS = b"\x7d" + b"bach facts 1 "  # marks the event that only we write; 7D is for schools and tests


class MidiError(ValueError):
    """A file that cannot be read as MIDI; the message names the file, the fault and the remedy."""


class Meta(NamedTuple):
    """What a file says besides its notes; times are in quarter notes from the start.

    MIDI has no event for fermatas, repeats and score. `notes_to_midi` writes them in a form of our own, and `read_midi`
    accepts them if the notes have not changed.
    """

    time_signatures: tuple = ()  # (quarter, numerator, denominator)
    key_signatures: tuple = ()  # (quarter, "Gm"), as mido spells keys
    tempos: tuple = ()  # (quarter, quarter notes per minute)
    markers: tuple = ()  # (quarter, text)
    part_names: tuple = ()  # one string per part
    fermatas: tuple = ()  # quarters
    repeats: tuple = ()  # (start, end) of each section that is played twice
    score: str = ""  # the file of music21's corpus that was exported
    skipped: tuple = ()  # (kind, count) of what was skipped in the file


NO_META = Meta()


def read_midi(path):
    """Read a standard MIDI file of type 0 or 1: its notes, and what it says besides them.

    A part is what one track has on one channel. Parts are numbered in the order of the file. If notes of one pitch and
    channel overlap, the first to begin is the first to end. A note without an end lasts to the end of its track. Every
    note lasts at least one tick. The sustain pedal is ignored: a note ends where its key is released. Of two signatures
    or tempos at one time the last counts. The drum channel, impossible signatures, and damaged events and tracks are
    skipped and counted in Meta.skipped; they never make a file unreadable.

    Args: path: str or Path of a file of at most MAX_BYTES bytes and MAX_QUARTERS quarter notes.
    Returns: notes: NOTE (notes,), sorted by start, pitch, part; meta: Meta.
    Raises: MidiError for a file that cannot be opened, is not a MIDI file, is too large or too long, or has no notes.
    Source: Standard MIDI Files 1.0, MIDI Manufacturers Association. Notebook: 01.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: the name has a null character
        raise MidiError(f"{files.shown(path)}: it cannot be opened ({error}); check the name, and that it is a file."
                        ) from error
    if not data:
        raise MidiError(f"{files.shown(path)}: it is empty; copy or export it again.")
    if len(data) > MAX_BYTES:
        raise MidiError(f"{files.shown(path)}: it has more than {MAX_BYTES:,} bytes; cut it into shorter pieces.")
    try:
        kind, ticks_per_quarter, tracks, skipped = midi_bytes.parse(data, MAX_QUARTERS)
    except midi_bytes.Damage as error:
        raise MidiError(f"{files.shown(path)}: {error}.") from error
    rows = np.concatenate([np.empty((0, 6), int), *(_rows(number, track) for number, track in enumerate(tracks))])
    if not len(rows):
        lost = f"{_counts(skipped)} skipped" if skipped else "no note outside the drums"
        raise MidiError(f"{files.shown(path)}: it has no notes ({lost}); choose a file with a melodic part, or export "
                        "it again.")
    start, velocity, end, pitch, channel, track = rows.T
    sources, part = np.unique(track * 16 + channel, return_inverse=True)
    notes = np.empty(len(rows), NOTE)
    notes["start"], notes["end"] = np.array([start, np.maximum(end, start + 1)]) / ticks_per_quarter
    notes["pitch"], notes["velocity"], notes["part"] = pitch, velocity, part
    notes = notes[np.lexsort((part, pitch, start))]
    return notes, _meta(tracks, ticks_per_quarter, notes, _part_names(tracks, sources), skipped)


def midi_to_notes(path):
    """Read the notes of a MIDI file; `read_midi` gives its signatures, tempos and markers too.

    Args: path: str or Path. Returns: NOTE (notes,), sorted by start, pitch, part. Raises: MidiError. Notebook: 01.
    """
    return read_midi(path)[0]


def _rows(number, track):
    """The notes of a track as rows of start, velocity, end, pitch, channel, track."""
    rows = np.frombuffer(track.notes, np.int64).reshape(-1, 5)
    return np.column_stack([rows, np.full(len(rows), number)])


def _counts(skipped):
    """Describe what was skipped: "2 x tempo, 1 x key signature"."""
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(dict(skipped).items()))


def _text(data):
    """Decode text as UTF-8, as programs write it today, or as Latin-1, as they did when the standard was made."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin1")


def _part_names(tracks, sources):
    """Name each part by its track, and also by its channel if the track has several."""
    names, channels = [], np.bincount(sources // 16)
    for source in sources.tolist():
        number = source // 16
        title = next((_text(data) for _, kind, data in tracks[number].metas if kind == midi_bytes.TRACK_NAME), "")
        names.append(f"{title} (channel {source % 16 + 1})".strip() if channels[number] > 1 else title)
    return tuple(names)


def _meta(tracks, ticks_per_quarter, notes, part_names, skipped):
    """Collect signatures, tempos, markers and our own facts, each in order of time."""
    metas = [meta for track in tracks for meta in track.metas]

    def timeline(kind, values):
        latest = {tick: values(data) for tick, found, data in metas if found == kind}
        return tuple((tick / ticks_per_quarter, *latest[tick]) for tick in sorted(latest))

    markers = {(tick / ticks_per_quarter, _text(data)) for tick, kind, data in metas if kind == midi_bytes.MARKER}
    meta = Meta(
        time_signatures=timeline(midi_bytes.METRE, lambda data: (data[0], 1 << data[1])),
        key_signatures=timeline(midi_bytes.KEY_SIGNATURE, lambda data: (KEYS[data[1]][(data[0] + 7) % 256],)),
        tempos=timeline(midi_bytes.TEMPO_CHANGE, lambda data: (mido.tempo2bpm(int.from_bytes(data)),)),
        markers=tuple(sorted(markers)),
        part_names=part_names,
        skipped=tuple(sorted(skipped.items())),
    )
    ours = [data for _, kind, data in metas if kind == midi_bytes.OWN and data.startswith(OWN_FACTS)]
    return meta._replace(**_read_facts(ours[0][len(OWN_FACTS):], notes)) if len(ours) == 1 else meta


# ---------------------------------------------------------------------------------------------- facts of our own
# MIDI has no word for a fermata or a repeat. We write them as one event for sequencers, under the number that the
# standard keeps for schools, with a checksum of the notes: who moves a note also loses the facts.


def _checksum(notes):
    """Name the notes by what is struck when: int."""
    struck = np.unique(np.stack([_ticks(notes["start"]), notes["pitch"].astype(int)]), axis=1)
    return zlib.crc32(np.ascontiguousarray(struck, "<i8").tobytes())


def _write_facts(notes, meta):
    """The content of the event, bytes; empty if there are no facts."""
    facts = dict(fermatas=list(meta.fermatas), repeats=list(meta.repeats), score=meta.score)
    if not any(facts.values()):
        return b""
    return OWN_FACTS + json.dumps(facts | {"notes": _checksum(notes)}, separators=(",", ":")).encode("ascii")


def _read_facts(data, notes):
    """What the event says, as fields of Meta; nothing if it is damaged or belongs to other notes."""
    try:
        facts = json.loads(data)
        repeats = tuple((float(start), float(end)) for start, end in facts["repeats"])
        found = dict(fermatas=tuple(map(float, facts["fermatas"])), repeats=repeats, score=str(facts["score"]))
        moments = np.array([*found["fermatas"], *sum(repeats, ())])
        if facts["notes"] == _checksum(notes) and (0 <= moments).all() and (moments <= MAX_QUARTERS).all():
            return found
    except (ValueError, TypeError, LookupError, RecursionError):
        pass
    return {}


def notes_to_midi(notes, path=None, meta=NO_META):
    """Write notes as a standard MIDI file of type 1: a conductor track, then one track per part.

    Times are rounded to 480 ticks per quarter note. A note lasts at least one tick. Velocities are limited to 1..127.
    The tracks end one second (at the last tempo) after the last event, so that a renderer keeps the release. An upbeat
    is a first time signature as long as the upbeat: 1/4 at 0, then 3/4 at the first barline. Without notes the file is
    silent.

    Args: notes: NOTE (notes,) in any order. path: str or Path, written in one step, or None. meta: Meta.
    Returns: bytes, the whole file.
    Raises: ValueError for notes outside the ranges of NOTE, and for a key, metre or tempo that MIDI cannot hold.
    Source: Standard MIDI Files 1.0, MIDI Manufacturers Association. Notebook: 01.
    """
    notes = checked(notes)
    names = dict(enumerate(meta.part_names))
    tracks = [_conductor_events(meta, _write_facts(notes, meta))]
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


def _conductor_events(meta, facts):
    """List (tick, message) of what belongs to all parts, in order of time."""
    build = mido.MetaMessage
    events = [(0.0, build("sequencer_specific", data=facts))] if facts else []
    events += [(at, build("time_signature", numerator=n, denominator=d)) for at, n, d in meta.time_signatures]
    events += [(at, build("key_signature", key=key)) for at, key in meta.key_signatures]
    events += [(at, build("set_tempo", tempo=mido.bpm2tempo(tempo))) for at, tempo in meta.tempos]
    events += [(at, build("marker", text=_latin(text))) for at, text in meta.markers]
    return [(_ticks(at), message) for at, message in sorted(events, key=lambda event: event[0])]


def _note_events(notes, channel):
    """List (tick, message) of one part in order of time; in one tick, keys are released before others are struck."""
    starts, ends = _ticks(notes["start"]), _ticks(notes["end"])
    events = []
    for start, end, pitch, velocity in zip(starts, ends, notes["pitch"].tolist(), notes["velocity"].tolist()):
        events += [(start, "note_on", pitch, min(max(velocity, 1), 127)), (max(end, start + 1), "note_off", pitch, 0)]
    channel += channel >= midi_bytes.DRUM_CHANNEL
    return [
        (tick, mido.Message(kind, channel=channel, note=pitch, velocity=velocity))
        for tick, kind, pitch, velocity in sorted(events)  # "note_off" < "note_on"
    ]


def checked(notes):
    """Return notes as a NOTE array.

    Args: notes: midi.NOTE (notes,), or rows of its fields. Returns: NOTE (notes,).
    Raises: ValueError for notes that no file and no piano roll can hold.
    """
    notes = np.asarray(notes, NOTE)
    in_time = (0 <= notes["start"]) & (notes["start"] <= notes["end"]) & (notes["end"] <= MAX_QUARTERS)  # NaN fails
    bad = notes[~(in_time & (notes["pitch"] < NUM_PITCHES) & (notes["part"] >= 0))]
    if len(bad):
        limits = f"0 <= start <= end <= {MAX_QUARTERS:,} quarter notes, pitch < {NUM_PITCHES} and part >= 0"
        raise ValueError(f"{len(bad)} of {len(notes)} notes are out of range, the first {bad[0]}; keep {limits}.")
    return notes


def notes_to_roll(notes, steps_per_quarter=STEPS_PER_QUARTER):
    """Draw the notes of all parts on one grid.

    Start and end are rounded to the nearest step, halves up. Every note keeps at least one step. Overlapping notes of
    one pitch merge: each start stays an attack, and the pitch sounds until the last of them ends.

    Args: notes: NOTE (notes,) in any order. steps_per_quarter: frames per quarter note, int from 1.
    Returns: uint8 (frames, 128), 0 silent, 1 attacked, 2 held; the last frame is that of the last end.
    Raises: ValueError for notes outside the ranges of NOTE. Notebook: 01.
    """
    notes = checked(notes)
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
    """Read the notes of a piano roll, as one part; a held cell after silence counts as an attack, so any roll can
    sound.

    Args: roll: integer (frames, 128), 0 silent, 1 attacked, 2 held. steps_per_quarter: frames per quarter note, int
        from 1. velocity: of every note, int 1..127.
    Returns: NOTE (notes,), sorted by start, pitch; silent frames at the end of the roll are lost.
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
    """Find the upbeat in the time signatures, in any of the ways that programs write it.

    There are three ways: a first signature with one short bar is followed by one with longer bars; a second signature
    comes before the first bar is full; or the only signature is at the end of the upbeat.

    Args: meta: Meta. Returns: float, quarter notes before the first barline, 0.0 when the first bar is full. An upbeat
        written as a full bar that begins with silence needs the notes: see `grid.beginning`.
    Notebook: 01.
    """
    if not meta.time_signatures:
        return 0.0
    (start, beats, unit), *others = meta.time_signatures
    bar = 4 * beats / unit
    if start > 0:
        return float(start) if start < bar else 0.0
    if not others:
        return 0.0
    barline, full_beats, full_unit = others[0]
    return float(barline) if barline <= bar + ROUNDED and barline < 4 * full_beats / full_unit else 0.0


def main_metre(meta, end=None, begin=None):
    """Find the metre of the first full bar after the upbeat; if that metre is rare, find the metre of most bars.

    Args: meta: Meta. end: quarter notes to the end of the piece; None for the last time signature. begin: quarter notes
        to the first barline; None for the end of the upbeat.
    Returns: (numerator, denominator), ints; (4, 4), the MIDI default, if the file names none.
    Notebook: 01.
    """
    shares = metre_shares(meta, end, begin)
    first = next(iter(shares))
    return first if shares[first] >= RARE else max(shares, key=shares.get)


def metre_shares(meta, end=None, begin=None):
    """Compute each metre's share of the time from the first barline to the end.

    Args: as `main_metre`.
    Returns: dict from (numerator, denominator) to a share of 1, in order of first appearance, at least one.
    """
    marks = meta.time_signatures or ((0.0, 4, 4),)
    begin = upbeat_quarters(meta) if begin is None else begin
    end = marks[-1][0] if end is None else end
    lengths = {}
    for (start, *metre), stop in zip(marks, [*(mark[0] for mark in marks[1:]), end]):
        inside = min(stop, end) - max(start, begin)
        if inside > 0:
            lengths[tuple(metre)] = lengths.get(tuple(metre), 0.0) + inside
    if not lengths:
        return {tuple(([mark for mark in marks if mark[0] <= begin] or marks[:1])[-1][1:]): 1.0}
    return {metre: length / sum(lengths.values()) for metre, length in lengths.items()}
