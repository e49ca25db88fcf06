"""music21's scores of Bach -> one MIDI file each, with upbeat, fermatas and repeats, which music21's export loses."""

import re
from concurrent.futures import as_completed
from pathlib import Path

from tqdm import tqdm

from utils import files
from utils.music import midi, notation


def scores():
    """List the scores of Bach in music21's corpus.

    Returns: dict from MIDI file name to the score's Path, 413 of them, sorted; the analyses (rntxt) are not music.
    Source: Cuthbert and Ariza 2010, music21. Notebook: 01, "Where the music comes from".
    """
    from music21 import corpus  # the import takes two seconds, and only an export needs it

    # music21 looks for "bach" in the whole path: installed under a folder of that name, it finds every composer
    found = (path for path in map(Path, corpus.getComposer("bach")) if path.parent.name == "bach")
    paths = sorted(path for path in found if path.suffix != ".rntxt")
    return {f"{midi_name(path.name)}.mid": path for path in paths}


def midi_name(corpus_file):
    """bwv277.mxl -> bwv277, bwv277.krn -> bwv277-krn: three pieces are in the corpus in two formats."""
    stem, suffix = corpus_file.rsplit(".", 1)
    return stem if suffix == "mxl" else f"{stem}-{suffix}"


def _export_one(source, target):
    """Write one score as MIDI; runs in a worker."""
    from music21 import converter

    notes, meta = notation.score_to_notes(converter.parse(source, forceSource=True))
    midi.notes_to_midi(notes, target, meta._replace(score=source.name))


def _is_current(path):
    """Whether a file exists that this version of the export wrote."""
    try:
        with open(path, "rb") as file:
            return midi.OWN_FACTS in file.read(200)
    except OSError:
        return False


def export(folder, executor=None):
    """Write every score of Bach in music21's corpus as a MIDI file, once; existing files are kept.

    Each file is written whole or not at all, so an interrupted export continues where it stopped. Files of an earlier
    version of this project are written again.

    Args: folder: for the files. executor: a concurrent.futures.Executor to share the work; by default a pool of
        processes.
    Returns: int, the number of files written now.
    Raises: ValueError if another file has the name of an export.
    Notebook: 01, "Where the music comes from".
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    missing = {name: path for name, path in scores().items() if not _is_current(folder / name)}
    for name in missing:
        if (folder / name).exists() and not re.search(rb"\xff\x06.key [A-G]", (folder / name).read_bytes()[:200]):
            raise ValueError(f"{folder / name} is not what this project exports under that name: give it another name, "
                             "and it joins in")
    if not missing:
        return 0
    with files.workers(executor) as pool:
        jobs = [pool.submit(_export_one, path, folder / name) for name, path in missing.items()]
        for job in tqdm(as_completed(jobs), total=len(jobs), desc="scores to MIDI", unit="score", mininterval=1):
            job.result()
    return len(missing)
