"""The deleveraging rule: which winners a bankrupt position is closed against when the fund is empty."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

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


@dataclass(frozen=True)
class Bankrupt:
    """A pool that is to be closed against winners, (m,) each: signed `value` of its positions at the mark, their
    stand-alone `maintenance` requirements, the `mark` and the `previous` mark, that of the step before, dollars.
    """

    value: Array
    maintenance: Array
    mark: Array
    previous: Array


class DeleveragingRule(Rule):
    """How the lots of a bankrupt position are shared among the winners, and at which price.

    At the bankruptcy price of its positions a pool is worth exactly nothing; in a pool of several positions that needs
    an attribution of the deficit D, after insurance, to positions of value v_j: by notional, every price moves by the
    same rate x = D / sum |v|; by maintenance requirement a_j, x_j = D a_j / (sum a |v_j|). A loss that the price does
    not hand to winners is left to the loss rule.
    Sources: by maintenance, dYdX v4 `GetBankruptcyPriceInQuoteQuantums`; at the mark, OKX; at the previous mark,
    Hyperliquid.
    """

    active: ClassVar[bool] = True
    price: Literal["bankruptcy", "mark", "previous_mark"] = Field(
        "bankruptcy", description="of the fills; the previous mark no further than the bankruptcy price"
    )
    attribution: Literal["notional", "maintenance"] = Field(
        "notional", description="what a deficit is attributed to positions by"
    )

    def haircuts(self, deficit: float, pool: Bankrupt) -> Array:
        """Return the rate x (m,), at least 0: positions are closed at mark * (1 + side * x)."""
        size = np.abs(pool.value)
        if self.price == "mark" or deficit <= 0.0 or not size.any():
            return np.zeros_like(size)
        weight = pool.maintenance if self.attribution == "maintenance" and pool.maintenance.any() else size
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = np.where(size > 0.0, deficit / weight.sum() * (weight / size), 0.0)
        if self.price == "bankruptcy":
            return rates
        return np.clip(np.sign(pool.value) * (pool.previous / pool.mark - 1.0), 0.0, rates)

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return the whole lots (c,) each winner gives up; they add up to min(lots, sum of winners' lots)."""
        raise NotImplementedError
