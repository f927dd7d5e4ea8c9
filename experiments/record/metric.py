"""What a metric is: one function `model -> float`. The name of the function is the name of its column.

Its docstring holds the definition and, at its end, `Unit: ... . Denominator: ... .`, which the list of metrics reads.
What is undefined is NaN, never 0, and `reason(name, model)` says why.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeAlias

import numpy as np

Metric: TypeAlias = Callable[[Any], float]
METRICS: dict[str, Metric] = {}


class Undefined(ArithmeticError):
    """Raised inside a metric to say that it has no value, and why."""


def metric(function: Callable[[Any], float]) -> Metric:
    """Register `function`; where it raises `Undefined`, the metric is NaN."""

    @wraps(function)
    def measured(model: Any) -> float:
        return evaluate(function, model)[0]

    METRICS[function.__name__] = measured
    return measured


def evaluate(function: Metric, model: Any) -> tuple[float, str]:
    """Return the value of a metric and, where it is NaN, the reason."""
    try:
        value = float(getattr(function, "__wrapped__", function)(model))
    except Undefined as error:
        return float("nan"), str(error)
    return value, "the metric returned no number" if np.isnan(value) else ""


def reason(name: str, model: Any) -> str:
    """Return why the metric `name` is NaN for this model, or an empty text if it is a number."""
    return evaluate(METRICS[name], model)[1]


def measure(model: Any, more: Iterable[Metric] = ()) -> tuple[dict[str, float], dict[str, str]]:
    """Return all metrics of a finished model, registered ones first, and the reasons of those that are NaN."""
    return evaluated(METRICS | {function.__name__: function for function in more}, model)


def evaluated(functions: dict[str, Metric], subject: Any) -> tuple[dict[str, float], dict[str, str]]:
    """Return the values of `functions` of `subject`, and the reasons of those that are NaN."""
    found = {name: evaluate(function, subject) for name, function in functions.items()}
    values = {name: value for name, (value, _) in found.items()}
    return values, {name: why for name, (_, why) in found.items() if why}


def ratio(numerator: float, denominator: float, why: str) -> float:
    """Return numerator / denominator; raise `Undefined` with the reason `why` where the denominator is 0."""
    if denominator == 0.0:
        raise Undefined(why)
    return float(numerator / denominator)
