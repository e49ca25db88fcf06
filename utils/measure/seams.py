"""Measures where written cells meet given ones: gaps, the music around their seams, and ends of harmonised phrases."""

import numpy as np

from utils.measure import metrics, phrases
from utils.music import harmony, voices, windows

SEAM_MEASURES = "chord_rate", "dissonance", "melodic_interval", "parallels"
GAP_BARS = 2
NEAR_FRAMES = 2 * windows.BEAT_FRAMES  # on either side of a seam


def gaps(piece, count=3):
    """Choose gaps of two bars in a piece, with two bars or more on either side.

    Args: piece: anything with voices, upbeat and bar_frames. count: most gaps; each is used alone, and they are spread
        evenly.
    Returns: list of (start, end), frames; fewer or none if the piece is short.
    Notebook: 02, "Filling a gap".
    """
    bars = (len(piece.voices) - piece.upbeat) // piece.bar_frames
    places = np.arange(GAP_BARS, bars - 2 * GAP_BARS + 1)
    chosen = np.unique(places[((np.arange(count) + 0.5) / count * len(places)).astype(int)]) if len(places) else []
    starts = [piece.upbeat + int(bar) * piece.bar_frames for bar in chosen]
    return [(start, start + GAP_BARS * piece.bar_frames) for start in starts]


def outside(num_frames, gap):
    """Mark the cells that are given around a gap (start, end): bool (num_frames, 4)."""
    known = np.ones((num_frames, 4), bool)
    known[gap[0]:gap[1]] = False
    return known


def around(cells, gap, semitones=0):
    """Cut out the two beats on either side of both seams of a gap.

    Args: cells: int (frames, 4). gap: (start, end). semitones: to C major or A minor.
    Returns: uint8 (2, 16, 128), a window around each seam.
    """
    roll = voices.to_roll(cells)
    cut = [windows.four_bar_windows(roll[seam - NEAR_FRAMES:seam + NEAR_FRAMES], 0, 2 * NEAR_FRAMES, semitones, bars=1)
           for seam in gap]
    return np.concatenate(cut)


def measure(cells, found_gaps, semitones, groups):
    """Measure the music around seams: four of `metrics.measure`, each with its 95 % interval over pieces.

    Args: cells: list of int (frames, 4), a piece for each gap: Bach's own, or with the gap rewritten. found_gaps: list
        of (start, end). semitones: int of each piece. groups: for each gap, the piece that it is in.
    Returns: dict from a measure to (mean, low, high); parallels count per window of four beats.
    Notebook: 02, "Filling a gap".
    """
    near = np.concatenate([around(*each) for each in zip(cells, found_gaps, semitones, strict=True)])
    values = metrics.measure(near, 2 * NEAR_FRAMES)
    groups = np.repeat(groups, 2)
    return {name: (float(np.nanmean(values[name])), *metrics.interval(values[name], groups)) for name in SEAM_MEASURES}


def closings(cells, fermatas, tonics):
    """Measure how phrases end at the fermatas of the score, and how pieces end.

    Args: cells: list of int (frames, 4). fermatas: list of int (number,), frames with a fermata. tonics: list of int,
        pitch classes.
    Returns: (share of fermatas whose last frame is a major or minor triad over its root; share of pieces whose last
        lowest pitch is the tonic).
    Notebook: 02, "Harmonising".
    """
    at_rest, total, home = 0, 0, 0
    for piece, marks, tonic in zip(cells, fermatas, tonics, strict=True):
        roll = voices.to_roll(piece)
        rests = [harmony.settled(piece, int(mark)) for mark in marks]
        at_rest += int(phrases.on_its_root(windows.voices(roll[rests][:, None])).sum()) if len(rests) else 0
        total += len(rests)
        sounding = roll[np.flatnonzero(roll.any(axis=1))[-1]]
        home += np.flatnonzero(sounding)[0] % windows.NUM_CLASSES == tonic % windows.NUM_CLASSES
    return at_rest / max(total, 1), home / len(cells)
