"""The manifest names every shipped file, and notices one that is missing, changed, or new."""

import json
import shutil
from pathlib import Path

import pytest

from utils import runs

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def repository(tmp_path):
    """A small repository: one notebook, one run with a config, one without."""
    cells = ["import os", 'x = trained("gan_a")', 'for n in (1, 2):\n    write(f"piece_{n}.mid")', 'out = folders("table_b") / "rows.csv"']
    notebook = {"cells": [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]}
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "04_gan.ipynb").write_text(json.dumps(notebook))
    (tmp_path / "constraints.txt").write_text("keras==3.0\nnumpy==2.0\ntensorflow==2.0\n")
    for name in ("gan_a/config.json", "gan_a/piece_2.mid", "table_b/rows.csv", "local/x/y.mid", "alone.json"):
        path = tmp_path / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "outputs" / "gan_a" / "config.json").write_text('{"seed": 7, "versions": {"keras": "3.1"}}')
    runs.write_manifest(tmp_path)
    return tmp_path


def test_it_says_seed_versions_and_cell(repository):
    named = json.loads((repository / "outputs" / runs.MANIFEST).read_text())
    assert set(named) == {"gan_a", "table_b", ""}
    assert named["gan_a"]["seed"] == 7 and named["gan_a"]["versions"] == {"keras": "3.1"}
    assert named["table_b"]["versions"] == {"keras": "3.0", "numpy": "2.0", "tensorflow": "2.0"}
    made_by = {name: about["cell"] for run in named.values() for name, about in run["files"].items()}
    assert made_by == {"config.json": "04_gan 2", "piece_2.mid": "04_gan 3", "rows.csv": "04_gan 4", "alone.json": None}


def test_nothing_to_complain_of_where_nothing_changed(repository):
    assert runs.check_manifest(repository) == []


def test_what_is_missing_changed_or_new_is_named(repository):
    (repository / "outputs" / "gan_a" / "piece_2.mid").unlink()
    (repository / "outputs" / "table_b" / "rows.csv").write_text("other")
    (repository / "outputs" / "alone_too.json").write_text("new")
    assert runs.check_manifest(repository) == ["gan_a/piece_2.mid is missing", "alone_too.json is not in the manifest",
                                          "table_b/rows.csv is not what the manifest says"]


def test_without_a_manifest_the_remedy_is_said(repository):
    (repository / "outputs" / runs.MANIFEST).unlink()
    with pytest.raises(ValueError, match="make release"):
        runs.check_manifest(repository)


def test_what_we_ship_is_what_the_manifest_says():
    assert runs.check_manifest(ROOT) == []


def test_a_cell_is_named_for_all_that_a_notebook_made():
    named = json.loads((ROOT / "outputs" / runs.MANIFEST).read_text())
    assert [name for run, about in named.items() for name, entry in about["files"].items() if not entry["cell"]] == ["bench.json"]
