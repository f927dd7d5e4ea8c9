"""Which part of a price file is meant: symbols, window, event and kind; a wrong choice is told what there is."""

import difflib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NoReturn, TypeAlias, TypedDict, Unpack

import numpy as np
import pandas as pd

from experiments.price_file import TIME, Column
from simulation.arrays import Index, Mask
from simulation.errors import PriceDataError, shown

Moment: TypeAlias = str | datetime | np.datetime64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_SHOWN_NAMES = 20


class Choice(TypedDict, total=False):
    """The part of a price file to read; what is left out means all of it."""

    symbols: Sequence[str]
    start: Moment
    end: Moment
    event: str
    kind: str
    fill: Literal["previous"] | None


def checked(**choice: Unpack[Choice]) -> Choice:
    """Return `choice` without its empty entries; raise `PriceDataError` where it makes no sense by itself."""
    for name in choice:
        if name not in Choice.__annotations__:
            near = _near(name, list(Choice.__annotations__))
            raise PriceDataError(f"{name}: not a choice; must be one of {_listed(Choice.__annotations__)}{near}")
    if choice.get("fill") not in {None, "previous"}:
        raise PriceDataError(f'fill: must be "previous" or left out (got {shown(choice.get("fill"))})')
    symbols = choice.get("symbols")
    if isinstance(symbols, str) or (symbols is not None and not len(symbols)):
        raise PriceDataError(f"symbols: must be a list of names (got {shown(symbols)})")
    if symbols is not None and len(set(symbols)) < len(symbols):
        raise PriceDataError(f"symbols: each may occur once only (got {shown(list(symbols))})")
    return choice


def refuse(source: str, problem: str) -> NoReturn:
    """Raise `PriceDataError` about the file `source`."""
    raise PriceDataError(problem, source)


def chosen_symbols(source: str, there: Sequence[str], choice: Choice) -> list[str]:
    """Return the symbols to read, in the order wished; all that are there unless some were named."""
    for name in there:
        if not _NAME.fullmatch(name):
            refuse(f"{source}:1", f"column {shown(name)}: a symbol has only letters, digits, '_', '.', '-' (max 64)")
    folded = [name.casefold() for name in there]
    for name in there:
        if folded.count(name.casefold()) > 1:
            refuse(f"{source}:1", f"column {shown(name)}: differs from another symbol by case only")
    for name in choice.get("symbols") or ():
        if name not in there:
            wanted = f"must be among {_listed(there)} (got {shown(name)})"
            refuse(source, f"symbols: {wanted}{_near(str(name), there)}")
    return list(choice.get("symbols") or there)


def rows_of(column: Column | None, name: str, value: str | None, rows: Index) -> Index:
    """Return those of `rows` whose cell of the text `column` is `value`; a file with several needs a choice."""
    if column is None:
        if value is not None:
            raise PriceDataError(f"{name}: cannot be chosen, the file has no column '{name}'")
        return rows
    cells = np.array(column.texts(), object)[rows]
    there = list(dict.fromkeys(cells))
    if value is None and len(there) > 1:
        refuse(column.source, f"{name}: must be chosen, the file has several: {_listed(there)}")
    if value is not None and value not in there:
        refuse(column.source, f"{name}: must be one of {_listed(there)} (got {shown(value)}){_near(value, there)}")
    return rows if value is None else rows[cells == value]


def window(times: pd.DatetimeIndex, choice: Choice, source: str) -> Mask:
    """Return which of `times` lie in the window chosen, both ends included."""
    inside = np.ones(len(times), bool)
    first, last = (_moment(name, choice.get(name)) for name in ("start", "end"))
    if first is not None and last is not None and first > last:
        raise PriceDataError(f"start: must not be after end (got {first} and {last})")
    if first is not None:
        inside &= np.asarray(times >= first)
    if last is not None:
        inside &= np.asarray(times <= last)
    if not inside.any():
        refuse(source, f"no rows in the window; the file goes from {times.min()} to {times.max()}")
    return inside


def _moment(name: str, value: object) -> pd.Timestamp | None:
    if value is None:
        return None
    if isinstance(value, datetime | np.datetime64) or (isinstance(value, str) and TIME.fullmatch(value)):
        try:
            moment = pd.Timestamp(value)
        except ValueError:
            moment = pd.NaT
        if isinstance(moment, pd.Timestamp):
            return moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")
    raise PriceDataError(f"{name}: must be a time such as 2025-10-10 or 2025-10-10T21:00Z (got {shown(value)})")


def _listed(names: Sequence[str] | dict) -> str:
    listed = [str(name) for name in names]
    more = f" and {len(listed) - _SHOWN_NAMES} more" if len(listed) > _SHOWN_NAMES else ""
    return ", ".join(listed[:_SHOWN_NAMES]) + more


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1) or [k for k in known if k.casefold() == name.casefold()]
    return f"; hint: did you mean '{near[0]}'?" if near else ""
