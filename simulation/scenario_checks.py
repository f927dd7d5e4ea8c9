"""Checks of a scenario that need more than one field: names that must exist, sizes that must agree, limits."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from simulation.accounts import QUANTUM

if TYPE_CHECKING:
    from simulation.scenario import Scenario

_MEMORY_GB = 8.0
_BYTES_PER_ROW = 700.0  # an agent handle and its parameters
_BYTES_PER_CELL = 40.0  # cash, position, entry price, pool, reference of one account in one market


def check_references(scenario: "Scenario") -> None:
    """Raise `ValueError` naming the first field that contradicts another."""
    _unique("markets", [market.name for market in scenario.markets])
    _unique("population", [group.name for group in scenario.population])
    _known_markets(scenario)
    _sizes(scenario)
    _limits(scenario)


def _unique(section: str, names: list[str]) -> None:
    for i, name in enumerate(names):
        for j in range(i):
            if names[j].lower() == name.lower():
                same = "already used at" if names[j] == name else "differs only by case from"
                raise ValueError(f"{section}[{i}].name: '{name}' {same} {section}[{j}].name")


def _known_markets(scenario: "Scenario") -> None:
    known = set(scenario.names)
    used = [(f"population[{i}].isolated", name) for i, g in enumerate(scenario.population) for name in g.isolated]
    used += [(f"population[{i}].pools", name) for i, g in enumerate(scenario.population) for name in g.pools]
    used += [(f"wicks[{i}].market", wick.market) for i, wick in enumerate(scenario.wicks)]
    for field, name in used:
        if name not in known:
            raise ValueError(f"{field}: '{name}' is not defined; known: {', '.join(scenario.names)}")
    for i, wick in enumerate(scenario.wicks):
        if wick.step > scenario.steps:
            raise ValueError(f"wicks[{i}].step: {wick.step} is after the last step {scenario.steps}")
    for i, group in enumerate(scenario.population):
        for name, number in group.pools.items():
            if not 0 <= number <= len(known):
                raise ValueError(f"population[{i}].pools.{name}: must be 0 ... {len(known)} (got {number})")


def _sizes(scenario: "Scenario") -> None:
    matrix = getattr(scenario.margin, "correlation", None)
    m = len(scenario.markets)
    if isinstance(matrix, tuple) and len(matrix) != m:
        raise ValueError(f"margin.correlation: must be {m}x{m} to match the markets (got {len(matrix)} rows)")
    if isinstance(matrix, float) and m > 1 and matrix < -1.0 / (m - 1) - 1e-12:
        lowest = f"{-1.0 / (m - 1):.3g}"
        raise ValueError(f"margin.correlation: not positive semi-definite for {m} markets (got {matrix}); at least {lowest}")


def _limits(scenario: "Scenario") -> None:
    counts = Counter({group.name: group.count for group in scenario.population})
    rows, m = sum(counts.values()), len(scenario.markets)
    gigabytes = rows * (_BYTES_PER_ROW + _BYTES_PER_CELL * m) / 1e9
    if gigabytes > _MEMORY_GB:
        raise ValueError(
            f"population: {rows:,} accounts x {m} markets need about {gigabytes:.0f} GB; at most {_MEMORY_GB:.0f} GB"
        )
    cells = (scenario.steps + 1) * m * 5 * 8 / 1e9
    if cells > _MEMORY_GB:
        raise ValueError(f"steps: {scenario.steps:,} x {m} markets need about {cells:.0f} GB of history")
    money = sum(group.count * group.deposit for group in scenario.population if isinstance(group.deposit, float))
    if not np.isfinite(money) or money >= 2.0**53 * QUANTUM:
        raise ValueError(f"population: deposits add up to {money:.3g} dollars; exact up to {2.0**53 * QUANTUM:.3g}")
