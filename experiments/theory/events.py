"""Target T21: branching ratios of Hawkes processes from events alone, and a perpetual's price without arbitrage."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.graph.branching import (
    Hawkes,
    counts,
    fitted,
    log_likelihood,
    perpetual_ratio,
    ratio_error,
    ratio_of_counts,
)
from experiments.target import SIGMAS, Check, bare_scenario, exact_check, groups_by_name, mean_check, one_tier, opened
from experiments.theory.suite import Target
from simulation.accounts import QUANTUM
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.price.base import YEAR_SECONDS
from simulation.random import Streams

_PRICE = 1e5  # dollars, so that a quantum of funding is little
_DEPOSIT = 1e8  # dollars; nobody is liquidated
_WARM = 30.0  # relaxation times after which a process is stationary
_LONG_WINDOW = 20.0  # relaxation times
_MOST = 2e6  # events of one series


class BranchingRatio(Target):
    """T21, of events."""

    name: ClassVar[str] = "T21.hawkes"
    title: ClassVar[str] = "Branching ratios are read off event times and counts"
    source: ClassVar[str] = (
        "A. Hawkes & D. Oakes, J. Applied Probability 11 (1974) 493-503; V. Filimonov & D. Sornette, Phys. Rev. E 85 "
        "(2012) 056108; S. Hardiman & J.-P. Bouchaud, Phys. Rev. E 90 (2014) 062807"
    )
    formula: ClassVar[str] = (
        "mean mu / (1 - n); Fano 1 / (1 - n)^2, less what finite windows take; n = 1 - sqrt(mean / variance); n of "
        "greatest likelihood"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"events": 20_000, "windows": 3_000}

    ratios: tuple[float, ...] = Field((0.15, 0.5, 0.8), min_length=1, max_length=10, description="n, each below .95")
    rate: float = Field(1.0, ge=1e-3, le=1e3, description="mu, events from outside a unit of time")
    decay: float = Field(1.0, ge=1e-3, le=1e3, description="b, of the delay of a child, 1 / unit of time")
    events: int = Field(3_000, ge=2_000, le=100_000, description="of each likelihood, about")
    windows: int = Field(1_000, ge=500, le=100_000, description="in which events are counted")
    seed: int = Field(1, ge=0, description="of the events")

    def run(self) -> list[Check]:
        """Return mean, Fano factor and both estimates of each ratio."""
        if not all(0.05 <= ratio <= 0.95 for ratio in self.ratios):
            raise InputError(f"{self.name}: ratios: must be from .05 to .95 (got {list(self.ratios)})")
        if not 0.05 <= self.rate / self.decay <= 20.0:
            raise InputError(f"{self.name}: rate: must be from .05 to 20 times decay, to tell children apart")
        processes = [Hawkes(self.rate, ratio, self.decay) for ratio in self.ratios]
        return [check for process in processes for check in (*self._counted(process), self._likely(process))]

    def _counted(self, process: Hawkes) -> list[Check]:
        relaxation = 1.0 / (process.decay * (1.0 - process.ratio))
        window, warm = _LONG_WINDOW * relaxation, _WARM * relaxation
        span = warm + self.windows * window
        expected = process.mean_rate * span
        if expected > _MOST:
            raise InputError(f"{self.name}: windows: would hold {expected:.2g} events; at most {_MOST:g}")
        times = process.times(span, Streams(self.seed))
        count = counts(times[times >= warm] - warm, span - warm, self.windows)
        name, mean, fano = f"n = {process.ratio:g}", process.mean_rate * window, process.fano(window)
        error = self._spread(count)
        return [
            mean_check(f"mean count, {name}", mean, count),
            mean_check(f"Fano factor, {name}", fano, (count - mean) ** 2 / mean),
            # n_hat of the finite window; its error follows from that of the variance
            Check(f"n by counts, {name}", 1.0 - fano**-0.5, ratio_of_counts(count)[0], error, SIGMAS * error),
        ]

    @staticmethod
    def _spread(count: Array) -> float:
        """Return the standard error of 1 - sqrt(mean / variance), leaving one count out at a time."""
        n, total, squares = len(count), count.sum(), (count**2).sum()
        mean = (total - count) / (n - 1)
        variance = ((squares - count**2) - (n - 1) * mean**2) / (n - 2)
        return math.sqrt((n - 1) * float(np.var(np.sqrt(mean / variance))))

    def _likely(self, process: Hawkes) -> Check:
        span = self.events / process.mean_rate
        times = process.times(span, Streams(self.seed + 1))
        found = fitted(times, span)
        error = ratio_error(found, times, span)
        tolerance = SIGMAS * error
        if self._consistent(found, process, times, span):
            tolerance = float(np.nanmax([tolerance, abs(found.ratio - process.ratio)]))
        return Check(f"n by likelihood, n = {process.ratio:g}", process.ratio, found.ratio, error, tolerance)

    @staticmethod
    def _consistent(found: Hawkes, process: Hawkes, times: Array, span: float) -> bool:
        """Tell whether the true process lies in the 4-sigma region of the likelihood, chi-square of 3 parameters.

        Where children come as slowly as events from outside, that region is no ellipse, and the curvature at the
        estimate makes too little of the error.
        """
        from scipy.stats import chi2, norm

        lost = log_likelihood(found, times, span) - log_likelihood(process, times, span)
        return 2.0 * lost <= float(chi2.isf(2.0 * norm.sf(SIGMAS), 3))


class PerpetualFunding(Target):
    """T21, of funding."""

    name: ClassVar[str] = "T21.funding"
    title: ClassVar[str] = "A perpetual at its price without arbitrage pays in funding what the hedge costs"
    source: ClassVar[str] = (
        "S. He, A. Manela, O. Ross & V. von Wachter, Fundamentals of perpetual futures (2022); G. Angeris, T. Chitra, "
        "A. Evans & M. Lorig (2022)"
    )
    formula: ClassVar[str] = (
        "F / S = (k - i) / (k - (r - r')): at it a short receives (r - r') F a year, long pays the same; i is the "
        "interest leg of the rule, k settlements a year"
    )

    settlements: float = Field(1_095.0, ge=50.0, le=100_000.0, description="k, a year; 1,095 is every eight hours")
    carry: float = Field(0.1, ge=-1.0, le=1.0, description="r - r', a year")
    clamp: float = Field(0.0, ge=0.0, le=0.01, description="most the interest leg adds, fraction of spot a settlement")
    steps: int = Field(30, ge=1, le=1_000, description="settlements that are run")

    def run(self) -> list[Check]:
        """Return what longs and shorts are paid, at that price and further away."""
        side = -1.0 if self.carry >= 0.0 else 1.0  # the leg pulls the payment towards interest, back to the spot
        ratio = perpetual_ratio(self.settlements, side * self.clamp * self.settlements, self.carry)
        years = self.steps / self.settlements
        long, short = self._received(ratio)
        _, further = self._received(ratio - side * 0.01)
        grain = 2.0 * QUANTUM * self.steps + 1e-9 * _PRICE * years
        earned = self.carry * ratio * _PRICE * years
        return [
            exact_check("a short receives, dollars", earned, short, grain),
            exact_check("a long receives, dollars", -earned, long, grain),
            # Further away every dollar of premium is paid once a settlement, k a year: more than the hedge costs.
            exact_check("more, .01 further away", -side * 0.01 * _PRICE * self.steps, further - short, grain),
        ]

    def _received(self, ratio: float) -> tuple[float, float]:
        """Return what one unit long and one unit short received in funding, dollars, with the mark at ratio * spot."""
        rule = {"kind": "average", "interval_steps": 1, "lowest_rate": -self.clamp, "highest_rate": self.clamp}
        sides = [
            {"kind": "book", "name": name, "count": 1, "deposit": _DEPOSIT, "units": {"A": units}}
            for name, units in (("long", 1.0), ("short", -1.0))
        ]
        model = opened(
            bare_scenario(
                steps=self.steps,
                step_seconds=YEAR_SECONDS / self.settlements,
                markets=[{"name": "A", "price": _PRICE, "tiers": one_tier(0.01)}],
                funding=rule,
                dislocations=[{"market": "A", "start_step": 0, "end_step": self.steps + 1, "factor": ratio}],
                population=sides,
            )
        )
        groups, cash = groups_by_name(model), model.accounts.cash
        rows = [int(groups[name].rows[0]) for name in ("long", "short")]
        before = cash[rows].sum(axis=1).copy()
        model.run()
        long, short = (cash[rows].sum(axis=1) - before).tolist()
        return long, short
