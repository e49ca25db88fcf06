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
from utils.music import windows
from utils.music.windows import BEAT_FRAMES, as_windows
from utils.nets import training
from utils.nets.backend import keras

NUM_BOOTSTRAPS = 500
MIDDLE_C = 60
WINDOW_PARTS = {"soprano": [0], "alto": [1], "tenor": [2], "bass": [3], "outer voices": [0, 3], "inner voices": [1, 2],
                "rhythm": None, "pitches": None}  # of a window: voices by rank
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


def judge(bach, model, unseen_bach, unseen_model, groups=None, seed=0, epochs=12, model_groups=None):
    """Train three critics on training windows, and score them on windows of unseen pieces against fresh ones.

    Both sides must be in one key, at one place of the bar, and through the same encoding, or that is all they hear.

    Args: bach, model: uint8 (windows, frames, 128) to learn from; the longer set is thinned out to the size of the
        other. unseen_bach, unseen_model: windows to be scored by. groups: int (unseen Bach windows,), the piece of
        each, drawn as a whole for the interval; None for each window by itself. seed: of critics and intervals. epochs:
        of the network. model_groups: as groups, of the unseen windows of the model.
    Returns: list of `Verdict`, the hardest critic first: of boosted trees, a logistic regression, and a small
        convolutional network that sees the roll itself.
    Raises: ValueError for fewer than 20 windows on a side, windows of different length, or groups of another number.
    Source: Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests. Notebook: 05, "The critic".
    """
    learned, is_bach, unseen, truth, groups = _sides(bach, model, unseen_bach, unseen_model, groups, model_groups)
    known, asked = metrics.features(learned), metrics.features(unseen)
    verdicts = [_network(learned, is_bach, unseen, truth, groups, seed, epochs)]
    for name, critic in (("boosted trees", HistGradientBoostingClassifier(random_state=seed)),
                         ("logistic", make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)))):
        critic.fit(known, is_bach)
        found = permutation_importance(critic, asked, truth, scoring="roc_auc", random_state=seed, n_repeats=5)
        order = np.argsort(-found.importances_mean)
        gives_away = {FEATURES[number]: float(found.importances_mean[number]) for number in order}
        verdicts.append(verdict(name, critic.predict_proba(asked)[:, 1], truth, groups[0], gives_away, seed, groups[1]))
    return sorted(verdicts, key=lambda verdict: -verdict.auc)


def network(bach, model, unseen_bach, unseen_model, groups=None, seed=0, epochs=12, model_groups=None, channels=32):
    """Let the convolutional network listen by itself, for windows that the others have no features for, see `part`.

    Args, Raises: as `judge`; channels: see `build_network`. Returns: Verdict.
    Notebook: 05, "What it still hears".
    """
    return _network(*_sides(bach, model, unseen_bach, unseen_model, groups, model_groups), seed, epochs, channels)


def part(rolls, name):
    """Keep one part of windows and leave out all else, to find out where a critic hears the difference.

    Args: rolls: uint8 (windows, frames, 128). name: one of WINDOW_PARTS: voices by rank, with their attacks;
        "rhythm", when any voice strikes, on one pitch; "pitches", all that sounds, struck only where it was silent
        before.
    Returns: uint8 (windows, frames, 128).
    Raises: ValueError for another name.
    Notebook: 05, "What it still hears".
    """
    rolls = as_windows(rolls)
    if name == "rhythm":
        kept = np.zeros_like(rolls)
        kept[..., MIDDLE_C] = np.where((rolls == 1).any(axis=2), 1, 2 * rolls.any(axis=2))
        return kept
    if name == "pitches":
        before = np.pad(rolls, ((0, 0), (1, 0), (0, 0)))[:, :-1] != 0
        return np.where(rolls != 0, 1 + before, 0).astype(np.uint8)
    if name not in WINDOW_PARTS:
        raise ValueError(f"there is no part {name!r}: choose one of {', '.join(WINDOW_PARTS)}")
    chosen = windows.voices(rolls)[..., WINDOW_PARTS[name]].astype(int)
    inside = np.any(np.arange(rolls.shape[2]) == chosen[..., None], axis=2)
    return np.where(inside, rolls, 0).astype(np.uint8)


def _sides(bach, model, unseen_bach, unseen_model, groups, model_groups):
    """What critics learn from, and whether it is Bach's; what they are asked about, and whether that is; the pieces."""
    sides = [as_windows(each, BEAT_FRAMES) for each in (bach, model, unseen_bach, unseen_model)]
    if min(map(len, sides)) < 20 or len({each.shape[1] for each in sides}) > 1:
        raise ValueError(f"windows of shapes {[each.shape for each in sides]}: pass 20 or more each, equally long")
    groups = [np.arange(len(each)) if known is None else np.asarray(known)
              for known, each in ((groups, unseen_bach), (model_groups, unseen_model))]
    if [len(each) for each in groups] != [len(unseen_bach), len(unseen_model)]:
        raise ValueError(f"{len(groups[0])} and {len(groups[1])} groups for {len(unseen_bach)} and {len(unseen_model)} "
                         "windows: name the piece of each window")
    size = min(len(bach), len(model))
    learned = np.concatenate([each[np.arange(size) * len(each) // size] for each in sides[:2]])
    truth = np.repeat([1, 0], [len(unseen_bach), len(unseen_model)])
    return learned, np.repeat([1, 0], size), np.concatenate(sides[2:]), truth, groups


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


def _network(learned, is_bach, unseen, truth, groups, seed, epochs, channels=32):
    """Train the network, and let it judge unseen windows."""
    keras.utils.set_random_seed(seed)
    network = build_network(learned.shape[1], channels)
    training.prepare(network, epochs * -(-len(learned) // 32), keras.optimizers.Adam(2e-3), "binary_crossentropy")
    order = np.random.default_rng(seed).permutation(len(learned))  # else `fit` would see one side at the end
    network.fit(_see(learned[order]), is_bach[order], batch_size=32, epochs=epochs, verbose=0)
    scores = network.predict(_see(unseen), batch_size=64, verbose=0)[:, 0]
    return verdict("network", scores, truth, groups[0], {}, seed, groups[1])


def _see(windows):
    """What the network sees: float32 (windows, frames, 64, 2)."""
    seen = windows[..., LOWEST_SEEN:HIGHEST_SEEN]
    return np.stack([seen != 0, seen == 1], axis=-1).astype(np.float32)


def verdict(name, scores, truth, groups, gives_away, seed, made_groups=None):
    """Say how well a critic tells two sides apart.

    Args: name: the critic's. scores: float (items,), higher where an item seems real. truth: 1 (real) or 0 (made) for
        each. groups: int (real items,), the piece of each. gives_away: see `Verdict`. seed: of the interval.
        made_groups: as groups, of the made items; None for each by itself.
    Returns: Verdict: AUC, its interval over pieces, and how many of the made items pass.
    Notebook: 05, "The critic".
    """
    bach, model = scores[truth == 1], scores[truth == 0]
    made_groups = np.arange(len(model)) if made_groups is None else made_groups
    rng, drawn = np.random.default_rng(seed), []
    sides = [[scored[of == piece] for piece in np.unique(of)] for scored, of in ((bach, groups), (model, made_groups))]
    for _ in range(NUM_BOOTSTRAPS):
        ours, theirs = (np.concatenate([pieces[number] for number in rng.integers(len(pieces), size=len(pieces))])
                        for pieces in sides)
        drawn.append(roc_auc_score(np.repeat([1, 0], [len(ours), len(theirs)]), np.concatenate([ours, theirs])))
    low, high = np.quantile(drawn, (0.025, 0.975))
    passes = float(np.mean(model >= np.median(bach)))
    return Verdict(name, float(roc_auc_score(truth, scores)), float(low), float(high), passes, gives_away)
