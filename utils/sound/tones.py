"""Pitch -> the wave of one held note: plain harmonics, or an additive piano of partials fitted by least squares."""

import functools
from typing import NamedTuple

import numpy as np

from utils import files
from utils.music import midi
from utils.sound import audio

LOWEST_TONE, NUM_TONES = 33, 51  # A1 to B5: four voices and a little more; other notes are moved by octaves
SECONDS = 4.0  # of a tone; a note that is held longer becomes silent
GROUPS = ((1,), (2,), (3,), (4,), (5, 6), (7, 8, 9, 10))  # harmonics that share a channel
NUM_HARMONICS = 2 * len(GROUPS)  # channels of `harmonics`
FADE = 0.8  # seconds in which a plain harmonic fades to 1 / e
PARTIALS = 12  # of the additive piano
DECAYS = (0.03, 0.1, 0.3, 1.0, 3.0)  # seconds: a partial is a sum of these, which can approximate any real string
SEARCH_CENTS = 60  # search range around the place of a partial; the partials of stiff strings are sharp
HIGHEST_HZ = 7_600  # higher partials are left out: above half the sample rate they would alias


class Piano(NamedTuple):
    """An additive piano.

    hz: float32 (NUM_TONES, PARTIALS), frequency of each partial, 0 if there is none. sines, cosines: float32
    (NUM_TONES, PARTIALS, decays), their weights.
    """

    hz: np.ndarray
    sines: np.ndarray
    cosines: np.ndarray


@functools.lru_cache(maxsize=NUM_TONES)
def harmonics(pitch):
    """Make one pitch as plain harmonics, which a network then changes.

    Args: pitch: int, counted from LOWEST_TONE.
    Returns: float32 (samples, NUM_HARMONICS): the sine of each group of GROUPS, then the cosine; phase 0 at the attack.
        Harmonics above half the sample rate are left out.
    Source: Wang et al. 2019, Neural source-filter waveform models, section III. Notebook: 03, "What it hears".
    """
    seconds, frequency = _seconds(), audio.pitch_to_hz(LOWEST_TONE + pitch)
    turn = np.exp(2j * np.pi * frequency * seconds)
    result, wave = np.zeros((len(seconds), len(GROUPS)), np.complex64), np.exp(-seconds / FADE)
    for harmonic in range(1, GROUPS[-1][-1] + 1):
        wave = wave * turn
        if harmonic * frequency < audio.SAMPLE_RATE / 2:
            result[:, next(number for number, group in enumerate(GROUPS) if harmonic in group)] += wave
    return np.concatenate([result.imag, result.real], axis=1)


def fit(render=audio.render):
    """Fit an additive piano to an instrument, note by note.

    The frequency of each partial is the peak of the spectrum near its multiple of the pitch. Then the weights of sine
    and cosine for each of DECAYS are fitted by least squares.

    Args: render: function from notes to a wave, as `audio.render`.
    Returns: Piano.
    Notebook: 03, "A synthesiser to beat".
    """
    seconds = _seconds()
    hz = np.zeros((NUM_TONES, PARTIALS), np.float32)
    weights = np.zeros((NUM_TONES, PARTIALS, len(DECAYS)), np.complex64)
    envelopes = np.exp(-seconds[:, None] / np.array(DECAYS))
    size = 2**18
    for pitch in range(NUM_TONES):
        wave = single(pitch, render)
        part = wave[800:16_800]  # a second after the attack
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), size))
        count = min(PARTIALS, int(HIGHEST_HZ / audio.pitch_to_hz(LOWEST_TONE + pitch)))
        for number in range(count):
            centre = (number + 1) * audio.pitch_to_hz(LOWEST_TONE + pitch) * size / audio.SAMPLE_RATE
            low, high = (round(centre * 2 ** (cents / 1200)) for cents in (-SEARCH_CENTS, SEARCH_CENTS))
            hz[pitch, number] = (low + spectrum[low:high + 1].argmax()) * audio.SAMPLE_RATE / size
        turns = np.exp(2j * np.pi * seconds[:, None] * hz[pitch, :count])
        columns = (turns[:, :, None] * envelopes[:, None]).reshape(len(seconds), -1)
        columns = np.concatenate([columns.imag, columns.real], axis=1).astype(np.float32)
        square = columns.T @ columns
        square += 1e-4 * np.trace(square) / len(square) * np.eye(len(square))  # similar decays must not cancel out
        found = np.linalg.solve(square, columns.T @ wave)
        weights[pitch, :count] = (found[:len(found) // 2] + 1j * found[len(found) // 2:]).reshape(count, -1)
    return Piano(hz, weights.real.copy(), weights.imag.copy())


def save(path, piano):
    """Write a piano as .npz, whole or not at all."""
    with files.whole(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **piano._asdict())


def load(path):
    """Read a piano that `save` wrote. Raises ValueError if there is none."""
    try:
        with np.load(path) as arrays:
            return Piano(**arrays)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path} holds no piano ({error}): restore it with git, or call tones.fit()") from None


def additive(piano):
    """Make the tones of an additive piano: a function from pitch, counted from LOWEST_TONE, to float32 (samples, 1)."""
    seconds = _seconds()
    envelopes = np.exp(-seconds[:, None] / np.array(DECAYS)).astype(np.float32)

    @functools.lru_cache(maxsize=NUM_TONES)
    def tone(pitch):
        angle = 2 * np.pi * seconds[:, None] * piano.hz[pitch]
        sines, cosines = (envelopes @ part[pitch].T for part in (piano.sines, piano.cosines))  # (samples, PARTIALS)
        return (sines * np.sin(angle) + cosines * np.cos(angle)).sum(axis=1, keepdims=True).astype(np.float32)

    return tone


def both(piano):
    """Make tones of both harmonics and additive piano: pitch -> float32 (samples, NUM_HARMONICS + 1)."""
    tone = additive(piano)
    return functools.lru_cache(maxsize=NUM_TONES)(
        lambda pitch: np.concatenate([harmonics(pitch), tone(pitch)], axis=1))


def single(pitch, render=audio.render):
    """Render one note, held to the end: float32 (samples,), pitch counted from LOWEST_TONE."""
    notes = np.zeros(1, midi.NOTE)
    notes["end"], notes["pitch"], notes["velocity"] = SECONDS * midi.TEMPO / 60, LOWEST_TONE + pitch, midi.VELOCITY
    return render(notes)[:len(_seconds())]


def _seconds():
    """The time of each sample of a tone."""
    return np.arange(round(SECONDS * audio.SAMPLE_RATE)) / audio.SAMPLE_RATE
