"""Score files (MusicXML, kern, ABC) -> notes and what the score says besides them, read by music21."""

import codecs
import io
import re
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from utils import files
from utils.music import midi

SCORE_ENDINGS = (".musicxml", ".xml", ".mxl", ".krn", ".abc")
MAX_SCORE_BYTES = 30_000_000  # of a score, unpacked: music21 needs a minute for this size
_FORMATS = {".krn": "humdrum", ".abc": "abc"}
_INDEX = "META-INF/container.xml"  # in a compressed file: names the score to open
_MAJOR_KEYS = midi.KEYS[0]  # by sharps, from -7


def read(path):
    """Read a score file: MusicXML, compressed or not, kern, or ABC, which may hold several tunes.

    A part with two voices on one staff becomes one part for each voice.

    Args: path: str or Path, ending in one of SCORE_ENDINGS.
    Returns: list of (notes, meta), one for each piece in the file, as `score_to_notes` gives them.
    Raises: midi.MidiError for a file that music21 cannot read, that is too large, or that has no notes.
    Source: Cuthbert and Ariza 2010, music21. Notebook: 01.
    """
    from music21 import converter, stream

    path = Path(path)
    try:
        text = re.sub(r"^(<\?xml[^>]*?) encoding=[^ ?>]+", r"\1", _text(path))  # the text is already decoded
        found = converter.parseData(text, format=_format(text, path))
        scores = list(found.scores) if isinstance(found, stream.Opus) else [found]
        pieces = [score_to_notes(score, by_voice=True) for score in scores if score.recurse().notes]
    except midi.MidiError:
        raise
    except Exception as error:  # a damaged file can raise anything in a parser of three formats
        raise midi.MidiError(f"{files.shown(path)}: it cannot be read as a score ({_one_line(error)}); export it again "
                             "from a notation program as MusicXML.") from error
    pieces = [(notes, meta) for notes, meta in pieces if len(notes)]
    if not pieces:
        raise midi.MidiError(f"{files.shown(path)}: it has no notes; choose another score.")
    return pieces


def _text(path):
    """The text of a score, unpacked and decoded by its content, not by its name."""
    with open(path, "rb") as file:
        data = file.read(MAX_SCORE_BYTES + 1)
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            index = b""
            with suppress(KeyError, zipfile.BadZipFile):
                index = archive.open(_INDEX).read(MAX_SCORE_BYTES)
            names = [name for name in archive.namelist() if name.lower().endswith((".xml", ".musicxml"))
                     and not name.startswith(("META-INF", "__MACOSX"))]
            if not names:
                raise ValueError("no score in the archive")
            name = min(names, key=lambda name: f'"{name}"'.encode() not in index)  # the first if none is named
            data = archive.open(name).read(MAX_SCORE_BYTES + 1)
    if len(data) > MAX_SCORE_BYTES:
        raise midi.MidiError(f"{files.shown(path)}: it has more than {MAX_SCORE_BYTES:,} bytes; cut it into shorter "
                             "pieces.")
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return data.decode("utf-16")
    declared = re.search(rb'^<\?xml[^>]*encoding=["\']([\w-]+)', data)
    with suppress(UnicodeDecodeError, LookupError):
        return data.decode(declared[1].decode() if declared else "utf-8-sig")
    return data.decode("latin1")


def _format(text, path):
    """The name that music21 gives to the format of a text."""
    start = text.lstrip("\ufeff \r\n\t")[:2]
    if start[:1] == "<":
        return "musicxml"
    return "humdrum" if start in ("**", "!!") else _FORMATS.get(path.suffix.lower(), "musicxml")


def _one_line(error):
    return f"{type(error).__name__}: {error}".splitlines()[0][:120]


def score_to_notes(score, by_voice=False):
    """Read a music21 score as notes: ties joined, repeats not played, grace notes left out, at sounding pitch.

    Args: score: music21 Score or Part. by_voice: split a part with two voices on its staff.
    Returns: notes: midi.NOTE; meta: midi.Meta. The upbeat is a short first bar; a fermata counts where its note starts.
    Notebook: 01.
    """
    parts = [_sounding(part) for part in (score.parts if score.hasPartLikeStreams() else [score])]
    names = [part.partName or f"Part {number + 1}" for number, part in enumerate(parts)]
    read = [voice for part, name in zip(parts, names) for voice in _voices(part, name, by_voice)]
    rows = [(*row, number) for number, (_, notes, _) in enumerate(read) for row in notes]
    first = parts[0]
    signature = first.recurse().getElementsByClass("KeySignature").first()
    keys = ((0.0, _MAJOR_KEYS[signature.sharps + 7]),) if signature is not None and abs(signature.sharps) <= 7 else ()
    marks = first.recurse().getElementsByClass("MetronomeMark")
    tempo = next((float(mark.number) for mark in marks if mark.number), None)
    return np.array(rows, midi.NOTE), midi.Meta(
        time_signatures=tuple(_metres(first)), key_signatures=keys, tempos=((0.0, tempo),) if tempo else (),
        part_names=tuple(name for name, _, _ in read),
        fermatas=tuple(sorted(set().union(*(fermatas for *_, fermatas in read)))), repeats=tuple(_repeats(first)))


def _sounding(part):
    """A part and its key at sounding pitch, also for a transposing instrument."""
    instrument = part.getInstrument()
    return part.toSoundingPitch() if instrument is not None and instrument.transposition is not None else part


def _voices(part, name, by_voice):
    """The voices of a part, or the part as one: (name, rows of start, end, pitch, velocity, times of fermatas)."""
    from music21 import stream

    groups = {}  # voice -> elements in order of time; a bar with one voice belongs to the first voice
    if by_voice:
        for element in part.recurse().notes:
            place = element.activeSite
            voice = str(place.id) if isinstance(place, stream.Voice) else ""
            groups.setdefault(voice, []).append((float(element.getOffsetInHierarchy(part)), element))
    named = sorted(voice for voice in groups if voice)
    if len(named) < 2:
        flat = [(float(element.offset), element) for element in part.flatten().notes]
        return [(name, *_rows(flat))]
    groups[named[0]] += groups.pop("", [])
    read = [_rows(sorted(groups[voice], key=lambda pair: pair[0])) for voice in named]
    return [(f"{name} voice {number}", *found) for number, found in enumerate(read, 1)]


def _rows(elements):
    """The notes of one voice, ties joined, and the times of its fermatas."""
    from music21 import expressions, harmony

    rows, fermatas, tied = [], set(), {}  # tied: pitch -> the row that a tie keeps open
    for start, element in elements:
        if isinstance(element, harmony.ChordSymbol) or element.duration.quarterLength == 0:
            continue
        end = start + float(element.duration.quarterLength)
        if any(isinstance(mark, expressions.Fermata) for mark in element.expressions):
            fermatas.add(start)
        for note in getattr(element, "notes", (element,)):
            if not hasattr(note, "pitch"):
                continue  # unpitched percussion
            pitch, tie = note.pitch.midi, note.tie.type if note.tie else ""
            if tie in ("stop", "continue") and pitch in tied and abs(tied[pitch][1] - start) < 1e-6:
                tied[pitch][1] = end
            else:
                tied[pitch] = [start, end, pitch, midi.VELOCITY]
                rows.append(tied[pitch])
            if tie not in ("start", "continue"):
                tied.pop(pitch, None)
    return [row for row in rows if 0 <= row[2] < midi.NUM_PITCHES], fermatas


def _metres(part):
    """(quarter, numerator, denominator) of each change of metre; an upbeat is a bar of its own."""
    metres = [(float(mark.getOffsetInHierarchy(part)), mark.numerator, mark.denominator)
              for mark in part.recurse().getElementsByClass("TimeSignature")] or [(0.0, 4, 4)]
    metres = [mark for i, mark in enumerate(metres) if i == 0 or mark[1:] != metres[i - 1][1:]]
    upbeat = _upbeat_quarters(part, metres[0])
    if upbeat:  # a bar as long as the upbeat, in the largest note value that fits it
        unit = next(unit for unit in (4, 8, 16, 32) if (upbeat * unit / 4).is_integer())
        metres = [(0.0, int(upbeat * unit / 4), unit), (upbeat, *metres[0][1:]), *metres[1:]]
    return metres


def _upbeat_quarters(part, metre):
    """The length of a first bar that is shorter than its metre, on the grid of 32nds; 0 if it is full."""
    measure = part.getElementsByClass("Measure").first()
    if measure is None:
        return 0.0
    length = float(measure.duration.quarterLength)
    return length if 0 < length < metre[1] * 4 / metre[2] and (length * 8).is_integer() else 0.0


def _repeats(part):
    """(start, end) of each repeated section; without a start mark it begins at the end of the last one, or at 0."""
    marks, sections, start = [], [], 0.0
    for measure in part.getElementsByClass("Measure"):
        for mark, where in ((measure.leftBarline, 0.0), (measure.rightBarline, measure.duration.quarterLength)):
            if getattr(mark, "direction", None):
                marks.append((float(measure.offset + where), mark.direction))
    for moment, direction in marks:
        if direction == "end" and start < moment:
            sections.append((start, moment))
        start = moment
    return sections
