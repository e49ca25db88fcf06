"""Keras and its backend, loaded with one line of notice and without TensorFlow's remarks on the hardware.

Every module of this room takes `keras` from here. TensorFlow's C++ libraries write some lines about missing GPUs before
any setting of theirs is read (tensorflow/tensorflow issue 100442), so the descriptor they write to is closed to them
meanwhile.
"""

import importlib
import logging
import multiprocessing
import os
import sys
import tempfile
from contextlib import contextmanager

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


@contextmanager
def _unheard():
    """Keep from the reader what is written to standard error, unless an error is raised: then show it."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _load():
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every network and shape anew
    if "keras" in sys.modules:
        return sys.modules["keras"]
    if multiprocessing.current_process().name == "MainProcess":  # a pool's workers say nothing
        name = os.environ["KERAS_BACKEND"]
        print(f"loading {NAMES.get(name, name)}, some seconds ...", flush=True)
    with _unheard():
        return importlib.import_module("keras")


keras = _load()
layers, ops = keras.layers, keras.ops
