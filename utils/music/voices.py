"""Notes <-> a piece as named parts: which voice sings what, in which order, and likely voices if no parts are known.

`cells` is int16 (frames, voices), a frame is a sixteenth: REST where the voice is silent, p (0 to 127) where pitch p is
struck on this frame, p + HELD where p is held from the frame before.
"""

import re
import unicodedata

import numpy as np

from utils.music import lines, midi

REST = -1
HELD = 128  # added to a pitch that is held
MOST, MOST_COLUMNS = 32, 256  # the largest number of notes of one part at once, and of voices
SINGERS = ("Soprano", "Alto", "Tenor", "Bass")
RANGES = ((57, 81), (53, 74), (48, 69), (36, 64))  # of soprano to bass: these hold every note of Bach's training pieces
OCTAVE = 12  # semitones: soprano and alto, alto and tenor are nearly always at most this far apart
CHOIR = (  # a single letter, or the first word of a part's name
    "s|soprano?s?|soprani|cantus|discantus|canto", "a|alto?s?|alti|altus|contralto",
    "t|tenors?|tenor[ei]", "b|bass|basses|bass[eio]|bassus")


# ---------------------------------------------------------------------------------------------- notes <-> cells


def from_notes(notes, names=(), steps_per_quarter=midi.STEPS_PER_QUARTER):
    """Write notes as voices: a column for each part, in the order of part numbers.

    Lossless for parts of one note at a time on the grid. A part with chords is split, only by overlap, into as many
    columns as it has notes at once, the highest first. Start and end are rounded to the nearest frame, halves up; a
    note keeps at least one frame. Notes that overlap only by rounding stay in one column: see `lines.on_grid`.

    Args: notes: midi.NOTE (notes,) in any order. names: of the parts, str, by part number; "Part 1" and so on for parts
        without a name. steps_per_quarter: frames in a quarter note, int from 1.
    Returns: cells: int16 (frames, voices) up to the last end; a part without notes has no column. names: tuple of str,
        one for each column; the further columns of a part "Piano" are "Piano 2", "Piano 3".
    Raises: ValueError for notes outside the ranges of NOTE, and for too many notes at once.
    Notebook: 01, "One chorale, three ways".
    """
    notes = midi.checked(notes)
    columns, titles = [], []
    for part in np.unique(notes["part"]).tolist():
        chosen = notes[notes["part"] == part]
        spans = np.floor(np.stack([chosen["start"], chosen["end"]], axis=1) * steps_per_quarter + 0.5)
        if lines.most_at_once(spans) > MOST or len(columns) >= MOST_COLUMNS:
            raise ValueError(f"more than {MOST} notes of a part sound at once, or there are more than {MOST_COLUMNS} "
                             "voices, too many for music in parts; choose fewer tracks, or export it without the pedal")
        rows = lines.on_grid(chosen, steps_per_quarter)
        split = lines.assign(rows)
        name = (names[part] if part < len(names) else "") or f"Part {part + 1}"
        for column in range(max(split) + 1):
            titles.append(f"{name} {column + 1}" if column else name)
            columns.append([row for row, place in zip(rows, split) if place == column])
    frames = max((end for column in columns for _, end, *_ in column), default=0)
    cells = np.full((frames, len(columns)), REST, np.int16)
    for voice, column in enumerate(columns):
        for start, end, pitch, _ in column:
            cells[start:end, voice] = pitch + HELD
            cells[start, voice] = pitch
    return cells, tuple(titles)


def to_notes(cells, steps_per_quarter=midi.STEPS_PER_QUARTER, velocity=midi.VELOCITY):
    """Read voices as notes; a column is a part. Every array of ints can be read: see `pitches` and `struck`.

    Args: cells: int (frames, voices). steps_per_quarter: frames in a quarter note. velocity: of every note, 1 to 127.
    Returns: midi.NOTE (notes,), sorted by start, pitch, part.
    Raises: ValueError for another shape or floats.
    Notebook: 01, "One chorale, three ways".
    """
    pitch, attacked = pitches(cells), struck(cells)
    carried_on = np.zeros_like(attacked)
    carried_on[:-1] = (pitch[1:] >= 0) & ~attacked[1:]
    part, start = attacked.T.nonzero()  # column by column, so that the n-th attack and the n-th end belong to one note
    _, last = ((pitch >= 0) & ~carried_on).T.nonzero()
    notes = np.empty(len(start), midi.NOTE)
    notes["start"], notes["end"] = start / steps_per_quarter, (last + 1) / steps_per_quarter
    notes["pitch"], notes["velocity"], notes["part"] = pitch[start, part], velocity, part
    return notes[np.lexsort((part, notes["pitch"], start))]


def pitches(cells):
    """Give the pitch that sounds in each cell, struck or held.

    Args: cells: int (frames, voices). Returns: int16 (frames, voices), 0 to 127; -1 for a rest, or for an impossible
        number. Raises: ValueError for another shape or floats. Notebook: 01.
    """
    cells = np.asarray(cells)
    if cells.ndim != 2 or cells.dtype.kind not in "ui":
        raise ValueError(f"voices of shape {cells.shape}, {cells.dtype}: give int16 (frames, voices)")
    return np.where((cells >= 0) & (cells < 2 * HELD), cells % HELD, REST).astype(np.int16)


def struck(cells):
    """Find where notes begin; a held cell also begins a note if its pitch does not sound on the frame before.

    Args: cells: int (frames, voices). Returns: bool (frames, voices). Raises: as `pitches`. Notebook: 01.
    """
    pitch = pitches(cells)
    before = np.full_like(pitch, REST)
    before[1:] = pitch[:-1]
    return (pitch >= 0) & ((np.asarray(cells) < HELD) | (pitch != before))


def to_roll(cells):
    """Draw all voices on one piano roll.

    Args: cells: int (frames, voices). Returns: uint8 (frames, 128), 0 silent, 1 attacked, 2 held; as many frames as the
        cells. Raises: as `pitches`. Notebook: 01.
    """
    roll = midi.notes_to_roll(to_notes(cells))
    return np.pad(roll, ((0, len(cells) - len(roll)), (0, 0)))


def transpose(cells, semitones):
    """Shift voices in pitch.

    Args: cells: int (frames, voices). semitones: int, up if positive.
    Returns: int16 (frames, voices), a copy.
    Raises: ValueError if a note would leave MIDI's 128 pitches, and as `pitches`.
    Notebook: 01.
    """
    pitch = pitches(cells)
    sounds, moved = pitch >= 0, pitch.astype(int) + semitones
    if np.any(sounds & ((moved < 0) | (moved >= midi.NUM_PITCHES))):
        raise ValueError(f"{semitones:+d} semitones would push a note out of MIDI's range 0 to 127: transpose by less")
    return np.where(sounds, moved + HELD * (np.asarray(cells) >= HELD), REST).astype(np.int16)


# ---------------------------------------------------------------------------------------------- which part is which


def singer(name):
    """Recognise a singer by the first word of a part's name, in the usual languages or as one letter.

    Args: name: str, such as "Soprano Oboe 1", "Altus", "T." or "B 2". Returns: 0 soprano, 1 alto, 2 tenor, 3 bass, or
        None. Notebook: 01.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    word = (re.findall("[a-z]+", plain) or [""])[0]
    return next((voice for voice, words in enumerate(CHOIR) if re.fullmatch(words, word)), None)


def choir(names):
    """Find soprano, alto, tenor and bass by name.

    Args: names: of str, one for each column or part. Returns: four indices, soprano first, of the first matching name
        for each; None unless all four are found. Notebook: 01, "One chorale, three ways".
    """
    found = [singer(name) for name in names]
    return tuple(map(found.index, range(4))) if {0, 1, 2, 3} <= set(found) else None


def order(music, names=()):
    """Find the order in which parts are read and drawn, the top one first.

    A choir is recognised by its names; other parts keep their places. Otherwise the order is that of the file, or its
    reverse if the first part is lower than the last on average.

    Args: music: cells, int (frames, voices), or midi.NOTE (notes,). names: of the columns, or of parts by number.
    Returns: list of int: of columns, or of the numbers of parts that have notes.
    Raises: as `pitches`.
    Notebook: 01, "One chorale, three ways".
    """
    music = np.asarray(music)
    if music.dtype.names:
        parts = np.unique(music["part"]).tolist()
        sung = [music["pitch"][music["part"] == part] for part in parts]
    else:
        parts, sung = list(range(music.shape[1])), [line[line >= 0] for line in pitches(music).T]
    singers = choir([names[part] if part < len(names) else "" for part in parts])
    if singers:
        places = dict(zip(sorted(singers), singers))
        return [parts[places.get(place, place)] for place in range(len(parts))]
    heights = [line.mean() for line in sung if line.size]
    return parts[::-1] if heights and heights[0] < heights[-1] else parts


def deal(notes):
    """Give notes whose parts are not known (a roll, piano music) to four voices by rank, the highest first.

    If three or more notes sound, the highest is in the top voice. There are two exceptions: a note that continues after
    a melody above it ends, and a note that is struck above the note of the top voice. If possible, no voice crosses a
    note that another voice holds. Otherwise a note goes to the voice whose last note was near. Each voice has one note
    at a time on the grid of sixteenths, so four voices are enough for four notes at once. Further notes, taken from the
    inner ones, go to voices 4, 5 and so on.

    Args: notes: midi.NOTE (notes,) in any order; their parts are ignored.
    Returns: the same notes in the same order, with the voice as part.
    Raises: ValueError for notes outside the ranges of NOTE.
    Notebook: 01, "One chorale, three ways".
    """
    notes = midi.checked(notes).copy()
    rows = lines.on_grid(notes)
    parts = dict(zip([row[-1] for row in rows], lines.assign(rows, known=False)))
    for place, note in enumerate(notes):
        if place not in parts:  # merged with a note of its pitch
            parts[place] = min((abs(note["start"] - notes["start"][row[-1]]), parts[row[-1]]) for row in rows
                               if row[2] == note["pitch"])[1]
    notes["part"] = [parts[place] for place in range(len(notes))]
    return notes


def in_four(cells):
    """Give any music four voices: its own if it has four, otherwise all notes are dealt by rank, see `deal`.

    Args: cells: int (frames, voices).
    Returns: int16 (frames, 4), a voice without notes is silent; None if four voices are too few.
    Raises: as `pitches`.
    Notebook: 05, "Whole pieces".
    """
    frames = len(cells)
    if cells.shape[1] != len(SINGERS):
        cells, _ = from_notes(deal(to_notes(cells)))
    missing = len(SINGERS) - cells.shape[1]
    return np.pad(cells, ((0, frames - len(cells)), (0, missing)), constant_values=REST) if missing >= 0 else None
