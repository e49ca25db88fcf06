"""Whoever looks into a folder meets finished files only; and work is shared out to fresh processes."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from utils import files


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "model.weights.h5"
    with files.whole(str(path)) as temporary:
        temporary.write_bytes(b"half")
        assert not path.exists()
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".weights.h5") and temporary.name.startswith(".")
    assert path.read_bytes() == b"half" and list(tmp_path.iterdir()) == [path]


def test_a_new_version_replaces_the_old_one(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("old")
    with files.whole(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt])
def test_an_interruption_leaves_what_was_there_and_nothing_else(tmp_path, fault):
    path = tmp_path / "config.json"
    path.write_text("old")
    with pytest.raises(fault), files.whole(path) as temporary:
        temporary.write_text("half")
        raise fault
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "result.json"
    with files.whole(path) as first, files.whole(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]  # which finished last


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), files.whole(tmp_path / "nowhere" / "a.json") as temporary:
        temporary.write_text("{}")


# ---------------------------------------------------------------------------------------------- workers


def test_a_callers_own_executor_is_taken_and_stays_open():
    with ThreadPoolExecutor(1) as mine:
        with files.workers(mine, most=8) as executor:
            assert executor is mine
        assert mine.submit(int, "7").result() == 7


def mark():
    os.environ["MARKED"] = "yes"


def test_fresh_processes_are_prepared_and_closed():
    with files.workers(most=1, initializer=mark) as executor:
        asked = [
            executor.submit(call, *words) for call, words in ((os.getpid, ()), (os.getpid, ()), (os.getenv, ["MARKED"]))
        ]
    first, second, marked = (future.result() for future in asked)
    assert first == second != os.getpid() and marked == "yes" and "MARKED" not in os.environ
    with pytest.raises(RuntimeError, match="shutdown"):
        executor.submit(int)


@pytest.mark.parametrize("cores, most, count", [(8, None, 8), (8, 3, 3), (2, 5, 2), (None, 5, 1)])
def test_there_are_as_many_processes_as_cores_and_no_more_than_work(monkeypatch, cores, most, count):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(files, "ProcessPoolExecutor", lambda *settings: settings)
    found, context, initializer = files.workers(most=most, initializer=mark)
    assert (found, context.get_start_method(), initializer) == (count, "spawn", mark)


def test_a_free_folder_is_one_that_is_not_there_yet(tmp_path):
    assert files.free_folder(tmp_path, "My Tune?", "piece") == tmp_path / "my_tune"
    (tmp_path / "my_tune").mkdir()
    assert files.free_folder(tmp_path, "My Tune?", "piece") == tmp_path / "my_tune_2"
    assert files.free_folder(tmp_path, "../..", "piece") == tmp_path / "piece"
