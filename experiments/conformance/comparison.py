"""Whether an answer is the expected one: numbers within a tolerance, everything else exactly."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.errors import described


@dataclass(frozen=True)
class Tolerance:
    """How far a number x may be from the expected one: |expected - x| <= absolute + relative * |expected|."""

    relative: float = 1e-9
    absolute: float = 1e-9

    @classmethod
    def of(cls, table: Mapping[str, Any] | None, otherwise: "Tolerance") -> "Tolerance":
        """Return what `table` (`rel`, `abs`) says, and `otherwise` for what it does not say."""
        table = table or {}
        return cls(float(table.get("rel", otherwise.relative)), float(table.get("abs", otherwise.absolute)))

    def allowed(self, expected: float) -> float:
        """Return the largest error a number may have where `expected` is right."""
        return self.absolute + self.relative * abs(expected)


@dataclass(frozen=True)
class Finding:
    """One number or text of an answer held against the expected one.

    path: which one, as in "steps[2].price". error: |expected - x| / max(1, |expected|), nan where there are not two
    numbers to compare. problem: what is wrong, empty if nothing is.
    """

    path: str
    error: float = math.nan
    problem: str = ""

    def __str__(self) -> str:
        """Return where it is and what is wrong."""
        return f"{self.path}: {self.problem}" if self.path else self.problem


def findings(expected: Any, answer: Any, tolerance: Tolerance, path: str = "") -> Iterator[Finding]:
    """Return one finding for each value of `expected`, found by name in tables and by place in lists.

    An answer may hold more names than are expected; a list must be as long as the expected one.
    """
    answer = plain(answer)
    if isinstance(expected, Mapping):
        yield from _table(expected, answer, tolerance, path)
    elif isinstance(expected, list):
        yield from _list(expected, answer, tolerance, path)
    elif is_number(expected) and is_number(answer):
        yield _number(float(expected), float(answer), tolerance, path)
    else:
        same = type(expected) is type(answer) and expected == answer
        yield Finding(path, problem="" if same else f"expected {described(expected)}, got {described(answer)}")


def plain(value: Any) -> Any:
    """Return `value` with NumPy's arrays and numbers turned into Python's, tuples into lists."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def is_number(value: Any) -> bool:
    """Tell whether `value` is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _table(expected: Mapping[str, Any], answer: Any, tolerance: Tolerance, path: str) -> Iterator[Finding]:
    if not isinstance(answer, Mapping):
        yield Finding(path, problem=f"expected a table, got {described(answer)}")
        return
    named = {str(name): value for name, value in answer.items()}
    for name, value in expected.items():
        inner = f"{path}.{name}" if path else str(name)
        if name in named:
            yield from findings(value, named[name], tolerance, inner)
        else:
            yield Finding(inner, problem="is missing from the answer")


def _list(expected: Sequence[Any], answer: Any, tolerance: Tolerance, path: str) -> Iterator[Finding]:
    if not isinstance(answer, list) or len(answer) != len(expected):
        yield Finding(path, problem=f"expected {described(expected)}, got {described(answer)}")
        return
    for place, (value, given) in enumerate(zip(expected, answer, strict=True)):
        yield from findings(value, given, tolerance, f"{path}[{place}]")


def _number(expected: float, answer: float, tolerance: Tolerance, path: str) -> Finding:
    if expected == answer or (math.isnan(expected) and math.isnan(answer)):
        return Finding(path, 0.0)
    error, allowed = abs(expected - answer), tolerance.allowed(expected)
    relative = error / max(1.0, abs(expected))
    if error <= allowed:  # false for nan
        return Finding(path, relative)
    off = f"off by {error:.3g} where {allowed:.3g} is allowed"
    return Finding(path, relative, f"expected {expected!r}, got {answer!r}, {off}")
