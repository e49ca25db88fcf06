"""Music by chance: windows that keep one property of Bach and lose the others, to show what a measure can detect.

Each function takes training windows uint8 (windows, frames, 128) of one metre, how many windows to make, and a NumPy
Generator. It returns uint8 (num_windows, frames, 128), in which every note begins with its attack. It raises ValueError
for another shape or for silence. Notebook of all: 01, "Bach and the baselines".
"""

import numpy as np

from utils.music import midi
from utils.music.windows import BEAT_FRAMES, NUM_VOICES, as_windows, struck, voices


def uniform(windows, num_windows, rng):
    """Draw four pitches per frame, uniformly from the training range; a pitch drawn again on the next frame is held."""
    windows = _training(windows)
    used = np.flatnonzero(windows.any(axis=(0, 1)))
    pitches = rng.integers(used[0], used[-1] + 1, size=(num_windows, windows.shape[1], NUM_VOICES))
    made = np.zeros((num_windows, *windows.shape[1:]), np.uint8)
    np.put_along_axis(made, pitches, 2, axis=2)
    return struck(made)


def shuffled_beats(windows, num_windows, rng):
    """Play the beats of a training window in random order: the chords are kept, their progression is lost."""
    windows = _training(windows)
    beats = windows.reshape(len(windows), -1, BEAT_FRAMES, midi.NUM_PITCHES)
    window = rng.integers(len(beats), size=(num_windows, 1))
    order = rng.permuted(np.tile(np.arange(beats.shape[1]), (num_windows, 1)), axis=1)
    return struck(beats[window, order].reshape(num_windows, *windows.shape[1:]))


def mixed_voices(windows, num_windows, rng):
    """Take each voice from another training window: the melodies are kept, their harmony is lost."""
    windows = _training(windows)
    made = np.zeros((num_windows, *windows.shape[1:]), np.uint8)
    for voice in range(NUM_VOICES):
        source = rng.choice(windows, num_windows)
        pitches = voices(source)[..., voice]
        cells = *np.nonzero(pitches >= 0), pitches[pitches >= 0]
        made[cells] = source[cells]
    return struck(made)


def markov(windows, num_windows, rng):
    """Write a Markov chain over frames: each frame follows the one before it somewhere in training."""
    return _walk(windows, num_windows, rng, step_frames=1)


def beat_markov(windows, num_windows, rng):
    """Write a Markov chain over beats: each beat follows the last frame of the one before it somewhere in training."""
    return _walk(windows, num_windows, rng, step_frames=BEAT_FRAMES)


def _walk(windows, num_windows, rng, step_frames):
    """A first-order Markov chain over steps of some frames; its state is the last frame of a step, with its attacks.

    It starts like a random window. It starts again after a state that is only at the end of training windows.
    """
    windows = _training(windows)
    num_steps = windows.shape[1] // step_frames
    steps = windows.reshape(-1, step_frames, midi.NUM_PITCHES)  # all steps of training in one row
    places = np.arange(len(steps))
    starts, followed = places[::num_steps], places[places % num_steps != num_steps - 1]
    state = np.unique(steps[:, -1].copy().view(f"V{midi.NUM_PITCHES}"), return_inverse=True)[1].ravel()
    followed = followed[np.argsort(state[followed], kind="stable")]  # places of equal states next to each other
    first, last = (np.searchsorted(state[followed], state, side) for side in ("left", "right"))
    walk = [rng.choice(starts, num_windows)]
    while len(walk) < num_steps:
        now = walk[-1]
        known = first[now] < last[now]
        after = rng.choice(starts, num_windows)
        after[known] = followed[rng.integers(first[now][known], last[now][known])] + 1
        walk.append(after)
    return struck(steps[np.stack(walk, axis=1)].reshape(num_windows, *windows.shape[1:]))


def _training(windows):
    """Return the training windows as an array, or refuse them."""
    windows = as_windows(windows, BEAT_FRAMES)
    if not windows.any():
        raise ValueError(f"{len(windows)} training windows without a note: pass windows with notes")
    return windows
