"""Rows of numbers as a table: in a notebook, as Markdown for a page or a report, and as CSV, with pandas."""

from pathlib import Path

import numpy as np
import pandas as pd

from utils import files

UNKNOWN = ""  # shown for NaN and None


def show(rows, digits=2):
    """Format rows of numbers as a table of text, for a notebook.

    Args: rows: dict of row name -> dict of column -> float, int, str, None or a list of these, shown as its mean if
        they are numbers; or list of dicts, rows without a name. digits: decimals of a float, or its format such as
        ".0%"; or a dict of column -> either, 2 decimals for the others.
    Returns: pandas.DataFrame of str; columns in order of appearance, with spaces for underscores, empty if unknown.
    Notebook: 01, "Bach and the baselines".
    """
    named = rows if isinstance(rows, dict) else dict(enumerate(rows))
    columns = list(dict.fromkeys(column for row in named.values() for column in row))
    decimals = digits if isinstance(digits, dict) else dict.fromkeys(columns, digits)
    cells = [[_text(row.get(column), decimals.get(column, 2)) for column in columns] for row in named.values()]
    index = list(named) if isinstance(rows, dict) else [""] * len(named)
    return pd.DataFrame(cells, index, [str(column).replace("_", " ") for column in columns])


def markdown(frame):
    """Write what `show` returned as a Markdown table: str, a line for the head, one for the rule, one per row."""
    lines = [["", *frame.columns], ["---"] * (len(frame.columns) + 1), *([name, *row] for name, row in zip(
        frame.index, frame.to_numpy()))]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def write_csv(rows, path, significant=5):
    """Write rows as CSV, whole or not at all; its folder is created if missing.

    Args: rows: list of dicts; missing values stay empty. path: str or Path. significant: digits of a float.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.whole(path) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, float_format=f"%.{significant}g", lineterminator="\n")


def read_csv(path):
    """Read what `write_csv` wrote: pandas.DataFrame, numbers as numbers, NaN for an empty cell."""
    return pd.read_csv(path)


def _text(value, digits):
    """One cell."""
    if isinstance(value, (list, tuple, np.ndarray)):
        value = np.asarray(value, float)
        value = float(np.nanmean(value)) if np.isfinite(value).any() else None
    if value is None or isinstance(value, float) and np.isnan(value):
        return UNKNOWN
    if isinstance(value, (float, np.floating)):
        return format(value, digits if isinstance(digits, str) else f",.{digits}f")
    return f"{value:,}" if isinstance(value, (int, np.integer)) else str(value)
