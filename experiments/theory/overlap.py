"""Target T12: contagion through overlapping portfolios, its window and the chance of a global cascade.

N accounts each hold mu of M assets, drawn at random, in equal amounts. Whoever has lost its equity sells all; selling a
share x of what is held of an asset multiplies its price by exp(-alpha x). Of an asset with k holders, one sale makes
each of the others fail iff (s lam / mu)(1 - exp(-alpha / k)) > 1, that is k <= k*. On a large sparse network failures
branch: R0 = (mu - 1) sum_{k <= k*} q_k (k - 1) with q_k the law of the number of holders of an asset met by following a
holding, k - 1 ~ Poisson(mu N / M), and a cascade is global with probability 1 - H(u)^mu, u = H(u)^(mu - 1), H(z) =
sum_{k <= k*} q_k z^(k - 1) + P(k > k*).
Source: F. Caccioli, M. Shrestha, C. Moore & J. D. Farmer, J. Banking & Finance 46 (2014) 233-245.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.target import SIGMAS, Check, bare_scenario, distinct_seed, exact_check, opened, share_check
from experiments.theory.overlap_networks import drawn, prices, threshold_failures
from experiments.theory.suite import Target, Tier
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.random import Streams
from simulation.scenario import Scenario

_SPARSE = 0.02  # what a finite network may add to a probability, and to a mean, relative
_CALM, _WILD = 0.8, 1.5  # between these reproduction numbers finite size decides, not the law of large networks
_MOST = 3_000  # accounts and assets; every account has a position in every asset, mostly 0
_GLOBAL = 0.2  # share of the accounts beyond which a cascade is called global
_FINE = 1e-6  # relative; what lots leave of a price
_RATE = 1e-6  # maintenance: an account is closed when its equity is gone
_EQUITY = 1e4  # dollars of each account; large against the quantum of money
_FAILED = "failed"


@dataclass(frozen=True)
class Overlap:
    """Portfolios of `held` of `assets` assets for `accounts` accounts, and the branching law of their failures.

    leverage: notional over equity, s lam; impact: alpha, log price move of selling all that is held of an asset.
    """

    accounts: int
    assets: int
    held: int
    leverage: float
    impact: float

    @property
    def fragile(self) -> int:
        """Return k*, the most holders an asset can have so that the sale of one makes the others fail."""
        room = self.held / self.leverage  # relative fall of one holding that takes the whole equity
        if room >= 1.0:
            return 0
        most = -self.impact / math.log1p(-room)
        return math.ceil(most) - 1

    @property
    def _others(self) -> tuple[Array, Array]:
        """Return numbers of other holders that keep an asset fragile (k* of them), and their probabilities."""
        mean = self.held * self.accounts / self.assets
        n = np.arange(self.fragile, dtype=float)
        return n, np.exp(n * math.log(mean) - mean - np.array([math.lgamma(x + 1.0) for x in n]))

    @property
    def first(self) -> float:
        """Return how many accounts the first failure makes fail by itself."""
        others, chance = self._others
        return self.held * float((others * chance).sum())

    @property
    def reproduction(self) -> float:
        """Return R0, how many accounts a later failure makes fail."""
        return self.first * (self.held - 1) / self.held

    @property
    def global_chance(self) -> float:
        """Return 1 - H(u)^mu, u the least root of u = H(u)^(mu - 1)."""
        u = 0.0
        for _ in range(100_000):
            u, before = self._generating(u) ** (self.held - 1), u
            if u - before < 1e-14:
                break
        return 1.0 - self._generating(u) ** self.held

    @property
    def twice(self) -> float:
        """Return how many accounts share two assets with a given one: hits that large networks do not have."""
        pairs = self.held * (self.held - 1) / 2.0
        return self.accounts * 2.0 * pairs**2 / (self.assets * max(self.assets - 1, 1))

    @property
    def decided(self) -> bool:
        """Tell whether R0 is far enough from 1 for this finite network to show the law of large ones."""
        return self.reproduction > _WILD or self.reproduction + self.twice < _CALM

    def _generating(self, z: float) -> float:
        others, chance = self._others
        return float((chance * z**others).sum()) + max(1.0 - float(chance.sum()), 0.0)

    def scenario(self, seed: int) -> Scenario:
        """Return one draw of the portfolios; its depths are such that selling all of an asset moves it by alpha."""
        shallow = self._scenario(seed, np.ones(self.assets))
        model = opened(shallow)
        held = model.accounts.position[model.traders].sum(axis=0)
        return self._scenario(seed, np.where(held > 0.0, held, 1.0) / self.impact)

    def _scenario(self, seed: int, depth: Array) -> Scenario:
        names = [f"A{j}" for j in range(self.assets)]
        tiers = [{"maintenance_rate": _RATE, "initial_rate": _RATE}]
        chosen = Streams(seed).uniform("overlap/failed", 0, self.assets).argsort()[: self.held]
        markets = [
            {"name": name, "price": 1.0, "depth": float(d), "lot": 2.0**-10, "tiers": tiers}
            for name, d in zip(names, depth, strict=True)
        ]
        return bare_scenario(
            seed=seed,
            markets=markets,
            impact={"kind": "linear"},
            population=[self._holders(), self._failed([names[j] for j in chosen])],
        )

    def _holders(self) -> dict[str, Any]:
        return {
            "kind": "holder",
            "name": "holders",
            "count": self.accounts - 1,
            "deposit": _EQUITY,
            "leverage": self.leverage,
            "markets_held": self.held,
            "long_share": 1.0,
        }

    def _failed(self, names: list[str]) -> dict[str, Any]:
        """Return the account that has no equity to begin with, and the same amounts as all others."""
        units = dict.fromkeys(names, _EQUITY * self.leverage / self.held)
        return {"kind": "book", "name": _FAILED, "count": 1, "deposit": 0.0, "units": units}


def compared(overlap: Overlap, seed: int) -> tuple[int, float]:
    """Return in how many accounts engine and threshold model disagree about who fails, on one network, and by how
    much of it the price furthest off is off.
    """
    model = opened(overlap.scenario(seed))
    rows, position = model.traders, model.accounts.position[model.traders]
    poor = np.flatnonzero(model.accounts.cash[rows, 0] < 0.5 * _EQUITY - position.sum(axis=1))
    expected, _ = threshold_failures(position, overlap.leverage, overlap.impact, poor)
    model.run()
    failed = np.isin(rows, model.exchange.desk.log.events.row)
    off = model.market.mid / prices(position, expected, overlap.impact) - 1.0
    return int((failed != expected).sum()), float(np.abs(off).max())


def failures(overlap: Overlap, seed: int) -> tuple[float, float]:
    """Return the share of the other accounts that failed, and how many the first took down, by the threshold model."""
    units = drawn(overlap.accounts, overlap.assets, overlap.held, seed)
    failed, direct = threshold_failures(units, overlap.leverage, overlap.impact, np.array([0]))
    return (int(failed.sum()) - 1) / (overlap.accounts - 1), float(direct)


class OverlappingPortfolios(Target):
    """T12."""

    name: ClassVar[str] = "T12"
    title: ClassVar[str] = "Overlapping portfolios: diversification opens and shuts a window of contagion"
    source: ClassVar[str] = "F. Caccioli, M. Shrestha, C. Moore & J. D. Farmer, J. Banking & Finance 46 (2014) 233-245"
    formula: ClassVar[str] = (
        "R0 = (mu - 1) sum_{k <= k*} q_k (k - 1); P(global) = 1 - H(u)^mu, u = H(u)^(mu - 1), q_k Poisson(mu N / M)"
    )
    tier: ClassVar[Tier] = "slow"

    accounts: int = Field(1_000, ge=2, le=_MOST, description="of the networks that are played")
    assets: int = Field(0, ge=0, le=_MOST, description="of those networks; 0 = as many as accounts")
    held: tuple[int, ...] = Field((1, 2, 3, 4, 6), min_length=1, description="mu, assets each account holds")
    leverage: float = Field(25.0, gt=1.0, le=250.0, description="lam, total assets over equity")
    invested: float = Field(0.8, gt=0.0, le=1.0, description="s, share of the assets that is in the market")
    impact: float = Field(1.0536, gt=0.0, le=5.0, description="alpha; 1.0536 takes 10 % off for a tenth sold")
    runs: int = Field(10, ge=2, description="networks that are played, for each mu")
    large: int = Field(20_000, ge=1_000, le=200_000, description="N of the networks that are too large to be played")
    networks: int = Field(60, ge=10, description="such networks, for each mu")
    seed: int = Field(1, ge=0, description="of the networks")

    def run(self) -> list[Check]:
        """Return, for each mu, who fails by the engine and by the threshold model, and away from R0 = 1 what large
        networks do by the threshold model: the first failures, the chance of a global cascade, and its size.
        """
        checks: list[Check] = []
        for number, one in enumerate(self.overlaps()):
            found = [compared(one, distinct_seed(self.seed, number * self.runs + i)) for i in range(self.runs)]
            apart, off = (np.array(column) for column in zip(*found, strict=True))
            checks += [
                exact_check(f"mu = {one.held}: accounts apart from the threshold model", 0.0, apart.sum()),
                exact_check(f"mu = {one.held}: price furthest off, relative", 0.0, off.max(), _FINE),
            ]
            scaled = replace(one, accounts=self.large, assets=round(self.large * one.assets / one.accounts))
            checks += self._law(scaled, number) if scaled.decided else []
        return checks

    def overlaps(self) -> list[Overlap]:
        """Return the portfolios of every mu that are played."""
        notional, assets = self.leverage * self.invested, self.assets or self.accounts
        if notional > 200.0:
            raise InputError(f"T12: leverage * invested: must be at most 200 (got {notional:g})")
        for held in self.held:
            if not 1 <= held <= min(assets, 200):
                raise InputError(f"T12: held: must be between 1 and {min(assets, 200)} (got {held})")
        return [Overlap(self.accounts, assets, held, notional, self.impact) for held in self.held]

    def _law(self, overlap: Overlap, number: int) -> list[Check]:
        first = distinct_seed(self.seed, number * self.networks)
        share, direct = np.array([failures(overlap, first + i) for i in range(self.networks)]).T
        wide = share > _GLOBAL
        label, chance = f"mu = {overlap.held}", overlap.global_chance
        # Rare ones: as Poisson. What two shared assets add is known of a finite network.
        error = max(float(direct.std(ddof=1)), math.sqrt(overlap.first)) / math.sqrt(self.networks)
        slack = SIGMAS * error + _SPARSE * max(1.0, overlap.first) + overlap.twice
        made = [
            Check(f"{label}: failed by the first", overlap.first, float(direct.mean()), error, slack),
            share_check(f"{label}: P(global)", chance, int(wide.sum()), self.networks, _SPARSE),
        ]
        if wide.any():
            made.append(Check(f"{label}: size, given global", 1.0, float(share[wide].mean()), 0.0, 0.05))
        return made
