"""The setup cell in Colab: a stand-in for google.colab, a local clone for the forge, an empty folder to start in."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from notebooks import set_address

ROOT = Path(__file__).resolve().parents[1]
NAME = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))[0]  # they all begin with the same cell
IGNORED = shutil.ignore_patterns(".git", ".venv", "outputs", "midi_files", "__pycache__", ".*_cache", ".hypothesis")


@pytest.fixture(scope="module")
def fork(tmp_path_factory):
    """The files as they stand, with the address of a fork in them, and that fork: a bare repository."""
    folder = tmp_path_factory.mktemp("forge")
    shutil.copytree(ROOT, folder / "work", ignore=IGNORED)
    set_address.write(folder / "work", "https://github.com/you/bach")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for step in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "as it stands"]):
        subprocess.run(git + step, cwd=folder / "work", check=True)
    subprocess.run(["git", "clone", "--quiet", "--bare", folder / "work", folder / "bach.git"], check=True)
    return folder


def start(setup, fork, tmp_path, then=""):
    """Run a setup cell as Colab would, twice, with github.com/you/bach led to the fork; and what a reader does then."""
    assert "/content/bach" in setup
    setup = setup.replace("/content/bach", str(tmp_path / "content" / "bach"))
    for folder in (tmp_path / "stand_in" / "google" / "colab", tmp_path / "empty", tmp_path / "content"):
        folder.mkdir(parents=True)
    (tmp_path / "stand_in" / "google" / "colab" / "__init__.py").touch()
    environment = {name: value for name, value in os.environ.items() if name != "BACH_MODE"} | {
        "PYTHONPATH": str(tmp_path / "stand_in"), "PIP_NO_INDEX": "1",  # all is installed: pip has nothing to fetch
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{(fork / 'bach.git').as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/you/bach"}
    script = f"import google.colab\n{setup}\n{setup}\n{then}"
    return subprocess.run([sys.executable, "-c", script], cwd=tmp_path / "empty", env=environment, capture_output=True,
                          text=True)


def setup_cell(folder):
    cells = nbformat.read(folder / "notebooks" / NAME, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def test_the_setup_cell_clones_installs_and_finds_the_package(fork, tmp_path):
    then = "from utils.music import midi\nprint(ROOT, midi.__file__, MODE)"
    ran = start(setup_cell(fork / "work"), fork, tmp_path, then)
    assert ran.returncode == 0, ran.stderr
    content = tmp_path / "content" / "bach"
    assert ran.stdout.split() == [str(content), str(content / "utils" / "music" / "midi.py"), "load"]


FIRST_SOUND = """
import shutil, sys, time
heavy = shutil.ignore_patterns("local", "*.h5", "*.npz", "*.html", "*.png")  # a fork has these as well
shutil.copytree({outputs!r}, ROOT / "outputs", ignore=heavy, dirs_exist_ok=True)
from utils.show import player
made, show = [], player.show
player.show = lambda *given, **how: made.append(show(*given, **how)) or made[-1]
start = time.monotonic()
exec({cells!r})
print("players:", len(made))
print("Keras is loaded:", "keras" in sys.modules)
print("seconds to the first sound:", round(time.monotonic() - start, 1))
"""


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_first_sound_comes_before_keras_is_loaded(path, fork, tmp_path, record_property):
    code = [cell.source for cell in nbformat.read(fork / "work" / "notebooks" / path.name, as_version=4).cells
            if cell.cell_type == "code"]
    first = next(number for number, source in enumerate(code) if "player.shipped" in source)
    then = FIRST_SOUND.format(outputs=str(ROOT / "outputs"), cells="\n".join(code[1:first + 1]))
    ran = start(code[0], fork, tmp_path, then)
    assert ran.returncode == 0, ran.stderr
    assert re.search("players: [1-9]", ran.stdout) and "Keras is loaded: False" in ran.stdout
    record_property("seconds to the first sound", re.search(r"first sound: ([\d.]+)", ran.stdout)[1])


@pytest.mark.parametrize("address", ["https://github.com/OWNER/NAME", "file:///nowhere/bach"])
def test_an_address_that_leads_nowhere_is_named_with_the_remedy(address, fork, tmp_path):
    setup = re.sub('REPO = ".*?"', f'REPO = "{address}"', setup_cell(fork / "work"))
    ran = start(setup, fork, tmp_path)
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert f"{address} cannot be cloned. Put your fork's address into REPO above" in ran.stderr.splitlines()[-1]
    assert not list((tmp_path / "content").iterdir())


# ---------------------------------------------------------------------------------------------------- set_address


@pytest.fixture
def copy(tmp_path):
    """The notebooks and the README, to be written to."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=IGNORED)
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in [*sorted((folder / "notebooks").iterdir()), folder / "README.md"]}


def test_the_address_is_set_everywhere_and_nothing_else_changes(copy):
    set_address.write(copy, "OWNER/NAME")
    before = contents(copy)
    changed = set_address.write(copy, "https://github.com/you-2/bach.by_machine.git")
    assert [path.name for path in changed] == [*(name for name in before if name.endswith(".ipynb")), "README.md"]
    for name, old in before.items():
        new = contents(copy)[name]
        assert new.replace(b"you-2/bach.by_machine", b"OWNER/NAME") == old
        if name.endswith(".ipynb"):
            assert b'"REPO = \\"https://github.com/you-2/bach.by_machine\\"' in new
            assert b"colab.research.google.com/github/you-2/bach.by_machine/blob/main/notebooks/" + name.encode() in new
            assert b'endswith(\\"you' not in new  # the setup cell asks for the address as it was shipped
    set_address.write(copy, "other/name")
    assert b"you-2" not in b"".join(contents(copy).values())
    set_address.write(copy, "OWNER/NAME")
    assert contents(copy) == before and set_address.write(copy, "OWNER/NAME") == []


@pytest.mark.parametrize("address", ["", "bach", "you/", "/bach", "you/bach/main", "you/..", "-you/bach", "you/ba ch",
                                     'you/bach"', "https://gitlab.com/you/bach", "git@github.com:you/bach.git"])
def test_a_malformed_address_is_refused_and_nothing_is_written(address, copy):
    before = contents(copy)
    with pytest.raises(ValueError, match="no repository's address: write it as you/bach or https://github.com/you/bach"):
        set_address.write(copy, address)
    assert contents(copy) == before


def test_a_notebook_without_its_setup_cell_is_named(copy):
    path = copy / "notebooks" / NAME
    path.write_text(path.read_text(encoding="utf-8").replace("REPO = ", "WHERE = "), encoding="utf-8")
    before = contents(copy)
    with pytest.raises(ValueError, match=f"{NAME} has 0 lines that set REPO"):
        set_address.write(copy, "you/bach")
    assert contents(copy) == before
