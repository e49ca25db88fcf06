"""The setup cell in Colab: a stand-in for google.colab, a local clone in place of the forge, an empty folder to start in."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The files as they stand, committed, as a bare repository."""
    folder = tmp_path_factory.mktemp("forge")
    shutil.copytree(ROOT, folder / "work", ignore=shutil.ignore_patterns(".git", ".venv", "outputs", "midi_files", "__pycache__", ".*_cache"))
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for step in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "as it stands"]):
        subprocess.run(git + step, cwd=folder / "work", check=True)
    subprocess.run(["git", "clone", "--quiet", "--bare", folder / "work", folder / "bach.git"], check=True)
    return folder / "bach.git"


@pytest.mark.parametrize("path", PATHS[:1] + PATHS[-1:], ids=lambda path: path.stem)
def test_the_setup_cell_clones_installs_and_finds_the_package(path, bare, tmp_path):
    setup = "".join(next(cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code")["source"])
    content = tmp_path / "content"
    for old, new in (("/content/bach", str(content / "bach")), ("https://github.com/OWNER/NAME", bare.as_uri())):
        assert old in setup
        setup = setup.replace(old, new)
    for folder in (tmp_path / "stand_in" / "google" / "colab", tmp_path / "empty", content):
        folder.mkdir(parents=True)
    (tmp_path / "stand_in" / "google" / "colab" / "__init__.py").touch()
    script = f"import google.colab\n{setup}\n{setup}\nfrom utils import midi\nprint(ROOT, midi.__file__, MODE)"  # safe to run twice
    environment = {name: value for name, value in os.environ.items() if name != "BACH_MODE"} | {
        "PYTHONPATH": str(tmp_path / "stand_in"), "PIP_NO_INDEX": "1"}  # all is installed: pip has nothing to fetch
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path / "empty", env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [str(content / "bach"), str(content / "bach" / "utils" / "midi.py"), "load"]
