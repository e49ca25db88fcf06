"""A schedule that rises and falls, one fit that survives an interruption and mixes nothing, and networks rebuilt."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.networks import two_clock
from utils import runs
from utils.nets import char_rnn, training, two_clocks, wavenet
from utils.nets.backend import keras

ROOT = Path(__file__).resolve().parents[2]


class Lessons(keras.utils.PyDataset):
    """The same few sums in each step, as many steps as said."""

    def __init__(self, steps=2, scale=1.0):
        super().__init__()
        self.steps, self.scale, self.rng = steps, scale, np.random.default_rng(0)

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        x = self.scale * np.arange(8.0).reshape(4, 2)
        return x, x.sum(axis=1, keepdims=True)


def fit(folder, epochs=4, lessons=None, scores=(0, 1, 2, 3), rate=0.1, **settings):
    """Fit a line; scores are what the validation says in turn, and where they end somebody stops us."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    training.prepare(model, 8, training.optimizer(40, rate), "mse")
    left = list(scores)

    def score():
        if not left:
            raise KeyboardInterrupt
        return left.pop(0)

    return model, training.fit(model, lessons or Lessons(), folder, epochs, score, **settings)


def interrupted(folder, scores=(0, 1), **settings):
    """Stop a fit at the end of its third epoch, when that is not written down yet."""
    with pytest.raises(KeyboardInterrupt):
        fit(folder, scores=scores, **settings)


@pytest.mark.parametrize("num_steps, settings, eagerly, with_xla", [
    (10, {}, True, False), (11, {}, False, False), (10, dict(always_a_graph=True), False, False),
    (50, dict(xla=True), False, False), (51, dict(xla=True), False, True)])
def test_a_model_is_compiled_for_the_number_of_its_steps(num_steps, settings, eagerly, with_xla):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    training.prepare(model, num_steps, keras.optimizers.Adam(), "mse", **settings)
    assert (model.run_eagerly, model.jit_compile) == (eagerly, with_xla) and model.optimizer.built


def test_the_rate_rises_to_its_peak_and_falls_to_nothing():
    rate = training.optimizer(1000, 0.01)._learning_rate
    values = [float(rate(step)) for step in (0, 50, 100, 550, 1000)]
    assert values == pytest.approx([0, 0.005, 0.01, 0.005, 0], abs=1e-4)


# ---------------------------------------------------------------------------------------------- fit


def test_what_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path, capsys):
    whole, history = fit(tmp_path / "whole")
    interrupted(tmp_path / "half")
    assert len(training.history(tmp_path / "half")["loss"]) == 2
    capsys.readouterr()
    half, again = fit(tmp_path / "half", scores=[2, 3])
    said = capsys.readouterr().out
    assert "epoch 2 of 4" not in said and "epoch 3 of 4" in said
    assert again == history == training.history(tmp_path / "half")
    for one, other in zip(whole.get_weights(), half.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_line_is_printed_for_each_epoch_and_a_log_is_left_but_no_backup(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("not a training's")
    _, history = fit(tmp_path, 2)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert lines == [f"epoch {i + 1} of 2: loss {history['loss'][i]:.3f}, validation loss {i}.000" for i in (0, 1)]
    assert (tmp_path / "logs").is_dir() and not (tmp_path / "backup").exists()
    fit(tmp_path, 2)
    assert (tmp_path / "mine.txt").read_text() == "not a training's"


@pytest.mark.parametrize(
    "other",
    [dict(epochs=1), dict(lessons=Lessons(3)), dict(lessons=Lessons(scale=2.0)), dict(rate=0.2)],
    ids=["fewer epochs", "more steps", "other music", "another rate"],
)
def test_an_older_trainings_losses_never_mix_with_a_new_ones(tmp_path, other):
    fit(tmp_path / "finished", 3)
    interrupted(tmp_path / "stopped")
    _, alone = fit(tmp_path / "new", **other)
    for folder in ("finished", "stopped"):
        _, history = fit(tmp_path / folder, **other)
        assert history == alone and len(history["loss"]) == other.get("epochs", 4)


def test_the_same_training_once_more_is_done_anew(tmp_path):
    _, history = fit(tmp_path)
    assert fit(tmp_path, scores=[5, 6, 7, 8])[1]["val_loss"] == [5, 6, 7, 8] and len(history["loss"]) == 4


def test_the_best_epoch_is_kept_through_an_interruption_too(tmp_path):
    two_epochs, _ = fit(tmp_path / "two", 2, scores=[3, 1])
    best, history = fit(tmp_path / "best", scores=[3, 1, 2, 4], keep_best=True)
    assert history["val_loss"] == [3, 1, 2, 4]
    last, _ = fit(tmp_path / "last", scores=[3, 1, 2, 4])
    interrupted(tmp_path / "half", scores=[3, 1], keep_best=True)
    half, _ = fit(tmp_path / "half", scores=[2, 4], keep_best=True)
    weights = [model.get_weights()[0] for model in (two_epochs, best, half, last)]
    assert np.array_equal(weights[0], weights[1]) and np.array_equal(weights[0], weights[2])
    assert not np.array_equal(weights[0], weights[3])


def test_an_epoch_that_stands_twice_counts_once(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n0,3,4\n1,2,3\n1,2.5,3.5\n")
    assert training.history(tmp_path) == {"loss": [3.0, 2.5], "val_loss": [4.0, 3.5]}


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from utils.nets import wavenet
from utils.nets.excerpts import Excerpts

items, calls = Excerpts.__getitem__, []
def item(self, number):  # killed in the third epoch: 16 items to check on, a look at the first, 2 an epoch
    calls.append(number)
    if len(calls) > 16 + 1 + 2 * 2 + 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return items(self, number)
Excerpts.__getitem__ = item
line = np.arange(100) % 8
wavenet.fit(wavenet.build(8, 1, 2, 4, 6), [line], [line], Path(sys.argv[1]), epochs=4, steps=2, num_steps=32)
"""


def test_a_training_that_was_killed_goes_on(tmp_path, capsys):
    ran = subprocess.run([sys.executable, "-c", KILLED, tmp_path], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == -signal.SIGKILL and (tmp_path / "backup").exists(), ran.stderr[-1000:]
    done = len(training.history(tmp_path)["loss"])
    assert 1 <= done < 4
    line = np.arange(100) % 8
    wavenet.fit(wavenet.build(8, 1, 2, 4, 6), [line], [line], tmp_path, epochs=4, steps=2, num_steps=32)
    said = capsys.readouterr().out
    assert f"epoch {done} of 4" not in said and "epoch 4 of 4" in said
    assert len(training.history(tmp_path)["loss"]) == 4


# ---------------------------------------------------------------------------------------------- networks and scores


@pytest.mark.parametrize("build, builder", [
    (char_rnn.build_char_rnn, dict(vocab_size=7, cell="lstm", units=4, num_layers=3)),
    (wavenet.build, dict(levels=8, num_stacks=1, num_layers=3, channels=4, skip_channels=6)),
    (two_clocks.build_two_clock, dict(vocab_size=129, slow_units=4, slow_layers=1, fast_units=4))],
    ids=lambda value: getattr(value, "__module__", "").rpartition(".")[2])
def test_a_network_is_rebuilt_from_its_config_alone(tmp_path, build, builder):
    def train(model):
        model.set_weights([np.full(weight.shape, 0.5 + number) for number, weight in enumerate(model.get_weights())])
        return {"loss": [1.0], "val_loss": [2.0]}

    trained, _ = runs.load_or_train(build, builder, train, tmp_path, "train")
    again = training.rebuild(tmp_path)
    assert type(again) is type(trained) and len(again.get_weights()) == len(trained.get_weights())
    for one, other in zip(trained.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["two_clocks.build_three_clock", "no_such_module.build", "build", "", None])
def test_an_unknown_builder_is_named_with_the_remedy(tmp_path, name):
    config = dict(build=name, builder={}) if name is not None else dict(builder={})
    runs.save(two_clock(), {}, tmp_path, **config)
    with pytest.raises(ValueError, match=r"config.json names the builder .*: give one of utils/nets"):
        training.rebuild(tmp_path)


def test_nats_are_minus_the_logarithm_of_the_probability():
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])) + [[100.0], [-3.0]]
    assert np.exp(-training.nats(logits, [0, 2])) == pytest.approx([0.5, 0.8])


def test_a_limit_stops_a_fit_in_time_and_only_then():
    lessons, seen = Lessons(steps=10), []
    for minutes in (0, 60):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(minutes))
        model.fit(lessons, epochs=2, verbose=0, callbacks=[count, training.Limit(minutes)])
    assert (seen.count(0), seen.count(60)) == (1, 20)
