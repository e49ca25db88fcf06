"""Measures of waves: which pitches can be heard in a performance, and how far it is from the real piano."""

from typing import NamedTuple

import numpy as np
from scipy import optimize

from utils.sound import audio, tones

FRAME = 4096  # samples, 256 ms: the windows in which pitches are recognised
TOP_HZ = 4_000  # higher partials give little information
AGES = (-0.5, 0, 1, 3)  # frames between a note's attack and its templates: attack within the frame, new, older
COMPRESSION = 0.5  # power to which magnitudes are raised, so that a soft note next to a loud one counts
RELEASED_FRAMES = 2  # a note may be heard for so long after its end
THRESHOLD = 0.055  # a pitch with less weight is not heard: this gives the real piano a recall of .95 on valid
SPECTRUM, STEP = 1024, 256  # samples of the windows for `distance`
FLOOR_DB = -80.0  # of full scale: softer sound counts as silence


class Heard(NamedTuple):
    """What can be heard in a performance. recall: share of the sounding notes of all frames that are heard. false:
    pitches per frame that are heard but not played. frames: how many."""

    recall: float
    false: float
    frames: int


class Distance(NamedTuple):
    """How far two waves are apart. log_spectrum: mean difference of short-time spectra, dB. convergence: norm of the
    difference of magnitudes, divided by the reference's norm. loudness: difference of the levels, dB."""

    log_spectrum: float
    convergence: float
    loudness: float


def templates(render=audio.render):
    """Render every pitch once and keep its spectra at several ages.

    Args: render: function from notes to a wave, as `audio.render`.
    Returns: float32 (bins, pitches * len(AGES)), compressed magnitudes.
    Notebook: 03, "An ear".
    """
    columns = []
    for pitch in range(tones.NUM_TONES):
        wave = np.pad(tones.single(pitch, render), (FRAME, 0))
        columns += [_frames(wave[round((1 + age) * FRAME):][:FRAME])[0] for age in AGES]
    return np.array(columns).T


def weights(wave, ear):
    """Explain every frame of a wave as a sum of single notes, by non-negative least squares.

    Args: wave: float (samples,). ear: what `templates` returned.
    Returns: float64 (frames, pitches), the weight of each pitch, in the unit of compressed magnitudes.
    Raises: ValueError for a wave that is empty, not finite, or not one-dimensional.
    Source: Smaragdis and Brown 2003 (spectra as non-negative sums). Notebook: 03, "An ear".
    """
    basis, triangle = np.linalg.qr(ear.astype(float))
    levels = np.linalg.norm(ear, axis=0)
    found = [optimize.nnls(triangle, basis.T @ frame)[0] * levels for frame in _frames(wave)]
    return np.reshape(found, (-1, ear.shape[1] // len(AGES), len(AGES))).sum(axis=-1)


def hear(wave, notes, tempo, ear):
    """Count the notes of a piece that can be heard, and the heard pitches that are not in it.

    Args: wave, ear: as `weights`. notes: structured array (notes,) of midi.NOTE. tempo: quarters per minute.
    Returns: Heard. A note counts in frames that it fills by half or more. A pitch is false if no note of it sounds in
        the frame or in the RELEASED_FRAMES before it.
    Raises: ValueError as `weights`.
    Notebook: 03, "An ear".
    """
    levels = weights(wave, ear)
    heard = levels > THRESHOLD
    sounds, may = np.zeros((2, len(levels) + RELEASED_FRAMES + 1, tones.NUM_TONES), bool)
    for note in notes:
        pitch = int(note["pitch"]) - tones.LOWEST_TONE
        if not 0 <= pitch < tones.NUM_TONES:
            continue
        begin, end = (note[name] * 60 / tempo * audio.SAMPLE_RATE / FRAME for name in ("start", "end"))
        first, last = int(begin), int(np.ceil(end))
        may[first:last + RELEASED_FRAMES, pitch] = True
        for frame in range(first, last):
            if min(end, frame + 1) - max(begin, frame) >= 0.5 and frame < len(sounds):
                sounds[frame, pitch] = True
    sounds, may = sounds[:len(levels)], may[:len(levels)]
    recall, false = (heard & sounds).sum() / max(sounds.sum(), 1), (heard & ~may).sum() / max(len(levels), 1)
    return Heard(float(recall), float(false), len(levels))


def distance(wave, reference):
    """Measure how far a performance is from the real piano's rendering; phases do not count.

    Args: wave, reference: float (samples,), of equal length.
    Returns: Distance.
    Raises: ValueError as `weights`, and for unequal lengths.
    Source: Yamamoto et al. 2020, Parallel WaveGAN, section 2.2 (convergence). Notebook: 03, "How good?".
    """
    wave, reference = (_checked(x) for x in (wave, reference))
    if len(wave) != len(reference):
        raise ValueError(f"waves of {len(wave)} and {len(reference)} samples: cut both to the same length")
    one, other = (_spectra(x, SPECTRUM, STEP) for x in (wave, reference))
    decibels = [20 * np.log10(np.maximum(x, 10 ** (FLOOR_DB / 20))) for x in (one, other)]
    levels = [10 * np.log10(np.mean(np.square(x, dtype=float)) + 10 ** (FLOOR_DB / 10)) for x in (wave, reference)]
    convergence = np.linalg.norm(one - other) / max(np.linalg.norm(other), 1e-12)
    return Distance(float(np.abs(decibels[0] - decibels[1]).mean()), float(convergence), float(levels[0] - levels[1]))


def judge(players, pieces, ear):
    """Compute all measures of all players, over the same pieces.

    Args: players: dict from a name to a function from notes and number of samples to a wave. pieces: list of (notes,
        wave): midi.NOTE in seconds, and the piano's rendering float (samples,). ear: what `templates` returned.
    Returns: dict from the name to a dict of recall, false, dB, convergence and loudness, means over the samples.
    Raises: ValueError as `hear` and `distance`.
    Notebook: 03, "An ear".
    """
    found = {}
    for name, perform in players.items():
        rows = []
        for notes, wave in pieces:
            print("" if rows else f" {name}", end=".", flush=True)
            played = np.clip(perform(notes, len(wave)), -1, 1)
            heard = hear(played, notes, audio.ONE_A_SECOND, ear)
            rows.append([heard.recall, heard.false, *distance(played, wave)])
        means = np.average(rows, axis=0, weights=[len(wave) for _, wave in pieces])
        found[name] = dict(zip(("recall", "false", "dB", "convergence", "loudness"), means.tolist()))
    return found


def _frames(wave):
    """Compressed magnitudes below TOP_HZ of the frames, which do not overlap: (frames, bins)."""
    spectra = _spectra(_checked(wave), FRAME, FRAME)
    return spectra[:, :round(TOP_HZ * FRAME / audio.SAMPLE_RATE)] ** COMPRESSION


def _spectra(wave, size, step):
    """Magnitudes of short-time spectra (frames, bins), where a sine has its amplitude; padded to a whole frame."""
    count = max(1, -(-(len(wave) - size) // step) + 1)
    wave = np.pad(wave, (0, (count - 1) * step + size - len(wave)))
    frames = np.lib.stride_tricks.sliding_window_view(wave, size)[::step]
    window = np.hanning(size).astype(np.float32)
    return np.abs(np.fft.rfft(frames * window)).astype(np.float32) * (2 / window.sum())


def _checked(wave):
    wave = np.asarray(wave, np.float32)
    if wave.ndim != 1 or not len(wave) or not np.isfinite(wave).all():
        raise ValueError(f"a wave of shape {wave.shape}: pass (samples,), not empty and without NaN")
    return wave
