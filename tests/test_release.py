"""The README's table is the one that the results give."""

import json
from pathlib import Path

import pytest

from notebooks import release

ROOT = Path(__file__).resolve().parents[1]
RESULTS = {"rows": {"Bach": {"notes a bar": 17.56, "critic's AUC": 0.5}, "a GRU": {"notes a bar": 12.0, "critic's AUC": float("nan"),
                                                                                "copied": 9.6}}}


def test_a_table_keeps_empty_what_is_unknown():
    assert release.table(RESULTS).splitlines() == ["| | notes a bar | critic's AUC | copied |", "|---|---|---|---|",
                                                   "| Bach | 17.6 | 0.50 |  |", "| a GRU | 12.0 |  | 10 |"]


def test_only_the_table_changes():
    readme = f"before\n{release.BEGIN}old\n{release.END}after\n"
    assert release.with_table(readme, RESULTS) == f"before\n{release.BEGIN}{release.table(RESULTS)}{release.END}after\n"
    with pytest.raises(ValueError):
        release.with_table("no marks", RESULTS)


def test_the_readme_shows_the_shipped_results():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert release.with_table(readme, json.loads(release.RESULTS.read_text(encoding="utf-8"))) == readme
