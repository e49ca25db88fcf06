"""A causal stack of dilated convolutions over codes, characters or a wave itself: builder, training, its weights."""

import numpy as np

from utils.music import text
from utils.nets import inputs, queues, training
from utils.nets.backend import keras, layers, ops

KERNEL_SIZE = 2
LOWEST_LOG_SIGMA = -6.0  # of the Gaussian head: a network that is surer than this has met digital silence


def build(levels=256, num_stacks=3, num_layers=10, channels=32, skip_channels=256, condition_size=0,
          condition_channels=48, hop=1, excitation_size=0, states=None, head="softmax", dropout_rate=0.0,
          name="wavenet"):
    """Build a WaveNet: a softmax over levels, or a Gaussian of the next sample.

    Each layer looks at its input now and some steps ago; a stack doubles that distance layer by layer from 1 on. Filter
    and gate are one matrix, and so are the ways of all layers to the output: the same network as with separate ones.

    Args: levels: int, 256 for mu-law codes, the size of the vocab for characters. num_stacks, num_layers: stacks, and
        layers in each. channels: of residual, filter and gate. skip_channels: of the two layers before the head.
        condition_size: features known beside each step, 0 for none. condition_channels: what they are squeezed to.
        hop: steps that share one row of features. excitation_size: channels of a known signal, one value a step, that
        every layer hears beside its input; 0 for none. states: how many different inputs there are where each is a code
        and something known beside it; a multiple of levels, which is the default. head: "softmax" or "gaussian".
        dropout_rate: of the channels that the layers send to the head, for a whole excerpt at a time.
        name: of the model.
    Returns: keras.Model. Its inputs: codes or states int (batch, steps), with a Gaussian head a wave float (batch,
        steps); then float (batch, steps / hop, condition_size) and (batch, steps, excitation_size), where there are
        any. Its output: logits float (batch, steps, levels), or mean and log sigma float (batch, steps, 2): at each
        step for the next code or sample, from this and earlier ones. Features and excitation of a step belong to what
        it predicts.
    Raises: ValueError for sizes below 1, states that are no multiple of levels, and another head.
    Source: van den Oord et al. 2016, WaveNet, sections 2.1 to 2.5; Ping et al. 2019, ClariNet, section 3.1 (Gaussian);
        Wang et al. 2019, Neural source-filter waveform models (excitation). Notebook: 03.
    """
    if min(levels, num_stacks, num_layers, channels, skip_channels, hop, condition_size + 1, excitation_size + 1) < 1:
        raise ValueError("levels, stacks, layers, channels and hop must be 1 or more, other sizes 0 or more")
    if head not in ("softmax", "gaussian") or (states or levels) % levels:
        raise ValueError(f"head {head!r}, {states} states for {levels} levels: give softmax or gaussian, a multiple")
    if head == "softmax":
        inputs = [keras.Input((None,), dtype="int32", name="codes")]
        x = layers.Embedding(states or levels, channels, name="embed")(inputs[0])
    else:
        inputs = [keras.Input((None,), name="wave")]
        x = layers.Dense(channels, name="embed")(ops.expand_dims(inputs[0], -1))
    shared, excitation = None, []
    if condition_size:
        inputs.append(keras.Input((None, condition_size), name="condition"))
        shared = layers.Dense(condition_channels, activation="tanh", name="squeeze")(inputs[-1])
    if excitation_size:
        inputs.append(keras.Input((None, excitation_size), name="excitation"))
        excitation = [inputs[-1]]
    gated = []
    for number, dilation in enumerate(dilations(num_stacks, num_layers)):
        before = layers.Cropping1D((0, dilation))(layers.ZeroPadding1D((dilation, 0))(x))
        both = layers.Dense(2 * channels, name=f"gate_{number}")(layers.Concatenate()([before, x, *excitation]))
        if shared is not None:
            known = layers.Dense(2 * channels, use_bias=False, name=f"condition_{number}")(shared)
            both = both + (layers.UpSampling1D(hop)(known) if hop > 1 else known)
        gated.append(ops.tanh(both[..., :channels]) * ops.sigmoid(both[..., channels:]))
        if number < num_stacks * num_layers - 1:  # nothing reads what the last layer would pass on
            x = x + layers.Dense(channels, name=f"residual_{number}")(gated[-1])
    x = layers.Concatenate()(gated) if len(gated) > 1 else gated[0]
    x = layers.SpatialDropout1D(dropout_rate)(x) if dropout_rate else x  # a mask for each excerpt: cheap to draw
    x = ops.relu(layers.Dense(skip_channels, name="skip")(x))
    x = layers.Dense(skip_channels, activation="relu", name="hidden")(x)
    if head == "softmax":
        return keras.Model(inputs, layers.Dense(levels, name="logits")(x), name=name)
    moments = layers.Dense(2, name="moments")(x)
    log_sigma = ops.maximum(moments[..., 1:], LOWEST_LOG_SIGMA)
    return keras.Model(inputs, layers.Concatenate()([moments[..., :1], log_sigma]), name=name)


def dilations(num_stacks, num_layers):
    """List the distances at which the layers look back, in steps: 1, 2, 4 ... in each stack."""
    return [2**layer for _ in range(num_stacks) for layer in range(num_layers)]


def receptive_field(num_stacks, num_layers):
    """Count the steps, the present one included, that a single output can see.

    Args: num_stacks, num_layers: as `build`.
    Returns: int, in steps; divide by the sample rate for seconds.
    Source: van den Oord et al. 2016, WaveNet, section 2.1. Notebook: 03, "How far back?".
    """
    return 1 + (KERNEL_SIZE - 1) * sum(dilations(num_stacks, num_layers))


def weights(model):
    """Take a network's weights out as arrays, stacked by layer, for `queues.generate`.

    Args: model: what `build` returned.
    Returns: dict from name to array: dilations int (layers,); embed (states, channels), of a Gaussian head (2,
        channels), what a sample is multiplied by and what is added; gate_kernel (layers, 2 channels + excitation, 2
        channels), rows first for the input some steps ago, then now, then the excitation; gate_bias (layers, 2
        channels); residual_kernel (layers, channels, channels) and residual_bias, zero in the last layer; skip_kernel
        (layers * channels, skip), skip_bias; hidden_kernel, hidden_bias; head_kernel (skip, levels or 2), head_bias;
        with conditions also hop, squeeze_kernel, squeeze_bias and condition_kernel (layers, squeezed, 2 channels); with
        a Gaussian head also lowest_log_sigma. float32 but for dilations and hop.
    Raises: ValueError for another network.
    Notebook: 03.
    """
    named = {layer.name: [np.asarray(ops.convert_to_numpy(value), np.float32) for value in layer.weights]
             for layer in model.layers if layer.weights}
    head = "moments" if "moments" in named else "logits"
    if not {"embed", "gate_0", "skip", "hidden", head} <= named.keys():
        raise ValueError(f"{model.name} is no WaveNet: pass what wavenet.build returned")
    count = sum(name.startswith("gate_") for name in named)
    steps = [layer.padding[0] for layer in model.layers if isinstance(layer, layers.ZeroPadding1D)]
    channels = named["gate_0"][1].shape[0] // 2
    nothing = [np.zeros((channels, channels), np.float32), np.zeros(channels, np.float32)]
    stack = lambda name, place: np.stack([named.get(f"{name}_{number}", nothing)[place] for number in range(count)])
    result = {"dilations": np.array(steps), "embed": np.vstack(named["embed"])} | {
        f"{name}_{part}": stack(name, place) for name in ("gate", "residual")
        for place, part in enumerate(("kernel", "bias"))}
    for name, layer in (("skip", "skip"), ("hidden", "hidden"), ("head", head)):
        result[f"{name}_kernel"], result[f"{name}_bias"] = named[layer]
    if head == "moments":
        result["lowest_log_sigma"] = np.float32(LOWEST_LOG_SIGMA)
    if "squeeze" in named:
        result["squeeze_kernel"], result["squeeze_bias"] = named["squeeze"]
        result["condition_kernel"] = stack("condition", 0)
        result["hop"] = next((layer.size for layer in model.layers if isinstance(layer, layers.UpSampling1D)), 1)
    return result


def write_characters(model, num_characters, num_streams=1, temperature=1.0, seed=0, first=text.SPACE_TOKEN, metre=None):
    """Write text with a network that reads `inputs.line`, several streams side by side.

    Args: model: what `build` returned for states of characters. num_characters, num_streams: int. temperature, seed:
        see `queues.generate`. first: the state to start from, see `inputs.line`; by default a bar of 4/4 begins. metre:
        to write in, by a network that was built for `inputs.PLACES`.
    Returns: int32 (num_streams, num_characters), tokens.
    Raises: ValueError as `queues.generate`.
    Notebook: 03, "The same network on characters".
    """
    levels = model.output_shape[-1]
    return queues.generate(weights(model), num_characters, num_streams=num_streams, temperature=temperature, seed=seed,
                           first=first, follow=inputs.follow(levels, metre))


class Excerpts(keras.utils.PyDataset):
    """Random excerpts of random lines, longer lines more often; the same ones for the same seed.

    Args: lines: list of arrays (1 + steps,): what stands before the first step, then the codes int, states int or
        samples float. num_steps: length of an excerpt; a shorter line is padded. batch_size, steps: excerpts a step,
        steps an epoch. known: None, or a function from (number of the line, first step, num_steps) to a list of what is
        known of these steps, in the order of the network's inputs. hop: excerpts start on a multiple of it. levels:
        codes are states modulo this. dither: standard deviation of the noise that is added to samples. blur: up to
        which that of a second noise is drawn for each excerpt, on what is read and not on what is to be said. seed:
        int.
    An item is (inputs, target): codes, states or samples (batch_size, num_steps), as a list with what is known; and the
    next codes int32, -1 where a line has ended, or the next samples float32.
    """

    def __init__(self, lines, num_steps, batch_size=2, steps=200, known=None, hop=1, levels=256, dither=0.0,
                 blur=0.0, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.lines, self.num_steps, self.batch_size, self.steps = lines, num_steps, batch_size, steps
        self.known, self.hop, self.levels, self.dither, self.blur = known, hop, levels, dither, blur
        lengths = np.array([len(line) - 1 for line in lines], float)
        self.shares, self.rng = np.cumsum(lengths) / lengths.sum(), np.random.default_rng(seed)

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        chosen = np.searchsorted(self.shares, self.rng.random(self.batch_size))
        spare = [max(1, len(self.lines[number]) - self.num_steps) for number in chosen]
        starts = [self.rng.integers(0, most) // self.hop * self.hop for most in spare]
        cuts = [self.lines[number][start:start + self.num_steps + 1] for number, start in zip(chosen, starts)]
        if cuts[0].dtype.kind == "f":
            cuts = np.stack([np.pad(cut, (0, self.num_steps + 1 - len(cut))) for cut in cuts]).astype(np.float32)
            cuts += self.rng.normal(0, self.dither, cuts.shape) if self.dither else 0
            given, target = cuts[:, :-1], cuts[:, 1:]
            if self.blur:
                levels = self.rng.uniform(0, self.blur, (len(given), 1))
                given = given + (levels * self.rng.standard_normal(given.shape)).astype(np.float32)
        else:
            cuts = np.stack([np.pad(cut.astype(np.int32), (0, self.num_steps + 1 - len(cut)), constant_values=-1)
                             for cut in cuts])
            given, target = np.maximum(cuts[:, :-1], 0), np.where(cuts[:, 1:] < 0, -1, cuts[:, 1:] % self.levels)
        if self.known is None:
            return given, target
        facts = zip(*(self.known(number, start, self.num_steps) for number, start in zip(chosen, starts)))
        return (given, *(np.stack(fact).astype(np.float32) for fact in facts)), target


def code_loss(target, logits):
    """Nats of each code: target int (...), -1 for none, logits (..., levels) -> (...), 0 for none."""
    code = ops.maximum(ops.cast(target, "int32"), 0)  # `fit` hands over floats
    nats = -ops.take_along_axis(ops.log_softmax(logits), code[..., None], axis=-1)[..., 0]
    return ops.where(target >= 0, nats, 0.0)


def wave_loss(target, moments, floor=LOWEST_LOG_SIGMA):
    """Nats of each sample under a Gaussian: target (...), moments (..., 2), its mean and log sigma -> (...).

    A log sigma below the floor counts as the floor: then loud samples, where a network is unsure, count as soft ones.
    """
    mean, log_sigma = moments[..., 0], ops.maximum(moments[..., 1], floor)
    return 0.5 * float(np.log(2 * np.pi)) + log_sigma + 0.5 * ops.square((target - mean) * ops.exp(-log_sigma))


def fit(model, train, valid, folder, epochs, steps=200, num_steps=12_000, batch_size=2, learning_rate=2e-3, seed=0,
        known=(None, None), optimizer=None, keep_best=False, floor=LOWEST_LOG_SIGMA, **excerpts):
    """Train on random excerpts of lines; a run that was stopped goes on from its last whole epoch.

    Args: model: what `build` returned. train, valid: lists of lines, see `Excerpts`. folder: Path, for the backup,
        TensorBoard's logs and history.csv. epochs, steps: steps an epoch. num_steps, batch_size: of the excerpts.
        learning_rate: its peak, see `training.optimizer`. seed: of the excerpts. known: what is known of train and of
        valid, see `Excerpts`. optimizer: in place of that one. keep_best: see `training.fit`. floor: of a Gaussian's
        log sigma, see `wave_loss`. excerpts: hop, levels, dither, blur of `Excerpts`.
    Returns: dict, the history: loss and val_loss, nats a code or sample, one value an epoch; the validation loss is
        that of the second halves of 16 excerpts.
    Notebook: 03, "Training".
    """
    gaussian = "moments" in [layer.name for layer in model.layers]
    loss = wave_loss if gaussian else code_loss
    if gaussian and floor > LOWEST_LOG_SIGMA:
        loss = lambda target, moments: wave_loss(target, moments, floor)
    model.compile(optimizer or training.optimizer(epochs * steps, learning_rate, 0.0), loss,
                  jit_compile=epochs * steps > training.WORTH_COMPILING)
    held_out = Excerpts(valid, num_steps, 1, 16, known[1], seed=1, **excerpts)
    held_out = [held_out[number] for number in range(16)]

    def score():
        nats = np.concatenate([nll(model, *item, floor)[:, num_steps // 2:] for item in held_out])
        return nats.sum() / np.sum([(item[1][:, num_steps // 2:] != -1) for item in held_out])

    lessons = Excerpts(train, num_steps, batch_size, steps, known[0], seed=seed, **excerpts)
    return training.fit(model, lessons, folder, epochs, score, keep_best)


def streams(model, num_samples, hop, **known):
    """Check what a performer hears of a piece.

    Args: model: a network of `wavenet`, `flow` or `student`. num_samples: int, to be played. hop: samples for each row
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


def nll(model, inputs, target, floor=LOWEST_LOG_SIGMA):
    """Score what comes next.

    Args: model: what `build` returned. inputs, target: an item of `Excerpts`. floor: see `wave_loss`.
    Returns: float32 (batch, steps), nats each, 0 where the target is -1.
    """
    outputs = model.predict_on_batch(inputs)
    gaussian = np.asarray(target).dtype.kind == "f"
    return ops.convert_to_numpy(wave_loss(target, outputs, floor) if gaussian else code_loss(target, outputs))
