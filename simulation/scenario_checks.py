"""Checks of a scenario that need more than one field: names that must exist, sizes that must agree, limits."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from simulation.accounts import QUANTUM
from simulation.errors import shown
from simulation.sections import Dislocation, Group, MarketSpec, Wick


class Checkable(Protocol):
    """What these checks read of a scenario."""

    @property
    def markets(self) -> Sequence[MarketSpec]: ...  # noqa: D102

    @property
    def population(self) -> Sequence[Group]: ...  # noqa: D102

    @property
    def wicks(self) -> Sequence[Wick]: ...  # noqa: D102

    @property
    def insurance_funds(self) -> dict[str, float]: ...  # noqa: D102

    @property
    def dislocations(self) -> Sequence[Dislocation]: ...  # noqa: D102

    @property
    def margin(self) -> Any: ...  # noqa: D102

    @property
    def collateral(self) -> Any: ...  # noqa: D102

    @property
    def claims(self) -> Any: ...  # noqa: D102

    @property
    def steps(self) -> int: ...  # noqa: D102

    @property
    def trading(self) -> str: ...  # noqa: D102

    @property
    def fill_at(self) -> str: ...  # noqa: D102

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
        *_contracts(scenario),
        *_sizes(scenario),
        *_limits(scenario),
        *_trading(scenario),
        *_claims(scenario),
    ]
    if lines:
        raise ValueError("\n".join(lines))


def with_prices(value: Any) -> Any:
    """Return scenario data in which markets that follow another one, and state no price, start where that one does."""
    markets = value.get("markets") if isinstance(value, dict) else None
    if not isinstance(markets, list | tuple) or not all(isinstance(market, dict) for market in markets):
        return value
    prices = {market.get("name"): market.get("price") for market in markets if isinstance(market.get("name"), str)}
    return {**value, "markets": [{**_first_price(market, prices), **market} for market in markets]}


def _first_price(market: dict[str, Any], prices: dict[Any, Any]) -> dict[str, Any]:
    source = _source(market)
    return {"price": prices[source]} if isinstance(source, str) and source in prices else {}


def _source(market: dict[str, Any]) -> Any:
    instrument = market.get("instrument")
    return instrument.get("underlying") if isinstance(instrument, dict) else None


def _contracts(scenario: Checkable) -> Iterator[str]:
    markets = {market.name: market for market in scenario.markets}
    for i, market in enumerate(scenario.markets):
        name = market.instrument.underlying
        if name is None:
            continue
        field = f"markets[{i}].instrument.underlying"
        if name not in markets:
            yield f"{field}: {shown(name)} is not defined; known: {', '.join(markets)}"
        elif markets[name].instrument.underlying is not None:
            yield f"{field}: {shown(name)} follows another market itself; name that one"
        elif market.price != markets[name].price:
            wanted = f"must be that of {name}, {markets[name].price:g}, or left out"
            yield f"markets[{i}].price: {wanted} (got {market.price:g})"


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
    used += [(f"population[{i}].collateral", name) for i, g in enumerate(scenario.population) for name in g.collateral]
    used += [(f"insurance_funds.{name}", name) for name in scenario.insurance_funds]
    used += [(f"wicks[{i}].market", wick.market) for i, wick in enumerate(scenario.wicks)]
    used += [(f"dislocations[{i}].market", shift.market) for i, shift in enumerate(scenario.dislocations)]
    for field, name in used:
        if name not in known:
            yield f"{field}: {shown(name)} is not defined; known: {names}"
    for i, wick in enumerate(scenario.wicks):
        if wick.step > scenario.steps:
            yield f"wicks[{i}].step: {wick.step} is after the last step {scenario.steps}"
    tokens = {market.name for market in scenario.markets if market.instrument.kind == "spot"}
    for i, group in enumerate(scenario.population):
        for name in group.collateral:
            if name in known - tokens:
                yield f"population[{i}].collateral: {name} is no token; tokens: {', '.join(sorted(tokens)) or 'none'}"
        for name, number in group.pools.items():
            if name in known and not 0 <= number <= len(known):
                yield f"population[{i}].pools.{name}: must be 0 ... {len(known)} (got {number})"


def _sizes(scenario: Checkable) -> Iterator[str]:
    m = len(scenario.markets)
    apart = len({market.instrument.underlying or market.name for market in scenario.markets})
    for field, count in (("collateral", apart), ("margin", m)):  # collateral on one underlying is one risk
        matrix = getattr(getattr(scenario, field), "correlation", None)
        if isinstance(matrix, tuple) and len(matrix) != m:
            yield f"{field}.correlation: must be {m}x{m} to match the markets (got {len(matrix)} rows)"
        if isinstance(matrix, float) and count > 1 and matrix < -1.0 / (count - 1) - 1e-12:
            text = f"not positive semi-definite for {count} markets (got {matrix:g}); at least {-1.0 / (count - 1):.3g}"
            yield f"{field}.correlation: {text}"


def _trading(scenario: Checkable) -> Iterator[str]:
    if scenario.trading != "continuous" and scenario.fill_at != "after":
        text = f'must be "after" where trading is "{scenario.trading}" (got {shown(scenario.fill_at)})'
        yield f"fill_at: {text}; all fill at its end"


def _claims(scenario: Checkable) -> Iterator[str]:
    counts = {group.name: group.count for group in scenario.population}
    yield from (f"claims.{line}" for line in scenario.claims.problems(counts, scenario.steps))


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
