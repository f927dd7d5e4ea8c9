"""Checks of what a population entry says to its trader type: names, types, bounds; every problem at once."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from agents.parameter import Parameter, Setting, declared
from simulation.distribution import Distribution
from simulation.errors import described, nearest, shown


def entry_problems(trader: type, given: dict[str, Any], markets: tuple[str, ...]) -> list[str]:
    """Return `field: what is wrong` for each of the parameters `given` to a trader type; [] if it can use them."""
    parameters, settings = declared(trader, Parameter), declared(trader, Setting)
    known = sorted([*parameters, *settings])
    found: list[str] = []
    for name, value in given.items():
        if name in parameters:
            found += [f"{name}: {text}" for text in _parameter(parameters[name], value)]
        elif name in settings:
            found += _setting(name, settings[name], value, markets)
        else:
            kind = getattr(trader, "kind", trader.__name__)
            hint = nearest(name, known)
            found.append(f"{_label(name)}: unknown field of trader '{kind}'{hint}; known: {', '.join(known)}")
    defaults = {name: item for name, item in settings.items() if name not in given and item.form == "market"}
    for name, item in defaults.items():
        found += _setting(name, item, item.default, markets)
    return found


def _parameter(item: Parameter, value: Any) -> Iterator[str]:
    if isinstance(value, Distribution):
        low, high = _range(value)
        # The thin tail of an unbounded law may leave the bounds; what a law says outright may not.
        if text := item.problem(low, min(high, item.high) if _unbounded(value) else high):
            yield f"{text}, which the law reaches"
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield f"must be a number or a law (got {described(value)})"
        return
    if item.whole and value != np.rint(value):
        yield f"must be a whole number (got {value:g})"
    elif text := item.problem(float(value), float(value)):
        yield text


def _setting(name: str, item: Setting, value: Any, markets: tuple[str, ...]) -> Iterator[str]:
    if item.form == "by_market":
        if not isinstance(value, dict):
            yield f"{name}: must be a table market = number (got {described(value)})"
            return
        for market in value:
            if market not in markets:
                yield f"{name}.{_label(market)}: market is not defined; known: {', '.join(markets)}"
    elif item.form == "market":
        number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(markets)
        if not number and value not in markets:
            yield f"{name}: market {described(value)} is not defined; known: {', '.join(markets)}"
    elif isinstance(value, bool) or not isinstance(value, int | float):
        yield f"{name}: must be a number (got {described(value)})"
    elif isinstance(item.default, int) and value != np.rint(value):
        yield f"{name}: must be a whole number (got {value:g})"
    elif not item.low <= value <= item.high:
        yield f"{name}: must be between {item.low:g} and {item.high:g} (got {value:g})"


def _range(law: Distribution) -> tuple[float, float]:
    """Return the smallest and the largest value of a law."""
    if values := getattr(law, "values", None):
        return min(values), max(values)
    ends = law.quantile(np.array([1e-12, 1.0 - 1e-12]))
    return float(ends[0]), float(ends[1])


def _unbounded(law: Distribution) -> bool:
    return hasattr(law, "maximum") and law.maximum is None  # type: ignore[attr-defined]


def _label(name: str) -> str:
    return name if re.fullmatch(r"[\w-]{1,64}", name, re.ASCII) else shown(name)
