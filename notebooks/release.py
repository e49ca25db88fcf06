"""Make what is shipped of notebook 05 anew: its table and page, the table in the README, and the manifest of all outputs.

    python notebooks/release.py
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from notebooks import run_all
from utils import files, runs

BEGIN, END = "<!-- results: written by make release -->\n", "<!-- end of results -->\n"
RESULTS = ROOT / "outputs" / "evaluation" / "results.json"
DIGITS = {"notes a bar": 1, "copied": 0}


def table(results):
    """Write the results of notebook 05, a dict as in results.json, as a table in Markdown; what is unknown stays empty."""
    columns = list(dict.fromkeys(column for row in results["rows"].values() for column in row))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in results["rows"].items():
        cells = [f"{row[column]:.{DIGITS.get(column, 2)}f}" if row.get(column) == row.get(column) is not None else ""
                 for column in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def with_table(readme, results):
    """Put the table between its two marks in the text of the README."""
    before, rest = readme.split(BEGIN)
    return before + BEGIN + table(results) + END + rest.split(END)[1]


def main():
    os.environ["BACH_MODE"] = "train"  # what this notebook writes is the shipped files
    path = ROOT / "notebooks" / "05_evaluation.ipynb"
    run_all.execute(path, ROOT / "outputs" / "local" / "notebooks" / path.name)
    readme, results = ROOT / "README.md", json.loads(RESULTS.read_text(encoding="utf-8"))
    text = with_table(readme.read_text(encoding="utf-8"), results)
    with files.whole(readme) as temporary:
        temporary.write_text(text, encoding="utf-8")
    runs.write_manifest(ROOT)
    print("written: outputs/evaluation, outputs/gallery, outputs/MANIFEST.json, the table in README.md")


if __name__ == "__main__":
    main()
