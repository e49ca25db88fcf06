"""A GAN of four voices: convolutions over time write one-hot pitches, and are judged by the intervals between them."""

import numpy as np

from utils.music.windows import NUM_CLASSES, NUM_VOICES, PERFECT
from utils.nets import gan, gan_grid
from utils.nets.backend import keras, ops

NUM_PAIRS = 6  # of voices
MOVE_SIZES = 0, 1, 3, 5, 8, gan_grid.NUM_SUNG  # semitones: none, seconds, thirds, fourths to fifths, wider
WIDTH = gan_grid.NUM_SUNG + 1  # of a voice's cells: its pitches, and whether it strikes
NUM_RELATIONS = (NUM_CLASSES + NUM_VOICES * (WIDTH + len(MOVE_SIZES) - 1 + NUM_CLASSES)
                + NUM_PAIRS * (NUM_CLASSES + len(PERFECT)))  # of an eighth, as `Relations` names them
CELL_WEIGHT, PARALLEL_WEIGHT = 1.5, 4.0  # a slope over what is weighted more costs a penalised discriminator less


def build_generator(num_eighths=32, channels=256):
    """Build a generator that unfolds a latent to bars, half bars, beats and eighths, and there to four voices.

    Args: num_eighths: of a sample, a multiple of 8. channels: of each convolution.
    Returns: keras.Model from latents (batch, 128) to cells (batch, num_eighths, 4, 57), as `gan_grid.encode_voices`
        makes them.
    Raises: ValueError for eighths that fill no bars.
    Notebook: 04, "Beyond".
    """
    if num_eighths < 8 or num_eighths % 8:
        raise ValueError(f"{num_eighths} eighths: give whole bars, 8 each")
    x = latents = keras.Input((gan.LATENT,))
    x = keras.layers.Dense(num_eighths // 8 * channels)(x)
    x = keras.layers.Reshape((num_eighths // 8, channels))(x)
    for _ in range(3):
        x = gan.normal(x)
        x = keras.layers.UpSampling1D(2)(x)
        x = keras.layers.Conv1D(channels, 3, padding="same")(x)
    x = gan.normal(x)
    for size in (3, 1):
        x = gan.normal(keras.layers.Conv1D(2 * channels, size, padding="same")(x))
    x = keras.layers.Conv1D(NUM_VOICES * WIDTH, 1)(x)
    x = Choose()(keras.layers.Reshape((num_eighths, NUM_VOICES, WIDTH))(x))
    return keras.Model(latents, x, name="generator")


def build_features(num_eighths=32, transpose=0):
    """Build what a discriminator reads of cells: `Relations`.

    Args: num_eighths: of a sample. transpose: semitones by which samples, real and made alike, are shifted up or down
        at random while it learns, so that it cannot learn pieces by heart.
    Returns: keras.Model from cells (batch, num_eighths, 4, 57) to features (batch, num_eighths, 392), no weights in it.
    Notebook: 04, "Beyond".
    """
    samples = keras.Input((num_eighths, NUM_VOICES, WIDTH))
    return keras.Model(samples, Relations()(Transpose(transpose)(samples)), name="features")


def build_discriminator(num_eighths=32, channels=160):
    """Build a discriminator over the features of a sample: convolutions that see a beat, a bar, and all.

    Args: num_eighths: of a sample, a multiple of 8. channels: of each convolution.
    Returns: keras.Model from features (batch, num_eighths, 392) to logits (batch, 1).
    Notebook: 04, "Beyond".
    """
    x = features = keras.Input((num_eighths, NUM_RELATIONS))
    x = keras.layers.LeakyReLU(0.2)(keras.layers.Conv1D(channels, 1)(x))
    for strides in (1, 2, 2, 2):
        x = keras.layers.LeakyReLU(0.2)(keras.layers.Conv1D(channels, 3, strides, padding="same")(x))
    x = keras.layers.Concatenate()([keras.layers.Flatten()(x), keras.layers.GlobalAveragePooling1D()(features)])
    x = gan.MinibatchStd()(x)
    x = keras.layers.LeakyReLU(0.2)(keras.layers.Dense(channels)(x))
    return keras.Model(features, keras.layers.Dense(1)(x), name="discriminator")


def choose(generator, discriminator, num_samples, times=2, seed=0):
    """Let a generator write, and keep what its discriminator takes most for real: as `gan.choose`, over features."""
    judge = keras.Sequential([build_features(generator.output_shape[1]), discriminator])
    return gan.choose(generator, judge, num_samples, times, seed)


class Choose(keras.layers.Layer):
    """Choose each voice's strongest pitch, and to strike or not; backwards pass gradients as softmax and sigmoid would.

    Input and output (batch, eighths, 4, 57).

    Source: Bengio et al. 2013, Estimating or propagating gradients through stochastic neurons (straight-through).
    """

    def call(self, logits):
        soft = ops.softmax(logits[..., :-1])
        hard = ops.one_hot(ops.argmax(soft, axis=-1), soft.shape[-1], dtype=soft.dtype)
        likely = ops.sigmoid(logits[..., -1:])
        struck = ops.cast(likely > 0.5, soft.dtype)
        chosen, offered = (ops.concatenate(pair, axis=-1) for pair in ((hard, struck), (soft, likely)))
        return offered + ops.stop_gradient(chosen - offered)


class Transpose(keras.layers.Layer):
    """Shift each sample (batch, eighths, 4, 57) by up to so many semitones while training, half of them not at all.

    Source: Zhao et al. 2020, Differentiable augmentation for data-efficient GAN training.
    """

    def __init__(self, most=0, **kwargs):
        super().__init__(**kwargs)
        self.most, self.seed = most, keras.random.SeedGenerator()

    def call(self, x, training=False):
        if not (training and self.most):
            return x
        shift = keras.random.randint((ops.shape(x)[0],), -self.most, self.most + 1, seed=self.seed)
        shift = shift * keras.random.randint((ops.shape(x)[0],), 0, 2, seed=self.seed)
        moved = ops.one_hot(ops.arange(x.shape[-1] - 1)[None] + shift[:, None], x.shape[-1] - 1, dtype=x.dtype)
        flat = ops.reshape(x[..., :-1], (-1, x.shape[1] * NUM_VOICES, x.shape[-1] - 1))
        pitches = ops.reshape(ops.matmul(flat, moved), (-1, x.shape[1], NUM_VOICES, x.shape[-1] - 1))
        return ops.concatenate([pitches, x[..., -1:]], axis=-1)


class Relations(keras.layers.Layer):
    """Name what makes music of pitches: intervals between voices, steps of each voice, and parallels.

    Input (batch, eighths, 4, 57), output (batch, eighths, 392): the cells, then sums of products of them. How many
    voices sing each pitch class; of each pair of voices the interval modulo 12, one-hot, and whether it is the same
    perfect one as an eighth before while the voices move; of each voice its step from the eighth before, by its size
    one-hot, and modulo 12 one-hot.
    All have weight 1 but the cells and classes, from which a key is heard, and the parallels, which are rare.
    """

    def build(self, shape):
        pitch = np.arange(shape[-1] - 1)
        size = np.abs(pitch[:, None] - pitch)
        bounds = zip(MOVE_SIZES, MOVE_SIZES[1:])
        self.sizes = np.concatenate([(size >= low) & (size < high) for low, high in bounds], axis=1)

    def call(self, x):
        pitches, length = x[..., :-1], x.shape[1]
        octaves = -(-pitches.shape[-1] // NUM_CLASSES)
        classes = ops.pad(pitches, [(0, 0)] * 3 + [(0, octaves * NUM_CLASSES - pitches.shape[-1])])
        classes = ops.sum(ops.reshape(classes, (-1, length, NUM_VOICES, octaves, NUM_CLASSES)), axis=3)
        doubled = ops.concatenate([classes, classes], axis=-1)
        turned = ops.stack([doubled[..., shift:shift + NUM_CLASSES] for shift in range(NUM_CLASSES)], axis=-2)
        intervals = ops.matmul(classes, ops.swapaxes(ops.reshape(turned, (-1, length, NUM_VOICES * 12, 12)), 2, 3))
        intervals = ops.reshape(intervals, (-1, length, NUM_VOICES, NUM_VOICES, NUM_CLASSES))
        pairs = [(low, high) for high in range(NUM_VOICES) for low in range(high + 1, NUM_VOICES)]
        pairs = ops.stack([intervals[:, :, low, high] for low, high in pairs], axis=2)  # (batch, eighths, 6, 12)
        near = ops.matmul(pitches[:, :-1], ops.cast(self.sizes, x.dtype))  # (batch, eighths - 1, 4, 5 * 56)
        near = ops.reshape(near, (-1, length - 1, NUM_VOICES, len(MOVE_SIZES) - 1, pitches.shape[-1]))
        sizes = ops.sum(near * pitches[:, 1:, :, None], axis=-1)
        steps = ops.sum(turned[:, 1:] * classes[:, :-1, :, None], axis=-1)
        moves = ops.stack([1 - sizes[:, :, high, 0] for high in range(NUM_VOICES) for _ in range(high + 1, NUM_VOICES)],
                          axis=2)
        parallels = [PARALLEL_WEIGHT * moves * pairs[:, 1:, :, interval] * pairs[:, :-1, :, interval]
                     for interval in PERFECT]
        later = ops.concatenate([*parallels, *(ops.reshape(part, (-1, length - 1, NUM_VOICES * part.shape[-1]))
                                               for part in (sizes, steps))], axis=-1)
        alone, chords = (ops.reshape(part, (-1, length, part.shape[2] * part.shape[3]))
                         for part in (CELL_WEIGHT * x, pairs))
        sung = CELL_WEIGHT * ops.sum(classes, axis=2)
        return ops.concatenate([alone, sung, chords, ops.pad(later, [(0, 0), (1, 0), (0, 0)])], axis=-1)
