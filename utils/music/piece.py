"""The notes of one file -> a piece, ready for any model: roll, voices, key, bars, and what was corrected."""

from typing import NamedTuple

import numpy as np

from utils.music import grid, keys, midi, voices

METRES = ((3, 4), (4, 4))  # those that the original study (Fu, Chong and Bigbee) kept
ODD = 0.1  # the original filter drops a piece with a larger share of the time in other metres
NO_ENTRY = {"split": "extra", "index": -1, "parts": "", "transpose_semitones": 0, "time_scale": 1}


class Piece(NamedTuple):
    """One piece. Frames are sixteenths.

    name: the file's name without its ending. split: train, valid, test or extra. index: its place in the published
    split, -1 for extra. roll: uint8 (frames, 128) in the original key. mode: "major" or "minor". semitones: from the
    original key to C major or A minor, -6 to 5. metre: (numerator, denominator). bar_frames: frames in a bar. upbeat:
    frames before the first barline. fermatas: int32, the frames with a fermata. repeats: (start, end) frames of each
    section that the score repeats; the roll holds it once, `data.unfold` plays it twice. left_out: why the original
    filter drops it, or "". quarter_shift: semitones to the key of the published quarter-note version. voices: int16
    (frames, voices), what each voice sings, see `voices`. voice_names: str for each. bars: int32 (bars, 3), see
    `grid.bars`. off_grid: share of onsets that do not fit any grid, see `grid.off_grid`.
    """

    name: str
    split: str
    index: int
    roll: np.ndarray
    mode: str
    semitones: int
    metre: tuple
    bar_frames: int
    upbeat: int
    fermatas: np.ndarray
    repeats: tuple
    left_out: str
    quarter_shift: int
    voices: np.ndarray
    voice_names: tuple
    bars: np.ndarray
    off_grid: float


def from_notes(name, notes, meta, entry=None):
    """Make a piece from a file's notes.

    A score that we exported is used as it is. Other files are cleaned (`grid.clean`), unless they are performances, and
    begin on a barline or with an upbeat.

    Args: name: str. notes: midi.NOTE (notes,), at least one. meta: midi.Meta. entry: its row of the split table.
    Returns: piece: Piece. mended: list of str, what was corrected.
    Raises: ValueError if the music does not fit the grid of sixteenths.
    Notebook: 01.
    """
    entry, done, off_grid, start, upbeat = entry or NO_ENTRY, [], 0.0, 0.0, midi.upbeat_quarters(meta)
    tonic, mode = keys.find(notes)
    if not meta.score:
        off_grid = grid.off_grid(notes)
        if off_grid <= grid.PERFORMED:
            notes, done = _cleaned(notes)
        first = np.rint(notes["start"].min() / grid.SIXTEENTH) * grid.SIXTEENTH
        start, upbeat = grid.beginning(meta, float(first), float(notes["end"].max()))
        done += [f"{start:g} quarter notes of silence cut"] if start else []
        done += [f"upbeat of {upbeat:g} quarter notes found"] if upbeat != midi.upbeat_quarters(meta) else []
    end, scale, shift = float(notes["end"].max()), int(entry["time_scale"]), int(entry["transpose_semitones"])
    steps = midi.STEPS_PER_QUARTER * scale
    notes, names = _choose_parts(notes, meta, entry["parts"] or "SATB" * bool(meta.score))
    for edge in ("start", "end"):
        notes[edge] = np.maximum(0, notes[edge] - start) * scale
    roll, (cells, names) = midi.notes_to_roll(notes), voices.from_notes(notes, names)
    order = voices.order(cells, names)
    frame = lambda quarter: round((quarter - start) * steps)
    metre, semitones = midi.main_metre(meta, end, start + upbeat), keys.to_c(tonic + shift, mode)
    metres = grid.bars(meta, start, upbeat, end)
    return Piece(
        name=name, split=entry["split"], index=int(entry["index"]), roll=midi.transpose(roll, shift), mode=mode,
        semitones=semitones, metre=metre, bar_frames=max(1, round(metre[0] * 16 / metre[1])),
        upbeat=round(upbeat * steps),
        fermatas=np.array([frame(at) for at in meta.fermatas if 0 <= frame(at) < len(roll)], np.int32),
        repeats=tuple((frame(a), min(frame(b), len(roll))) for a, b in meta.repeats if 0 <= frame(a) < len(roll)),
        left_out=_left_out(meta, end, start + upbeat),
        quarter_shift=int(entry.get("quarter_shift_semitones", semitones)),
        voices=voices.transpose(cells[:, order], shift), voice_names=tuple(names[part] for part in order),
        bars=metres * np.array([scale, 1, 1], np.int32), off_grid=off_grid), done


def blank(name, cells, metre, upbeat, mode, tonic):
    """Make a piece from its outline only, with the voices of a choir: cells int16 (frames, 4), metre (numerator,
    denominator), upbeat in frames, mode "major" or "minor", tonic a pitch class -> Piece.
    """
    bar = metre[0] * 16 // metre[1]
    bars = np.array([(start, *metre) for start in range(upbeat, max(len(cells), upbeat + 1), bar)], np.int32)
    semitones = keys.to_c(tonic, mode)
    return Piece(name, "extra", -1, voices.to_roll(cells), mode, semitones, metre, bar, upbeat, np.array([], np.int32),
                 (), "", semitones, cells, voices.SINGERS, bars, 0.0)


def of_window(name, roll):
    """Make a piece from a window in 4/4, in C major or A minor; its voices are not known and are assigned by rank.

    Args: name: str. roll: uint8 (frames, 128), from a barline. Returns: Piece of as many frames and four voices, some
        perhaps silent; more only if four are not enough, see `voices.deal`.
    Notebook: 05, "The page, and your ears".
    """
    notes = voices.deal(midi.roll_to_notes(roll))
    cells = np.full((len(roll), max(len(voices.SINGERS), notes["part"].max(initial=0) + 1)), voices.REST, np.int16)
    dealt, _ = voices.from_notes(notes)
    cells[:len(dealt), np.unique(notes["part"])] = dealt
    agreed = keys.agreement(np.bincount(notes["pitch"] % 12, notes["end"] - notes["start"], minlength=12))
    tonic, mode = max(((0, "major"), (9, "minor")), key=lambda key: agreed[keys.KEY_MODES.index(key[1]), key[0]])
    return blank(name, cells, (4, 4), 0, mode, tonic)


def with_voices(read, cells):
    """Replace the voices of a piece, int (frames, voices), and its roll: a new Piece."""
    return read._replace(voices=cells, roll=voices.to_roll(cells))


def _cleaned(notes):
    """Notes on the grid, and what was done."""
    notes, done = grid.clean(notes)
    moved = np.abs(notes["start"] * midi.STEPS_PER_QUARTER - np.rint(notes["start"] * midi.STEPS_PER_QUARTER)) > 0.01
    return notes, done + [f"{moved.sum()} onsets moved to the nearest sixteenth"] * bool(moved.any())


def _left_out(meta, end, begin):
    """Why the original filter drops a piece: too much of it is in another metre."""
    odd = {metre: share for metre, share in midi.metre_shares(meta, end, begin).items() if metre not in METRES}
    return "metre " + ", ".join("{}/{}".format(*metre) for metre in sorted(odd)) if sum(odd.values()) > ODD else ""


def _choose_parts(notes, meta, choice):
    """The notes of the four parts that the split table names, top first; all parts if there are not four."""
    parts = range(max(len(meta.part_names), int(notes["part"].max()) + 1))
    names = [*meta.part_names, *[""] * (len(parts) - len(meta.part_names))]
    chosen = {"SATB": voices.choir(names) or (), "first4": parts[:4], "last4": parts[-4:]}.get(choice, parts)
    chosen = list(chosen if len(chosen) == 4 else parts)
    notes = notes[np.isin(notes["part"], chosen)].copy()
    notes["part"] = np.array([chosen.index(part) if part in chosen else 0 for part in parts])[notes["part"]]
    return notes, [names[part] for part in chosen]


def row(file, piece=None, mended=(), skipped=(), dropped=""):
    """Describe what was done with a file, as a row of `data.table`; fields are empty if it could not be read."""
    facts = dict.fromkeys("piece split index key semitones metre upbeat frames fermatas parts off_grid".split(), "")
    if piece is not None:
        tonic = ((9 if piece.mode == "minor" else 0) - piece.semitones) % 12
        facts = {"piece": piece.name, "split": piece.split, "index": piece.index, "key": keys.name(tonic, piece.mode),
                 "semitones": piece.semitones, "metre": "{}/{}".format(*piece.metre), "upbeat": piece.upbeat,
                 "frames": len(piece.roll), "fermatas": len(piece.fermatas), "parts": len(piece.voice_names),
                 "off_grid": round(piece.off_grid, 3)}
    skipped = [f"{count} x {kind} passed over" for kind, count in skipped]
    return {"file": file} | facts | {"mended": "; ".join([*skipped, *mended]),
                                     "left_out": piece.left_out if piece else "", "dropped": dropped}
