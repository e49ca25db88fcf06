"""A recurrent network with two clocks, a slow one for frames and a fast one for characters: training and likelihood."""

import functools

import numpy as np

from utils.music import text
from utils.nets import char_rnn, inputs, training
from utils.nets.backend import keras, layers, ops

UPBEATS = {(16, 4): .65, (16, 0): .24, (12, 0): .06, (12, 4): .05}  # (frames in a bar, in the upbeat): shares in train


class TwoClockRNN(keras.Model):
    """A character RNN with two clocks: a slow stack makes one step per frame, a fast layer one step per character.

    The slow stack reads the characters of the last frame, the place of the next frame in the bar, and the frame that
    followed when the piece last sounded like this (`inputs.Memory`). Its state lasts over bars. The fast layer starts
    each frame from the output of the slow stack and writes the frame character by character. A frame of five characters
    needs one large step and five small ones, so the network learns several times as much per minute.

    Call it with a batch of `inputs.pad`: tokens and recalled int (batch, frames, slots), -1 for padding; conditions int
    (batch, frames, kinds). It returns logits float (batch, frames, slots, vocab_size), each for the token in its place,
    from the tokens before it.

    Args: vocab_size: int. cell: "gru" or "lstm", of the slow stack. slow_units, slow_layers, fast_units,
        embedding_size: sizes. num_conditions: for each kind of condition its number of values. dropout_rate: between
        all layers.
    Source: the clocks of Mehri et al. 2017, SampleRNN, section 2. Notebook: 02, "Two clocks".
    """

    def __init__(self, vocab_size, cell="gru", slow_units=384, slow_layers=2, fast_units=256, embedding_size=64,
                 num_conditions=inputs.NUM_CONDITIONS, dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        recurrent = char_rnn.recurrent_layer(cell)
        self.vocab_size, self.num_states = vocab_size, char_rnn.NUM_STATES[recurrent]
        self.read_heard = layers.Dense(slow_units, name="read_heard")
        self.read_recalled = layers.Dense(slow_units, use_bias=False, name="read_recalled")
        self.read_conditions = [layers.Embedding(size, slow_units) for size in num_conditions]
        self.slow = [recurrent(slow_units, return_sequences=True, return_state=True, name=f"slow_{i}")
                     for i in range(slow_layers)]
        self.dropout = layers.Dropout(dropout_rate)
        self.to_fast = layers.Dense(fast_units, name="to_fast")
        self.read_token = layers.Embedding(vocab_size + 1, embedding_size, name="read_token")  # + "begin"
        self.fast = layers.GRU(fast_units, return_sequences=True, return_state=True, name="fast")
        self.hidden = layers.Dense(fast_units, activation="silu", name="hidden")
        self.logits = layers.Dense(vocab_size, name="logits")

    def call(self, batch, training=False):
        tokens, recalled, conditions = batch
        frames, starts = ops.shape(tokens)[1], ops.full_like(tokens[:, :, :1], self.vocab_size)
        heard = ops.pad(tokens, ((0, 0), (1, 0), (0, 0)), constant_values=text.NO_TOKEN)[:, :frames]  # the frame before
        written = ops.concatenate([starts, ops.maximum(tokens[:, :, :-1], 0)], axis=-1)  # the character before
        context, _ = self.tick_slow(heard, recalled, conditions, training=training)
        slots = tokens.shape[2] if tokens.shape[2] is not None else ops.shape(tokens)[2]
        rows = ops.reshape(written, (-1, slots))  # every frame is a separate short text: (batch * frames, slots)
        logits, _ = self.tick_fast(ops.reshape(context, (-1, context.shape[-1])), rows, training=training)
        return ops.reshape(logits, (-1, frames, slots, self.vocab_size))

    def tick_slow(self, heard, recalled, conditions, states=None, training=False):
        """Run the slow clock: the frames before (batch, frames, slots) -> context (batch, frames, units), states."""
        one_hot = lambda tokens: ops.sum(ops.one_hot(tokens, self.vocab_size), axis=2)  # -1 becomes zeros
        x = self.read_heard(one_hot(heard)) + self.read_recalled(one_hot(recalled))
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
        """Run the fast clock: context (rows, units), the tokens before (rows, slots) -> logits (rows, slots, vocab)."""
        state = ops.tanh(context) if state is None else state
        x, state = self.fast(self.read_token(written), initial_state=state)
        x = self.dropout(x, training=training)
        beside = context[:, None] + ops.zeros_like(x)  # the same context with every character
        return self.logits(self.hidden(ops.concatenate([x, beside], axis=-1))), state


def build_two_clock(vocab_size, **settings):
    """Build a TwoClockRNN, ready to train or to take a run's weights.

    Args: vocab_size, settings: as TwoClockRNN.
    Returns: TwoClockRNN, built.
    Notebook: 02, "Two clocks".
    """
    model = TwoClockRNN(vocab_size, **settings)
    nothing = np.full((1, 1, 1), text.NO_TOKEN)
    model((nothing, nothing, np.zeros((1, 1, len(model.read_conditions)), int)))
    return model


def frame_loss(tokens, logits):
    """Add up the nats of each frame's characters; padding (-1) costs nothing.

    Args: tokens: int (batch, frames, slots). logits: float (batch, frames, slots, vocab).
    Returns: float (batch, frames), nats per frame.
    """
    known = ops.cast(tokens != text.NO_TOKEN, logits.dtype)
    nats = keras.losses.sparse_categorical_crossentropy(ops.maximum(tokens, 0), logits, from_logits=True)
    return ops.sum(nats * known, axis=-1)


class Crops(keras.utils.PyDataset):
    """Random excerpts of random pieces, longer pieces more often; the same for the same seed.

    Args: pieces: list of what `inputs.prepare` returns; transpositions are separate pieces. num_frames: length of an
        excerpt; a shorter piece is padded. batch_size, steps: excerpts per step, steps per epoch. seed: int.
    An item is ((tokens, recalled, conditions), tokens), each int32 (batch_size, num_frames, ...).
    Raises: ValueError if there are no pieces.
    """

    def __init__(self, pieces, num_frames=64, batch_size=8, steps=100, seed=0, **kwargs):
        super().__init__(**kwargs)
        if not pieces:
            raise ValueError("there are no pieces to train on: pass at least one")
        self.pieces, self.num_frames, self.batch_size, self.steps = pieces, num_frames, batch_size, steps
        self.slots = max(piece.tokens.shape[1] for piece in pieces)
        lengths = np.array([len(piece.tokens) for piece in pieces], float) + num_frames / 2
        self.shares = np.cumsum(lengths) / lengths.sum()
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        chosen = [self.pieces[number] for number in np.searchsorted(self.shares, self.rng.random(self.batch_size))]
        crops = []
        for piece in chosen:
            # a start before the piece counts as its first frame, so that beginnings after silence come often enough
            start = self.rng.integers(-self.num_frames // 2, len(piece.tokens))
            start = np.clip(start, 0, max(0, len(piece.tokens) - self.num_frames))
            crops.append(inputs.Prepared(*(part[start:start + self.num_frames] for part in piece)))
        batch = inputs.pad(crops, self.num_frames, self.slots)
        return tuple(batch), batch.tokens


def fit(model, pieces, valid, folder, epochs, steps=500, num_frames=64, batch_size=8, learning_rate=2e-3,
        weight_decay=0.01, seed=0):
    """Train a TwoClockRNN on random excerpts; a stopped run continues after its last complete epoch.

    Args: model: what `build_two_clock` returns. pieces: training pieces, see `Crops`. valid: pieces in the same form,
        scored after each epoch. folder: Path, for the backup, TensorBoard's logs and history.csv. epochs, steps: steps
        per epoch. num_frames, batch_size: of the excerpts. learning_rate: its peak; it rises for 200 steps and falls as
        a cosine to 0. weight_decay: of AdamW. seed: of the excerpts.
    Returns: dict, the history: loss and val_loss, nats per frame, one value per epoch.
    Notebook: 02, "Training".
    """
    optimizer = training.optimizer(epochs * steps, learning_rate, weight_decay)
    data = Crops(pieces, num_frames, batch_size, steps, seed)
    training.prepare(model, epochs * steps, optimizer, frame_loss)
    held_out = [inputs.pad([piece]) for piece in valid]
    scorer = _scorer(model)

    def score():
        nats = [scorer.predict_on_batch(list(batch)).sum() for batch in held_out]
        return np.sum(nats) / sum(batch.tokens.shape[1] for batch in held_out)

    return training.fit(model, data, folder, epochs, score)


def frame_nll(models, pieces, upbeats=None, bar_frames=None, transpositions=(0,), sixteenths=1, tonic=None,
              batch_size=16):
    """Score pieces by the chain rule, without a prompt: each character is scored from the characters before it only.

    The probabilities of each frame are averaged over models and over transpositions of the past. If upbeat or metre of
    a piece is unknown, the likely ones (UPBEATS) are hypotheses of a mixture: each is weighted by its share in the
    training pieces times the probability that it gave to the piece so far.

    Args: models: a TwoClockRNN of the plain alphabet, or a list. pieces: list of rolls (frames, 128), or of lists of
        lists of MIDI pitches. upbeats: for each piece the sixteenths before its first barline, or None. bar_frames:
        for each piece 16 (4/4) or 12 (3/4), or None. transpositions: semitones, each a context to average. sixteenths:
        per frame, 4 on the quarter grid. tonic: pitch class of the key of all pieces, for networks trained with it.
        batch_size: pieces at a time.
    Returns: list of float64 (frames,), nats of every frame of each piece: the sum over its characters and its space.
    Raises: ValueError for a pitch outside MIDI's range, before or after transposition, or lists of unequal length.
    Source: Boulanger-Lewandowski et al. 2012 for the benchmark. Notebook: 02, "The published benchmark".
    """
    models = models if isinstance(models, (list, tuple)) else [models]
    rolls = [text.as_roll(piece) for piece in pieces]
    known = [[None] * len(rolls) if given is None else list(given) for given in (bar_frames, upbeats)]
    if any(len(given) != len(rolls) for given in known):
        raise ValueError(f"{len(rolls)} pieces and other numbers of upbeats or bar_frames: give one for each piece")
    scorers = [_scorer(model) for model in models]
    result = [np.zeros(0)] * len(rolls)
    for batch in training.by_length(rolls, batch_size, [i for i, roll in enumerate(rolls) if len(roll)]):
        rows = [(place, metre) for place, i in enumerate(batch) for metre in _metres(known[0][i], known[1][i])]
        prepared = [inputs.prepare(rolls[batch[place]], upbeat, bar, transpositions, False, sixteenths, tonic)
                    for place, (bar, upbeat) in rows]
        each = [np.exp(-_score(scorer, in_one_key)) for in_one_key in zip(*prepared) for scorer in scorers]
        nats = -np.log(np.mean(each, axis=0))
        for place, number in enumerate(batch):
            mine = [row for row, (owner, _) in enumerate(rows) if owner == place]
            prior = np.array([UPBEATS.get(rows[row][1], 1.0) for row in mine])
            result[number] = mix(nats[mine, :len(rolls[number])], prior / prior.sum())
    return result


def _metres(bar, upbeat):
    """The likely (bar_frames, upbeat) that agree with the known values."""
    likely = [metre for metre in UPBEATS if bar in (None, metre[0]) and upbeat in (None, metre[1])]
    return likely or [(bar or 16, upbeat or 0)]


def mix(nats, prior):
    """Nats of each frame under a Bayesian mixture of hypotheses: nats (hypotheses, frames), prior (hypotheses,)."""
    joint = np.log(prior)[:, None] - np.cumsum(nats, axis=1)
    total = np.logaddexp.reduce(joint, axis=0)
    return -np.diff(total, prepend=0.0)


@functools.lru_cache(maxsize=8)  # compiling takes longer than scoring a piece
def _scorer(model):
    """Build a network from a batch to the nats of each frame (batch, frames)."""
    batch = [keras.Input((None, None), dtype="int32") for _ in range(3)]
    return keras.Model(batch, frame_loss(batch[0], model(batch)))


def _score(scorer, pieces):
    """Nats float64 (pieces, frames) of prepared pieces of unequal length, padded to a multiple of 64 frames."""
    num_frames = -(-max(len(piece.tokens) for piece in pieces) // 64) * 64
    return scorer.predict_on_batch(list(inputs.pad(pieces, num_frames))).astype(np.float64)
