"""The definition of a metric as its docstring states it: first line, unit, denominator."""

import re
from dataclasses import dataclass
from typing import Any

_FOOTER = re.compile(r"Unit: (?P<unit>.+?)\. Denominator: (?P<per>.+?)\.\s*$", re.DOTALL)
NONE = "none"


@dataclass(frozen=True)
class Entry:
    """One metric: its name, unit, what it is divided by ("none" if by nothing), and the definition's first line."""

    name: str
    unit: str
    per: str
    definition: str

    def __str__(self) -> str:
        """Return the entry as two lines."""
        per = "" if self.per == NONE else f", per {self.per}"
        return f"  {self.name}: {self.unit}{per}\n      {self.definition}"


def documented(name: str, function: Any) -> Entry:
    """Return the entry of a function whose docstring ends with its unit and denominator."""
    text = " ".join((function.__doc__ or "").split())
    footer = _FOOTER.search(text)
    unit, per = (footer["unit"], footer["per"]) if footer else ("not stated", NONE)
    return Entry(name, unit, per, first_line(function))


def first_line(thing: Any) -> str:
    """Return the first line of a docstring, without its "Return"."""
    line = (thing.__doc__ or "").strip().split("\n")[0].removeprefix("Return ")
    return line[:1].upper() + line[1:]
