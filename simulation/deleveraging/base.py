"""The deleveraging rule: which winners a bankrupt position is closed against when the fund is empty."""

from dataclasses import dataclass
from typing import ClassVar

from simulation.arrays import Array
from simulation.rule import Rule


@dataclass(frozen=True)
class Winners:
    """Eligible counterparties of one bankrupt position, one row each, ordered by account row.

    `lots` whole lots held on the opposite side; `profit` unrealised profit, dollars; `notional` of the position;
    `equity` of its pool; `leverage` gross notional over equity of its pool.
    """

    lots: Array
    profit: Array
    notional: Array
    equity: Array
    leverage: Array


class DeleveragingRule(Rule):
    """How the lots of a bankrupt position are shared among the winners."""

    active: ClassVar[bool] = True

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return the whole lots (c,) each winner gives up; they add up to min(lots, sum of winners' lots)."""
        raise NotImplementedError
