"""Who moves whom: the price move of market j per unit of a shock to market i alone, pooled and segregated.

C_ij = ln(mark_j / P0_j) / ln(1 + shock) with shock to i only. Pooled collateral makes a loss in i close positions in
j, whose sale moves j; segregated pools leave j alone. Source of the channel: A. Kyle & W. Xiong, J. Finance 56 (2001)
1401-1440; R. Cont & L. Wagalath, Math. Finance 23 (2013) 718-741 for the correlation it induces.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.target import bare_scenario, one_tier, played
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.scenario import Scenario


@dataclass(frozen=True)
class SharedBook:
    """Holders of `markets_held` of `markets` each, long, and a book whose impact decides how far a cascade goes.

    impact: log price move if all open interest of a market were sold at once.
    """

    markets: int = 4
    markets_held: int = 4
    traders: int = 300
    leverage: tuple[float, float] = (5.0, 40.0)
    maintenance_rate: float = 0.01
    impact: float = 0.02
    shock: float = -0.1
    volatility: float = 0.6
    steps: int = 60

    def scenario(self, regime: str, price: dict[str, Any], steps: int) -> Scenario:
        """Return the scenario under a margin rule and a price process."""
        deposit = 10_000.0
        gross = self.traders * deposit * sum(self.leverage) / 2.0 / self.markets
        markets = [
            {
                "name": f"M{k}",
                "price": 100.0,
                "volatility": self.volatility,
                "depth": gross,
                "tiers": one_tier(self.maintenance_rate),
            }
            for k in range(self.markets)
        ]
        return bare_scenario(
            name="contagion-matrix",
            steps=steps,
            step_seconds=3600.0,
            markets=markets,
            price=price,
            impact={"kind": "linear", "scale": self.impact} if self.impact else {"kind": "none"},
            margin={"kind": regime},
            population=[
                {
                    "kind": "holder",
                    "count": self.traders,
                    "deposit": {"kind": "uniform", "low": 0.5 * deposit, "high": 1.5 * deposit},
                    "leverage": {"kind": "uniform", "low": self.leverage[0], "high": self.leverage[1]},
                    "long_share": 1.0,
                    "markets_held": float(self.markets_held),
                }
            ],
        )


CALM = {"kind": "gbm", "correlation": 0.0}


def contagion_matrix(book: SharedBook, regime: str, seed: int) -> tuple[Array, float]:
    """Return C (m, m), and which share of the dollars closed was healthy on its own; NaN if nothing was closed."""
    matrix, healthy, closed = np.zeros((book.markets, book.markets)), 0.0, 0.0
    for i in range(book.markets):
        shock = {"step": 1, "market": f"M{i}", "size": book.shock}
        model = played(book.scenario(regime, {"kind": "scripted", "shocks": [shock]}, 1).seeded(seed))
        marks = model.market.history["mark"]
        matrix[i] = np.log(marks[-1] / marks[0]) / np.log1p(book.shock)
        events = model.exchange.desk.log.events
        notional = np.abs(events.quantity) * events.mark_before
        healthy, closed = healthy + float(notional @ events.healthy_alone), closed + float(notional.sum())
    return matrix, healthy / closed if closed else np.nan


def off_diagonal(matrix: Array) -> Array:
    """Return the entries of a matrix off its diagonal, flat."""
    return matrix[~np.eye(len(matrix), dtype=bool)]


def contagion(book: SharedBook, regime: str, seeds: range) -> dict[str, Array]:
    """Return, a seed: own (mean C_ii), others (mean C_ij), largest_other |C_ij|, healthy_share of what was closed.

    Raises `InputError` for one market, which has no others.
    """
    if book.markets < 2:
        raise InputError(f"markets: must be at least 2 (got {book.markets})")
    found = [contagion_matrix(book, regime, seed) for seed in seeds]
    return {
        "own": np.array([matrix.diagonal().mean() for matrix, _ in found]),
        "others": np.array([off_diagonal(matrix).mean() for matrix, _ in found]),
        "largest_other": np.array([np.abs(off_diagonal(matrix)).max() for matrix, _ in found]),
        "healthy_share": np.array([healthy for _, healthy in found]),
    }


def endogenous_correlation(book: SharedBook, regime: str, seeds: range) -> Array:
    """Return, a seed, the mean correlation of mark returns less that of index returns, which is zero by design."""
    scenario = book.scenario(regime, CALM, book.steps)
    return np.array([_excess_correlation(scenario.seeded(seed)) for seed in seeds])


def _excess_correlation(scenario: Scenario) -> float:
    history = played(scenario).market.history
    mark, index = (np.corrcoef(np.diff(np.log(history[name]), axis=0).T) for name in ("mark", "index"))
    return float(off_diagonal(mark).mean() - off_diagonal(index).mean())


def without_impact(book: SharedBook) -> SharedBook:
    """Return the control: the same book where sales leave prices alone."""
    return replace(book, impact=0.0)
