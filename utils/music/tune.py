"""Notes -> a tune to harmonise, in the soprano, with its key, bars and phrase ends, and how each was found."""

import re
from typing import NamedTuple

import numpy as np

from utils.music import ear, grid, harmony, keys, midi, piece, typed, voices

TUNE_NAMES = r"melody|melodie|tune|vocals?|voice(?! \d)|lead|solo|gesang|stimme|chant|canto|cantus|flute|violin"
CHORDAL = 0.1  # largest share of a tune's notes that begin together, or under a higher note that is held
TOGETHER, LEGATO = 0.1, 0.5  # quarter notes: between the onsets of a chord; overlap of a key with the next notes
LOWEST, HIGHEST = 60, 79  # the comfortable range of a soprano: middle C to G above the staff
MOST_FRAMES = 6_400  # 400 bars of 4/4
NOTHING = re.compile("none|no|-", re.IGNORECASE)


class Tune(NamedTuple):
    """What the network reads, and what the reader of a report learns.

    piece: piece.Piece of four voices, REST where no note is given. known: bool (frames, 4), the given cells. said: list
    of str, what was found and how.
    """

    piece: piece.Piece
    known: np.ndarray
    said: tuple


def hear(notes, meta=midi.NO_META, name="tune", part=None, key=None, metre=None, upbeat=None, fermatas="auto"):
    """Read a tune as a musician would; what the arguments give is used, everything else is found.

    The tune is the soprano by name, or the only part, or a part with the name of a melody, or the top one of several
    parts with one note at a time. Other named voices are kept, unless all four are in the file. A tune may be a
    recording, if it was played with a click.

    Args: notes: midi.NOTE (notes,). meta: midi.Meta. name: str. part: number of a part from 1, or a word of its name;
        if it has chords, their highest notes are taken. key: "G", "e minor", "F#m". metre: "3/4". upbeat: quarter notes
        before the first barline. fermatas: "auto", "none", or the numbers of bars in which phrases end, "4,8".
    Returns: Tune.
    Raises: ValueError, with the remedy, for a tune that cannot be harmonised or an argument that cannot be read.
    Notebook: 06, "A tune".
    """
    notes = midi.checked(notes)
    if not len(notes):
        raise ValueError(f"{name}: there are no notes: choose another file")
    notes, found, said = _choose(notes, meta, part)
    meta = meta._replace(part_names=tuple(voices.SINGERS[voice] for voice in found))
    read, mended = _on_the_grid(name, notes, meta, metre)
    said += mended
    cells = np.full((len(read.voices), 4), voices.REST, np.int16)
    for voice in found:
        cells[:, voice] = read.voices[:, read.voice_names.index(voices.SINGERS[voice])]
    read = read._replace(voices=cells, voice_names=voices.SINGERS)
    read = _into_range(read, said)
    read = _barred(read, meta, metre, upbeat, said)
    read = _in_key(read, meta, key, said)
    read = _phrased(read, fermatas, said)
    known = np.zeros(read.voices.shape, bool)
    known[:, list(found)] = True
    return Tune(piece.with_voices(read, read.voices), known, tuple(said))


def quartet(notes, meta=midi.NO_META, name="piece", key=None, metre=None, upbeat=None, fermatas="auto"):
    """Read a piece in four voices, all of them given.

    Args: as `hear`. Returns: Tune, or None if there are not four voices of one note at a time.
    Raises: ValueError as `hear`.
    Notebook: 06, "Some bars anew".
    """
    notes = midi.checked(notes)
    lines = [_line(notes[notes["part"] == part]) for part in np.unique(notes["part"])]
    if len(lines) == 4 and all(line is not None for line in lines):  # also where a key is held over the next note
        notes = np.concatenate(lines)
    if not len(notes):
        return None
    read, said = _on_the_grid(name, notes, meta, metre)
    if read.voices.shape[1] != 4:
        return None
    read = _barred(read._replace(voice_names=voices.SINGERS), meta, metre, upbeat, said)
    read = _in_key(read, meta, key, said, notes)
    read = _phrased(read, fermatas, said)
    return Tune(piece.with_voices(read, read.voices), np.ones(read.voices.shape, bool), tuple(said))


def _on_the_grid(name, notes, meta, metre):
    """A piece of these notes, and what had to be corrected; ValueError if there can be none."""
    read, mended = piece.from_notes(name, notes, meta)
    if read.off_grid > grid.PERFORMED:
        raise ValueError(f"{name}: it is played so freely ({read.off_grid:.0%} of the notes begin off the grid) that "
                         "no bar can be found: play it with a click, or write it in a notation program")
    if metre is None and read.metre[0] * 16 % read.metre[1] or len(read.voices) > MOST_FRAMES:
        raise ValueError(f"{name}: {len(read.voices)} sixteenths in {read.metre[0]}/{read.metre[1]}: give a tune of at "
                         f"most {MOST_FRAMES:,} in whole sixteenths, or another metre by --metre")
    return read, mended


# ---------------------------------------------------------------------------------------------- which notes


def _choose(notes, meta, part):
    """The notes of the tune and of the other given voices, numbered in order; these voices; what the report says."""
    numbers = np.unique(notes["part"]).tolist()
    titles = {number: meta.part_names[number].strip() if number < len(meta.part_names) else "" for number in numbers}
    labels = {number: f'{place} "{titles[number]}"' if titles[number] else str(place)
              for place, number in enumerate(numbers, 1)}
    if part is not None:
        chosen, said = _named(str(part), numbers, titles, labels), []
        line = _highest(notes[notes["part"] == chosen])
        if len(line) < np.sum(notes["part"] == chosen):
            said.append(f"part {labels[chosen]} has chords: its highest notes are the tune")
        return _numbered([line]), (0,), said
    singers = {}
    for number in numbers:
        singers.setdefault(voices.singer(titles[number]), number)
    singers.pop(None, None)
    lines = {number: _line(notes[notes["part"] == number]) for number in numbers}
    singers = {voice: number for voice, number in singers.items() if lines[number] is not None}
    if 0 in singers:
        kept = (0,) if len(singers) == 4 else tuple(sorted(singers))
        said = ["all four voices are in the file: its soprano is the tune"] if len(singers) == 4 else []
        if len(singers) < 4 and len(numbers) > 1:
            said.append(f"given: {', '.join(voices.SINGERS[each].lower() for each in kept)}")
        return _numbered([lines[singers[voice]] for voice in kept]), kept, said
    melodies = [number for number in numbers if re.search(rf"\b({TUNE_NAMES})\b", titles[number], re.IGNORECASE)]
    if len(numbers) > 1 and len(melodies) == 1:
        numbers = melodies
    if any(lines[number] is None for number in numbers):
        first = min(labels[number].split()[0] for number in numbers)
        raise ValueError("several notes sound at once, and no part is named as the tune (parts: "
                         f"{', '.join(labels.values())}): say which one it is, such as --part {first}; its highest "
                         "notes are taken")
    top = voices.order(notes[np.isin(notes["part"], numbers)], meta.part_names)[0]
    return _numbered([lines[top]]), (0,), ([f"the tune is part {labels[top]}"] if len(labels) > 1 else [])


def _named(part, numbers, titles, labels):
    """The number of the part that the reader names by its place or by a word."""
    found = [number for number in numbers if part and part.lower() in titles[number].lower()]
    if part.isdecimal() and 1 <= int(part) <= len(numbers):
        found = [numbers[int(part) - 1]]
    if not found:
        raise ValueError(f"there is no part {part!r}: choose among {', '.join(labels.values())}")
    return found[0]


def _line(notes):
    """One note at a time, or None if there are chords; a key that is held over the next note is not a chord."""
    notes, held = np.sort(notes, order="start"), -np.inf
    together, under, first = 0, 0, -np.inf
    for note in notes:
        together, under = together + (note["start"] - first < TOGETHER), under + (held > note["start"] + LEGATO)
        first, held = max(first, note["start"]), max(held, note["end"])
    return _highest(notes) if together + under <= CHORDAL * len(notes) else None


def _highest(notes):
    """The highest of the notes that begin together, none under a higher held note; each ends where the next begins."""
    line = []
    for note in np.sort(notes, order="start"):
        pitch, start = int(note["pitch"]), note["start"]
        if line and start - line[-1]["start"] < TOGETHER:  # a chord
            if pitch > line[-1]["pitch"]:
                line[-1]["pitch"], line[-1]["end"] = pitch, note["end"]
        elif not line or pitch > line[-1]["pitch"] or line[-1]["end"] < min(start + LEGATO, note["end"]):
            line.append(note.copy())
    line = np.array(line, midi.NOTE)
    line["end"] = np.maximum(line["end"], line["start"] + 1 / 64)
    line["end"][:-1] = np.minimum(line["end"][:-1], line["start"][1:])
    return line


def _numbered(lines):
    """Number lines as parts 0, 1 and so on of one piece."""
    lines = [line.copy() for line in lines]
    for number, line in enumerate(lines):
        line["part"] = number
    return np.concatenate(lines)


# ---------------------------------------------------------------------------------------------- what is found in them


def _into_range(read, said):
    """Move a tune by octaves into the range of a soprano."""
    pitch = ear.line(read.voices[:, 0]).pitch
    outside = lambda shift: np.sum(np.maximum(0, LOWEST - pitch - shift) + np.maximum(0, pitch + shift - HIGHEST))
    there = [shift for shift in (0, 12, -12, 24, -24, 36, -36, 48, -48)
             if 0 <= pitch.min() + shift and pitch.max() + shift < midi.NUM_PITCHES]
    shift = min(there, key=outside)
    if shift:
        said.append(f"the tune is moved {'up' if shift > 0 else 'down'} by {abs(shift) // 12} octave"
                    f"{'s' if abs(shift) > 12 else ''}, into the range of a soprano")
    cells = read.voices.copy()
    cells[:, :1] = voices.transpose(cells[:, :1], shift)
    return read._replace(voices=cells)


def _barred(read, meta, metre, upbeat, said):
    """Bar a tune: as the file says, as the reader says, or by ear."""
    asked = typed.metre(metre) if metre is not None else None
    named = bool(meta.time_signatures)
    first = int(np.flatnonzero((read.voices >= 0).any(axis=1))[0])
    cells = read.voices[first:]
    line, learned = ear.line(cells[:, 0]), ear.load()
    if named and asked in (None, read.metre) and upbeat is None:
        said.append(f"metre {read.metre[0]}/{read.metre[1]}{_upbeat(read.upbeat)}: as written in the file")
        other, frames = ear.metre(line, learned)
        if ear.beat_frames(other) != ear.beat_frames(read.metre) or other[0] % 2 != read.metre[0] % 2:
            said[-1] += f"; by ear {other[0]}/{other[1]}{_upbeat(frames)}: choose it with --metre and --upbeat"
        return read
    said[:] = [line for line in said if not line.startswith("upbeat")]
    new = asked or (read.metre if named else None)
    bar = new[0] * 16 // new[1] if new else 0
    heard = "metre as asked for" if asked else "metre as written in the file" if named else "by ear"
    if upbeat is not None:
        new = new or ear.metre(line, learned)[0]
        frames, bar = typed.upbeat(upbeat, new), new[0] * 16 // new[1]
        heard += ", upbeat as asked for"
    elif new and new in {(2, 2), (2, 4), *ear.HEARD_METRES}:
        like = (4, 4) if new[1] != 8 and new[0] == 2 else new
        frames = ear.metre(line, learned, (like,))[1] % bar
        heard += ", upbeat by ear"
    elif new:
        frames, heard = 0, heard + ", no upbeat known"
    else:
        new, frames = ear.metre(line, learned)
        bar = new[0] * 16 // new[1]
    said.append(f"metre {new[0]}/{new[1]}{_upbeat(frames)}: {heard}")
    new = piece.blank(read.name, cells, new, frames, read.mode, harmony.tonic(read))
    return new._replace(fermatas=read.fermatas[read.fermatas >= first] - first)


def _upbeat(frames):
    return f", upbeat of {frames / midi.STEPS_PER_QUARTER:g} quarter notes" if frames else ", no upbeat"


def _in_key(read, meta, key, said, notes=None):
    """Find the key of a tune, or take the reader's; with four voices the notes of all count."""
    written = [midi.KEYS[mode].index(name) - 7 for _, name in meta.key_signatures[:1]
               for mode in (0, 1) if name in midi.KEYS[mode]]
    sharps = written[0] if written and written[0] else None
    if key is not None:
        (tonic, mode), how = typed.key(key), "as asked for"
    elif notes is None:
        tonic, mode = ear.key(ear.line(read.voices[:, 0]), ear.load(), sharps)
        how = "heard in the tune" + (" and its signature" if sharps is not None else "")
    else:
        tonic, mode = harmony.tonic(read), read.mode
        how = "heard in all voices"
        if sharps is not None and (tonic, mode) not in keys.signed(sharps):
            tonic, mode = keys.signed(sharps)[meta.key_signatures[0][1].endswith("m")]
            how = "by its signature"
    said.append(f"key {keys.name(tonic, mode)}: {how}")
    return read._replace(mode=mode, semitones=keys.to_c(tonic, mode))


def _phrased(read, fermatas, said):
    """Find where phrases end, or take what the reader or the file says."""
    line, learned = ear.line(read.voices[:, 0]), ear.load()
    beat = ear.beat_frames(read.metre)
    if NOTHING.fullmatch(str(fermatas)):
        said.append("phrase ends: none asked for")
        return read._replace(fermatas=np.array([], np.int32))
    if str(fermatas) != "auto":
        odds = ear.end_features(line, read.upbeat, read.bar_frames, beat) @ learned["end"]
        bar = (line.start - read.upbeat) // read.bar_frames + 1
        ends = []
        for number in typed.bars(fermatas):
            inside = np.flatnonzero(bar == number)
            if not len(inside):
                raise ValueError(f"no note of the tune begins in bar {number}: phrases can end in bars {bar.min()} to "
                                 f"{bar.max()}, counted from the first full one")
            ends.append(line.start[inside[odds[inside].argmax()]])
        how = "as asked for"
    elif len(read.fermatas):
        ends, how = read.fermatas, "fermatas in the file"
    else:
        ends = ear.phrase_ends(line, read.upbeat, read.bar_frames, beat, learned)
        how = "heard in long notes, rests, and lengths of phrases"
    ends = np.unique(np.asarray(ends)).astype(np.int32)
    bars = [str(grid.bar_number(end, read.upbeat, read.bar_frames)) for end in ends]
    said.append(f"phrases end in bars {', '.join(bars)}: {how}")
    return read._replace(fermatas=ends)
