"""A GAN of four named voices: a generator that sings frame by frame, by interval, and a discriminator that hears them.

A *token* says what a voice does on a sixteenth: 0 hold, 1 rest, 2 and more strike a pitch, see `infill_inputs.tokens`.
*Cells* are tokens as one-hot numbers, float (batch, frames, 4, VOCAB). An *outline* says where each frame lies in the
bar, in its phrase and in the piece, and in which mode: int (batch, frames, 5), five of the columns of
`infill_inputs.plan`. Pitches count from middle C; all music is in C major or A minor.
"""

from pathlib import Path

import numpy as np

from utils.music import voices
from utils.music.windows import NUM_CLASSES, NUM_VOICES, PERFECT, struck
from utils.nets import gan, gan_singers, infill_inputs, training
from utils.nets.backend import keras, layers, ops
from utils.nets.gan_singers import PLAN_COLUMNS, SIZES
from utils.nets.infill_inputs import HOLD, LOW, MIDDLE, NO_NOTE, SPAN, VOCAB

PAIRS = [(high, low) for high in range(NUM_VOICES) for low in range(high + 1, NUM_VOICES)]
MOVE_SIZES = 0, 1, 3, 5, 8, SPAN  # semitones: none, seconds, thirds, fourths to fifths, wider
SPACES = -SPAN, 0, 1, 5, 9, 13, SPAN  # semitones above the next voice: crossed, unison, up to an octave, wider
# a slope over what is weighted more costs a penalised discriminator less
CELL_WEIGHT, SPACE_WEIGHT, PARALLEL_WEIGHT = 1.5, 2.0, 4.0
NUM_HEARD = (NUM_VOICES * (SPAN + 2 + NUM_CLASSES + len(MOVE_SIZES) - 1) + NUM_CLASSES
             + len(PAIRS) * (NUM_CLASSES + len(PERFECT)) + NUM_VOICES * SPAN // 6 + 3 * (len(SPACES) - 1)
             + sum(SIZES))  # numbers of a frame, see `Hear`

# ---------------------------------------------------------------------------------------------- pieces <-> cells


def excerpts(pieces, bars=4, hop=None):
    """Cut pieces of four voices in 4/4 into excerpts that start on a barline, in C major or A minor.

    Args: pieces: as `data.pieces` gives them. bars: length. hop: bars from one to the next; None for `bars`.
    Returns: tokens: uint8 (excerpts, 16 * bars, 4). outlines: uint8 (excerpts, 16 * bars, 5).
    Raises: ValueError where no piece is long enough.
    Notebook: 04, "Four named voices".
    """
    found, length = [], 16 * bars
    for piece in pieces:
        if piece.metre != (4, 4) or piece.voices.shape[1] != NUM_VOICES:
            continue
        moved = voices.transpose(piece.voices, piece.semitones)
        form = infill_inputs.Form(piece.upbeat, mode=piece.mode, length=len(moved),
                                  fermatas=piece.fermatas if len(piece.fermatas) else None)
        plan = infill_inputs.plan(form, len(moved))[:, PLAN_COLUMNS]
        found += [(moved[start:start + length], plan[start:start + length])
                  for start in range(piece.upbeat, len(moved) - length + 1, 16 * (hop or bars))]
    if not found:
        raise ValueError(f"none of {len(pieces)} pieces has four voices and {bars} bars of 4/4: pass other pieces")
    cells, outlines = map(np.array, zip(*found))
    _, tokens = infill_inputs.tokens(cells, np.full(len(cells), MIDDLE))
    return tokens.astype(np.uint8), outlines.astype(np.uint8)


def encode(tokens):
    """Spell tokens as cells: int (batch, frames, 4) -> float32 (batch, frames, 4, VOCAB)."""
    return np.eye(VOCAB, dtype=np.float32)[tokens]


def decode(cells):
    """Turn cells into windows: the strongest token of each. A hold without a note is a rest: any numbers are music.

    Args: cells: float (windows, frames, 4, VOCAB). Returns: uint8 (windows, frames, 128).
    Raises: ValueError for another shape.
    Notebook: 04, "Four named voices".
    """
    cells = np.asarray(cells)
    if cells.ndim != 4 or cells.shape[2:] != (NUM_VOICES, VOCAB):
        raise ValueError(f"cells of shape {cells.shape}: pass (windows, frames, 4, {VOCAB})")
    tokens, last, found = cells.argmax(axis=3), voices.REST, []
    for now in range(cells.shape[1]):
        token = tokens[:, now]
        held = np.where(last == voices.REST, voices.REST, last % voices.HELD + voices.HELD)
        last = np.select([token == HOLD, token == NO_NOTE], [held, voices.REST], token - 2 + LOW + MIDDLE)
        found.append(last.astype(np.int16))
    return struck(np.array([voices.to_roll(each) for each in np.stack(found, axis=1)]))


# ---------------------------------------------------------------------------------------------- networks


def build_generator(num_frames=64, units=128, hidden=160, dropout_rate=0.3):
    """Build a generator of four voices.

    Args: num_frames: sixteenths. units, hidden, dropout_rate: see `gan_singers.Singers`.
    Returns: keras.Model from [latents (batch, num_frames, 4), outline (batch, num_frames, 5)] to cells.
    Notebook: 04, "Four named voices".
    """
    latents, outline = keras.Input((num_frames, NUM_VOICES)), keras.Input((num_frames, len(SIZES)), dtype="int32")
    sung = gan_singers.Singers(units, hidden, dropout_rate, name="singers")(latents, outline)
    return keras.Model([latents, outline], sung, name="generator")


def build_features(num_frames=64, transpose=0):
    """Build what a discriminator reads of cells: `Hear`.

    Args: num_frames: of a sample. transpose: semitones by which samples, real and made alike, are shifted up or down at
        random while it learns, so that it cannot learn pieces by heart.
    Returns: keras.Model from [cells, outline] to features (batch, num_frames, NUM_HEARD), no weights in it.
    Notebook: 04, "Four named voices".
    """
    cells = keras.Input((num_frames, NUM_VOICES, VOCAB))
    outline = keras.Input((num_frames, len(SIZES)), dtype="int32")
    return keras.Model([cells, outline], Hear(transpose)(cells, outline), name="features")


def build_discriminator(num_frames=64, channels=128):
    """Build a discriminator over the features of a sample: convolutions that see a beat, a bar, and all.

    Args: num_frames: of a sample, a multiple of 16. channels: of each convolution.
    Returns: keras.Model from features (batch, num_frames, NUM_HEARD) to logits (batch, 1).
    Notebook: 04, "Four named voices".
    """
    x = features = keras.Input((num_frames, NUM_HEARD))
    x = layers.LeakyReLU(0.2)(layers.Conv1D(channels, 1)(x))
    for strides in (2, 2, 2, 2):
        x = layers.LeakyReLU(0.2)(layers.Conv1D(channels, 4, strides, padding="same")(x))
    x = layers.Concatenate()([layers.Flatten()(x), layers.GlobalAveragePooling1D()(features)])
    x = layers.LeakyReLU(0.2)(layers.Dense(channels)(gan.MinibatchStd()(x)))
    return keras.Model(features, layers.Dense(1)(x), name="discriminator")


class Hear(layers.Layer):
    """Name what makes music of cells: sounding pitches, intervals between voices, steps of each voice, parallels.

    Input cells (batch, frames, 4, VOCAB) and outlines (batch, frames, 5); output (batch, frames, NUM_HEARD), sums of
    products of cells: each voice's sounding pitch, and whether it is struck or rests; how many voices sing each pitch
    class; of each pair of voices the interval modulo 12, and whether it is the same perfect one as a frame before while
    both move; of each voice that strikes its step from the frame before, by size, and modulo 12; which half octave each
    voice sings in, and how far it is above the next one; the outline. All have weight 1 but pitches and classes, from
    which a key is heard, heights and spaces, and the parallels, which are rare. While
    training, samples are shifted by up to `transpose` semitones, half of them not at all.

    Source: Zhao et al. 2020, Differentiable augmentation for data-efficient GAN training, for the shift.
    """

    def __init__(self, transpose=0, **kwargs):
        super().__init__(**kwargs)
        self.transpose, self.seed = transpose, keras.random.SeedGenerator()

    def build(self, cells_shape, outline_shape):
        size = np.abs(np.arange(SPAN)[:, None] - np.arange(SPAN))
        above = np.arange(SPAN) - np.arange(SPAN)[:, None]  # from the lower voice's pitch, in rows
        self.sizes, self.spaces = (np.concatenate(
            [(each >= low) & (each < high) for low, high in zip(kinds, kinds[1:])], axis=1).astype("float32")
            for each, kinds in ((size, MOVE_SIZES), (above, SPACES)))

    def compute_output_spec(self, cells, outline, training=False):
        return keras.KerasTensor((*cells.shape[:2], NUM_HEARD))

    def call(self, cells, outline, training=False):
        cells = ops.cast(cells, "float32")
        frames, flat = cells.shape[1], lambda x: ops.reshape(x, (-1, x.shape[1], x.shape[2] * x.shape[3]))
        hold, rest = cells[..., HOLD:HOLD + 1], cells[..., NO_NOTE:NO_NOTE + 1]
        strikes = self.shift(cells[..., 2:]) if training and self.transpose else cells[..., 2:]
        pitches = sustain(strikes, hold)
        octaves = ops.reshape(pitches, (-1, frames, NUM_VOICES, SPAN // NUM_CLASSES, NUM_CLASSES))
        classes = ops.sum(octaves, axis=3)
        doubled = ops.concatenate([classes, classes], axis=-1)
        turned = ops.stack([doubled[..., shift:shift + NUM_CLASSES] for shift in range(NUM_CLASSES)], axis=-2)
        pairs = ops.stack([ops.einsum("btsc,btc->bts", turned[:, :, high], classes[:, :, low]) for high, low in PAIRS],
                          axis=2)  # how far the upper is above the lower: (batch, frames, 6, 12)
        hit = ops.sum(strikes, axis=-1, keepdims=True)
        sizes = between(pitches[:, :-1], strikes[:, 1:], self.sizes)
        spaces = SPACE_WEIGHT * between(pitches[:, :, 1:], pitches[:, :, :-1], self.spaces)
        heights = CELL_WEIGHT * ops.sum(ops.reshape(pitches, (-1, frames, NUM_VOICES, SPAN // 6, 6)), axis=-1)
        steps = ops.einsum("btvsc,btvc->btvs", turned[:, 1:], classes[:, :-1]) * hit[:, 1:]
        moves = ops.sum(sizes[..., 1:], axis=-1)
        moves = ops.stack([moves[..., high] * moves[..., low] for high, low in PAIRS], axis=-1)
        parallels = [PARALLEL_WEIGHT * moves * pairs[:, 1:, :, interval] * pairs[:, :-1, :, interval]
                     for interval in PERFECT]
        later = ops.concatenate([*parallels, flat(sizes), flat(steps)], axis=-1)
        return ops.concatenate([
            CELL_WEIGHT * flat(pitches), hit[..., 0], rest[..., 0], CELL_WEIGHT * ops.sum(classes, axis=2), flat(pairs),
            ops.pad(later, ((0, 0), (1, 0), (0, 0))), flat(heights), flat(spaces), gan_singers.spell(outline),
        ], axis=-1)

    def shift(self, strikes):
        """Strikes (batch, frames, 4, SPAN), each sample shifted as a whole."""
        shape = (ops.shape(strikes)[0],)
        by = keras.random.randint(shape, -self.transpose, self.transpose + 1, seed=self.seed)
        by = by * keras.random.randint(shape, 0, 2, seed=self.seed)
        moved = ops.one_hot(ops.arange(SPAN)[None] + by[:, None], SPAN)
        flat = ops.reshape(strikes, (-1, strikes.shape[1] * NUM_VOICES, SPAN))
        return ops.reshape(ops.matmul(flat, moved), (-1, strikes.shape[1], NUM_VOICES, SPAN))


def sustain(strikes, hold):
    """Let what is struck sound as long as it is held: float (batch, frames, 4, SPAN) and (batch, frames, 4, 1).

    As pitches[now] = strikes[now] + hold[now] * pitches[now - 1], in as many rounds as the frames can be halved.
    """
    earlier = lambda x, by: ops.pad(x, ((0, 0), (by, 0), (0, 0), (0, 0)))[:, :x.shape[1]]
    for by in 2 ** np.arange(int(strikes.shape[1] - 1).bit_length()):
        strikes, hold = strikes + hold * earlier(strikes, by), hold * earlier(hold, by)
    return strikes


def between(low, high, table):
    """Sort intervals into kinds: one-hot pitches (..., SPAN) twice, a table (SPAN, kinds * SPAN) -> (..., kinds)."""
    near = ops.reshape(ops.matmul(low, table), (-1, *low.shape[1:-1], table.shape[1] // SPAN, SPAN))
    return ops.einsum("btvsp,btvp->btvs", near, high)


# ---------------------------------------------------------------------------------------------- learning and writing


class Pupil(keras.Model):
    """A generator's singers while they are taught: [tokens, outline] -> logits."""

    def __init__(self, generator, **kwargs):
        super().__init__(**kwargs)
        self.singers = generator.get_layer("singers")

    def call(self, inputs, training=False):
        return self.singers.read(ops.cast(inputs[0], "int32"), inputs[1], training)


def teach(generator, tokens, outlines, held_out, epochs, batch_size=16, learning_rate=2e-3, weight_decay=0.05):
    """Teach a generator by likelihood what follows in Bach, before or instead of the discriminator.

    Args: generator: as `build_generator`, changed. tokens, outlines: as `excerpts`. held_out: such a pair. epochs: int.
        batch_size, learning_rate, weight_decay: of AdamW.
    Returns: dict, the history: loss and val_loss in nats per cell.
    Notebook: 04, "Four named voices".
    """
    pupil, steps = Pupil(generator), -(-len(tokens) // batch_size)
    training.prepare(pupil, epochs * steps, training.optimizer(epochs * steps, learning_rate, weight_decay),
                     keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return pupil.fit([tokens, outlines], tokens, batch_size, epochs, verbose=2,
                     validation_data=([held_out[0], held_out[1]], held_out[0])).history


def fit(generator, discriminator, lessons, held_out, taught, epochs, watch=None, every=50, folder=None, best=None,
        transpose=3, **settings):
    """Train a GAN of four voices: first the generator alone, by likelihood, then both against each other.

    Args: generator, discriminator: as `build_generator` and `build_discriminator`, changed. lessons, held_out: pairs of
        tokens and outlines, as `excerpts`. taught: epochs of `teach`, 0 to leave all to the discriminator. epochs,
        watch, every, folder, best: see `gan.fit`. transpose: see `build_features`. settings: of `gan.Trainer`.
    Returns: (generator, history): see `gan.run`; with `taught`, history["likelihood"] is the validation loss of it, in
        nats per cell.
    Raises: as `gan.Trainer` and `gan.run`.
    Notebook: 04, "Four named voices".
    """
    tokens, outlines = lessons
    goes_on = folder and (Path(folder) / gan.STATE).exists()
    likelihood = teach(generator, tokens, outlines, held_out, taught)["val_loss"] if taught and not goes_on else []
    features = build_features(generator.output_shape[1], transpose)
    trainer = gan.Trainer(generator, discriminator, encode(tokens), features=features, outlines=outlines, **settings)
    network, history = gan.run(trainer, epochs, watch, every, folder, best)
    return network, history | ({"likelihood": likelihood} if likelihood else {})


def draw(outlines, count, seed=0):
    """Draw outlines to write under, (excerpts, frames, 5), with replacement: (count, frames, 5)."""
    return outlines[np.random.default_rng(seed).integers(len(outlines), size=count)]


def generate(generator, outlines, seed=0):
    """Let a generator write.

    Args: generator: as `build_generator`. outlines: uint8 (samples, frames, 5). seed: of the latents.
    Returns: float32 (samples, frames, 4, VOCAB), for `decode`.
    Notebook: 04, "Four named voices".
    """
    noise = np.random.default_rng(seed).standard_normal((*outlines.shape[:2], NUM_VOICES), np.float32)
    return generator.predict([noise, outlines], batch_size=256, verbose=0)


def judge(discriminator, cells, outlines):
    """Ask a discriminator about samples: logits float32 (samples,), higher for what seems real to it.

    Its batch says how varied its samples are; so give it as many at once as it has learned from, or compare only
    samples of one call.
    """
    read = keras.Sequential([build_features(cells.shape[1]), discriminator])
    return read.predict([cells, outlines], batch_size=gan.BATCH, verbose=0)[:, 0]
