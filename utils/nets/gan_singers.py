"""Four voices that sing frame by frame, by interval: the heart of the generator in `gan_voices`.

Tokens, cells and outlines as there. What is written and what is read goes through the same layers: a frame at a time
while writing, all frames at once while learning.
"""

import numpy as np

from utils.music.windows import NUM_CLASSES, NUM_VOICES
from utils.nets import infill, infill_inputs
from utils.nets.backend import keras, layers, ops
from utils.nets.infill_inputs import HOLD, LOW, NO_NOTE, NOTE_AGES, ORDER, SPAN, VOCAB
from utils.nets.infill_numpy import NEVER, OTHERS

PLAN_COLUMNS = 0, 3, 4, 5, 7  # of a plan: place in the bar, half beats to a fermata, since one, to the end; mode
SIZES = tuple(infill_inputs.OUTLINE[column] for column in PLAN_COLUMNS)
NEAR_KINDS, FAR_KINDS = 25, 61  # intervals told apart, within a voice and between voices; wider ones as the widest
SAID = VOCAB, NUM_CLASSES, 2 * NEAR_KINDS, 3 * FAR_KINDS, 3  # what a head says, see `by_interval`

class Singers(layers.Layer):
    """Sing frame by frame, soprano, bass, alto, tenor, each by interval to its own last pitches and to the others.

    It writes from left to right, a token for each number of the latent: the number's place in the normal distribution
    picks the token from the network's own. Then it reads what it wrote, all frames at once, and passes gradients as if
    each choice were soft while all others stay.

    Args: units: of each recurrent layer. hidden: of the layers that write. dropout_rate: while it is taught.
    """

    def __init__(self, units=128, hidden=160, dropout_rate=0.3, **kwargs):
        super().__init__(**kwargs)
        self.settings = dict(units=units, hidden=hidden, dropout_rate=dropout_rate)
        self.read_past = layers.Dense(units, activation="tanh", name="read_past")
        self.recurrent = [layers.GRU(units, return_sequences=True, name=f"gru_{number}") for number in range(2)]
        self.read_context = layers.Dense(hidden, name="read_context")
        self.read_lines = layers.Dense(hidden, use_bias=False, name="read_lines")
        self.read_now = [layers.Dense(hidden, name=f"read_now_{voice}") for voice in range(NUM_VOICES)]
        self.think = layers.Dense(hidden, activation="silu", name="think")
        self.heads = [layers.Dense(sum(SAID), name=f"head_{voice}") for voice in range(NUM_VOICES)]
        self.dropout = layers.Dropout(dropout_rate)

    def build(self, latents_shape, outline_shape):
        units, hidden, plan = self.settings["units"], self.settings["hidden"], sum(SIZES)
        lines = NUM_VOICES * (NEAR_KINDS + len(NOTE_AGES) + 1)
        for layer, size in ((self.read_past, infill_inputs.SEEN + plan), (self.read_context, 3 * units),
                            (self.read_lines, lines + plan), (self.think, hidden),
                            *((each, infill_inputs.SEEN) for each in self.read_now),
                            *((each, hidden) for each in self.heads)):
            layer.build((None, None, size))
        for layer in self.recurrent:
            layer.build((None, None, units))

    def compute_output_spec(self, latents, outline, training=False):
        return keras.KerasTensor((*latents.shape, VOCAB))

    def get_config(self):
        return super().get_config() | self.settings

    def call(self, latents, outline, training=False):
        token = ops.stop_gradient(self.write(latents, outline))
        cells = ops.one_hot(token, VOCAB)
        if not training:
            return cells
        soft = ops.softmax(self.read(token, outline))
        return soft + ops.stop_gradient(cells - soft)

    def read(self, token, outline, training=False):
        """Logits float (batch, frames, 4, VOCAB) of tokens int (batch, frames, 4), each given all those before it."""
        pitch, hit, before, age = follow(token)
        last, plan = infill.later(pitch), spell(outline)
        x = self.dropout(self.past(last, infill.later(hit), plan), training=training)
        states = [x]
        for layer in self.recurrent:
            states.append(layer(self.dropout(states[-1], training=training)))
        context = self.context(states, last, before, age, plan, training)
        return ops.stack([self.voice(voice, context, pitch, hit, last, before, training)
                          for voice in range(NUM_VOICES)], axis=2)

    def write(self, latents, outline):
        """Write tokens int32 (batch, frames, 4) for latents of that shape."""
        chance = 0.5 + 0.5 * ops.erf(latents * 0.5**0.5)  # where each number stands in the normal distribution
        nothing, batch = ops.zeros_like(latents[:, :1]), ops.shape(latents)[0]
        zeros = ops.cast(nothing, "int32")
        memory = [ops.zeros((batch, self.settings["units"])) for _ in self.recurrent]
        given = ops.swapaxes(chance, 0, 1), ops.swapaxes(spell(outline), 0, 1)
        _, (tokens, *_) = ops.scan(self.frame, (zeros[:, 0], zeros, nothing, zeros, zeros, *memory), given)
        return ops.swapaxes(tokens, 0, 1)

    def frame(self, state, given):
        """Write one frame. State: tokens, then the last frame's pitches, what was struck, the pitches before, ages."""
        _, last, hit, before, age, *memory = state
        chance, plan = given[0], given[1][:, None]
        states = [self.past(last, hit, plan)[:, 0]]
        for layer, old in zip(self.recurrent, memory):
            states.append(layer.cell(states[-1], [old])[0])
        context = self.context([each[:, None] for each in states], last, before, age, plan)
        pitch, hit, tokens = ops.zeros_like(last), ops.zeros_like(hit), [None] * NUM_VOICES
        for voice in ORDER:
            shares = ops.cumsum(ops.softmax(self.voice(voice, context, pitch, hit, last, before)[:, 0]), axis=-1)
            bound = chance[:, voice, None] * shares[:, -1:] * (1 - 1e-6)
            token = tokens[voice] = ops.sum(ops.cast(shares <= bound, "int32"), axis=-1, keepdims=True)
            sung = ops.where(token == HOLD, last[:, 0, voice, None], ops.maximum(token - 1, 0))
            mine = np.arange(NUM_VOICES) == voice
            pitch = pitch + (sung * mine.astype(np.int32))[:, None]
            hit = hit + (ops.cast(token > NO_NOTE, "float32") * mine.astype(np.float32))[:, None]
        before, age = step(last, pitch, hit, before, age)
        state = ops.concatenate(tokens, axis=-1), pitch, hit, before, age, *states[1:]
        return state, state  # on TensorFlow what a scan keeps must look like the state

    def past(self, last, hit, plan):
        everything = ops.ones_like(hit)
        return self.read_past(ops.concatenate([infill.see(last, hit, everything, everything), plan], axis=-1))

    def context(self, states, last, before, age, plan, training=False):
        interval = ops.clip(last - before, -(NEAR_KINDS // 2), NEAR_KINDS // 2) + NEAR_KINDS // 2
        known = ops.cast((last > 0) & (before > 0), "float32")
        aged = ops.sum(ops.cast(age[..., None] >= NOTE_AGES, "int32"), axis=-1)
        lines = ops.concatenate([ops.one_hot(interval, NEAR_KINDS) * known[..., None],
                                 ops.one_hot(aged, len(NOTE_AGES) + 1)], axis=-1)
        lines = ops.reshape(lines, (-1, last.shape[1], NUM_VOICES * lines.shape[-1]))
        states = self.dropout(ops.concatenate(states, axis=-1), training=training)
        return self.read_context(states) + self.read_lines(ops.concatenate([lines, plan], axis=-1))

    def voice(self, voice, context, pitch, hit, last, before, training=False):
        """Logits (batch, frames, VOCAB) of one voice, who knows the voices that come before it in ORDER."""
        seen = np.isin(np.arange(NUM_VOICES), ORDER[:ORDER.index(voice)]).astype(np.float32)
        seen = ops.zeros_like(hit) + seen
        x = ops.silu(context + self.read_now[voice](infill.see(pitch, hit, seen, seen)))
        x = self.dropout(self.think(x), training=training)
        return by_interval(self.heads[voice](x), voice, pitch * ops.cast(seen, "int32"), last, before)


def by_interval(values, voice, pitch, last, before):
    """Add up the logits of one voice: values float (batch, frames, sum(SAID)) -> (batch, frames, VOCAB).

    A pitch's is the sum of what is looked up by its interval from the voice's last pitch, from the one before that, and
    to each voice that is known in this frame, and by its degree; less a weight where it makes a parallel.
    """
    plain, degrees, near, far, weights = ops.split(values, np.cumsum(SAID)[:-1].tolist(), axis=-1)
    own, others = last[..., voice], OTHERS[voice]
    line = ops.stack([own, before[..., voice]], axis=-1)
    was, now = ops.take(last, others, axis=-1), ops.take(pitch, others, axis=-1)
    forbidden = ops.cast(infill.parallels(own[..., None], was, now), "float32")
    pitches = (ops.tile(ops.roll(degrees, -(LOW % NUM_CLASSES), axis=-1), (1, 1, SPAN // NUM_CLASSES))
               + ops.sum(infill.slide(near, line), axis=2) + ops.sum(infill.slide(far, now), axis=2)
               + ops.sum((weights - 1.0)[..., None] * forbidden, axis=2))
    silent = ops.cast(own == 0, "float32")[..., None]
    logits = plain + ops.pad(pitches, ((0, 0), (0, 0), (2, 0)))
    return ops.concatenate([logits[..., :1] + NEVER * silent, logits[..., 1:]], axis=-1)


def follow(token):
    """Follow each voice: tokens int (batch, frames, 4) -> four arrays of that shape.

    Returns: pitch, whether it is struck, and before each frame the pitch before the last one, and the frames since an
        attack. `step` says the same a frame at a time.
    """
    struck = token > NO_NOTE
    pitch = recall(ops.maximum(token - 1, 0), latest(ops.not_equal(token, HOLD)))
    last, place = infill.later(pitch), np.arange(token.shape[1], dtype=np.int32)[:, None]
    moved = (pitch > 0) & (last > 0) & ops.not_equal(pitch, last)
    return pitch, ops.cast(struck, "float32"), recall(last, latest(moved, 1)), place - 1 - latest(struck, 1)


def latest(marked, ago=0):
    """The latest marked frame, at least so many frames ago: bool (batch, frames, 4) -> int of that shape, -1: none."""
    place = np.arange(marked.shape[1], dtype=np.int32)
    past = (place <= place[:, None] - ago)[..., None]
    return ops.max(ops.where(marked[:, None] & past, place[:, None], -1), axis=2)


def recall(values, place):
    """The values int (batch, frames, 4) of other frames of the same voices, 0 where a place is -1."""
    return ops.where(place >= 0, ops.take_along_axis(values, ops.maximum(place, 0), axis=1), 0)


def step(last, pitch, hit, before, age):
    """One frame on: the pitch before the present one, and frames since the last attack."""
    moved = (pitch > 0) & (last > 0) & (pitch != last)
    return ops.where(moved, last, before), ops.where(hit > 0, 0, age + 1)


def spell(outline):
    """Spell an outline one-hot: int (batch, frames, 5) -> float (batch, frames, sum(SIZES))."""
    return ops.concatenate([ops.one_hot(ops.cast(outline[..., column], "int32"), size)
                            for column, size in enumerate(SIZES)], axis=-1)
