"""The bytes of a MIDI file -> its tracks; what is damaged or impossible is skipped, and counted by kind.

mido refuses a file with any damage, so we have our own reader; `midi` turns its result into notes.
"""

import re
import struct
from array import array
from collections import Counter, defaultdict, deque
from typing import NamedTuple

DRUM_CHANNEL = 9  # channel 10 in the standard, which counts from 1
DRUM = 0x90 + DRUM_CHANNEL  # the status byte of a drum stroke
TRACK_NAME, MARKER, END_OF_TRACK = 0x03, 0x06, 0x2F
TEMPO_CHANGE, METRE, KEY_SIGNATURE, OWN = 0x51, 0x58, 0x59, 0x7F
_SIZES = {  # types of meta events that we read or know: name, and whether their content is possible
    0x00: ("sequence number", lambda data: len(data) in (0, 2)),
    TEMPO_CHANGE: ("tempo", lambda data: len(data) == 3 and any(data)),
    0x54: ("SMPTE offset",
           lambda data: len(data) == 5 and (data[0] & 31) < 24 and max(data[1:3]) < 60 and data[3] < 30),
    METRE: ("time signature", lambda data: len(data) == 4 and data[0] and data[1] <= 6),
    KEY_SIGNATURE: ("key signature", lambda data: len(data) == 2 and (data[0] + 7) % 256 <= 14 and data[1] <= 1),
}
_KEPT = (TRACK_NAME, MARKER, TEMPO_CHANGE, METRE, KEY_SIGNATURE, OWN)
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # data bytes after a status byte that is wrong in a file; others have none
_ON_A_CABLE = re.compile(rb"[\x00-\x7f]*\xf7")  # a system message without a size, which ends here
_WRAPPER_BYTES = 1_024  # where a MIDI file may begin inside another
_MACBINARY_BYTES = 128  # before the file itself
_MAX_TRACKS = 2_000
_NOISE = 1_000  # with more broken events than this, and more than good ones, a track holds no music
_LONGEST_NUMBER = 10_000  # bytes; the standard allows four
_FAR = 1 << 40  # ticks; larger numbers are cut to this


class Damage(ValueError):
    """A fault that makes a file unreadable; the message names the fault and the remedy."""


class Track(NamedTuple):
    """What a track holds, in ticks.

    notes: array of int64, five for each note: start, velocity, end, pitch, channel. metas: list of (tick, type, bytes).
    stop: where in the file its last event ends.
    """

    notes: array
    metas: list
    stop: int


def parse(data, max_quarters):
    """Read a standard MIDI file, also inside an RMID or MacBinary wrapper.

    A track is read to its end, or to the place where it is damaged. The first part of a damaged track is kept if it is
    more than half of its bytes. Sizes and the number of tracks are used only if they fit.

    Args: data: bytes. max_quarters: int, quarter notes; longer files are refused.
    Returns: kind: 0 or 1; ticks_per_quarter: int or float; tracks: list of Track; skipped: Counter, by kind.
    Raises: Damage for a file that is not MIDI, is of type 2, has no division, or is too long.
    Source: Standard MIDI Files 1.0, MIDI Manufacturers Association; RP-029 for RMID. Notebook: 01.
    """
    at, data = _unwrap(data)
    if at < 0:
        raise Damage("it is not a MIDI file (no MThd at its start); export it as a standard MIDI file")
    if len(data) < at + 14:
        raise Damage("its header is cut short; copy or export it again")
    skipped = Counter({"wrapper": int(at > 0)})
    header_size, kind, num_tracks, division = struct.unpack_from(">LHHH", data, at + 4)
    if kind == 2:
        raise Damage("it is of type 2; export it as type 0 or 1")
    if division == 0:
        raise Damage("its division is 0 ticks per quarter note; export it with 480")
    skipped["header"] += header_size < 6 or kind > 2 or not _begins_chunk(data, at + 8 + header_size)
    if division >= 0x8000:  # ticks per second, not per beat; a quarter note is then half a second, MIDI's default tempo
        frames_per_second, ticks = 256 - (division >> 8), division & 255 or 1
        division = frames_per_second * ticks / 2
        skipped["division in SMPTE frames"] += 1
    fits = _begins_chunk(data, at + 8 + header_size)
    tracks = list(_tracks(data, at + 8 + header_size if fits else at + 14, max_quarters, division, skipped))
    skipped["number of tracks"] += len(tracks) != num_tracks
    return min(kind, 1), division, [track for track in tracks if track.notes or track.metas], +skipped


def _unwrap(data):
    """Where the header begins, -1 if there is none; and the bytes up to the end of the file inside the wrapper."""
    if data[:4] == b"RIFF":
        found = re.search(rb"data(....)MThd", data, re.DOTALL)
        at, size = (found.end() - 4, int.from_bytes(found[1], "little")) if found else (data.find(b"MThd"), 0)
    else:
        at = data.find(b"MThd", 0, _WRAPPER_BYTES)
        size = int.from_bytes(data[83:87]) if at == _MACBINARY_BYTES else 0
    return at, data[:at + size] if at > 0 and size > 14 else data


def _begins_chunk(data, at):
    """Whether a track or any other complete chunk begins here, or the file ends."""
    name, size = data[at:at + 4], int.from_bytes(data[at + 4:at + 8])
    return at == len(data) or name == b"MTrk" or name.isalnum() and at + 8 + size <= len(data) and len(name) == 4


def _tracks(data, at, max_quarters, division, skipped):
    """Find the tracks, even if the sizes are wrong, and read each."""
    count, in_doubt = 0, len(data)  # in_doubt: bytes that may be read twice
    while at + 8 <= len(data):
        name, size = struct.unpack_from(">4sL", data, at)
        end = at + 8 + size
        if name != b"MTrk":
            known = name.isalnum() and _begins_chunk(data, end)  # the standard tells readers to skip other chunks
            following = end if known else data.find(b"MTrk", at + 1)
            skipped["bytes outside of tracks"] += not known and any(data[at:following if following >= 0 else None])
            if following < 0:
                break
            at = following
            continue
        count += 1
        if count > _MAX_TRACKS:
            raise Damage(f"it has more than {_MAX_TRACKS:,} tracks; copy or export it again")
        following = data.find(b"MTrk", at + 8)
        following = following if following >= 0 else len(data)
        fits = data[end - 3:end] == b"\xff\x2f\x00" or _begins_chunk(data, end)
        body = data[at + 8:min(end, following) if fits else following]
        track, sound, faults = _read_track(body, max_quarters, division)
        if fits and end > following and not sound and in_doubt > 0:  # "MTrk" may be part of a text
            in_doubt -= end - at
            whole, fits, others = _read_track(data[at + 8:end], max_quarters, division)
            track, faults = (whole, others) if fits else (track, faults)
        elif end > following:
            fits = False
        end = end if fits else following
        skipped["size of a track"] += not fits
        skipped.update(faults)
        yield track
        stop = at + 8 + track.stop
        skipped["bytes after the end of a track"] += stop < end and any(data[stop:end])
        at = stop if data[stop:stop + 4] == b"MTrk" else end


def _read_track(body, max_quarters, division):
    """Read the events of a track up to its end or its first damage: (Track, whether it is complete, Counter)."""
    reader = _Reader(body, max_quarters, division)
    try:
        reader.run()
        damaged = False
    except (IndexError, _Broken):
        damaged = True
    lost = reader.is_noise() or damaged and 2 * reader.stop <= len(body)
    if damaged:
        reader.skipped["damaged track" if lost else "end of a damaged track"] += 1
    reader.skipped["drum note"] += reader.drums
    if lost:
        return Track(array("q"), [], reader.stop), not damaged, reader.skipped
    for (pitch, channel), onsets in reader.waiting.items():
        for start, velocity in onsets:
            reader.notes.extend((start, velocity, reader.last, pitch, channel))
    return Track(reader.notes, reader.metas, reader.stop), not damaged, reader.skipped


class _Broken(Exception):
    """It is no longer clear where the next event of a track begins."""


class _Reader:
    """Read the events of one track; `stop` is the end of the last complete event."""

    def __init__(self, body, max_quarters, division):
        self.body, self.max_quarters, self.limit = body, max_quarters, int(max_quarters * division)
        self.notes, self.metas, self.skipped = array("q"), [], Counter()
        self.waiting = defaultdict(deque)  # (pitch, channel) -> (tick, velocity) of the notes that are sounding
        self.tick = self.last = self.stop = self.events = self.bad = self.drums = 0
        self.ended = False

    def run(self):
        """Read one event after another: a time, a status byte or the last one again, and the data."""
        body, limit, waiting, notes = self.body, self.limit, self.waiting, self.notes
        at = tick = status = 0
        while at < len(body):
            delta, at = body[at], at + 1
            if delta > 127:
                delta, at = self.number(at - 1)
            self.tick = tick = min(tick + delta, _FAR)
            byte = body[at]
            if byte >= 0xF0:
                at = self.stop = self.system(byte, at + 1)
                self.last = tick if tick < limit else self.last
                if self.ended:
                    return
                continue
            if byte > 127:
                status, channel, at = byte, byte & 15, at + 1
                size, is_note = 1 if 0xC0 <= byte < 0xE0 else 2, byte < 0xA0 and channel != DRUM_CHANNEL
            elif not status:
                raise _Broken
            first, second = body[at], body[at + size - 1]
            if first > 127 or second > 127 or is_note and tick >= limit:
                second = self.unusual(status, first, second)
            if is_note and second is not None:
                if status >= 0x90 and second:
                    waiting[first, channel].append((tick, second))
                elif waiting[first, channel]:
                    notes.extend((*waiting[first, channel].popleft(), tick, first, channel))
            elif status == DRUM and second:
                self.drums += 1
            at = self.stop = at + size
            self.events += 1
            self.last = tick if tick < limit else self.last

    def unusual(self, status, first, second):
        """Skip an impossible event, None; or correct its velocity."""
        if first > 127 or second > 127 and status >= 0xA0:
            return self.fault("data byte over 127")
        if self.tick >= self.limit and status & 15 != DRUM_CHANNEL:
            if self.bad:
                raise _Broken
            raise Damage(f"it is longer than {self.max_quarters:,} quarter notes; cut it into shorter pieces")
        self.skipped["velocity over 127"] += 1
        return min(second, 127)

    def number(self, at):
        """Read a number of any length, seven bits per byte: (number cut to _FAR, where it ends)."""
        number, start = 0, at
        while True:
            byte = self.body[at]
            number, at = min(number << 7 | byte & 127, _FAR), at + 1
            if byte < 128:
                return number, at
            if at - start > _LONGEST_NUMBER:
                raise _Broken

    def system(self, status, at):
        """Skip an event without a channel, but keep what `midi` reads; returns where the next event begins."""
        if status not in (0xF0, 0xF7, 0xFF):
            self.fault("status byte that no file should hold")
            return at + _SYSTEM_BYTES.get(status, 0)
        kind = self.body[at] if status == 0xFF else None
        size, at = self.number(at + (status == 0xFF))
        following = at + size
        on_a_cable = status == 0xF0 and _ON_A_CABLE.match(self.body, at, following)
        if on_a_cable and self.body[following - 1:following] != b"\xf7":
            self.fault("size of a system message")
            return on_a_cable.end()
        data = self.body[at:following]
        if len(data) < size:
            raise _Broken
        if kind == END_OF_TRACK:
            self.ended = True
        elif kind in _SIZES and not _SIZES[kind][1](data):
            self.fault(_SIZES[kind][0])
        elif kind in _KEPT and self.tick < self.limit:
            self.metas.append((self.tick, kind, data))
        return following

    def fault(self, kind):
        """Count what is skipped, and stop if the track is noise."""
        self.skipped[kind] += 1
        self.bad += 1
        if self.is_noise():
            raise _Broken

    def is_noise(self):
        """Whether there are too many broken events for the number of good ones."""
        return self.bad > max(_NOISE, self.events / 2)
