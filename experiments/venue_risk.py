"""What pooling does to the venue: solvency under one margin rule for everybody, with and without the freed margin.

The same storms meet isolated, cross and portfolio margin. At equal positions pooling can only help each account; if
traders spend the margin that a regime frees (reuse_share phi = 1), their positions grow until they use as much margin
as isolated margin asks, and an offset that fails takes much more with it.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.paired import paired_difference
from experiments.statistics import Estimate
from experiments.target import bare_scenario, played
from simulation.errors import InputError
from simulation.scenario import Scenario


@dataclass(frozen=True)
class VenueStorm:
    """Holders on a venue, and a shock.

    shocks: simple return of each market at step `at`. long_share: probability that a position is long. markets_held:
    positions of each trader. leverage: uniform between low and high. correlation: of the world's own moves, volatility
    a year; the closer they move together, the less there is for a pool to average out, and the less cross margin
    helps. impact: log price move if all open interest of a market were sold at once.
    """

    shocks: tuple[float, ...] = (-0.08, -0.08, -0.08, -0.08)
    long_share: float = 1.0
    markets_held: int = 4
    leverage: tuple[float, float] = (4.0, 8.0)
    correlation: float = 0.0
    volatility: float = 1.5
    traders: int = 200
    steps: int = 12
    at: int = 6
    impact: float = 0.02

    def scenario(self, margin: dict[str, Any], reuse_share: float = 0.0) -> Scenario:
        """Return the scenario under a margin rule."""
        names = [f"M{k}" for k in range(len(self.shocks))]
        deposit = 10_000.0
        gross = self.traders * deposit * sum(self.leverage) / 2.0 / len(names)
        moved = [(n, size) for n, size in zip(names, self.shocks, strict=True) if size]
        return bare_scenario(
            name="venue-risk",
            steps=self.steps,
            step_seconds=3600.0,
            markets=[{"name": n, "price": 100.0, "volatility": self.volatility, "depth": gross} for n in names],
            price={
                "kind": "scripted",
                "base": {"kind": "gbm", "correlation": self.correlation},
                "shocks": [{"step": self.at, "market": n, "size": size} for n, size in moved],
            },
            impact={"kind": "linear", "scale": self.impact},
            margin=margin,
            reuse_share=reuse_share,
            insurance_fund=0.0,
            population=[
                {
                    "kind": "holder",
                    "count": self.traders,
                    "deposit": {"kind": "lognormal", "median": deposit, "sigma": 0.5},
                    "leverage": {"kind": "uniform", "low": self.leverage[0], "high": self.leverage[1]},
                    "long_share": self.long_share,
                    "markets_held": float(self.markets_held),
                }
            ],
        )


COMMON = VenueStorm()
# Half of the markets rise, half fall: offsets that the engine grants for a correlation of .9 fail together.
DECOUPLING = VenueStorm(shocks=(-0.05, -0.05, 0.05, 0.05), long_share=0.5, volatility=0.6)
PORTFOLIO = {"kind": "portfolio", "correlation": 0.9}
NO_OFFSET = {**PORTFOLIO, "offset_cap": 0.0}  # the control: an engine that frees no margin


def venue_outcomes(storm: VenueStorm, margin: dict[str, Any], seeds: range, reuse_share: float = 0.0) -> pd.DataFrame:
    """Return one row a storm: bad_debt (share of all deposits), accounts_hit (share), digest of the storm."""
    scenario = storm.scenario(margin, reuse_share)
    return pd.DataFrame([_outcome(scenario.seeded(seed)) for seed in seeds], index=pd.Index(seeds, name="seed"))


def _outcome(scenario: Scenario) -> dict[str, Any]:
    model = played(scenario)
    deposits = sum(float(group.deposited.sum()) for group in model.groups)
    hit = set(model.exchange.desk.log.events.row.tolist()) & set(model.traders.tolist())
    return {
        "bad_debt": sum(case.deficit for case in model.exchange.waterfall.bankruptcies) / deposits,
        "accounts_hit": len(hit) / len(model.traders),
        "digest": model.streams.digest(),
    }


def bad_debt_difference(a: pd.DataFrame, b: pd.DataFrame) -> Estimate:
    """Return bad debt of `a` less that of `b`, storm by storm; raises `InputError` if they met different storms."""
    if a["digest"].to_dict() != b["digest"].to_dict():
        raise InputError("the two arms met different storms")
    return paired_difference(a["bad_debt"].to_dict(), b["bad_debt"].to_dict())


def equal_positions(seeds: range, storm: VenueStorm = COMMON) -> Estimate:
    """Return bad debt in cross less isolated margin where everybody holds the same positions in both."""
    return bad_debt_difference(*(venue_outcomes(storm, {"kind": kind}, seeds) for kind in ("cross", "isolated")))


def equal_utilisation(seeds: range, storm: VenueStorm = DECOUPLING, margin: dict[str, Any] | None = None) -> Estimate:
    """Return bad debt under `margin` (portfolio) less isolated margin where all freed margin is spent (phi = 1)."""
    arms = (margin or PORTFOLIO, {"kind": "isolated"})
    return bad_debt_difference(*(venue_outcomes(storm, arm, seeds, 1.0) for arm in arms))
