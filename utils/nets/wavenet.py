"""A causal stack of dilated convolutions over codes, characters or a wave: builder, training and weights."""

from pathlib import Path

import numpy as np

from utils.music import text
from utils.nets import inputs, queues, training
from utils.nets.backend import keras, layers, ops
from utils.nets.excerpts import Excerpts

KERNEL_SIZE = 2
LOWEST_LOG_SIGMA = -6.0  # of the Gaussian head: only digital silence allows a smaller sigma


def build(levels=256, num_stacks=3, num_layers=10, channels=32, skip_channels=256, condition_size=0,
          condition_channels=48, hop=1, excitation_size=0, states=None, head="softmax", dropout_rate=0.0,
          name="wavenet"):
    """Build a WaveNet: a softmax over levels, or a Gaussian of the next sample.

    Each layer reads its present input and the one some steps ago. In a stack that distance is 1 and doubles with each
    layer. Filter and gate are one matrix, and so are the skip connections of all layers: the same network as with
    separate ones.

    Args: levels: int, 256 for mu-law codes, the size of the vocab for characters. num_stacks, num_layers: stacks, and
        layers in each. channels: of residual, filter and gate. skip_channels: of the two layers before the head.
        condition_size: known features of each step, 0 for none. condition_channels: the size to which they are reduced.
        hop: steps per row of features. excitation_size: channels of a known signal, one value per step, that every
        layer reads with its input; 0 for none. states: number of different inputs, if an input is a code combined with
        another known value; a multiple of levels, which is the default. head: "softmax" or "gaussian". dropout_rate: of
        the channels that the layers send to the head, for a whole excerpt at a time. name: of the model.
    Returns: keras.Model. Its inputs: codes or states int (batch, steps), with a Gaussian head a wave float (batch,
        steps); then float (batch, steps / hop, condition_size) and (batch, steps, excitation_size), if there are any.
        Its output: logits float (batch, steps, levels), or mean and log sigma float (batch, steps, 2): at each step for
        the next code or sample, from this and earlier ones. Features and excitation of a step belong to the predicted
        code or sample.
    Raises: ValueError for sizes below 1, states that are not a multiple of levels, and another head.
    Source: van den Oord et al. 2016, WaveNet, sections 2.1 to 2.5; Ping et al. 2019, ClariNet, section 3.1 (Gaussian);
        Wang et al. 2019, Neural source-filter waveform models (excitation). Notebook: 03, "How far back?".
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
        if number < num_stacks * num_layers - 1:  # nothing reads the residual output of the last layer
            x = x + layers.Dense(channels, name=f"residual_{number}")(gated[-1])
    x = layers.Concatenate()(gated) if len(gated) > 1 else gated[0]
    x = layers.SpatialDropout1D(dropout_rate)(x) if dropout_rate else x  # one mask per excerpt: cheap to draw
    x = ops.relu(layers.Dense(skip_channels, name="skip")(x))
    x = layers.Dense(skip_channels, activation="relu", name="hidden")(x)
    if head == "softmax":
        return keras.Model(inputs, layers.Dense(levels, name="logits")(x), name=name)
    moments = layers.Dense(2, name="moments")(x)
    log_sigma = ops.maximum(moments[..., 1:], LOWEST_LOG_SIGMA)
    return keras.Model(inputs, layers.Concatenate()([moments[..., :1], log_sigma]), name=name)


def dilations(num_stacks, num_layers):
    """List the dilations of the layers in steps: 1, 2, 4 ... in each stack."""
    return [2**layer for _ in range(num_stacks) for layer in range(num_layers)]


def receptive_field(num_stacks, num_layers):
    """Count the steps, with the present one, that a single output can see.

    Args: num_stacks, num_layers: as `build`.
    Returns: int, in steps; divide by the sample rate for seconds.
    Source: van den Oord et al. 2016, WaveNet, section 2.1. Notebook: 03, "How far back?".
    """
    return 1 + (KERNEL_SIZE - 1) * sum(dilations(num_stacks, num_layers))


def nudge(model, at=100, steps=None, by=12):
    """Move one code of silence, and see by how much each later output moves.

    Args: model: what `build` returned, for codes. at: int, the step that is moved. steps: int, the length of the line;
        by default 200 more than the receptive field. by: int, levels.
    Returns: float (steps - at,), the largest change of any logit, from the moved step on.
    Raises: ValueError for a network in which an earlier output moves: it is not causal.
    Notebook: 03, "How far back?".
    """
    silence = model.output_shape[-1] // 2
    line = np.full((1, steps or 200 + _sight(model)), silence)
    before = model.predict_on_batch(line)
    line[0, at] = silence + by
    moved = np.abs(model.predict_on_batch(line) - before)[0].max(axis=-1)
    if moved[:at].any():
        raise ValueError(f"{model.name} is not causal: an output before the moved step changed")
    return moved[at:]


def weights(model):
    """Return a network's weights as arrays, stacked by layer, for `queues.generate`.

    Args: model: what `build` returned.
    Returns: dict from name to array: dilations int (layers,); embed (states, channels), for a Gaussian head (2,
        channels), the factor of a sample and the number to add; gate_kernel (layers, 2 channels + excitation, 2
        channels), rows first for the input some steps ago, then for the present input, then for the excitation;
        gate_bias (layers, 2 channels); residual_kernel (layers, channels, channels) and residual_bias, zero in the last
        layer; skip_kernel (layers * channels, skip), skip_bias; hidden_kernel, hidden_bias; head_kernel (skip, levels
        or 2), head_bias; with conditions also hop, squeeze_kernel, squeeze_bias and condition_kernel (layers, squeezed,
        2 channels); with a Gaussian head also lowest_log_sigma. float32 except dilations and hop.
    Raises: ValueError for another network.
    Notebook: 03.
    """
    named = {layer.name: [np.asarray(ops.convert_to_numpy(value), np.float32) for value in layer.weights]
             for layer in model.layers if layer.weights}
    head = "moments" if "moments" in named else "logits"
    if not {"embed", "gate_0", "skip", "hidden", head} <= named.keys():
        raise ValueError(f"{model.name} is not a WaveNet: pass what wavenet.build returned")
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
    """Write text with a network that reads `inputs.line`, several streams in parallel.

    Args: model: what `build` returned for states of characters. num_characters, num_streams: int. temperature, seed:
        see `queues.generate`. first: the state to start from, see `inputs.line`; by default a bar of 4/4 begins. metre:
        of the text, for a network built with `inputs.PLACES`.
    Returns: int32 (num_streams, num_characters), tokens.
    Raises: ValueError as `queues.generate`.
    Notebook: 03, "The same network on characters".
    """
    levels = model.output_shape[-1]
    return queues.generate(weights(model), num_characters, num_streams=num_streams, temperature=temperature, seed=seed,
                           first=first, follow=inputs.follow(levels, metre))


def _sight(model):
    """The receptive field of a built network, in steps."""
    return 1 + sum(layer.padding[0] for layer in model.layers if isinstance(layer, layers.ZeroPadding1D))


def code_loss(target, logits):
    """Nats of each code: target int (...), -1 for none, logits (..., levels) -> (...), 0 for none."""
    code = ops.maximum(ops.cast(target, "int32"), 0)  # `fit` passes floats
    nats = -ops.take_along_axis(ops.log_softmax(logits), code[..., None], axis=-1)[..., 0]
    return ops.where(target >= 0, nats, 0.0)


def wave_loss(target, moments, floor=LOWEST_LOG_SIGMA):
    """Nats of each sample under a Gaussian: target (...), moments (..., 2), its mean and log sigma -> (...).

    A log sigma below the floor counts as the floor. Then loud samples, where the network is uncertain, count as much as
    soft ones.
    """
    mean, log_sigma = moments[..., 0], ops.maximum(moments[..., 1], floor)
    return 0.5 * float(np.log(2 * np.pi)) + log_sigma + 0.5 * ops.square((target - mean) * ops.exp(-log_sigma))


def fit(model, train, valid, folder, epochs, steps=200, num_steps=12_000, batch_size=2, learning_rate=2e-3, seed=0,
        known=(None, None), optimizer=None, keep_best=False, floor=LOWEST_LOG_SIGMA, **excerpts):
    """Train on random excerpts of lines; a stopped run continues after its last complete epoch.

    Args: model: what `build` returned. train, valid: lists of lines, see `Excerpts`. folder: Path, for the backup,
        TensorBoard's logs and history.csv. epochs, steps: steps per epoch. num_steps, batch_size: of the excerpts.
        learning_rate: its peak, see `training.optimizer`. seed: of the excerpts. known: for train and for valid, see
        `Excerpts`. optimizer: to replace the default. keep_best: see `training.fit`. floor: of a Gaussian's log sigma,
        see `wave_loss`. excerpts: hop, levels, dither, blur of `Excerpts`.
    Returns: dict, the history: loss and val_loss, nats per code or sample, one value per epoch; the validation loss is
        computed on the second halves of 16 excerpts.
    Notebook: 03, "Training".
    """
    gaussian = "moments" in [layer.name for layer in model.layers]
    loss = wave_loss if gaussian else code_loss
    if gaussian and floor > LOWEST_LOG_SIGMA:
        loss = lambda target, moments: wave_loss(target, moments, floor)
    optimizer = optimizer or training.optimizer(epochs * steps, learning_rate, 0.0)
    training.prepare(model, epochs * steps, optimizer, loss, xla=True)
    held_out = Excerpts(valid, num_steps, 1, 16, known[1], seed=1, **excerpts)
    held_out = [held_out[number] for number in range(16)]
    lessons = Excerpts(train, num_steps, batch_size, steps, known[0], seed=seed, **excerpts)
    return training.fit(model, lessons, folder, epochs, lambda: _second_halves(model, held_out, floor), keep_best)


def _second_halves(model, items, floor=LOWEST_LOG_SIGMA):
    """Mean nats of a code or sample in the second halves of excerpts, where enough is known of the past."""
    half = items[0][1].shape[1] // 2
    nats = np.concatenate([nll(model, *item, floor)[:, half:] for item in items])
    return nats.sum() / np.sum([item[1][:, half:] != -1 for item in items])


def fit_in_stages(model, train, valid, folder, stages, **settings):
    """Train in stages: `fit` for each of a list of dicts of what changes of the settings -> the joined history."""
    return training.in_stages(lambda number, **stage: fit(
        model, train, valid, Path(f"{folder}_{number}"), **settings | stage), stages)


def briefly(model, train, minutes, num_steps=4000, batch_size=1, learning_rate=3e-3):
    """Train on codes for some minutes: `training.briefly`, on excerpts as of `fit`."""
    training.briefly(model, Excerpts(train, num_steps, batch_size, 100_000), minutes, learning_rate, code_loss)


def facts(model, lines, num_steps=12_000, count=8):
    """Compare networks of codes: weights, samples in sight, and nats per code.

    Args: model: what `build` returned for codes. lines: list of codes, see `Excerpts`. num_steps, count: of excerpts,
        whose second halves are scored, the same ones for each network.
    Returns: dict of these three.
    Notebook: 03, "Try it: a WaveNet of your own".
    """
    held_out = Excerpts(lines, num_steps, 1, count, seed=1)
    return {"weights": model.count_params(), "samples in sight": _sight(model),
            "nats per code": float(_second_halves(model, [held_out[number] for number in range(count)]))}


def player(model, hears, scale=1.0, temperature=0.0, seed=0):
    """Make a teacher a player: a function from (notes, num_samples) to a wave, times scale; hears: what it is given."""
    arrays = weights(model)

    def play(notes, num_samples):
        condition, excitation = hears(notes, num_samples)
        return scale * queues.generate(arrays, num_samples, condition, excitation=excitation, temperature=temperature,
                                       seed=seed)[0]

    return play


def nll(model, inputs, target, floor=LOWEST_LOG_SIGMA):
    """Score the next codes or samples.

    Args: model: what `build` returned. inputs, target: an item of `Excerpts`. floor: see `wave_loss`.
    Returns: float32 (batch, steps), nats each, 0 where the target is -1.
    """
    outputs = model.predict_on_batch(inputs)
    gaussian = np.asarray(target).dtype.kind == "f"
    return ops.convert_to_numpy(wave_loss(target, outputs, floor) if gaussian else code_loss(target, outputs))
