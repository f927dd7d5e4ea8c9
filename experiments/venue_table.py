"""The rules of real venues side by side, in words and in numbers.

Question: what does each venue ask for the same book, and what does it do when the book fails?
Method: the words are the first lines of the rules' documentation; the numbers come from the margin engine, for books
opened at the mark, with nothing unrealised, in the markets of the `venue` scenario.
"""

import textwrap
from typing import Any

from experiments.catalogue import first_line
from experiments.venue_presets import VenuePreset, venue_names, venue_preset
from simulation.rule import Rule
from simulation.scenario import Scenario

WIDTH = 110
_NAME = 20
_COLUMN = 15
MARKETS = "venue"  # the scenario whose markets the books stand in
BOOKS: dict[str, dict[str, float]] = {
    "10 k$ BTC": {"BTC": 1e4},
    "5 M$ BTC": {"BTC": 5e6},
    "10 k$ SOL": {"SOL": 1e4},
    "+BTC -ETH": {"BTC": 5e3, "ETH": -5e3},
    "4 longs": {"BTC": 2.5e3, "ETH": 2.5e3, "SOL": 2.5e3, "XRP": 2.5e3},
}
"""Dollars by market of the books that are asked for; together each is its own gross notional."""
SECTIONS = {
    "margin": "margin",
    "liquidation": "close",
    "deleveraging": "deleverage",
    "loss": "last losses",
    "funding": "funding",
    "state": "states",
}


def venue_table() -> str:
    """Return all venues: what their rules are, then what they ask for the same books."""
    names = venue_names()
    return "\n".join([*_words(names), "", *_figures(names)])


def venue_details(name: str) -> str:
    """Return everything a preset says: its rules in words, every number with its source, and what is left out."""
    venue = venue_preset(name)
    lines = [f"{venue.title} ({name}), {venue.date}", *_wrapped(venue.about, "  ")]
    lines.append("rules")
    for field, about in SECTIONS.items():
        lines += _wrapped(f"{about:<13} {_rule(venue, field)}", "  ", " " * 16)
    lines.append("numbers and where they come from")
    for table, values in _by_source(venue).items():
        lines += _wrapped(f"{table}: {', '.join(values)}. {venue.sources.get(table, '')}", "  ")
    lines.append("left out")
    for text in venue.left_out or ("nothing that is known",):
        lines += _wrapped(text, "  - ", "    ")
    return "\n".join(lines)


def requirements(venue: VenuePreset) -> dict[str, tuple[float, float]]:
    """Return (initial, maintenance) of each of `BOOKS`, as fractions of gross notional."""
    from agents.cast import StandardCast
    from experiments.scenarios import load
    from simulation.model import MarketModel

    scenario = venue.on(_lone(load(MARKETS)))
    model = MarketModel(scenario, StandardCast())
    health = model.engine.health(model.traders)
    gross = [sum(map(abs, dollars.values())) for dollars in BOOKS.values()]
    initial, maintenance = health.initial.sum(axis=1), health.maintenance.sum(axis=1)
    rates = zip(initial / gross, maintenance / gross, strict=True)
    return dict(zip(BOOKS, ((float(one), float(two)) for one, two in rates), strict=True))


def _lone(scenario: Scenario) -> Scenario:
    """Return `scenario` with one account for each book, in the order of `BOOKS`, and nobody else."""
    price = {market.name: market.price for market in scenario.markets}
    groups: list[dict[str, Any]] = []
    for i, dollars in enumerate(BOOKS.values()):
        units = {market: amount / price[market] for market, amount in dollars.items()}
        deposit = sum(map(abs, dollars.values()))
        groups.append({"kind": "book", "name": f"b{i}", "count": 1, "deposit": deposit, "units": units})
    return scenario.with_(population=groups, liquidators=[], steps=1, price={"kind": "flat"})


def _words(names: list[str]) -> list[str]:
    lines = []
    for name in names:
        venue = venue_preset(name)
        lines.append(f"{name:<{_NAME}}{venue.title}, {venue.date}")
        for field, about in SECTIONS.items():
            if field in venue.rules:
                lines += _wrapped(f"{about}: {_rule(venue, field)}", " " * _NAME, " " * (_NAME + 2))
    return lines


def _figures(names: list[str]) -> list[str]:
    head = "".join(f"{book:>{_COLUMN}}" for book in BOOKS)
    lines = [f"{'initial / maintenance, % of gross notional':<{_NAME}}", f"{'':<{_NAME}}{head}"]
    for name in names:
        rates = requirements(venue_preset(name)).values()
        cells = "".join(f"{f'{100 * one:.2f} / {100 * two:.2f}':>{_COLUMN}}" for one, two in rates)
        lines.append(f"{name:<{_NAME}}{cells}")
    return [*lines, "", "crossmargin presets VENUE shows every number with its source, and what is left out."]


def _rule(venue: VenuePreset, field: str) -> str:
    family = _family(field)
    kind = (
        venue.rules.get(field, {}).get("kind")
        or Scenario.model_fields[field].get_default(call_default_factory=True).kind
    )
    return f"{kind}: {first_line(family.kinds()[kind])}"


def _family(field: str) -> type[Rule]:
    family = Scenario.model_fields[field].annotation
    assert isinstance(family, type)
    assert issubclass(family, Rule)
    return family


def _by_source(venue: VenuePreset) -> dict[str, list[str]]:
    """Return the numbers under the path their source is given for, written `name = value`."""
    by_path: dict[str, list[str]] = {}
    for path, value in venue.numbers():
        by_path.setdefault(path, []).append(f"{value:g}")
    found: dict[str, list[str]] = {}
    for path, values in by_path.items():
        table = venue.source_path(path)
        name = path.removeprefix(table).strip(".") or path.rpartition(".")[2]
        found.setdefault(table, []).append(f"{name} = {' '.join(values)}")
    return found


def _wrapped(text: str, indent: str, later: str | None = None) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=later or f"{indent}  ")
