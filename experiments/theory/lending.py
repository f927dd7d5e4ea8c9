"""Target T6: above a loan-to-value of 1 / (1 + i) every liquidation makes the borrower worse off.

Repaying c B for collateral worth c B (1 + i) turns the loan-to-value x into x (1 - c) / (1 - c x (1 + i)), which is
above x iff x > 1 / (1 + i), whatever c is. Each repayment is made by the rule of the lending venues.
"""

from typing import ClassVar

from pydantic import Field

from experiments.target import Check, bare_scenario, exact_check, groups_by_name, played
from experiments.theory.suite import Target
from simulation.accounts import QUANTUM
from simulation.liquidation.lending import bonus_seizure

_FINE = 1e-9
_GONE = 1e-12  # of the debt, what counts as repaid
_PRICE, _UNITS = 100.0, 10_000.0  # of the perpetual, dollars and units
_MANY = 100_000  # liquidations; the collateral is long gone by then, or the debt


class ToxicSpiral(Target):
    """T6."""

    name: ClassVar[str] = "T6"
    title: ClassVar[str] = "Toxic liquidation spirals begin at a loan-to-value of 1 / (1 + i)"
    source: ClassVar[str] = "J. Warmuz, A. Chaudhary & D. Pinna, arXiv:2212.07306 (2022)"
    formula: ClassVar[str] = (
        "x_n = x (1 - c)^n / (1 - (1 + i) x (1 - (1 - c)^n)), rising iff x > 1 / (1 + i); bad debt B - C / (1 + i); "
        "perpetual (e - f x) / (1 - x), falling iff e < f"
    )

    bonus_rate: float = Field(0.1, ge=1e-4, le=0.5, description="i, the incentive")
    share: float = Field(0.5, ge=1e-3, le=0.999, description="c, the close factor")
    debt: float = Field(1_000.0, gt=0.0, le=1e12, description="B, dollars")
    rounds: int = Field(3, ge=1, le=50, description="n, liquidations of which the path is checked")
    distance: float = Field(0.02, gt=1e-6, le=0.05, description="from the frontier, relative, on either side")

    def run(self) -> list[Check]:
        """Return path, direction and residue on both sides of the frontier, the repair to a target, and perpetuals."""
        sides = [*self._side("below", 1.0 - self.distance), *self._side("above", 1.0 + self.distance)]
        return [*sides, self._repaired(), *self._perpetual()]

    def _repaired(self) -> Check:
        """Return the check that repaying (x - t) / (x (1 - t (1 + i))) of the debt leads to the loan-to-value t."""
        more = 1.0 + self.bonus_rate
        start, target = (1.0 - self.distance) / more, (1.0 - 2.0 * self.distance) / more
        share = (start - target) / (start * (1.0 - target * more))
        done = bonus_seizure(self.debt, self.debt / start, share, self.bonus_rate)
        reached = (self.debt - float(done.repaid)) / (self.debt / start - float(done.seized))
        return exact_check("LTV after repair to a target", target, reached, _FINE * target)

    def _perpetual(self) -> list[Check]:
        """Return the checks of a perpetual: closing the share x at a penalty f moves the equity ratio e to
        (e - f x) / (1 - x), which falls iff e < f.
        """
        checks, penalty, x = [], self.bonus_rate / 10.0, self.share
        for name, ratio in (("below", 0.8 * penalty), ("above", 1.25 * penalty)):
            expected, seen = (ratio - penalty * x) / (1.0 - x), self._ratio_after(ratio, penalty)
            if expected < _GONE:
                continue  # bankrupt at once: there is no ratio left
            # Fee and proceeds are rounded to the quantum, beside what is still held.
            fine = _FINE + 4.0 * QUANTUM * (1.0 + expected) / ((1.0 - x) * _PRICE * _UNITS)
            checks.append(exact_check(f"equity ratio, {name} the penalty", expected, seen, fine))
            checks.append(exact_check(f"falls, {name} the penalty", float(ratio < penalty), float(seen < ratio)))
        return checks

    def _ratio_after(self, ratio: float, penalty: float) -> float:
        """Return the equity ratio after one partial liquidation of a long whose equity was `ratio` of its notional."""
        notional = _PRICE * _UNITS
        rates = [{"maintenance_rate": 1.0, "initial_rate": 1.0}]
        scenario = bare_scenario(
            markets=[{"name": "A", "price": _PRICE, "lot": 2.0**-30, "tiers": rates}],
            liquidation={"kind": "fraction", "share": self.share, "minimum_notional": 0.01, "penalty_rate": penalty},
            rounds_per_step=1,
            population=[
                {"kind": "book", "name": "long", "count": 1, "deposit": ratio * notional, "units": {"A": _UNITS}}
            ],
        )
        model = played(scenario)
        row = int(groups_by_name(model)["long"].rows[0])
        held = float(model.accounts.position[row, 0]) * _PRICE
        return (float(model.accounts.cash[row].sum()) + held) / held

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
