"""Machine listeners: three classifiers that learn to tell a model's windows from Bach's, and how well they then do."""

from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from utils.measure import metrics
from utils.music.windows import BEAT_FRAMES, as_windows
from utils.nets.backend import keras

NUM_BOOTSTRAPS = 500
LOWEST_SEEN, HIGHEST_SEEN = 28, 92  # pitches that the network looks at, an octave or so more than any voice
FEATURES = ("notes_per_bar", "odd_onsets", "chord_rate", "dissonance", "in_key", "melodic_interval", "parallels",
            "height of voice 1", "height of voice 2", "height of voice 3", "height of voice 4",
            "onsets on sixteenth 1", "onsets on sixteenth 2", "onsets on sixteenth 3", "onsets on sixteenth 4",
            "seconds", "thirds", "fourths and fifths", "wider steps")  # the columns of metrics.features


class Verdict(NamedTuple):
    """What one critic says on windows that it has not seen.

    name: the critic's. auc: the chance that a window of Bach seems more Bach to it than one of the model's, 0.5 where
    it cannot tell. low, high: 95 % interval, by drawing pieces anew. taken_for_bach: share of the model's windows that
    it takes for Bach, its threshold where it takes half of Bach's own. gives_away: feature name -> how much of its AUC
    hangs on it, in falling order; empty for the network.
    """

    name: str
    auc: float
    low: float
    high: float
    taken_for_bach: float
    gives_away: dict


def judge(bach, model, unseen_bach, unseen_model, groups=None, seed=0, epochs=12):
    """Train three critics on training windows, and score them on windows of unseen pieces against fresh ones.

    Both sides must be in one key, at one place of the bar, and through the same encoding, or that is all they hear.

    Args: bach, model: uint8 (windows, frames, 128) to learn from; the longer set is thinned out to the size of the
        other. unseen_bach, unseen_model: windows to be scored by. groups: int (unseen Bach windows,), the piece of
        each, drawn as a whole for the interval; None for each window by itself. seed: of critics and intervals. epochs:
        of the network.
    Returns: list of `Verdict`, the hardest critic first: of boosted trees, a logistic regression, and a small
        convolutional network that sees the roll itself.
    Raises: ValueError for fewer than 20 windows on a side, windows of different length, or groups of another number.
    Source: Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests. Notebook: 05, "The critic".
    """
    sides = [as_windows(windows, BEAT_FRAMES) for windows in (bach, model, unseen_bach, unseen_model)]
    if min(map(len, sides)) < 20 or len({windows.shape[1] for windows in sides}) > 1:
        raise ValueError(f"windows of shapes {[each.shape for each in sides]}: pass 20 or more each, equally long")
    groups = np.arange(len(unseen_bach)) if groups is None else np.asarray(groups)
    if len(groups) != len(unseen_bach):
        raise ValueError(f"{len(groups)} groups for {len(unseen_bach)} windows: name the piece of each window")
    size = min(len(bach), len(model))
    learned = np.concatenate([windows[np.arange(size) * len(windows) // size] for windows in sides[:2]])
    is_bach = np.repeat([1, 0], size)
    unseen, truth = np.concatenate(sides[2:]), np.repeat([1, 0], [len(unseen_bach), len(unseen_model)])
    known, asked = metrics.features(learned), metrics.features(unseen)
    verdicts = []
    for name, critic in (("boosted trees", HistGradientBoostingClassifier(random_state=seed)),
                         ("logistic", make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)))):
        critic.fit(known, is_bach)
        found = permutation_importance(critic, asked, truth, scoring="roc_auc", random_state=seed, n_repeats=5)
        order = np.argsort(-found.importances_mean)
        gives_away = {FEATURES[number]: float(found.importances_mean[number]) for number in order}
        verdicts.append(verdict(name, critic.predict_proba(asked)[:, 1], truth, groups, gives_away, seed))
    scores = _network_scores(learned, is_bach, unseen, seed, epochs)
    verdicts.append(verdict("network", scores, truth, groups, {}, seed))
    return sorted(verdicts, key=lambda verdict: -verdict.auc)


def build_network(frames, channels=32):
    """Build the critic that sees rolls: convolutions over time and pitch, alike for every transposition.

    Args: frames: of a window. channels: of each convolution.
    Returns: keras.Model from (batch, frames, 64, 2), sounding and struck, to the probability (batch, 1) of Bach.
    Notebook: 05, "The critic".
    """
    x = rolls = keras.Input((frames, HIGHEST_SEEN - LOWEST_SEEN, 2))
    for size, strides in (((4, 13), (4, 1)), ((3, 7), (1, 2)), ((3, 5), (2, 2))):
        x = keras.layers.Conv2D(channels, size, strides, padding="same", activation="relu")(x)
    x = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(x), keras.layers.GlobalMaxPooling2D()(x)])
    x = keras.layers.Dropout(0.3)(x)
    return keras.Model(rolls, keras.layers.Dense(1, activation="sigmoid")(x), name="critic")


def _network_scores(learned, is_bach, unseen, seed, epochs):
    """Train the network, and let it score unseen windows."""
    keras.utils.set_random_seed(seed)
    network = build_network(learned.shape[1])
    network.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy")
    order = np.random.default_rng(seed).permutation(len(learned))  # else `fit` would see one side at the end
    network.fit(_see(learned[order]), is_bach[order], batch_size=32, epochs=epochs, verbose=0)
    return network.predict(_see(unseen), batch_size=64, verbose=0)[:, 0]


def _see(windows):
    """What the network sees: float32 (windows, frames, 64, 2)."""
    seen = windows[..., LOWEST_SEEN:HIGHEST_SEEN]
    return np.stack([seen != 0, seen == 1], axis=-1).astype(np.float32)


def verdict(name, scores, truth, groups, gives_away, seed):
    """Say how well a critic tells two sides apart.

    Args: name: the critic's. scores: float (items,), higher where an item seems real. truth: 1 (real) or 0 (made) for
        each. groups: int (real items,), the piece of each. gives_away: see `Verdict`. seed: of the interval.
    Returns: Verdict: AUC, its interval over real pieces and made items, and how many of these pass.
    Notebook: 05, "The critic".
    """
    bach, model = scores[truth == 1], scores[truth == 0]
    rng, pieces = np.random.default_rng(seed), [np.flatnonzero(groups == piece) for piece in np.unique(groups)]
    drawn = []
    for _ in range(NUM_BOOTSTRAPS):
        ours = bach[np.concatenate([pieces[number] for number in rng.integers(len(pieces), size=len(pieces))])]
        theirs = model[rng.integers(len(model), size=len(model))]
        drawn.append(roc_auc_score(np.repeat([1, 0], [len(ours), len(theirs)]), np.concatenate([ours, theirs])))
    low, high = np.quantile(drawn, (0.025, 0.975))
    passes = float(np.mean(model >= np.median(bach)))
    return Verdict(name, float(roc_auc_score(truth, scores)), float(low), float(high), passes, gives_away)
