"""Files that appear whole or not at all, names that can be printed, and the processes that make or read many files."""

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
    """Write a file under another name, and give it its own only when it is complete.

    Within `with files.whole(path) as temporary:` write to `temporary`. It is a hidden file in the same folder, for a
    rename is one step only within one disk, and it keeps the ending, by which some libraries choose the format. An
    error leaves nothing new behind, and what stood at `path` before stays.

    Args: path: str or Path, in a folder that exists.
    Returns: context manager of a Path.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}.{path.name}")  # unique on a shared drive as well
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def shown(path):
    """Spell a path so that it can be printed and compared, whatever bytes its name holds.

    Args: path: str or Path. Returns: str in Unicode's composed form (NFC), with a mark in place of what is not UTF-8.
    """
    return unicodedata.normalize("NFC", os.fsencode(path).decode("utf-8", "replace"))


def workers(executor=None, most=None, initializer=None):
    """Give the executor that shares out independent work: the caller's own, or a pool of fresh processes.

    Processes are spawned, not forked, since TensorFlow hangs after a fork.

    Args: executor: a concurrent.futures.Executor, which stays open; None for a pool that `with` closes.
        most: int, processes at most; there are never more than cores. initializer: function without arguments, called
        once in each process.
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
