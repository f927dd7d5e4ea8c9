"""Target T1: a price-mediated liquidation cascade is a branching process with a known law.

N equal longs, liquidation prices independent and uniform on [P0 - R, P0]; an exogenous drop s; each liquidation
lowers the price by kappa for good. With p = s / R and phi = kappa / R the number X of liquidations is
quasi-binomial. Sources: E. Borel, C. R. Acad. Sci. 214 (1942) 452-456; P. C. Consul, Sankhya B 36 (1974) 391-399;
P. C. Consul & G. C. Jain, Technometrics 15 (1973) 791-799.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from experiments.target import (
    SIGMAS,
    Check,
    bare_scenario,
    batches,
    distinct_seed,
    exact_check,
    groups_by_name,
    mean_check,
    one_tier,
    opened,
    share_check,
    total_variation,
    variance_check,
)
from simulation.accounts import to_quanta
from simulation.arrays import Array, Index
from simulation.model import MarketModel
from simulation.scenario import Scenario

_NEGLIGIBLE = 1e-12  # probability of a state of the generation chain that is dropped


@dataclass(frozen=True)
class CascadeLaw:
    """The exact law of X for finite N. `shock` is p, `impact` is phi, both shares of the range R of thresholds."""

    accounts: int = 200
    shock: float = 0.01
    impact: float = 0.003

    @property
    def branching(self) -> float:
        """Return n = N phi, the mean number of liquidations one liquidation sets off."""
        return self.accounts * self.impact

    @cached_property
    def pmf(self) -> Array:
        """Return P(X = x) = C(N, x) p (p + x phi)^(x - 1) (1 - p - x phi)^(N - x) for x = 0 ... N, (N + 1,).

        Once p + x phi reaches 1 everybody is within reach, and what is left of the probability stands at N.
        """
        total, p, phi = self.accounts, self.shock, self.impact
        law = np.zeros(total + 1)
        if p > 0.0:
            for x in range(total):
                left = 1.0 - p - x * phi
                if left > 0.0:
                    ways = math.lgamma(total + 1) - math.lgamma(x + 1) - math.lgamma(total - x + 1)
                    law[x] = math.exp(
                        ways + math.log(p) + (x - 1) * math.log(p + x * phi) + (total - x) * math.log(left)
                    )
        else:
            law[0] = 1.0
        law[total] = max(1.0 - math.fsum(law), 0.0)
        return law

    @property
    def mean(self) -> float:
        """Return E X; where p + N phi <= 1 this is N p sum_j (N - 1)! / (N - 1 - j)! phi^j."""
        return float(np.arange(self.accounts + 1) @ self.pmf)

    @property
    def variance(self) -> float:
        """Return Var X."""
        return self._central(2)

    @property
    def variance_spread(self) -> float:
        """Return the standard deviation of (X - E X)^2, from the fourth moment."""
        return math.sqrt(max(self._central(4) - self.variance**2, 0.0))

    def _central(self, power: int) -> float:
        return float((np.arange(self.accounts + 1) - self.mean) ** power @ self.pmf)

    def depth(self, most: int) -> Array:
        """Return P(depth <= g) for g = 0 ... `most`, (most + 1,), exactly.

        Generations are a Markov chain: after S liquidations in all, G of them in the last generation, each of the
        N - S others is hit next with probability phi G / (1 - p - phi (S - G)). For N large this is
        exp(theta (q_g - 1)) with q_0 = 0, q_{g+1} = exp(n (q_g - 1)), theta = N p.
        """
        from scipy.stats import binom

        total = self.accounts
        first = binom.pmf(np.arange(total + 1), total, min(self.shock, 1.0))
        states = {(g, g): float(first[g]) for g in range(1, total + 1) if first[g] > _NEGLIGIBLE}
        ended = [float(first[0])]
        for _ in range(most):
            after: dict[tuple[int, int], float] = {}
            done = 0.0
            for (all_, last), weight in states.items():
                chance = binom.pmf(np.arange(total - all_ + 1), total - all_, self._next(all_, last)) * weight
                done += float(chance[0])
                for g in np.flatnonzero(chance[1:] > _NEGLIGIBLE) + 1:
                    key = (all_ + int(g), int(g))
                    after[key] = after.get(key, 0.0) + float(chance[g])
            ended.append(ended[-1] + done)
            states = after
        return np.array(ended)

    def _next(self, all_: int, last: int) -> float:
        left = 1.0 - self.shock - self.impact * (all_ - last)
        return min(self.impact * last / left, 1.0) if left > 0.0 else 1.0


@dataclass(frozen=True)
class CascadeVenue:
    """The configuration: independent replications stand side by side as markets of one scenario, which with impact
    by units never touch each other. price P0 dollars; reach R / P0; maintenance_rate of the venue.
    """

    law: CascadeLaw = CascadeLaw()
    price: float = 10_000.0  # so that a quantum is little of the range of thresholds
    reach: float = 0.05
    maintenance_rate: float = 0.05
    rounds_per_step: int = 0

    @property
    def range(self) -> float:
        """Return R, dollars."""
        return self.reach * self.price

    @property
    def side_by_side(self) -> int:
        """Return how many replications share a scenario; the cost of one grows with rows times markets."""
        return int(np.clip(2000 // self.law.accounts, 1, 12))

    def scenario(self, replications: int) -> Scenario:
        """Return the scenario of some replications, market j and its group of accounts being number j."""
        law, m, p0 = self.law, self.maintenance_rate, self.price
        # Liquidated at P when the deposit is P0 - (1 - m) P, and P is uniform on [P0 - R, P0].
        deposit = {"kind": "uniform", "low": m * p0, "high": p0 - (1.0 - m) * (p0 - self.range)}
        names = [f"M{j}" for j in range(replications)]
        return bare_scenario(
            steps=1 if self.rounds_per_step == 0 else law.accounts + 1,
            rounds_per_step=self.rounds_per_step,
            markets=[{"name": n, "price": p0, "lot": 1.0, "tiers": one_tier(m)} for n in names],
            price={"kind": "scripted", "shocks": [{"step": 1, "size": -law.shock * self.reach}]},
            impact={"kind": "linear_units", "dollars_per_unit": law.impact * self.range},
            population=[_longs(n, law.accounts, deposit) for n in names],
        )


@dataclass(frozen=True)
class Cascades:
    """What came out, one entry a replication (r,).

    size: X. predicted: X of the plain threshold model on the same deposits. depth: generations. roots: liquidated by
    the drop alone. proceeds: what the sales brought in, dollars.
    """

    size: Array
    predicted: Array
    depth: Array
    roots: Array
    proceeds: Array


def _group(market: str) -> str:
    return f"longs-{market}"


def _longs(market: str, count: int, deposit: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "book", "name": _group(market), "count": count, "deposit": deposit, "units": {market: 1.0}}


def simulate_cascades(venue: CascadeVenue, replications: int, seed: int = 1) -> Cascades:
    """Run `replications` independent cascades and return their sizes, depths and proceeds."""
    sizes = batches(replications, venue.side_by_side)
    scenarios = {size: venue.scenario(size) for size in set(sizes)}
    parts = [_run(venue, scenarios[size].seeded(distinct_seed(seed, i))) for i, size in enumerate(sizes)]
    return Cascades(*(np.concatenate([getattr(part, name) for part in parts]) for name in Cascades.__annotations__))


def _run(venue: CascadeVenue, scenario: Scenario) -> Cascades:
    model, replications = opened(scenario), len(scenario.markets)
    groups = groups_by_name(model)
    deposits = [groups[_group(name)].deposited for name in scenario.names]
    predicted = np.array([_threshold_count(venue, deposit) for deposit in deposits], float)
    _to_rest(model)
    events = model.exchange.desk.log.events
    market = events.market.astype(np.intp)
    # One round is one generation, whether rounds follow each other within a step or from step to step.
    generation = events.round + 1 if venue.rounds_per_step == 0 else events.step
    return Cascades(
        size=np.bincount(market, minlength=replications).astype(float),
        predicted=predicted,
        depth=_largest(market, generation, replications),
        roots=np.bincount(market[generation == 1], minlength=replications).astype(float),
        proceeds=np.bincount(market, -events.quantity * events.fill, replications).astype(float),
    )


def _to_rest(model: MarketModel) -> None:
    """Step until nobody is liquidated any more: prices stand still after the drop of the first step."""
    done, events = -1, 0
    while model.market.step < model.rules.steps and events > done:
        model.step()
        done, events = events, len(model.exchange.desk.log.events)


def _largest(market: Index, value: Array, count: int) -> Array:
    most = np.zeros(count)
    np.maximum.at(most, market, value)
    return most


def _threshold_count(venue: CascadeVenue, deposit: Array) -> int:
    """Return how many of the accounts go by the plain threshold model: the least x with x thresholds above
    P0 - s - kappa x.
    """
    m, p0, law = venue.maintenance_rate, venue.price, venue.law
    paid = to_quanta(np.array(p0)) - to_quanta(deposit)  # money moves in whole quanta
    buffer = np.sort(p0 - paid / (1.0 - m))  # the drop each account survives, dollars
    x = 0
    while x < len(buffer) and buffer[x] < venue.range * (law.shock + law.impact * x):
        x += 1
    return x


def check_cascades(venue: CascadeVenue, found: Cascades, depths: int = 3) -> list[Check]:
    """Hold simulated cascades against the law: size, depth, branching ratio, order of sales, proceeds."""
    law, n = venue.law, len(found.size)
    expected_roots = law.accounts * law.shock
    ratio = 1.0 - expected_roots / law.mean
    whole = float(found.size.sum()) or math.nan  # where nobody went there is no ratio
    spread = (found.size - found.roots - ratio * found.size).std(ddof=1) * math.sqrt(n) / whole
    paid = found.size * (venue.price - law.shock * venue.range) - law.impact * venue.range * found.size**2 / 2.0
    return [
        mean_check("mean", law.mean, found.size, 0.0, math.sqrt(law.variance)),
        variance_check("variance", law.variance, found.size, law.variance_spread),
        total_variation(law.pmf, found.size),
        *(
            share_check(f"P(depth <= {g})", float(chance), int((found.depth <= g).sum()), n)
            for g, chance in enumerate(law.depth(depths))
        ),
        Check("branching ratio", ratio, 1.0 - float(found.roots.sum()) / whole, float(spread), SIGMAS * spread),
        exact_check("accounts apart from the threshold model", 0.0, np.abs(found.size - found.predicted).sum()),
        # The proceeds of X sales at average fills do not depend on their order: X (P0 - s) - kappa X^2 / 2.
        exact_check("proceeds, largest deviation", 0.0, np.abs(found.proceeds - paid).max(), 1e-6 * venue.price),
    ]


def cascade_target(venue: CascadeVenue = CascadeVenue(), replications: int = 5_000, seed: int = 1) -> list[Check]:
    """Run target T1 and return its checks."""
    return check_cascades(venue, simulate_cascades(venue, replications, seed))
