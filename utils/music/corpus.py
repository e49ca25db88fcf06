"""music21's scores of Bach -> one MIDI file each, with upbeat, fermatas and key, which a plain export would lose."""

from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
from tqdm import tqdm

from utils import files
from utils.music import midi

_MAJOR_KEYS = dict(zip(range(-7, 8), "Cb Gb Db Ab Eb Bb F C G D A E B F# C#".split()))  # by sharps


def scores():
    """List the scores of Bach in music21's corpus.

    Returns: dict from MIDI file name to the score's Path, 413 of them, sorted; the analyses (rntxt) are not music.
    Source: Cuthbert and Ariza 2010, music21. Notebook: 01, "Where the music comes from".
    """
    from music21 import corpus  # two seconds to import: only an export needs it

    # music21 looks for "bach" all along a path: installed under a folder of that name it finds every composer
    found = (path for path in map(Path, corpus.getComposer("bach")) if path.parent.name == "bach")
    paths = sorted(path for path in found if path.suffix != ".rntxt")
    return {f"{midi_name(path.name)}.mid": path for path in paths}


def midi_name(corpus_file):
    """bwv277.mxl -> bwv277, bwv277.krn -> bwv277-krn: three pieces stand in the corpus in two formats."""
    stem, suffix = corpus_file.rsplit(".", 1)
    return stem if suffix == "mxl" else f"{stem}-{suffix}"


def score_to_notes(score):
    """Read a music21 score as notes; ties joined, repeats as written once, grace notes left out, sounding pitch.

    Args: score: music21 Score.
    Returns: notes (structured array, see `midi.midi_to_notes`) and midi.Meta. The upbeat is a short first bar, each
        fermata a marker "fermata" where its note starts, repeat marks are markers "repeat start" and "repeat end", and
        the key found by music21's analysis is a marker such as "key G minor".
    Notebook: 01.
    """
    rows, fermatas = _read_parts(score)
    first = score.parts[0]
    signature = first.recurse().getElementsByClass("KeySignature").first()
    keys = [(0.0, _MAJOR_KEYS[signature.sharps])] if signature is not None else []
    found = score.analyze("key")
    marks = first.recurse().getElementsByClass("MetronomeMark")
    tempo = next((float(mark.number) for mark in marks if mark.number), None)
    markers = [(0.0, f"key {found.tonic.name.replace('-', 'b')} {found.mode}")]
    markers += [(start, "fermata") for start in sorted(fermatas)] + _repeats(first)
    return np.array([tuple(row) for row in rows], midi.NOTE), midi.Meta(
        time_signatures=_metres(first), key_signatures=keys, tempos=[(0.0, tempo)] if tempo else [], markers=markers,
        part_names=[part.partName or f"Part {number + 1}" for number, part in enumerate(score.parts)])


def _read_parts(score):
    """The rows of all notes, as lists, ties joined; and the moments of the fermatas."""
    from music21 import expressions, harmony

    rows, fermatas = [], set()
    for number, part in enumerate(score.parts):
        instrument = part.getInstrument()
        if instrument is not None and instrument.transposition is not None:
            part = part.toSoundingPitch()
        tied = {}  # pitch -> the row that a tie keeps open
        for element in part.flatten().notes:
            if isinstance(element, harmony.ChordSymbol) or element.duration.quarterLength == 0:
                continue
            start = float(element.offset)
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
                    tied[pitch] = [start, end, pitch, midi.VELOCITY, number]
                    rows.append(tied[pitch])
                if tie not in ("start", "continue"):
                    tied.pop(pitch, None)
    return rows, fermatas


def _metres(part):
    """(quarter, numerator, denominator) of each change of metre; an upbeat is a bar of its own."""
    metres = [(float(mark.getOffsetInHierarchy(part)), mark.numerator, mark.denominator)
              for mark in part.recurse().getElementsByClass("TimeSignature")] or [(0.0, 4, 4)]
    metres = [mark for i, mark in enumerate(metres) if i == 0 or mark[1:] != metres[i - 1][1:]]
    upbeat = _upbeat_quarters(part, metres[0])
    if upbeat:  # a bar as short as the upbeat, in the largest note value that fits it
        unit = next(unit for unit in (4, 8, 16, 32) if (upbeat * unit / 4).is_integer())
        metres = [(0.0, int(upbeat * unit / 4), unit), (upbeat, *metres[0][1:]), *metres[1:]]
    return metres


def _upbeat_quarters(part, metre):
    """The length of a first bar that is shorter than its metre, on the grid of 32nds; 0 where it is full."""
    measure = part.getElementsByClass("Measure").first()
    if measure is None:
        return 0.0
    length = float(measure.duration.quarterLength)
    return length if 0 < length < metre[1] * 4 / metre[2] and (length * 8).is_integer() else 0.0


def _repeats(part):
    """The repeat barlines of a part as markers."""
    markers = []
    for measure in part.getElementsByClass("Measure"):
        for mark, where in ((measure.leftBarline, 0.0), (measure.rightBarline, measure.duration.quarterLength)):
            if getattr(mark, "direction", None):
                markers.append((float(measure.offset + where), f"repeat {mark.direction}"))
    return markers


def _export_one(source, target):
    """Write one score as MIDI; runs in a worker."""
    from music21 import converter

    notes, meta = score_to_notes(converter.parse(source, forceSource=True))
    midi.notes_to_midi(notes, target, meta)


def export(folder, executor=None):
    """Write every score of Bach in music21's corpus as a MIDI file, once; what is there already is left alone.

    Each file appears whole or not at all, so an interrupted export goes on where it stopped.

    Args: folder: where to. executor: a concurrent.futures.Executor to share the work; by default a pool of processes.
    Returns: int, the files written now.
    Notebook: 01, "Where the music comes from".
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    missing = {name: path for name, path in scores().items() if not (folder / name).exists()}
    if not missing:
        return 0
    with files.workers(executor) as pool:
        jobs = [pool.submit(_export_one, path, folder / name) for name, path in missing.items()]
        for job in tqdm(as_completed(jobs), total=len(jobs), desc="scores to MIDI", unit="score", mininterval=1):
            job.result()
    return len(missing)
