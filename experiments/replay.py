"""A scenario that replays the prices of a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulation.errors import PriceDataError, shown


def with_prices(data: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """Return plain scenario `data` that replays the price file at `path`, a row a step.

    Prices of the scenario's markets are looked up by name; the first row becomes the initial prices and the
    spacing of the rows the length of a step. Raises `PriceDataError` for a file that cannot be used or lacks a market.
    """
    from experiments.prices import read_prices

    table = read_prices(path)
    source = str(path)
    markets = data.get("markets")
    listed = [dict(entry) for entry in markets if isinstance(entry, Mapping)] if isinstance(markets, list) else []
    names = [str(entry.get("name")) for entry in listed]
    if absent := [name for name in names if name not in table.names]:
        there = ", ".join(table.names[:20])
        raise PriceDataError(
            f"no prices for market {', '.join(map(shown, absent[:5]))}; the file has {there}; "
            "name the markets of the scenario as in the file",
            source,
        )
    if not names:
        return dict(data)
    rows = table.prices[:, [table.names.index(name) for name in names]]
    for entry, price in zip(listed, rows[0].tolist(), strict=True):
        entry["price"] = price
    steps = data.get("steps", 100)
    if isinstance(steps, int) and steps >= len(rows):
        raise PriceDataError(
            f"has {len(rows)} rows; steps needs {steps + 1}; hint: --set steps={len(rows) - 1}", source
        )
    replay = {"kind": "replay", "prices": rows.tolist()}
    return {**data, "markets": listed, "price": replay, "step_seconds": table.step_seconds}
