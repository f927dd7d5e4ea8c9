"""Declaring what a trader type can be told, once, on its class."""

from dataclasses import dataclass
from typing import Any

from simulation.errors import shown


@dataclass(frozen=True)
class Parameter:
    """A number each member has: a column of the group, drawn from a distribution if the scenario says so.

    On a trader class the attribute is this declaration, on one agent it is that agent's own value.
    """

    default: float
    low: float
    high: float
    about: str
    whole: bool = False
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the name of the attribute."""
        object.__setattr__(self, "name", name)

    def __get__(self, agent: Any, owner: type) -> Any:
        """Return the declaration (on the class) or the member's value (on an agent)."""
        return self if agent is None else agent.group.columns[self.name][agent.member]

    def problem(self, low: float, high: float) -> str:
        """Return what is wrong with values between `low` and `high`, or an empty text."""
        if self.low <= low and high <= self.high:
            return ""
        return f"must be between {self.low:g} and {self.high:g} (got {shown(low if low < self.low else high)})"


@dataclass(frozen=True)
class Setting:
    """Something the whole group shares: a market name, numbers by market, or a number that may not vary."""

    default: Any
    form: str  # "market", "by_market" or "number"
    about: str
    low: float = float("-inf")
    high: float = float("inf")
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the name of the attribute."""
        object.__setattr__(self, "name", name)

    def __get__(self, agent: Any, owner: type) -> Any:
        """Return the declaration (on the class) or the group's value (on an agent)."""
        return self if agent is None else agent.group.settings[self.name]


def declared(trader: type, form: type) -> dict[str, Any]:
    """Return the declarations of `form` (Parameter or Setting) on a trader type by name, bases first."""
    found: dict[str, Any] = {}
    for cls in reversed(trader.__mro__):
        found.update({name: item for name, item in vars(cls).items() if isinstance(item, form)})
    return found
