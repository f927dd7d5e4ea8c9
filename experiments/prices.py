"""A user's own prices: a regular grid of closes, one column a symbol, no hole in it, or a refusal that says where.

Two layouts are read, from CSV or Parquet. Wide: a time column and one column of closes a symbol. Long: `time`,
`symbol` and `close`, perhaps with `open`, `high`, `low`, `volume`, `event` and `kind`; only closes are used.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

import numpy as np
import pandas as pd

from experiments.price_choice import Choice, checked, chosen_symbols, refuse, rows_of, window
from experiments.price_file import MOST_CELLS, MOST_PROBLEMS, Column, read_columns
from simulation.arrays import Array, Index
from simulation.errors import PriceDataError, shown

TIME_NAMES = ("time", "timestamp", "date", "datetime", "bar_open_utc", "open_time")
LONG = ("symbol", "close", "open", "high", "low", "volume", "event", "kind")
_HINT = 'choose symbols or a window, or fill="previous"'


@dataclass(frozen=True, eq=False)
class PriceTable:
    """Closes at regular times: `prices` (T, m), finite and above 0; `times` (T,), UTC; `names` (m,)."""

    times: pd.DatetimeIndex
    names: tuple[str, ...]
    prices: Array
    source: str = ""

    def __len__(self) -> int:
        """Return the number of rows T; they make T - 1 steps."""
        return len(self.times)

    @property
    def step_seconds(self) -> float:
        """Seconds from one row to the next."""
        first, second = self.times.asi8[:2].tolist()
        return pd.Timedelta(second - first, self.times.unit).total_seconds()

    def frame(self) -> pd.DataFrame:
        """Return the prices as a table: times down, symbols across."""
        return pd.DataFrame(self.prices, self.times, list(self.names))


@dataclass(frozen=True, eq=False)
class _Grid:
    """Closes before the last checks: NaN where there is none; `line` (T, m) is where each stands, 0 nowhere."""

    source: str
    times: pd.DatetimeIndex
    names: list[str]
    prices: Array
    line: Index


def read_prices(path: str | Path, **choice: Unpack[Choice]) -> PriceTable:
    """Read closes from a CSV or Parquet file and return them as a `PriceTable`.

    `symbols` picks columns and their order; `start` and `end` a window, both ends included, in UTC where no zone
    is given; `event` and `kind` rows of a long file; `fill="previous"` repeats the last close over blank cells
    and missing rows inside the window. Outside of what is chosen a file may have holes, inside it may not.
    Raises `PriceDataError` with up to 20 lines `<file>:<line>: column '<name>': must be ... (got ...)`; in a
    Parquet file the line is the row, counted from 1.
    """
    wanted = checked(**choice)
    columns = read_columns(path)
    grid = (_read_long if "symbol" in columns else _read_wide)(columns, wanted)
    if len(grid.times) < 2:
        refuse(grid.source, f"must have at least 2 rows in the window (got {len(grid.times)})")
    fill = wanted.get("fill") == "previous"
    grid = _on_regular_times(grid, fill)
    if fill:
        grid = replace(grid, prices=_filled(grid.prices))
    _check_no_holes(grid, "nothing before it to repeat, start later" if fill else _HINT)
    return PriceTable(grid.times, tuple(grid.names), grid.prices, grid.source)


def _read_wide(columns: dict[str, Column], choice: Choice) -> _Grid:
    time = _time_column(columns)
    others = [name for name in columns if name != time.name]
    for name in others:
        if name.casefold() in LONG:
            wanted = f"a long file needs time, symbol, close; in a wide one '{name}' is no symbol"
            refuse(f"{time.source}:1", f"column 'symbol': must be there ({wanted})")
    if not others:
        refuse(f"{time.source}:1", "must have a column of prices beside the time (got none)")
    for name in ("event", "kind"):
        rows_of(None, name, choice.get(name), time.line)
    names = chosen_symbols(time.source, others, choice)
    times = time.times()
    _check_rising(time, times, "")
    rows = np.flatnonzero(window(times, choice, time.source))
    prices = _each([columns[name].take(rows).prices for name in names])
    line = np.repeat(time.line[rows, None], len(names), axis=1)
    return _Grid(time.source, times[rows], names, np.column_stack(prices), line)


def _read_long(columns: dict[str, Column], choice: Choice) -> _Grid:
    time = _time_column(columns)
    _check_long_header(columns, time)
    rows = np.arange(len(time.line))
    for name in ("event", "kind"):
        rows = rows_of(columns.get(name), name, choice.get(name), rows)
    symbols = np.array(columns["symbol"].texts(), object)
    names = chosen_symbols(time.source, list(dict.fromkeys(symbols[rows])), choice)
    times = time.times()
    parts = [rows[symbols[rows] == name] for name in names]
    for name, part in zip(names, parts, strict=True):
        _check_rising(time.take(part), times[part], f" of {name}")
    inside = window(times[np.concatenate(parts)], choice, time.source)
    parts = np.split(np.concatenate(parts), np.cumsum([len(part) for part in parts])[:-1])
    keep = np.split(inside, np.cumsum([len(part) for part in parts])[:-1])
    parts = [part[mask] for part, mask in zip(parts, keep, strict=True)]
    return _pivot(columns["close"], times, names, parts)


def _pivot(close: Column, times: pd.DatetimeIndex, names: list[str], parts: list[Index]) -> _Grid:
    grid = times[np.unique(np.concatenate(parts))].unique().sort_values()
    prices = np.full((len(grid), len(names)), np.nan)
    line = np.zeros(prices.shape, np.intp)
    closes = _each([close.take(part).prices for part in parts])
    for j, (part, values) in enumerate(zip(parts, closes, strict=True)):
        at = grid.get_indexer(times[part])
        prices[at, j], line[at, j] = values, close.line[part]
    return _Grid(close.source, grid, names, prices, line)


def _time_column(columns: dict[str, Column]) -> Column:
    found = [column for name, column in columns.items() if name.casefold() in TIME_NAMES]
    source = next(iter(columns.values())).source
    if len(found) != 1:
        names = list(columns)
        semicolon = "; hint: cells are separated by commas" if len(names) == 1 and ";" in names[0] else ""
        wanted = f"column 'time': must be there once, as {', '.join(TIME_NAMES)}"
        refuse(f"{source}:1", f"{wanted} (got {shown(names)}){semicolon}")
    return found[0]


def _check_long_header(columns: dict[str, Column], time: Column) -> None:
    if "close" not in columns:
        refuse(f"{time.source}:1", f"column 'close': must be there (got {shown(list(columns))})")
    for name in columns:
        if name not in LONG and name != time.name:
            near = difflib.get_close_matches(name, LONG, 1)
            hint = f"; hint: did you mean '{near[0]}'?" if near else ""
            refuse(f"{time.source}:1", f"column {shown(name)}: must be one of time, {', '.join(LONG)}{hint}")


def _check_rising(time: Column, times: pd.DatetimeIndex, whose: str) -> None:
    """Raise unless the rows stand in the order of time, each time once."""
    problems = []
    for row in np.flatnonzero(np.diff(times.asi8) <= 0)[:MOST_PROBLEMS] + 1:
        same = times.asi8[row] == times.asi8[row - 1]
        wanted = "must occur once" if same else "must come after the row before"
        problems.append(time.problem(row, f"{wanted}{whose}", _stamp(times, row)))
    if problems:
        raise PriceDataError(problems)


def _on_regular_times(grid: _Grid, fill: bool) -> _Grid:
    """Return the grid if its times are equally spaced; with `fill`, put rows of NaN where some are missing."""
    times = grid.times.asi8
    spacing, counts = np.unique(np.diff(times), return_counts=True)
    step = spacing[np.argmax(counts)]
    odd = np.flatnonzero(np.diff(times) % step != 0 if fill else np.diff(times) != step)
    if len(odd):
        hint = "" if fill or (spacing % step).any() else f"; hint: {_HINT}"
        wanted = f"must be {pd.Timedelta(step, grid.times.unit)} after the row before"
        column = Column(grid.source, "time", grid.times, grid.line.max(axis=1))
        lines = [column.problem(i + 1, wanted, _gap(grid.times, i)) + hint for i in odd[:MOST_PROBLEMS]]
        raise PriceDataError(lines)
    rows = (times - times[0]) // step
    if (rows[-1] + 1) * len(grid.names) > MOST_CELLS:
        refuse(grid.source, f"filling the gaps would take {rows[-1] + 1:,} rows; choose a window")
    prices = np.full((rows[-1] + 1, len(grid.names)), np.nan)
    line = np.zeros(prices.shape, np.intp)
    prices[rows], line[rows] = grid.prices, grid.line
    regular = pd.DatetimeIndex((times[0] + step * np.arange(rows[-1] + 1)).view(f"datetime64[{grid.times.unit}]"))
    return replace(grid, times=regular.tz_localize("UTC"), prices=prices, line=line)


def _filled(prices: Array) -> Array:
    """Return prices (T, m) with each NaN replaced by the last close above it, if there is one."""
    last = np.maximum.accumulate(np.where(np.isnan(prices), 0, np.arange(len(prices))[:, None]), axis=0)
    return np.take_along_axis(prices, last, axis=0)


def _check_no_holes(grid: _Grid, hint: str) -> None:
    problems = []
    for j, name in enumerate(grid.names):
        holes = np.flatnonzero(np.isnan(grid.prices[:, j]))
        if len(holes):
            line = grid.line[holes[0], j]
            got = f"a blank cell, one of {len(holes):,}" if line else f"no row, one of {len(holes):,}"
            where = f"{grid.source}:{line}" if line else grid.source
            at = _stamp(grid.times, holes[0])
            problems.append(f"{where}: column '{name}': must have a price at {at} (got {got}); hint: {hint}")
    if problems:
        raise PriceDataError(problems[:MOST_PROBLEMS])


def _each(reads: list[Callable[[], Array]]) -> list[Array]:
    """Return what each call returns, or raise their problems together."""
    results, problems = [], []
    for read in reads:
        try:
            results.append(read())
        except PriceDataError as error:
            problems += error.problems
    if problems:
        raise PriceDataError(problems[:MOST_PROBLEMS])
    return results


def _stamp(times: pd.DatetimeIndex, i: int) -> str:
    return str(times[[i]].strftime("%Y-%m-%d %H:%M:%S")[0]).removesuffix(":00")


def _gap(times: pd.DatetimeIndex, i: int) -> str:
    return f"{times[i + 1] - times[i]} after {_stamp(times, i)}"
