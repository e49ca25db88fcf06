"""A causal stack of dilated convolutions over integers, codes of sound or characters: builder, training, its weights."""

import keras
import numpy as np
from keras import layers, ops

from utils import training

PRESETS = {  # the study's network, and one that a laptop can play
    "seed": dict(num_stacks=5, num_layers=10, skip_channels=1024),
    "lean": dict(num_stacks=3, num_layers=10, skip_channels=256),
}
KERNEL_SIZE = 2


def build(levels=256, num_stacks=3, num_layers=10, channels=32, skip_channels=256, condition_size=0,
          condition_channels=48, hop=1):
    """Build a WaveNet with a softmax over levels.

    Each layer looks at its input now and some steps ago; a stack doubles that distance layer by layer from 1 on. Filter
    and gate are one matrix, and so are the ways of all layers to the output: the same network as with separate ones.

    Args: levels: int, 256 for mu-law codes, the size of the vocab for characters. num_stacks, num_layers: stacks, and
        layers in each. channels: of residual, filter and gate. skip_channels: of the two layers before the softmax.
        condition_size: features known beside each step, 0 for none. condition_channels: what they are squeezed to.
        hop: steps that share one row of features.
    Returns: keras.Model from codes int (batch, steps), with conditions also float (batch, steps / hop, condition_size),
        to logits float (batch, steps, levels): at each step for the next code, from this and earlier ones. The features
        of a step belong to the code that it predicts.
    Raises: ValueError for sizes below 1.
    Source: van den Oord et al. 2016, WaveNet, sections 2.1 to 2.5. Notebook: 03.
    """
    if min(levels, num_stacks, num_layers, channels, skip_channels, hop) < 1 or condition_size < 0:
        raise ValueError("levels, stacks, layers, channels and hop must be 1 or more, condition_size 0 or more")
    codes = keras.Input((None,), dtype="int32", name="codes")
    x, inputs, shared = layers.Embedding(levels, channels, name="embed")(codes), [codes], None
    if condition_size:
        inputs.append(keras.Input((None, condition_size), name="condition"))
        shared = layers.Dense(condition_channels, activation="tanh", name="squeeze")(inputs[1])
    gated = []
    for number, dilation in enumerate(dilations(num_stacks, num_layers)):
        before = layers.Cropping1D((0, dilation))(layers.ZeroPadding1D((dilation, 0))(x))
        both = layers.Dense(2 * channels, name=f"gate_{number}")(layers.Concatenate()([before, x]))
        if shared is not None:
            known = layers.Dense(2 * channels, use_bias=False, name=f"condition_{number}")(shared)
            both = both + (layers.UpSampling1D(hop)(known) if hop > 1 else known)
        gated.append(ops.tanh(both[..., :channels]) * ops.sigmoid(both[..., channels:]))
        if number < num_stacks * num_layers - 1:  # nothing reads what the last layer would pass on
            x = x + layers.Dense(channels, name=f"residual_{number}")(gated[-1])
    x = ops.relu(layers.Dense(skip_channels, name="skip")(layers.Concatenate()(gated) if len(gated) > 1 else gated[0]))
    x = layers.Dense(skip_channels, activation="relu", name="hidden")(x)
    return keras.Model(inputs, layers.Dense(levels, name="logits")(x), name="wavenet")


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
    Returns: dict from name to array: dilations int (layers,); embed (levels, channels); gate_kernel
        (layers, 2 channels, 2 channels), rows first for the input some steps ago, then now; gate_bias
        (layers, 2 channels); residual_kernel (layers, channels, channels) and residual_bias, zero in the last layer;
        skip_kernel (layers * channels, skip), skip_bias; hidden_kernel, hidden_bias; logits_kernel, logits_bias; with
        conditions also hop, squeeze_kernel, squeeze_bias and condition_kernel (layers, squeezed, 2 channels).
        float32 but for dilations and hop.
    Raises: ValueError for another network.
    Notebook: 03.
    """
    named = {layer.name: [np.asarray(ops.convert_to_numpy(value), np.float32) for value in layer.weights]
             for layer in model.layers if layer.weights}
    if not {"embed", "gate_0", "skip", "hidden", "logits"} <= named.keys():
        raise ValueError(f"{model.name} is no WaveNet: pass what wavenet.build returned")
    count = sum(name.startswith("gate_") for name in named)
    steps = [layer.padding[0] for layer in model.layers if isinstance(layer, layers.ZeroPadding1D)]
    channels = named["embed"][0].shape[1]
    nothing = [np.zeros((channels, channels), np.float32), np.zeros(channels, np.float32)]
    residual = [named.get(f"residual_{number}", nothing) for number in range(count)]
    result = {"dilations": np.array(steps), "embed": named["embed"][0]}
    result |= {f"gate_{part}": np.stack([named[f"gate_{number}"][place] for number in range(count)])
               for place, part in enumerate(("kernel", "bias"))}
    result |= {f"residual_{part}": np.stack([each[place] for each in residual])
               for place, part in enumerate(("kernel", "bias"))}
    for name in ("skip", "hidden", "logits", *(["squeeze"] if "squeeze" in named else [])):
        result[f"{name}_kernel"], result[f"{name}_bias"] = named[name]
    if "squeeze" in named:
        result["condition_kernel"] = np.stack([named[f"condition_{number}"][0] for number in range(count)])
        result["hop"] = next((layer.size for layer in model.layers if isinstance(layer, layers.UpSampling1D)), 1)
    return result


class Excerpts(keras.utils.PyDataset):
    """Random excerpts of random pieces, longer pieces more often; the same ones for the same seed.

    Args: pieces: list of int (steps,), codes. num_steps: length of an excerpt. batch_size, steps: excerpts a step, steps
        an epoch. conditions: None, or for each piece float (steps / hop, size). hop: steps that share a row; excerpts
        then start on a multiple of it, and num_steps is one. seed: int.
    An item is (codes, next codes), both int32 (batch_size, num_steps), with conditions ([codes, conditions], next codes).
    Raises: ValueError where no piece is longer than an excerpt.
    """

    def __init__(self, pieces, num_steps, batch_size=2, steps=200, conditions=None, hop=1, seed=0, **kwargs):
        super().__init__(**kwargs)
        long = [number for number, piece in enumerate(pieces) if len(piece) > num_steps]
        if not long:
            raise ValueError(f"no piece is longer than an excerpt of {num_steps} steps: pass longer ones")
        self.pieces = [pieces[number] for number in long]
        self.conditions = None if conditions is None else [conditions[number] for number in long]
        self.num_steps, self.batch_size, self.steps, self.hop = num_steps, batch_size, steps, hop
        lengths = np.array([len(piece) - num_steps for piece in self.pieces], float)
        self.shares, self.rng = np.cumsum(lengths) / lengths.sum(), np.random.default_rng(seed)

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        chosen = np.searchsorted(self.shares, self.rng.random(self.batch_size))
        starts = [self.rng.integers(0, len(self.pieces[number]) - self.num_steps) // self.hop * self.hop
                  for number in chosen]
        cuts = np.stack([self.pieces[number][start:start + self.num_steps + 1] for number, start in zip(chosen, starts)])
        codes, target = cuts[:, :-1].astype(np.int32), cuts[:, 1:].astype(np.int32)
        if self.conditions is None:
            return codes, target
        rows = [self.conditions[number][start // self.hop:(start + self.num_steps) // self.hop]
                for number, start in zip(chosen, starts)]
        return (codes, np.stack(rows).astype(np.float32)), target


def fit(model, train, valid, folder, epochs, steps=200, num_steps=12_000, batch_size=2, learning_rate=2e-3, seed=0):
    """Train on random excerpts of pieces; a run that was stopped goes on from its last whole epoch.

    Args: model: what `build` returned, without conditions. train, valid: lists of codes int (steps,). folder: Path, for
        the backup, TensorBoard's logs and history.csv. epochs, steps: steps an epoch. num_steps, batch_size: of the
        excerpts. learning_rate: its peak, see `training.optimizer`. seed: of the excerpts.
    Returns: dict, the history: loss and val_loss, nats a code, one value an epoch; the validation loss is that of the
        second halves of 16 excerpts.
    Notebook: 03, "Training".
    """
    model.compile(training.optimizer(epochs * steps, learning_rate, 0.0),
                  keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True)
    held_out = Excerpts(valid, num_steps, 1, 16, seed=1)
    held_out = [held_out[number] for number in range(16)]

    def score(epoch, logs):
        logs["val_loss"] = float(np.mean([nll(model, codes, target)[:, num_steps // 2:].mean()
                                          for codes, target in held_out]))

    model.fit(Excerpts(train, num_steps, batch_size, steps, seed=seed), epochs=epochs, verbose=2,
              callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=score), *training.callbacks(folder)])
    return training.history(folder)


def nll(model, codes, target):
    """Score the next codes: both int (batch, steps) -> float32 (batch, steps), nats each."""
    return training.nats(model.predict_on_batch(codes), target)
