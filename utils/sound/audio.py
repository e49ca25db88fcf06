"""Notes -> wave (soundfont piano, sine fallback), mu-law codes, sound files; defines the sample rate and the level."""

import importlib.util
import io
import math
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from utils import files
from utils.music import midi

SAMPLE_RATE = 16_000  # Hz
RELEASE_SECONDS = 1.0  # kept after the last note, for its decay
ONE_A_SECOND = 60  # the tempo at which a quarter note lasts a second: for notes in seconds
FINE_TEMPO = 1500  # quarter notes per minute for the soundfont: ticks of 1 / 12,000 second
PIANO_GAIN = 3.3  # brings the soundfont's chorales to an RMS of .067-.087, peak about .5
CONCERT_RATE = 48_000  # Hz, the soundfont's own
HALL_SECONDS, HALL_DELAY_SECONDS, HALL_SHARE = 1.2, 0.012, 0.28  # reverberation, first delay, share of the sound
CONCERT_SQUEEZE, SMALL = 0.5, 0.7  # libsndfile's compression level: a piano in stereo has 85 kbit/s at .5, 65 at .7
STEADY = 0.82  # the same at a constant rate: 80 kbit/s
LOUDNESS = -22.0  # LUFS of every file for listeners, near the level of broadcasts (EBU R 128: -23)
BLOCK_SECONDS, GATES = 0.4, (-70.0, -10.0)  # block length; gates in LUFS: absolute, and relative to the mean
K_WEIGHTING = ((1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585),
               (1, -2, 1, 1, -1.99004745483398, 0.99007225036621))  # ITU-R BS.1770-5, tables 1 and 2, at 48 kHz
SINE_GAIN = 0.06  # brings the sine tones to the same RMS
BLOCK = 2**16  # samples per write: libsndfile's OGG encoder crashes on minutes of sound in one call
MU = 255  # of mu-law; codes are 0 to MU
MAX_RATE, MAX_SECONDS = 192_000, 3_600  # of the files we read
FORMATS = {".wav": ("WAV", "PCM_16"), ".mp3": ("MP3", "MPEG_LAYER_III"), ".ogg": ("OGG", "VORBIS")}


def render(notes, sample_rate=SAMPLE_RATE, tempo=midi.TEMPO, even=True):
    """Play notes on one piano at the fixed level on which all our models train.

    Without the `midirenderer` package it warns and plays sine tones (`render_sine`) at the same level.

    Args: notes: structured array (notes,) of midi.NOTE. sample_rate: int, Hz. tempo: quarter notes per minute. even:
        whether every note is equally loud, at midi.VELOCITY; otherwise each has its own velocity.
    Returns: wave, float32 (samples,), mono in [-1, 1], from quarter 0 to one second after the last note's end.
        The gain is constant, so loudness is comparable; only a wave that would clip is scaled down to peak 1.
    Raises: ValueError if there are no notes, and for a rate or tempo that is not positive.
    Notebook: 01, "Keys and metres".
    """
    num_samples = _num_samples(notes, sample_rate, tempo)
    notes = notes.copy()
    if even:
        notes["velocity"] = midi.VELOCITY
    stereo, rate = _piano(notes, tempo)
    if stereo is None:
        return render_sine(notes, sample_rate, tempo)
    return _at_level(PIANO_GAIN * _resample(stereo.mean(axis=1), rate, sample_rate), num_samples)


def concert(played):
    """Play a performance for listeners: the same piano at full bandwidth, in stereo, in a small hall, at one loudness.

    The hall is filtered, decaying noise after a short silence, different for each ear (Schroeder 1965). Without the
    `midirenderer` package it plays sine tones.

    Args: played: midi.NOTE (notes,) in seconds, with velocities, as `expression.perform` returns them.
    Returns: float32 (samples, 2) at CONCERT_RATE, to HALL_SECONDS after the last note's end.
    Raises: ValueError for no notes.
    Notebook: 03, "A performance".
    """
    num_samples = _num_samples(played, CONCERT_RATE, ONE_A_SECOND)
    dry, rate = _piano(played, ONE_A_SECOND)
    if dry is None:
        dry = np.repeat(render_sine(played, CONCERT_RATE, ONE_A_SECOND)[:, None], 2, axis=1)
    else:
        dry = _resample(dry, rate, CONCERT_RATE)
    dry = np.pad(dry[:num_samples], ((0, max(0, num_samples - len(dry)) + round(HALL_SECONDS * CONCERT_RATE)), (0, 0)))
    wet = signal.fftconvolve(dry, _hall(), axes=0)[:len(dry)]
    return level(dry + HALL_SHARE * wet * np.sqrt((dry**2).mean() / max((wet**2).mean(), 1e-12)), CONCERT_RATE)


def level(wave, sample_rate=SAMPLE_RATE):
    """Scale a wave to LOUDNESS; peaks that would clip are compressed smoothly, none is cut.

    Args: wave: float (samples,) or (samples, 2). sample_rate: int, Hz.
    Returns: float32, same shape, in [-1, 1].
    Raises: ValueError for silence.
    Notebook: 03, "A performance".
    """
    for _ in range(3):  # scaling moves blocks above the first gate, and compression takes a little away
        found = loudness(wave, sample_rate)
        if found < GATES[0]:
            raise ValueError("The wave is silent: leave it out, or generate it again.")
        wave = wave * 10 ** ((LOUDNESS - found) / 20)
        bent = np.sign(wave) * (0.7 + 0.28 * np.tanh((np.abs(wave) - 0.7) / 0.28))
        wave = np.where(np.abs(wave) < 0.7, wave, bent)
    return wave.astype("float32")


def loudness(wave, sample_rate=SAMPLE_RATE):
    """Measure how loud a wave is to people: low frequencies count less, and quiet blocks do not count.

    Args: wave: float (samples,) or (samples, 2); mono is played by both loudspeakers. sample_rate: int, Hz.
    Returns: float, LUFS (dB below full scale), or -inf for silence.
    Source: ITU-R BS.1770-5, annex 1. Notebook: 03, "A performance".
    """
    sides = np.broadcast_to(np.asarray(wave, float).reshape(len(wave), -1), (len(wave), 2))
    sides = signal.sosfilt(K_WEIGHTING, _resample(sides, sample_rate, CONCERT_RATE), axis=0)
    size = round(BLOCK_SECONDS * CONCERT_RATE)
    if len(sides) < size:
        sides = np.pad(sides, ((0, size - len(sides)), (0, 0)))
    energy = np.insert(np.cumsum((sides**2).sum(axis=1)), 0, 0)
    blocks = (energy[size:] - energy[:-size])[::size // 4] / size  # each block shares three quarters with the next
    decibels = lambda power: -0.691 + 10 * np.log10(np.maximum(power, 1e-20))
    loud = blocks[decibels(blocks) > GATES[0]]
    if not len(loud):
        return -np.inf
    return float(decibels(loud[decibels(loud) > decibels(loud.mean()) + GATES[1]].mean()))


@cache
def _hall():
    """The impulse response of the hall: float (samples, 2)."""
    count = round(HALL_SECONDS * CONCERT_RATE)
    noise = np.random.default_rng(1).normal(size=(count, 2))
    noise = signal.sosfilt(signal.butter(2, (150, 5_000), "bandpass", fs=CONCERT_RATE, output="sos"), noise, axis=0)
    seconds = np.arange(count)[:, None] / CONCERT_RATE
    return noise * np.exp(-6.9 * seconds / HALL_SECONDS) * (seconds > HALL_DELAY_SECONDS)  # 60 dB down at the end


def render_sine(notes, sample_rate=SAMPLE_RATE, tempo=midi.TEMPO):
    """Play notes as four decaying harmonics each, with NumPy alone. Arguments, result and errors as `render`.

    Notebook: 03, "A synthesiser to beat".
    """
    wave = np.zeros(_num_samples(notes, sample_rate, tempo))
    for note in notes:
        frequency = pitch_to_hz(note["pitch"])
        first = round(note["start"] * 60 / tempo * sample_rate)
        held = (note["end"] - note["start"]) * 60 / tempo
        seconds = np.arange(min(round((held + 0.3) * sample_rate), len(wave) - first)) / sample_rate
        loudness = np.minimum(seconds / 0.005, 1) * np.exp(-seconds / 0.8 - np.maximum(seconds - held, 0) / 0.05)
        harmonics = [k for k in range(1, 5) if k * frequency < sample_rate / 2]  # the others would alias
        tone = sum((np.sin(2 * np.pi * k * frequency * seconds) / k for k in harmonics), np.zeros_like(seconds))
        wave[first:first + len(seconds)] += loudness * tone
    return _at_level(SINE_GAIN * wave, len(wave))


def pitch_to_hz(pitch):
    """Compute the frequency of a MIDI pitch (a number or an array), in Hz: equal temperament, A4 = 69 = 440 Hz."""
    return 440 * 2 ** ((np.asarray(pitch, "float64") - 69) / 12)


def mu_law_encode(wave):
    """Compress a wave to 256 codes, fine near silence and coarse when loud.

    The continuous formula of G.711, y = sign(x) ln(1 + mu |x|) / ln(1 + mu) with mu = 255, then the nearest of 256
    equally spaced y. (Telephones use its piecewise linear approximation.) Silence is code 128.

    Args: wave: float (..., samples) in [-1, 1].
    Returns: codes, uint8, same shape, 0 for -1 to 255 for +1.
    Raises: ValueError for NaN and for samples outside [-1, 1].
    Source: ITU-T G.711; van den Oord et al. 2016, WaveNet, section 2.2. Notebook: 03, "256 codes".
    """
    wave = np.asarray(wave, "float64")
    if not np.all(np.abs(wave) <= 1):  # also False for NaN
        raise ValueError("The wave has samples outside [-1, 1] or NaN. Remove the NaN, then divide it by its peak.")
    compressed = np.sign(wave) * np.log1p(MU * np.abs(wave)) / np.log1p(MU)
    return np.floor((compressed + 1) / 2 * MU + 0.5).astype("uint8")


def mu_law_decode(codes):
    """Expand mu-law codes to a wave; encoding that wave again gives the same codes.

    Args: codes: int (..., samples), 0 to 255.
    Returns: wave, float32, same shape, in [-1, 1], within (|x| + 1 / 255) * (256 ** (1 / 255) - 1) of the original x:
        2.2 % of a loud sample, 9e-5 at silence.
    Raises: ValueError for codes outside 0 to 255.
    Source: as `mu_law_encode`. Notebook: 03, "256 codes".
    """
    codes = np.asarray(codes, "float64")
    if not np.all((codes >= 0) & (codes <= MU)):
        raise ValueError(f"Codes must be 0 to {MU}: pass what mu_law_encode returned.")
    compressed = 2 * codes / MU - 1
    return (np.sign(compressed) * np.expm1(np.abs(compressed) * np.log1p(MU)) / MU).astype("float32")


def write(path, wave, sample_rate=SAMPLE_RATE, constant_rate=False, small=False):
    """Write a wave as 16-bit .wav, .mp3 or .ogg, by the path's extension, whole or not at all.

    Args: path: str or Path. wave: float (samples,) or, in stereo, (samples, 2), in [-1, 1]. sample_rate: int, Hz.
        constant_rate: whether an .mp3 has the same number of bytes per second, so that its size tells nothing about the
        music. small: whether an .mp3 is compressed more, as in a notebook.
    Raises: ValueError for another extension, a wave that is empty, not finite or would clip, and a rate that the format
        does not have (MP3 has nine rates from 8 to 48 kHz).
    Notebook: 01, "Keys and metres".
    """
    path, wave = Path(path), np.asarray(wave, "float32")
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: cannot write '{path.suffix}' files. Use one of {', '.join(FORMATS)}.")
    if wave.ndim not in (1, 2) or wave.shape[1:] not in ((), (2,)) or not len(wave) or not np.all(np.abs(wave) <= 1):
        raise ValueError(f"{path}: a wave must be (samples,) or (samples, 2), not empty, without NaN, within [-1, 1].")
    container, encoding = FORMATS[path.suffix.lower()]
    how = {}
    if path.suffix.lower() == ".mp3" and (small or constant_rate or wave.ndim == 2):
        how = {"bitrate_mode": "CONSTANT" if constant_rate else "VARIABLE",
               "compression_level": STEADY if constant_rate else SMALL if small else CONCERT_SQUEEZE}
    try:
        with (files.whole(path) as temporary,
              soundfile.SoundFile(temporary, "w", sample_rate, wave.ndim, encoding, format=container, **how) as file):
            for first in range(0, len(wave), BLOCK):
                file.write(wave[first:first + BLOCK])
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: {error} Does the folder exist, and is {sample_rate} Hz a usual rate?") from error


def read(path, sample_rate=None):
    """Read a sound file (WAV, MP3, OGG, FLAC) as a mono wave.

    Args: path: str or Path. sample_rate: int, Hz, to resample to; None keeps the file's own.
    Returns: wave, float32 (samples,), in [-1, 1] (values of an MP3 beyond that are clipped); sample_rate, int, Hz.
    Raises: ValueError for a file that is missing, is not sound, is empty, is longer than an hour, or holds NaN.
    Notebook: 05, "The page, and your ears".
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate, frames = file.samplerate, len(file)
            if rate > MAX_RATE or frames > MAX_SECONDS * rate:  # a damaged header can announce terabytes
                raise ValueError(f"{path}: {frames} frames at {rate} Hz are more than an hour. Cut or export it again.")
            channels = file.read(dtype="float32", always_2d=True)
    except (OSError, TypeError, soundfile.SoundFileError) as error:
        raise ValueError(f"{path}: no readable sound file ({error}). Check the name, or export it again.") from error
    if not channels.size or not np.isfinite(channels).all():
        raise ValueError(f"{path}: it is empty or holds NaN. Export it again.")
    wave = _resample(channels.mean(axis=1), rate, sample_rate or rate)
    return np.clip(wave, -1, 1), sample_rate or rate


def _piano(notes, tempo):
    """Play notes with the soundfont: wave (samples, 2) and its rate; without it, warn and return None and None."""
    try:
        import midirenderer
        soundfont = _soundfont()
    except ImportError as error:
        warnings.warn(f"No piano ({error}): playing sine tones. To hear it, pip install midirenderer pretty_midi",
                      stacklevel=3)
        return None, None
    notes = notes.copy()
    for edge in ("start", "end"):
        notes[edge] *= FINE_TEMPO / tempo
    file = midi.notes_to_midi(notes, meta=midi.Meta(tempos=((0, FINE_TEMPO),)))
    return soundfile.read(io.BytesIO(midirenderer.render_wave_from(soundfont, file)), dtype="float32")


def _soundfont():
    """Read the piano that is inside the pretty_midi package, without importing that package."""
    package = importlib.util.find_spec("pretty_midi")
    if package is None:
        raise ImportError("pretty_midi, which contains the soundfont, is not installed")
    return Path(package.origin).with_name("TimGM6mb.sf2").read_bytes()


def _num_samples(notes, sample_rate, tempo):
    if not len(notes):
        raise ValueError("There are no notes: the piece is silent. Generate again, or choose another.")
    if not (sample_rate > 0 and tempo > 0):
        raise ValueError(f"Sample rate {sample_rate} and tempo {tempo} must be positive. Use {SAMPLE_RATE} and 120.")
    return round((notes["end"].max() * 60 / tempo + RELEASE_SECONDS) * sample_rate)


def _resample(wave, rate, new_rate):
    common = math.gcd(rate, new_rate)
    return signal.resample_poly(wave, new_rate // common, rate // common) if rate != new_rate else wave


def _at_level(wave, num_samples):
    """Cut or pad to length, and scale down a wave that would clip."""
    wave = np.pad(wave[:num_samples], (0, max(num_samples - len(wave), 0)))
    return (wave / max(np.abs(wave).max(), 1)).astype("float32")
