"""Notes -> what a performer hears of them: features of each pitch for the gates, and a harmonic excitation."""

import numpy as np

from utils import midi

LOWEST, NUM_PITCHES = 33, 51  # A1 to B5: four voices and a little more; other notes are moved by octaves
HOP = 80  # samples that share a row of features: 5 ms at 16 kHz
SINCE_ATTACK, SINCE_RELEASE = (0.03, 0.4), 0.1  # seconds in which a note's memory fades to 1 / e
NUM_FEATURES = NUM_PITCHES * (2 + len(SINCE_ATTACK))
GROUPS = ((1,), (2,), (3,), (4,), (5, 6), (7, 8, 9, 10))  # harmonics that share a channel
NUM_EXCITATIONS = 2 * len(GROUPS)
FADE, RELEASE = 0.8, 0.1  # seconds: how a held string dies away, and a damped one
TAIL = 5 * RELEASE  # seconds after its end in which a note is still excited


def features(notes, num_samples, sample_rate, tempo):
    """Describe every pitch every 5 ms: does it sound, and how long since it was struck and let go.

    Args: notes: structured array (notes,) of midi.NOTE. num_samples: int, of the wave. sample_rate: Hz. tempo: quarter
        notes a minute.
    Returns: float32 (rows, NUM_FEATURES), a row for each HOP samples, the last one started: four blocks of NUM_PITCHES
        columns, 1 while the pitch sounds, exp(-t / .03 s) and exp(-t / .4 s) since its attack, exp(-t / .1 s) since its
        release; 0 before the first.
    Raises: ValueError for no samples, or a rate or tempo that is not positive.
    Notebook: 03, "What it hears".
    """
    starts, ends, pitches = _seconds(notes, num_samples, sample_rate, tempo)
    now = np.arange(-(-num_samples // HOP)) * HOP / sample_rate  # seconds at the start of each row
    result = np.zeros((len(now), 4, NUM_PITCHES), np.float32)
    for start, end, pitch in zip(starts, ends, pitches):  # in order of time: a later attack writes over an earlier one
        first, last = np.searchsorted(now, (start - 1e-9, end - 1e-9))
        since = now[first:] - start
        result[first:, :, pitch] = 0
        result[first:last, 0, pitch] = 1
        for block, fade in enumerate(SINCE_ATTACK, start=1):
            result[first:, block, pitch] = np.exp(-since / fade)
        result[last:, 3, pitch] = np.exp(-(now[last:] - end) / SINCE_RELEASE)
    return result.reshape(len(now), NUM_FEATURES)


def excitation(notes, num_samples, sample_rate, tempo):
    """Sound the notes as bare harmonics, for a network to colour: the source of a neural source-filter model.

    Args: as `features`.
    Returns: float32 (num_samples, NUM_EXCITATIONS): the sine of each group of GROUPS, then the cosine, summed over notes.
        A note's phase is 0 at its attack; it dies away while held, and faster once let go. Harmonics above half the
        sample rate are left out.
    Raises: ValueError as `features`.
    Source: Wang et al. 2019, Neural source-filter waveform models, section III. Notebook: 03, "What it hears".
    """
    starts, ends, pitches = _seconds(notes, num_samples, sample_rate, tempo)
    result = np.zeros((num_samples, len(GROUPS)), np.complex64)
    for start, end, pitch in zip(starts, ends, pitches):
        first = round(start * sample_rate)
        last = min(num_samples, round((end + TAIL) * sample_rate))
        if first >= last:
            continue
        seconds = np.arange(last - first) / sample_rate
        loudness = np.exp(-seconds / FADE - np.maximum(seconds - (end - start), 0) / RELEASE)
        frequency = 440 * 2 ** ((LOWEST + pitch - 69) / 12)
        turn = np.exp(2j * np.pi * frequency * seconds).astype(np.complex64)
        wave = loudness.astype(np.complex64)
        for harmonic in range(1, GROUPS[-1][-1] + 1):
            wave = wave * turn
            if harmonic * frequency < sample_rate / 2:
                group = next(number for number, group in enumerate(GROUPS) if harmonic in group)
                result[first:last, group] += wave
    return np.concatenate([result.imag, result.real], axis=1)


def _seconds(notes, num_samples, sample_rate, tempo):
    """Starts and ends in seconds and pitches counted from LOWEST, in order of time."""
    if num_samples < 1 or not sample_rate > 0 or not tempo > 0:
        raise ValueError(f"{num_samples} samples at {sample_rate} Hz, tempo {tempo}: all must be positive")
    notes = np.sort(notes, order=("start", "pitch")) if len(notes) else np.zeros(0, midi.NOTE)
    pitches = notes["pitch"].astype(int) - LOWEST
    below, above = np.maximum(-pitches, 0), np.maximum(pitches - NUM_PITCHES + 1, 0)
    pitches = pitches + 12 * -(-below // 12) - 12 * -(-above // 12)
    return notes["start"] * 60 / tempo, notes["end"] * 60 / tempo, pitches
