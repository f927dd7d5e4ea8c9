"""Target T8: an insurance fund is a Cramer-Lundberg risk process, and its depletion is ruin.

Fund u, fee income at the rate c = (1 + th) lam m, shortfalls of liquidations at Poisson times of rate lam, exponential
with mean m. Ruin is the first shortfall the fund cannot pay. For ever: psi(u) = exp(-th u / ((1 + th) m)) / (1 + th).
Within T, in units in which c = m = 1 and beta = 1 / (1 + th) is the rate of shortfalls:

psi(u, T) = psi(u) - (1 / pi) int_0^pi f1 f2 / f3 dx,
f1 = beta exp(2 sqrt(beta) T cos x - (1 + beta) T + u (sqrt(beta) cos x - 1)),
f2 = cos(u sqrt(beta) sin x) - cos(u sqrt(beta) sin x + 2 x),  f3 = 1 + beta - 2 sqrt(beta) cos x.

Every path is one market with a fund of its own. Claim after claim the price gaps through the bankruptcy price of one
more long, and by an exponential amount beyond it: that is the shortfall, because nothing moves the price but the gap.
Sources: S. Asmussen & H. Albrecher, Ruin Probabilities, World Scientific (2010), proposition V.1.3; H. Cramer (1930).
"""

import math
from dataclasses import dataclass

import numpy as np

from experiments.target import (
    SIGMAS,
    Check,
    bare_scenario,
    batches,
    distinct_seed,
    exact_check,
    one_tier,
    opened,
    share_check,
)
from experiments.theory.bounds import at_most
from experiments.theory.shortfall_laws import ShortfallLaw, Sizes
from simulation.accounts import INSURANCE, OUTSIDE, QUANTUM, SHARED
from simulation.arrays import Array
from simulation.model import MarketModel
from simulation.random import Streams
from simulation.scenario import Scenario

SLACK = 0.002  # absolute; what the literature's own checks allow
_FEWEST = 30  # ruins, of which deficits are looked at
_SIDE_BY_SIDE = 100  # independent markets of one scenario
_STAGE = 40  # shortfalls of one scenario, a group each; the next one goes on with the funds that are left
_SPACING = 64.0  # mean shortfalls from one bankruptcy price to the next: no gap reaches it but with probability e**-64


@dataclass(frozen=True)
class FundVenue:
    """A fund of `fund` mean shortfalls, loaded by `loading`; `horizon` in mean times between shortfalls, none = ever.

    `claims` shortfalls are played on each path; what comes after them is neglected.
    """

    fund: float = 2.0
    loading: float = 0.2
    horizon: float | None = 10.0
    claims: int = 40
    sizes: Sizes = "exponential"

    @property
    def law(self) -> ShortfallLaw:
        """Return the law of shortfalls; with a horizon only the exponential one has a formula."""
        return ShortfallLaw(self.sizes, self.loading)

    def probability(self) -> float:
        """Return psi(u), or psi(u, T) with a horizon."""
        u, beta = self.fund, 1.0 / (1.0 + self.loading)
        for_ever = self.law.psi(u)
        return for_ever if self.horizon is None else for_ever - self._later(u, beta, self.horizon / beta)

    @staticmethod
    def _later(u: float, beta: float, time: float) -> float:
        """Return the probability of ruin after `time` (income 1 a unit of time)."""
        from scipy.integrate import quad

        root = math.sqrt(beta)

        def integrand(x: float) -> float:
            f1 = beta * math.exp(2.0 * root * time * math.cos(x) - (1.0 + beta) * time + u * (root * math.cos(x) - 1.0))
            f2 = math.cos(u * root * math.sin(x)) - math.cos(u * root * math.sin(x) + 2.0 * x)
            return f1 * f2 / (1.0 + beta - 2.0 * root * math.cos(x))

        return float(quad(integrand, 0.0, math.pi, epsabs=1e-12, limit=200)[0]) / math.pi

    def scenario(self, shortfalls: Array, funds: Array) -> Scenario:
        """Return the scenario whose step i makes the shortfalls (claims, paths) of row i; `funds` (paths,); dollars."""
        claims, paths = shortfalls.shape
        names = [f"M{i}" for i in range(paths)]
        start = _SPACING * (claims + 2)
        bankruptcy = start - _SPACING * np.arange(1, claims + 1)
        prices = np.vstack([np.full(paths, start), bankruptcy[:, None] - shortfalls])
        market = {"price": start, "volatility": 0.0, "lot": 1.0, "tiers": one_tier(1e-9)}
        return bare_scenario(
            steps=claims,
            markets=[{"name": name, **market} for name in names],
            price={"kind": "replay", "prices": prices.tolist()},
            margin={"kind": "isolated"},
            insurance_fund=0.0,
            insurance_funds=dict(zip(names, funds.tolist(), strict=True)),
            loss={"kind": "none"},
            population=[
                {
                    "kind": "book",
                    "name": f"long{i:03}",
                    "count": 1,
                    "deposit": paths * (start - price),
                    "units": dict.fromkeys(names, 1.0),
                }
                for i, price in enumerate(bankruptcy.tolist())
            ],
        )


def ruins(venue: FundVenue, paths: int, seed: int = 1) -> tuple[Array, Array]:
    """Return when the fund of each of `paths` paths (p,) is ruined, in mean times between shortfalls, inf if never, and
    what it then could not pay (p,), in mean shortfalls.
    """
    sizes = batches(paths, _SIDE_BY_SIDE)
    parts = [_ruined(venue, size, distinct_seed(seed, run)) for run, size in enumerate(sizes)]
    times, deficits = (np.concatenate(found) for found in zip(*parts, strict=True))
    return times, deficits


def risk_process(venue: FundVenue, paths: int, seed: int = 1) -> tuple[Array, Array]:
    """Return when each path (p,) is ruined, inf if never, and its deficit then (p,), 0 if never, without any venue:
    the first claim i at which u + sum of income up to it - sum of claims is below 0, on the same draws.
    """
    sizes = batches(paths, _SIDE_BY_SIDE)
    parts = [_walk(venue, *_draws(venue, size, distinct_seed(seed, run))) for run, size in enumerate(sizes)]
    times, deficits = (np.concatenate(found) for found in zip(*parts, strict=True))
    return times, deficits


def _walk(venue: FundVenue, waits: Array, shortfalls: Array) -> tuple[Array, Array]:
    left = venue.fund + np.cumsum((1.0 + venue.loading) * waits - shortfalls, axis=0)
    ruined, path = (left < 0.0).any(axis=0), np.arange(left.shape[1])
    first = np.argmax(left < 0.0, axis=0)
    times = np.where(ruined, np.cumsum(waits, axis=0)[first, path], np.inf)
    return times, np.where(ruined, -left[first, path], 0.0)


def _draws(venue: FundVenue, paths: int, seed: int) -> tuple[Array, Array]:
    """Return waits and shortfalls (claims, paths), in their means."""
    streams, size = Streams(seed), venue.claims * paths
    waits = -np.log(streams.uniform("ruin/wait", 0, size))
    return waits.reshape(venue.claims, paths), venue.law.draw(streams, size).reshape(venue.claims, paths)


def _ruined(venue: FundVenue, paths: int, seed: int) -> tuple[Array, Array]:
    waits, shortfalls = _draws(venue, paths, seed)
    times, found, deficit = np.cumsum(waits, axis=0), np.full(paths, np.inf), np.zeros(paths)
    funds, left = np.full(paths, venue.fund), np.arange(paths)
    for begin in range(0, venue.claims, _STAGE):
        stage = slice(begin, min(begin + _STAGE, venue.claims))
        model = _played(venue, waits[stage][:, left], shortfalls[stage][:, left], funds)
        for case in model.exchange.waterfall.bankruptcies:
            path = left[case.pool - 1]
            if case.unpaid > 0.0 and not np.isfinite(found[path]):
                found[path], deficit[path] = times[begin + case.step - 1, path], case.unpaid
        going = np.isinf(found[left])
        funds, left = model.accounts.cash[INSURANCE, 1:][going], left[going]
        if not len(left):
            break
    return found, deficit


def _played(venue: FundVenue, waits: Array, shortfalls: Array, funds: Array) -> MarketModel:
    """Return the model after the shortfalls (claims, paths), with income for the waits between them."""
    paths = len(funds)
    model = opened(venue.scenario(shortfalls, funds))
    accounts = np.full(paths, INSURANCE), np.arange(1, paths + 1)
    for wait in waits:
        income = (1.0 + venue.loading) * wait
        model.accounts.transfer((np.full(paths, OUTSIDE), SHARED), accounts, income, "deposit")
        model.step()
    return model


def ruin_target(venue: FundVenue = FundVenue(), paths: int = 4_000, seed: int = 1) -> list[Check]:
    """Run target T8 and return its checks: the share of funds ruined by the horizon, the law of their deficits, and how
    far the worst deficit is from that of the bare risk process.

    An exponential shortfall has no memory, so that what the fund cannot pay is exponential again, with the same mean.
    """
    times, deficits = ruins(venue, paths, seed)
    apart = np.abs(
        deficits - risk_process(venue, paths, seed)[1]
    ).max()  # ruined by less than a grain or not: no matter
    ruined = np.isfinite(times) if venue.horizon is None else times <= venue.horizon
    count, expected = int(np.count_nonzero(ruined)), venue.probability()
    grain = QUANTUM * 2.0 * (venue.claims + 1.0)
    checks = [
        share_check("P(ruin)", expected, count, paths, SLACK),
        exact_check("deficits apart from the risk process", 0.0, float(apart), grain),
    ]
    if venue.horizon is None:
        most = venue.law.bound(venue.fund)
        slack = share_check("", most, count, paths, SLACK).tolerance
        checks.append(at_most("P(ruin), Lundberg's bound", most, count / paths, slack))
    if count >= _FEWEST and venue.sizes == "exponential":
        owed, mean = deficits[ruined], 1.0 / math.sqrt(count)
        checks.append(Check("mean deficit at ruin", 1.0, float(owed.mean()), mean, SIGMAS * mean))
        checks += [
            share_check(f"P(deficit > {x:g})", math.exp(-x), int((owed > x).sum()), count) for x in (0.5, 1.0, 2.0)
        ]
    return checks
