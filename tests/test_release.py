"""What `make release` saves: notebooks that link to tracked files, the README's table, a manifest that is true."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from notebooks import release, run_all
from utils import runs
from utils.show import table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = {"rows": {"Bach": {"notes per bar": 17.56, "critic's AUC": 0.5},
                    "a GRU": {"notes per bar": 12.0, "critic's AUC": None, "copied": 9.6}}}
SMALL = '''\
import os, sys
sys.path.insert(0, "..")
from IPython.display import HTML
from utils import runs
MODE = os.environ["BACH_MODE"]
weights, out = runs.folders("..", "preprocess", MODE)
if MODE == "train":
    (weights / "weights.txt").write_text("new")
(out / "piece.mid").write_text((weights / "weights.txt").read_text())
print(MODE, "BACH_SEED" in os.environ)
HTML(f'<a href="{out}/piece.mid">mid</a>')'''


def test_only_the_table_changes():
    readme = f"before\n{release.BEGIN}old\n{release.END}after\n"
    lines = ["|  | notes per bar | critic's AUC | copied |", "| --- | --- | --- | --- |",
             "| Bach | 17.6 | 0.50 |  |", "| a GRU | 12.0 |  | 10 |", ""]
    expected = f"before\n{release.BEGIN}" + "\n".join(lines) + f"{release.END}after\n"
    assert release.with_table(readme, RESULTS) == expected
    with pytest.raises(ValueError):
        release.with_table("no marks", RESULTS)


def test_the_readme_shows_the_shipped_results():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert release.with_table(readme, json.loads(release.RESULTS.read_text(encoding="utf-8"))) == readme


@pytest.fixture
def small(tmp_path):
    """A repository of two small notebooks, with a shipped run."""
    shutil.copytree(ROOT / "utils", tmp_path / "utils", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("evaluation", "preprocess"):
        (tmp_path / "outputs" / name).mkdir(parents=True)
    (tmp_path / "outputs" / "evaluation" / "results.json").write_text(json.dumps(RESULTS))
    (tmp_path / "outputs" / "preprocess" / "weights.txt").write_text("old")
    (tmp_path / "README.md").write_text(f"{release.BEGIN}{release.END}")
    (tmp_path / "notebooks").mkdir()
    for name in ("run_all.py", "release.py"):
        shutil.copy(ROOT / "notebooks" / name, tmp_path / "notebooks")
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    cells = [nbformat.v4.new_markdown_cell("# Small"), nbformat.v4.new_code_cell(SMALL, metadata={"tags": ["kept"]})]
    for name in ("01_small", "02_other"):
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb")
    return tmp_path


def run(folder, *arguments):
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("BACH_")} | {"BACH_SEED": "7"}
    return subprocess.run([sys.executable, "notebooks/release.py", *arguments], cwd=folder, env=environment,
                          capture_output=True, text=True)


@pytest.mark.parametrize("mode, content", [("load", "old"), ("train", "new")])
def test_a_notebook_is_saved_in_place_with_links_to_what_is_shipped(mode, content, small):
    other = (small / "notebooks" / "02_other.ipynb").read_bytes()
    ran = run(small, "01", "--mode", mode)
    assert ran.returncode == 0, ran.stderr
    assert (small / "outputs" / "preprocess" / "piece.mid").read_text() == content
    saved = nbformat.read(small / "notebooks" / "01_small.ipynb", as_version=4)
    nbformat.validate(saved)
    assert saved.metadata == release.METADATA and run_all.links(saved) == ["../outputs/preprocess/piece.mid"]
    cell = saved.cells[1]
    assert cell.outputs[0].text == "load False\n" and cell.execution_count == 1
    assert set(cell.metadata) == {"tags", "seconds"} and 0 <= cell.metadata["seconds"] < 60
    assert (small / "notebooks" / "02_other.ipynb").read_bytes() == other
    assert [path.name for path in (small / "notebooks").glob(".*.ipynb")] == []
    assert table.markdown(table.show(RESULTS["rows"], release.DIGITS)) in (small / "README.md").read_text()
    assert json.loads((small / "outputs" / "MANIFEST.json").read_text()) == runs.describe(small)


def test_a_notebook_that_fails_or_is_not_there_changes_nothing(small):
    ran = run(small, "07")
    assert ran.returncode == 2 and "no notebook begins with '07': choose among 01_small, 02_other" in ran.stderr
    path = small / "notebooks" / "02_other.ipynb"
    path.write_text(path.read_text().replace('MODE == \\"train\\"', "1 / 0"))
    before, readme = path.read_bytes(), (small / "README.md").read_bytes()
    ran = run(small, "02")
    assert ran.returncode == 1 and "02_other failed; see outputs/local/notebooks/02_other.ipynb" in ran.stderr
    assert path.read_bytes() == before and (small / "README.md").read_bytes() == readme
