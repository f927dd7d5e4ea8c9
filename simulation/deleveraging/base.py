"""The deleveraging rule: which winners a bankrupt position is closed against when the fund is empty."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from simulation.arrays import Array
from simulation.rule import Rule

_LEAST_COST = 1e-12  # of the notional; a long that was had for nothing has an infinite return, which cannot be ranked


@dataclass(frozen=True)
class Winners:
    """Eligible counterparties of one bankrupt position, one row each, ordered by account row.

    `lots` whole lots held on the opposite side; `profit` unrealised profit, dollars; `notional` of the position;
    `equity` of its pool; `leverage` gross notional over equity of its pool; `maintenance` requirement of its pool, and
    `wallet` balance of its pool without unrealised profit, dollars (nothing, and equity less `profit`, if left out);
    `side` +1 where the winners are long, -1 where they are short.
    """

    lots: Array
    profit: Array
    notional: Array
    equity: Array
    leverage: Array
    maintenance: Array = field(default_factory=lambda: np.zeros(0))
    wallet: Array = field(default_factory=lambda: np.zeros(0))
    side: float = 1.0

    def __post_init__(self) -> None:
        """Fill in what was left out."""
        if len(self.maintenance) != len(self.lots):
            object.__setattr__(self, "maintenance", np.zeros_like(self.lots))
        if len(self.wallet) != len(self.lots):
            object.__setattr__(self, "wallet", self.equity - self.profit)

    @property
    def entry_notional(self) -> Array:
        """Return what the positions were worth when they were opened (c,), dollars; positive."""
        return np.maximum(self.notional - self.side * self.profit, _LEAST_COST * self.notional)


class DeleveragingRule(Rule):
    """How the lots of a bankrupt position are shared among the winners."""

    active: ClassVar[bool] = True

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return the whole lots (c,) each winner gives up; they add up to min(lots, sum of winners' lots)."""
        raise NotImplementedError
