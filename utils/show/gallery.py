"""The listening page: one HTML file with sounds, scores and a blind test, which works offline."""

import base64
import json
from typing import NamedTuple

import numpy as np

from utils.music import midi, voices
from utils.show import pages, player
from utils.sound import audio, expression

PAGE_SCRIPTS = ("cells.js", "notation.js", "glyphs.js", "bars.js", "voice.js", "score.js", "keep.js", "parts.js",
                "player.js", "results.js", "quiz.js")
CLIP_FADE_SECONDS = 0.05


class Clip(NamedTuple):
    """A sound. title, note: str, above and below it. wave: float32 (samples,) or (samples, 2).

    piece: piece.Piece to draw, or None. clock: times of the performance, as in `expression.Performance`. tempo: quarter
    notes per minute, for its files. sample_rate: int, Hz.
    """

    title: str
    note: str
    wave: np.ndarray
    piece: tuple = None
    clock: tuple = None
    tempo: float = midi.TEMPO
    sample_rate: int = audio.CONCERT_RATE


class Section(NamedTuple):
    """A family of networks, or Bach. title: str. text: str, a paragraph. clips: list of Clip.

    figures: list of (name, value) str.
    """

    title: str
    text: str
    clips: list
    figures: list = ()


class Guess(NamedTuple):
    """A clip of the blind test. model: str such as "Bach" or a network's name; all names except "Bach" are machines.
    piece: piece.Piece. facts: list of str, for or against Bach.
    """

    model: str
    piece: tuple
    facts: list = ()


def build(path, sections, quiz, title, text, seconds, tempo, seed=0):
    """Write the page, whole or not at all.

    Args: path: of the .html file, its folder is created if missing. sections: list of Section. quiz: list of Guess.
        title, text: str, the head of the page. seconds, tempo: of each clip of the quiz, see `quiz_clip`; all have a
        constant bit rate, so that the size tells nothing. seed: of their order.
    Returns: the path.
    Raises: ValueError for a quiz without Bach or without a machine, or a clip that is silent or too short.
    Notebook: 05, "The page, and your ears".
    """
    is_bach = [guess.model == "Bach" for guess in quiz]
    if not quiz or all(is_bach) or not any(is_bach):
        raise ValueError(f"a quiz of {len(quiz)} clips, {sum(is_bach)} by Bach: give clips of both Bach and machines")
    guesses = [quiz[number] for number in np.random.default_rng(seed).permutation(len(quiz))]
    played = [quiz_clip(guess.piece, seconds, tempo) for guess in guesses]
    sounds = [_code(clip.wave, audio.CONCERT_RATE) for clip in played]
    answers = [{"model": guess.model, "facts": list(guess.facts), "score": _score(clip)}
               for guess, clip in zip(guesses, played)]
    return pages.write(path, "gallery.html", title=title, text=text, sections=sections, sounds=sounds, seconds=seconds,
                       scripts=PAGE_SCRIPTS, sound=_sound, answers=_lock(answers, sounds),
                       scores=[_score(clip) for section in sections for clip in section.clips])


def quiz_clip(read, seconds, tempo):
    """Perform a clip of the blind test: the same rules and seed, the same length and loudness for all clips.

    Args: read: piece.Piece. seconds: length after cutting. tempo: quarter notes per minute.
    Returns: Clip.
    Raises: ValueError for a shorter clip.
    Notebook: 05, "The page, and your ears".
    """
    played = expression.perform(voices.to_notes(read.voices), tempo=tempo)
    wave, length = audio.concert(played.notes), round(seconds * audio.CONCERT_RATE)
    if len(wave) < length:
        raise ValueError(f"a clip of {len(wave) / audio.CONCERT_RATE:.1f} seconds: a quiz needs {seconds} or more")
    wave = audio.level(_faded(wave[:length], audio.CONCERT_RATE), audio.CONCERT_RATE)
    return Clip(read.name, "", wave, read, played.clock, tempo)


def _score(clip):
    """The data that the script draws: `pages.score`, and for each frame the second at which it is played."""
    if clip.piece is None:
        return None
    frames = np.arange(len(clip.piece.voices) + 1) / midi.STEPS_PER_QUARTER
    times = np.interp(frames, *clip.clock).round(3).tolist()
    return pages.score(clip.piece, clip.title, clip.tempo) | {"times": times}


def _sound(clip):
    return _code(audio.level(_faded(clip.wave, clip.sample_rate), clip.sample_rate), clip.sample_rate)


def _faded(wave, sample_rate):
    """Fade both ends, because music may be cut there."""
    ramp = np.linspace(0, 1, round(CLIP_FADE_SECONDS * sample_rate), dtype=np.float32)
    fade = np.ones(len(wave), np.float32)
    fade[:len(ramp)], fade[len(fade) - len(ramp):] = ramp, ramp[::-1]
    return wave * fade.reshape(-1, *[1] * (wave.ndim - 1))


def _code(wave, sample_rate):
    """A wave as a base64 text of MP3, at a constant bit rate, so that a browser finds the place of each second."""
    return player.mp3(wave, sample_rate, constant_rate=True)


def _lock(answers, sounds):
    """Encrypt the answers with a key from the sounds; the page's script does the same to unlock them.

    The answers are not readable in the source. A reader who runs the script by hand can get them; a page without a
    server cannot hide them better.
    """
    plain, key = json.dumps(answers).encode(), 2166136261
    for sound in sounds:
        for byte in sound[-4000:].encode():
            key = (key ^ byte) * 16777619 % 2**32  # FNV-1a
    hidden = bytearray()
    for byte in plain:
        key ^= key << 13 & 0xFFFFFFFF
        key ^= key >> 17
        key ^= key << 5 & 0xFFFFFFFF  # Marsaglia 2003, xorshift
        hidden.append(byte ^ key & 255)
    return base64.b64encode(hidden).decode()
