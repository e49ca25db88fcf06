"""Rows become one table: in a notebook, as Markdown, and as CSV that comes back as it was."""

import math

import numpy as np
import pandas as pd
import pytest

from utils.show import table

ROWS = {"Bach": {"notes_per_bar": 17.558, "windows": 1234, "verdict": "healthy"},
        "a GAN": {"notes_per_bar": np.nan, "verdict": None, "nn": [0.25, 0.75, np.nan]}}


def test_a_table_by_hand():
    frame = table.show(ROWS)
    assert frame.columns.tolist() == ["notes per bar", "windows", "verdict", "nn"] and list(frame.index) == [
        "Bach",
        "a GAN",
    ]
    assert frame.to_numpy().tolist() == [["17.56", "1,234", "healthy", ""], ["", "", "", "0.50"]]


def test_decimals_are_given_for_all_or_column_by_column():
    rows = {"x": {"a": 1.26, "b": 2.26, "c": 1234.5}}
    assert table.show(rows, 1).to_numpy().tolist() == [["1.3", "2.3", "1,234.5"]]
    assert table.show(rows, {"a": 0, "c": 1}).to_numpy().tolist() == [["1", "2.26", "1,234.5"]]
    assert table.show(rows, {"a": ".0%"}).to_numpy().tolist() == [["126%", "2.26", "1,234.50"]]


@pytest.mark.parametrize(
    "value, text",
    [
        (3, "3"),
        (np.int64(3_000), "3,000"),
        (np.float32(0.5), "0.50"),
        ("text", "text"),
        (None, ""),
        (math.nan, ""),
        (np.float64(math.nan), ""),
        ([1, 2], "1.50"),
        (np.array([1.0, 2.0]), "1.50"),
        ((math.nan,), ""),
        ([], ""),
    ],
)
def test_every_kind_of_cell(value, text):
    assert table.show([{"column": value}]).to_numpy().tolist() == [[text]]


def test_rows_may_have_no_names_and_a_table_no_rows():
    frame = table.show([{"a": 1}, {"b": 2}])
    assert list(frame.index) == ["", ""] and frame.to_numpy().tolist() == [["1", ""], ["", "2"]]
    assert table.show([]).empty and table.show({}).empty


def test_markdown_by_hand():
    assert table.markdown(table.show(ROWS)).splitlines() == [
        "|  | notes per bar | windows | verdict | nn |", "| --- | --- | --- | --- | --- |",
        "| Bach | 17.56 | 1,234 | healthy |  |", "| a GAN |  |  |  | 0.50 |"]


def test_what_is_written_is_read_again(tmp_path):
    rows = [{"name": "a, b", "count": 3, "value": 0.5, "late": 1.25}, {"name": 'say "c"', "count": -1, "value": None}]
    table.write_csv(rows, tmp_path / "deep" / "rows.csv")
    read = table.read_csv(tmp_path / "deep" / "rows.csv")
    assert read["name"].tolist() == ["a, b", 'say "c"'] and read["count"].tolist() == [3, -1]
    assert read["count"].dtype == np.int64 and read["value"].dtype == np.float64
    pd.testing.assert_frame_equal(read, pd.DataFrame(rows), check_dtype=False)
    table.write_csv(read, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "deep" / "rows.csv").read_bytes()


def test_floats_are_cut_to_so_many_digits(tmp_path):
    table.write_csv([{"x": 123456.789, "y": 0.000123456789}], tmp_path / "a.csv", significant=3)
    assert (tmp_path / "a.csv").read_text() == "x,y\n1.23e+05,0.000123\n"


def test_a_table_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    table.write_csv([{"x": 1}], tmp_path / "a.csv")

    def stop(frame, path, **settings):
        path.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", stop)
    with pytest.raises(KeyboardInterrupt):
        table.write_csv([{"x": 2}], tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"] and table.read_csv(tmp_path / "a.csv")[
        "x"
    ].tolist() == [1]
