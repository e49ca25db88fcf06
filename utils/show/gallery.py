"""The listening page: one HTML file that holds its sounds, rolls, scores and a blind test, and works offline."""

import base64
import json
import tempfile
from pathlib import Path
from typing import NamedTuple

import jinja2
import numpy as np
from markupsafe import Markup

from utils import files
from utils.music import midi
from utils.sound import audio, expression

TEMPLATE = Path(__file__).with_name("gallery.html")
CLIP_FADE_SECONDS = 0.05


class Clip(NamedTuple):
    """Something to hear. title, note: str, above and below it. wave: float32 (samples,) or (samples, 2).

    roll: uint8 (frames, 128) to be drawn, or None. sheet: str, an SVG score, or "". sample_rate: int, Hz.
    """

    title: str
    note: str
    wave: np.ndarray
    roll: np.ndarray = None
    sheet: str = ""
    sample_rate: int = audio.CONCERT_RATE


class Section(NamedTuple):
    """A family of networks, or Bach. title: str. text: str, a paragraph. clips: list of Clip.

    figures: list of (name, value) str.
    """

    title: str
    text: str
    clips: list
    figures: list = ()


def build(path, sections, quiz, title, text, seconds, tempo, seed=0):
    """Write the page, whole or not at all.

    Args: path: of the .html file, its folder made at need. sections: list of Section. quiz: list of (model, notes),
        model a str such as "Bach" or a network's name; only "Bach" is no machine; midi.NOTE (notes,). title, text: str,
        the head of the page. seconds, tempo: of each clip of the quiz, see `quiz_clip`; all are coded at a constant
        rate, so that the size tells nothing. seed: of their order.
    Returns: the path.
    Raises: ValueError for a quiz without Bach or without a machine, or a clip that is silent or too short.
    Notebook: 05, "The page".
    """
    is_bach = [model == "Bach" for model, _ in quiz]
    if not quiz or all(is_bach) or not any(is_bach):
        raise ValueError(f"a quiz of {sum(is_bach)} clips by Bach in {len(quiz)}: put in both Bach and machines")
    order = np.random.default_rng(seed).permutation(len(quiz))
    clips = [_code(quiz_clip(quiz[number][1], seconds, tempo), audio.CONCERT_RATE, True) for number in order]
    settings = dict(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = jinja2.Environment(**settings).from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=title, text=text, sections=sections, clips=clips, seconds=seconds, draw_roll=roll_svg,
        sound=_sound, answers=_lock([quiz[number][0] for number in order], clips))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.whole(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def roll_svg(roll, title=""):
    """Draw a roll as an inline SVG that takes the page's colours.

    Args: roll: uint8 (frames, 128). title: str, read aloud in place of the picture.
    Returns: jinja2's Markup; empty for silence.
    Notebook: 05, "The page".
    """
    notes = midi.roll_to_notes(roll)
    if not len(notes):
        return Markup("")
    low, high = notes["pitch"].min() - 1, notes["pitch"].max() + 2
    bars = "".join(f'<path d="M{x} 0V{high - low}"/>' for x in range(0, len(roll), 16))
    frames = zip(*(notes[edge] * midi.STEPS_PER_QUARTER for edge in ("start", "end")), notes["pitch"])
    cells = "".join(f'<rect x="{start:g}" y="{high - pitch - 1}" width="{end - start - 0.15:g}" height="0.9" rx="0.2"/>'
                    for start, end, pitch in frames)
    return Markup(
        '<svg class="roll" role="img" preserveAspectRatio="none" aria-label="{}" viewBox="0 0 {} {}">'
        '<g class="bars">{}</g>{}</svg>').format(
            title or "piano roll", len(roll), int(high - low), Markup(bars), Markup(cells))


def quiz_clip(notes, seconds, tempo):
    """Perform a clip of the blind test: by the same rules and seed for all, as long and as loud as every other.

    Args: notes: midi.NOTE (notes,). seconds: to which it is cut. tempo: quarter notes per minute.
    Returns: float32 (samples, 2) at audio.CONCERT_RATE.
    Raises: ValueError for a clip that is shorter.
    Notebook: 05, "The page".
    """
    wave = audio.concert(expression.perform(notes, tempo=tempo).notes)
    length = round(seconds * audio.CONCERT_RATE)
    if len(wave) < length:
        raise ValueError(f"a clip of {len(wave) / audio.CONCERT_RATE:.1f} seconds: a quiz needs {seconds} or more")
    return audio.level(_faded(wave[:length], audio.CONCERT_RATE), audio.CONCERT_RATE)


def _sound(clip):
    wave = audio.level(_faded(clip.wave, clip.sample_rate), clip.sample_rate)
    return _code(wave, clip.sample_rate, small=True)


def _faded(wave, sample_rate):
    """Fade both ends, where something may have been cut."""
    ramp = np.linspace(0, 1, round(CLIP_FADE_SECONDS * sample_rate), dtype=np.float32)
    fade = np.ones(len(wave), np.float32)
    fade[:len(ramp)], fade[len(fade) - len(ramp):] = ramp, ramp[::-1]
    return wave * fade.reshape(-1, *[1] * (wave.ndim - 1))


def _code(wave, sample_rate, constant_rate=False, small=False):
    """A wave as a base64 text of MP3."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp3")
        audio.write(path, wave, sample_rate, constant_rate, small)
        return base64.b64encode(path.read_bytes()).decode()


def _lock(answers, clips):
    """Hide the answers under a key that is made of the clips, as the page's script unlocks them.

    No reading of the source shows them; a reader who runs the script by hand can have them: a page without a server
    keeps no secret better.
    """
    plain, key = json.dumps(answers).encode(), 2166136261
    for clip in clips:
        for byte in clip[-4000:].encode():
            key = (key ^ byte) * 16777619 % 2**32  # FNV-1a
    hidden = bytearray()
    for byte in plain:
        key ^= key << 13 & 0xFFFFFFFF
        key ^= key >> 17
        key ^= key << 5 & 0xFFFFFFFF  # Marsaglia 2003, xorshift
        hidden.append(byte ^ key & 255)
    return base64.b64encode(hidden).decode()
