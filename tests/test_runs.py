"""A run comes back as it was saved, or says what is wrong with it; the manifest notices every change."""

import hashlib
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from utils import runs

ROOT = Path(__file__).resolve().parents[1]


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


@pytest.mark.parametrize("release", [None, "0", "1"])
def test_only_a_release_writes_to_the_shipped_run(tmp_path, monkeypatch, release):
    monkeypatch.delenv("BACH_RELEASE", raising=False)
    if release:
        monkeypatch.setenv("BACH_RELEASE", release)
    shipped, local = tmp_path / "outputs" / "rnn", tmp_path / "outputs" / "local" / "rnn"
    written = shipped if release == "1" else local
    assert runs.folders(tmp_path, "rnn", "smoke") == (local, local) and local.is_dir() and not shipped.exists()
    assert runs.folders(tmp_path, "rnn", "load") == (shipped, written)
    assert runs.folders(tmp_path, "rnn", "train") == (written, written) and shipped.exists() == (release == "1")
    with pytest.raises(ValueError, match="one of load, train, smoke"):
        runs.folders(tmp_path, "rnn", "trian")


def build_fake(weights="weights"):
    return FakeModel(weights.encode())


def test_what_was_trained_is_loaded_with_its_history_and_says_how_it_was_made(tmp_path):
    def train(model):
        model.weights = b"trained"
        return {"loss": [0.5]}

    trained, history = runs.load_or_train(build_fake, dict(weights="at_first"), train, tmp_path, "train", seed=3,
                                          held_out=lambda model: model.weights.decode())
    assert trained.weights == b"trained" and history == {"loss": [0.5]}
    never = lambda model: pytest.fail("trained although there is a run")
    loaded, again = runs.load_or_train(build_fake, dict(weights="another"), never, tmp_path, "load")
    assert loaded.weights == b"trained" and again == history
    config = runs.config(tmp_path)
    assert config["build"] == "test_runs.build_fake" and config["builder"] == {"weights": "at_first"}
    assert config["seed"] == 3 and config["held_out"] == "trained" and 0 <= config["minutes"] < 1


def test_a_training_may_hand_over_another_network_than_it_was_given(tmp_path):
    average = FakeModel(b"average")
    kept, history = runs.load_or_train(build_fake, {}, lambda model: (average, {"loss": [1.0]}), tmp_path, "smoke")
    assert kept is average and history == {"loss": [1.0]}
    assert runs.load_or_train(build_fake, {}, None, tmp_path, "load")[0].weights == b"average"


def test_without_a_run_loading_says_how_to_get_one(tmp_path):
    with pytest.raises(ValueError, match="BACH_MODE=train"):
        runs.load_or_train(build_fake, {}, None, tmp_path / "nowhere", "load")
    assert not (tmp_path / "nowhere").exists()


def test_a_keras_model_comes_back_and_another_one_is_refused(tmp_path):
    from utils.nets.backend import keras

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


# ---------------------------------------------------------------------------------------------- all that is shipped


@pytest.fixture
def repository(tmp_path):
    """A small repository: one run with a config, one without, one file of no run, and a reader's own."""
    for name in (
        "gan_a/config.json",
        "gan_a/piece_2.mid",
        "table_b/rows.csv",
        "local/x/y.mid",
        "alone.json",
        "gan_a/.half",
    ):
        path = tmp_path / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "outputs" / "gan_a" / "config.json").write_text('{"seed": 7, "versions": {"keras": "3.1"}}')
    runs.write_manifest(tmp_path)
    return tmp_path


def test_the_manifest_says_seed_versions_notebook_and_checksums(repository):
    named = json.loads((repository / "outputs" / runs.MANIFEST).read_text())
    assert named == runs.describe(repository) and set(named) == {"gan_a", "table_b", ""}
    assert named["gan_a"]["seed"] == 7 and named["gan_a"]["versions"] == {"keras": "3.1"}
    assert named["table_b"]["versions"] == "constraints.txt"
    assert {run: about["notebook"] for run, about in named.items()} == {"gan_a": "04_gan", "table_b": None, "": None}
    assert {run: list(about["files"]) for run, about in named.items()} == {
        "gan_a": ["config.json", "piece_2.mid"], "table_b": ["rows.csv"], "": ["alone.json"]}
    assert named[""]["files"]["alone.json"] == hashlib.sha256(b"alone.json").hexdigest()


def test_a_readers_own_files_are_not_described(repository):
    before = runs.describe(repository)
    (repository / "outputs" / "local" / "x" / "y.mid").write_text("a reader's own")
    assert runs.describe(repository) == before


def test_what_we_ship_is_what_the_manifest_says():
    assert runs.read_json(ROOT / "outputs" / runs.MANIFEST) == runs.describe(ROOT)


def test_a_notebook_is_named_for_all_but_the_benchmark():
    assert [name for about in runs.describe(ROOT).values() if not about["notebook"] for name in about["files"]] == [
        "bench.json"
    ]
