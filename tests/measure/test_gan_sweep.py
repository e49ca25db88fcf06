"""A sweep trains each model once, whatever stops it and whoever works on it."""

import json
import os
import subprocess
import sys
import time
from concurrent import futures
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from utils import files
from utils.measure import gan_sweep
from utils.nets import gan_grid
from utils.show import table

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def music():
    """Twenty windows of chords, as cells and as windows."""
    rng = np.random.default_rng(7)
    real = np.full((20, 8, gan_grid.NUM_SUNG), -1, np.float32)
    np.put_along_axis(real, rng.permuted(np.tile(np.arange(56), (20, 8, 1)), axis=2)[..., :4], 1, axis=2)
    return real, gan_grid.decode(real)


class Here(futures.Executor):
    """An executor that works in place, counts, and may be told to give up."""

    def __init__(self, most=100):
        self.done, self.most = 0, most

    def submit(self, function, /, *args):
        future = futures.Future()
        if self.done == self.most:
            raise KeyboardInterrupt
        self.done += 1
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def small(recipe="original", rates=(1e-4, 2e-4), seeds=(1,)):
    return gan_sweep.table(recipe, rates, (1e-4,), seeds, epochs=4)


def test_a_table_is_every_pair_of_rates_with_every_seed():
    configs = gan_sweep.table("cured", (1e-4, 2e-4), (3e-4,), (1, 2), epochs=10)
    assert configs[1] == dict(recipe="cured", generator_rate=1e-4, discriminator_rate=3e-4, seed=2, epochs=10)
    assert len({json.dumps(config) for config in configs}) == 4
    with pytest.raises(ValueError, match="choose one of"):
        gan_sweep.table("cure", (1e-4,), (1e-4,))


def test_a_sweep_gives_a_row_a_model_and_trains_none_twice(music, tmp_path):
    executor = Here()
    rows = gan_sweep.run(small(), *music, tmp_path, executor)
    assert executor.done == 2 and [row["generator_rate"] for row in rows] == [1e-4, 2e-4]
    for row in rows:
        assert row["verdict"] in ("collapsed", "noise", "healthy") and 0 <= row["unique"] <= 1
        assert {"loss", "discriminator_loss", "seconds"} <= row.keys()
        assert row["nn_4"] == row["nn"] and row["verdict_4"] == row["verdict"]
    assert gan_sweep.run(small(), *music, tmp_path, executor) == rows and executor.done == 2
    again = gan_sweep.run(small(), *music, tmp_path / "elsewhere", Here())
    assert [{**row, "seconds": 0} for row in again] == [{**row, "seconds": 0} for row in rows]


def test_what_was_stopped_goes_on_and_loses_one_model_at_most(music, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        gan_sweep.run(small(seeds=(1, 2)), *music, tmp_path, Here(most=3))
    assert len(list(tmp_path.glob("*.json"))) == 3
    (tmp_path / ".half.json").write_text("{")  # as a kill leaves it
    executor = Here()
    assert len(gan_sweep.run(small(seeds=(1, 2)), *music, tmp_path, executor)) == 4 and executor.done == 1


def test_a_model_whose_loss_is_not_finite_has_failed_and_the_sweep_goes_on(music, tmp_path):
    configs = gan_sweep.table("original", (1e30,), (1e30,), epochs=8) + small()
    rows = gan_sweep.run(configs, *music, tmp_path, Here())
    assert rows[0]["verdict"] == "failed" and "nn" not in rows[0]
    assert "failed" not in (rows[1]["verdict"], rows[2]["verdict"])
    table.write_csv(rows, tmp_path / "results.csv")
    read = table.read_csv(tmp_path / "results.csv")
    assert np.isnan(read["nn"][0]) and read["verdict"][0] == "failed" and read["seed"][0] == 1
    assert read["nn"][1] == pytest.approx(rows[1]["nn"], rel=1e-4)


def test_a_folder_of_another_table_and_empty_music_are_refused(music, tmp_path):
    gan_sweep.run(small()[:1], *music, tmp_path, Here())
    longer = [config | dict(epochs=5) for config in small()]
    with pytest.raises(ValueError, match="another training"):
        gan_sweep.run(longer, *music, tmp_path, Here())
    with pytest.raises(ValueError, match="0 training samples"):
        gan_sweep.run(small(), music[0][:0], music[1], tmp_path, Here())


def test_an_error_of_a_worker_is_raised_after_the_others_are_done(music, tmp_path):
    configs = [small()[0] | dict(generator_rate=-1.0), small()[1]]
    with pytest.raises(ValueError, match="rates above 0"):
        gan_sweep.run(configs, *music, tmp_path, Here())
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_without_an_executor_it_takes_processes_that_say_nothing(music, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(gan_sweep, "WORTH_PROCESSES", 0)
    rows = gan_sweep.run(small()[:1], *music, tmp_path)
    assert "loading" not in "".join(capfd.readouterr())
    here = gan_sweep.run(small()[:1], *music, tmp_path / "here", Here())
    assert [row["verdict"] for row in rows] == [row["verdict"] for row in here]


def test_a_small_sweep_opens_no_process(music, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "workers", lambda *settings: pytest.fail("a process was opened"))
    assert len(gan_sweep.run(small(), *music, tmp_path)) == 2


def test_processes_are_replaced_after_some_models(music, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(gan_sweep, "MODELS_A_PROCESS", 1)
    monkeypatch.setattr(gan_sweep, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(files, "workers", lambda *settings: opened.append(Here()) or nullcontext(opened[-1]))
    rows = gan_sweep.run(small(), *music, tmp_path)
    assert len(rows) == 2 and [pool.done for pool in opened] == [1, 1]


def test_a_dask_cluster_whose_workers_start_elsewhere(music, tmp_path):
    """A scheduler and two workers, processes of their own in another folder, which are told where the package is."""
    distributed = pytest.importorskip("distributed")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
             "--no-dashboard", "--scheduler-file", str(tmp_path / "scheduler.json")]
    processes = [subprocess.Popen(start, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)]
    try:
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", start[-1], "--nthreads", "1",
                  "--no-dashboard", "--no-nanny", "--local-directory", str(tmp_path)]
        for _ in range(2):
            processes.append(subprocess.Popen(worker, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL))
        with distributed.Client(scheduler_file=str(tmp_path / "scheduler.json")) as client:
            client.wait_for_workers(2, timeout=60)
            executor = client.get_executor(pure=False)
            same = [executor.submit(time.monotonic_ns) for _ in range(3)]
            assert len({future.result() for future in same}) == 3  # equal calls, each made
            rows = gan_sweep.run(small()[:1], *music, tmp_path / "models", executor)
            assert executor.submit(int, "7").result() == 7  # ours to close, not the sweep's
    finally:
        for process in processes:
            process.terminate()
            process.wait()
    assert [row["seed"] for row in rows] == [1] and rows[0]["verdict"] != "failed"


def test_verdicts_are_counted_by_sweep_with_an_interval():
    verdicts = ["collapsed"] * 5 + ["healthy"] * 4 + ["noise", "failed"]
    rows = pd.DataFrame({"sweep": ["b"] * 10 + ["a"], "verdict": verdicts})
    found = gan_sweep.counted(rows)
    assert list(found) == ["b", "a"] and found["a"]["failed"] == 1
    assert [found["b"][verdict] for verdict in gan_sweep.VERDICTS] == [4, 1, 5, 0]
    assert found["b"]["collapsed, 95 % interval"] == "24% to 76%"  # Wilson's, by hand
