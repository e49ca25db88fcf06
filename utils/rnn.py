"""Recurrent networks that write characters: the study's, and one with two clocks; training, likelihood, generation."""

import functools

import keras
import numpy as np
from keras import layers, ops

from utils import inputs, sampling, text, training

CELLS = {"gru": layers.GRU, "lstm": layers.LSTM}
NUM_STATES = {layers.GRU: 1, layers.LSTM: 2}  # arrays that a layer carries from step to step
MAX_SLOTS = 12  # characters in a generated frame at most, its space included
PIANO = (21, 108)  # MIDI pitches that are written, A0 to C8: any of them can be transposed by an octave
KINDS = np.repeat([0, 1, 2, 0], [1, 128, 128, 2])  # of each character: 1 held, 2 struck, 0 neither
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


class Windows(keras.utils.PyDataset):
    """Random windows of a text, each with the window one character later; the same ones for the same seed.

    Args: tokens: int (characters,). length: characters in a window. batch_size, steps: windows a step, steps an epoch.
        seed: int. An item is two int32 (batch_size, length).
    Raises: ValueError for a text that is too short for one window.
    """

    def __init__(self, tokens, length=100, batch_size=8, steps=100, seed=0, **kwargs):
        super().__init__(**kwargs)
        if len(tokens) <= length:
            raise ValueError(f"a text of {len(tokens)} characters has no window of {length}: pass a longer one")
        self.tokens, self.length, self.batch_size, self.steps = np.asarray(tokens), length, batch_size, steps
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        starts = self.rng.integers(0, len(self.tokens) - self.length, self.batch_size)
        window = self.tokens[starts[:, None] + np.arange(self.length + 1)].astype(np.int32)
        return window[:, :-1], window[:, 1:]


def fit_windows(model, train, valid, folder, epochs, steps=100, length=100, batch_size=8, learning_rate=1e-3, seed=0):
    """Train the study's network as it was trained: next character, random windows, a constant rate.

    A run that was stopped goes on from its last whole epoch.

    Args: model: what `build_char_rnn` returns. train, valid: texts as tokens int (characters,). folder: Path, for the
        backup, TensorBoard's logs and history.csv. epochs, steps: steps an epoch. length, batch_size: of the windows.
        learning_rate: of Adam. seed: of the windows.
    Returns: dict, the history: loss and val_loss, nats a character, one value an epoch; exponentiate for perplexities.
    Notebook: 02, "The study's network".
    """
    model.compile(keras.optimizers.Adam(learning_rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  jit_compile=keras.backend.backend() == "jax")
    held_out = Windows(valid, length, 8 * batch_size, 1, seed)[0]
    model.fit(Windows(train, length, batch_size, steps, seed), epochs=epochs, verbose=0, validation_data=held_out,
              callbacks=training.callbacks(folder))
    return training.history(folder)


def write_characters(model, num_characters, num_streams=1, temperature=1.0, seed=0, first=0):
    """Write text with the study's network, several streams side by side, its state carried along.

    Args: model: what `build_char_rnn` returns. num_characters: int. temperature: see `sampling.sample`. seed: int.
        first: the token to start from.
    Returns: int (num_streams, num_characters), tokens.
    Raises: ValueError for no characters.
    Notebook: 02, "The study's network".
    """
    if num_characters < 1:
        raise ValueError(f"{num_characters} characters to write: give at least 1")
    token, before, after = keras.Input((1,), dtype="int32"), [], []
    x = token
    for layer in model.layers[1:]:  # the same layers once more, their states led in and out
        if type(layer) in NUM_STATES:
            state = [keras.Input((layer.units,)) for _ in range(NUM_STATES[type(layer)])]
            carried = type(layer).from_config(layer.get_config() | {"return_state": True})
            x, *new = carried(x, initial_state=state)
            carried.set_weights(layer.get_weights())
            before, after = before + state, after + new
        else:
            x = layer(x)
    step = keras.Model([token, *before], [x[:, 0], *after])
    states = [np.zeros((num_streams, state.shape[1]), np.float32) for state in before]
    rng, chosen, written = np.random.default_rng(seed), np.full(num_streams, first), []
    for _ in range(num_characters):
        logits, *states = step.predict_on_batch([chosen[:, None], *states])
        chosen = sampling.sample(logits, rng, temperature)
        written.append(chosen)
    return np.stack(written, axis=1)


def text_nll(model, tokens, first=0):
    """Score a text with the study's network, from an unprimed start.

    Args: model: what `build_char_rnn` returns. tokens: int (characters,). first: the token that generation starts from.
    Returns: float64 (characters,), nats of each character.
    Notebook: 02, "The published benchmark".
    """
    tokens = np.asarray(tokens, np.int32)
    if not len(tokens):
        return np.zeros(0)
    before = np.concatenate([[first], tokens[:-1]]).astype(np.int32)
    return training.nats(model.predict_on_batch(before[None])[0].astype(np.float64), tokens)


def _cell(cell):
    if cell not in CELLS:
        raise ValueError(f"there is no cell {cell!r}: choose one of {', '.join(CELLS)}")
    return CELLS[cell]


class TwoClockRNN(keras.Model):
    """A character RNN with two clocks: a slow stack ticks once a frame, a fast layer once a character within it.

    The slow stack reads which characters the last frame held, where in the bar the next one stands, and which frame
    followed when the piece last sounded like this (`inputs.Memory`); its state reaches across bars. The fast layer
    starts each frame from what the slow one says and writes the frame character by character. A frame of five
    characters costs one large step and five small ones, so it learns several times as much a minute.

    Call it with a batch of `inputs.pad`: tokens and recalled int (batch, frames, slots), -1 for padding; conditions int
    (batch, frames, kinds). It returns logits float (batch, frames, slots, vocab_size), each for the token in its place,
    seeing only what stands before it.

    Args: vocab_size: int. cell: "gru" or "lstm", of the slow stack. slow_units, slow_layers, fast_units,
        embedding_size: sizes. num_conditions: for each kind of condition how many values it takes. dropout_rate:
        between all layers.
    Source: the clocks of Mehri et al. 2017, SampleRNN, section 2. Notebook: 02, "Two clocks".
    """

    def __init__(self, vocab_size, cell="gru", slow_units=384, slow_layers=2, fast_units=256, embedding_size=64,
                 num_conditions=(inputs.POSITIONS, len(inputs.MATCHES) + 1), dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        recurrent = _cell(cell)
        self.vocab_size, self.num_states = vocab_size, NUM_STATES[recurrent]
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
        heard = ops.pad(tokens, ((0, 0), (1, 0), (0, 0)), constant_values=-1)[:, :frames]  # the frame before
        written = ops.concatenate([starts, ops.maximum(tokens[:, :, :-1], 0)], axis=-1)  # the character before
        context, _ = self.tick_slow(heard, recalled, conditions, training=training)
        slots = tokens.shape[2] if tokens.shape[2] is not None else ops.shape(tokens)[2]
        rows = ops.reshape(written, (-1, slots))  # every frame is a short text of its own: (batch * frames, slots)
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
        beside = context[:, None] + ops.zeros_like(x)  # the same context beside every character
        return self.logits(self.hidden(ops.concatenate([x, beside], axis=-1))), state


def build_two_clock(vocab_size, **settings):
    """Build a TwoClockRNN, ready to train or to take a run's weights.

    Args: vocab_size, settings: as TwoClockRNN.
    Returns: TwoClockRNN, built.
    Notebook: 02, "Two clocks".
    """
    model = TwoClockRNN(vocab_size, **settings)
    nothing = np.full((1, 1, 1), -1)
    model((nothing, nothing, np.zeros((1, 1, len(model.read_conditions)), int)))
    return model


def frame_loss(tokens, logits):
    """Add up the nats of each frame's characters; padding (-1) costs nothing.

    Args: tokens: int (batch, frames, slots). logits: float (batch, frames, slots, vocab).
    Returns: float (batch, frames), nats a frame.
    """
    known = ops.cast(tokens >= 0, logits.dtype)
    nats = keras.losses.sparse_categorical_crossentropy(ops.maximum(tokens, 0), logits, from_logits=True)
    return ops.sum(nats * known, axis=-1)


class Crops(keras.utils.PyDataset):
    """Random excerpts of random pieces, longer pieces more often; the same ones for the same seed.

    Args: pieces: list of what `inputs.prepare` returns; transpositions are pieces of their own. num_frames: length of
        an excerpt; a shorter piece is padded. batch_size, steps: excerpts a step, steps an epoch. seed: int.
    An item is ((tokens, recalled, conditions), tokens), each int32 (batch_size, num_frames, ...).
    Raises: ValueError for no pieces.
    """

    def __init__(self, pieces, num_frames=64, batch_size=8, steps=100, seed=0, **kwargs):
        super().__init__(**kwargs)
        if not pieces:
            raise ValueError("there are no pieces to train on: pass at least one")
        self.pieces, self.num_frames, self.batch_size, self.steps = pieces, num_frames, batch_size, steps
        self.slots = max(tokens.shape[1] for tokens, _, _ in pieces)
        lengths = np.array([len(tokens) for tokens, _, _ in pieces], float) + num_frames / 2
        self.shares = np.cumsum(lengths) / lengths.sum()
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        chosen = [self.pieces[number] for number in np.searchsorted(self.shares, self.rng.random(self.batch_size))]
        crops = []
        for piece in chosen:
            # a start before the piece counts as its first frame: beginnings, read from silence, come often enough
            start = self.rng.integers(-self.num_frames // 2, len(piece[0]))
            start = np.clip(start, 0, max(0, len(piece[0]) - self.num_frames))
            crops.append([part[start:start + self.num_frames] for part in piece])
        batch = inputs.pad(crops, self.num_frames, self.slots)
        return batch, batch[0]


def fit(model, pieces, valid, folder, epochs, steps=500, num_frames=64, batch_size=8, learning_rate=2e-3,
        weight_decay=0.01, seed=0):
    """Train a TwoClockRNN on random excerpts; a run that was stopped goes on from its last whole epoch.

    Args: model: what `build_two_clock` returns. pieces: what to learn from, see `Crops`. valid: pieces likewise, scored
        after each epoch. folder: Path, for the backup, TensorBoard's logs and history.csv. epochs, steps: steps an
        epoch. num_frames, batch_size: of the excerpts. learning_rate: its peak; it rises for 200 steps and falls as a
        cosine to 0. weight_decay: of AdamW. seed: of the excerpts.
    Returns: dict, the history: loss and val_loss, nats a frame, one value an epoch.
    Notebook: 02, "Training".
    """
    optimizer = training.optimizer(epochs * steps, learning_rate, weight_decay)
    data = Crops(pieces, num_frames, batch_size, steps, seed)
    # XLA makes recurrent layers four times slower on a CPU under TensorFlow; JAX knows nothing else
    model.compile(optimizer, loss=frame_loss, jit_compile=keras.backend.backend() == "jax")
    held_out = [inputs.pad([piece]) for piece in valid]
    scorer = _scorer(model)

    def score(epoch, logs):
        nats = [scorer.predict_on_batch(list(batch)).sum() for batch in held_out]
        logs["val_loss"] = float(np.sum(nats) / sum(batch[0].shape[1] for batch in held_out))

    model.fit(data, epochs=epochs, verbose=2,
              callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=score), *training.callbacks(folder)])
    return training.history(folder)


def frame_nll(models, pieces, upbeats=None, bar_frames=None, transpositions=(0,), sixteenths=1, tonic=None,
              batch_size=16):
    """Score pieces by the chain rule, from an unprimed start: nothing is seen ahead of the character that is scored.

    Several models, and transpositions of what went before, are averaged as probabilities of each frame. Where upbeat or
    metre of a piece is unknown, the likely ones (UPBEATS) are hypotheses of a true mixture: each is weighted by its
    share in the training pieces times the probability it gave to the piece so far.

    Args: models: a TwoClockRNN of the plain alphabet, or a list. pieces: list of rolls (frames, 128), or of lists of
        lists of MIDI pitches. upbeats: for each piece the sixteenths before its first barline, or None. bar_frames:
        for each piece 16 (4/4) or 12 (3/4), or None. transpositions: semitones, each a context to average. sixteenths: in
        a frame, 4 on the quarter grid. tonic: pitch class of the key of all pieces, for networks that were trained with
        it. batch_size: pieces at a time.
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
    order = sorted((i for i, roll in enumerate(rolls) if len(roll)), key=lambda i: len(rolls[i]))
    for batch in (order[i:i + batch_size] for i in range(0, len(order), batch_size)):
        rows = [(place, metre) for place, i in enumerate(batch) for metre in _metres(known[0][i], known[1][i])]
        prepared = [inputs.prepare(rolls[batch[place]], upbeat, bar, transpositions, False, sixteenths, tonic)
                    for place, (bar, upbeat) in rows]
        each = [np.exp(-_score(scorer, in_one_key)) for in_one_key in zip(*prepared) for scorer in scorers]
        nats = -np.log(np.mean(each, axis=0))
        for place, number in enumerate(batch):
            mine = [row for row, (owner, _) in enumerate(rows) if owner == place]
            prior = np.array([UPBEATS.get(rows[row][1], 1.0) for row in mine])
            result[number] = _mix(nats[mine, :len(rolls[number])], prior / prior.sum())
    return result


def _metres(bar, upbeat):
    """The likely (bar_frames, upbeat) that agree with what is known of them."""
    likely = [metre for metre in UPBEATS if bar in (None, metre[0]) and upbeat in (None, metre[1])]
    return likely or [(bar or 16, upbeat or 0)]


def _mix(nats, prior):
    """Nats of each frame under a Bayesian mixture of hypotheses: nats (hypotheses, frames), prior (hypotheses,)."""
    joint = np.log(prior)[:, None] - np.cumsum(nats, axis=1)
    total = np.logaddexp.reduce(joint, axis=0)
    return -np.diff(total, prepend=0.0)


@functools.lru_cache(maxsize=8)  # compiling takes longer than scoring a piece
def _scorer(model):
    """A network from a batch to the nats of each frame (batch, frames)."""
    batch = [keras.Input((None, None), dtype="int32") for _ in range(3)]
    return keras.Model(batch, frame_loss(batch[0], model(batch)))


def _score(scorer, pieces):
    """Nats float64 (pieces, frames) of prepared pieces of unequal length, padded to a multiple of 64 frames."""
    num_frames = -(-max(len(tokens) for tokens, _, _ in pieces) // 64) * 64
    return scorer.predict_on_batch(list(inputs.pad(pieces, num_frames))).astype(np.float64)


def generate(models, num_streams=1, temperature=1.0, top_p=1.0, prompt=None, max_bars=64, seed=0, upbeat=0,
             bar_frames=16, conditions=(), melody=None, avoid_parallels=False, memory=True, rhythm_temperature=None,
             momentum=0.0):
    """Write pieces, several side by side, each until its END or the last bar; the state is carried, not recomputed.

    A note can only be held where it sounded before, the pitches of a frame descend and lie on the piano, and several
    models are averaged as probabilities; so every text decodes without mending.

    Args: models: TwoClockRNN of the onset alphabet, or a list. num_streams: pieces to write. temperature, top_p: see
        `sampling.sample`. prompt: roll uint8 (frames, 128) that all pieces continue. max_bars: where to stop at the
        latest. seed: int. upbeat, bar_frames: the metre to write in, see `inputs.bar_conditions`. conditions: further
        int arrays (frames,), or (num_streams, frames) for a plan of its own for each piece, as the models were trained
        with and long enough for max_bars. melody: roll uint8 (frames, 128) to harmonise: its highest note of each frame
        is kept as the top voice, and the piece is as long. avoid_parallels: never let a voice follow a higher one from
        fifth to fifth, or octave to octave; a number below 1 overlooks the others, as Bach does now and then. memory:
        recall the piece's own past; False shows what it is worth. rhythm_temperature: of the choice whether a note is
        struck, or held, or no more sound, and `temperature` of pitches only; None for one choice of all characters.
        momentum: nats taken from a note with which a voice, counted from the highest, would turn straight back to the
        pitch that it came from.
    Returns: list of str, each from START to END; a piece that was cut has no END.
    Raises: ValueError for a prompt or melody without frames, max_bars below 1, or a condition that is too short.
    Notebook: 02.
    """
    models = models if isinstance(models, (list, tuple)) else [models]
    alphabet, rng = text.vocab(onsets=True), np.random.default_rng(seed)
    end = len(alphabet) - 1
    given = text.frame_tokens(prompt, onsets=True, descending=True) if prompt is not None else ()
    tune = text.frame_tokens(melody, onsets=True, descending=True)[:, 0] if melody is not None else None
    num_frames = upbeat + max_bars * bar_frames if tune is None else len(tune)
    known = [np.atleast_2d(values) for values in (inputs.bar_conditions(num_frames, upbeat, bar_frames), *conditions)]
    if max_bars < 1 or not num_frames or (prompt is not None and not len(given)):
        raise ValueError("nothing to write: give max_bars of at least 1, and a prompt or melody that has frames")
    if any(values.shape[1] < num_frames for values in known):
        raise ValueError(f"a condition is shorter than the {num_frames} frames to write: give one value for each")
    if any(len(values) not in (1, num_streams) for values in known):
        raise ValueError(f"conditions for another number of pieces than {num_streams}: give one row, or one for each")

    rows = np.full((num_streams, num_frames, MAX_SLOTS), -1, np.int32)
    past, players = inputs.Memory(num_streams, num_frames), [_Player(model, num_streams) for model in models]
    heard, alive, streams = rows[:, 0], np.ones(num_streams, bool), np.arange(num_streams)
    lines = np.full((2, num_streams, MAX_SLOTS), -1)  # the pitch that each voice has, and the one that it had before
    for now in range(num_frames):
        source, length = past.recall() if memory else (np.full(num_streams, -1), np.zeros(num_streams, int))
        recalled = np.where(source[:, None] >= 0, rows[streams, source], -1)
        facts = [np.broadcast_to(values[:, now], num_streams) for values in known]
        facts.insert(1, np.searchsorted(inputs.MATCHES, length, "right"))
        for player in players:
            player.begin_frame(heard, recalled, np.column_stack(facts))
        forced = given[now] if now < len(given) else tune[now:now + 1] if tune is not None else ()
        frame, writing = np.full((num_streams, MAX_SLOTS), -1, np.int32), alive.copy()
        for slot in range(MAX_SLOTS):
            if slot < len(forced):
                chosen = np.full(num_streams, forced[slot])
            else:
                logits = np.log(np.mean([player.probabilities() for player in players], axis=0) + 1e-30)
                allowed = _allowed(heard, frame[:, :slot], end, tune is None)
                if avoid_parallels and slot:
                    strict = avoid_parallels >= 1 or rng.random((num_streams, 1)) < avoid_parallels
                    allowed[:, 129:257] &= ~(_parallel(heard, frame[:, :slot], end) & strict)
                back = np.flatnonzero(lines[1, :, slot] >= 0)
                logits[back, 129 + lines[1, back, slot]] -= momentum
                logits = np.where(allowed, logits, -np.inf)
                if rhythm_temperature is None:
                    chosen = sampling.sample(logits, rng, temperature, top_p)
                else:
                    logits = sampling.temper_by_kind(logits, KINDS, temperature, rhythm_temperature)
                    chosen = sampling.sample(logits, rng, top_p=top_p)
            frame[writing, slot] = chosen[writing]
            writing &= (chosen != 0) & (chosen != end)
            if not writing.any():
                break
            for player in players:
                player.write(chosen)
        rows[:, now] = heard = frame
        pitch = np.where((frame > 0) & (frame < end - 1), (frame - 1) % 128, lines[0])
        lines = np.where(pitch != lines[0], [pitch, lines[0]], lines)
        alive &= frame[:, 0] != end
        if not alive.any():
            break
        past.push(np.array([hash(row.tobytes()) for row in frame]))
    close = text.END if tune is not None else ""
    return [text.START + text.characters(row[row >= 0], alphabet) + close for row in rows]


def compose(models, forms, drafts=1, accept=None, max_bars=64, seed=0, **settings):
    """Write a piece for each form, as many side by side as share a metre.

    Args: models: see `generate`, trained under plans (`inputs.prepare_planned`). forms: list of `inputs.Form`.
        drafts, accept: so many drafts of each piece are written, and the first for which accept(string, form) is true is
        kept, else the last: samples of the networks' own distribution, given what is accepted. max_bars: where to stop
        at the latest, though never more than two bars after the form's end. seed: int. settings: further ones of
        `generate`.
    Returns: list of str, one for each form, see `generate`.
    Notebook: 02, "The composers".
    """
    strings = [""] * len(forms)
    for upbeat, bar_frames in sorted({form[:2] for form in forms}):
        mine = [number for number, form in enumerate(forms) if form[:2] == (upbeat, bar_frames)]
        lengths = [forms[number].length or max_bars * bar_frames for number in mine]
        bars = max(1, min(max_bars, max(lengths) // bar_frames + 2))
        plans = [inputs.plan(upbeat + bars * bar_frames, *forms[number][2:]) for number in mine for _ in range(drafts)]
        written = generate(models, len(plans), max_bars=bars, seed=seed, upbeat=upbeat, bar_frames=bar_frames,
                           conditions=[np.stack(kind) for kind in zip(*plans)], **settings)
        for place, number in enumerate(mine):
            choice = written[place * drafts:(place + 1) * drafts]
            kept = (string for string in choice if accept is None or accept(string, forms[number]))
            strings[number] = next(kept, choice[-1])
    return strings


@functools.lru_cache(maxsize=8)  # compiling takes longer than writing a bar
def _clocks(model):
    """The two clocks of a network as networks of their own, for one tick each, states in and out."""
    frames = [keras.Input((1, MAX_SLOTS), dtype="int32") for _ in range(2)]
    conditions = keras.Input((1, len(model.read_conditions)), dtype="int32")
    states = [keras.Input((layer.units,)) for layer in model.slow for _ in range(model.num_states)]
    context, new = model.tick_slow(*frames, conditions, states)
    slow = keras.Model([*frames, conditions, *states], [context[:, 0], *new])
    context, written = keras.Input((model.fast.units,)), keras.Input((1,), dtype="int32")
    state = keras.Input((model.fast.units,))
    logits, new = model.tick_fast(context, written, state)
    return slow, keras.Model([context, written, state], [ops.softmax(logits[:, 0]), new])


class _Player:
    """One network that writes, frame by frame and character by character, with its state carried along."""

    def __init__(self, model, num_streams):
        self.slow, self.fast = _clocks(model)
        self.states = [np.zeros((num_streams, state.shape[1]), np.float32) for state in self.slow.inputs[3:]]
        self.beginning = np.full(num_streams, model.vocab_size)

    def begin_frame(self, heard, recalled, facts):
        """Tick the slow clock: frames (streams, slots) and conditions (streams, kinds)."""
        frame = [heard[:, None], recalled[:, None], facts[:, None]]
        self.context, *self.states = self.slow.predict_on_batch([*frame, *self.states])
        self.state = np.tanh(self.context)
        self.write(self.beginning)

    def write(self, chosen):
        """Tick the fast clock: tokens (streams,)."""
        self.next, self.state = self.fast.predict_on_batch([self.context, chosen[:, None], self.state])

    def probabilities(self):
        return self.next


def _allowed(heard, written, end, can_end):
    """Say which tokens may come next: bool (streams, vocab), from the frame before and what this one holds so far."""
    pitch = np.arange(-1, end) % 128  # of token 1 to 128 a sounding pitch, of 129 to 256 the struck one
    lowest = np.where((written > 0) & (written < end), pitch[written], 128).min(axis=1, initial=128)
    allowed = (pitch < lowest[:, None]) & (pitch >= PIANO[0]) & (pitch <= PIANO[1])
    sounded = np.zeros((len(heard), 128), bool)
    stream, slot = np.nonzero((heard > 0) & (heard < end - 1))
    sounded[stream, pitch[heard[stream, slot]]] = True
    allowed[:, 1:129] &= sounded  # only what sounded before can be held
    allowed[:, 0], allowed[:, end - 1], allowed[:, end] = True, False, can_end and written.shape[1] == 0
    if written.shape[1] == MAX_SLOTS - 1:
        allowed[:, 1:] = False
    return allowed


def _parallel(heard, written, end):
    """Say which pitches, struck next, would follow a higher voice in parallel fifths, octaves or unisons.

    Voices are counted from the highest down: heard, written int (streams, slots) -> bool (streams, 128).
    """
    before, now = (np.where((tokens > 0) & (tokens < end - 1), (tokens - 1) % 128, -1) for tokens in (heard, written))
    own, pitch = before[:, written.shape[1], None], np.arange(128)
    forbidden = np.zeros((len(heard), 128), bool)
    for above in range(written.shape[1]):
        was, is_now = before[:, above, None], now[:, above, None]
        interval = (was - own) % 12
        there = (was >= 0) & (own >= 0) & (is_now >= 0) & ((interval == 0) | (interval == 7))
        together = np.sign(is_now - was) * np.sign(pitch - own) > 0
        forbidden |= there & together & ((is_now - pitch) % 12 == interval)
    return forbidden
