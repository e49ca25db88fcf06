"""What is shipped loads into the network that its config names, unchanged, and is as good as it says."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from utils import runs
from utils.measure import gan_sweep, metrics, variety
from utils.music import data, midi
from utils.nets import gan_toys, training, two_clocks
from utils.show import table
from utils.sound import audio

OUTPUTS = Path(__file__).resolve().parents[1] / "outputs"
RUNS = sorted(path.parent for path in OUTPUTS.glob("*/config.json"))
BENCHMARK = [folder for folder in RUNS if folder.name.startswith(("rnn_bach", "rnn_quarter"))]
MAX_BYTES = 80_000_000  # of all that is shipped


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_weights_match_their_checksum_and_fit_their_builder(folder):
    assert training.rebuild(folder).count_params() > 1000
    config, history = runs.config(folder), json.loads((folder / runs.HISTORY).read_text(encoding="utf-8"))
    epochs = config["fit"]["epochs"] + config.get("then", {"epochs": 0})["epochs"]
    assert len(history["loss"]) == epochs and np.isfinite(history["loss"]).all()
    assert {"seed", "minutes", "device", "versions"} <= config.keys()


@pytest.mark.parametrize("folder", BENCHMARK, ids=lambda folder: folder.name)
def test_a_benchmark_network_is_as_good_as_it_says(folder):
    config, model = runs.config(folder), training.rebuild(folder)
    pieces, settings = data.pieces("valid")[::12], {}
    rolls = [piece.roll for piece in pieces]
    if folder.name.startswith("rnn_quarter"):
        rolls = [midi.transpose(piece.roll, piece.quarter_shift)[::4] for piece in pieces]
        settings = {"sixteenths": 4, "tonic": 0}
    nats = two_clocks.frame_nll(model, rolls, [p.upbeat for p in pieces], [p.bar_frames for p in pieces], **settings)
    stated = [config["valid_nats"][piece.name] for piece in pieces]  # nats a frame, piece by piece
    assert np.allclose([n.mean() for n in nats], stated, atol=2e-3)


def test_the_sweep_is_complete_and_its_verdicts_follow_from_its_figures():
    rows = table.read_csv(OUTPUTS / "gan_sweep" / "results.csv").to_dict("records")
    configs = {tuple(row[name] for name in gan_sweep.SETTINGS) for row in rows}
    assert len(configs) == len(rows) == 350
    for recipe, epochs in (("original", 1000), ("balanced", 1000), ("cured", 1500), ("original", 1500),
                           ("slowing", 1500)):
        assert sum((row["recipe"], row["epochs"]) == (recipe, epochs) for row in rows) == 70
    for row in rows:
        collapsed = row["verdict"] != "failed" and (
            row["nn"] < variety.COLLAPSED_NN or row["unique"] < variety.COLLAPSED_UNIQUE)
        noise = row["verdict"] != "failed" and not collapsed and (
            row["in_key"] < variety.NOISE_IN_KEY or row["chord_rate"] < variety.NOISE_CHORD_RATE)
        expected = "collapsed" if collapsed else "noise" if noise else "healthy"
        assert row["verdict"] in ("failed", expected)


def test_points_on_the_mixtures_are_as_good_as_their_rows_say():
    rows = {"{toy}_{recipe}_{seed}".format(**row): row for row in runs.read_json(OUTPUTS / "gan_toys" / "results.json")}
    with np.load(OUTPUTS / "gan_toys" / "points.npz") as store:
        assert set(store) <= set(rows) and len(rows) == 60 and len(store) == 6  # of each recipe on each, ten and one
        for name, points in store.items():
            found = gan_toys.TOYS[rows[name]["toy"]].judge(points)
            assert abs(found["modes"] - rows[name]["modes"]) <= 1  # points are kept as halves
            assert found["quality"] == pytest.approx(rows[name]["quality"], abs=0.03)
            assert found["reverse_kl"] == pytest.approx(rows[name]["reverse_kl"], abs=0.01)


def test_the_results_are_those_of_the_shipped_windows():
    rows = json.loads((OUTPUTS / "evaluation" / "results.json").read_text())["rows"]
    store = np.load(OUTPUTS / "evaluation" / "windows.npz")
    assert set(rows) - set(store) == {"Bach"}
    for name in set(rows) - {"Bach"}:
        values = metrics.measure(store[name])
        for column, measure in (("chord rate", "chord_rate"), ("dissonance", "dissonance"),
                                ("notes per bar", "notes_per_bar")):
            assert rows[name][column] == pytest.approx(np.nanmean(values[measure]))


SOUNDS = sorted(path for path in OUTPUTS.rglob("*.mp3") if OUTPUTS / "local" not in path.parents)


@pytest.mark.parametrize("path", SOUNDS, ids=lambda path: path.relative_to(OUTPUTS).as_posix())
def test_every_sound_is_equally_loud(path):
    wave, rate = soundfile.read(path, always_2d=True)
    assert audio.loudness(wave if wave.shape[1] == 2 else wave[:, 0], rate) == pytest.approx(audio.LOUDNESS, abs=0.7)
    assert rate == (audio.CONCERT_RATE if wave.shape[1] == 2 else audio.SAMPLE_RATE)  # listeners', or a network's own


def test_all_that_is_shipped_is_small():
    shipped = [path for path in OUTPUTS.rglob("*") if path.is_file() and OUTPUTS / "local" not in path.parents]
    assert sum(path.stat().st_size for path in shipped) < MAX_BYTES
