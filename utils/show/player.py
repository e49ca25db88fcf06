"""Notes -> files to hear and, in a notebook, a small player with links to them."""

import base64
import html
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

import numpy as np
from IPython.display import HTML

from utils.music import midi
from utils.sound import audio, expression

EXCERPT_SECONDS = 15  # the longest sound inside a notebook
FADE_OUT_SECONDS = 0.5


def listen(notes, path, tempo=midi.TEMPO, title="", share=True, seconds=EXCERPT_SECONDS, piece=None, depth=1.0):
    """Perform a piece, write it as MP3 and MIDI, and show a player of its first seconds with links to both.

    Args: notes: structured array (notes,) of midi.NOTE. path: without ending; its folder is created if missing. tempo:
        quarter notes per minute. title: above the player. share: False for music that we may not distribute: then the
        MP3 is cut to the excerpt and no MIDI is written. seconds: length of the sound in the notebook. piece:
        piece.Piece, whose metre, upbeat and fermatas the performance keeps; None for 4/4 and one phrase. depth: of the
        expression, see `expression.perform`.
    Returns: IPython HTML; the links also work in a preview without players.
    Raises: ValueError if there are no notes.
    Notebook: 01, "One chorale, three ways".
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    known = expression.facts(piece) if piece else {}
    wave = audio.concert(expression.perform(notes, depth, tempo=tempo, **known).notes)
    written = [path.with_name(f"{path.name}.mp3")]
    kept = wave if share else audio.level(excerpt(wave, sample_rate=audio.CONCERT_RATE), audio.CONCERT_RATE)
    audio.write(written[0], kept, audio.CONCERT_RATE)
    if share:
        written.append(path.with_name(f"{path.name}.mid"))
        midi.notes_to_midi(notes, written[1], midi.Meta(tempos=((0, tempo),)))
    return show(wave, written, title or path.name, seconds)


def windows(rolls, path, title="", count=3, tempo=expression.CHORALE_TEMPO, **how):
    """Perform the first windows of a writer, one after another.

    Args: rolls: uint8 (windows, frames, 128). path, title, tempo, how: see `listen`. count: windows that are played.
    Returns, Raises: as `listen`.
    Notebook: 04, "The original networks".
    """
    return listen(midi.roll_to_notes(np.concatenate(rolls[:count])), path, tempo, title, **how)


def shipped(path, title="", seconds=EXCERPT_SECONDS):
    """Show a player of a shipped recording's first seconds, and links to it and to its MIDI file, if there is one.

    Args: path: of an .mp3 file. title: what is written above the player. seconds: what the notebook itself holds.
    Returns: IPython HTML. Raises: ValueError as `audio.read`.
    Notebook: the first player of each.
    """
    path = Path(path)
    wave, _ = audio.read(path, audio.CONCERT_RATE)
    notes = [path.with_suffix(".mid")] if path.with_suffix(".mid").exists() else []
    return show(np.stack([wave, wave], axis=1), [path, *notes], title, seconds)


def keep(wave, path, title="", seconds=EXCERPT_SECONDS):
    """Bring a wave that a network made to the level of all others, write it, and show a player of its first seconds.

    Args: wave: float (samples,), at audio.SAMPLE_RATE. path: of an .mp3 file; its folder is made at need. title,
        seconds: as `show`. A MIDI file of the same name beside it is linked too.
    Returns: IPython HTML.
    Notebook: 03, "A network that is given nothing".
    """
    path, wave = Path(path), audio.level(wave)
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write(path, wave)
    notes = [path.with_suffix(".mid")] if path.with_suffix(".mid").exists() else []
    return show(wave, [path, *notes], title, seconds)


def show(wave, paths, title="", seconds=EXCERPT_SECONDS):
    """Show a player of a wave's first seconds, and links to the whole files.

    The links are relative to the current folder, which is the notebook's folder while a notebook runs.

    Args: wave: float32 (samples,) by a network, at audio.SAMPLE_RATE; or (samples, 2), for listeners, at
        audio.CONCERT_RATE; the notebook plays the mean of both channels. paths: of the files to link. title: str.
        seconds: length of the sound in the notebook.
    Returns: IPython HTML, 6 to 9 KB per second.
    """
    sample_rate = audio.SAMPLE_RATE if wave.ndim == 1 else audio.CONCERT_RATE
    sound = mp3(excerpt(wave.reshape(len(wave), -1).mean(axis=1), seconds, sample_rate), sample_rate, small=True)
    links = [(quote(Path(os.path.relpath(path)).as_posix()), Path(path).suffix[1:]) for path in paths]
    links = " · ".join(f'<a href="{html.escape(link)}">{kind}</a>' for link, kind in links)
    return HTML(f'<p>{html.escape(title)}<br><audio controls src="data:audio/mpeg;base64,{sound}"></audio> {links}</p>')


def mp3(wave, sample_rate, **how):
    """Encode a wave as MP3 inside a page: how: arguments of `audio.write` -> str, base64."""
    with tempfile.TemporaryDirectory() as folder:
        coded = Path(folder, "sound.mp3")
        audio.write(coded, wave, sample_rate, **how)
        return base64.b64encode(coded.read_bytes()).decode()


def excerpt(wave, seconds=EXCERPT_SECONDS, sample_rate=audio.SAMPLE_RATE):
    """Cut a wave (samples, ...) to its first seconds, with a fade-out over the last half second if something is cut."""
    length, fade = round(seconds * sample_rate), round(FADE_OUT_SECONDS * sample_rate)
    if len(wave) <= length:
        return wave
    wave = wave[:length].copy()
    wave[-fade:] *= np.linspace(1, 0, fade, dtype="float32").reshape(-1, *[1] * (wave.ndim - 1))
    return wave
