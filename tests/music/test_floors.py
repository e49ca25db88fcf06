"""Who may import whom: the house has floors, and nobody leans on a higher one or on a neighbour by accident."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for path in (ROOT / "utils").glob("*.py") if path.stem != "__init__")

GROUND = "files midi sampling runs ngram"
ALLOWED = {  # module: what it may import of ours, and of others; NumPy and the standard library are free to all
    # below the ground floor: every module may write files
    "files": ("", ""),
    # ground floor
    "midi": ("files", "mido"),
    "sampling": ("", ""),
    "runs": ("files", "h5py"),
    "ngram": ("files", ""),
    # first floor
    "audio": ("files midi", "scipy soundfile midirenderer pretty_midi"),
    "text": (GROUND, ""),
    "inputs": ("midi text", ""),
    "score": (GROUND, "scipy verovio"),
    "metrics": (GROUND, "scipy"),
    "style": ("midi metrics", "scipy"),
    "baselines": (GROUND + " metrics", ""),
    "code_baselines": (GROUND + " audio", "scipy"),
    "cells": ("midi metrics", ""),
    "plots": (GROUND, "matplotlib"),
    "kernels": ("", "numba"),
    "queues": (GROUND + " kernels", "tqdm"),
    "manifest": ("files", ""),
    "tones": (GROUND + " audio", ""),
    "conditioning": (GROUND + " audio tones", ""),
    "hearing": (GROUND + " audio tones", "scipy"),
    # second floor: what reads the corpus
    "corpus": ("midi", "music21 tqdm"),
    "data": ("files midi audio text corpus", "music21 tqdm"),
    "recordings": ("audio data files midi", "tqdm"),
    "player": ("files midi audio", "IPython"),
    # models: only these know Keras; they meet the data in a notebook
    "training": ("", "keras"),
    "rnn": ("inputs sampling text queues training", "keras"),
    "wavenet": ("sampling text queues training", "keras"),
    "gan": ("files", "keras tensorflow"),
    "choir": ("cells gan", "keras"),
    "student": ("sampling text queues training wavenet", "keras"),
    "critic": ("sampling text queues metrics", "keras sklearn"),
    # top
    "sweep": ("cells files gan metrics runs", "tqdm"),
    "gallery": ("files midi audio", "jinja2 markupsafe"),
}
MODELS = {"training", "rnn", "wavenet", "gan", "choir", "student", "critic", "sweep"}
NETWORK_AND_PICKLE = set("socket ssl http urllib ftplib requests httpx pickle shelve marshal dill joblib".split())


def imports(path):
    """Dotted names of all that a file imports, wherever in it; `from utils import midi` is utils.midi."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write `from utils import ...`, not a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def by_name(path):
    return path.name


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_a_module_imports_only_what_its_floor_allows(path):
    assert path.stem in ALLOWED, f"{path.name} stands on no floor: give it a row in the table of this test"
    ours, theirs = (set(names.split()) for names in ALLOWED[path.stem])
    for name in imports(path):
        package, _, module = name.partition(".")
        if package == "utils":
            assert module.split(".")[0] in ours, f"{path.name} must not import utils.{module}"
        else:
            assert package in theirs | {"numpy"} | sys.stdlib_module_names, f"{path.name} must not import {package}"


def test_the_package_itself_imports_nothing():
    assert list(imports(ROOT / "utils" / "__init__.py")) == []


def test_what_is_no_model_loads_without_keras():
    names = [path.stem for path in MODULES if path.stem not in MODELS]
    code = f"import sys; from utils import {', '.join(names)}; print(*{{'keras', 'tensorflow', 'jax'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stderr


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_every_module_has_its_tests(path):
    assert (ROOT / "tests" / f"test_{path.name}").is_file()


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_no_module_reaches_for_the_network_for_pickles_or_for_eval(path):
    assert NETWORK_AND_PICKLE.isdisjoint(name.split(".")[0] for name in imports(path))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert not (isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")), f"line {node.lineno}"
            assert "allow_pickle" not in [keyword.arg for keyword in node.keywords], f"line {node.lineno}"
