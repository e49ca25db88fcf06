"""A folder of music files -> the notes of each file, with any name, format, wrapper and subfolder."""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from utils import files
from utils.music import midi, notation

MIDI_ENDINGS = (".mid", ".midi", ".kar", ".rmi", ".smf")
ENDINGS = (*MIDI_ENDINGS, *notation.SCORE_ENDINGS)


def find(folder):
    """List the music files in a folder and its subfolders, without hidden ones.

    Args: folder: Path.
    Returns: dict from Path to the name of its piece, sorted: the path inside the folder without its ending, in
        characters that can be printed. If two files have the same name, their endings are kept, or they are numbered.
    Notebook: 01.
    """
    paths = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        paths += [Path(place, name) for name in names if not name.startswith(".") and name.lower().endswith(ENDINGS)]
    inside = {path: files.shown(path.relative_to(folder).as_posix()) for path in sorted(paths, key=os.fsencode)}
    short = Counter(name.rsplit(".", 1)[0] for name in inside.values())
    found, taken = {}, Counter()
    for path, name in inside.items():
        stem = name.rsplit(".", 1)[0]
        name = stem if short[stem] == 1 else name
        taken[name] += 1
        found[path] = name if taken[name] == 1 else f"{name} ({taken[name]})"
    return found


def read(path):
    """Read a music file of any format.

    Args: path: Path. Returns: list of (notes, meta), see `midi.read_midi`; more than one only from an ABC file with
        several tunes.
    Raises: midi.MidiError.
    """
    if path.exists() and not path.is_file():
        raise midi.MidiError(f"{files.shown(path)}: it is not a file; give it another name, or remove it.")
    start = b""
    with suppress(OSError), open(path, "rb") as file:  # endings can be wrong; `midi` reports what cannot be opened
        start = file.read(7).removeprefix(b"\xef\xbb\xbf")
    is_score = start[:1] == b"<" or start[:2] == b"PK" or path.name.lower().endswith(notation.SCORE_ENDINGS)
    if is_score and start and start[:4] != b"MThd":
        return notation.read(path)
    return [midi.read_midi(path)]
