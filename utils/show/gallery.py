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
from utils.sound import audio

TEMPLATE = Path(__file__).with_name("gallery.html")
LEVEL = 0.07  # RMS of every clip
CLIP_FADE_SECONDS = 0.05


class Clip(NamedTuple):
    """Something to hear. title, note: str, above and below it. wave: float32 (samples,) at audio.SAMPLE_RATE.

    roll: uint8 (frames, 128) to be drawn, or None. sheet: str, an SVG score, or "".
    """

    title: str
    note: str
    wave: np.ndarray
    roll: np.ndarray = None
    sheet: str = ""


class Section(NamedTuple):
    """A family of networks, or Bach. title: str. text: str, a paragraph. clips: list of Clip.

    figures: list of (name, value) str.
    """

    title: str
    text: str
    clips: list
    figures: list = ()


def build(path, sections, quiz, title, text, seconds, seed=0):
    """Write the page, whole or not at all.

    Args: path: of the .html file, its folder made at need. sections: list of Section. quiz: list of (model, wave),
        model a str such as "Bach" or a network's name; only "Bach" is no machine. title, text: str, the head of the
        page. seconds: of each clip of the quiz; all are cut to it, brought to one level and coded at a constant rate,
        so that neither length, loudness nor size tells them apart. seed: of their order.
    Returns: the path.
    Raises: ValueError for a quiz without Bach or without a machine, or a clip that is silent or too short.
    Notebook: 05, "The page".
    """
    is_bach = [model == "Bach" for model, _ in quiz]
    if not quiz or all(is_bach) or not any(is_bach):
        raise ValueError(f"a quiz of {sum(is_bach)} clips by Bach in {len(quiz)}: put in both Bach and machines")
    order = np.random.default_rng(seed).permutation(len(quiz))
    clips = [_code(_level(quiz[number][1], seconds), constant_rate=True) for number in order]
    settings = dict(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = jinja2.Environment(**settings).from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=title, text=text, sections=sections, clips=clips, seconds=seconds, draw_roll=roll_svg,
        sound=lambda wave: _code(_level(wave)), answers=_lock([quiz[number][0] for number in order], clips))
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


def _level(wave, seconds=None):
    """Bring a wave to one level, faded at its ends; cut to seconds where they are given."""
    wave = np.asarray(wave, np.float32)
    if seconds is not None:
        length = round(seconds * audio.SAMPLE_RATE)
        if len(wave) < length:
            raise ValueError(f"a clip of {len(wave) / audio.SAMPLE_RATE:.1f} seconds: a quiz needs {seconds} or more")
        wave = wave[:length]
    loudness = np.sqrt(np.mean(wave**2)) if len(wave) else 0
    if loudness < 1e-4:
        raise ValueError("a clip is silent: leave it out, or generate it again")
    fade = np.ones_like(wave)
    ramp = np.linspace(0, 1, round(CLIP_FADE_SECONDS * audio.SAMPLE_RATE), dtype=np.float32)
    fade[:len(ramp)], fade[len(fade) - len(ramp):] = ramp, ramp[::-1]
    return np.clip(wave / loudness * LEVEL, -1, 1) * fade


def _code(wave, constant_rate=False):
    """A wave as a base64 text of MP3."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp3")
        audio.write(path, wave, constant_rate=constant_rate)
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
