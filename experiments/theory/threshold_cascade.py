"""Target T22: threshold cascades on a random graph of claims between accounts.

Accounts lend C in equal parts to the neighbours of a graph of Poisson degree z and have capital phi C; nothing is
recovered from a default. Whoever has lost a share of at least phi of its claims then defaults too. K = floor(1 / phi)
neighbours is the most at which a single default does it. On large graphs one default spreads globally with chance
1 - sum p_k u^k, u = 1 - F(1) + F(u), F(x) = sum_{k <= K} (k p_k / z) x^(k - 1), which is possible iff F'(1) = z
P(Pois(z) <= K - 2) > 1; and a share r0 of first defaults ends in r0 + (1 - r0) sum_k p_k sum_{m >= phi k} Bin(m; k, q),
where q solves the same with k - 1 neighbours of the k of a neighbour. Sources: D. Watts, PNAS 99 (2002) 5766-5771; P.
Gai & S. Kapadia, Proc. R. Soc. A 466 (2010) 2401-2423; J. Gleeson & D. Cahalane, Phys. Rev. E 75 (2007) 056103.
"""

import math
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from scipy.stats import binom, poisson

from experiments.graph.defaults import default_forest
from experiments.record.defaults import default_frame
from experiments.target import bare_scenario, opened
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.scenario import Scenario

_CLAIMS = 10_000.0  # dollars that each account lends
_TIE = 0.01  # dollars: a loss of phi C to the quantum is a loss of phi C
_PRICE = 100.0  # dollars
_RATE = 1e-6  # maintenance; nobody is closed before the day of payment
_SAME = 1e-9  # of shares m / k and phi that are meant to be equal
_TAIL = 60  # degrees beyond the mean that are counted, in square roots of the mean and at least


@dataclass(frozen=True)
class ThresholdVenue:
    """`accounts` of mean `degree` z and `threshold` phi; `failed` of them cannot pay to begin with."""

    accounts: int = 10_000
    degree: float = 3.0
    threshold: float = 0.18
    failed: int = 1

    def __post_init__(self) -> None:
        """Refuse more first defaults than accounts."""
        if not 1 <= self.failed < self.accounts:
            raise InputError(f"failed: must be 1 to {self.accounts - 1} (got {self.failed})")

    def scenario(self, seed: int) -> Scenario:
        """Return one graph. The first to fail lose their capital in the market on the day on which all is due."""
        capital = max(self.threshold * _CLAIMS - _TIE, 0.0)
        lost = {"M": 10.0 * _CLAIMS / _PRICE}
        banks: dict[str, Any] = {"kind": "book", "name": "banks", "deposit": capital}
        tiers = [{"maintenance_rate": _RATE, "initial_rate": _RATE}]
        return bare_scenario(
            seed=seed,
            markets=[{"name": "M", "price": _PRICE, "lot": 2.0**-10, "tiers": tiers}],
            price={"kind": "scripted", "shocks": [{"step": 1, "size": -0.9}]},
            claims={
                "kind": "random_network",
                "mean_degree": self.degree,
                "dollars": _CLAIMS,
                "outside_recovery_rate": 0.0,
                "claims_recovery_rate": 0.0,
            },
            population=[
                {**banks, "count": self.accounts - self.failed},
                {**banks, "name": "failed", "count": self.failed, "units": lost},
            ],
        )


@dataclass(frozen=True)
class ThresholdLaw:
    """The law of large graphs of mean `degree` z at `threshold` phi."""

    degree: float
    threshold: float

    @property
    def vulnerable(self) -> int:
        """Return K, the most neighbours at which one default brings an account down."""
        return math.floor(1.0 / self.threshold + _SAME)

    @property
    def reproduction(self) -> float:
        """Return F'(1) = z P(Pois(z) <= K - 2): defaults that one default among many causes."""
        return self.degree * float(poisson.cdf(self.vulnerable - 2, self.degree))

    @property
    def global_chance(self) -> float:
        """Return the chance that a single default spreads to a finite share of a large graph."""
        k = np.arange(1, self.vulnerable + 1)
        edge = poisson.pmf(k - 1, self.degree)  # k p_k / z of a Poisson degree
        u, before = 0.0, -1.0
        while abs(u - before) > 1e-14:
            u, before = 1.0 - float(edge.sum()) + float((edge * u ** (k - 1.0)).sum()), u
        return 1.0 - math.exp(self.degree * (u - 1.0))

    def size(self, first: float) -> float:
        """Return the share of the accounts that default in the end when a share `first` > 0 does at the start."""
        degrees = np.arange(math.ceil(self.degree + _TAIL * max(math.sqrt(self.degree), 1.0)), dtype=float)
        p, q, before = poisson.pmf(degrees, self.degree), first, -1.0
        while abs(q - before) > 1e-12:
            # By an edge one arrives at degree k + 1 with probability p_k: k others may bring it down.
            q, before = first + (1.0 - first) * float((p * self._fails(degrees, 1, q)).sum()), q
        return first + (1.0 - first) * float((p * self._fails(degrees, 0, q)).sum())

    def _fails(self, others: Array, more: int, q: float) -> Array:
        """Return the chance that of k `others`, each in default with probability q, phi (k + more) or more are."""
        needed = np.maximum(np.ceil(self.threshold * (others + more) - _SAME), 1.0)
        return binom.sf(needed - 1.0, others, q)


@dataclass(frozen=True)
class Cascade:
    """One cascade: the share of accounts in default, and by how many nodes its graph is no forest of the defaults."""

    share: float
    strange: int


def cascade(venue: ThresholdVenue, seed: int) -> Cascade:
    """Play one graph."""
    model = opened(venue.scenario(seed))
    model.run()
    defaults = default_frame(model)
    forest = default_forest(defaults)
    strange = abs(forest.number_of_nodes() - len(defaults)) + (not nx.is_forest(forest) if len(forest) else 0)
    return Cascade(len(defaults) / venue.accounts, int(strange))
