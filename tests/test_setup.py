"""What a reader installs and starts: the requirements, make's targets, Jupyter's server, and what git ignores."""

import ast
import os
import posixpath
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import nbformat
import pytest

from notebooks import run_all

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
OURS = {"notebooks", "utils", "tests"}
MAKE = shutil.which("make")
needs_make = pytest.mark.skipif(not MAKE or os.name == "nt", reason="no make: the README says what to type")


def packages(sources):
    """The packages from elsewhere that some Python imports, by the names that pip has for them, in lower case."""
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    names |= {call.args[0].value for call in calls if call.func.attr in ("find_spec", "import_module")
              and isinstance(call.args[0], ast.Constant)}
    third_party = {name.split(".")[0] for name in names} - sys.stdlib_module_names - OURS
    known = packages_distributions()
    return {known.get(name, [name])[0].lower().replace("_", "-") for name in third_party}


def required(name):
    """The packages that a requirements file names, and requirements.txt those of the file for Colab too."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    if name == "requirements.txt":
        assert "-r requirements-colab.txt" in lines
        lines += (ROOT / "requirements-colab.txt").read_text(encoding="utf-8").splitlines()
    names = [re.match(r"[A-Za-z][\w.-]*", line) for line in lines]
    return {match[0].lower().replace("_", "-") for match in names if match}


def scripts(*folders):
    return [path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py")]


def test_requirements_name_what_notebooks_import_and_no_more_than_tests_need():
    cells = [cell for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    used = packages([cell.source for cell in cells] + scripts("notebooks", "utils"))
    assert used - {"nbclient", "nbformat"} <= required("requirements-colab.txt")  # these two run notebooks elsewhere
    assert used <= required("requirements.txt")
    assert not required("requirements-colab.txt") & {"jupyterlab", "nbclient", "ipykernel"}  # Colab has its own
    only_tested = packages([*scripts("tests"), (ROOT / "conftest.py").read_text(encoding="utf-8")]) - used
    assert only_tested <= required("requirements-dev.txt") and not only_tested & required("requirements.txt")
    assert not required("requirements-dev.txt") & required("requirements.txt")


# ---------------------------------------------------------------------------------------------------- make


@pytest.fixture
def folder(tmp_path):
    """What make reads, without anything installed."""
    for name in ("Makefile", "requirements-colab.txt", "requirements.txt", "requirements-dev.txt", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def would(folder, *arguments):
    """What make would do: list of commands."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment["PATH"] = os.pathsep.join([str(Path(MAKE).parent), "/usr/bin", "/bin"])  # no slow shims
    done = subprocess.run([MAKE, "--dry-run", *arguments], cwd=folder, env=environment, capture_output=True, text=True,
                          check=True)
    return done.stdout.replace("\\\n", " ").splitlines()


def installs(folder, target):
    """The requirements that make would install for a target; and install them, as far as make can tell."""
    commands = would(folder, target)
    for stamp in re.findall(r"touch (\S+)", "\n".join(commands)):
        (folder / ".venv").mkdir(exist_ok=True)
        (folder / stamp).touch()
    return [re.search(r"--requirement (\S+)", command)[1] for command in commands if " pip install " in command]


@needs_make
def test_tests_alone_install_what_tests_need_and_a_changed_file_installs_anew(folder):
    for target in ("music", "lab", "release"):
        shutil.rmtree(folder / ".venv", ignore_errors=True)
        assert installs(folder, target) == ["requirements.txt"]
    assert installs(folder, "music") == [] and installs(folder, "test") == ["requirements-dev.txt"]
    assert installs(folder, "test") == installs(folder, "bench") == installs(folder, "music") == []
    with open(folder / "requirements-dev.txt", "a") as file:
        file.write("# more\n")
    assert installs(folder, "music") == [] and installs(folder, "bench") == ["requirements-dev.txt"]
    with open(folder / "constraints.txt", "a") as file:
        file.write("# more\n")
    assert installs(folder, "test") == ["requirements.txt", "requirements-dev.txt"]


@needs_make
def test_tests_begin_with_lint_and_release_hands_on_what_it_is_given(folder):
    commands = [command for command in would(folder, "test") if ".venv/bin/python -m " in command]
    assert [re.search(r"python -m (\w+)", command)[1] for command in commands][-2:] == ["ruff", "pytest"]
    assert would(folder, "release")[-1].split()[-2:] == ["--mode", "load"]
    given = would(folder, "release", "MODE=train", "NOTEBOOKS=02 05")[-1]
    assert given == ".venv/bin/python notebooks/release.py --mode train 02 05"


@needs_make
def test_jupyter_serves_the_files_that_players_link_to(tmp_path):
    command = would(ROOT, "lab")[-1].split()
    assert command[:3] == [".venv/bin/python", "-m", "jupyter"]
    options = ["--no-browser", "--allow-root", "--ServerApp.port=0", "--IdentityProvider.token=secret"]
    environment = os.environ | {f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "RUNTIME", "DATA")}
    server = subprocess.Popen([sys.executable, *command[1:], *options], cwd=ROOT, env=environment, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        found = (re.search(r"http://(?:127.0.0.1|localhost):(\d+)", line) for line in server.stderr)
        port = next(match[1] for match in found if match)
        links = ((path, link) for path in NOTEBOOKS for link in run_all.links(nbformat.read(path, as_version=4)))
        path, link = next((path, link) for path, link in links if link.endswith((".mp3", ".mid")))
        file = posixpath.normpath(f"notebooks/{link}")  # as the browser has it, with the notebook at notebooks/
        with urlopen(f"http://127.0.0.1:{port}/files/{quote(file)}?token=secret", timeout=20) as answer:
            assert answer.read() == (path.parent / link).read_bytes()
    finally:
        server.terminate()
        server.communicate()


# ---------------------------------------------------------------------------------------------------- git


def test_git_ignores_an_environment_that_is_a_link_and_what_runs_write(tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path / "clone"], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path / "clone")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "clone" / ".venv").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    for name in ("outputs/local/run/piece.mid", "data/midi_files/mine.mid", "outputs/run/piece.mid"):
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clone" / name).touch()
    status = subprocess.run(["git", "status", "--porcelain", "--untracked-files=all"], cwd=tmp_path / "clone",
                            capture_output=True, text=True, check=True)
    assert status.stdout.split() == ["??", ".gitignore", "??", "outputs/run/piece.mid"]
