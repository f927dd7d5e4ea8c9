"""What there is to choose from: presets, rules by family, traders, each with the first line of its documentation."""

import tomllib
from collections.abc import Iterable

from experiments.scenarios import PRESETS, SUFFIX, preset_names
from experiments.venue_presets import venue_names, venue_preset

_WIDTH = 20
_LINE = 110


def catalogue() -> str:
    """Return the lists as text."""
    from agents.cast import trader_types
    from simulation.distribution import Distribution
    from simulation.instrument.base import Instrument
    from simulation.rule import Rule
    from simulation.scenario import Scenario

    parts = _part("presets", ((name, _about(name)) for name in preset_names()))
    parts += _part("venues", ((name, venue_preset(name).about) for name in venue_names()))
    instruments = Instrument.kinds().items()
    parts += _part("[markets.instrument] kind", ((kind, first_line(rule)) for kind, rule in instruments))
    for field, info in Scenario.model_fields.items():
        families = [family for family in Rule.__subclasses__() if info.annotation is family]
        for family in families:
            parts += _part(f"[{field}] kind", ((kind, first_line(rule)) for kind, rule in family.kinds().items()))
    parts += _part("[[population]] kind", ((kind, first_line(trader)) for kind, trader in trader_types().items()))
    laws = ((kind, first_line(law)) for kind, law in Distribution.kinds().items())
    parts += _part("a number of the population may be a law, {kind = ...}", laws)
    return "\n".join(parts).strip("\n")


def first_line(thing: type) -> str:
    """Return the first line of a docstring, without its full stop."""
    return (thing.__doc__ or "").strip().split("\n")[0].rstrip(".")


def _about(name: str) -> str:
    return str(tomllib.loads((PRESETS / f"{name}{SUFFIX}").read_text("utf-8")).get("about", ""))


def _part(title: str, entries: Iterable[tuple[str, str]]) -> list[str]:
    return ["", title, *(_entry(name, about) for name, about in entries)]


def _entry(name: str, about: str) -> str:
    text = f"  {name:<{_WIDTH}}{about}"
    return text if len(text) <= _LINE else f"{text[: _LINE - 3].rsplit(' ', 1)[0]} ..."
