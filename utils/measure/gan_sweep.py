"""Train many GANs on an executor: a table of configurations, one result file per model.

Several machines or notebooks may share a folder: each trains models without a result, in its own order.
"""

import itertools
import json
import os
import random
import time
from concurrent import futures
from pathlib import Path

import numpy as np
from scipy import stats
from tqdm import tqdm

from utils import files, runs
from utils.measure import variety
from utils.nets import gan, gan_grid

SETTINGS = "recipe", "generator_rate", "discriminator_rate", "seed", "epochs"  # what tells one model from another
VERDICTS = "healthy", "noise", "collapsed", "failed"
NUM_SAMPLES = 256  # by which a model is judged
LOOK = 250  # epochs from one look at a model to the next
WORTH_PROCESSES = 100  # epochs of all models: fewer are done before a process has loaded TensorFlow
MODELS_A_PROCESS = 10  # then it is replaced, for TensorFlow keeps graphs; max_tasks_per_child may hang (CPython 115634)


def table(recipe, generator_rates, discriminator_rates, seeds=(1,), epochs=1000):
    """List the models of a sweep: each pair of learning rates with each seed.

    Args: recipe: one of gan.RECIPES. generator_rates, discriminator_rates: of Adam. seeds: ints. epochs: of each model.
    Returns: list of dicts, `gan.fit`'s arguments by name.
    Raises: ValueError for an unknown recipe.
    Notebook: 04, "The sweep".
    """
    if recipe not in gan.RECIPES:
        raise ValueError(f"recipe {recipe!r}: choose one of {', '.join(gan.RECIPES)}")
    return [dict(zip(SETTINGS, (recipe, *each, epochs)))
            for each in itertools.product(generator_rates, discriminator_rates, seeds)]


def run(configs, real, reference, folder, executor=None):
    """Train and judge all models of a table that have no result yet.

    Args: configs: list of dicts, as `table`. real: float or int8 (samples, eighths, 56), as `gan_grid.encode`.
        reference: uint8 (windows, frames, 128), Bach encoded and decoded, for comparison. folder: for one JSON file per
        model; all workers must reach it under this name. executor: concurrent.futures.Executor; None for one process
        per core, each with one thread, or for this process if there is little to do. With Dask pass
        `client.get_executor(pure=False)`; its workers must be able to import this package: start them with its parent
        folder in PYTHONPATH.
    Returns: list of dicts, one row per model in the order of the table: its config, verdict and measures of
        `variety.collapse`, verdict and nn every 250 epochs, mean losses of the last tenth, and seconds. If the loss of
        a model was not finite, its verdict is "failed" and missing values are None.
    Raises: ValueError for an empty training set, or if the folder holds a result of another config; an error of a
        worker, after all others are done.
    Notebook: 04, "The sweep".
    """
    if not len(real) or not len(reference):
        raise ValueError(f"{len(real)} training samples, {len(reference)} reference windows: pass at least one of each")
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [config for config in configs if _result(config, folder) is None]
    random.Random(os.getpid()).shuffle(missing)
    small, finished = np.asarray(real).astype(np.int8), []
    if not executor and sum(config["epochs"] for config in missing) < WORTH_PROCESSES:
        for config in missing:
            train(config, small, reference, str(folder))
        missing = []
    at_once = len(missing) if executor else MODELS_A_PROCESS * (os.cpu_count() or 1)
    with tqdm(total=len(missing), desc="models", leave=False) as bar:
        for first in range(0, len(missing), max(at_once, 1)):
            some = missing[first:first + at_once]
            with files.workers(executor, len(some), _one_thread) as pool:
                waiting = [pool.submit(train, config, small, reference, str(folder)) for config in some]
                try:
                    for future in futures.as_completed(waiting):
                        finished.append(future)
                        bar.update()
                finally:
                    for future in waiting:
                        future.cancel()  # after an interruption, models that have not begun
    for future in finished:
        future.result()
    return [_result(config, folder) for config in configs]


def train(config, real, reference, folder):
    """Train and judge one model and save its row as a file, unless the file exists; arguments as `run`."""
    if _result(config, Path(folder)) is not None:
        return
    start = time.time()

    def judge(_, generator):
        return variety.collapse(gan_grid.decode(gan.generate(generator, NUM_SAMPLES)), reference)

    row = dict(config)
    try:
        _, history = gan.fit(real, watch=judge, every=LOOK, **config)
    except FloatingPointError:
        row["verdict"] = "failed"
    else:
        names = "verdict", "nn", "unique", "coverage", "in_key", "chord_rate"
        row |= {name: history[name][-1] for name in names}
        row |= {f"{name}_{epoch}": value for name in ("verdict", "nn")
                for epoch, value in zip(history["epoch"], history[name])}
        tail = max(config["epochs"] // 10, 1)
        row |= {name: float(np.mean(history[name][-tail:])) for name in ("loss", "discriminator_loss")}
    runs.write_json(_path(config, Path(folder)), row | {"seconds": round(time.time() - start, 1)})


def counted(rows):
    """Count the verdicts of each sweep.

    Args: rows: pandas.DataFrame with the columns sweep and verdict, a row for each model.
    Returns: dict of sweep -> dict: how many are healthy, noise, collapsed and failed, and the 95 % interval of the
        share that collapsed, as str.
    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference. Notebook: 04, "The
        sweep".
    """
    found = {}
    for name, verdicts in rows.groupby("sweep", sort=False)["verdict"]:
        found[name] = {verdict: int((verdicts == verdict).sum()) for verdict in VERDICTS}
        interval = stats.binomtest(found[name]["collapsed"], len(verdicts)).proportion_ci(method="wilson")
        found[name]["collapsed, 95 % interval"] = "{:.0%} to {:.0%}".format(*interval)
    return found


def _path(config, folder):
    rates = f"{config['generator_rate']:g}_{config['discriminator_rate']:g}"
    return folder / f"{config['recipe']}_{rates}_{config['seed']}.json"


def _result(config, folder):
    """The row of a model, or None if it was not trained yet."""
    path = _path(config, folder)
    if not path.exists():
        return None
    row = json.loads(path.read_text(encoding="utf-8"))
    if any(row.get(name) != value for name, value in config.items()):
        raise ValueError(f"{path} is of another training than {config}: choose another folder, or remove it")
    return row


def _one_thread():
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # read at TensorFlow's first step
