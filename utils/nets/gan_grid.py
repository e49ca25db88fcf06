"""Windows of piano roll <-> the cells that a GAN reads and writes."""

import numpy as np

from utils.music import midi
from utils.music.windows import NUM_VOICES, as_windows, struck

FRAME_STEPS = 2  # the original roll is coarse: a frame is an eighth
SILENT = -0.9  # below it a cell is as good as silent
LOWEST_SUNG, NUM_SUNG = 31, 56  # G1 to D6: all that Bach's chorales use in C major or A minor


def encode(windows):
    """Turn windows into what the original networks read: the eighth grid, 1 where a pitch sounds and -1 elsewhere.

    Args: windows: uint8 (windows, frames, 128), frames an even number, pitches from G1 to D6.
    Returns: float32 (windows, frames / 2, 56).
    Raises: ValueError for another shape, no windows, or pitches beyond the range.
    Notebook: 04, "What it reads".
    """
    windows = as_windows(windows, FRAME_STEPS)
    if not len(windows):
        raise ValueError("no windows to learn from: pass the training pieces' windows")
    return np.where(_in_range(windows[:, ::FRAME_STEPS] != 0), np.float32(1), np.float32(-1))


def decode(cells):
    """Turn what a generator writes into windows: the four strongest pitches of each eighth sound, but for silent ones.

    Silent are cells below -0.9. A pitch that sounded on the eighth before is held. Any numbers become music.

    Args: cells: float (windows, eighths, 56).
    Returns: uint8 (windows, 2 * eighths, 128).
    Raises: ValueError for another shape.
    Notebook: 04, "What it reads".
    """
    cells = np.asarray(cells)
    if cells.ndim != 3 or cells.shape[2] != NUM_SUNG:
        raise ValueError(f"cells of shape {cells.shape}: pass (windows, eighths, {NUM_SUNG}), as a generator writes")
    strongest = np.argsort(-cells, axis=2, kind="stable")[..., :NUM_VOICES]
    sounds = np.take_along_axis(cells, strongest, axis=2) >= SILENT  # false for NaN
    windows = np.zeros((*cells.shape[:2], midi.NUM_PITCHES), np.uint8)
    np.put_along_axis(windows, strongest + LOWEST_SUNG, np.where(sounds, np.uint8(2), np.uint8(0)), axis=2)
    return struck(np.repeat(windows, FRAME_STEPS, axis=1))


def in_range(windows):
    """Say which windows keep to the pitches that these networks read, G1 to D6.

    Args: windows: uint8 (windows, frames, 128). Returns: bool (windows,). Raises: ValueError for another shape.
    """
    sounding = as_windows(windows).any(axis=1)
    return ~(sounding[:, :LOWEST_SUNG].any(axis=1) | sounding[:, LOWEST_SUNG + NUM_SUNG:].any(axis=1))


def _in_range(sounding):
    """The pitches G1 to D6 of bool (..., 128), or why these are not all."""
    inside = sounding[..., LOWEST_SUNG:LOWEST_SUNG + NUM_SUNG]
    if inside.sum() != sounding.sum():
        raise ValueError(f"pitches beyond {LOWEST_SUNG} to {LOWEST_SUNG + NUM_SUNG - 1}: transpose to C major or A "
                         "minor, as windows.windows does, and leave out what no choir sings")
    return inside
