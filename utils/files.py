"""A file appears whole or not at all, whatever interrupts its writing."""

import os
import uuid
from contextlib import contextmanager
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
