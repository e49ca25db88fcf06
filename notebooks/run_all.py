"""Run every notebook from top to bottom, in order, without a browser, and say what there is to hear and to see.

    python notebooks/run_all.py

The executed copies and all that they write go to outputs/local; the notebooks themselves stay as they are.
"""

import sys
import time
from itertools import groupby
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / "outputs" / "local"
KINDS = {"Listen": (".mp3",), "Look": (".png", ".svg", ".html"), "Open in a music program": (".mid", ".musicxml")}


def execute(path, target, timeout_seconds=None):
    """Run one notebook in its own folder and write the executed copy to `target`, also when a cell fails.

    What libraries say outside the cells, such as TensorFlow of its hardware, goes to a .log file beside it.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=timeout_seconds, kernel_name="python3",
                            resources={"metadata": {"path": path.parent}},
                            extra_arguments=["--log-level=ERROR"])  # no warnings amid the lines of progress
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(target.with_suffix(".log"), "w", encoding="utf-8") as log:
            client.execute(stderr=log)
    finally:
        nbformat.write(notebook, target)


def print_files(title, files):
    """One line for each kind and folder."""
    files = sorted(path.relative_to(ROOT) for path in files if path.is_file())
    for kind, suffixes in KINDS.items():
        chosen = [path for path in files if path.suffix in suffixes]
        if chosen:
            print(f"\n{kind}, {title}:")
        for folder, group in groupby(chosen, key=lambda path: path.parent):
            print(f"  {folder.as_posix()}/  {'  '.join(path.name for path in group)}")


def main():
    start = time.time()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        print(f"{path.stem:16}", end="", flush=True)
        began, target = time.time(), LOCAL / "notebooks" / path.name
        try:
            execute(path, target)
        except (CellExecutionError, DeadKernelError) as error:
            sys.exit(f"failed; see {target.relative_to(ROOT)}\n{error}")
        print(f"{(time.time() - began) / 60:6.1f} min", flush=True)
    written = [path for path in LOCAL.rglob("*") if path.stat().st_mtime >= start]
    print_files("new", written)
    print_files("shipped", set((ROOT / "outputs").rglob("*")) - set(LOCAL.rglob("*")))
    print(f"\nThe notebooks with all their figures and players: {(LOCAL / 'notebooks').relative_to(ROOT).as_posix()}/")
    print(f"The page to listen to, and to guess, in a browser: {(LOCAL / 'gallery' / 'index.html').relative_to(ROOT).as_posix()}")


if __name__ == "__main__":
    main()
