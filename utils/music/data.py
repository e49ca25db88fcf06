"""A folder of music -> pieces, split and table, with a check that no held-out music leaks into training."""

import csv
import hashlib
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
from tqdm import tqdm

from utils import files
from utils.music import corpus, folder, grid, midi, piece, windows

ROOT = Path(__file__).resolve().parents[2]
MIDI_FOLDER = ROOT / "data" / "midi_files"
SPLIT_TABLE = ROOT / "data" / "jsb_split.csv"
CACHE_NAME = ".pieces.npz"  # inside the folder that it describes
SPLITS = ("train", "valid", "test", "extra")
LEAKS = ("bwv414.mxl", "bwv176.6.mxl")  # train rows that are also in valid: bwv414, and nearly bwv280
COPY_FRAMES = 8  # two beats: many pieces share shorter figures
THIN_FRAMES = 24  # six beats, for `families` of one or two voices: tunes in quarters share all shorter figures
THIN = 3  # fewer notes at once, on average
COPY_SHARE = 0.35  # of the windows of a piece; see `near_duplicates`


# ---------------------------------------------------------------------------------------------- files -> pieces


def pieces(split=None, folder=MIDI_FOLDER, performances=False):
    """Read the pieces of a folder and its subfolders, all of them or one split; Bach's are exported at first use.

    The published benchmark decides which of the exported scores are train, valid and test (data/jsb_split.csv), in any
    metre. All other pieces are extra. Two train rows that leak into valid are left out, and so is each extra piece that
    is nearly the same as a valid or test piece.

    Args: split: "train", "valid", "test", "extra" or None for all. folder: of MIDI, MusicXML, kern or ABC files, also
        the reader's own. performances: also read those that follow no grid (`grid.off_grid`).
    Returns: list of Piece, the benchmark's splits in their published order, then extra by name.
    Raises: ValueError for an unknown split, or a folder without a readable file.
    Source: Boulanger-Lewandowski et al. 2012 for the split. Notebook: 01, "What is left out, and why".
    """
    if split not in (None, *SPLITS):
        raise ValueError(f"there is no split {split!r}: choose one of {', '.join(SPLITS)}, or None for all")
    found = [each for each in _read_folder(folder)[0] if split in (None, each.split)]
    return [each for each in found if performances or each.off_grid <= grid.PERFORMED]


def table(folder=MIDI_FOLDER):
    """List what was done with every file in the folder.

    Args: folder: as for `pieces`.
    Returns: list of dicts with the columns file, piece, split, index, key, semitones, metre, upbeat, frames, fermatas,
        parts, off_grid, mended (what was skipped, cleaned or cut), left_out (why the original filter drops it) and
        dropped (why it is in no split: a fault, a performance, a leak or a near-duplicate).
    Notebook: 01, "What is left out, and why".
    """
    return _read_folder(folder)[1]


def _read_folder(place):
    """(pieces, table rows) of a folder, from the cache if the files and this code have not changed."""
    place = Path(place)
    paths = folder.find(place)
    state = _state(paths)
    cached = _load_cache(place / CACHE_NAME, state)
    if cached is not None:
        return cached
    if place == MIDI_FOLDER and corpus.export(place):
        paths = folder.find(place)
        state = _state(paths)
    if not paths:
        raise ValueError(f"{place} holds no MIDI file and no score ({', '.join(folder.ENDINGS)}): drop MIDI files in, "
                         "or pass another folder")
    cached = _read_files(paths, place)
    if not cached[0]:
        faults = "; ".join(f"{row['file']}: {row['dropped']}" for row in cached[1][:5])
        raise ValueError(f"no file in {place} could be used ({faults}): add MIDI that opens in a notation program")
    _save_cache(place / CACHE_NAME, state, *cached)
    return cached


def _state(paths):
    """Hash the files that `folder.find` found and the code that reads them: str, the same for the same music."""
    sources = *sorted(Path(__file__).parent.glob("*.py")), Path(files.__file__), SPLIT_TABLE
    state = hashlib.sha256(b"".join(map(Path.read_bytes, sources)))
    for path, name in paths.items():
        about = path.stat() if path.exists() else path.lstat()  # a link may be broken
        state.update(f"{name} {path.suffix} {about.st_size} {about.st_mtime_ns}\n".encode("utf-8", "replace"))
    return state.hexdigest()


def _published():
    """The split table, as a dict from a file of music21's corpus to its rows."""
    found = {}
    with open(SPLIT_TABLE, newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["corpus_file"]:
                found.setdefault(row["corpus_file"], []).append(row)
    return found


def _read_one(path, name, file, published):
    """Read one file: a list of (Piece or None, table row)."""
    try:
        read = folder.read(path)
    except midi.MidiError as error:
        return [(None, piece.row(file, dropped=f"{file}: {str(error).removeprefix(f'{files.shown(path)}: ')}"))]
    found = []
    for number, (notes, meta) in enumerate(read, 1):
        title = name if len(read) == 1 else f"{name}#{number}"
        rows = published.get(meta.score, [None])
        ours = rows[0] and file == f"{corpus.midi_name(meta.score)}.mid"  # not a copy of that file
        for entry in rows if ours else [None]:
            try:
                each, mended = piece.from_notes(title, notes, meta, entry)
            except ValueError as error:
                found.append((None, piece.row(file, dropped=f"{file}: {error}")))
                continue
            late = each.off_grid > grid.PERFORMED
            dropped = f"a performance without a grid ({each.off_grid:.0%} of its onsets are off it)" if late else ""
            found.append((each, piece.row(file, each, mended, meta.skipped, dropped)))
    return found


def _read_files(paths, place):
    """Read every file, assign its split, and drop leaks."""
    published = _published() if place == MIDI_FOLDER else {}
    jobs = [(path, name, files.shown(path.relative_to(place).as_posix()), published) for path, name in paths.items()]
    bar = tqdm(jobs, desc="reading music", unit="file", mininterval=1)
    read = [found for job in bar for found in _read_one(*job)]
    held_out = [each for each, _ in read if each and each.split in ("valid", "test")]
    copies = near_duplicates([each for each, _ in read if each and each.split == "extra"], held_out)
    for each, row in read:
        if each and each.split == "train" and any(each.name == corpus.midi_name(leak) for leak in LEAKS):
            row["dropped"] = "leak: also in valid"
        elif each and each.split == "extra" and each.name in copies:
            row["dropped"] = "nearly {} ({:.0%} of its windows)".format(*copies[each.name])
    kept = [each for each, row in read if each and (not row["dropped"] or each.off_grid > grid.PERFORMED)]
    return sorted(kept, key=lambda each: (SPLITS.index(each.split), each.index, each.name)), [row for _, row in read]


def unfold(piece):
    """Play the repeats of a piece: the roll with each repeated section twice.

    Args: piece: Piece.
    Returns: roll uint8 (frames, 128).
    Notebook: 02, "The published benchmark".
    """
    cuts = [0, *(end for _, end in piece.repeats), len(piece.roll)]
    sections = [piece.roll[a:b] for a, b in zip(cuts, cuts[1:])]
    for number, (start, end) in enumerate(piece.repeats):
        sections[number] = np.concatenate([sections[number], piece.roll[start:end]])
    return np.concatenate(sections)


# ---------------------------------------------------------------------------------------------- copies


def _stretches(roll, frames=COPY_FRAMES):
    """Hashes of the sounding windows of so many frames, equal for equal music in any key: sorted uint64 array."""
    chords, moves = windows.fingerprint(roll)
    if len(roll) < frames or not chords.any():
        return np.zeros(0, np.uint64)
    weights = np.random.default_rng(0).integers(1, 2**63, frames - 1, dtype=np.uint64)
    names = np.lib.stride_tricks.sliding_window_view(moves[1:], frames - 1) @ weights
    sounds = np.lib.stride_tricks.sliding_window_view(chords != 0, frames).any(axis=1)
    return np.unique(names[sounds])


def _shares(own, known):
    """For each array of hashes, the share that is also in each known array: yields float (known,)."""
    names, owner = np.concatenate(known), np.repeat(range(len(known)), list(map(len, known)))
    order = np.argsort(names, kind="stable")
    names, owner = names[order], owner[order]
    for mine in own:
        first, last = np.searchsorted(names, mine), np.searchsorted(names, mine, side="right")
        count = last - first
        places = np.arange(count.sum()) + np.repeat(first - np.append(0, np.cumsum(count)[:-1]), count)
        yield np.bincount(owner[places], minlength=len(known)) / max(1, len(mine))


def near_duplicates(candidates, originals, share=COPY_SHARE):
    """Find the pieces that are nearly contained in another set, in any transposition.

    Args: candidates, originals: lists of Piece. share: the share of a candidate's distinct windows of 8 frames that
        must be in one original.
    Returns: dict from a candidate's name to (the original's name, share found).
    Notebook: 01, "How is held-out music kept out?".
    """
    if not originals:
        return {}
    found = _shares([_stretches(each.roll) for each in candidates], [_stretches(each.roll) for each in originals])
    best = {each.name: (originals[int(np.argmax(shares))].name, float(shares.max()))
            for each, shares in zip(candidates, found)}
    return {name: (original, most) for name, (original, most) in best.items() if most >= share}


def families(pieces, share=COPY_SHARE):
    """Group pieces that are nearly the same music, in any key or in note values twice as long.

    If some pieces are held out for measuring, a whole family is held out, or none of it.

    Args: pieces: list of Piece. share: as for `near_duplicates`.
    Returns: list of lists of indices into pieces, each family in order, sorted by its first piece; most families hold
        one piece.
    Notebook: 01, "How is held-out music kept out?".
    """
    rolls = [np.pad(each.roll, ((0, max(0, THIN_FRAMES - len(each.roll))), (0, 0))) for each in pieces]
    thin = [np.count_nonzero(roll) < THIN * np.count_nonzero(roll.any(axis=1)) for roll in rolls]
    frames = [THIN_FRAMES if each else COPY_FRAMES for each in thin]
    known = list(map(_stretches, rolls, frames))
    slower = [_stretches(np.repeat(roll, 2, axis=0), few) for roll, few in zip(rolls, frames)]
    head = list(range(len(pieces)))  # leads to the first piece of the family, after all links are followed

    def first(number):
        while head[number] != number:
            number = head[number]
        return number

    for own in (known, slower):
        for number, shares in enumerate(_shares(own, known) if pieces else ()):
            for other in np.flatnonzero(shares >= share):
                low, high = sorted((first(number), first(int(other))))
                head[high] = low
    found = {}
    for number in range(len(pieces)):
        found.setdefault(first(number), []).append(number)
    return list(found.values())


# ---------------------------------------------------------------------------------------------- cache


def _save_cache(path, state, found, rows):
    """Save all arrays end to end, and their facts as JSON; without write access, reading only stays slow."""
    arrays = {name: [getattr(each, name) for each in found] for name in ("roll", "voices", "bars", "fermatas")}
    facts = [each._replace(**{name: list(getattr(each, name).shape) for name in arrays})._asdict() for each in found]
    flat = {name: np.concatenate([array.ravel() for array in some]) for name, some in arrays.items()}
    with suppress(OSError), files.whole(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **flat, facts=json.dumps(facts), rows=json.dumps(rows), state=state)


def _load_cache(path, state):
    """What `_save_cache` wrote, or None if it is missing, damaged or out of date."""
    try:
        with np.load(path) as saved:
            if str(saved["state"]) != state:
                return None
            facts, rows = json.loads(str(saved["facts"])), json.loads(str(saved["rows"]))
            for name in ("roll", "voices", "bars", "fermatas"):
                flat, end = saved[name], 0
                for fact in facts:
                    start, end = end, end + int(np.prod(fact[name]))
                    fact[name] = flat[start:end].reshape(fact[name])
        tuples = dict(metre=tuple, voice_names=tuple, repeats=lambda pairs: tuple(map(tuple, pairs)))
        return [piece.Piece(**fact | {name: make(fact[name]) for name, make in tuples.items()}) for fact in facts], rows
    except Exception:  # if anything is wrong with the cache, it is rebuilt
        return None
