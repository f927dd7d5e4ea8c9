"""Target T5: the leverage above which a forced exit ruins its owner by its own impact.

Selling the share x of a position lowers the price by I x^d, I the impact of the whole exit. The exit costs I / (1 + d)
of the notional on average, so an account of leverage l is bankrupt at the end iff l > l_c = (1 + d) / I, however many
slices the exit is made of. Laws here move log prices; the threshold then is 1 / (1 - int_0^1 exp(-I x^d) dx), which
tends to l_c as I vanishes. Source: F. Caccioli, J.-P. Bouchaud & J. D. Farmer, "A proposal for impact-adjusted
valuation: critical leverage and execution risk", arXiv:1204.0922 (2012).
"""

from dataclasses import dataclass

from experiments.target import Check, bare_scenario, exact_check, played
from simulation.scenario import Scenario

RELATIVE = 2e-3  # error of finitely many slices and of a finite impact
_DEPTH = 1e7  # dollars
_SHARE = 0.1  # of the depth, the notional
_PRICE = 100.0  # dollars


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

    def scenario(self, leverage: float) -> Scenario:
        """Return the scenario: requirements that nobody meets, so that all is sold as long as any of it is carried."""
        whole = [{"maintenance_rate": 1.0, "initial_rate": 1.0}]
        law = {"kind": "square_root", "exponent": self.exponent, "scale": self.impact / _SHARE**self.exponent}
        sliced = {"kind": "fraction", "share": self.slice_share, "minimum_notional": 10.0, "penalty_rate": 0.0}
        long = {"A": self.notional / _PRICE}
        return bare_scenario(
            markets=[{"name": "A", "price": _PRICE, "depth": _DEPTH, "lot": 2.0**-20, "tiers": whole}],
            impact=law,
            liquidation=sliced,
            population=[{"kind": "book", "count": 1, "deposit": self.notional / leverage, "units": long}],
        )


def cost_of_exit(venue: ExitVenue) -> float:
    """Return what a whole exit costs, as a fraction of the notional, from the bad debt of an owner without means."""
    leverage = 1e9
    cases = played(venue.scenario(leverage)).exchange.waterfall.bankruptcies
    return sum(case.deficit for case in cases) / venue.notional + 1.0 / leverage


def is_ruined(venue: ExitVenue, leverage: float) -> bool:
    """Tell whether an account of `leverage` ends its exit with less than nothing."""
    return bool(played(venue.scenario(leverage)).exchange.waterfall.bankruptcies)


def exit_target(venue: ExitVenue = ExitVenue()) -> list[Check]:
    """Run target T5 and return its checks: the threshold by its cost, from both sides, and without slices."""
    expected = venue.critical_leverage
    at_once = ExitVenue(venue.impact, venue.exponent, 1.0)
    cost, cost_at_once = cost_of_exit(venue), cost_of_exit(at_once)
    return [
        exact_check("critical leverage", expected, 1.0 / cost, RELATIVE * expected),
        exact_check("cost at once over cost in slices", 1.0, cost_at_once / cost, RELATIVE),
        exact_check("ruined just below", 0.0, is_ruined(venue, expected * (1.0 - RELATIVE))),
        exact_check("ruined just above", 1.0, is_ruined(venue, expected * (1.0 + RELATIVE))),
    ]
