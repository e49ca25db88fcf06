"""Write files whole or not at all, print any file name, and share work among processes."""

import os
import re
import unicodedata
import uuid
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path


@contextmanager
def whole(path):
    """Write a file under a temporary name, and rename it when it is complete.

    Within `with files.whole(path) as temporary:` write to `temporary`. It is a hidden file in the same folder, because
    a rename is a single step only within one disk. It keeps the ending, because some libraries choose the format by it.
    After an error nothing new is left, and the old file at `path` stays.

    Args: path: str or Path, in a folder that exists. Returns: context manager of a Path.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}.{path.name}")  # unique on a shared drive as well
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def shown(path):
    """Write a path as text that can be printed and compared, whatever bytes its name holds.

    Args: path: str or Path. Returns: str in Unicode's composed form (NFC), with a mark in place of each byte that is
        not UTF-8.
    """
    return unicodedata.normalize("NFC", os.fsencode(path).decode("utf-8", "replace"))


def workers(executor=None, most=None, initializer=None):
    """Give the executor for independent work: the caller's own, or a pool of new processes.

    Processes are spawned, not forked, because TensorFlow hangs after a fork.

    Args: executor: a concurrent.futures.Executor, which stays open; None for a pool that `with` closes.
        most: int, the largest number of processes; there are never more than cores. initializer: function without
        arguments, called once in each process.
    Returns: context manager of a concurrent.futures.Executor.
    """
    if executor is not None:
        return nullcontext(executor)
    count = os.cpu_count() or 1
    return ProcessPoolExecutor(min(count, most or count), get_context("spawn"), initializer)


def free_folder(place, name, otherwise):
    """Find a folder in `place` that is not there yet: named after `name`, or after `otherwise` if no letter is left."""
    name = re.sub(r"[^\w.-]+", "_", name.lower()).strip("._") or otherwise
    places = (Path(place) / (name + ending) for ending in ("", *(f"_{n}" for n in range(2, 10_000))))
    return next(place for place in places if not place.exists())
