"""Target T5: the leverage above which a forced exit ruins its owner by its own impact.

Selling the share x of a position lowers the price by I x^d, I the impact of the whole exit. The exit costs I / (1 + d)
of the notional on average, so an account of leverage l is bankrupt at the end iff l > l_c = (1 + d) / I, however many
slices the exit is made of. On the way leverage is l(x) = (1 - x)(1 - I x^d) / (1 / l0 - I x^d + I d / (1 + d) x^(1+d)).
Laws here move log prices: the average displacement of all fills still is I / (1 + d) in logs, exactly, while in dollars
1 - I x^d becomes exp(-I x^d), which is the same for small I; dollars are held against that.
Source: F. Caccioli, J.-P. Bouchaud & J. D. Farmer, "A proposal for impact-adjusted valuation: critical leverage and
execution risk", arXiv:1204.0922 (2012).
"""

from dataclasses import dataclass

import numpy as np

from agents.desk import MOST_ROUNDS
from experiments.target import Check, bare_scenario, exact_check, played
from simulation.arrays import Array
from simulation.scenario import Scenario

RELATIVE = 2e-3  # how near to the threshold ruin is looked for
_FINE = 1e-6  # relative; lots, quanta and the last slice, which is sold whole
_DEPTH = 1e10  # dollars; then quanta are nothing beside the cost of the gentlest exit
_SHARE = 0.1  # of the depth, the notional
_PRICE = 100.0  # dollars
_LEAST = 1e4  # dollars, the smallest slice
_BEYOND = 1.01  # leverage over the critical one of an exit that ruins
_ON_THE_WAY = 0.6  # leverage over the critical one of the exit whose leverage is followed


@dataclass(frozen=True)
class ExitVenue:
    """One long whose exit moves the price by `impact`, law x ** `exponent`, sold `slice_share` of the rest a round."""

    impact: float = 1e-3
    exponent: float = 0.5
    slice_share: float = 0.01

    @property
    def critical_leverage(self) -> float:
        """Return (1 + d) / I."""
        return (1.0 + self.exponent) / self.impact

    @property
    def notional(self) -> float:
        """Return the size of the position, dollars."""
        return _SHARE * _DEPTH

    @property
    def slices(self) -> Array:
        """Return the share sold after each slice (n,); what is worth less than `_LEAST` goes in one."""
        sold, left = [], 1.0
        while left > 0.0:
            left = 0.0 if left * self.notional <= _LEAST else left * (1.0 - self.slice_share)
            sold.append(1.0 - left)
        return np.array(sold)

    def averages(self, sold: Array) -> Array:
        """Return the average log displacement (n,) of each slice that ends at the share `sold` (n,): I x^d averaged."""
        area = self.impact * np.concatenate([[0.0], sold]) ** (1.0 + self.exponent) / (1.0 + self.exponent)
        return np.diff(area) / np.diff(np.concatenate([[0.0], sold]))

    def cost(self, sold: Array) -> float:
        """Return what an exit in these slices costs, as a fraction of the notional."""
        return float((np.diff(np.concatenate([[0.0], sold])) * -np.expm1(-self.averages(sold))).sum())

    def leverages(self, leverage: float, sold: Array) -> Array:
        """Return the leverage (n,) after each slice of an exit that starts at `leverage`."""
        width = np.diff(np.concatenate([[0.0], sold]))
        paid = np.cumsum(width * np.expm1(-self.averages(sold)))
        left, moved = 1.0 - sold, np.expm1(-self.impact * sold**self.exponent)
        equity = 1.0 / leverage + paid + left * moved
        return left * (1.0 + moved) / equity

    def scenario(self, leverage: float) -> Scenario:
        """Return the scenario: requirements that nobody meets, so that all is sold as long as any of it is carried."""
        whole = [{"maintenance_rate": 1.0, "initial_rate": 1.0}]
        law = {"kind": "square_root", "exponent": self.exponent, "scale": self.impact / _SHARE**self.exponent}
        sliced = {"kind": "fraction", "share": self.slice_share, "minimum_notional": _LEAST, "penalty_rate": 0.0}
        long = {"A": self.notional / _PRICE}
        return bare_scenario(
            steps=1 + len(self.slices) // MOST_ROUNDS,  # a step ends there, and the next goes on
            markets=[{"name": "A", "price": _PRICE, "depth": _DEPTH, "lot": 2.0**-20, "tiers": whole}],
            impact=law,
            liquidation=sliced,
            population=[{"kind": "book", "count": 1, "deposit": self.notional / leverage, "units": long}],
        )


@dataclass(frozen=True)
class Exit:
    """A whole exit: share sold after each slice, its fill and the mark after it (n,), and the bad debt left behind.

    Fills and marks are over the price before, bad debt is over the notional.
    """

    sold: Array
    fill: Array
    mark: Array
    bad_debt: float

    @property
    def width(self) -> Array:
        """Return the share that each slice sold (n,)."""
        return np.diff(np.concatenate([[0.0], self.sold]))

    @property
    def cost(self) -> float:
        """Return what it cost, as a fraction of the notional."""
        return float((self.width * (1.0 - self.fill)).sum())

    def leverages(self, leverage: float) -> Array:
        """Return the leverage (n,) after each slice."""
        left = 1.0 - self.sold
        equity = 1.0 / leverage + np.cumsum(self.width * (self.fill - 1.0)) + left * (self.mark - 1.0)
        return left * self.mark / equity


def simulate_exit(venue: ExitVenue, leverage: float = 1e9) -> Exit:
    """Run the exit of an account of `leverage`; by default one without means, so that all of it is bad debt."""
    model = played(venue.scenario(leverage))
    events, cases = model.exchange.desk.log.events, model.exchange.waterfall.bankruptcies
    sold = np.cumsum(-events.quantity) * _PRICE / venue.notional
    bad = sum(case.deficit for case in cases) / venue.notional
    return Exit(sold, events.fill / _PRICE, events.mark_after / _PRICE, bad)


def is_ruined(venue: ExitVenue, leverage: float) -> bool:
    """Tell whether an account of `leverage` ends its exit with less than nothing."""
    return simulate_exit(venue, leverage).bad_debt > 0.0


def exit_target(venue: ExitVenue = ExitVenue()) -> list[Check]:
    """Run target T5 and return its checks: the threshold, both of its sides, the bad debt, the way there."""
    at_once = simulate_exit(ExitVenue(venue.impact, venue.exponent, 1.0))
    threshold, critical = 1.0 / venue.cost(venue.slices), venue.critical_leverage
    # Ruined at the very end, so that nearly all of it goes in slices; then the rest is sold at once.
    ruined, ratio = simulate_exit(venue, _BEYOND * threshold), 1.0 / (_BEYOND * threshold)
    logs, logs_at_once = (-float((exit.width * np.log(exit.fill)).sum()) for exit in (ruined, at_once))
    cost = venue.cost(ruined.sold)
    return [
        exact_check("critical leverage (1 + d) / I", critical, 1.0 / logs, _FINE * critical),
        exact_check("the same, sold at once", critical, 1.0 / logs_at_once, _FINE * critical),
        exact_check("critical leverage in dollars", 1.0 / cost, 1.0 / (ruined.bad_debt + ratio), _FINE / cost),
        exact_check("bad debt, of notional", cost - ratio, ruined.bad_debt, _FINE * cost),
        exact_check("ruined just below", 0.0, is_ruined(venue, threshold * (1.0 - RELATIVE))),
        exact_check("ruined just above", 1.0, is_ruined(venue, threshold * (1.0 + RELATIVE))),
        *_followed(venue, _ON_THE_WAY * critical),
    ]


def _followed(venue: ExitVenue, leverage: float) -> list[Check]:
    """Return the checks of the leverage on the way, of an exit that does not ruin: its peak, where, and that it rises.

    With d < 1 it always rises at first; with d = 1 iff it starts above (1 + I) / I, which is above l_c / 2 only.
    """
    found = simulate_exit(venue, leverage)
    before_last = found.sold < 1.0 - 1e-9
    if not before_last.any():
        return []  # sold at once: there is no way
    seen = found.leverages(leverage)[before_last]
    expected = venue.leverages(leverage, found.sold[before_last])
    peak, where = int(np.argmax(expected)), int(np.argmax(seen))
    fine = 10.0 * _FINE * float(expected[peak])
    return [
        exact_check("peak leverage on the way", float(expected[peak]), float(seen[where]), fine),
        exact_check("share sold at the peak", found.sold[peak], found.sold[where], 2.0 * venue.slice_share),
        exact_check("leverage rises at first", float(expected[0] > leverage), float(seen[0] > leverage)),
    ]
