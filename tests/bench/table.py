"""Rows of the benchmark table, how they are timed, and how they are shown."""

import time
from typing import NamedTuple


class Row(NamedTuple):
    """One thing measured, beside what it should reach and what it is compared with in the same run."""

    what: str
    value: float
    unit: str
    goal: str = ""  # such as "at most 40"
    rival: str = ""  # what the other figure belongs to
    rival_value: float | None = None  # in the same unit
    ratio: float | None = None  # how many times better than the rival


def seconds(run, repeats=1):
    """Time a call: (the fewest seconds of so many repeats, what the last one returned)."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return min(times), result


def show(rows):
    """The rows as lines of text, columns aligned."""
    def number(value):
        return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    cells = [("", "measured", "", "goal", "compared with", "its figure", "ratio")] + [
        (row.what, number(row.value), row.unit, row.goal, row.rival, number(row.rival_value),
         number(row.ratio) + " x" * (row.ratio is not None)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    align = "<><<<>>"
    return "\n".join("  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, align, widths)).rstrip()
                     for line in cells)
