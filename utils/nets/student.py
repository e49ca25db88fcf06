"""A student that changes the sound of an additive piano in a short-time Fourier transform, and its training."""

from pathlib import Path

import numpy as np

from utils.nets import training
from utils.nets.backend import keras, layers, ops
from utils.nets.excerpts import Excerpts

WINDOW, FRAME_STEP = 1024, 160  # samples: frame, 64 ms, and step to the next, 10 ms
BINS = WINDOW // 2 + 1
FFT_SIZES = (4096, 2048, 1024, 512, 256)  # samples of the windows of spectra, a quarter of each apart
FLOOR = 1e-4  # of full scale, -80 dB: magnitudes below are not told apart
LOUDEST_LOG_GAIN, SOFTEST_LOG = 3.0, -12.0  # limits of what the head may ask for
WAVE_WEIGHT = 0.5  # of the samples' difference in the loss
PASS_SAMPLES, EDGE_SAMPLES = 64_000, 4_000  # a pass, and what it shares with each neighbour: more than a frame can see
EYE = 1024, 256  # samples of the windows of `level_loss`, and from one to the next


def build(channels=192, num_layers=6, kernel_size=7, condition_size=204):
    """Build the student: from notes and the wave of an additive piano to the spectra of the real piano, and a wave.

    Convolutions run over frames of 10 ms. For each frequency they give a gain and a phase for the additive piano, and a
    part to add. The inverse transform makes the wave.

    Args: channels, num_layers, kernel_size: of the layers over frames. condition_size: numbers in each row of the
        condition, two rows for each frame.
    Returns: keras.Model from condition float (batch, rows, condition_size) and excitation float (batch, steps, 1), a
        row for each FRAME_STEP / 2 samples and steps a multiple of FRAME_STEP, to a wave float (batch, steps).
    Raises: ValueError for sizes below 1.
    Source: Siuzdak 2023, Vocos; Liu et al. 2022, A ConvNet for the 2020s (the layers). Notebook: 03, "All at once".
    """
    if min(channels, num_layers, kernel_size, condition_size) < 1:
        raise ValueError(f"{channels} channels, {num_layers} layers, kernel {kernel_size}, condition {condition_size}: "
                         "give 1 or more of each")
    condition = keras.Input((None, condition_size), name="condition")
    excitation = keras.Input((None, 1), name="excitation")
    real, imaginary = spectrum(excitation[..., 0], WINDOW, FRAME_STEP)
    x = layers.Conv1D(channels, 2, strides=2)(layers.ZeroPadding1D((0, 2))(condition))
    x = layers.LayerNormalization()(x + layers.Dense(channels)(_logarithms(real, imaginary, 1e-3)))
    for _ in range(num_layers):
        y = layers.LayerNormalization()(layers.DepthwiseConv1D(kernel_size, padding="same")(x))
        y = layers.Dense(3 * channels, activation="gelu")(y)
        x = x + layers.Dense(channels, kernel_initializer=_near_zero(0.005))(y)
    head = layers.Dense(5 * BINS, kernel_initializer=_near_zero(0.002), name="head")(layers.LayerNormalization()(x))
    gain, turn, size, cosine, sine = ops.split(head, 5, axis=-1)
    gain = ops.exp(ops.clip(gain, -6.0, LOUDEST_LOG_GAIN))
    along, across = gain * ops.cos(turn), gain * ops.sin(turn)
    size = ops.exp(ops.clip(size - 4.0, SOFTEST_LOG, 4.0)) / ops.sqrt(cosine**2 + sine**2 + 1e-4)
    turned = real * along - imaginary * across, real * across + imaginary * along
    wave = ops.istft((turned[0] + size * cosine, turned[1] + size * sine), WINDOW, FRAME_STEP, WINDOW)
    return keras.Model([condition, excitation], wave, name="student")


def spectrum(wave, size, step):
    """Short-time Fourier transform of waves (batch, steps), centred: real and imaginary (batch, frames, bins)."""
    return ops.stft(ops.pad(wave, ((0, 0), (size // 2, size // 2))), size, step, size, center=False)


def spectral_loss(target, wave, floor=FLOOR):
    """Distance between the spectra of two waves: log magnitudes and spectral convergence, averaged over FFT_SIZES.

    Args: target, wave: float (batch, steps). floor: smaller magnitudes count as this one.
    Returns: float, a scalar: mean absolute difference of the natural logs, plus the norm of the difference divided by
        the target's norm.
    Source: Yamamoto et al. 2020, Parallel WaveGAN, section 2.2. Notebook: 03, "All at once".
    """
    total = 0.0
    for size in FFT_SIZES:
        one, other = (_magnitudes(x, size) for x in (target, wave))
        logs = ops.mean(ops.abs(ops.log(ops.maximum(one, floor)) - ops.log(ops.maximum(other, floor))))
        total += logs + ops.sqrt(ops.sum(ops.square(one - other)) / (ops.sum(ops.square(one)) + floor**2))
    return total / len(FFT_SIZES)


def level_loss(target, wave, floor=FLOOR):
    """Distance between the levels of each frequency over an excerpt: mean and deviation of the log magnitudes.

    This compares two waves without comparing them moment by moment. With `spectral_loss` alone, soft and uncertain
    sounds become too soft, because the median of the possible values is below their mean.

    Args: target, wave: float (batch, steps). floor: much smaller magnitudes count as equal.
    Returns: float, a scalar, in natural logs.
    Notebook: 03, "All at once".
    """
    one, other = (_levels(x, floor) for x in (target, wave))
    means, deviations = ops.mean(one - other, axis=1), ops.std(one, axis=1) - ops.std(other, axis=1)
    return ops.mean(ops.abs(means)) + ops.mean(ops.abs(deviations))


class Learner(keras.Model):
    """A student that learns from the spectra of real waves.

    Args: student: what `build` returned. scale: what a unit of the waves is, in full scale. level_weight: of
        `level_loss` with `spectral_loss`.
    """

    def __init__(self, student, scale=1.0, level_weight=0.0):
        super().__init__()
        self.student, self.floor, self.level_weight = student, FLOOR / scale, level_weight
        self.built = True  # all that it holds is

    def call(self, inputs):
        return self.student(inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = spectral_loss(y, y_pred, self.floor) + WAVE_WEIGHT * ops.mean(ops.abs(y - y_pred))
        return loss + self.level_weight * level_loss(y, y_pred, self.floor) if self.level_weight else loss


class Lessons(Excerpts):
    """Excerpts for a student: the known inputs, and the wave. Arguments as of `Excerpts`."""

    def __getitem__(self, number):
        (_, *known), target = super().__getitem__(number)
        return tuple(known), target


def fit(learner, train, valid, folder, epochs, steps=200, num_steps=16_000, batch_size=4, learning_rate=1.5e-3, seed=0,
        known=(None, None)):
    """Train a student on random excerpts; a stopped run continues after its last complete epoch.

    Args: learner: a Learner. train, valid: lists of float (1 + samples,). known: of train and of valid, a function
        from (number of the line, first step, num_steps) to [condition, excitation]. The others: as `wavenet.fit`.
    Returns: dict, the history: loss, of the Learner, and val_loss, the spectral loss of 16 held-out excerpts, one value
        per epoch.
    Notebook: 03, "All at once".
    """
    training.prepare(learner, epochs * steps, training.optimizer(epochs * steps, learning_rate), xla=True)
    held_out = Lessons(valid, num_steps, 4, 4, known[1], FRAME_STEP, seed=1)
    held_out = [held_out[number] for number in range(4)]

    def score():
        return np.mean([float(spectral_loss(target, learner.student.predict_on_batch(list(inputs)), learner.floor))
                        for inputs, target in held_out])

    lessons = Lessons(train, num_steps, batch_size, steps, known[0], FRAME_STEP, seed=seed)
    return training.fit(learner, lessons, folder, epochs, score)


def fit_in_stages(model, train, valid, folder, stages, scale=1.0, **settings):
    """Train a student in stages, each with its own `level_weight`.

    Args: model: what `build` returned. stages: list of dicts: level_weight of `Learner`, and what else changes of the
        settings. scale: of `Learner`. The others: as `fit`.
    Returns: dict, the history of all epochs.
    Notebook: 03, "All at once".
    """
    return training.in_stages(lambda number, level_weight, **stage: fit(
        Learner(model, scale, level_weight), train, valid, Path(f"{folder}_{number}"), **settings | stage), stages)


def briefly(model, train, minutes, known, scale=1.0):
    """Train a student for some minutes: `training.briefly`, on lines and what is known of them as `fit`."""
    lessons = Lessons(train, 16_000, 4, 100_000, known, FRAME_STEP)
    training.briefly(Learner(model, scale, level_weight=1.0), lessons, minutes, 1.5e-3)


def player(model, hears, scale=1.0):
    """Make a student a player: a function from (notes, num_samples) to a wave, times scale; hears: what it is given."""
    model.compile(jit_compile=True)
    return lambda notes, num_samples: scale * perform(model, num_samples, *hears(notes, num_samples))


def perform(student, num_samples, condition, excitation):
    """Play a piece, in passes of PASS_SAMPLES that overlap by more than the receptive field.

    Args: student: what `build` returned. num_samples: int. condition: float (rows, size), a row for each FRAME_STEP / 2
        samples. excitation: float (num_samples, 1).
    Returns: float32 (num_samples,), in the unit of the training waves.
    Raises: ValueError for fewer than one sample, and for a condition or excitation that is of the wrong shape or not
        finite.
    Notebook: 03, "All at once".
    """
    if num_samples < 1:
        raise ValueError(f"{num_samples} samples: give at least 1")
    given = streams(student, num_samples, FRAME_STEP // 2, condition=condition, excitation=excitation)
    result = []
    for start in range(0, num_samples, PASS_SAMPLES):
        first, last = start - EDGE_SAMPLES, start + PASS_SAMPLES + EDGE_SAMPLES
        parts = [cut(stream, first // rate, last // rate)[None] for stream, rate in given]
        wave = student.predict_on_batch(parts)
        result.append(wave[0, EDGE_SAMPLES:EDGE_SAMPLES + PASS_SAMPLES])
    return np.concatenate(result)[:num_samples]


def streams(model, num_samples, hop, **known):
    """Check what a performer hears of a piece.

    Args: model: what `build` returned. num_samples: int, to be played. hop: samples for each row
        of the condition. known: arrays by the names of the model's inputs: condition (rows, size), others (samples,
        ...); None where there is none.
    Returns: list of (float32 array, samples per row) in the order of the model's inputs.
    Raises: ValueError for an input that is missing, of the wrong shape or not finite.
    """
    found = []
    for layer in model.inputs:
        rate, stream = hop if layer.name == "condition" else 1, known[layer.name]
        rows = -(-num_samples // rate)
        if stream is None or np.shape(stream)[1:] != tuple(layer.shape[2:]) or len(stream) < rows:
            raise ValueError(f"{layer.name} of shape {np.shape(stream)}: give at least {rows} rows of "
                             f"{layer.shape[-1] or 1} numbers")
        stream = np.asarray(stream, np.float32)
        if not np.isfinite(stream).all():
            raise ValueError(f"{layer.name} holds NaN or infinity: look where it was made")
        found.append((stream, rate))
    return found


def cut(stream, begin, stop):
    """Take rows of an array (rows, ...) from begin to stop, zeros where there are none."""
    before, after = max(-begin, 0), max(stop - len(stream), 0)
    return np.pad(stream[max(begin, 0):max(stop - after, 0)], ((before, after),) + ((0, 0),) * (stream.ndim - 1))


def _near_zero(deviation):
    return keras.initializers.RandomNormal(0, deviation)


def _levels(wave, floor):
    """Natural logs of the magnitudes (batch, frames, bins) of `level_loss`: a sine's is its amplitude."""
    real, imaginary = spectrum(wave, *EYE)
    return _logarithms(real * 4 / EYE[0], imaginary * 4 / EYE[0], floor)


def _logarithms(real, imaginary, floor):
    """Natural logs of the magnitudes."""
    return ops.log(ops.sqrt(real**2 + imaginary**2 + 1e-12) + floor)


def _magnitudes(wave, size):
    """Magnitudes of short-time spectra (batch, frames, bins); a sine has its amplitude."""
    real, imaginary = ops.stft(wave, size, size // 4, size, center=False)
    return ops.sqrt(ops.square(real) + ops.square(imaginary) + 1e-12) * (4 / size)
