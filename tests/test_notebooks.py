"""Every notebook keeps the rhythm of the house, is saved as `make release` ran it, and runs small from a fresh copy."""

import ast
import re
import shutil
import statistics
import subprocess
from itertools import groupby
from pathlib import Path

import nbformat
import pytest

from notebooks import run_all

ROOT = Path(__file__).resolve().parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_LINES, MAX_BYTES, MAX_SILENT_SECONDS = 25, 1_500_000, 10
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|var|mnt|opt|srv|work|workspace|Users)/|[A-Z]:\\+Users")
LOG = re.compile(r"cuda|oneDNN|absl::|WARNING: All log|tensorflow/core", re.IGNORECASE)  # TensorFlow on the hardware

SETUP = '''\
import os, subprocess, sys  # the same cell opens every notebook; safe to run twice
from pathlib import Path
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # must precede `import keras`
REPO = "https://github.com/OWNER/NAME"  # your fork, for Colab only
if "google.colab" in sys.modules and not Path("/content/bach").exists():
    if REPO.endswith("OWNER/NAME") or subprocess.call(["git", "clone", "--depth", "1", REPO, "/content/bach"]):
        raise SystemExit(f"{REPO} cannot be cloned. Put your fork's address into REPO above, such as "
                         "https://github.com/you/bach, and run this cell again.")
    subprocess.run([sys.executable, "-m", "pip", "install", "-qr", "/content/bach/requirements-colab.txt"], check=True)
ROOT = next(f for f in [Path("/content/bach"), Path.cwd(), *Path.cwd().parents] if (f / "utils/music/midi.py").exists())
sys.path.insert(0, str(ROOT))  # ahead of site-packages, where another `utils` may live
MODE = os.environ.get("BACH_MODE", "load")  # "load" the shipped run | "train" | "smoke"
'''

TRY = re.compile(r"^(TRY_\w+) = \{\}  # such as (\{.*\})", re.MULTILINE)  # an empty dict of settings, and one change
KINDS = "Predict", "Change", "Derive", "Listen"  # of exercises, each at least once in a notebook
WITHOUT_NETWORKS = "01", "06"  # that are trained there
SOLUTIONS = ROOT / "notebooks" / "solutions.md"
MEDIAN_LINES, SOUND_SECONDS = 9, 10  # of code cells; of "run all" until the first player is there

MOST = 14, 110, 20  # modules of utils that a notebook imports, names that it binds beside imports, settings

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def printed(cell):
    """What a cell wrote as text, to stdout and stderr."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


@every_notebook
def test_the_first_cell_is_the_same_everywhere_but_for_the_fork(path):
    setup = re.sub('REPO = ".*?"', 'REPO = "https://github.com/OWNER/NAME"', code_cells(path)[0].source)
    assert setup.strip() == SETUP.strip()


def test_notebooks_and_badges_name_the_same_fork():
    forks = {re.search(r'REPO = "https://github.com/(.*?)"', code_cells(path)[0].source)[1] for path in PATHS}
    for path in [*PATHS, ROOT / "README.md"]:
        badges = re.findall(r"colab\.research\.google\.com/github/(.*?)/blob/main/notebooks/(.*?\.ipynb)",
                            path.read_text(encoding="utf-8"))
        assert [name for _, name in badges] == [p.name for p in (PATHS if path.suffix == ".md" else [path])]
        forks |= {fork for fork, _ in badges}
    assert len(forks) == 1


def names_bound(tree):
    """What a module binds outside its functions, in comprehensions too; not what it imports."""
    found, waiting = set(), list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return found


@every_notebook
def test_it_has_no_more_modules_names_and_settings_than_a_reader_can_keep(path):
    cells = [ast.parse(cell.source) for cell in code_cells(path)]
    modules = {f"{node.module}.{alias.name}" for tree in cells for node in ast.walk(tree)
               if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "utils" for alias in node.names}
    counts = len(modules), len(set().union(*map(names_bound, cells))), len(names_bound(cells[1]))
    assert all(count <= limit for count, limit in zip(counts, MOST)), f"modules, names, settings {counts}, most {MOST}"


@every_notebook
def test_half_of_the_code_cells_are_short(path):
    assert statistics.median(len(cell.source.splitlines()) for cell in code_cells(path)) <= MEDIAN_LINES


@every_notebook
def test_the_first_player_is_there_within_seconds(path):
    seconds = 0.0
    for cell in code_cells(path):
        seconds += cell.metadata["seconds"]
        if "<audio" in str(cell.outputs):
            break
    assert seconds <= SOUND_SECONDS


@every_notebook
def test_it_says_first_what_one_learns_and_leads_to_the_glossary(path):
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    assert "**You will learn**" in cells[0]
    assert any("TEACHING.md#glossary" in cell for cell in cells)


# ---------------------------------------------------------------------------------------------- exercises


def exercises(path):
    """The kinds of a notebook's exercises, in order: "1. **Predict.** ..." and so on below "## Exercises"."""
    prose = "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    section = re.split(r"^## ", prose.partition("\n## Exercises")[2], flags=re.MULTILINE)[0]
    return re.findall(r"^(\d+)\. \*\*(\w+)\.\*\*", section, re.MULTILINE)


def answers(path):
    """What solutions.md says about a notebook: dict of an exercise's number -> its text."""
    text = SOLUTIONS.read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"\n## {path.stem[:2]} ")[2], flags=re.MULTILINE)[0]
    return dict(re.findall(r"^### (\d+)\b.*?\n(.*?)(?=^### |\Z)", section, re.MULTILINE | re.DOTALL))


@every_notebook
def test_it_has_exercises_of_each_kind_and_each_has_an_answer(path):
    numbers, kinds = zip(*exercises(path))
    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))
    assert set(kinds) == set(KINDS)
    assert list(answers(path)) == list(numbers) and all(text.strip() for text in answers(path).values())


def with_answers(path):
    """A notebook as a student leaves it: each "Try it" with one change, and the code of all answers at the end."""
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = TRY.sub(r"\1 = \2", cell.source)
    code = [code for text in answers(path).values() for code in re.findall("```python\n(.*?)```", text, re.DOTALL)]
    notebook.cells += [nbformat.v4.new_code_cell(each) for each in code]
    return notebook


@every_notebook
def test_a_dict_of_what_to_try_is_empty_at_first(path):
    found = [line for cell in code_cells(path) for line in cell.source.splitlines() if line.startswith("TRY_")]
    assert all(TRY.fullmatch(line) for line in found)
    assert found or path.stem[:2] in WITHOUT_NETWORKS


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
def test_a_cell_that_takes_long_says_what_it_does(path):
    for number, cell in enumerate(code_cells(path), 1):
        assert "seconds" in cell.metadata, f"cell {number} was not saved by `make release`"
        if cell.metadata["seconds"] > MAX_SILENT_SECONDS:
            assert printed(cell).strip(), f"cell {number} says nothing in {cell.metadata['seconds']} seconds"


@every_notebook
def test_no_cell_shows_what_libraries_log(path):
    for cell in code_cells(path):
        shown = [output["data"] for output in cell.outputs if "data" in output]
        text = printed(cell) + "".join(data.get("text/plain", "") + data.get("text/markdown", "") for data in shown)
        assert not LOG.findall(text)


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
                          for module in (ROOT / "utils").rglob("*.py"))
    assert set(re.findall(rf'(?<![.\d]){path.stem[:2]}, "([^"]+)"', docstrings)) <= headings


# ---------------------------------------------------------------------------------------------------- links


@pytest.fixture(scope="module")
def tracked():
    """The files that everybody has who has the repository: those that git knows, or in a copy without git all."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode or not (ROOT / ".git").exists():
        return {path for path in ROOT.rglob("*") if path.is_file()}
    return {ROOT / name for name in listed.stdout.split("\0") if (ROOT / name).is_file()}


@pytest.mark.parametrize("path", [*PATHS, ROOT / "README.md"], ids=lambda path: path.stem)
def test_every_link_leads_to_a_file_that_is_shipped(path, tracked):
    prose = [nbformat.v4.new_markdown_cell(path.read_text(encoding="utf-8"))] if path.suffix == ".md" else []
    links = run_all.links(nbformat.v4.new_notebook(cells=prose) if prose else read(path))
    found = {link: (path.parent / link).resolve() for link in links}
    folders = {parent for file in tracked for parent in file.parents}
    assert not [link for link, file in found.items() if file not in tracked | folders], "missing, or not in git"


def test_links_of_an_executed_copy_lead_to_the_same_files(tmp_path):
    (tmp_path / "notebooks").mkdir()
    sound, far = '<audio src="data:audio/mpeg;base64,AAAA"></audio>', "[far](https://a.org/b), [up](#top)"
    player = ('import os\nfrom pathlib import Path\nfrom IPython.display import HTML\n'
              'os.makedirs("../outputs/local/a run")\nPath("../outputs/local/a run/windows.mp3").touch()\n'
              f'HTML(\'{sound} <a href="../outputs/local/a%20run/windows.mp3">mp3</a>\')')
    prose = f"[next](02_next.ipynb#a-title), ![](../picture.png), <img src='../picture.png'>, {far}"
    cells = [nbformat.v4.new_markdown_cell(prose), nbformat.v4.new_code_cell(player)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / "01_small.ipynb")
    for name in ("notebooks/02_next.ipynb", "picture.png"):
        (tmp_path / name).touch()
    target = tmp_path / "outputs" / "local" / "notebooks" / "01_small.ipynb"
    executed = run_all.execute(tmp_path / "notebooks" / "01_small.ipynb", target)
    assert run_all.links(executed) == ["02_next.ipynb", "../picture.png", "../outputs/local/a run/windows.mp3"]
    copied = read(target)
    assert run_all.links(copied) == ["../../../notebooks/02_next.ipynb", "../../../picture.png", "../a run/windows.mp3"]
    assert all((target.parent / link).resolve().is_file() for link in run_all.links(copied))
    assert copied.cells[0].source.endswith(far) and "02_next.ipynb#a-title" in copied.cells[0].source
    assert copied.cells[1].outputs[0].data["text/html"].startswith(sound)


# ---------------------------------------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def fresh_copy(tmp_path_factory):
    """The repository, committed, without what a reader's runs wrote, but with the corpus if it was exported."""
    copy = tmp_path_factory.mktemp("smoke") / "bach"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "local", "__pycache__", ".*_cache"))
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false",
           "-c", "core.looseCompression=0"]  # compressing what is compressed takes seconds
    for step in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "as it stands"]):
        subprocess.run(git + step, cwd=copy, check=True)
    return copy


@every_notebook
def test_it_runs_small_and_leaves_the_repository_as_it_was(path, fresh_copy, monkeypatch):
    monkeypatch.setenv("BACH_MODE", "smoke")
    executed = fresh_copy / "outputs" / "local" / "notebooks" / path.name
    nbformat.write(with_answers(path), fresh_copy / "notebooks" / f".{path.name}")  # each trial takes a few steps too
    run_all.execute(fresh_copy / "notebooks" / f".{path.name}", executed, timeout_seconds=300)
    (fresh_copy / "notebooks" / f".{path.name}").unlink()
    assert executed.is_file()
    assert all((executed.parent / link).resolve().exists() for link in run_all.links(read(executed)))
    assert subprocess.check_output(["git", "status", "--porcelain"], cwd=fresh_copy, text=True) == ""


def test_the_runner_stops_at_a_failing_cell_and_keeps_what_ran(tmp_path):
    cells = [nbformat.v4.new_code_cell("print(1)"), nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "bad.ipynb")
    with pytest.raises(run_all.CellExecutionError, match="ZeroDivisionError"):
        run_all.execute(tmp_path / "bad.ipynb", tmp_path / "executed" / "bad.ipynb")
    assert code_cells(tmp_path / "executed" / "bad.ipynb")[0].outputs[0].text == "1\n"


def test_the_runner_says_how_far_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(run_all, "SILENCE_SECONDS", 0.05)
    slow = ('import time\nprint("epoch 1\\repoch 2", flush=True)\nstart = time.time()\n'
            'while time.time() < start + 0.5:\n    pass')
    cells = [nbformat.v4.new_code_cell("1"), nbformat.v4.new_markdown_cell("# Slow"), nbformat.v4.new_code_cell(slow)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "slow.ipynb")
    said = []
    run_all.execute(tmp_path / "slow.ipynb", tmp_path / "executed.ipynb", say=said.append)
    assert said[0] == "cell 1 of 2" and said[-1] == "cell 2 of 2, Slow: epoch 2"
