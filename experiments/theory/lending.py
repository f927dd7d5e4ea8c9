"""Target T6: above a loan-to-value of 1 / (1 + i) every liquidation makes the borrower worse off.

Repaying c B for collateral worth c B (1 + i) turns the loan-to-value x into x (1 - c) / (1 - c x (1 + i)), which is
above x iff x > 1 / (1 + i), whatever c is. Each repayment is made by the rule of the lending venues.
"""

from typing import ClassVar

from pydantic import Field

from experiments.target import Check, exact_check
from experiments.theory.suite import Target
from simulation.liquidation.lending import bonus_seizure

_FINE = 1e-9
_GONE = 1e-12  # of the debt, what counts as repaid
_MANY = 100_000  # liquidations; the collateral is long gone by then, or the debt


class ToxicSpiral(Target):
    """T6."""

    name: ClassVar[str] = "T6"
    title: ClassVar[str] = "Toxic liquidation spirals begin at a loan-to-value of 1 / (1 + i)"
    source: ClassVar[str] = "J. Warmuz, A. Chaudhary & D. Pinna, arXiv:2212.07306 (2022)"
    formula: ClassVar[str] = (
        "x_n = x (1 - c)^n / (1 - (1 + i) x (1 - (1 - c)^n)), rising iff x > 1 / (1 + i); bad debt B - C / (1 + i)"
    )

    bonus_rate: float = Field(0.1, gt=0.0, le=0.5, description="i, the incentive")
    share: float = Field(0.5, gt=0.0, lt=1.0, description="c, the close factor")
    debt: float = Field(1_000.0, gt=0.0, le=1e12, description="B, dollars")
    rounds: int = Field(3, ge=1, le=50, description="n, liquidations of which the path is checked")
    distance: float = Field(0.02, gt=1e-6, le=0.05, description="from the frontier, relative, on either side")

    def run(self) -> list[Check]:
        """Return path, direction and residue on both sides of the frontier."""
        return [*self._side("below", 1.0 - self.distance), *self._side("above", 1.0 + self.distance)]

    def _side(self, name: str, factor: float) -> list[Check]:
        more = 1.0 + self.bonus_rate
        start = factor / more
        collateral = self.debt / start
        path, checks = self._path(collateral, self.rounds), []
        if path:  # else the first liquidation took all there was
            kept = (1.0 - self.share) ** len(path)
            expected = start * kept / (1.0 - more * start * (1.0 - kept))
            checks.append(exact_check(f"rises, {name}", float(factor > 1.0), float(path[0] > start)))
            checks.append(exact_check(f"LTV after {len(path)}, {name}", expected, path[-1], _FINE * expected))
        residue = max(0.0, self.debt - collateral / more)
        return [*checks, exact_check(f"bad debt, {name}", residue, self._residue(collateral), _FINE * self.debt)]

    def _path(self, collateral: float, rounds: int) -> list[float]:
        """Return the loan-to-value after each of at most `rounds` liquidations, while there is collateral."""
        debt, path = self.debt, []
        for _ in range(rounds):
            done = bonus_seizure(debt, collateral, self.share, self.bonus_rate)
            debt, collateral = debt - float(done.repaid), collateral - float(done.seized)
            if collateral <= _FINE * self.debt:
                break
            path.append(debt / collateral)
        return path

    def _residue(self, collateral: float) -> float:
        """Return the debt left once nobody gains by a further liquidation."""
        debt = self.debt
        for _ in range(_MANY):
            done = bonus_seizure(debt, collateral, self.share, self.bonus_rate)
            debt, collateral = debt - float(done.repaid), collateral - float(done.seized)
            if float(done.bad_debt) > 0.0 or debt <= _GONE * self.debt or collateral <= 0.0:
                break
        return debt
