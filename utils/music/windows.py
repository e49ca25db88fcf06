"""Windows of piano roll, their voices by rank, and hashes of what sounds: the input of every measure and every GAN.

Windows are uint8 (windows, frames, 128) of 0 silent, 1 attacked, 2 held, cut by `four_bar_windows`; a frame is a
sixteenth, a beat has four frames. The voices of a roll are its pitches from high to low, for Bach and for machines.
"""

import numpy as np

from utils.music import midi

BEAT_FRAMES = midi.STEPS_PER_QUARTER
NUM_VOICES = 4
NUM_CLASSES = 12  # pitch classes, C = 0
PERFECT = (0, 7)  # semitones modulo 12: unison or octave, fifth


def four_bar_windows(roll, upbeat=0, bar_frames=16, semitones=0, bars=4):
    """Cut a piece into windows that start on a barline and do not overlap; bars that do not fill a window are dropped.

    A note held into a window is struck again on its first frame, because the window does not contain its attack.

    Args: roll: uint8 (frames, 128). upbeat: frames before the first barline. bar_frames: frames in a bar, 16 in 4/4 and
        12 in 3/4. semitones: transpose the piece to C major or A minor. bars: length of a window.
    Returns: uint8 (windows, bars * bar_frames, 128); no windows if the piece is too short.
    Raises: ValueError for an array that is not a roll, bars without length, or a note outside MIDI's range.
    Notebook: 01, "Bach and the baselines".
    """
    roll, length = as_piece(roll), bars * bar_frames
    if length < 1 or upbeat < 0:
        raise ValueError(f"{bars} bars of {bar_frames} frames, upbeat {upbeat}: give 16 frames for 4/4, 12 for 3/4")
    moved, num = midi.transpose(roll, semitones), max(len(roll) - upbeat, 0) // length
    return struck(moved[upbeat:upbeat + num * length].reshape(num, length, midi.NUM_PITCHES))


def windows(pieces, bars=4, metre=(4, 4), hop=None):
    """Cut all pieces of one metre into windows, in C major or A minor.

    Args: pieces: as `data.pieces` gives them, or any objects with roll, upbeat, bar_frames, semitones and metre. bars:
        length of a window. metre: (numerator, denominator); other pieces are skipped. hop: bars from one window to the
        next, a divisor of `bars`; None for windows that do not overlap.
    Returns: uint8 (windows, bars * bar_frames, 128), piece after piece.
    Raises: ValueError if no piece has that metre, for another hop, and as `four_bar_windows`.
    Notebook: 01, "Bach and the baselines".
    """
    chosen = [piece for piece in pieces if piece.metre == metre]
    if not chosen:
        raise ValueError(f"none of {len(pieces)} pieces is in {metre[0]}/{metre[1]}: choose another metre")
    hop = hop or bars
    if hop < 1 or bars % hop:
        raise ValueError(f"windows of {bars} bars every {hop}: give a divisor of {bars}")
    return np.concatenate([
        four_bar_windows(piece.roll, piece.upbeat + skipped * piece.bar_frames, piece.bar_frames, piece.semitones, bars)
        for piece in chosen for skipped in range(0, bars, hop)])


def struck(windows):
    """Strike each held cell without a note before it: on the first frame of a window, or after silence.

    Args: windows: uint8 (windows, frames, 128).
    Returns: a copy of the same shape, in which every note begins with its attack.
    """
    silent_before = np.ones_like(windows, bool)
    silent_before[:, 1:] = windows[:, :-1] == 0
    return np.where(silent_before & (windows != 0), np.uint8(1), windows)


def as_windows(windows, multiple=1):
    """Return windows as an array, or refuse them.

    Args: windows: uint8 (windows, frames, 128). multiple: the number of frames must be a multiple of this, such as the
        frames of a bar.
    Returns: the same as an array.
    Raises: ValueError for another shape, floats or booleans, or another number of frames.
    """
    windows = np.asarray(windows)
    if windows.ndim != 3 or windows.shape[2] != midi.NUM_PITCHES or windows.dtype.kind not in "ui":
        raise ValueError(f"windows of shape {windows.shape}, {windows.dtype}: pass uint8 (windows, frames, 128) as "
                         "four_bar_windows cuts them, or roll[None] for a single roll")
    if multiple < 1 or windows.shape[1] % multiple:
        raise ValueError(f"windows of {windows.shape[1]} frames are not a multiple of {multiple} frames: cut whole "
                         "bars, and pass bar_frames=16 for 4/4 or 12 for 3/4")
    return windows


def as_piece(roll):
    """Return the roll of one piece as an array, or refuse it."""
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != midi.NUM_PITCHES or roll.dtype.kind not in "ui":
        raise ValueError(f"a roll of shape {roll.shape}, {roll.dtype}: pass one piece, uint8 (frames, 128)")
    return roll


def voices(windows):
    """Read voices from a roll by rank, from the highest pitch of each frame to the lowest.

    Args: windows: uint8 (windows, frames, 128).
    Returns: int16 (windows, frames, 4), pitches from high to low; -1 where fewer than four sound; where more sound, the
        three highest and the lowest.
    Raises: ValueError for another shape.
    """
    windows = as_windows(windows)
    frame, pitch = np.nonzero(windows.reshape(-1, midi.NUM_PITCHES))  # pitches of a frame ascend
    count = np.bincount(frame, minlength=windows.shape[0] * windows.shape[1])
    rank = np.cumsum(count)[frame] - 1 - np.arange(len(frame))  # 0 is the highest of its frame
    kept = (rank < NUM_VOICES - 1) | (rank == count[frame] - 1)
    by_rank = np.full((len(count), NUM_VOICES), -1, np.int16)
    by_rank[frame[kept], np.minimum(rank[kept], NUM_VOICES - 1)] = pitch[kept]
    return by_rank.reshape(*windows.shape[:2], NUM_VOICES)


def steps(windows):
    """Find where voices move: a voice strikes a pitch that differs from its pitch on the frame before.

    Only frames with as many voices as the frame before count: elsewhere a rank may be another voice.

    Args: windows: uint8 (windows, frames, 128).
    Returns: int16 (windows, frames - 1, 4), semitones from each frame to the next, 0 where a voice does not move.
    Raises: ValueError for another shape.
    """
    windows, by_rank = as_windows(windows), voices(windows)
    sounding = by_rank >= 0
    attacked = np.take_along_axis(windows, np.maximum(by_rank, 0), axis=2) == 1
    same_count = np.all(sounding[:, 1:] == sounding[:, :-1], axis=2, keepdims=True)
    return np.where(same_count & sounding[:, 1:] & attacked[:, 1:], np.diff(by_rank, axis=1), 0)


def ratio(part, whole, axis=None):
    """Sum of part / sum of whole, over all axes but the first by default; NaN where the whole is 0."""
    axis = tuple(range(1, whole.ndim)) if axis is None else axis
    total = whole.sum(axis=axis)
    return np.divide(part.sum(axis=axis), total, out=np.full(total.shape, np.nan), where=total > 0)


def fold(cells):
    """Sum cells (..., 128) by pitch class (..., 12)."""
    octaves = -(-midi.NUM_PITCHES // NUM_CLASSES)  # the highest octave is cut short
    padding = [(0, 0)] * (cells.ndim - 1) + [(0, octaves * NUM_CLASSES - midi.NUM_PITCHES)]
    return np.pad(cells, padding).reshape(*cells.shape[:-1], octaves, NUM_CLASSES).sum(axis=-2)


def fingerprint(roll):
    """Hash what sounds in a roll, the same in every key: which pitches sound, not which of them are struck.

    Args: roll: uint8 (frames, 128).
    Returns: chords, moves: uint64 (frames,). Chords are equal if their pitches, counted from the lowest one, are equal.
        Moves are equal if both chords are equal and the bass moves by the same step, over a rest from the bass before
        it. moves[0] is 0.
    Raises: ValueError for an array that is not a roll.
    Notebook: 01, "How is held-out music kept out?".
    """
    sounding = as_piece(roll) != 0
    sounds = np.flatnonzero(sounding.any(axis=1))
    if not sounds.size:
        return np.zeros((2, len(roll)), np.uint64)
    latest = sounds[np.maximum(0, np.searchsorted(sounds, np.arange(len(roll)), side="right") - 1)]
    bass = sounding.argmax(axis=1)[latest]  # in silence the last bass before it; in silence at the beginning the first
    above = np.take_along_axis(sounding, (bass[:, None] + np.arange(midi.NUM_PITCHES)) % midi.NUM_PITCHES, axis=1)
    odd = 2 * np.random.default_rng(0).integers(2**63, size=5, dtype=np.uint64) + 1  # the same hashes on every run
    chords = np.packbits(above, axis=1).view(np.uint64) @ odd[:2]
    moves = np.concatenate([chords[:1], chords[:-1]]) * odd[2] + chords * odd[3]
    moves += np.diff(bass, prepend=bass[:1]).astype(np.uint64) * odd[4]
    moves[:1] = 0
    return chords, moves
