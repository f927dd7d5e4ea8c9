"""A scenario that replays the prices of a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from simulation.errors import PriceDataError, nearest, shown

CHOICES = ("start", "end", "event", "kind", "fill")


def with_prices(data: Mapping[str, Any], prices: str | Path, steps: int | None = None) -> dict[str, Any]:
    """Return plain scenario `data` that replays a price file, a row a step.

    `prices` is a path, and may choose rows as a web address does: "panel.parquet?start=2025-10-10&end=2025-10-12",
    with `start`, `end`, `event`, `kind` and `fill` of `read_prices`. The columns are the scenario's markets, found by
    name. The file decides the initial prices (its first row), the length of a step (its spacing) and, unless `steps`
    is given, the number of steps. Raises `PriceDataError` for a file that cannot be used or lacks a market.
    """
    from experiments.prices import read_prices

    path, choice = _chosen(str(prices))
    markets = data.get("markets")
    listed = [dict(entry) for entry in markets if isinstance(entry, Mapping)] if isinstance(markets, list) else []
    names = [str(entry.get("name")) for entry in listed]
    if not names:
        return dict(data)
    table = read_prices(path, symbols=names, **choice)
    for entry, price in zip(listed, table.prices[0].tolist(), strict=True):
        entry["price"] = price
    last = len(table.prices) - 1
    if isinstance(steps, int) and steps > last:
        problem = f"has {last + 1} rows; steps needs {steps + 1}; hint: --set steps={last}"
        raise PriceDataError(problem, path)
    kept = last if steps is None else steps
    replay = {"kind": "replay", "prices": table.prices[: kept + 1].tolist()}
    return {**data, "markets": listed, "price": replay, "step_seconds": table.step_seconds, "steps": kept}


def _chosen(prices: str) -> tuple[str, dict[str, Any]]:
    """Split "file?start=...&kind=..." into the path and what is chosen from it."""
    path, _, query = prices.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    for key, _value in pairs:
        if key not in CHOICES:
            allowed = ", ".join(CHOICES)
            raise PriceDataError(f"?{shown(key)[1:-1]}: unknown choice{nearest(key, CHOICES)}; known: {allowed}", path)
    return path, dict(pairs)
