"""Three classifiers as listeners: they learn to distinguish the spectra of a performer and of the real instrument."""

import numpy as np
from scipy import signal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from utils.measure import critic
from utils.nets import training
from utils.nets.backend import keras

PATCH_SAMPLES = 16_000  # one second
WINDOW, STEP = 1024, 256  # samples: window of a frame, and step to the next frame
FLOOR = 1e-4  # of full scale, -80 dB: softer sound counts as silence
NUM_BANDS = 57  # of the features, nine bins per band


def judge(real, made, unseen_real, unseen_made, seed=0, epochs=8):
    """Train three critics on patches of one set of pieces, and score them on patches of others.

    Args: real, made: lists of waves float (samples,) to learn from, the same pieces in the same order, played by the
        instrument and by the performer. unseen_real, unseen_made: the same for the pieces of the score. seed: of
        critics and intervals. epochs: of the network.
    Returns: list of `critic.Verdict`, the strictest critic first: boosted trees and a logistic regression, which read
        the mean and deviation of each band of a patch, and a small convolutional network that reads its spectrogram;
        auc is the probability that a patch of the instrument gets a higher score than one of the performer.
    Raises: ValueError for sets without a whole patch, or sets that do not match.
    Source: Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests. Notebook: 03, "How good?".
    """
    if any(list(map(len, one)) != list(map(len, other)) for one, other in ((real, made), (unseen_real, unseen_made))):
        raise ValueError("waves that do not match: pass the same pieces, cut to the same length, in one order")
    if min(max((len(wave) for wave in waves), default=0) for waves in (real, unseen_real)) < PATCH_SAMPLES:
        raise ValueError(f"no wave lasts {PATCH_SAMPLES} samples: pass longer ones")
    sides = [patches(waves) for waves in (real, made, unseen_real, unseen_made)]
    learned, is_real = np.concatenate(sides[:2]), np.repeat([1, 0], len(sides[0]))
    unseen, truth = np.concatenate(sides[2:]), np.repeat([1, 0], len(sides[2]))
    pieces = np.repeat(np.arange(len(unseen_real)), [len(wave) // PATCH_SAMPLES for wave in unseen_real])
    known, asked, verdicts = features(learned), features(unseen), []
    for name, listener in (("boosted trees", HistGradientBoostingClassifier(random_state=seed)),
                           ("logistic", make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.1)))):
        listener.fit(known, is_real)
        verdicts.append(critic.verdict(name, listener.predict_proba(asked)[:, 1], truth, pieces, {}, seed))
    keras.utils.set_random_seed(seed)
    network = build_network()
    training.prepare(network, epochs * -(-len(learned) // 32), keras.optimizers.Adam(1e-3), "binary_crossentropy")
    order = np.random.default_rng(seed).permutation(len(learned))
    centre, spread = learned.mean(axis=(0, 1)), learned.std(axis=(0, 1)) + 0.01
    learned, unseen = (learned - centre) / spread, (unseen - centre) / spread
    network.fit(learned[order][..., None], is_real[order], batch_size=32, epochs=epochs, verbose=0)
    scores = network.predict(unseen[..., None], batch_size=64, verbose=0)[:, 0]
    verdicts.append(critic.verdict("network", scores, truth, pieces, {}, seed))
    return sorted(verdicts, key=lambda each: -each.auc)


def patches(waves):
    """Cut waves into whole patches and take their spectra, as `hearing.distance` does.

    Args: waves: list of float (samples,).
    Returns: float32 (patches, frames, bins), -1 for FLOOR and below, 0 for a sine at full scale.
    """
    cut = [wave[:len(wave) // PATCH_SAMPLES * PATCH_SAMPLES].reshape(-1, PATCH_SAMPLES) for wave in waves]
    _, _, spectra = signal.stft(np.concatenate(cut), nperseg=WINDOW, noverlap=WINDOW - STEP, boundary=None,
                                padded=False)
    return (np.log10(np.maximum(2 * np.abs(spectra).swapaxes(1, 2), FLOOR)) / -np.log10(FLOOR)).astype(np.float32)


def features(spectra):
    """Mean and deviation over time of each band: float32 (patches, frames, bins) -> (patches, 2 * NUM_BANDS)."""
    bands = spectra[..., :NUM_BANDS * 9].reshape(*spectra.shape[:2], NUM_BANDS, 9).mean(axis=-1)
    return np.concatenate([bands.mean(axis=1), bands.std(axis=1)], axis=1)


def build_network(channels=16):
    """Build the critic that reads spectrograms: keras.Model from (batch, frames, bins, 1) to (batch, 1), 1 for real."""
    x = spectra = keras.Input((None, WINDOW // 2 + 1, 1))
    for number, strides in enumerate(((2, 2), (1, 2), (2, 2), (2, 2)), 1):
        x = keras.layers.Conv2D(number * channels, (3, 5), strides, padding="same", activation="relu")(x)
    x = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(x), keras.layers.GlobalMaxPooling2D()(x)])
    x = keras.layers.Dropout(0.3)(x)
    return keras.Model(spectra, keras.layers.Dense(1, activation="sigmoid")(x), name="timbre_critic")
