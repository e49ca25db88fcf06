"""A network that writes the voices of a chorale: any cells may be given, and it writes the others."""

import numpy as np

from utils.nets import infill_inputs, infill_numpy, masks, training
from utils.nets.backend import keras, layers, ops
from utils.nets.infill_inputs import CENTRE, LOW, NEAR, ORDER, OUTLINE, SPAN
from utils.nets.infill_numpy import NEVER, OTHERS, PITCHES

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
CALIBRATIONS = np.arange(0.8, 1.61, 0.05)  # temperatures to choose from


class Infiller(keras.Model):
    """An encoder that reads the given cells from each frame on, and a recurrent decoder that writes frame by frame.

    The decoder reads past cells in the same way, whether they were given or written. The encoder sees only the present
    and later frames. Within a frame the order is soprano, bass, alto, tenor. The logit of a pitch is a sum of values
    from tables of intervals: from the voice's last pitch, from the pitch before that, to the next given pitch of each
    voice, and to each voice that is known in this frame. To these are added a value for its scale degree above home,
    and weights for parallel fifths and octaves. Pitches count from home, a tonic, so that transposed music is the same
    music. Every choice depends on the outline of the piece.

    Call it with a batch of `infill_inputs.read`. It returns logits float (batch, frames, 4, VOCAB), of each cell, given
    all frames before, all earlier voices of this frame, and all given cells.

    Args: channels, dilations: of the encoder. units: of each recurrent layer. hidden: of the layer that writes.
        dropout_rate, encoder_dropout: shares dropped in training. without: any of "intervals", "encoder" and
        "parallels", parts that an ablation leaves out.
    Source: Oord et al. 2016, WaveNet, section 2.3, for the gated convolutions. Notebook: 02, "Four named voices".
    """

    def __init__(self, channels=64, dilations=infill_inputs.DILATIONS, units=128, hidden=192, dropout_rate=0.4,
                 encoder_dropout=0.25, without=(), **kwargs):
        super().__init__(**kwargs)
        self.without = tuple(without)
        self.dilations = tuple(dilations)
        intervals = np.repeat([True, False, False, False, True], infill_inputs.HEADS)
        self.heard = np.float32(intervals | ("intervals" not in self.without))
        self.read_given = _dense(channels, 2.0, "read_given")
        self.norms = [layers.RMSNormalization(epsilon=1e-6, name=f"norm_{i}") for i in range(len(dilations) + 1)]
        self.gates = [_dense(2 * channels, 1.0, f"gates_{i}") for i in range(len(dilations))]
        self.mixes = [_dense(channels, 0.3, f"mix_{i}") for i in range(len(dilations))]
        self.read_past = _dense(units, 1.5, "read_past")
        self.read_encoder = _dense(units, 1.0, "read_encoder", use_bias=False)
        self.recurrent = [layers.GRU(units, return_sequences=True, name=f"gru_{i}") for i in range(2)]
        self.read_context = _dense(hidden, 1.0, "read_context")
        self.read_lines = _dense(hidden, 0.7, "read_lines", use_bias=False)
        self.read_now = _dense(hidden, 1.5, "read_now", use_bias=False)
        self.read_voice = _dense(hidden, 0.5, "read_voice", use_bias=False)
        self.think = _dense(hidden, 1.0, "think")
        self.heads = [_dense(infill_inputs.HEAD_SIZE, 0.4, f"head_{voice}") for voice in range(4)]
        self.dropout, self.drop_channels = layers.Dropout(dropout_rate), layers.SpatialDropout1D(encoder_dropout)

    def call(self, batch, training=False):
        drop = lambda x: self.dropout(x, training=training)
        plan = ops.concatenate([ops.one_hot(batch["plan"][..., i], size) for i, size in enumerate(OUTLINE)], axis=-1)
        encoded = self.encode(batch, plan, training) * float("encoder" not in self.without)
        pitch, present = batch["pitch"], batch["present"]
        past = see(*(later(batch[name]) for name in ("pitch", "struck", "heard")), present)
        x = self.read_past(ops.concatenate([past, plan], axis=-1)) + self.read_encoder(encoded)
        outputs = [drop(ops.tanh(x))]
        for layer in self.recurrent:
            outputs.append(layer(outputs[-1] if len(outputs) == 1 else drop(outputs[-1])))
        context = self.read_context(drop(ops.concatenate([*outputs, encoded], axis=-1)))
        context = context + self.read_lines(ops.concatenate([lines(batch), plan], axis=-1))
        seen, logits = batch["given"], {}
        for voice in ORDER:
            now = self.read_now(see(pitch, batch["struck"], seen, present))
            which = self.read_voice(ops.one_hot(ops.full((1, 1), voice, dtype="int32"), 4))
            x = drop(ops.silu(self.think(ops.silu(context + now + which))))
            values = self.heads[voice](x) * self.heard
            logits[voice] = by_interval(values, batch, seen, voice, self.without)
            written = np.arange(4) == voice
            seen = ops.where(written, present, seen)
        return ops.stack([logits[voice] for voice in range(4)], axis=2)

    def encode(self, batch, plan, training=False):
        """Read the given cells from each frame on: float (batch, frames, channels)."""
        given = see(batch["pitch"], batch["struck"], batch["given"], batch["present"])
        inside = ops.cast(batch["plan"][..., :1] >= 0, "float32")  # zeros after the end of a piece
        x = self.read_given(ops.concatenate([given, plan], axis=-1)) * inside
        frames = ops.shape(x)[1]
        for dilation, norm, gate, mix in zip(self.dilations, self.norms, self.gates, self.mixes):
            wide = ops.pad(self.drop_channels(norm(x), training=training), ((0, 0), (0, 2 * dilation), (0, 0)))
            taps = [wide[:, tap * dilation:tap * dilation + frames] for tap in range(3)]
            signal, strength = ops.split(gate(ops.concatenate(taps, axis=-1)), 2, axis=-1)
            x = x + mix(ops.tanh(signal) * ops.sigmoid(strength)) * inside
        return self.norms[-1](x)


def _dense(units, scale, name, use_bias=True):
    """A dense layer whose outputs have about this scale, for unit inputs."""
    initializer = keras.initializers.VarianceScaling(scale**2, "fan_in", "untruncated_normal")
    return layers.Dense(units, use_bias=use_bias, kernel_initializer=initializer, name=name)


def see(pitch, struck, seen, present):
    """Encode a frame for the network: float (batch, frames, infill_inputs.SEEN), zeros for what is not seen."""
    sounding = ops.cast(pitch > 0, "float32") * seen
    height = _one_hot(pitch - 1, SPAN, sounding)
    degree = _one_hot(ops.mod(pitch - 1 + LOW, 12), 12, sounding)
    flags = ops.stack([struck * seen, seen, seen - sounding], axis=-1)
    each = _flat(ops.concatenate([height, degree, flags], axis=-1))
    pairs = [_one_hot(ops.mod(pitch[..., a] - pitch[..., b], 12), 12, sounding[..., a] * sounding[..., b])
             for a, b in infill_inputs.PAIRS]
    return ops.concatenate([each, *pairs, present], axis=-1)


def lines(batch):
    """Encode where each voice comes from and where it goes: float (batch, frames, infill_inputs.LINES)."""
    last = later(batch["pitch"]) * ops.cast(batch["present"], "int32")
    interval = lambda to, start: _one_hot(ops.clip(to - start, -CENTRE, CENTRE) + CENTRE, NEAR,
                                          ops.cast((to > 0) & (start > 0), "float32"))
    degree = lambda pitch: _one_hot(ops.mod(pitch - 1 + LOW, 12), 12, ops.cast(pitch > 0, "float32"))
    far = lambda name: ops.one_hot(batch[name], len(infill_inputs.DISTANCES) + 1)
    age = _one_hot(batch["age"], len(infill_inputs.NOTE_AGES) + 1, batch["present"])
    parts = [interval(last, batch["before"]), age,
             far("next_far"), interval(batch["next_pitch"], last), degree(batch["next_pitch"]),
             far("then_far"), interval(batch["then_pitch"], batch["next_pitch"]), degree(batch["then_pitch"])]
    return ops.concatenate([_flat(part) for part in parts], axis=-1)


def by_interval(values, batch, seen, voice, without=()):
    """Add up the logits of one voice: values float (batch, frames, HEAD_SIZE) of its head -> (batch, frames, VOCAB)."""
    plain, degrees, near, far, parallel = ops.split(values, np.cumsum(infill_inputs.HEADS)[:-1].tolist(), axis=-1)
    pitch, last = batch["pitch"], later(batch["pitch"])
    own, others = last[..., voice], OTHERS[voice]
    was, now = ops.take(last, others, axis=-1), ops.take(pitch, others, axis=-1)
    now = ops.where(ops.take(seen, others, axis=-1) > 0, now, 0)
    line = ops.concatenate([own[..., None], batch["before"][..., voice, None], batch["next_pitch"]], axis=-1)
    pitches = (ops.tile(ops.roll(degrees, -(LOW % 12), axis=-1), (1, 1, SPAN // 12))
               + ops.sum(slide(near, line), axis=2) + ops.sum(slide(far, now), axis=2))
    mine, far = batch["soon"][..., voice, None], batch["soon_far"][..., voice, None]
    soon, soon_far = (ops.take(batch[name], others, axis=-1) for name in ("soon", "soon_far"))
    # from the frame before, and backwards from attacks that are given on one frame: (batch, frames, 6, SPAN)
    forbidden = ops.concatenate([parallels(own[..., None], was, now),
                                 parallels(mine, ops.where(ops.equal(soon_far, far), soon, 0), now)], axis=2)
    if "parallels" not in without:
        pitches = pitches + ops.sum((parallel - 1.0)[..., None] * ops.cast(forbidden, "float32"), axis=2)
    must = batch["must"][..., voice, None]
    free = ops.equal(must, 0)  # `==` compares symbols by identity
    hold = (own[..., None] > 0) & (free | ops.equal(must, own[..., None]))
    can = ops.concatenate([hold, free, free | ops.equal(must, PITCHES)], axis=-1)
    return plain + ops.pad(pitches, ((0, 0), (0, 0), (2, 0))) + ops.where(can, 0.0, NEVER)


def slide(values, pitch):
    """Look up values by interval: (..., kinds * intervals) and pitch int (..., kinds) -> (..., kinds, SPAN).

    Zeros where a pitch is 0; an interval beyond the table counts as the widest.
    """
    width = values.shape[-1] // pitch.shape[-1]
    values = ops.reshape(values, (*ops.shape(pitch), width))
    index = ops.clip(width // 2 - (pitch[..., None] - PITCHES), 0, width - 1)
    return ops.where((pitch > 0)[..., None], ops.take_along_axis(values, index, axis=-1), 0.0)


def parallels(own, was, now):
    """Mark the pitches that would make parallel fifths or octaves with another voice: int (...) -> bool (..., SPAN)."""
    own, was, now, places = own[..., None], was[..., None], now[..., None], PITCHES
    interval = ops.mod(ops.abs(was - own), 12)  # a fifth below is a fifth: 7, not 5
    perfect = (own > 0) & (was > 0) & (now > 0) & (ops.equal(interval, 0) | ops.equal(interval, 7))
    perfect = perfect & ops.not_equal(now, was) & ops.equal(ops.sign(own - places), ops.sign(was - now))
    return perfect & ops.equal(ops.mod(ops.abs(now - places), 12), interval)


def later(x):
    """Shift an array (batch, frames, ...) one frame later, with zeros first."""
    return ops.pad(x, ((0, 0), (1, 0)) + ((0, 0),) * (len(x.shape) - 2))[:, :-1]


def _one_hot(index, size, where):
    return ops.one_hot(index, size) * where[..., None]


def _flat(x):
    return ops.reshape(x, (*ops.shape(x)[:2], x.shape[2] * x.shape[3]))


def build_infiller(**settings):
    """Build an Infiller, ready to train or to take a run's weights.

    Args: settings: as Infiller.
    Returns: Infiller, built.
    Notebook: 02, "Four named voices".
    """
    model = Infiller(**settings)
    model(symbols())  # otherwise JAX compiles one operation after another
    return model


def fit(model, pieces, valid, folder, epochs, steps=200, num_frames=64, batch_size=16, learning_rate=2e-3,
        weight_decay=0.08, seed=0, kinds=None):
    """Train an Infiller on random excerpts with random masks; a stopped run continues after its last complete epoch.

    Args: model: what `build_infiller` returns. pieces, valid: lists of (cells int16 (frames, 4), Form), for training,
        and for a score after each epoch. folder: Path, see `training.fit`. epochs, steps: steps per epoch. num_frames,
        batch_size: of the excerpts. learning_rate: its peak. weight_decay: of AdamW. seed: of the excerpts. kinds: of
        masks, see `masks.mask`.
    Returns: dict, the history before calibration on `valid`: loss, nats per cell, and val_loss, nats per frame.
    Notebook: 02, "Four named voices".
    """
    training.prepare(model, epochs * steps, training.optimizer(epochs * steps, learning_rate, weight_decay), LOSS)
    data = masks.Crops(pieces, num_frames, batch_size, steps, seed, kinds)

    score = lambda: np.concatenate(nll(model, *map(list, zip(*valid)))).mean()
    history = training.fit(model, data, folder, epochs, score)
    calibrate(model, *zip(*valid))
    return history


def calibrate(model, cells, forms, temperatures=CALIBRATIONS):
    """Divide a network's logits permanently by the temperature that makes held-out pieces likeliest.

    With little training music a network is too confident: alone it moves too rarely on weak sixteenths.

    Args: model: Infiller. cells, forms: as `nll`. temperatures: float (number,), to choose from.
    Returns: float, the chosen temperature.
    Source: Guo et al. 2017, On calibration of modern neural networks. Notebook: 02, "Four named voices".
    """
    totals = np.zeros(len(temperatures))
    for piece, form in zip(cells, forms):
        batch = infill_inputs.batch([piece], [form], multiple=64)
        logits = model.predict_on_batch(batch).astype(np.float64)
        written = (1 - batch["given"]) * batch["present"]
        totals += [(training.nats(logits / each, batch["token"]) * written).sum() for each in temperatures]
    best = float(temperatures[totals.argmin()])
    for head in model.heads:
        kernel, bias = (values / best for values in head.get_weights())
        bias[-infill_inputs.HEADS[-1]:] += 1 - 1 / best  # the 1 that `by_interval` subtracts is divided as well
        head.set_weights([kernel, bias])
    return best


def nll(models, cells, forms, known=None, present=None, batch_size=12):
    """Score the cells that are not given, conditioned on the given ones: exact, by the chain rule.

    The order is frame by frame, and in a frame soprano, bass, alto, tenor. All given cells are known from the
    beginning, also later ones. Several models are averaged as probabilities of a cell.

    Args: models: an Infiller or a list. cells: list of int16 (frames, 4), one per piece. forms: list of Form. known:
        list of bool (frames, 4), true where a cell is given; None for nothing. present: bool (4,), the voices that
        sing; the others are neither given nor written; None for all. batch_size: pieces at a time.
    Returns: list of float64 (frames,), nats of the cells in each frame that are not given.
    Raises: ValueError as `infill_inputs.batch`.
    Notebook: 02, "Four named voices".
    """
    models = models if isinstance(models, (list, tuple)) else [models]
    result = [np.zeros(0)] * len(cells)
    known = [np.zeros(np.shape(piece), bool) for piece in cells] if known is None else known
    for group in training.by_length(cells, batch_size):
        mine = [[part[i] for i in group] for part in (cells, forms, known)]
        batch = infill_inputs.batch(*mine, present, multiple=64)
        written = (1 - batch["given"]) * batch["present"]
        logits = (model.predict_on_batch(batch).astype(np.float64) for model in models)
        each = [-training.nats(found, batch["token"]) for found in logits]
        nats = np.log(len(each)) - np.logaddexp.reduce(each, axis=0)
        for row, i in enumerate(group):
            result[i] = (nats * written)[row, :len(cells[i])].sum(axis=-1)
    return result


def write(models, forms, given=None, known=None, temperature=infill_inputs.TEMPERATURE, seed=0, present=None):
    """Write the cells that are not given: compose, harmonise, continue, vary or fill, depending on what is known.

    It writes from left to right, in each frame soprano, bass, alto, tenor. All given cells are known from the
    beginning, also later ones. Given cells never change. Several networks are averaged as probabilities of a cell.

    Args: models: an Infiller, what `infill_numpy.load` reads, or a list of them. forms: list of Form, one per piece.
        given: list of int16 (frames, 4), cells as `music.voices` writes them; None for nothing; then each form's length
        is the length to write. known: list of bool (frames, 4), true where a cell is given; None for all cells of
        `given` except rests. temperature: divides the logits of pitches, not those of attacks; 0 always takes the
        likeliest cell. seed: int; piece number i does not depend on the other pieces. present: bool (4,), the voices
        that sing; None for all.
    Returns: list of (cells int16 (frames, 4), nats float64 (frames,)): the written cells, and their nats at temperature
        1, as in `nll`.
    Raises: ValueError for a form without a length if nothing is given, a temperature below 0, and as
        `infill_inputs.batch`.
    Notebook: 02, "Four named voices".
    """
    models = models if isinstance(models, (list, tuple)) else [models]
    networks = [model if isinstance(model, dict) else arrays(model) for model in models]
    return infill_numpy.write(networks, forms, given, known, temperature, seed, present)


def arrays(model):
    """Take the arrays out of an Infiller: dict from "layer/array" to float32, as `infill_numpy.load` reads a run."""
    found = {(weight.path.split("/")[1], weight.path.split("/")[-1]): weight for weight in model.weights}
    return {"/".join(name): np.array(ops.convert_to_numpy(weight)) for name, weight in found.items()
            if name[1] not in ("seed_generator_state",)} | {"dilations": model.dilations}


def symbols(num_frames=None):
    """The arrays of `infill_inputs.read`, as symbols: dict of name -> keras.Input."""
    kinds = dict.fromkeys(infill_inputs.FLOATS + infill_inputs.INTEGERS, 4) | {"plan": len(OUTLINE)}
    dtypes = {True: "float32", False: "int32"}
    return {name: keras.Input((num_frames, size), name=name, dtype=dtypes[name in infill_inputs.FLOATS])
            for name, size in kinds.items()}
