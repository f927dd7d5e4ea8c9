"""Amounts of money in a story: to the cent, and such that what is shown adds up."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Record = Mapping[str, Any]  # one row of a table


def records(table: pd.DataFrame) -> list[Record]:
    """Return the rows of a table."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def largest_of(table: pd.DataFrame, column: str, most: int) -> pd.DataFrame:
    """Return the `most` rows with the largest amounts in `column`, the largest first."""
    order = np.argsort(-np.abs(table[column].to_numpy(float)), kind="stable")[:most]
    return table.iloc[order]


def exact(amount: float) -> str:
    """Return dollars to the cent, as `$1,234.56` or `-$0.40`."""
    text = f"${abs(amount):,.2f}"
    return f"-{text}" if amount < 0.0 and text != "$0.00" else text


def whole_cents(amount: float) -> int:
    """Return dollars as the cents that `exact` shows, half a cent to the even one."""
    return round(100.0 * amount)


def in_cents(amounts: Sequence[float], total: int) -> list[int]:
    """Return `amounts`, dollars, in whole cents that add up to `total` cents: each is rounded down, the cents left over
    go to the largest remainders. No amount is moved by a cent or more where `total` is their rounded sum.
    """
    floors = [int(np.floor(100.0 * amount)) for amount in amounts]
    order = sorted(range(len(amounts)), key=lambda i: floors[i] - 100.0 * amounts[i])  # the largest remainder first
    left = total - sum(floors)
    for place in range(abs(left)):
        if left > 0:
            floors[order[place % len(order)]] += 1
        else:
            floors[order[-1 - place % len(order)]] -= 1
    return floors
