"""Target T7: the probability of liquidation is a first-passage probability, corrected for discrete marks.

Under geometric Brownian prices a long with leverage l is liquidated below P_liq = P0 (1 - 1/l) / (1 - mm), a short
above P0 (1 + 1/l) / (1 + mm). With b = ln(P_liq / P0) and nu = mu - s^2 / 2, continuously watched,
P(tau <= T) = N((b - nu T) / (s sqrt T)) + exp(2 nu b / s^2) N((b + nu T) / (s sqrt T)) for b < 0, mirrored for b > 0.
Marks every dt act like a barrier further away by beta s sqrt(dt), beta = -zeta(1/2) / sqrt(2 pi), which is also the
mean overshoot in logs. Sources: M. Broadie, P. Glasserman & S. Kou, Math. Finance 7 (1997) 325-349; D. Siegmund,
Adv. Appl. Prob. 11 (1979); J. Chang & Y. Peres, Ann. Prob. 25 (1997) 787-802.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.target import (
    SIGMAS,
    Check,
    bare_scenario,
    batches,
    distinct_seed,
    one_tier,
    played,
    share_check,
)
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.price.base import YEAR_SECONDS
from simulation.scenario import Scenario

OVERSHOOT = 0.5825971579390106  # -zeta(1/2) / sqrt(2 pi)
_FEWEST = 30  # liquidations, of which the overshoot is looked at
SLACK = 0.004  # the shifted barrier is exact up to o(sqrt(dt)); relative
_NEAREST = 1.9  # standard deviations of a step to the barrier, at least
_LEAN = 0.05  # drift of log prices in a step over its standard deviation, at most
_SIDE_BY_SIDE = 100  # independent markets of one scenario


@dataclass(frozen=True)
class PassageVenue:
    """One position of `leverage`, side +1 or -1, under volatility and drift a year, marked `steps` times in `days`."""

    leverage: float = 10.0
    maintenance_rate: float = 0.005
    volatility: float = 0.8
    days: float = 7.0
    steps: int = 168
    drift: float = 0.0
    side: Literal[1, -1] = 1
    price: float = 100.0

    @property
    def barrier(self) -> float:
        """Return P_liq, dollars."""
        side = self.side
        return self.price * (1.0 - side / self.leverage) / (1.0 - side * self.maintenance_rate)

    @property
    def step_spread(self) -> float:
        """Return s sqrt(dt), the standard deviation of a step's log return."""
        return self.volatility * math.sqrt(self.days / 365.0 / self.steps)

    def __post_init__(self) -> None:
        """Refuse what the corrected formula is no approximation of."""
        away = -self.side * math.log(self.barrier / self.price) if self.barrier > 0.0 else 0.0
        if away <= 0.0:
            text = f"must be below {1.0 / self.maintenance_rate:g}, or the position is liquidated at once"
            raise InputError(f"leverage: {text} (got {self.leverage:g})")
        if self.step_spread > away / _NEAREST:
            fewest = math.ceil(self.steps * (self.step_spread * _NEAREST / away) ** 2)
            raise InputError(
                f"steps: must be at least {fewest} here, so that the liquidation price is {_NEAREST:g} standard "
                f"deviations of a step away (got {self.steps})"
            )
        lean = abs(self.drift - self.volatility**2 / 2.0) * math.sqrt(self.days / 365.0 / self.steps) / self.volatility
        if lean > _LEAN:
            raise InputError(f"steps: drift must be below {_LEAN:g} of a step's standard deviation (got {lean:.2g})")

    def probability(self, discrete: bool = True) -> float:
        """Return P(tau <= T), watched at every mark or, with `discrete` false, continuously."""
        from scipy.special import log_ndtr, ndtr

        side, s, horizon = self.side, self.volatility, self.days / 365.0
        shift = OVERSHOOT * self.step_spread if discrete else 0.0
        # Mirrored for shorts, so that the barrier always lies below.
        b = side * math.log(self.barrier / self.price) - shift
        nu = side * (self.drift - s * s / 2.0)
        spread = s * math.sqrt(horizon)
        reflected = math.exp(2.0 * nu * b / (s * s) + float(log_ndtr((b + nu * horizon) / spread)))
        return float(ndtr((b - nu * horizon) / spread)) + reflected

    def scenario(self, paths: int) -> Scenario:
        """Return the scenario: one account, whose isolated positions in `paths` independent markets are the paths."""
        names = [f"M{i}" for i in range(paths)]
        return bare_scenario(
            steps=self.steps,
            step_seconds=self.days / 365.0 * YEAR_SECONDS / self.steps,
            markets=[
                {
                    "name": n,
                    "price": self.price,
                    "volatility": self.volatility,
                    "lot": 1.0,
                    "tiers": one_tier(self.maintenance_rate),
                }
                for n in names
            ],
            price={"kind": "gbm", "drift": self.drift},
            margin={"kind": "isolated"},
            population=[
                {
                    "kind": "book",
                    "count": 1,
                    "deposit": paths * self.price / self.leverage,
                    "units": dict.fromkeys(names, float(self.side)),
                }
            ],
        )


def simulate_passages(venue: PassageVenue, paths: int, seed: int = 1) -> tuple[int, Array]:
    """Return how many of `paths` positions were liquidated, and the log overshoot of each beyond P_liq (c,)."""
    sizes = batches(paths, _SIDE_BY_SIDE)
    scenarios = {size: venue.scenario(size) for size in set(sizes)}
    marks = []
    for run, size in enumerate(sizes):
        events = played(scenarios[size].seeded(distinct_seed(seed, run))).exchange.desk.log.events
        marks.append(events.mark_before)
    found = np.concatenate(marks)
    return len(found), venue.side * np.log(venue.barrier / found)


def passage_target(venue: PassageVenue = PassageVenue(), paths: int = 400_000, seed: int = 1) -> list[Check]:
    """Run target T7 and return its checks: the probability, and the overshoot in units of s sqrt(dt)."""
    hit, overshoot = simulate_passages(venue, paths, seed)
    scaled = overshoot / venue.step_spread
    expected = venue.probability()
    checks = [share_check("P(liquidated)", expected, hit, paths, SLACK * expected)]
    if hit >= _FEWEST:
        error = float(scaled.std(ddof=1)) / math.sqrt(hit)
        checks.append(Check("mean overshoot", OVERSHOOT, float(scaled.mean()), error, max(0.02, SIGMAS * error)))
    return checks
