"""A piece as files: MIDI in parts, MusicXML, its score as pictures, and sound."""

import importlib.util
import re
from pathlib import Path

import resvg_py

from utils import files
from utils.music import keys, midi, voices
from utils.show import score
from utils.sound import audio, expression

PNG_WIDTH = 1800  # pixels
KINDS = ("mid", "musicxml", "svg", "png", "mp3", "performed.mid")  # .mid as written, performed.mid as performed


def write(read, path, title="", tempo=expression.CHORALE_TEMPO, formats=KINDS, depth=1.0):
    """Write a piece in all formats, each file whole or not at all.

    Args: read: piece.Piece. path: without its ending, in a folder that exists. title: above the score. tempo: quarter
        notes per minute. formats: some of KINDS. depth: of the expression, see `expression.perform`.
    Returns: list of Path.
    Raises: ValueError for a piece that is silent.
    Notebook: 06, "Four voices".
    """
    notes, drawn = voices.to_notes(read.voices), ""
    if not len(notes):
        raise ValueError(f"{read.name} is silent, there is nothing to write: generate again, or choose another file")
    facts, found = meta(read, tempo), []
    for kind in formats:
        to = Path(f"{path}.{kind}")
        if kind == "mid":
            midi.notes_to_midi(notes, to, facts)
        elif kind == "mp3":
            audio.write(to, sound(read, tempo, depth), audio.CONCERT_RATE)
        elif kind == "performed.mid":
            with files.whole(to) as temporary:
                temporary.write_bytes(perform(read, tempo, depth).file)
        else:
            if kind == "musicxml":
                content = score.musicxml(notes, title, read.metre, score.signature(read),
                                         read.upbeat / midi.STEPS_PER_QUARTER, facts.fermatas, read.voice_names,
                                         open_score=True, tempo=tempo).encode()
            else:
                drawn = drawn or score.sheet(read, title)
                content = drawn.encode() if kind == "svg" else png(drawn)
            with files.whole(to) as temporary:
                temporary.write_bytes(content)
        found.append(to)
    return found


def sound(read, tempo=expression.CHORALE_TEMPO, depth=1.0):
    """Play a piece in concert: piece.Piece -> wave float32 (samples, 2) at audio.CONCERT_RATE. Others as `perform`."""
    return audio.concert(perform(read, tempo, depth).notes)


def perform(read, tempo=expression.CHORALE_TEMPO, depth=1.0):
    """Perform a piece with all its known facts.

    Args: read: piece.Piece. tempo: quarter notes per minute. depth: of the expression.
    Returns: expression.Performance.
    Notebook: 06, "Four voices".
    """
    return expression.perform(voices.to_notes(read.voices), depth, tempo=tempo, meta=meta(read, tempo),
                              **expression.facts(read))


def meta(read, tempo=expression.CHORALE_TEMPO):
    """The facts of a piece for a MIDI file, besides its notes: piece.Piece -> midi.Meta."""
    unit = next(unit for unit in (4, 8, 16) if read.upbeat * unit % 16 == 0)
    upbeat = [(0.0, read.upbeat * unit // 16, unit)] if read.upbeat else []
    name = midi.KEYS[keys.KEY_MODES.index(read.mode)][score.signature(read) + 7]
    fermatas = read.fermatas[read.fermatas < len(read.voices)] / midi.STEPS_PER_QUARTER
    return midi.Meta(time_signatures=(*upbeat, (read.upbeat / midi.STEPS_PER_QUARTER, *read.metre)),
                     key_signatures=((0.0, name),), tempos=((0.0, tempo),), part_names=tuple(read.voice_names),
                     fermatas=tuple(fermatas.tolist()))


def png(svg, width=PNG_WIDTH):
    """Turn a score as SVG into a picture: str -> bytes of a PNG on white, `width` pixels wide.

    Letters are set in STIX, which is inside matplotlib: the same on every machine.
    """
    fonts = Path(importlib.util.find_spec("matplotlib").origin).parent / "mpl-data" / "fonts" / "ttf"
    letters = [str(fonts / f"STIXGeneral{cut}.ttf") for cut in ("", "Bol", "Italic")]
    svg = re.sub(r">\s+<", "><", svg)  # blanks between the parts of a title would move it
    return resvg_py.svg_to_bytes(svg_string=svg, background="white", width=width, skip_system_fonts=True,
                                 font_files=letters, serif_family="STIXGeneral")
