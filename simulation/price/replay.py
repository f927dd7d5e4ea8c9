"""Replay of prices that happened."""

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from simulation.arrays import Array
from simulation.errors import shown
from simulation.price.base import PriceProcess, World
from simulation.random import Streams

Rows = tuple[tuple[float, ...], ...]


def _rows(value: Any) -> Rows:
    """Check a table of prices at numpy's speed: 100,000 rows are an ordinary input."""
    problem = ""
    try:
        table = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        table, problem = np.empty((0, 0)), f"must be rows of numbers, all of one length (got {shown(value)})"
    if not problem and (table.ndim != 2 or table.shape[1] < 1 or table.shape[0] < 2):
        problem = f"must be at least 2 rows of prices, one price a market (got {shown(value)})"
    bad = np.argwhere(~(np.isfinite(table) & (table > 0.0)))
    if not problem and len(bad):
        row, column = bad[0]
        problem = f"[{row}][{column}] must be a finite number greater than 0 (got {table[row, column]})"
    if problem:
        raise PydanticCustomError("prices", "{problem}", {"problem": problem})
    return tuple(map(tuple, table.tolist()))


class Replay(PriceProcess):
    """Given prices, row by row: S(t, i) = prices[t][i], in dollars, markets in the scenario's order.

    Draws nothing and ignores the seed. Rows beyond steps + 1 are not used. `draw` raises ScenarioError when
    there are fewer rows, when the width is not the number of markets, or when row 0 is not the initial
    prices.
    """

    kind: ClassVar[str] = "replay"
    prices: Annotated[Rows, BeforeValidator(_rows)]

    def problems(self, world: World) -> list[str]:
        """Return what does not fit the markets and the number of steps."""
        rows, width = len(self.prices), len(self.prices[0])
        if width != world.markets:
            return [f"prices: must have one column a market, {world.markets} (got {width})"]
        if rows < world.steps + 1:
            return [
                f"prices: {rows} rows are too few for {world.steps} steps, which need {world.steps + 1}; "
                f"lower steps to {rows - 1} or give more rows"
            ]
        for name, first, price in zip(world.names, self.prices[0], world.price.tolist(), strict=True):
            if first != price:
                return [f"prices: row 0 of {name} must be the market's initial price {price} (got {first})"]
        return []

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        return np.array(self.prices[: world.steps + 1])
