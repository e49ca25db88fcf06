"""A student that colours an additive piano, frame by frame of a short-time Fourier transform, and how it learns."""

import numpy as np

from utils.nets import training, wavenet
from utils.nets.backend import keras, layers, ops

WINDOW, FRAME_STEP = 1024, 160  # samples of a frame, 64 ms, and from one to the next, 10 ms
BINS = WINDOW // 2 + 1
FFT_SIZES = (4096, 2048, 1024, 512, 256)  # samples of the windows of spectra, a quarter of each apart
FLOOR = 1e-4  # of full scale, -80 dB: magnitudes below are not told apart
LOUDEST_LOG_GAIN, SOFTEST_LOG = 3.0, -12.0  # limits of what the head may ask for
WAVE_WEIGHT, MATCHING_WEIGHT = 0.5, 1.0  # of the samples' difference, and of the critic's layers, in the loss
PASS_SAMPLES, EDGE_SAMPLES = 64_000, 4_000  # a pass, and what it shares with each neighbour: more than a frame can see
EYE = 1024, 256  # samples of the windows of critic and `level_loss`, and from one to the next


def build(channels=192, num_layers=6, kernel_size=7, condition_size=204):
    """Build the student: from the notes and an additive piano's wave to the spectra of the real piano, and a wave.

    Convolutions over frames of 10 ms, as wide as a frame needs and no slower in time than it, say for each frequency
    how the additive piano is to be amplified and turned, and what is to be added; the inverse transform makes the wave.

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


def build_critic(channels=24, scale=1.0):
    """Build a critic of patches: convolutions over a log spectrogram, whose every output judges a part of it.

    Args: channels: of the first layer. scale: what a unit of the waves is, in full scale: below FLOOR it hears nothing.
    Returns: keras.Model from a wave (batch, steps) to a list of float arrays: each layer's output, the last the logits
        (batch, patches in time, patches in frequency, 1), above 0 for the real piano.
    Source: Isola et al. 2017, Image-to-image translation, section 3.2.2 (patches). Notebook: 03, "All at once".
    """
    wave = keras.Input((None,), name="wave")
    x = _levels(wave, FLOOR / scale)[..., None] / 3 + 1
    seen = []
    for size, strides in ((channels, (1, 2)), (2 * channels, (2, 2)), (3 * channels, (2, 2)), (4 * channels, (1, 2))):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(size, (3, 5), strides, padding="same")(x))
        seen.append(x)
    return keras.Model(wave, [*seen, layers.Conv2D(1, 3, padding="same", use_bias=False)(x)], name="critic")


def spectrum(wave, size, step):
    """Short-time Fourier transform of waves (batch, steps), centred: real and imaginary (batch, frames, bins)."""
    return ops.stft(ops.pad(wave, ((0, 0), (size // 2, size // 2))), size, step, size, center=False)


def spectral_loss(target, wave, floor=FLOOR):
    """How far two waves' spectra are apart: log magnitudes and spectral convergence, averaged over FFT_SIZES.

    Args: target, wave: float (batch, steps). floor: magnitude below which none is told from another.
    Returns: float, a scalar: mean absolute difference of the natural logs, plus the difference's norm by the target's.
    Source: Yamamoto et al. 2020, Parallel WaveGAN, section 2.2. Notebook: 03, "All at once".
    """
    total = 0.0
    for size in FFT_SIZES:
        one, other = (_magnitudes(x, size) for x in (target, wave))
        logs = ops.mean(ops.abs(ops.log(ops.maximum(one, floor)) - ops.log(ops.maximum(other, floor))))
        total += logs + ops.sqrt(ops.sum(ops.square(one - other)) / (ops.sum(ops.square(one)) + floor**2))
    return total / len(FFT_SIZES)


def level_loss(target, wave, floor=FLOOR):
    """How far the levels of each frequency are apart over an excerpt: mean and deviation of the log magnitudes.

    What two waves are to an ear that does not compare them moment by moment; `spectral_loss` alone leaves what is soft
    and uncertain too soft, for the middle of all guesses is below their mean.

    Args: target, wave: float (batch, steps). floor: magnitude far below which none is told from another.
    Returns: float, a scalar, in natural logs.
    Notebook: 03, "All at once".
    """
    one, other = (_levels(x, floor) for x in (target, wave))
    means, deviations = ops.mean(one - other, axis=1), ops.std(one, axis=1) - ops.std(other, axis=1)
    return ops.mean(ops.abs(means)) + ops.mean(ops.abs(deviations))


class Learner(keras.Model):
    """A student that learns from the spectra of real waves, and from a critic that learns beside it where one is given.

    The critic's loss asks that the real wave seem more real than the student's of the same notes, the student's asks
    the opposite and that the critic's layers see the same in both; each side's gradient moves that side alone.

    Args: student: what `build` returned. critic: what `build_critic` returned, or None. scale: what a unit of the
        waves is, in full scale. level_weight, critic_weight: of `level_loss` and of what the critic says, beside
        `spectral_loss`.
    Source: Jolicoeur-Martineau 2018, The relativistic discriminator; Kumar et al. 2019, MelGAN (matching layers).
    """

    def __init__(self, student, critic=None, scale=1.0, level_weight=0.0, critic_weight=0.1):
        super().__init__()
        self.student, self.critic, self.floor = student, critic, FLOOR / scale
        self.level_weight, self.critic_weight = level_weight, critic_weight
        self.built = True  # all that it holds is

    def call(self, inputs):
        return self.student(inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = spectral_loss(y, y_pred, self.floor) + WAVE_WEIGHT * ops.mean(ops.abs(y - y_pred))
        if self.level_weight:
            loss += self.level_weight * level_loss(y, y_pred, self.floor)
        if self.critic is None:
            return loss
        *of_real, real = self.critic(y)
        lesson = ops.mean(ops.softplus(self.critic(ops.stop_gradient(y_pred))[-1] - real))
        fixed = [ops.stop_gradient(variable.value) for variable in self.critic.trainable_variables]
        (*of_made, made), _ = self.critic.stateless_call(fixed, [], y_pred)
        opinion = ops.mean(ops.softplus(ops.stop_gradient(real) - made))
        for one, other in zip(map(ops.stop_gradient, of_real), of_made):
            opinion += MATCHING_WEIGHT * ops.mean(ops.abs(one - other)) / ops.mean(ops.abs(one))
        return loss + lesson + self.critic_weight * opinion


class Lessons(wavenet.Excerpts):
    """Excerpts for a student: what is known of them, and the wave. Arguments as of `wavenet.Excerpts`."""

    def __getitem__(self, number):
        (_, *known), target = super().__getitem__(number)
        return tuple(known), target


def fit(learner, train, valid, folder, epochs, steps=200, num_steps=16_000, batch_size=4, learning_rate=1.5e-3, seed=0,
        known=(None, None)):
    """Train a student on random excerpts; a run that was stopped goes on from its last whole epoch.

    Args: learner: a Learner. train, valid: lists of float (1 + samples,). known: of train and of valid, a function
        from (number of the line, first step, num_steps) to [condition, excitation]. The others: as `wavenet.fit`.
    Returns: dict, the history: loss, of the Learner, and val_loss, the spectral loss of 16 held-out excerpts, one value
        an epoch.
    Notebook: 03, "All at once".
    """
    learner.compile(training.optimizer(epochs * steps, learning_rate),
                    jit_compile=epochs * steps > training.WORTH_COMPILING)
    held_out = Lessons(valid, num_steps, 4, 4, known[1], FRAME_STEP, seed=1)
    held_out = [held_out[number] for number in range(4)]

    def score():
        return np.mean([float(spectral_loss(target, learner.student.predict_on_batch(list(inputs)), learner.floor))
                        for inputs, target in held_out])

    lessons = Lessons(train, num_steps, batch_size, steps, known[0], FRAME_STEP, seed=seed)
    return training.fit(learner, lessons, folder, epochs, score)


def perform(student, num_samples, condition, excitation):
    """Play a piece, in passes of PASS_SAMPLES that overlap by more than any frame can see.

    Args: student: what `build` returned. num_samples: int. condition: float (rows, size), a row for each FRAME_STEP / 2
        samples. excitation: float (num_samples, 1).
    Returns: float32 (num_samples,), in the unit of the waves that it learned.
    Raises: ValueError for no samples, and for a condition or excitation that is of the wrong shape or not finite.
    Notebook: 03, "All at once".
    """
    if num_samples < 1:
        raise ValueError(f"{num_samples} samples: give at least 1")
    streams = wavenet.streams(student, num_samples, FRAME_STEP // 2, condition=condition, excitation=excitation)
    result = []
    for start in range(0, num_samples, PASS_SAMPLES):
        first, last = start - EDGE_SAMPLES, start + PASS_SAMPLES + EDGE_SAMPLES
        parts = [wavenet.cut(stream, first // rate, last // rate)[None] for stream, rate in streams]
        wave = student.predict_on_batch(parts)
        result.append(wave[0, EDGE_SAMPLES:EDGE_SAMPLES + PASS_SAMPLES])
    return np.concatenate(result)[:num_samples]


def _near_zero(deviation):
    return keras.initializers.RandomNormal(0, deviation)


def _levels(wave, floor):
    """Natural logs of the magnitudes (batch, frames, bins) that the critic sees: a sine's is its amplitude."""
    real, imaginary = spectrum(wave, *EYE)
    return _logarithms(real * 4 / EYE[0], imaginary * 4 / EYE[0], floor)


def _logarithms(real, imaginary, floor):
    """Natural logs of the magnitudes."""
    return ops.log(ops.sqrt(real**2 + imaginary**2 + 1e-12) + floor)


def _magnitudes(wave, size):
    """Magnitudes of short-time spectra (batch, frames, bins): a sine's is its amplitude."""
    real, imaginary = ops.stft(wave, size, size // 4, size, center=False)
    return ops.sqrt(ops.square(real) + ops.square(imaginary) + 1e-12) * (4 / size)
