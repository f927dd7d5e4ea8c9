"""One published case, and how an adapter answers it.

An adapter translates the inputs of one kind of case into engine objects, calls the engine's own rules, and returns
the numbers under the names the case expects. It holds no formula: a number that is not an input comes from a rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Case:
    """One case: what goes in, what must come out, and the settings of the file it stands in."""

    id: str
    kind: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    file: Mapping[str, Any]
    convention: str = ""


Adapter: TypeAlias = Callable[[Case], Mapping[str, Any]]
"""Answers a case under the names of its expected numbers; more names than expected are allowed, fewer are a miss."""
