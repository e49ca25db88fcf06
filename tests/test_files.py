"""Whoever looks into a folder meets finished files only."""

import pytest

from utils import files


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "model.weights.h5"
    with files.whole(str(path)) as temporary:
        temporary.write_bytes(b"half")
        assert not path.exists()
        assert temporary.parent == tmp_path and temporary.name.endswith(".weights.h5") and temporary.name.startswith(".")
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
