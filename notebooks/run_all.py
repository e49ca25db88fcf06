"""Run every notebook from top to bottom, without a browser, and list the files to hear and to see.

    python notebooks/run_all.py

The first runs alone, then two at a time. The executed copies and all their files go to outputs/local; the notebooks do
not change.
"""

import copy
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / "outputs" / "local"
KINDS = {"Listen": (".mp3",), "Look": (".png", ".svg", ".html"), "Open in a music program": (".mid", ".musicxml")}
AT_ONCE = 2  # notebooks, each in a process of its own that keeps little more than one core busy
SILENCE_SECONDS, MAX_COLUMNS = 8, 110  # at most: between two lines of progress, and their length
LINK = re.compile(r"""(\b(?:href|src)\s*=\s*["']|\]\()([^"')\s<]+)""")  # in HTML, and in Markdown
ELSEWHERE = re.compile(r"[#/]|[A-Za-z][\w+.-]*:")  # how a link begins that is not relative to the notebook


def execute(path, target, timeout_seconds=None, say=None, environment=None):
    """Run one notebook in its own folder and write the executed copy to `target`, also when a cell fails.

    Relative links of the copy lead to the same files as those of the notebook. Output of libraries outside the cells,
    such as TensorFlow's messages about the hardware, goes to a .log file next to the copy.

    Args: path: of the notebook. target: of the copy; its folder is created if missing. timeout_seconds: for one cell;
        None for no limit. say: function that is called with a line of progress every few seconds; None for silence.
        environment: dict, the notebook's environment variables; None for those of this process.
    Returns: the executed notebook, with links that are correct from its own folder.
    Raises: CellExecutionError if a cell fails, DeadKernelError if Python itself fails.
    """
    path, target = Path(path).resolve(), Path(target).resolve()
    notebook, at = nbformat.read(path, as_version=4), {"cell": 0}
    client = NotebookClient(notebook, timeout=timeout_seconds, kernel_name="python3", coalesce_streams=True,
                            resources={"metadata": {"path": path.parent}},
                            on_cell_start=lambda cell, cell_index: at.update(cell=cell_index),
                            extra_arguments=["--log-level=ERROR"])  # no warnings among the lines of progress
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(target.with_suffix(".log"), "w", encoding="utf-8") as log, _reports(notebook, at, say):
            client.execute(stderr=log, env=dict(os.environ if environment is None else environment))
    finally:
        nbformat.write(_relinked(notebook, path.parent, target.parent), target)
    return notebook


@contextmanager
def _reports(notebook, at, say):
    """Report every few seconds the running cell, its section, and the last line that it printed."""
    done, total = threading.Event(), sum(cell.cell_type == "code" for cell in notebook.cells)

    def report():
        while not done.wait(SILENCE_SECONDS):
            so_far = notebook.cells[:at["cell"] + 1]
            number = max(sum(cell.cell_type == "code" for cell in so_far), 1)
            prose = "\n".join(cell.source for cell in so_far if cell.cell_type == "markdown")
            printed = "".join(output.text for output in so_far[-1].get("outputs", []) if output.output_type == "stream")
            heading = re.findall(r"^#+ (.*)", prose, re.MULTILINE)[-1:]
            lines = [line.strip() for line in re.split(r"[\r\n]", printed) if line.strip()][-1:]
            say(": ".join([", ".join([f"cell {number} of {total}", *heading]), *lines])[:MAX_COLUMNS])

    thread = threading.Thread(target=report, daemon=True)
    if say:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if say:
            thread.join()


def texts(notebook):
    """Find the texts of a notebook that may hold links: its Markdown cells, and HTML and Markdown in the outputs.

    Returns: list of (dict, key), where dict[key] is the text.
    """
    shown = [(cell, "source") for cell in notebook.cells if cell.cell_type == "markdown"]
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    return shown + [(output["data"], kind) for output in outputs for kind in ("text/html", "text/markdown")
                    if kind in output["data"]]


def links(notebook):
    """List the targets of a notebook's relative links: paths from its own folder, as str, each once."""
    found = [match[2] for where, key in texts(notebook) for match in LINK.finditer(where[key])]
    return list(dict.fromkeys(unquote(re.split("[#?]", link)[0]) for link in found if not ELSEWHERE.match(link)))


def _relinked(notebook, old, new):
    """A copy of the notebook in folder `new`, with links to the same files as in folder `old`."""

    def moved(match):
        if ELSEWHERE.match(match[2]):
            return match[0]
        path, rest = re.fullmatch("([^#?]*)(.*)", match[2]).groups()
        return match[1] + quote(Path(os.path.relpath(old / unquote(path), new)).as_posix()) + rest

    notebook = copy.deepcopy(notebook)
    for where, key in texts(notebook):
        where[key] = LINK.sub(moved, where[key])
    return notebook


def print_files(title, files):
    """Print one line for each kind and folder."""
    files = sorted(path.relative_to(ROOT) for path in files if path.is_file())
    for kind, suffixes in KINDS.items():
        chosen = [path for path in files if path.suffix in suffixes]
        if chosen:
            print(f"\n{kind}, {title}:")
        for folder, group in groupby(chosen, key=lambda path: path.parent):
            print(f"  {folder.as_posix()}/  {'  '.join(path.name for path in group)}")


def run(path, environment=None):
    """Run one of our notebooks into outputs/local/notebooks and print its progress; end the program if a cell fails.

    Returns: the executed notebook, as `execute`.
    """
    say = lambda line: print(f"{path.stem:14} {line}", flush=True)
    say(f"begins, {(environment or os.environ).get('BACH_MODE', 'load')}")
    began, target = time.time(), LOCAL / "notebooks" / path.name
    try:
        notebook = execute(path, target, say=say, environment=environment)
    except (CellExecutionError, DeadKernelError) as error:
        sys.exit(f"{path.stem} failed; see {target.relative_to(ROOT)}\n{error}")
    say(f"{(time.time() - began) / 60:.1f} min")
    return notebook


def main():
    start = time.time()
    first, *others = sorted((ROOT / "notebooks").glob("*.ipynb"))
    run(first)  # it exports the corpus, which the others read
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run, others))
    written = [path for path in LOCAL.rglob("*") if path.stat().st_mtime >= start]
    print_files("new", written)
    print_files("shipped", set((ROOT / "outputs").rglob("*")) - set(LOCAL.rglob("*")))
    print(f"\nThe notebooks with all their figures and players: {(LOCAL / 'notebooks').relative_to(ROOT).as_posix()}/")
    pages = (LOCAL / "gallery").relative_to(ROOT).as_posix()
    print(f"Open in a browser, to listen and to guess: {pages}/index.html")
    print(f"Open in a browser, to compose with the network: {pages}/play.html (also: make play)")


if __name__ == "__main__":
    main()
