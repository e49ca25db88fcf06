"""Every notebook keeps the rhythm of the house, is saved as it ran, and runs small from a fresh copy."""

import ast
import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path

import nbformat
import pytest

from notebooks import run_all

ROOT = Path(__file__).resolve().parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_LINES, MAX_BYTES = 25, 1_500_000
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|var|mnt|opt|srv|work|workspace|Users)/|[A-Z]:\\+Users")

SETUP = '''\
import os, subprocess, sys  # the same cell opens every notebook; safe to run twice
from pathlib import Path
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # must precede `import keras`
REPO = "https://github.com/OWNER/NAME"  # your fork, for Colab only
if "google.colab" in sys.modules and not Path("/content/bach").exists():
    subprocess.run(["git", "clone", "--depth", "1", REPO, "/content/bach"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "-qr", "/content/bach/requirements.txt"], check=True)
ROOT = next(f for f in [Path("/content/bach"), Path.cwd(), *Path.cwd().parents] if (f / "utils/midi.py").is_file())
sys.path.insert(0, str(ROOT))  # ahead of site-packages, where another `utils` may live
MODE = os.environ.get("BACH_MODE", "load")  # "load" the shipped run | "train" | "smoke"
'''

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


@every_notebook
def test_the_first_cell_is_the_same_everywhere_but_for_the_fork(path):
    setup = re.sub('REPO = ".*?"', 'REPO = "https://github.com/OWNER/NAME"', code_cells(path)[0].source)
    assert setup.strip() == SETUP.strip()


def test_every_notebook_names_the_same_fork():
    assert len({code_cells(path)[0].source for path in PATHS}) <= 1


@every_notebook
def test_the_second_cell_holds_the_settings_in_capitals(path):
    nodes = list(ast.walk(ast.parse(code_cells(path)[1].source)))
    names = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    assert names and all(name.isupper() for name in names), names


@every_notebook
def test_cells_are_plain_python_and_short(path):
    for cell in code_cells(path):
        ast.parse(cell.source)  # `!` and `%` lines pass even when they fail, and are no Python
        assert "get_ipython" not in cell.source
        assert len(cell.source.splitlines()) <= MAX_LINES, cell.source


@every_notebook
def test_prose_stands_between_the_code(path):
    cells = read(path).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    in_a_row = [len(list(group)) for is_code, group in groupby(cells, lambda cell: cell.cell_type == "code") if is_code]
    assert max(in_a_row) <= 2


@every_notebook
def test_it_is_saved_after_restart_and_run_all(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert path.stat().st_size < MAX_BYTES


@every_notebook
def test_no_path_of_one_machine_is_in_it(path):
    text = re.sub(r"base64,[\w+/=]+", "", path.read_text(encoding="utf-8"))  # players; pictures are JSON fields:
    text = re.sub(r'"image/(png|jpeg)": ".*?"', "", text)
    assert not ABSOLUTE_PATH.findall(text)


@every_notebook
def test_every_section_that_a_docstring_names_is_there(path):
    headings = {line.lstrip("# ") for cell in read(path).cells if cell.cell_type == "markdown"
                for line in cell.source.splitlines() if line.startswith("#")}
    docstrings = " ".join(" ".join(module.read_text(encoding="utf-8").split())
                          for module in (ROOT / "utils").glob("*.py"))
    assert set(re.findall(rf'\b{path.stem[:2]}, "([^"]+)"', docstrings)) <= headings


@pytest.fixture(scope="module")
def fresh_copy(tmp_path_factory):
    """The repository, committed, without what a reader's runs wrote, but with the corpus if it was exported."""
    copy = tmp_path_factory.mktemp("smoke") / "bach"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "local", "__pycache__", ".*_cache"))
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for step in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "as it stands"]):
        subprocess.run(git + step, cwd=copy, check=True)
    return copy


@every_notebook
def test_it_runs_small_and_leaves_the_repository_as_it_was(path, fresh_copy, monkeypatch):
    monkeypatch.setenv("BACH_MODE", "smoke")
    executed = fresh_copy / "outputs" / "local" / "notebooks" / path.name
    run_all.execute(fresh_copy / "notebooks" / path.name, executed, timeout_seconds=300)
    assert executed.is_file()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=fresh_copy, check=True, capture_output=True, text=True)
    assert status.stdout == ""


def test_the_runner_stops_at_a_failing_cell_and_keeps_what_ran(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in ("print(1)", "1 / 0")])
    nbformat.write(notebook, tmp_path / "bad.ipynb")
    with pytest.raises(run_all.CellExecutionError, match="ZeroDivisionError"):
        run_all.execute(tmp_path / "bad.ipynb", tmp_path / "executed" / "bad.ipynb")
    assert code_cells(tmp_path / "executed" / "bad.ipynb")[0].outputs[0].text == "1\n"
