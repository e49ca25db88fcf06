"""Recurrent networks that write characters: the study's character RNN, and one with two clocks; likelihood, generation."""

import keras
import numpy as np
from keras import layers, ops

from utils import sampling, text

CELLS = {"gru": layers.GRU, "lstm": layers.LSTM}
POSITIONS = 29  # places in a bar that the networks know: 0-15 in 4/4, 16-27 in 3/4, 28 for any other metre
UPBEATS = {(16, 4): .65, (16, 0): .24, (12, 0): .06, (12, 4): .05}  # (frames in a bar, before it): shares in train


def build_char_rnn(vocab_size, cell="gru", units=256, num_layers=1, embedding_size=64, dropout_rate=0.0):
    """Build the study's network: a character in, the distribution of the next one out.

    Args: vocab_size: int. cell: "gru" or "lstm". units, num_layers: size of the recurrent stack. embedding_size: int.
        dropout_rate: between layers.
    Returns: keras.Model from tokens int (batch, characters) to logits float (batch, characters, vocab_size).
    Raises: ValueError for another cell.
    Source: Graves 2013, Generating Sequences with Recurrent Neural Networks. Notebook: 02, "The study's network".
    """
    recurrent = _cell(cell)
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(vocab_size, embedding_size)(tokens)
    for _ in range(num_layers):
        x = recurrent(units, return_sequences=True)(x)
        x = layers.Dropout(dropout_rate)(x)
    return keras.Model(tokens, layers.Dense(vocab_size)(x), name=f"char_{cell}")


def _cell(cell):
    if cell not in CELLS:
        raise ValueError(f"there is no cell {cell!r}: choose one of {', '.join(CELLS)}")
    return CELLS[cell]


@keras.saving.register_keras_serializable("bach")
class TwoClockRNN(keras.Model):
    """A character RNN with two clocks: a slow stack ticks once a frame, a fast layer once a character within it.

    The slow stack reads which characters the last frame held and where in the bar the next one stands; its state reaches
    across bars. The fast layer starts each frame from what the slow one says and writes the frame character by character.
    A frame of five characters costs one large step and five small ones, so it learns several times as much a minute.

    Call it with (tokens, conditions): tokens int (batch, frames, slots) as `text.frame_tokens` gives, -1 for padding;
    conditions int (batch, frames, len(num_conditions)), such as the position in the bar. It returns logits float
    (batch, frames, slots, vocab_size), each for the token in its place, seeing only what stands before it.

    Source: the clocks of Mehri et al. 2017, SampleRNN, section 2. Notebook: 02, "Two clocks".
    """

    def __init__(self, vocab_size, cell="gru", slow_units=384, slow_layers=2, fast_units=256, embedding_size=64,
                 num_conditions=(POSITIONS,), dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        recurrent = _cell(cell)
        self.vocab_size, self.cell, self.slow_units = vocab_size, cell, slow_units
        self.num_states = {"gru": 1, "lstm": 2}[cell]
        self.read_frame = layers.Dense(slow_units, name="read_frame")
        self.read_conditions = [layers.Embedding(n, slow_units, name=f"condition_{i}") for i, n in enumerate(num_conditions)]
        self.slow = [recurrent(slow_units, return_sequences=True, return_state=True, name=f"slow_{i}")
                     for i in range(slow_layers)]
        self.dropout = layers.Dropout(dropout_rate)
        self.to_fast = layers.Dense(fast_units, name="to_fast")
        self.read_token = layers.Embedding(vocab_size + 1, embedding_size, name="read_token")  # the last: a frame begins
        self.fast = layers.GRU(fast_units, return_sequences=True, return_state=True, name="fast")
        self.hidden = layers.Dense(fast_units, activation="silu", name="hidden")
        self.logits = layers.Dense(vocab_size, name="logits")

    def call(self, inputs, training=False):
        tokens, conditions = inputs
        frames, starts = ops.shape(tokens)[1], ops.full_like(tokens[:, :, :1], self.vocab_size)
        heard = ops.pad(tokens, ((0, 0), (1, 0), (0, 0)), constant_values=-1)[:, :frames]  # the frame before
        written = ops.concatenate([starts, ops.maximum(tokens[:, :, :-1], 0)], axis=-1)  # the character before
        context, _ = self.tick_slow(heard, conditions, training=training)
        slots = tokens.shape[2] if tokens.shape[2] is not None else ops.shape(tokens)[2]
        rows = ops.reshape(written, (-1, slots))  # every frame is a short text of its own: (batch * frames, slots)
        logits, _ = self.tick_fast(ops.reshape(context, (-1, context.shape[-1])), rows, training=training)
        return ops.reshape(logits, (-1, frames, slots, self.vocab_size))

    def tick_slow(self, heard, conditions, states=None, training=False):
        """Run the slow clock: tokens of the frames before (batch, frames, slots) -> context (batch, frames, fast), states."""
        pitches = ops.sum(ops.one_hot(heard, self.vocab_size), axis=2)  # -1 becomes zeros: silence before the piece
        x = self.read_frame(pitches)
        for i, embed in enumerate(self.read_conditions):
            x = x + embed(conditions[:, :, i])
        outputs, new_states = [x], []
        for i, layer in enumerate(self.slow):
            initial = None if states is None else states[i * self.num_states:(i + 1) * self.num_states]
            x, *state = layer(self.dropout(x, training=training) if i else x, initial_state=initial)
            outputs.append(x)
            new_states += state
        return self.to_fast(self.dropout(ops.concatenate(outputs, axis=-1), training=training)), new_states

    def tick_fast(self, context, written, state=None, training=False):
        """Run the fast clock: context (rows, fast), tokens before (rows, slots) -> logits (rows, slots, vocab), state."""
        state = ops.tanh(context) if state is None else state
        x, state = self.fast(self.read_token(written), initial_state=state)
        x = self.dropout(x, training=training)
        beside = ops.broadcast_to(context[:, None], ops.shape(x))
        return self.logits(self.hidden(ops.concatenate([x, beside], axis=-1))), state


def frame_loss(tokens, logits):
    """Add up the nats of each frame's characters; padding (-1) costs nothing.

    Args: tokens: int (batch, frames, slots). logits: float (batch, frames, slots, vocab).
    Returns: float (batch, frames), nats a frame.
    """
    known = ops.cast(tokens >= 0, logits.dtype)
    nats = keras.losses.sparse_categorical_crossentropy(ops.maximum(tokens, 0), logits, from_logits=True)
    return ops.sum(nats * known, axis=-1)


def bar_conditions(num_frames, upbeat=0, bar_frames=16):
    """Number each frame's place in the bar, for 4/4 and 3/4 apart.

    Args: num_frames: int. upbeat: frames before the first barline. bar_frames: 16 in 4/4, 12 in 3/4; others share one number.
    Returns: int32 (num_frames, 1), below POSITIONS.
    Notebook: 02, "Where in the bar?".
    """
    place = (np.arange(num_frames) - upbeat) % bar_frames
    first = {16: 0, 12: 16}.get(bar_frames)
    return (np.full(num_frames, POSITIONS - 1) if first is None else first + place).astype(np.int32)[:, None]


class Crops(keras.utils.PyDataset):
    """Random excerpts of random pieces, longer pieces more often; the same ones for the same seed.

    Args: pieces: list of (tokens int (frames, slots), conditions int (frames, kinds)); transpositions are pieces of their own.
        num_frames: length of an excerpt; a shorter piece is padded. batch_size, steps: excerpts a step, steps an epoch.
        seed: int. An item is ((tokens, conditions), tokens), tokens int32 (batch_size, num_frames, slots).
    Raises: ValueError for no pieces.
    """

    def __init__(self, pieces, num_frames=64, batch_size=8, steps=100, seed=0, **kwargs):
        super().__init__(**kwargs)
        if not pieces:
            raise ValueError("there are no pieces to train on: pass at least one")
        self.pieces, self.num_frames, self.batch_size, self.steps = pieces, num_frames, batch_size, steps
        self.slots = max(tokens.shape[1] for tokens, _ in pieces)
        lengths = np.array([len(tokens) for tokens, _ in pieces], float) + num_frames / 2
        self.shares = np.cumsum(lengths) / lengths.sum()
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        kinds = self.pieces[0][1].shape[1]
        batch = np.full((self.batch_size, self.num_frames, self.slots), -1, np.int32)
        conditions = np.zeros((self.batch_size, self.num_frames, kinds), np.int32)
        for row, number in enumerate(np.searchsorted(self.shares, self.rng.random(self.batch_size))):
            tokens, given = self.pieces[number]
            # a start before the piece counts as its first frame: beginnings, read from silence, come often enough
            start = np.clip(self.rng.integers(-self.num_frames // 2, len(tokens)), 0, max(0, len(tokens) - self.num_frames))
            piece = tokens[start:start + self.num_frames]
            batch[row, :len(piece), :piece.shape[1]] = piece
            conditions[row, :len(piece)] = given[start:start + self.num_frames]
        return (batch, conditions), batch


def frame_nll(models, pieces, upbeats=None, bar_frames=None, transpositions=(0,), batch_size=16):
    """Score pieces by the chain rule, from an unprimed start: nothing is seen ahead of the character that is scored.

    Several models, and transpositions of what went before, are averaged as probabilities of each frame. Where the upbeat
    or metre of a piece is unknown, the likely ones (UPBEATS) are hypotheses of a true mixture: each is weighted by its
    share in the training pieces times the probability it gave to the piece so far.

    Args: models: a network of this module, or a list. pieces: list of rolls (frames, 128), or of lists of lists of MIDI
        pitches. upbeats: for each piece its frames before the first barline, or None. bar_frames: for each piece 16 (4/4)
        or 12 (3/4), or None. transpositions: semitones, each a context to average. batch_size: pieces at a time.
    Returns: list of float64 (frames,), nats of every frame of each piece: the sum over its characters and its space.
    Raises: ValueError for a pitch outside MIDI's range, before or after transposition, or lists of unequal length.
    Source: Boulanger-Lewandowski et al. 2012 for the benchmark. Notebook: 02, "The published benchmark".
    """
    models = models if isinstance(models, (list, tuple)) else [models]
    rolls = [text.as_roll(piece) for piece in pieces]
    known = [[None] * len(rolls) if given is None else list(given) for given in (bar_frames, upbeats)]
    if any(len(given) != len(rolls) for given in known):
        raise ValueError(f"{len(rolls)} pieces need {len(rolls)} upbeats and bar_frames: give one for each piece, or None")
    scorers = [_scorer(model) for model in models]
    result = [np.zeros(0)] * len(rolls)
    order = sorted((i for i, roll in enumerate(rolls) if len(roll)), key=lambda i: len(rolls[i]))
    for batch in (order[i:i + batch_size] for i in range(0, len(order), batch_size)):
        guesses = [[metre for metre in UPBEATS if all(k in (None, g) for k, g in zip((known[0][i], known[1][i]), metre))]
                   or [(known[0][i] or 16, known[1][i] or 0)] for i in batch]
        rows = [(place, metre) for place, metres in enumerate(guesses) for metre in metres]
        nats = -np.log(np.mean([np.exp(-_score(scorer, [rolls[batch[place]] for place, _ in rows], [m for _, m in rows], shift))
                                for scorer in scorers for shift in transpositions], axis=0))
        for place, number in enumerate(batch):
            mine = [row for row, (owner, _) in enumerate(rows) if owner == place]
            prior = np.array([UPBEATS.get(rows[row][1], 1.0) for row in mine])
            result[number] = _mix(nats[mine, :len(rolls[number])], prior / prior.sum())
    return result


def _mix(nats, prior):
    """Nats of each frame under a Bayesian mixture of hypotheses: nats (hypotheses, frames), prior (hypotheses,)."""
    joint = np.log(prior)[:, None] - np.cumsum(nats, axis=1)
    total = np.logaddexp.reduce(joint, axis=0)
    return -np.diff(total, prepend=0.0)


def _scorer(model):
    """A network from (tokens, conditions) to the nats of each frame (batch, frames)."""
    tokens, conditions = keras.Input((None, None), dtype="int32"), keras.Input((None, None), dtype="int32")
    return keras.Model([tokens, conditions], frame_loss(tokens, model((tokens, conditions))))


def _score(scorer, rolls, metres, shift):
    """Nats (pieces, frames) of rolls of unequal length, padded with zeros to a multiple of 64 frames."""
    rows = [text.frame_tokens(_shifted(roll, shift)) for roll in rolls]
    frames, slots = -(-max(map(len, rows)) // 64) * 64, max(row.shape[1] for row in rows)
    tokens = np.full((len(rows), frames, slots), -1, np.int32)
    conditions = np.zeros((len(rows), frames, 1), np.int32)
    for place, (row, (bar, upbeat)) in enumerate(zip(rows, metres)):
        tokens[place, :len(row), :row.shape[1]] = row
        conditions[place] = bar_conditions(frames, upbeat, bar)
    return scorer.predict_on_batch([tokens, conditions]).astype(np.float64)


def _shifted(roll, semitones):
    moved = np.roll(roll, semitones, axis=1)
    if semitones and np.any(moved[:, :semitones] if semitones > 0 else moved[:, semitones:]):
        raise ValueError(f"{semitones:+d} semitones push a pitch out of MIDI's range 0 to 127: leave that transposition out")
    return moved
