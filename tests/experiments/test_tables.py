"""A table comes back as it went out, from either file, and runs nothing in a spreadsheet."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.tables import DANGEROUS, guard, read_table, unguard, write_table
from simulation.errors import StoreError

NUMBERS = [0.1 + 0.2, 5e-324, -0.0, 1.7976931348623157e308, float("nan"), float("inf"), -float("inf"), 1 / 3]


def mixed():
    return pd.DataFrame(
        {
            "run": range(8),
            "scenario": ["12e45678", "0012", "NA", "nan", "", "True", 'a "quoted", cell', "line\nbreak"],
            "value": NUMBERS,
            "large": [2**60 + 1, 2**53 + 1, -(2**62), 0, 1, 2, 3, 4],
            "solvent": [True, False] * 4,
            "at": pd.date_range("2025-10-10", periods=8, freq="h", tz="UTC"),
        }
    )


def read_csv_table(path):
    """The CSV twin, read without pandas; the types are those of the Parquet file."""
    with path.with_name(f"{path.name}.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    columns = {}
    for i, (name, kind) in enumerate(pd.read_parquet(path.with_name(f"{path.name}.parquet")).dtypes.items()):
        assert header[i] == name
        cells = [row[i] for row in rows]
        if kind == "float64":
            cells = np.array([float(cell or "nan") for cell in cells])
        elif kind == "int64":
            cells = np.array([int(cell) for cell in cells], np.int64)
        elif kind == "bool":
            cells = np.array([{"True": True, "False": False}[cell] for cell in cells], bool)
        elif str(kind).startswith("datetime"):
            cells = pd.to_datetime(cells, utc=True).astype(kind)
        else:
            cells = [unguard(cell) for cell in cells]
        columns[unguard(name)] = cells
    return pd.DataFrame(columns)


def bits(table):
    return [c.to_numpy().tobytes() if c.dtype.kind in "fiub" else list(c) for _, c in table.items()]


def test_both_files_hold_the_same_cells_to_the_last_bit(tmp_path):
    write_table(mixed(), tmp_path / "runs")
    parquet, text = read_table(tmp_path / "runs"), read_csv_table(tmp_path / "runs")
    assert bits(parquet) == bits(text) == bits(mixed())
    assert list(parquet.columns) == list(text.columns) == list(mixed().columns)


@given(st.lists(st.floats(width=64), min_size=1, max_size=20))
def test_every_float_survives(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("t") / "x"
    write_table(pd.DataFrame({"x": values}), path)
    for table in (read_table(path), read_csv_table(path)):
        assert np.array_equal(table["x"], np.array(values), equal_nan=True)
        assert np.array_equal(np.signbit(table["x"]), np.signbit(values)) or np.isnan(values).any()


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r")))
def test_the_guard_is_reversible_and_leaves_no_formula(text):
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(tuple("=+-@\t\r\n"))


def test_no_text_cell_or_column_name_starts_a_formula_and_numbers_stay_numbers(tmp_path):
    cells = [f"{start}cmd|' /C calc'!A0" for start in DANGEROUS if start != "\r"] + ["plain"]
    write_table(pd.DataFrame({"=name": cells, "loss": [-1.5] * len(cells)}), tmp_path / "t")
    with (tmp_path / "t.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["'=name", "loss"]
    assert all(row[0] == "plain" or row[0].startswith("'") for row in rows)
    assert {row[1] for row in rows} == {"-1.5"}
    assert list(read_table(tmp_path / "t")["=name"]) == cells
    assert list(read_csv_table(tmp_path / "t")["=name"]) == cells


def test_equal_tables_give_equal_bytes(tmp_path):
    for name in ("one", "two"):
        write_table(mixed(), tmp_path / name)
    for ending in ("csv", "parquet"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_the_index_is_not_written_and_does_not_matter(tmp_path):
    write_table(mixed().set_index(pd.Index(range(8, 0, -1))), tmp_path / "t")
    assert bits(read_table(tmp_path / "t")) == bits(mixed())


def test_a_name_with_dots_keeps_them(tmp_path):
    write_table(mixed(), tmp_path / "runs.v1.0")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs.v1.0.csv", "runs.v1.0.parquet"]


def test_categories_and_missing_text_become_plain_text(tmp_path):
    table = pd.DataFrame({"kind": pd.Categorical(["b", "a"]), "note": ["x", None]})
    write_table(table, tmp_path / "t")
    for read in (read_table, read_csv_table):
        assert read(tmp_path / "t").to_dict("list") == {"kind": ["b", "a"], "note": ["x", ""]}


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    write_table(mixed().iloc[:0], tmp_path / "t")
    for read in (read_table, read_csv_table):
        assert list(read(tmp_path / "t").columns) == list(mixed().columns)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"a": ["x", 1]}), "mixes text with other things"),
        (pd.DataFrame({"a": [[1], [2]]}), "mixes text with other things"),
        (pd.DataFrame({"a": [2**70, 1]}), "mixes text with other things"),
        (pd.DataFrame({"a": [1 + 2j]}), "must hold text, numbers or times"),
        (pd.DataFrame({"a": [pd.Timedelta("1h")]}), "must hold text, numbers or times"),
        (pd.DataFrame({"a": ["=\0x"]}), "cannot be written as text"),
        (pd.DataFrame({"a": ["\r=x"]}), "cannot be written as text"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "names must differ"),
    ],
)
def test_what_neither_file_can_hold_is_refused_before_anything_is_written(tmp_path, table, message):
    with pytest.raises(StoreError, match=message):
        write_table(table, tmp_path / "t")
    assert list(tmp_path.iterdir()) == []
