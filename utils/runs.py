"""One training run as a folder: config.json, history.json and model.weights.h5, written whole and read with a check."""

import hashlib
import json
import platform
import sys
from pathlib import Path

import h5py
import numpy as np

from utils import files

MODES = ("load", "train", "smoke")
CONFIG, HISTORY, WEIGHTS = "config.json", "history.json", "model.weights.h5"


def folders(root, name, mode):
    """Tell where a run's weights stand, and make the folder for what a notebook writes beside them.

    Args: root: the repository. name: the run's. mode: "train" writes the shipped run, "load" reads it, "smoke" ignores it.
    Returns: two Paths, for the weights and for pieces and pictures: outputs/<name> where the shipped run is meant, else
        outputs/local/<name>, which git ignores. In load mode they differ.
    Raises: ValueError for another mode.
    Notebook: the settings cell of 02, 03 and 04.
    """
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}: set BACH_MODE to one of {', '.join(MODES)}")
    shipped, local = Path(root) / "outputs" / name, Path(root) / "outputs" / "local" / name
    weights, written = {"load": (shipped, local), "train": (shipped, shipped), "smoke": (local, local)}[mode]
    written.mkdir(parents=True, exist_ok=True)
    return weights, written


def save(model, history, run_dir, **config):
    """Save a trained model, how it got there, and what it takes to build it again.

    Weights are rounded to half precision, which changes no figure that we print and halves the file; what the optimiser
    remembers is left out. The config gains the checksum and the versions in use, and is written last: a half-saved run
    does not load.

    Args: model: has `save_weights`, as every Keras model. history: dict from a measure to its values, one an epoch.
        run_dir: folder, made at need. config: the builder's settings, seed, minutes and device; whatever JSON can hold,
        NumPy numbers, arrays and paths too.
    Notebook: 02, "Training".
    """
    run_dir = Path(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    with files.whole(run_dir / WEIGHTS) as temporary:
        model.save_weights(temporary)
        _shrink(temporary)
        checksum = hashlib.sha256(temporary.read_bytes()).hexdigest()
    loaded = {name: sys.modules.get(name) for name in ("keras", "tensorflow", "jax", "numpy")}
    versions = {name: module.__version__ for name, module in loaded.items() if module}
    versions["python"] = platform.python_version()
    write_json(run_dir / HISTORY, history)
    write_json(run_dir / CONFIG, config | {"versions": versions, "sha256": checksum})


def _shrink(path):
    """Write a weights file anew, floats as halves and without the optimiser's part."""
    with files.whole(path) as small, h5py.File(path) as old, h5py.File(small, "w") as new:

        def add(name, item):
            if name.split("/")[0] == "optimizer":
                return
            if isinstance(item, h5py.Dataset):
                values = item[()]
                new[name] = values.astype(np.float16) if values.dtype.kind == "f" else values
            else:
                new.require_group(name)
            new[name].attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(add)


def load(model, run_dir):
    """Load a run's weights into a model that was built with the run's config.

    Args: model: has `load_weights`. run_dir: folder that `save` wrote.
    Returns: dict, the history.
    Raises: ValueError where a file is missing, damaged, or made for a model of another shape.
    Notebook: 02, "Training".
    """
    path = Path(run_dir) / WEIGHTS
    expected = config(run_dir).get("sha256")
    if hashlib.sha256(_read(path)).hexdigest() != expected:
        raise ValueError(f"{path} does not match the sha256 in its {CONFIG}: {_remedy(run_dir)}")
    try:
        model.load_weights(path)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} does not fit this model: build it with the settings in {CONFIG} ({error})") from error
    return json.loads(_read(path.with_name(HISTORY)))


def config(run_dir):
    """Read a run's config: what `save` was given, the versions and the checksum of the weights.

    Args: run_dir: folder that `save` wrote.
    Returns: dict.
    Raises: ValueError where the file is missing or no JSON.
    """
    return json.loads(_read(Path(run_dir) / CONFIG))


def write_json(path, content):
    """Write JSON, whole or not at all.

    Args: path: where to, in a folder that exists. content: dicts, lists, strings and numbers; NumPy numbers and arrays
        become plain ones, paths strings.
    """
    with files.whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, default=_to_plain) + "\n", encoding="utf-8")


def _to_plain(value):
    """What JSON cannot hold as it is."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{value!r} is a {type(value).__name__}, not for JSON: pass numbers, strings or lists of them")


def _read(path):
    """The bytes of one of a run's files."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): {_remedy(path.parent)}") from None


def _remedy(run_dir):
    return f"take the shipped run back with `git checkout {run_dir}`, or train it with BACH_MODE=train"
