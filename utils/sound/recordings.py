"""The pieces of a split, played by the piano and cached: waves at the models' rate, aligned with their notes."""

import hashlib
import inspect
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
from tqdm import tqdm

from utils import files
from utils.music import data, midi
from utils.sound import audio, expression

TEMPO = 120  # quarter notes per minute: a frame is an eighth of a second, 2,000 samples
ONE_A_SECOND = audio.ONE_A_SECOND  # the tempo of notes in seconds
FRAME_SAMPLES = audio.SAMPLE_RATE * 60 // TEMPO // midi.STEPS_PER_QUARTER
QUIET = 0.001  # of full scale, -60 dB: everything after the last louder sample is cut
RMS = 0.075  # of a chorale at the level of `audio.render`
FULL = 2**15 - 1  # of the 16-bit integers in the cache
PIECES_A_TASK = 4  # pieces per task of a worker


def waves(split, folder=data.MIDI_FOLDER, executor=None, depth=0.0):
    """Play all pieces of a split, or read them from the cache if neither the pieces nor the renderer changed.

    The silence at the end is cut, so that averages over samples are averages over music. There is no silence before the
    first note.

    Args: split, folder: as `data.pieces`; the cache is in the folder. executor: concurrent.futures.Executor for
        rendering; by default a pool of processes. depth: of the expression; 0 plays as written, all notes equally loud.
    Returns: list of int16 (samples,), full scale 32767, in the order of `data.pieces(split)`; `notes` gives their
        notes. The arrays stay on disk until they are read.
    Raises: ValueError as `data.pieces`, and for a silent piece.
    Notebook: 03, "What it hears".
    """
    scores = [notes(piece, depth) for piece in data.pieces(split, folder)]
    state = hashlib.sha256(inspect.getsource(play).encode() + Path(audio.__file__).read_bytes())
    for score in scores:
        state.update(score.tobytes())
    path = Path(folder) / f".waves_{split}{f'_{depth:g}' if depth else ''}.npy"
    index = path.with_suffix(".json")
    with suppress(OSError, ValueError, KeyError):  # if anything is wrong with the cache, it is rebuilt
        kept = json.loads(index.read_text())
        together = np.load(path, mmap_mode="r")
        if kept["state"] == state.hexdigest() and len(together) == kept["ends"][-1]:
            return np.split(together, kept["ends"][:-1])
    with files.workers(executor) as pool:
        played = list(tqdm(pool.map(play, scores, chunksize=PIECES_A_TASK), desc=f"playing {split}", total=len(scores),
                           unit="piece", mininterval=1))
    ends = np.cumsum([len(wave) for wave in played])
    with suppress(OSError):  # without write access it only stays slow
        with files.whole(path) as temporary, open(temporary, "wb") as file:
            np.save(file, np.concatenate(played))
        with files.whole(index) as temporary:
            temporary.write_text(json.dumps({"state": state.hexdigest(), "ends": ends.tolist()}))
    return played


def notes(piece, depth=0.0):
    """Perform a piece for the recording, at TEMPO.

    Args: piece: piece.Piece. depth: of the expression, see `expression.perform`; at 0 frame t begins at sample
        t * FRAME_SAMPLES.
    Returns: midi.NOTE (notes,), start and end in SECONDS: pass them on with the tempo ONE_A_SECOND.
    Notebook: 03, "A performance".
    """
    return perform(midi.roll_to_notes(piece.roll), depth, **expression.facts(piece))


def perform(score, depth=1.0, **known):
    """Perform a score at TEMPO: midi.NOTE in quarter notes -> in seconds. known: see `expression.perform`."""
    return expression.perform(score, depth, tempo=TEMPO, **known).notes


def play(notes):
    """Play midi.NOTE (notes,), in seconds, with velocities -> int16 (samples,), without the silence at the end."""
    wave = audio.render(notes, tempo=ONE_A_SECOND, even=False)
    last = np.flatnonzero(np.abs(wave) > QUIET)[-1] + 1
    return np.round(wave[:last] * FULL).astype(np.int16)


def codes(waves):
    """Compress waves, list of int16 (samples,), to mu-law codes: list of uint8 (1 + samples,), silence first."""
    return [audio.mu_law_encode(np.append(0, np.asarray(wave)) / FULL) for wave in waves]


def samples(waves):
    """Scale waves, list of int16 (samples,), to an RMS of about 1: list of float32 (1 + samples,), 0 first."""
    return [np.append(np.float32(0), np.asarray(wave) / np.float32(FULL * RMS)) for wave in waves]
