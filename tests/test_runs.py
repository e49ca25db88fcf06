"""A run comes back as it was saved, or says what is wrong with it."""

import hashlib
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from utils import runs


class FakeModel:
    """Saves and loads some bytes as Keras does, beside what an optimiser would remember."""

    def __init__(self, weights=b"weights"):
        self.weights = weights

    def save_weights(self, path):
        assert str(path).endswith(".weights.h5")
        with h5py.File(path, "w") as file:
            file["layers/dense/vars/0"] = np.frombuffer(self.weights, np.uint8)
            file["optimizer/vars/0"] = np.zeros(1000)

    def load_weights(self, path):
        with h5py.File(path) as file:
            assert "optimizer" not in file
            weights = file["layers/dense/vars/0"][()].tobytes()
        if len(weights) != len(self.weights):
            raise ValueError("a layer expected another shape")
        self.weights = weights


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "rnn"
    runs.save(FakeModel(), {"loss": [np.float32(0.5), 0.25]}, folder, units=np.int64(8), minutes=1.5, device="one core")
    return folder


def test_a_run_comes_back_as_it_was_saved(run):
    model = FakeModel(b"another")
    assert runs.load(model, run) == {"loss": [0.5, 0.25]}
    assert model.weights == b"weights"
    config = runs.config(run)
    assert (config["units"], config["minutes"], config["device"]) == (8, 1.5, "one core")
    assert config["sha256"] == hashlib.sha256((run / "model.weights.h5").read_bytes()).hexdigest()
    assert config["versions"]["numpy"] == np.__version__
    assert sorted(path.name for path in run.iterdir()) == ["config.json", "history.json", "model.weights.h5"]


def test_saving_again_replaces_the_run(run):
    runs.save(FakeModel(b"better weights"), {"loss": [0.1]}, run, units=16)
    model = FakeModel(b"x" * 14)
    assert runs.load(model, run) == {"loss": [0.1]} and model.weights == b"better weights"


def test_a_save_cut_short_leaves_no_run_that_loads(run):
    class Interrupted(Exception):
        pass

    class FailingModel(FakeModel):
        def save_weights(self, path):
            super().save_weights(path)
            raise Interrupted

    with pytest.raises(Interrupted):
        runs.save(FailingModel(b"half"), {}, run)
    assert runs.load(FakeModel(), run) == {"loss": [0.5, 0.25]}  # the old run stands

    with pytest.raises(TypeError, match="pass numbers, strings"):
        runs.save(FakeModel(b"newer!!"), {}, run, optimizer=object())
    with pytest.raises(ValueError, match="sha256"):  # new weights under the old config
        runs.load(FakeModel(), run)


@pytest.mark.parametrize(("file", "content", "message"), [
    ("config.json", None, "git checkout"),
    ("model.weights.h5", None, "git checkout"),
    ("history.json", None, "git checkout"),
    ("model.weights.h5", b"damaged", "does not match the sha256"),
    ("config.json", b"{}", "does not match the sha256"),
    ("config.json", b"no JSON", "Expecting value"),
])
def test_a_damaged_run_names_the_file_and_the_remedy(run, file, content, message):
    if content is None:
        (run / file).unlink()
    else:
        (run / file).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        runs.load(FakeModel(), run)


def test_weights_of_another_shape_name_the_config(run):
    with pytest.raises(ValueError, match="build it with the settings in config.json"):
        runs.load(FakeModel(b"other shape"), run)


def test_json_is_written_whole_and_plain(tmp_path):
    content = {"a": np.arange(3), "b": np.float64(0.1), "c": [np.bool_(True)], "d": Path("x") / "y", "e": np.inf}
    runs.write_json(tmp_path / "a.json", content)
    written = json.loads((tmp_path / "a.json").read_text())
    assert written == {"a": [0, 1, 2], "b": 0.1, "c": [True], "d": "x/y", "e": np.inf}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_only_training_writes_to_the_shipped_run(tmp_path):
    shipped, local = tmp_path / "outputs" / "rnn", tmp_path / "outputs" / "local" / "rnn"
    assert runs.folders(tmp_path, "rnn", "load") == (shipped, local)
    assert runs.folders(tmp_path, "rnn", "smoke") == (local, local)
    assert local.is_dir() and not shipped.exists()
    assert runs.folders(tmp_path, "rnn", "train") == (shipped, shipped)
    with pytest.raises(ValueError, match="one of load, train, smoke"):
        runs.folders(tmp_path, "rnn", "trian")


def test_a_keras_model_comes_back_and_another_one_is_refused(tmp_path):
    keras = pytest.importorskip("keras")

    def build(units):
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])

    trained, fresh = build(2), build(2)
    runs.save(trained, {"loss": [1.0]}, tmp_path, units=2)
    runs.load(fresh, tmp_path)
    for before, after in zip(trained.get_weights(), fresh.get_weights(), strict=True):
        assert after.dtype == "float32" and np.array_equal(before.astype("float16"), after)
    assert runs.config(tmp_path)["versions"]["keras"] == keras.__version__
    with pytest.raises(ValueError, match="does not fit this model"):
        runs.load(build(5), tmp_path)
