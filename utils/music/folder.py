"""A folder of anyone's files -> the notes of each, whatever their names, formats, wrappers and places."""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from utils import files
from utils.music import midi, notation

MIDI_ENDINGS = (".mid", ".midi", ".kar", ".rmi", ".smf")
ENDINGS = (*MIDI_ENDINGS, *notation.SCORE_ENDINGS)


def find(folder):
    """List the files of music in a folder and its subfolders, without those that are hidden.

    Args: folder: Path.
    Returns: dict from Path to the name of its piece, sorted: the path inside the folder without its ending, in
        characters that can be printed. Where that is the same for two files, their endings stay, or they are numbered.
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
    """Read whatever file of music this is.

    Args: path: Path. Returns: list of (notes, meta), see `midi.read_midi`; several only from an ABC file of tunes.
    Raises: midi.MidiError.
    """
    if path.exists() and not path.is_file():
        raise midi.MidiError(f"{files.shown(path)}: it is no file; give it another name, or take it away.")
    start = b""
    with suppress(OSError), open(path, "rb") as file:  # endings lie; what cannot be opened `midi` says
        start = file.read(7).removeprefix(b"\xef\xbb\xbf")
    is_score = start[:1] == b"<" or start[:2] == b"PK" or path.name.lower().endswith(notation.SCORE_ENDINGS)
    if is_score and start and start[:4] != b"MThd":
        return notation.read(path)
    return [midi.read_midi(path)]
