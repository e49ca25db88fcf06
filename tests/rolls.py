"""Small music made by hand or by chance, for many tests."""

import numpy as np

from utils.music import text

BAR = 16  # frames
CHORDS = [[48, 64, 67, 72], [48, 64, 67, 72], [50, 65, 69, 74], [50, 65, 69, 74], [43, 62, 67, 71], [43, 62, 67, 71]]
PIECE = text.as_roll(CHORDS * 6)  # 36 frames that repeat


def roll_of(*notes, frames=4 * BAR):
    """A roll of (pitch, first frame, frame after the last) notes."""
    roll = np.zeros((frames, 128), np.uint8)
    for pitch, start, end in notes:
        roll[start:end, pitch] = 2
        roll[start, pitch] = 1
    return roll


def windows_of(*notes, frames=4 * BAR):
    return roll_of(*notes, frames=frames)[None]


def chords(*beats, frames=4):
    """One window of chords, a tuple of pitches each, as long as said: quarter notes."""
    notes = [(pitch, frames * beat, frames * beat + frames) for beat, pitches in enumerate(beats) for pitch in pitches]
    return windows_of(*notes, frames=frames * len(beats))


def random_windows(rng, num=6, frames=4 * BAR, voices=4):
    """Notes of random length and pitch, with rests, well inside the keyboard."""
    rolls = np.zeros((num, frames, 128), np.uint8)
    for window in rolls:
        for voice in range(voices):
            start = 0
            while start < frames:
                end = min(start + int(rng.integers(1, 9)), frames)
                if rng.random() < 0.85:
                    pitch = int(rng.integers(40 + 8 * voice, 56 + 8 * voice))
                    window[start:end, pitch] = 2
                    window[start, pitch] = 1
                start = end
    return rolls


def sparse(rng, frames):
    """One or two notes of few pitches a frame, and rests, so that chance runs abound."""
    roll = np.zeros((frames, 128), np.uint8)
    for time in np.flatnonzero(rng.random(frames) < 0.75):
        roll[time, rng.integers(60, 63, size=rng.integers(1, 3))] = 1
    return roll
