"""What every long training of ours does alike: a schedule, a log and a backup after each epoch, the history and the score."""

import keras
import numpy as np


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


def worth_compiling(num_steps):
    """Tell whether a training is long enough that XLA's compiling, some ten seconds, pays."""
    return num_steps > 50


def callbacks(folder):
    """Log every epoch for TensorBoard and in history.csv, and keep what it takes to go on after it.

    Args: folder: Path, made at need.
    Returns: list of keras.callbacks.Callback.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [keras.callbacks.CSVLogger(folder / "history.csv", append=True),
            keras.callbacks.TensorBoard(folder / "logs"), keras.callbacks.BackupAndRestore(folder / "backup")]


def history(folder):
    """Read the losses of all epochs, those before an interruption too.

    Args: folder: Path, as `callbacks`.
    Returns: dict with loss and val_loss, lists of float, one an epoch.
    """
    rows = np.genfromtxt(folder / "history.csv", delimiter=",", names=True, ndmin=1)
    last = {row["epoch"]: row for row in rows}  # an epoch stands twice where a run was stopped between log and backup
    return {name: [float(row[name]) for row in last.values()] for name in ("loss", "val_loss")}


def nats(logits, tokens):
    """Score tokens by the logits that predicted them.

    Args: logits: float (..., vocab). tokens: int (...), each below vocab.
    Returns: float (...), nats of each token.
    """
    highest = logits.max(axis=-1, keepdims=True)
    total = np.log(np.exp(logits - highest).sum(axis=-1)) + highest[..., 0]
    return total - np.take_along_axis(logits, np.asarray(tokens)[..., None], axis=-1)[..., 0]
