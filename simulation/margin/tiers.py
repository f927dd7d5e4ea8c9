"""Leverage tiers: requirement rates that rise with the notional of a position."""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array


@dataclass(frozen=True)
class Bracket:
    """The line of a leverage tier: requirement = rate * notional - deduction, arrays of one shape or numbers.

    Venues call the deduction the maintenance amount; it is in the currency of the notional.
    """

    rate: Array | float
    deduction: Array | float = 0.0

    def requirement(self, notional: Array) -> Array:
        """Return the requirement of positions of `notional` >= 0, in its currency."""
        return notional * self.rate - self.deduction


class TierSchedule:
    """Initial and maintenance rates of every market by notional tier.

    The requirement of a position of notional N is piecewise linear and continuous,
    requirement = rate_t N - deduction_t in tier t, with deduction_t = deduction_{t-1} + floor_t (rate_t - rate_{t-1}),
    which for rising rates is the largest of the tiers' lines. Source: leverage brackets with cumulative maintenance
    amounts, as the large perpetual venues publish them.
    """

    def __init__(self, floors: list[list[float]], initial: list[list[float]], maintenance: list[list[float]]) -> None:
        """Take, for each market, the tiers' notional floors (dollars, first 0) and rates (fractions, rising)."""
        self.initial_lines = _lines(floors, initial)
        self.maintenance_lines = _lines(floors, maintenance)
        self._floors = floors
        self._second = np.array([floor[1] if len(floor) > 1 else np.inf for floor in floors])
        self.steepest = np.array([max(rates) for rates in maintenance])

    @classmethod
    def by_leverage(
        cls, floors: list[list[float]], leverage: list[list[float]], maintenance_share: float
    ) -> "TierSchedule":
        """Return tiers stated by their largest leverage: initial 1 / leverage, maintenance a share of that."""
        initial = [[1.0 / most for most in tiers] for tiers in leverage]
        return cls(floors, initial, [[maintenance_share * rate for rate in rates] for rates in initial])

    def initial(self, notional: Array) -> Array:
        """Return the initial requirement (r, m) of positions of `notional` (r, m) >= 0, dollars."""
        return self._requirement(self.initial_lines, notional)

    def maintenance(self, notional: Array) -> Array:
        """Return the maintenance requirement (r, m) of positions of `notional` (r, m) >= 0, dollars."""
        return self._requirement(self.maintenance_lines, notional)

    def bracket(self, notional: Array) -> Bracket:
        """Return the maintenance line of each position of `notional` (r, m) >= 0; a floor belongs to the tier above."""
        tier = np.empty(notional.shape, np.intp)
        for market, floors in enumerate(self._floors):
            tier[:, market] = np.maximum(np.searchsorted(floors, notional[:, market], side="right") - 1, 0)
        rates, deductions = (np.stack(part) for part in zip(*self.maintenance_lines, strict=True))
        markets = np.arange(notional.shape[1])
        return Bracket(rates[tier, markets], deductions[tier, markets])

    def _requirement(self, lines: list[tuple[Array, Array]], notional: Array) -> Array:
        """Return the largest line; most positions are small, so higher tiers are looked at only where they matter."""
        requirement = notional * lines[0][0]
        if len(lines) == 1:
            return requirement
        above = notional[:, 0] > self._second[0]
        for market in range(1, notional.shape[1]):
            above |= notional[:, market] > self._second[market]
        rows = np.flatnonzero(above)
        if len(rows):
            large, most = notional[rows], requirement[rows]
            for rate, deduction in lines[1:]:
                np.maximum(most, large * rate - deduction, out=most)
            requirement[rows] = most
        return requirement


def _lines(floors: list[list[float]], rates: list[list[float]]) -> list[tuple[Array, Array]]:
    """Return (rate (m,), deduction (m,)) tier by tier; markets with fewer tiers repeat their last one."""
    deductions = []
    for floor, rate in zip(floors, rates, strict=True):
        steps = [floor[t] * (rate[t] - rate[t - 1]) for t in range(1, len(rate))]
        deductions.append([0.0, *np.cumsum(steps).tolist()])
    depth = max(map(len, rates))
    pad = [(rate + rate[-1:] * depth, cut + cut[-1:] * depth) for rate, cut in zip(rates, deductions, strict=True)]
    return [(np.array([p[0][t] for p in pad]), np.array([p[1][t] for p in pad])) for t in range(depth)]
