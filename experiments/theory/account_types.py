"""Target T4: with several account types a cascade is a multi-type branching process, in cross and isolated margin.

Accounts of type a hold h_a (m,) units and are liquidated once their loss exceeds a buffer; there are phi_a accounts
per dollar of buffer. One unit sold lowers its price by kappa. Then K_ab = phi_b sum_k h_bk kappa h_ak, and the
expected numbers of liquidations are E X = theta (I - K)^-1 with theta_b = phi_b h_b.s for the shock s. Under isolated
margin the nodes are positions (a, k), each with its own share of the buffer, and K is block-diagonal by market.

That is the limit of many accounts. Of N_b with buffers uniform up to R_b, the number X_b of those below the loss L_b
makes (X_b - N_b L_b / R_b) / (1 - L_b / R_b) a martingale in the loss, so that at rest, with R = (I - K)^-1 and
Cov X = R' diag(E X) R, to the order 1 / N: E X = [theta - E X diag(R K) / N] R.
Sources: T. E. Harris, The Theory of Branching Processes (1963); liquidity-weighted overlap as in R. Cont & E.
Schaanning, J. Banking & Finance 104 (2019) 85-102.
"""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from experiments.target import (
    SIGMAS,
    Check,
    bare_scenario,
    distinct_seed,
    groups_by_name,
    mean_check,
    one_tier,
    played,
)
from simulation.accounts import QUANTUM
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.scenario import Scenario

SLACK = 0.005  # the branching mean is the limit of many accounts; relative
_FEW = 0.1  # share of the mean that finite numbers of accounts may take
_NOBODY = 1e-12  # accounts
_LOT = 2.0**-20


@dataclass(frozen=True)
class TypesVenue:
    """A book of account types.

    holdings: units of each market, one row a type, none negative; accounts: of each type; reach: largest buffer of
    each type, dollars (buffers are uniform from 0); impact: kappa, dollars per unit; shock: drop of each price,
    dollars. A cascade must not exhaust the reach, or nobody is left to be hit.
    """

    holdings: tuple[tuple[float, ...], ...] = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
    accounts: tuple[int, ...] = (3000, 3000, 3000)
    reach: tuple[float, ...] = (10.0, 10.0, 20.0)
    impact: float = 0.001
    shock: tuple[float, ...] = (0.02, 0.0)
    regime: Literal["cross", "isolated"] = "cross"
    price: float = 100.0
    maintenance_rate: float = 0.05

    def __post_init__(self) -> None:
        """Refuse hedged books: with shorts K is signed, and the process is no branching process."""
        if min(min(row) for row in self.holdings) < 0.0:
            raise InputError("holdings: must be at least 0; theory covers long-only books")

    @property
    def units(self) -> Array:
        """Return the holdings (a, m)."""
        return np.array(self.holdings)

    @property
    def nodes(self) -> tuple[Array, Array, list[tuple[int, int]]]:
        """Return holdings (n, m) and density (n,) of what is liquidated as one, and (type, market or -1) of each.

        Isolated pools share the buffer of an account in proportion to the value of its positions.
        """
        held, density = self.units, np.array(self.accounts) / np.array(self.reach)
        if self.regime == "cross":
            return held, density, [(a, -1) for a in range(len(held))]
        names = [(a, k) for a, k in np.argwhere(held > 0.0).tolist()]
        alone = np.array([np.where(np.arange(held.shape[1]) == k, held[a], 0.0) for a, k in names])
        return alone, np.array([density[a] * held[a].sum() / held[a, k] for a, k in names]), names

    @property
    def contagion(self) -> Array:
        """Return K (n, n): liquidations of the column's node set off by one of the row's."""
        held, density, _ = self.nodes
        return held @ held.T * self.impact * density

    @property
    def radius(self) -> float:
        """Return the spectral radius of K; cascades end if it is below 1."""
        return float(np.abs(np.linalg.eigvals(self.contagion)).max())

    @property
    def progeny(self) -> Array:
        """Return R = (I - K)^-1 (n, n): liquidations of the column's node in all by one of the row's, it included."""
        return np.asarray(np.linalg.inv(np.eye(len(self.contagion)) - self.contagion), float)

    @property
    def expected(self) -> Array:
        """Return E X (n,) = theta (I - K)^-1."""
        held, density, _ = self.nodes
        return np.asarray(density * (held @ np.array(self.shock)) @ self.progeny, float)

    @property
    def missing(self) -> Array:
        """Return by how much the mean (n,) is below that because accounts are not without number."""
        count = np.array([self.accounts[a] for a, _ in self.nodes[2]])
        again = np.diag(self.progeny @ self.contagion)
        return np.asarray((self.expected * again / count) @ self.progeny, float)

    @property
    def spread(self) -> Array:
        """Return the standard deviation of X (n,), that of the limit."""
        return np.sqrt(self.expected @ self.progeny**2)

    def at_radius(self, radius: float) -> Self:
        """Return the venue with the impact at which the spectral radius is `radius`."""
        return replace(self, impact=self.impact * radius / self.radius)

    def scenario(self) -> Scenario:
        """Return the scenario; deposits decide the buffers."""
        names, m = [f"M{k}" for k in range(self.units.shape[1])], self.maintenance_rate
        moved = [(n, drop) for n, drop in zip(names, self.shock, strict=True) if drop]
        groups = []
        for a, (row, count, reach) in enumerate(zip(self.holdings, self.accounts, self.reach, strict=True)):
            least = m * self.price * sum(row)  # at maintenance from the start: a buffer of 0
            deposit = {"kind": "uniform", "low": least, "high": least + (1.0 - m) * reach}
            units = {n: h for n, h in zip(names, row, strict=True) if h}
            groups.append({"kind": "book", "name": f"type-{a}", "count": count, "deposit": deposit, "units": units})
        return bare_scenario(
            markets=[{"name": n, "price": self.price, "lot": _LOT, "tiers": one_tier(m)} for n in names],
            price={
                "kind": "scripted",
                "shocks": [{"step": 1, "market": n, "size": -drop / self.price} for n, drop in moved],
            },
            impact={"kind": "linear_units", "dollars_per_unit": self.impact},
            margin={"kind": self.regime},
            population=groups,
        )


def simulate_types(venue: TypesVenue, runs: int, seed: int = 1) -> Array:
    """Return the liquidations (runs, n) of each node of the venue."""
    scenario = venue.scenario()
    return np.array([_count(venue, scenario.seeded(distinct_seed(seed, run))) for run in range(runs)])


def _count(venue: TypesVenue, scenario: Scenario) -> list[float]:
    model = played(scenario)
    events = model.exchange.desk.log.events
    groups = groups_by_name(model)
    key = events.row * (len(scenario.markets) + 1) + events.pool
    counts = []
    for kind, market in venue.nodes[2]:
        mine = np.isin(events.row, groups[f"type-{kind}"].rows) & ((market == -1) | (events.market == market))
        counts.append(float(len(np.unique(key[mine]))))
    return counts


def types_target(venue: TypesVenue = TypesVenue(), runs: int = 1_500, seed: int = 1) -> list[Check]:
    """Run target T4 and return its checks, one a type (cross) or position (isolated)."""
    if venue.radius >= 1.0:
        raise InputError(
            f"radius: cascades of {venue.regime} margin would not end, theirs is {venue.radius:.3g}, must be below 1; "
            "lower radius"
        )
    mean, missing = venue.expected, venue.missing
    share = float((missing / np.maximum(mean, _NOBODY)).max())
    if share > _FEW:
        raise InputError(
            f"accounts: the mean of the limit of many would be {share:.2g} too high, at most {_FEW:g}; take more, or "
            "lower radius"
        )
    found = simulate_types(venue, runs, seed)
    names = [f"type {a}" if k < 0 else f"type {a} in market {k}" for a, k in venue.nodes[2]]
    # Deposits are whole quanta; beyond them and what theory leaves out, the order 1 / N^2, chance is all.
    jolts = [jolt for jolt in (venue.units @ np.array(venue.shock)).tolist() if jolt > 0.0]
    slack = SLACK + 4.0 * share**2 + (QUANTUM / min(jolts) if jolts else 0.0)
    return [
        _check(name, float(mean[i] - missing[i]), found[:, i], float(venue.spread[i]), slack)
        for i, name in enumerate(names)
    ]


def _check(name: str, expected: float, values: Array, spread: float, slack: float) -> Check:
    """Return the check of a mean count. Cascades near a radius of 1 are skewed: their total is inverse Gaussian, and
    its quantile as rare as 4 normal deviations is further off.
    """
    from scipy.stats import invgauss, norm

    check = mean_check(name, expected, values, slack, spread)
    if not expected:
        return check
    shape = expected**3 / check.standard_error**2
    most = float(invgauss.isf(norm.sf(SIGMAS), expected / shape, scale=shape)) - expected
    return replace(check, tolerance=max(check.tolerance, most + slack * expected))
