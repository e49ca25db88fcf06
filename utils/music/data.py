"""A folder of MIDI files -> pieces with key, metre and split, checked so that nothing held out leaks into training."""

import csv
import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from utils import files
from utils.music import corpus, midi, windows

ROOT = Path(__file__).resolve().parents[2]
MIDI_FOLDER = ROOT / "data" / "midi_files"
SPLIT_TABLE = ROOT / "data" / "jsb_split.csv"
CACHE_NAME = ".pieces.npz"  # inside the folder that it describes
SPLITS = ("train", "valid", "test", "extra")
METRES = ((3, 4), (4, 4))  # what the study kept
LEAKS = ("bwv414.mxl", "bwv176.6.mxl")  # train rows that stand, all or nearly, in valid as well: bwv414 twice, bwv280
COPY_FRAMES = 8  # two beats: shorter turns of phrase are common property
COPY_SHARE = 0.35  # of a piece's windows; see `near_duplicates`
VOICES = ("Soprano", "Alto", "Tenor", "Bass")


class Piece(NamedTuple):
    """One piece, ready for any model. Frames are sixteenths.

    name: file name without its ending. split: train, valid, test or extra. index: its place in the published split, -1
    for extra. roll: uint8 (frames, 128) in the original key. mode: "major" or "minor". semitones: from the original key
    to C major or A minor, -6 to 5. metre: (numerator, denominator). bar_frames: frames in a bar. upbeat: frames before
    the first barline. fermatas: int32, the frames on which a fermata stands. repeats: (start, end) frames of each
    section that the score repeats; the roll holds it once, `unfold` plays it twice. left_out: why the study's filter
    drops it, or "". quarter_shift: semitones to the key of the published quarter-note version.
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


# ---------------------------------------------------------------------------------------------- MIDI files -> pieces


def pieces(split=None, folder=MIDI_FOLDER):
    """Read the pieces of a folder, all of them or one split; the Bach corpus is exported at first use.

    The published benchmark decides who is train, valid and test (data/jsb_split.csv), whatever the metre. Everything
    else is extra. Two train rows that leak into valid are left out, and so is each extra piece that is nearly a valid
    or test one.

    Args: split: "train", "valid", "test", "extra" or None for all. folder: of MIDI files, the reader's own included.
    Returns: list of Piece, the benchmark's splits in their published order, then extra by name.
    Raises: ValueError for an unknown split, or a folder without a readable MIDI file.
    Source: Boulanger-Lewandowski et al. 2012 for the split. Notebook: 01, "What is left out, and why".
    """
    if split not in (None, *SPLITS):
        raise ValueError(f"there is no split {split!r}: choose one of {', '.join(SPLITS)}, or None for all")
    return [piece for piece in _read_folder(folder)[0] if split in (None, piece.split)]


def table(folder=MIDI_FOLDER):
    """Say of every file in the folder what was done with it.

    Args: folder: as for `pieces`.
    Returns: list of dicts with the columns file, split, index, key, semitones, metre, upbeat, frames, fermatas,
        left_out (why the study's filter drops it) and dropped (why it is in no split at all: a fault, a leak or a
        near-duplicate).
    Notebook: 01, "What is left out, and why".
    """
    return _read_folder(folder)[1]


def _read_folder(folder):
    """(pieces, table rows) of a folder, from the cache when neither the files nor this code changed."""
    folder = Path(folder)
    if folder == MIDI_FOLDER:
        corpus.export(folder)
    paths = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() in (".mid", ".midi"))
    if not paths:
        raise ValueError(f"{folder} holds no MIDI file (.mid or .midi): drop some in, or pass another folder")
    sources = (__file__, corpus.__file__, midi.__file__, windows.__file__, SPLIT_TABLE)
    state = hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources))
    for path in paths:
        state.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    cached = _load_cache(folder / CACHE_NAME, state.hexdigest())
    if cached is None:
        cached = _read_files(paths)
        if not cached[0]:
            faults = "; ".join(f"{row['file']}: {row['dropped']}" for row in cached[1][:5])
            raise ValueError(f"no file in {folder} could be used ({faults}): add MIDI that opens in a notation program")
        _save_cache(folder / CACHE_NAME, state.hexdigest(), *cached)
    return cached


def _read_files(paths):
    """Parse every file, give it its split, and drop what would leak."""
    published = {}
    with open(SPLIT_TABLE, newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["corpus_file"]:
                published.setdefault(corpus.midi_name(row["corpus_file"]), []).append(row)
    found, rows = [], []
    for path in tqdm(paths, desc="MIDI to rolls", unit="file", mininterval=1):
        try:
            notes, meta = midi.read_midi(path)
        except midi.MidiError as error:
            rows.append(_row(path.name, dropped=str(error)))
            continue
        for entry in published.get(path.stem, [None]):
            piece = _to_piece(path.stem, notes, meta, entry)
            found.append(piece)
            rows.append(_row(path.name, piece))
    held_out = [piece for piece in found if piece.split in ("valid", "test")]
    copies = near_duplicates([piece for piece in found if piece.split == "extra"], held_out)
    for piece, row in zip(found, [row for row in rows if not row["dropped"]], strict=True):
        if piece.split == "train" and any(piece.name == corpus.midi_name(leak) for leak in LEAKS):
            row["dropped"] = "leak: stands in valid as well"
        elif piece.name in copies:
            row["dropped"] = "nearly {} ({:.0%} of its windows)".format(*copies[piece.name])
    dropped = {(row["file"].rsplit(".", 1)[0], row["split"]) for row in rows if row["dropped"]}
    kept = [piece for piece in found if (piece.name, piece.split) not in dropped]
    return sorted(kept, key=lambda piece: (SPLITS.index(piece.split), piece.index, piece.name)), rows


def _row(file, piece=None, dropped=""):
    """One row of the table; empty fields for a file that could not be read."""
    if piece is None:
        return dict.fromkeys("file split index key semitones metre upbeat frames fermatas left_out".split(), "") | {
            "file": file, "dropped": dropped}
    tonics = "C C# D Eb E F F# G G# A Bb B" if piece.mode == "minor" else "C Db D Eb E F F# G Ab A Bb B"
    tonic = tonics.split()[(-piece.semitones + (9 if piece.mode == "minor" else 0)) % 12]
    return {"file": file, "split": piece.split, "index": piece.index, "key": f"{tonic} {piece.mode}",
            "semitones": piece.semitones, "metre": "{}/{}".format(*piece.metre), "upbeat": piece.upbeat,
            "frames": len(piece.roll), "fermatas": len(piece.fermatas), "left_out": piece.left_out, "dropped": dropped}


def _to_piece(name, notes, meta, entry):
    """One Piece from a file's notes and its row of the split table, if it has one."""
    scale = int(entry["time_scale"]) if entry else 1
    shift = int(entry["transpose_semitones"]) if entry else 0
    notes = _choose_parts(notes, meta.part_names, entry["parts"] if entry else "SATB")
    notes["start"] *= scale
    notes["end"] *= scale
    roll = midi.transpose(midi.notes_to_roll(notes), shift)
    tonic, mode = _find_key(notes, meta)
    semitones = ((9 if mode == "minor" else 0) - tonic - shift + 6) % 12 - 6
    metre = midi.main_metre(meta)
    upbeat = midi.upbeat_quarters(meta)
    metres = {mark[1:] for mark in meta.time_signatures if mark[0] >= upbeat} or {metre}
    odd = sorted(metres - set(METRES))
    steps = midi.STEPS_PER_QUARTER * scale
    fermatas = [round(start * steps) for start, text in meta.markers if text == "fermata"]
    fermatas = [frame for frame in fermatas if frame < len(roll)]  # one may stand over another part's last note
    return Piece(
        name=name, split=entry["split"] if entry else "extra", index=int(entry["index"]) if entry else -1, roll=roll,
        mode=mode, semitones=semitones, metre=metre, bar_frames=round(metre[0] * 16 / metre[1]),
        upbeat=round(upbeat * steps),
        fermatas=np.array(fermatas, np.int32), repeats=_find_repeats(meta.markers, steps, len(roll)),
        left_out="metre " + ", ".join("{}/{}".format(*mark) for mark in odd) if odd else "",
        quarter_shift=int(entry["quarter_shift_semitones"]) if entry else semitones)


def _choose_parts(notes, names, choice):
    """The four parts that the split table names; every part where the choice finds no four."""
    parts = range(len(names))
    named = [[part for part in parts if names[part].startswith(voice)] for voice in VOICES]  # also "Soprano Oboe 1"
    voices = [found[0] for found in named if found]
    chosen = {"first4": parts[:4], "last4": parts[-4:], "SATB": voices}.get(choice, parts)
    chosen = chosen if len(chosen) == 4 else parts
    return notes[np.isin(notes["part"], list(chosen))].copy()


def _find_key(notes, meta):
    """(pitch class of the tonic, mode): from our export's marker, else by music21's analysis of the notes."""
    text = next((text for _, text in meta.markers if text.startswith("key ")), None)
    if text is None:
        from music21 import note, stream

        melody = stream.Stream()
        for row in notes:
            length = float(row["end"] - row["start"])
            melody.insert(float(row["start"]), note.Note(int(row["pitch"]), quarterLength=length))
        found = melody.analyze("key")
        return found.tonic.pitchClass, found.mode
    _, tonic, mode = text.split()
    return ("C D EF G A B".index(tonic[0]) + tonic.count("#") - tonic.count("b")) % 12, mode


def _find_repeats(markers, steps, num_frames):
    """Pairs of frames from the repeat marks; one without a start goes back to the last one's end or the beginning."""
    sections, start = [], 0
    for moment, text in markers:
        frame = min(round(moment * steps), num_frames)
        if text == "repeat end":
            sections.append((start, frame))
        if text in ("repeat start", "repeat end"):
            start = frame
    return tuple(section for section in sections if section[0] < section[1])


def unfold(piece):
    """Play a piece's repeats: the roll with each repeated section twice.

    Args: piece: Piece.
    Returns: roll uint8 (frames, 128).
    Notebook: 02, "The published benchmark".
    """
    cuts = [0, *(end for _, end in piece.repeats), len(piece.roll)]
    sections = [piece.roll[a:b] for a, b in zip(cuts, cuts[1:])]
    for number, (start, end) in enumerate(piece.repeats):
        sections[number] = np.concatenate([sections[number], piece.roll[start:end]])
    return np.concatenate(sections)


# ---------------------------------------------------------------------------------------------- what may leak


def _stretches(roll):
    """Names of the sounding stretches of COPY_FRAMES frames, equal for equal music in any key: set of int."""
    chords, moves = windows.fingerprint(roll)
    if len(roll) < COPY_FRAMES or not chords.any():
        return set()
    weights = np.random.default_rng(0).integers(1, 2**63, COPY_FRAMES - 1, dtype=np.uint64)
    names = np.lib.stride_tricks.sliding_window_view(moves[1:], COPY_FRAMES - 1) @ weights
    sounds = np.lib.stride_tricks.sliding_window_view(chords != 0, COPY_FRAMES).any(axis=1)
    return set(names[sounds].tolist())


def near_duplicates(candidates, originals, share=COPY_SHARE):
    """Find the pieces that another set nearly contains, under any transposition.

    Args: candidates, originals: lists of Piece. share: the share of a candidate's distinct windows of 8 frames that
        must stand in one original.
    Returns: dict from a candidate's name to (the original's name, share found).
    Notebook: 01, "How is held-out music kept out?".
    """
    known = [_stretches(piece.roll) for piece in originals]
    copies = {}
    for piece in candidates:
        own = _stretches(piece.roll)
        shares = [len(own & other) / max(1, len(own)) for other in known]
        if shares and max(shares) >= share:
            copies[piece.name] = originals[int(np.argmax(shares))].name, max(shares)
    return copies


# ---------------------------------------------------------------------------------------------- cache


def _save_cache(path, state, found, rows):
    """All rolls in one array beside their facts as JSON; a folder that cannot be written just stays slow."""
    facts = [piece._replace(roll=len(piece.roll), fermatas=piece.fermatas.tolist())._asdict() for piece in found]
    with suppress(OSError), files.whole(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, rolls=np.concatenate([piece.roll for piece in found]), facts=json.dumps(facts),
                            rows=json.dumps(rows), state=state)


def _load_cache(path, state):
    """What `_save_cache` wrote, or None where it is missing, damaged or out of date."""
    try:
        with np.load(path) as saved:
            if str(saved["state"]) != state:
                return None
            rolls, facts, rows = saved["rolls"], json.loads(str(saved["facts"])), json.loads(str(saved["rows"]))
    except Exception:  # whatever is wrong with a cache, the remedy is to rebuild it
        return None
    ends = np.cumsum([fact["roll"] for fact in facts])
    found = [Piece(**fact | {
        "roll": rolls[end - fact["roll"]:end], "metre": tuple(fact["metre"]),
        "fermatas": np.array(fact["fermatas"], np.int32), "repeats": tuple(map(tuple, fact["repeats"])),
    }) for fact, end in zip(facts, ends)]
    return found, rows
