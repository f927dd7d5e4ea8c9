"""Clearing when debtors must also keep a capital ratio, and what they sell for it moves the price.

Bank i owns e_i units of an illiquid asset at price p, c_i dollars of cash less outside debt, and claims on the others
x_i = sum_j Pi_ji y_j, where y_i = min(pbar_i, (c_i + p e_i + x_i)+) is paid. It sells the fewest units s_i in [0, e_i]
that give

    (p e_i + c_i + x_i - pbar_i) / (p (e_i - s_i) + x_i) >= r,      all of them where it cannot;    p = exp(-a sum s).

Both the payments and, as a lower price makes nobody sell less, the price rise in each other, so iteration from above
reaches the greatest solution and iteration from below the least. Source: R. Cifuentes, G. Ferrucci & H. Shin, J.
European Economic Association 3 (2005) 556-566.
"""

from dataclasses import dataclass

import numpy as np

from experiments.theory.clearing_vector import Claims
from simulation.arrays import Array
from simulation.errors import InputError

_ENOUGH = 1e-14
_ROUNDS = 1_000_000


@dataclass(frozen=True)
class Cleared:
    """price: dollars a unit, 1 before anybody sells; paid (n,): dollars; sold (n,): units."""

    price: float
    paid: Array
    sold: Array


@dataclass(frozen=True)
class CapitalRule:
    """debts L (n, n): dollars, row owes column; cash c (n,): dollars, negative where outside debts exceed it.

    units e (n,): of the illiquid asset. ratio_rate r: least equity over assets at risk, above 0 and at most 1.
    impact a: log price drop per unit sold.
    """

    debts: Array
    cash: Array
    units: Array
    ratio_rate: float
    impact: float

    def __post_init__(self) -> None:
        """Refuse what is no system of banks."""
        Claims(self.debts, np.zeros(len(self.cash)))
        if self.units.shape != self.cash.shape or not (self.units >= 0.0).all() or not np.isfinite(self.cash).all():
            raise InputError("units: must be one number of at least 0 for each bank, cash: finite")
        if not 0.0 < self.ratio_rate <= 1.0 or not self.impact >= 0.0:
            raise InputError("ratio_rate: must be above 0 and at most 1, impact: at least 0")

    @property
    def greatest(self) -> Cleared:
        """Return the solution with the highest price and payments."""
        return self._iterated(1.0, self.debts.sum(axis=1))

    @property
    def least(self) -> Cleared:
        """Return the solution with the lowest price and payments."""
        return self._iterated(self._price(self.units), np.zeros(len(self.cash)))

    def sales(self, price: float, received: Array) -> Array:
        """Return the units s (n,) sold at `price` by banks whose debtors pay `received` (n,) dollars."""
        equity = price * self.units + self.cash + received - self.debts.sum(axis=1)
        kept = (equity / self.ratio_rate - received) / price
        return np.clip(self.units - kept, 0.0, self.units)

    def _price(self, sold: Array) -> float:
        return float(np.exp(-self.impact * sold.sum()))

    def _iterated(self, price: float, paid: Array) -> Cleared:
        claims = Claims(self.debts, np.zeros(len(self.cash)))
        shares, owed = claims.shares, claims.owed
        for _ in range(_ROUNDS):
            received = paid @ shares
            after = np.clip(self.cash + price * self.units + received, 0.0, owed)
            lower = self._price(self.sales(price, received))
            still = abs(lower - price) <= _ENOUGH and (np.abs(after - paid) <= _ENOUGH * owed).all()
            price, paid = lower, after
            if still:
                break
        return Cleared(price, paid, self.sales(price, paid @ shares))
