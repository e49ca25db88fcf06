"""What every long training does alike: the schedule, a `fit` that goes on where it was stopped, the score in nats."""

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
WORTH_COMPILING = 0 if keras.backend.backend() == "jax" else 50  # steps, above which XLA's ten seconds of compiling pay
SILENCE_SECONDS = 10  # the longest that a training says nothing


def optimizer(num_steps, learning_rate, weight_decay=0.01):
    """Build AdamW that warms up for 200 steps, or a tenth of a short training, and falls as a cosine to 0.

    Args: num_steps: of the whole training. learning_rate: its peak. weight_decay: of AdamW. Gradients are clipped to a
        norm of 1.
    Returns: keras.optimizers.AdamW.
    Source: Loshchilov and Hutter 2017 (cosine), 2019 (AdamW). Notebook: 02, "Training".
    """
    warmup = min(200, num_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, num_steps - warmup, 0.0, warmup_target=learning_rate,
                                                      warmup_steps=warmup)
    return keras.optimizers.AdamW(schedule, weight_decay=weight_decay, global_clipnorm=1.0)


def fit(model, batches, folder, epochs, score, keep_best=False):
    """Train a compiled model, epoch by epoch; what was stopped goes on after its last whole epoch.

    A folder that holds another training, of other settings or music, or one that was finished, is begun anew: losses of
    two trainings never meet in one history.

    Args: model: a compiled keras.Model. batches: PyDataset with a NumPy Generator `rng`. folder: Path, made at need,
        for the backup, TensorBoard's logs and history.csv. epochs: int. score: function without arguments that returns
        the validation loss, called after each epoch. keep_best: whether the model is left with the weights of the epoch
        of the lowest validation loss; otherwise with the last ones.
    Returns: dict, the history: loss and val_loss, lists of float, one an epoch.
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
    model.optimizer.build(model.trainable_variables)  # else TensorFlow traces the first step twice

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


def history(folder):
    """Read the losses of all epochs of the training in a folder, those before an interruption too.

    Args: folder: Path, as `fit`.
    Returns: dict with loss and val_loss, lists of float, one an epoch.
    """
    with open(Path(folder) / LOG, newline="") as file:
        last = {row["epoch"]: row for row in csv.DictReader(file)}  # twice where it was stopped between log and backup
    return {name: [float(row[name]) for row in last.values()] for name in ("loss", "val_loss")}


def rebuild(run_dir):
    """Build a run's network from its config alone, and load its weights.

    Args: run_dir: folder that `runs.save` wrote, its config's `build` such as "two_clocks.build_two_clock".
    Returns: keras.Model.
    Raises: ValueError as `runs.load`, and for a config without a builder of this room.
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
    """Divide pieces into batches of like length, so that little is padded: list of lists of at most `size` numbers.

    Args: pieces: list of whatever has a length. size: int. numbers: of the pieces to take; None takes them all.
    """
    order = sorted(range(len(pieces)) if numbers is None else numbers, key=lambda number: len(pieces[number]))
    return [order[i:i + size] for i in range(0, len(order), size)]


def nats(logits, tokens):
    """Score tokens by the logits that predicted them.

    Args: logits: float (..., vocab). tokens: int (...), each below vocab.
    Returns: float (...), nats of each token.
    """
    highest = logits.max(axis=-1, keepdims=True)
    total = np.log(np.exp(logits - highest).sum(axis=-1)) + highest[..., 0]
    return total - np.take_along_axis(logits, np.asarray(tokens)[..., None], axis=-1)[..., 0]


class _Progress(keras.callbacks.Callback):
    """A line for each epoch, and lines within one that takes longer than SILENCE_SECONDS."""

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
    """Tell one training from another: by its length, its first batch, the network's shapes and the optimiser."""
    state = batches.rng.bit_generator.state
    parts = [np.ascontiguousarray(part).tobytes() for part in keras.tree.flatten(batches[0])]
    batches.rng.bit_generator.state = state  # as if nobody had looked
    optimizer = model.optimizer.get_config() | {"name": ""}  # a session's second one is called "adam_1"
    settings = epochs, len(batches), [weight.shape for weight in model.weights], optimizer
    return hashlib.sha256(b"".join([repr(settings).encode(), *parts])).hexdigest()
