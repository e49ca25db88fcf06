"""Notes -> the inputs of a performer: features of each pitch for the gates, and a signal of tones to change."""

import numpy as np

from utils.music import midi
from utils.sound import audio, tones

HOP = 80  # samples per row of features: 5 ms
SINCE_ATTACK, SINCE_RELEASE = (0.03, 0.4), 0.1  # seconds in which these features fade to 1 / e
NUM_SCORE_FEATURES = tones.NUM_TONES * (2 + len(SINCE_ATTACK))
MEMORY = 5.0  # seconds after its end in which a note has features
RELEASE, TAIL = 0.1, 0.5  # seconds in which a damped string fades to 1 / e, and after which it is silent
STARTS_HZ = 750  # the piano starts notes in blocks of 64 samples at 48 kHz


def features(notes, num_samples, tempo, first=0):
    """Describe every pitch every 5 ms: whether it sounds, the time since its attack and release, and its velocity.

    Args: notes: structured array (notes,) of midi.NOTE. num_samples: int, of the wave. tempo: quarter notes per minute.
        first: the sample to begin with, a multiple of HOP.
    Returns: float32 (rows, NUM_SCORE_FEATURES), a row for each HOP samples, also for an incomplete last one: four
        blocks of tones.NUM_TONES columns, 1 while the pitch sounds, exp(-t / .03 s) and exp(-t / .4 s) since its
        attack, exp(-t / .1 s) since its release; 0 before the first note. All are multiplied by the note's velocity, in
        units of midi.VELOCITY.
    Raises: ValueError for no samples, a tempo that is not positive, and a first sample between two rows.
    Notebook: 03, "What it hears".
    """
    starts, ends, pitches, forces = _seconds(notes, num_samples, tempo, first)
    now = (first + np.arange(-(-num_samples // HOP)) * HOP) / audio.SAMPLE_RATE  # seconds at the start of each row
    result = np.zeros((len(now), 4, tones.NUM_TONES), np.float32)
    for start, end, pitch, force in zip(starts, ends, pitches, forces):  # by time: the later attack counts
        begin, stop = np.searchsorted(now, (start - 1e-9, end - 1e-9))
        since = now[begin:] - start
        result[begin:, :, pitch] = 0
        result[begin:stop, 0, pitch] = force
        for block, fade in enumerate(SINCE_ATTACK, start=1):
            result[begin:, block, pitch] = force * np.exp(-since / fade)
        result[stop:, 3, pitch] = force * np.exp(-(now[stop:] - end) / SINCE_RELEASE)
    return result.reshape(len(now), NUM_SCORE_FEATURES)


def excitation(notes, tone, num_samples, tempo, first=0):
    """Play the notes with given tones, which a network then changes: the source of a neural source-filter model.

    Args: notes, num_samples, tempo, first: as `features`. tone: function from a pitch, counted from tones.LOWEST_TONE,
        to its wave while held, float (samples, channels); see `tones`.
    Returns: float32 (num_samples, channels), summed over notes; a note's amplitude grows with the square of its
        velocity in units of midi.VELOCITY, which matches the piano within half a decibel. It fades after its release.
    Raises: ValueError as `features`.
    Source: Wang et al. 2019, Neural source-filter waveform models, section III. Notebook: 03, "What it hears".
    """
    result = np.zeros((num_samples, tone(0).shape[1]), np.float32)
    for start, end, pitch, force in zip(*_seconds(notes, num_samples, tempo, first)):
        wave, offset = tone(pitch), round(start * audio.SAMPLE_RATE) - first
        held = round((end - start) * audio.SAMPLE_RATE)
        length = min(len(wave), held + round(TAIL * audio.SAMPLE_RATE), num_samples - offset)
        skipped = max(-offset, 0)
        if length <= skipped:
            continue
        fade = force**2 * np.exp(-np.maximum(np.arange(skipped, length) - held, 0) / (RELEASE * audio.SAMPLE_RATE))
        result[offset + skipped:offset + length] += wave[skipped:length] * fade[:, None].astype(np.float32)
    return result


def _seconds(notes, num_samples, tempo, first):
    """Starts and ends in seconds, pitches from tones.LOWEST_TONE, and velocities, of the audible notes, by time."""
    if num_samples < 1 or not tempo > 0 or first % HOP:
        raise ValueError(f"{num_samples} samples from sample {first}, tempo {tempo}: all must be positive, and the "
                         f"first a multiple of {HOP}")
    notes = np.sort(notes, order=("start", "pitch")) if len(notes) else np.zeros(0, midi.NOTE)
    begin, stop = (sample * tempo / 60 / audio.SAMPLE_RATE for sample in (first, first + num_samples))  # quarters
    notes = notes[(notes["start"] < stop) & (notes["end"] > begin - MEMORY * tempo / 60)]
    pitches = notes["pitch"].astype(int) - tones.LOWEST_TONE
    below, above = np.maximum(-pitches, 0), np.maximum(pitches - tones.NUM_TONES + 1, 0)
    pitches = pitches + 12 * -(-below // 12) - 12 * -(-above // 12)
    starts = np.ceil(notes["start"] * 60 / tempo * STARTS_HZ - 1e-3) / STARTS_HZ
    return starts, np.maximum(notes["end"] * 60 / tempo, starts), pitches, notes["velocity"] / midi.VELOCITY
