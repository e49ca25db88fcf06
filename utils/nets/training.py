"""Shared parts of long trainings: the schedule, a `fit` that continues after a stop, the score in nats."""

import csv
import hashlib
import importlib
import shutil
import time
from pathlib import Path

import numpy as np

from utils import runs
from utils.nets.backend import keras

LOG, NAME, BEST = "history.csv", "training.txt", "best.weights.h5"  # files of `fit`
WORTH_A_GRAPH, WORTH_XLA = 10, 50  # steps: with more, TensorFlow's graph and XLA save more time than they take
SILENCE_SECONDS = 10  # the longest time without a printed line


def optimizer(num_steps, learning_rate, weight_decay=0.01):
    """Build AdamW with a warm-up of 200 steps, or a tenth of a short training, and a cosine decay to 0.

    Args: num_steps: of the whole training. learning_rate: its peak. weight_decay: of AdamW. Gradients are clipped to a
        norm of 1.
    Returns: keras.optimizers.AdamW.
    Source: Loshchilov and Hutter 2017 (cosine), 2019 (AdamW). Notebook: 02, "Training".
    """
    warmup = min(200, num_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, num_steps - warmup, 0.0, warmup_target=learning_rate,
                                                      warmup_steps=warmup)
    return keras.optimizers.AdamW(schedule, weight_decay=weight_decay, global_clipnorm=1.0)


def prepare(model, num_steps, optimizer, loss=None, xla=False, always_a_graph=False):
    """Compile a model in the way in which so many steps are done soonest: step by step, as a graph, or with XLA.

    Args: model: keras.Model, changed in place. num_steps: of the whole training. optimizer, loss: as `compile` takes
        them. xla: whether XLA makes this network faster on TensorFlow; recurrent layers on a CPU are four times slower
        with it. JAX always uses XLA. always_a_graph: for a model that reads long texts afterwards.
    Notebook: 02, "Training".
    """
    on_jax = keras.backend.backend() == "jax"
    model.compile(optimizer, loss, run_eagerly=not (on_jax or always_a_graph) and num_steps <= WORTH_A_GRAPH,
                  jit_compile=on_jax or xla and num_steps > WORTH_XLA)
    model.optimizer.build(model.trainable_variables)  # otherwise TensorFlow traces the first step twice


def fit(model, batches, folder, epochs, score, keep_best=False):
    """Train a compiled model, epoch by epoch; a stopped run continues after its last complete epoch.

    If the folder holds a training with other settings or music, or a finished one, the training starts again. Losses of
    two trainings are never in one history.

    Args: model: a compiled keras.Model. batches: PyDataset with a NumPy Generator `rng`. folder: Path, created if
        missing, for the backup, TensorBoard's logs and history.csv. epochs: int. score: function without arguments that
        returns the validation loss, called after each epoch. keep_best: whether the model gets the weights of the epoch
        with the lowest validation loss; otherwise it keeps the last ones.
    Returns: dict, the history: loss and val_loss, lists of float, one value per epoch.
    Notebook: 02, "Training".
    """
    folder = Path(folder)
    name = _name(model, batches, epochs)
    if not ((folder / "backup").exists() and (folder / NAME).exists() and (folder / NAME).read_text() == name):
        for old in (LOG, NAME, BEST):
            (folder / old).unlink(missing_ok=True)
        shutil.rmtree(folder / "backup", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_text(name)

    def add_score(epoch, logs):
        logs["val_loss"] = float(score())

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=add_score), _Progress(epochs, len(batches)),
                 keras.callbacks.CSVLogger(folder / LOG, append=True), keras.callbacks.TensorBoard(folder / "logs"),
                 keras.callbacks.BackupAndRestore(folder / "backup")]
    if keep_best:
        callbacks.insert(2, keras.callbacks.ModelCheckpoint(
            folder / BEST, "val_loss", save_best_only=True, save_weights_only=True, mode="min",
            initial_value_threshold=min(history(folder)["val_loss"]) if (folder / LOG).exists() else None))
    model.fit(batches, epochs=epochs, verbose=0, callbacks=callbacks)
    if keep_best and (folder / BEST).exists():
        model.load_weights(folder / BEST)
    return history(folder)


def in_stages(fit, stages):
    """Train in stages, one after the other, and join their histories.

    Args: fit: function from the number of a stage and its settings to a history. stages: list of dicts of settings.
    Returns: dict, the history of all epochs.
    Notebook: 03, "A teacher" and "All at once".
    """
    found = [fit(number, **stage) for number, stage in enumerate(stages)]
    return {name: [value for each in found for value in each[name]] for name in found[0]}


def briefly(model, lessons, minutes, learning_rate=3e-3, loss=None):
    """Train for some minutes at a constant rate and keep the mean of the last weights, for the "Try it" cells.

    Args: model: keras.Model, with a loss of its own where `loss` is None. lessons: PyDataset of one long epoch.
        minutes: see `Limit`; 0 takes one step.
    Notebook: 03, "Try it: a WaveNet of your own".
    """
    adam = keras.optimizers.Adam(learning_rate, global_clipnorm=1.0, use_ema=True, ema_momentum=0.98)
    print("compiling, then training ...", flush=True)
    prepare(model, 100 * minutes, adam, loss, xla=True)  # more than a hundred steps a minute
    model.fit(lessons, verbose=0, callbacks=[Limit(minutes)])


class Limit(keras.callbacks.Callback):
    """Stop a `fit` after some minutes: a slow machine trains less, but not longer. For the "Try it" cells.

    Args: minutes: of wall-clock time, counted from the first step.
    """

    def __init__(self, minutes):
        super().__init__()
        self.minutes, self.end, self.said = minutes, None, 0.0

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        self.end = self.end or now + 60 * self.minutes
        if now - self.said > SILENCE_SECONDS:
            left, self.said = max(self.end - now, 0) / 60, now
            print(f"loss {float((logs or {}).get('loss', np.nan)):.3f}, {left:.1f} minutes left", flush=True)
        self.model.stop_training = now >= self.end


def history(folder):
    """Read the losses of all epochs of the training in a folder, also those before an interruption.

    Args: folder: Path, as `fit`.
    Returns: dict with loss and val_loss, lists of float, one value per epoch.
    """
    with open(Path(folder) / LOG, newline="") as file:
        last = {row["epoch"]: row for row in csv.DictReader(file)}  # twice after a stop between log and backup
    return {name: [float(row[name]) for row in last.values()] for name in ("loss", "val_loss")}


def rebuild(run_dir):
    """Build a run's network from its config alone, and load its weights.

    Args: run_dir: folder that `runs.save` wrote, with a config whose `build` is a name such as
        "two_clocks.build_two_clock".
    Returns: keras.Model.
    Raises: ValueError as `runs.load`, and for a config without a builder in utils/nets.
    Notebook: 03, "Composed and performed by networks alone".
    """
    config = runs.config(run_dir)
    module, _, function = config.get("build", "").partition(".")
    try:
        build = getattr(importlib.import_module(f"utils.nets.{module}"), function)
    except (ImportError, AttributeError):
        raise ValueError(f"{run_dir}/{runs.CONFIG} names the builder {config.get('build')!r}: give one of utils/nets, "
                         "such as char_rnn.build_char_rnn") from None
    model = build(**config["builder"])
    runs.load(model, run_dir)
    return model


def by_length(pieces, size, numbers=None):
    """Divide pieces into batches of similar length, to need little padding: list of lists of at most `size` indices.

    Args: pieces: list of objects with a length. size: int. numbers: indices of the pieces to use; None for all.
    """
    order = sorted(range(len(pieces)) if numbers is None else numbers, key=lambda number: len(pieces[number]))
    return [order[i:i + size] for i in range(0, len(order), size)]


def nats(logits, tokens):
    """Compute the nats of tokens from the logits that predicted them.

    Args: logits: float (..., vocab). tokens: int (...), each below vocab.
    Returns: float (...), nats of each token.
    """
    highest = logits.max(axis=-1, keepdims=True)
    total = np.log(np.exp(logits - highest).sum(axis=-1)) + highest[..., 0]
    return total - np.take_along_axis(logits, np.asarray(tokens)[..., None], axis=-1)[..., 0]


class _Progress(keras.callbacks.Callback):
    """Print a line for each epoch, and more lines in an epoch longer than SILENCE_SECONDS."""

    def __init__(self, epochs, steps):
        super().__init__()
        self.epochs, self.steps, self.said = epochs, steps, time.monotonic()

    def _say(self, text, logs=None):
        losses = (f"{name.replace('val_', 'validation ')} {float(each):.3f}" for name, each in (logs or {}).items())
        print(text + ", ".join(losses), flush=True)
        self.said = time.monotonic()

    def on_train_begin(self, logs=None):
        self._say("compiling ...")

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self.said > SILENCE_SECONDS:
            self._say(f"step {batch + 1} of {self.steps}: ", logs)

    def on_epoch_end(self, epoch, logs=None):
        self._say(f"epoch {epoch + 1} of {self.epochs}: ", logs)


def _name(model, batches, epochs):
    """Identify a training by its length, its first batch, the network's shapes and the optimiser."""
    state = batches.rng.bit_generator.state
    parts = [np.ascontiguousarray(part).tobytes() for part in keras.tree.flatten(batches[0])]
    batches.rng.bit_generator.state = state  # as before the first batch was drawn
    optimizer = model.optimizer.get_config() | {"name": ""}  # the second one of a session is called "adam_1"
    settings = epochs, len(batches), [weight.shape for weight in model.weights], optimizer
    return hashlib.sha256(b"".join([repr(settings).encode(), *parts])).hexdigest()
