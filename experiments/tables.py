"""Tidy tables on disk: Parquet and CSV with the same content, exact floats, and no cell that runs."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.store import write_bytes
from simulation.errors import StoreError, shown

# A text cell that starts with one of these is a formula to a spreadsheet, so it gets an apostrophe in front;
# so does one that starts with an apostrophe, which makes the guard reversible.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write `table` to `<path>.parquet` and `<path>.csv`, without its index; both hold the same cells.

    Floats are written in the shortest form that reads back to the same bits; NaN is an empty cell in the CSV,
    and a missing text is an empty text.
    Raises `StoreError` for columns that neither format holds exactly.
    """
    guarded = _guarded(table)
    write_bytes(path.with_name(f"{path.name}.parquet"), _parquet(guarded))
    text = guarded.to_csv(index=False, lineterminator="\n")
    write_bytes(path.with_name(f"{path.name}.csv"), text.encode("utf-8"))


def read_table(path: Path) -> pd.DataFrame:
    """Read back what `write_table` wrote to `path` (given without its ending), from the Parquet file."""
    return _unguarded(pd.read_parquet(path.with_name(f"{path.name}.parquet")))


def guard(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def unguard(text: str) -> str:
    """Undo `guard`."""
    return text[1:] if text.startswith("'") else text


def _guarded(table: pd.DataFrame) -> pd.DataFrame:
    names = [str(name) for name in table.columns]
    if len(set(names)) != len(names):
        raise StoreError(f"columns: names must differ (got {shown(names)})")
    columns = {guard(name): _column(table.iloc[:, i], name) for i, name in enumerate(names)}
    return pd.DataFrame(columns, index=range(len(table)))


def _column(column: pd.Series, name: str) -> "pd.Series | np.ndarray":
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.dtype.categories.dtype)
    if _is_text(column.dtype):
        cells = ["" if missing else cell for cell, missing in zip(column, column.isna(), strict=True)]
        return pd.Series([guard(_clean(cell, name)) for cell in cells], dtype="str")
    kinds = pd.api.types
    numeric = kinds.is_numeric_dtype(column.dtype) and not kinds.is_complex_dtype(column.dtype)
    if not numeric and not kinds.is_datetime64_any_dtype(column.dtype):
        raise StoreError(f"column {shown(name)}: must hold text, numbers or times (got {column.dtype})")
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.reset_index(drop=True)


def _clean(cell: object, name: str) -> str:
    if not isinstance(cell, str):
        raise StoreError(f"column {shown(name)}: mixes text with other things (got {shown(cell)})")
    if "\0" in cell or "\r" in cell or any(0xD800 <= ord(letter) < 0xE000 for letter in cell):
        raise StoreError(f"column {shown(name)}: cannot be written as text (got {shown(cell)})")
    return cell


def _unguarded(table: pd.DataFrame) -> pd.DataFrame:
    table = table.rename(columns=unguard)
    for name, kind in table.dtypes.items():
        if _is_text(kind):
            table[name] = [unguard(cell) for cell in table[name]]
    return table


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    table.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def _is_text(kind: object) -> bool:
    return pd.api.types.is_string_dtype(kind) or pd.api.types.is_object_dtype(kind)
