"""Make all shipped files again: the saved notebooks, their files in outputs/, the README's table and the manifest.

    python notebooks/release.py                     run all notebooks in `load` mode and save them in place
    python notebooks/release.py --mode train 02 05  first train their networks again, or write 05's files again

The notebooks run with BACH_RELEASE=1, so that their files go to the tracked folders outputs/<run>/, and the links under
their players lead there.
"""

import argparse
import copy
import os
import sys
from datetime import datetime
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from notebooks import run_all
from utils import files, runs
from utils.show import table

BEGIN, END = "<!-- results: written by make release -->\n", "<!-- end of results -->\n"
RESULTS = ROOT / "outputs" / "evaluation" / "results.json"
DIGITS = {"notes per bar": 1, "copied": 0}
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"}}  # the same on every machine


def with_table(readme, results):
    """Put the results of notebook 05, a dict as in results.json, between the two marks in the text of the README."""
    before, rest = readme.split(BEGIN)
    return before + BEGIN + table.markdown(table.show(results["rows"], DIGITS)) + "\n" + END + rest.split(END)[1]


def save(notebook, path):
    """Save an executed notebook, whole or not at all: outputs as they are, metadata without details of one run.

    The duration of each cell stays, as `seconds` in its metadata.
    """
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        times = cell.metadata.pop("execution", {})
        if cell.cell_type == "code":
            start, end = (datetime.fromisoformat(times[f"iopub.status.{state}"]) for state in ("busy", "idle"))
            cell.metadata["seconds"] = round((end - start).total_seconds(), 1)
    with files.whole(path) as temporary:
        nbformat.write(notebook, temporary)


def chosen(names):
    """List the notebooks whose names begin with one of `names`, in order; without names, all of them."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for name in names:
        if not any(path.stem.startswith(name) for path in paths):
            raise ValueError(f"no notebook begins with {name!r}: choose among {', '.join(path.stem for path in paths)}")
    return [path for path in paths if not names or path.stem.startswith(tuple(names))]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="notebook", help="start of its name, such as 02; by default all")
    parser.add_argument("--mode", choices=("load", "train"), default="load", help="train: first make the runs again")
    given = parser.parse_args(arguments)
    try:
        paths = chosen(given.names)
    except ValueError as error:
        parser.error(str(error))
    environment = {name: value for name, value in os.environ.items() if name != "BACH_SEED"} | {"BACH_RELEASE": "1"}
    for path in paths:
        if given.mode == "train":
            run_all.run(path, environment | {"BACH_MODE": "train"})
        save(run_all.run(path, environment | {"BACH_MODE": "load"}), path)  # saved as a reader sees it
    readme, results = ROOT / "README.md", runs.read_json(RESULTS)
    text = with_table(readme.read_text(encoding="utf-8"), results)
    with files.whole(readme) as temporary:
        temporary.write_text(text, encoding="utf-8")
    runs.write_manifest(ROOT)
    print("saved: the notebooks, their files in outputs/, the table in README.md, outputs/MANIFEST.json")


if __name__ == "__main__":
    main()
