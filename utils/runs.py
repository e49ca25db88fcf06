"""A training run as a folder of config.json, history.json and model.weights.h5; a manifest of all shipped files."""

import hashlib
import json
import os
import platform
import sys
import time
from pathlib import Path

import h5py
import numpy as np

from utils import files

MODES = ("load", "train", "smoke")
CONFIG, HISTORY, WEIGHTS = "config.json", "history.json", "model.weights.h5"
MANIFEST = "MANIFEST.json"
PACKED = {"compression": "gzip", "compression_opts": 9, "shuffle": True}  # nothing is lost
COMPACT = "v110", "v110"  # the first HDF5 format with small headers: files are a sixth smaller
NOTEBOOKS = {"preprocess": "01_preprocess", "rnn": "02_rnn", "infill": "02_rnn", "dcnn": "03_dcnn", "gan": "04_gan",
             "evaluation": "05_evaluation", "gallery": "05_evaluation",
             "compose": "06_compose"}  # by the first word of a run's name


def folders(root, name, mode):
    """Find the folder of a run's weights, and make the folder for what a notebook writes: pieces and pictures.

    A reader's own runs never change the shipped files. Only with BACH_RELEASE=1 in the environment, which `make
    release` sets, files are written to outputs/<name>.

    Args: root: the repository. name: of the run. mode: "load" reads the shipped run, "train" and "smoke" make one.
    Returns: two Paths, for weights and for the rest: each outputs/<name>, or outputs/local/<name>, which git ignores.
    Raises: ValueError for another mode.
    Notebook: the settings cell of 02, 03 and 04.
    """
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}: set BACH_MODE to one of {', '.join(MODES)}")
    shipped, local = Path(root) / "outputs" / name, Path(root) / "outputs" / "local" / name
    written = shipped if os.environ.get("BACH_RELEASE") == "1" and mode != "smoke" else local
    written.mkdir(parents=True, exist_ok=True)
    return (shipped if mode == "load" else written), written


def load_or_train(build, builder, train, run_dir, mode, **about):
    """Load the weights of a run into a network, or train the network and save the run.

    Args: build: function in a module of utils/nets that builds the network. builder: dict, its arguments. train:
        function from the new network to its history, or to (network, history) where another network is kept, such as an
        average. run_dir: folder that is read in mode "load", otherwise written. about: values for the config: seed,
        fit, device and so on; a function is called with the trained network, and its result is saved.
    Returns: (network, history), history a dict from a measure to its values, one per epoch.
    Raises: ValueError as `load`.
    Notebook: 02, 03 and 04, each training cell.
    """
    model = build(**builder)
    if mode == "load":
        return model, load(model, run_dir)
    start = time.time()
    history = train(model)
    model, history = history if isinstance(history, tuple) else (model, history)
    build_name = f"{build.__module__.rpartition('.')[2]}.{build.__name__}"
    about = {name: value(model) if callable(value) else value for name, value in about.items()}
    save(model, history, run_dir, build=build_name, builder=builder, minutes=(time.time() - start) / 60, **about)
    return model, history


def save(model, history, run_dir, **config):
    """Save a trained model, its history, and the settings that build it again.

    Weights are rounded to half precision, which halves the file and changes no number that we print, and compressed.
    The optimiser's state is left out. The config also holds the checksum and the package versions. It is written last,
    so that a half-saved run does not load.

    Args: model: has `save_weights`, as every Keras model. history: dict from a measure to its values, one per epoch.
        run_dir: folder, created if missing. config: the builder's settings, seed, minutes and device; anything that
        JSON can hold, and NumPy numbers, arrays and paths.
    Notebook: 02, "Training".
    """
    run_dir = Path(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    with files.whole(run_dir / WEIGHTS) as temporary:
        model.save_weights(temporary)
        _shrink(temporary)
        checksum = _sha256(temporary)
    versions = {name: sys.modules[name].__version__ for name in ("keras", "tensorflow", "jax", "numpy")
                if name in sys.modules} | {"python": platform.python_version()}
    write_json(run_dir / HISTORY, history)
    write_json(run_dir / CONFIG, config | {"versions": versions, "sha256": checksum})


def _shrink(path):
    """Write a weights file again: floats in half precision, compressed, without the optimiser's state."""
    with files.whole(path) as small, h5py.File(path) as old, h5py.File(small, "w", libver=COMPACT) as new:

        def add(name, item):
            if name.split("/")[0] == "optimizer":
                return
            if isinstance(item, h5py.Dataset):
                values = item[()]
                values = values.astype(np.float16) if values.dtype.kind == "f" else values
                new.create_dataset(name, data=values, **PACKED | {"chunks": values.shape} if values.size > 1 else {})
            else:
                new.require_group(name)
            new[name].attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(add)


def load(model, run_dir):
    """Load a run's weights into a model that was built with the run's config.

    Args: model: has `load_weights`. run_dir: folder that `save` wrote.
    Returns: dict, the history.
    Raises: ValueError if a file is missing or damaged, or was made for a model of another shape.
    Notebook: 02, "Training".
    """
    path = weights(run_dir)
    try:
        model.load_weights(path)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} does not fit this model: build it with the settings in {CONFIG} ({error})") from error
    return read_json(path.with_name(HISTORY))


def weights(run_dir):
    """Find a run's weights file, and check that it is complete.

    Args: run_dir: folder that `save` wrote.
    Returns: Path. Raises: ValueError if the file is missing, or does not match the checksum in the config.
    """
    path = Path(run_dir) / WEIGHTS
    if hashlib.sha256(_read(path)).hexdigest() != config(run_dir).get("sha256"):
        raise ValueError(f"{path} does not match the sha256 in its {CONFIG}: {_remedy(run_dir)}")
    return path


def arrays(run_dir):
    """Read a run's weights without building its network.

    Args: run_dir: folder that `save` wrote.
    Returns: dict from a layer's name to the list of its arrays, in Keras's order; arrays of a cell belong to its layer.
    Raises: ValueError as `weights`.
    """
    found = {}
    with h5py.File(weights(run_dir), "r") as file:

        def add(path, item):
            if isinstance(item, h5py.Dataset) and "/vars/" in path:  # such as layers/gru_1/cell/vars/0
                layer = path.split("/vars/")[0].removesuffix("/cell")
                found.setdefault(str(file[f"{layer}/vars"].attrs["name"]), []).append(item[()])

        file.visititems(add)
    return found


def config(run_dir):
    """Read a run's config: what `save` was given, the versions and the checksum of the weights.

    Args: run_dir: folder that `save` wrote.
    Returns: dict.
    Raises: ValueError if the file is missing or is not JSON.
    """
    return read_json(Path(run_dir) / CONFIG)


def read_json(path):
    """Read what `write_json` wrote; raises ValueError if the file is missing or is not JSON."""
    return json.loads(_read(Path(path)))


def write_json(path, content):
    """Write JSON, whole or not at all.

    Args: path: in a folder that exists. content: dicts, lists, strings and numbers; NumPy numbers and arrays become
        plain ones, paths become strings.
    """
    with files.whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, default=_to_plain) + "\n", encoding="utf-8")


def _to_plain(value):
    """Convert a value that JSON cannot hold as it is."""
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
    where = "" if Path(run_dir).is_absolute() else f" Relative paths start at the current folder, {Path.cwd()}."
    return f"restore the shipped run with `git checkout {run_dir}`, or train it with BACH_MODE=train.{where}"


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---------------------------------------------------------------------------------------------- all shipped files


def describe(root):
    """Describe all shipped files under outputs/.

    Args: root: of the repository.
    Returns: dict of run -> dict: notebook that makes it, or None; seed; versions, package -> version, from the run's
        config, otherwise the name of the file that holds them; files, name -> sha256.
    Notebook: 05, "The page, and your ears".
    """
    root, found = Path(root), {}
    for (run, name), path in shipped(root).items():
        if run not in found:
            known = config(path.parent) if run and (path.parent / CONFIG).is_file() else {}
            found[run] = {"notebook": NOTEBOOKS.get(run.partition("_")[0]), "seed": known.get("seed", 1),
                          "versions": known.get("versions", "constraints.txt"), "files": {}}
        found[run]["files"][name] = _sha256(path)
    return found


def shipped(root):
    """Find the files under outputs/, without the reader's own and the manifest: dict of (run or "", name) -> Path."""
    outputs = Path(root) / "outputs"
    paths = sorted(path for path in outputs.rglob("*") if path.is_file() and path.name != MANIFEST
                   and outputs / "local" not in path.parents and not path.name.startswith("."))
    return {("" if path.parent == outputs else path.parent.name, path.name): path for path in paths}


def write_manifest(root):
    """Write what `describe` finds to outputs/MANIFEST.json, whole or not at all."""
    write_json(Path(root) / "outputs" / MANIFEST, describe(root))
