"""Venue presets: the rules of real venues as data, to be laid over any scenario.

A preset says how a venue margins, liquidates, insures, shares losses and funds; it says nothing of prices, markets,
traders or money, which stay those of the scenario, so that different venues meet the same storm with the same people.
Every number has its source in the preset's table `sources`; what the preset cannot express stands in `left_out`.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from simulation.errors import InputError, nearest, shown
from simulation.margin.base import MarginRule
from simulation.scenario import Scenario

FOLDER = Path(__file__).with_name("presets") / "venues"
SUFFIX = ".toml"
_OWN = ("title", "date", "about", "left_out", "sources", "tiers")
TAKEN = (
    *("margin", "liquidation", "deleveraging", "funding", "state", "loss", "collateral", "interest"),
    *("insurance", "fees"),
)
"""The sections of a scenario that a venue decides; the ones a preset leaves out fall back to their defaults."""


@dataclass(frozen=True)
class VenuePreset:
    """The rules of one venue.

    date: when the numbers held. rules: scenario fields by name. tiers: leverage tiers, of "default" and by market.
    sources: dotted path of a number or a table -> where it comes from. left_out: what the venue does and this does not.
    """

    name: str
    title: str
    date: str
    about: str
    left_out: tuple[str, ...]
    sources: Mapping[str, str]
    rules: Mapping[str, Any]
    tiers: Mapping[str, Any]

    def changes(self, scenario: Scenario) -> dict[str, Any]:
        """Return the fields of `scenario` that are different at this venue, as plain data."""
        plain = {name: Scenario.model_fields[name].get_default(call_default_factory=True) for name in self._decided}
        markets = [self._market(market) for market in scenario.to_dict()["markets"]]
        return {**plain, **self.rules, "funding": self._funding(scenario), "markets": markets}

    def on(self, scenario: Scenario) -> Scenario:
        """Return `scenario` with the rules of this venue."""
        return scenario.with_(**self.changes(scenario))

    def numbers(self) -> Iterator[tuple[str, Any]]:
        """Give the dotted path and value of every number of the preset."""
        yield from _numbers("", dict(self.rules))
        yield from _numbers("tiers", dict(self.tiers))

    def source_path(self, path: str) -> str:
        """Return under which path the source of a number is given: its own or the nearest table's; empty if nowhere."""
        parts = path.split(".")
        tried = [".".join(parts[:i]) for i in range(len(parts), 0, -1)]
        return next((name for name in tried if name in self.sources), "")

    @property
    def _decided(self) -> list[str]:
        return [name for name in TAKEN if name in Scenario.model_fields]

    def _funding(self, scenario: Scenario) -> dict[str, Any]:
        """Return the funding rule with its interval, which presets give in hours, in steps of `scenario`."""
        rule = dict(self.rules.get("funding", {"kind": "none"}))
        hours = rule.pop("interval_hours", None)
        steps = {} if hours is None else {"interval_steps": max(1, round(hours * 3600.0 / scenario.step_seconds))}
        return {**rule, **steps}

    def _market(self, market: dict[str, Any]) -> dict[str, Any]:
        kind = market.get("instrument", {}).get("kind", "perpetual")
        tiers = self.tiers.get(market["name"], self.tiers.get("default"))
        usual = {**market, "reference_tiers": market.get("reference_tiers") or market["tiers"]}
        return {**usual, "tiers": tiers} if tiers and kind not in ("spot", "option") else usual


def venue_names() -> list[str]:
    """Return the names of all venue presets, sorted."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def named(words: Sequence[str], default: str) -> tuple[str, tuple[str, ...]]:
    """Return the scenario and the regimes among the words of a command line; `default` if no scenario is named.

    A word that is a venue preset or the kind of a margin rule is a regime. One regime alone is compared with isolated
    margin. Raises `InputError` if two words are neither.
    """
    known = {*venue_names(), *MarginRule.kinds()}
    regimes = tuple(word for word in words if word in known)
    rest = [word for word in words if word not in known]
    if len(rest) > 1:
        allowed = f"one scenario; regimes are {', '.join(sorted(known))}"
        raise InputError(f"compare: {allowed} (got {shown(rest[1])}){nearest(rest[1], known)}")
    if len(regimes) == 1 and regimes[0] != "isolated":
        regimes = ("isolated", *regimes)
    return rest[0] if rest else default, regimes


@cache
def venue_preset(name: str) -> VenuePreset:
    """Return the venue preset of that name; raises `InputError` for one that is not there."""
    if name not in venue_names():
        known = ", ".join(venue_names())
        raise InputError(f"venue: must be one of {known} (got {shown(name)}){nearest(name, venue_names())}")
    data = tomllib.loads((FOLDER / f"{name}{SUFFIX}").read_text("utf-8"))
    rules = {key: value for key, value in data.items() if key not in _OWN}
    own = {key: data[key] for key in ("title", "date", "about", "sources")}
    return VenuePreset(name, left_out=tuple(data["left_out"]), rules=rules, tiers=data.get("tiers", {}), **own)


def _numbers(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _numbers(f"{path}.{name}".lstrip("."), item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(path, item)
