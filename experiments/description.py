"""A scenario in full, as a person reads it: every default filled in, units beside values, sizes and memory."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from agents.cast import trader_types
from agents.parameter import Parameter, Setting, declared
from experiments.scenarios import Source, load
from experiments.store import scenario_hash
from experiments.wording import counted
from simulation.distribution import Distribution
from simulation.rule import Rule
from simulation.scenario import Scenario
from simulation.scenario_checks import MEMORY_LIMIT, memory
from simulation.sections import Group

_WIDTH = 34  # of the column of names
_VALUES = 30  # of the column of values


def check(source: Source, overrides: Iterable[str] = (), prices: str | Path | None = None) -> str:
    """Return the scenario `source` names, checked and resolved, as text; raises `ScenarioError` as `load` does."""
    return described_scenario(load(source, overrides, prices))


def described_scenario(scenario: Scenario) -> str:
    """Return the scenario as aligned lines `field  value  unit`."""
    accounts = sum(group.count for group in scenario.population)
    hours = scenario.steps * scenario.step_seconds / 3600.0
    lines = [
        f"{scenario.name}: valid",
        "",
        f"  {counted(accounts, 'account')} in {counted(len(scenario.population), 'group')}, "
        f"{counted(len(scenario.markets), 'market')}",
        f"  {counted(scenario.steps, 'step')} of {scenario.step_seconds:g} seconds = {hours:,.4g} hours",
        f"  about {_size(memory(scenario))} of memory, limit {_size(MEMORY_LIMIT)}",
        f"  scenario hash {scenario_hash(scenario.to_dict())}",
        "",
        *_lines(scenario, 0),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _lines(model: BaseModel, indent: int) -> Iterator[str]:
    """Yield a line for every field, sections after plain fields."""
    if isinstance(model, Rule) and indent:
        yield _line("kind", type(model).kind, _first_sentence(type(model)), indent)
    later = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(model, Group) and name == "parameters":
            later.append((name, _parameters(model)))
        elif _is_section(value):
            later.append((name, value))
        else:
            yield _line(name, _text(value), field.description or "", indent)
    for name, value in later:
        yield from _section(name, value, indent)


def _section(name: str, value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (_line(key, _text(item), about, indent) for key, item, about in value.values())
        return
    entries = value if isinstance(value, tuple) else (value,)
    for i, entry in enumerate(entries):
        number = f"[{i}]" if isinstance(value, tuple) else ""
        if type(entry).__name__ == "Tier":
            rates = f"maintenance {entry.maintenance_rate:g}, initial {entry.initial_rate:g}"
            yield _line(f"{name}{number}", rates, f"of notional, from ${entry.floor:,.0f}", indent)
            continue
        if not indent:
            yield ""
        yield f"{'  ' * indent}{name}{number}"
        yield from _lines(entry, indent + 1)


def _parameters(group: Group) -> dict[str, tuple[str, Any, str]]:
    """Return every parameter of a group's trader type by name: name, given or default value, meaning."""
    trader = trader_types()[group.kind]
    known = {**declared(trader, Parameter), **declared(trader, Setting)}
    return {name: (name, group.parameters.get(name, item.default), item.about) for name, item in known.items()}


def _is_section(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(_is_section(entry) for entry in value)
    return isinstance(value, BaseModel) and not isinstance(value, Distribution)


def _line(name: str, value: str, unit: str, indent: int) -> str:
    start = "  " * indent + name
    return f"{start:<{_WIDTH}}{value:<{_VALUES}}  {unit}" if unit else f"{start:<{_WIDTH}}{value}"


def _text(value: Any) -> str:
    if isinstance(value, Distribution):
        parts = ", ".join(f"{name} {_text(item)}" for name, item in value if item is not None)
        return f"{type(value).kind} ({parts})"
    if isinstance(value, tuple):
        return _list(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "-"
    if isinstance(value, float):
        return f"{value:,.12g}"
    return "-" if value is None or value == "" else str(value)


def _list(value: tuple[Any, ...]) -> str:
    if value and isinstance(value[0], tuple) and len(value) > 4:
        return f"{len(value)} rows of {len(value[0])}"
    return ", ".join(_text(item) if not isinstance(item, tuple) else f"({_list(item)})" for item in value) or "-"


def _first_sentence(rule: type) -> str:
    return (rule.__doc__ or "").strip().split("\n")[0]


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):.1f} MB"
