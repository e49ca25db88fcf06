"""Load Keras and its backend with one line of notice, and without TensorFlow's messages about the hardware.

Every module of this folder imports `keras` from here. TensorFlow's C++ libraries print lines about missing GPUs before
they read any setting (tensorflow/tensorflow issue 100442). Therefore standard error is discarded meanwhile.
"""

import importlib
import logging
import multiprocessing
import os
import sys


def _load():
    """Import Keras; errors are raised, messages are dropped."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules and multiprocessing.current_process().name == "MainProcess":  # not in a pool
        print(f"loading Keras on {os.environ['KERAS_BACKEND']}, some seconds ...", flush=True)
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        return importlib.import_module("keras")
    finally:
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it would warn again for each network and shape
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


keras = _load()
layers, ops = keras.layers, keras.ops
