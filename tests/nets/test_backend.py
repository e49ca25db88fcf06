"""Keras comes with one line of notice and in silence otherwise; what goes wrong is shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(script, folder=ROOT, **environment):
    """Run a script on its own, a folder ahead of the packages: what it wrote to both streams, and its return code."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
    }
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT,
                          env=inherited | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"} | environment)


def test_tensorflow_starts_with_one_line_and_once():
    ran = run("import utils.nets.wavenet; print('---'); import utils.nets.gan, importlib\n"
              "importlib.reload(utils.nets.backend); print(utils.nets.backend.keras.ops.sum([1, 2]).numpy())")
    said = "loading Keras on tensorflow, some seconds ...\n---\n3\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, said, "")


@pytest.fixture
def stand_in(tmp_path):
    """A folder with a package called keras that talks as libraries of C++ do, and then does what is said."""

    def write(code):
        (tmp_path / "keras.py").write_text(f"import os, sys\nos.write(2, b'noise\\n')\n{code}\n")
        return tmp_path

    return write


@pytest.mark.parametrize("backend", ["jax", "another"])
def test_the_notice_names_the_backend_and_what_libraries_say_is_kept_from_the_reader(stand_in, backend):
    ran = run(
        "from utils.nets import backend as b; import sys; print(b.layers, b.ops); print('mine', file=sys.stderr)",
        stand_in("layers, ops = 'layers', 'ops'"),
        KERAS_BACKEND=backend,
    )
    assert (ran.stdout, ran.stderr) == (f"loading Keras on {backend}, some seconds ...\nlayers ops\n", "mine\n")


def test_an_error_is_raised(stand_in):
    ran = run(
        "import utils.nets.wavenet", stand_in("raise ImportError('libbroken.so: cannot open shared object file')")
    )
    assert ran.returncode and "ImportError: libbroken.so" in ran.stderr


def test_a_keras_that_is_there_already_is_taken_without_a_word(stand_in):
    ran = run(
        "import keras; from utils.nets import backend; print(backend.keras is keras)", stand_in("layers = ops = None")
    )
    assert (ran.stdout, ran.stderr) == ("True\n", "noise\n")
