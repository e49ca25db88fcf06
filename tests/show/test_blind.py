"""The blind test is about the music: how it is performed tells nothing of who wrote it."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from utils.music import data, piece, windows
from utils.show import gallery
from utils.sound import audio

WINDOWS = Path(__file__).parents[2] / "outputs" / "evaluation" / "windows.npz"
MACHINES = {"RNN, four voices": 20, "GAN, four voices": 10, "RNN, original GRU": 5}  # in the quiz's proportion
SECONDS, TEMPO = 10, 84


def heard(window):
    """Tempo, loudness and length of a clip of the quiz."""
    clip = gallery.quiz_clip(piece.of_window("", window), SECONDS, TEMPO)
    quarters, seconds = clip.clock
    return (np.interp(SECONDS, seconds, quarters) / SECONDS * 60, audio.loudness(clip.wave, audio.CONCERT_RATE),
            len(clip.wave))


@pytest.fixture(scope="module")
def clips():
    with np.load(WINDOWS) as kept:
        machines = [window for name, count in MACHINES.items() for window in audible(kept[name])[:count]]
    pieces = [piece for piece in data.pieces("test") if piece.metre == (4, 4)]
    bach = audible(windows.windows(pieces))
    bach = bach[np.linspace(0, len(bach) - 1, len(machines)).astype(int)]
    return np.array([heard(window) for window in (*bach, *machines)]), np.repeat([1, 0], len(machines))


def audible(rolls):
    """Windows with music to the end, as the quiz takes them."""
    return rolls[rolls.any(axis=2)[:, -16:].any(axis=1)]


def told_apart(features, is_bach):
    """The AUC of trees that have not seen the clips they guess."""
    trees = HistGradientBoostingClassifier(max_iter=50, min_samples_leaf=10, random_state=0)
    guesses = cross_val_predict(trees, features, is_bach, cv=5, method="predict_proba")[:, 1]
    return roc_auc_score(is_bach, guesses)


def test_trees_cannot_tell_bach_by_tempo_loudness_and_length(clips):
    assert told_apart(*clips) <= 0.6  # less than one half is no better than chance


def test_trees_would_hear_a_machine_that_plays_a_little_louder(clips):
    """The test above can fail: one decibel gives a side away."""
    features, is_bach = clips
    assert told_apart(features + np.outer(1 - is_bach, (0, 1, 0)), is_bach) > 0.9
