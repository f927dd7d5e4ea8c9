"""Targets T14.defaults and T14.price: clearing by rounds of defaults, and with sales at a falling price."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from experiments.target import Check, exact_check
from experiments.theory.clearing_at_price import CapitalRule
from experiments.theory.clearing_vector import Claims, fictitious_default
from experiments.theory.network import Clearing
from experiments.theory.suite import Target


class DefaultRounds(Target):
    """T14, by fictitious defaults."""

    name: ClassVar[str] = "T14.defaults"
    title: ClassVar[str] = "Clearing takes at most one round of defaults a party"
    source: ClassVar[str] = "L. Eisenberg & T. Noe, Management Science 47 (2001) 236-249, section 3.1 and appendix 2"
    formula: ClassVar[str] = "fictitious defaults reach the fixed point of p = min(Pi'p + e, pbar) in at most n rounds"

    parties: int = Field(12, ge=2, le=200, description="n")
    outside: float = Field(0.3, gt=0.0, le=10.0, description="money over debts, on average")
    systems: int = Field(200, ge=1, le=2_000, description="random ones")
    seed: int = Field(1, ge=0, description="of the systems")

    def run(self) -> list[Check]:
        """Return the distance to Picard iteration, rounds, and both vectors of two who have nothing else."""
        family = Clearing.of(self.model_dump())
        distance, longest = 0.0, 0
        for number in range(self.systems):
            claims = family.system(number)
            paid, rounds = fictitious_default(claims)
            distance = max(distance, float(np.abs(paid - claims.greatest).max()))
            longest = max(longest, rounds)
        bare = Claims(np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2))
        return [
            exact_check("payments apart from iteration", 0.0, distance, 1e-9),
            exact_check("rounds above the parties", 0.0, max(0, longest - self.parties)),
            exact_check("greatest vector of two without money", 1.0, float(bare.greatest[0])),
            exact_check("least vector of two without money", 0.0, float(bare.least[0])),
        ]


class ClearingPrice(Target):
    """T14, with a capital ratio and a price."""

    name: ClassVar[str] = "T14.price"
    title: ClassVar[str] = "Clearing with sales that lower the price of what is sold"
    source: ClassVar[str] = (
        "R. Cifuentes, G. Ferrucci & H. Shin, J. European Economic Association 3 (2005) 556-566, one bank"
    )
    formula: ClassVar[str] = "p = exp(-a s), s = e - (p e + c - L) / (r p) within 0 and e"

    units: float = Field(2.0, gt=0.0, le=1e3, description="e, of the illiquid asset, 1 dollar each")
    cash: float = Field(-0.12, ge=-1e3, le=1e3, description="c, less outside debts, dollars")
    debt: float = Field(1.7, ge=0.0, le=1e3, description="L, owed to a bank that owns nothing else, dollars")
    ratio_rate: float = Field(0.1, gt=0.0, le=1.0, description="r, least equity over assets at risk")
    impact: float = Field(0.02, ge=0.0, le=0.5, description="a, log price a unit")

    def run(self) -> list[Check]:
        """Return the highest price with what is paid at it."""
        debts = np.array([[0.0, self.debt], [0.0, 0.0]])
        rule = CapitalRule(debts, np.array([self.cash, 0.0]), np.array([self.units, 0.0]), self.ratio_rate, self.impact)
        found, price = rule.greatest, self._root()
        paid = min(self.debt, max(0.0, self.cash + price * self.units))
        return [
            exact_check("price", price, found.price, 1e-9),
            exact_check("units sold", self._sold(price), float(found.sold[0]), 1e-6 * self.units),
            exact_check("dollars paid", paid, float(found.paid[0]), 1e-9 * max(self.debt, 1.0)),
        ]

    def _sold(self, price: float) -> float:
        kept = (price * self.units + self.cash - self.debt) / (self.ratio_rate * price)
        return min(max(self.units - kept, 0.0), self.units)

    def _root(self) -> float:
        """Return the largest root of p = exp(-a s(p)) by a scan from above and bisection."""
        from scipy.optimize import brentq

        def excess(price: float) -> float:
            return price - float(np.exp(-self.impact * self._sold(price)))

        if excess(1.0) <= 0.0:
            return 1.0
        grid = np.linspace(1.0, float(np.exp(-self.impact * self.units)), 20_001)
        below = next(i for i, price in enumerate(grid) if excess(float(price)) <= 1e-15)
        if excess(float(grid[below])) >= 0.0:
            return float(grid[below])
        return float(brentq(excess, grid[below], grid[below - 1], xtol=1e-15))  # type: ignore[arg-type]
