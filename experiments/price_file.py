"""Open a user's price file: strict, in bounded memory, every refusal with file, line and column.

A CSV is UTF-8, comma separated, with a point in its numbers; a byte order mark and CRLF are fine. Nothing is
guessed: `#N/A`, `1,5`, `1_000` or a compressed file are refused.
"""

import csv
import difflib
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulation.arrays import Array, Index
from simulation.errors import PriceDataError, shown

LARGEST_CSV = 32 * 2**20
MOST_CSV_CELLS = 4_000_000  # each takes about a hundred bytes while the file is read
LARGEST_PARQUET = 512 * 2**20
MOST_CELLS = 30_000_000
LONGEST_LINE = 10_000  # characters
MOST_PROBLEMS = 20
COMPRESSED = {".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz"}
_MAGIC = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?)?", re.ASCII)
_SECONDS = (1e8, 1e11)  # Unix time: below is no plausible date, above it is in milliseconds
_INDEX = "__index_level_0__"
_BLANK = ("", "nan", "NaN")


@dataclass(frozen=True)
class Column:
    """One column of a file: cells as read (text, or an array of a Parquet type) and the line each stands in."""

    source: str
    name: str
    cells: Any
    line: Index

    def take(self, rows: Index) -> "Column":
        """Return the column of these rows only."""
        cells = [self.cells[i] for i in rows] if isinstance(self.cells, list) else self.cells[rows]
        return Column(self.source, self.name, cells, self.line[rows])

    def problem(self, row: int, wanted: str, got: object) -> str:
        """Return the line that says what is wrong in this row."""
        return f"{self.source}:{self.line[row]}: column '{self.name}': {wanted} (got {shown(got)})"

    def texts(self) -> list[str]:
        """Return the cells as text."""
        if isinstance(self.cells, list):
            return self.cells
        if self.cells.dtype.kind not in "OUT":
            raise PriceDataError(f"{self.source}:1: column '{self.name}': must be text (got {self.cells.dtype})")
        return ["" if cell is None or cell != cell else str(cell) for cell in self.cells]  # noqa: PLR0124

    def prices(self) -> Array:
        """Return the cells as finite numbers above 0; NaN where a cell is blank."""
        numbers, unreadable = self._numbers()
        wrong = unreadable | ~(np.isnan(numbers) | ((numbers > 0) & np.isfinite(numbers)))
        if wrong.any():
            raise PriceDataError([self._bad_price(row) for row in np.flatnonzero(wrong)[:MOST_PROBLEMS]])
        return numbers

    def times(self) -> pd.DatetimeIndex:
        """Return the cells as UTC times (microseconds): ISO 8601, or Unix time in seconds or milliseconds."""
        if not isinstance(self.cells, list) and self.cells.dtype.kind == "M":
            found = pd.DatetimeIndex(self.cells).as_unit("us")
        elif isinstance(self.cells, list) and not all(map(str.isdecimal, self.cells)):
            found = self._calendar(self.cells)
        elif not isinstance(self.cells, list) and self.cells.dtype.kind in "OUT":
            found = self._calendar([str(cell) for cell in self.cells])
        else:
            found = self._unix(self._numbers()[0])
        if found.isna().any():
            rows = np.flatnonzero(found.isna())[:MOST_PROBLEMS]
            wanted = "must be a time: ISO 8601 such as 2025-10-10T21:00Z, or Unix seconds or milliseconds"
            raise PriceDataError([self.problem(row, wanted, self.cells[row]) for row in rows])
        return found.tz_localize("UTC") if found.tz is None else found

    def _numbers(self) -> tuple[Array, Any]:
        if not isinstance(self.cells, list):
            if self.cells.dtype.kind not in "iuf":
                kind = "text" if self.cells.dtype.kind in "OUT" else self.cells.dtype
                raise PriceDataError(f"{self.source}:1: column '{self.name}': must hold numbers (got {kind})")
            return self.cells.astype(float), np.zeros(len(self.cells), bool)
        readable = [_NUMBER.fullmatch(cell) is not None for cell in self.cells]
        pairs = zip(self.cells, readable, strict=True)
        numbers = [float(cell) if fine else np.nan for cell, fine in pairs]
        blank = np.array([cell in _BLANK for cell in self.cells], bool)
        return np.array(numbers, float), ~(np.array(readable, bool) | blank)

    def _bad_price(self, row: int) -> str:
        cell = self.cells[row] if isinstance(self.cells, list) else float(self.cells[row])
        comma = isinstance(cell, str) and re.fullmatch(r"\d+,\d+", cell)
        hint = "; hint: decimals with a point" if comma else ""
        return self.problem(row, "must be a finite number greater than 0", cell) + hint

    @staticmethod
    def _calendar(cells: Sequence[str]) -> pd.DatetimeIndex:
        texts = [cell.removesuffix(" UTC") if TIME.fullmatch(cell) else None for cell in cells]
        return pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")).as_unit("us")

    @staticmethod
    def _unix(numbers: Array) -> pd.DatetimeIndex:
        least, most = _SECONDS
        scale = np.where(numbers < most, 1e6, 1e3)
        plausible = (numbers >= least) & (numbers < most * 1e3) & (numbers == np.rint(numbers))
        micros = np.where(plausible, numbers * scale, np.iinfo(np.int64).min)
        return pd.DatetimeIndex(micros.astype(np.int64).view("datetime64[us]"))


def read_columns(path: str | Path) -> dict[str, Column]:
    """Return the columns of a CSV or Parquet file by name, or raise `PriceDataError`."""
    file = Path(path)
    ending = file.suffix.lower()
    size = _regular_size(file)
    if ending in COMPRESSED:
        raise PriceDataError("compressed input is not supported", file.name)
    if ending not in {".csv", ".parquet"}:
        raise PriceDataError(f"unsupported type {shown(ending)}; use .csv or .parquet", file.name)
    limit = LARGEST_CSV if ending == ".csv" else LARGEST_PARQUET
    if size > limit:
        hint = "; hint: store it as Parquet" if ending == ".csv" else ""
        raise PriceDataError(f"file has {size / 2**20:,.0f} MiB; limit {limit / 2**20:,.0f} MiB{hint}", file.name)
    columns = _read_csv(file, limit) if ending == ".csv" else _read_parquet(file)
    if not len(next(iter(columns.values())).line):
        raise PriceDataError("has no rows", file.name)
    return columns


def _regular_size(file: Path) -> int:
    try:
        status = file.stat()
    except OSError as error:
        try:
            beside = [other.name for other in file.parent.iterdir()]
        except OSError:
            beside = []
        near = difflib.get_close_matches(file.name, beside, 1)
        hint = f"; hint: similar file '{near[0]}'" if near else ""
        why = "price file not found" if isinstance(error, FileNotFoundError) else error.strerror
        raise PriceDataError(f"{why}: {file.name}{hint}") from error
    if not stat.S_ISREG(status.st_mode):
        raise PriceDataError("not a regular file", file.name)
    return status.st_size


def _read_csv(file: Path, limit: int) -> dict[str, Column]:
    with file.open("rb") as opened:
        raw = opened.read(limit)
    lines = _lines(raw, file.name)
    header = _cells(lines[0], 1, file.name)
    _check_header(header, file.name)
    rows = []
    for number, line in enumerate(lines[1:], 2):
        cells = _cells(line, number, file.name)
        if len(cells) != len(header):
            hint = "; hint: decimals with a point, no thousands separator" if len(cells) > len(header) else ""
            counted = f"must have {len(header)} cells like the header (got {len(cells)})"
            raise PriceDataError(f"{counted}{hint}", f"{file.name}:{number}")
        rows.append(cells)
    line = np.arange(2, len(rows) + 2)
    columns = zip(*rows, strict=True) if rows else [()] * len(header)
    return {name: Column(file.name, name, list(cells), line) for name, cells in zip(header, columns, strict=True)}


def _lines(raw: bytes, name: str) -> list[str]:
    """Return the lines of a CSV without their ends; the last may lack one."""
    if raw.startswith(_MAGIC):
        raise PriceDataError("compressed input is not supported", name)
    if not raw.strip():
        raise PriceDataError("file is empty", name)
    if (cells := raw.count(b",") + raw.count(b"\n")) > MOST_CSV_CELLS:
        raise PriceDataError(f"file has {cells:,} cells; limit {MOST_CSV_CELLS:,}; hint: store it as Parquet", name)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = f"not UTF-8 (byte 0x{raw[error.start]:02X} at offset {error.start})"
        raise PriceDataError(wrong, name) from None
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise PriceDataError(f"line longer than {LONGEST_LINE:,} characters", f"{name}:{number}")
    return [line.removesuffix("\r") for line in lines]


def _cells(line: str, number: int, name: str) -> list[str]:
    where = f"{name}:{number}"
    if not line.strip():
        raise PriceDataError("blank line", where)
    if not line.isprintable() and (bad := [letter for letter in line if ord(letter) < 32 or ord(letter) == 127]):
        raise PriceDataError(f"control character U+{ord(bad[0]):04X}", where)
    if '"' not in line:
        return [cell.strip() for cell in line.split(",")]
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True))]
    except csv.Error:
        raise PriceDataError("a quoted cell must end on its line", where) from None


def _read_parquet(file: Path) -> dict[str, Column]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            names = _without_index(opened.schema_arrow)
            rows = opened.metadata.num_rows
            _check_header(names, file.name)
            if rows * len(names) > MOST_CELLS:
                raise PriceDataError(f"file has {rows * len(names):,} cells; limit {MOST_CELLS:,}", file.name)
            table = opened.read()
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PriceDataError(f"not a readable Parquet file ({shown(first)})", file.name) from None
    line = np.arange(1, table.num_rows + 1)
    columns = zip(names, table.columns, strict=True)
    return {
        name: Column(file.name, name, _array(column.to_pandas()), line) for name, column in columns if name != _INDEX
    }


def _without_index(schema: Any) -> list[str]:
    """Return the column names; the nameless index pandas may have stored is the time if it holds times."""
    names = list(schema.names)
    if _INDEX in names:
        import pyarrow as pa

        at = names.index(_INDEX)
        names[at] = "time" if pa.types.is_temporal(schema.field(at).type) else _INDEX
    return names


def _array(column: pd.Series) -> Any:
    """Return a numpy array; times as naive UTC, text as objects."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.dtype.categories.dtype)
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.to_numpy(object)


def _check_header(names: Sequence[str], source: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise PriceDataError(f"column {shown(name)}: occurs more than once", f"{source}:1")
        if not name:
            raise PriceDataError(f"every column must have a name (got {shown(list(names))})", f"{source}:1")
