"""Checks of a scenario that need more than one field: names that must exist, sizes that must agree, limits."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from simulation.accounts import QUANTUM
from simulation.errors import shown
from simulation.sections import Group, MarketSpec, Wick


class Checkable(Protocol):
    """What these checks read of a scenario."""

    @property
    def markets(self) -> Sequence[MarketSpec]: ...  # noqa: D102

    @property
    def population(self) -> Sequence[Group]: ...  # noqa: D102

    @property
    def wicks(self) -> Sequence[Wick]: ...  # noqa: D102

    @property
    def margin(self) -> Any: ...  # noqa: D102

    @property
    def steps(self) -> int: ...  # noqa: D102

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102


MEMORY_LIMIT = 8e9  # bytes
_BYTES_PER_ROW = 700.0  # an agent handle and its parameters
_BYTES_PER_CELL = 40.0  # cash, position, entry price, pool, reference of one account in one market
_BYTES_PER_STEP = 5 * 8.0  # five prices a market


def check_references(scenario: Checkable) -> None:
    """Raise `ValueError` with a line for each field that contradicts another."""
    lines = [
        *_unique("markets", [market.name for market in scenario.markets]),
        *_unique("population", [group.name for group in scenario.population]),
        *_unknown_markets(scenario),
        *_sizes(scenario),
        *_limits(scenario),
    ]
    if lines:
        raise ValueError("\n".join(lines))


def memory(scenario: Checkable) -> float:
    """Return about how many bytes a run needs."""
    rows, m = sum(group.count for group in scenario.population), len(scenario.markets)
    return rows * (_BYTES_PER_ROW + _BYTES_PER_CELL * m) + (scenario.steps + 1) * m * _BYTES_PER_STEP


def _unique(section: str, names: list[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        j = seen.setdefault(name.lower(), i)
        if i != j:
            same = "already used at" if names[j] == name else f"differs only by case from '{names[j]}' at"
            yield f"{section}[{i}].name: '{name}' {same} {section}[{j}]; names must be unique"


def _unknown_markets(scenario: Checkable) -> Iterator[str]:
    known, names = set(scenario.names), ", ".join(scenario.names)
    used = [(f"population[{i}].isolated", name) for i, g in enumerate(scenario.population) for name in g.isolated]
    used += [(f"population[{i}].pools", name) for i, g in enumerate(scenario.population) for name in g.pools]
    used += [(f"wicks[{i}].market", wick.market) for i, wick in enumerate(scenario.wicks)]
    for field, name in used:
        if name not in known:
            yield f"{field}: {shown(name)} is not defined; known: {names}"
    for i, wick in enumerate(scenario.wicks):
        if wick.step > scenario.steps:
            yield f"wicks[{i}].step: {wick.step} is after the last step {scenario.steps}"
    for i, group in enumerate(scenario.population):
        for name, number in group.pools.items():
            if name in known and not 0 <= number <= len(known):
                yield f"population[{i}].pools.{name}: must be 0 ... {len(known)} (got {number})"


def _sizes(scenario: Checkable) -> Iterator[str]:
    matrix = getattr(scenario.margin, "correlation", None)
    m = len(scenario.markets)
    if isinstance(matrix, tuple) and len(matrix) != m:
        yield f"margin.correlation: must be {m}x{m} to match the markets (got {len(matrix)} rows)"
    if isinstance(matrix, float) and m > 1 and matrix < -1.0 / (m - 1) - 1e-12:
        lowest = f"{-1.0 / (m - 1):.3g}"
        yield f"margin.correlation: not positive semi-definite for {m} markets (got {matrix:g}); at least {lowest}"


def _limits(scenario: Checkable) -> Iterator[str]:
    rows, m = sum(group.count for group in scenario.population), len(scenario.markets)
    limit = f"limit {MEMORY_LIMIT / 1e9:.0f} GB"
    if memory(scenario) > MEMORY_LIMIT:
        size = f"{memory(scenario) / 1e9:,.0f} GB"
        if rows > scenario.steps:
            i = max(range(len(scenario.population)), key=lambda j: scenario.population[j].count)
            yield f"population[{i}].count: {rows:,} accounts x {m} markets need about {size}; {limit}"
        else:
            yield f"steps: {scenario.steps:,} steps x {m} markets need about {size}; {limit}"
    money = sum(group.count * group.deposit for group in scenario.population if isinstance(group.deposit, float))
    if not np.isfinite(money) or money >= 2.0**53 * QUANTUM:
        i = max(range(len(scenario.population)), key=lambda j: scenario.population[j].count)
        yield f"population[{i}].deposit: add up to {money:.3g} dollars; exact below {2.0**53 * QUANTUM:.3g}"
