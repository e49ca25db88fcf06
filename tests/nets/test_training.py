"""A schedule that rises and falls, and a history that survives an interruption."""

import os
import signal
import subprocess
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import pytest

from utils.nets import training, wavenet


def test_the_rate_rises_to_its_peak_and_falls_to_nothing():
    rate = training.optimizer(1000, 0.01)._learning_rate
    values = [float(rate(step)) for step in (0, 50, 100, 550, 1000)]
    assert values == pytest.approx([0, 0.005, 0.01, 0.005, 0], abs=1e-4)


def test_an_epoch_that_stands_twice_counts_once(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n0,3,4\n1,2,3\n1,2.5,3.5\n")
    assert training.history(tmp_path) == {"loss": [3.0, 2.5], "val_loss": [4.0, 3.5]}


def test_a_training_leaves_its_log_and_no_backup(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(training.optimizer(4, 0.1), "mse")
    x = np.ones((4, 1))
    model.fit(x, x, validation_data=(x, x), epochs=2, verbose=0, callbacks=training.callbacks(tmp_path / "new"))
    assert len(training.history(tmp_path / "new")["loss"]) == 2
    assert (tmp_path / "new" / "logs").is_dir() and not (tmp_path / "new" / "backup").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np

folder, die = Path(sys.argv[1]), sys.argv[2] == "die"
excerpts = wavenet.Excerpts.__getitem__
if die:  # in the middle of the third epoch, after eight items to check on and four to learn from
    calls = []
    def item(self, number):
        calls.append(number)
        if len(calls) > 16 + 2 * 2 + 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return excerpts(self, number)
    wavenet.Excerpts.__getitem__ = item
line = np.arange(100) % 8
wavenet.fit(wavenet.build(8, 1, 2, 4, 6), [line], [line], folder, epochs=4, steps=2, num_steps=32)
"""


def test_a_training_that_was_killed_goes_on(tmp_path):
    run = lambda end: subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), end], capture_output=True, text=True)
    assert run("die").returncode == -signal.SIGKILL and (tmp_path / "backup").exists()
    done = len(training.history(tmp_path)["loss"])
    assert 1 <= done < 4
    again = run("live")
    assert again.returncode == 0 and f"Epoch {done}/4" not in again.stdout and "Epoch 4/4" in again.stdout, again.stderr[-1000:]
    assert len(training.history(tmp_path)["loss"]) == 4


def test_nats_are_minus_the_logarithm_of_the_probability():
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])) + [[100.0], [-3.0]]
    assert np.exp(-training.nats(logits, [0, 2])) == pytest.approx([0.5, 0.8])
