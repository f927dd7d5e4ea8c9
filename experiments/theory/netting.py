"""Targets T10 and T16: what netting saves and risks, and how many of many accounts go on one margin date.

Nothing moves prices here but the outside world, so that accounts and positions meet only in their margins.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.margin_efficiency import saving
from experiments.target import (
    SIGMAS,
    Check,
    bare_scenario,
    batches,
    distinct_seed,
    exact_check,
    mean_check,
    one_tier,
    played,
    share_check,
    total_variation,
)
from experiments.theory.passage import OVERSHOOT
from experiments.theory.suite import Target
from simulation.arrays import Array, column_sum
from simulation.board import Book
from simulation.random import Streams
from simulation.scenario import Scenario

_PRICE = 100.0  # dollars
_NO_MARGIN = 1e-9  # maintenance rate: liquidated when nothing is left
_FACTORS = 2_001  # values of the common factor that are summed over
_COLUMNS = 100  # markets of one scenario, about
_BEYOND = 20.0  # margin dates expected beyond a quantile that is looked at
_SLACK = 0.02  # the shifted barrier is exact up to o(sqrt(dt)); relative


class Netting(Target):
    """T10."""

    name: ClassVar[str] = "T10"
    title: ClassVar[str] = "Netting: bilateral against cleared, isolated against cross"
    source: ClassVar[str] = "D. Duffie & H. Zhu, Review of Asset Pricing Studies 1 (2011) 74-95"
    formula: ClassVar[str] = (
        "(N-1) sqrt(K/2pi) against (N-1) sqrt((K-1)/2pi) + sqrt((N-1)/2pi); margins K / sqrt(K + K(K-1) rho); "
        "liquidated 2 N(-a) alone, 2 N(-a sqrt(K / (1 + (K-1) rho))) pooled, barrier moved by .5826 sqrt dt"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"paths": 10_000, "draws": 400_000}

    entities: int = Field(7, ge=2, le=200, description="N, who trade with each other")
    classes: int = Field(2, ge=1, le=50, description="K of the exposures, the last one cleared")
    positions: int = Field(4, ge=1, le=20, description="K of an account, equal")
    correlation: float = Field(0.5, ge=0.0, lt=1.0, description="rho of the positions' prices")
    buffer: float = Field(1.5, gt=0.1, le=5.0, description="a, of each position, deviations over the horizon")
    marks: int = Field(50, ge=10, le=5_000, description="in the horizon")
    draws: int = Field(20_000, ge=1_000, description="of all exposures")
    paths: int = Field(600, ge=100, description="accounts")
    seed: int = Field(1, ge=0, description="of exposures and paths")

    def run(self) -> list[Check]:
        """Return exposures, margins and probabilities of liquidation."""
        ratio = self.positions / math.sqrt(self._variance)
        margin = {"kind": "value_at_risk", "correlation": self.correlation}
        kept = 1.0 - saving(np.ones(self.positions), margin)
        return [
            *self._exposures(),
            exact_check("least N for which clearing helps", _least(self.classes), 4 * self.classes - 1),
            exact_check("isolated over cross margin", ratio, 1.0 / kept, 1e-9 * ratio),
            *self._liquidations(),
        ]

    @property
    def _variance(self) -> float:
        """Return the variance of the sum of the positions, K + K (K - 1) rho."""
        k = self.positions
        return k + k * (k - 1) * self.correlation

    def _exposures(self) -> list[Check]:
        """Return expected exposures, netted by the books of the engine: one a counterparty, or one a clearing house."""
        others, k = self.entities - 1, self.classes
        size = Streams(self.seed).normal("netting/exposure", 0, self.draws * others * k)
        positions = size.reshape(self.draws, others, k)
        bilateral = self._owed(positions).sum(axis=1)
        rest = self._owed(positions[:, :, : k - 1]).sum(axis=1) if k > 1 else 0.0
        cleared = rest + self._owed(positions[:, :, k - 1][:, None, :])[:, 0]
        unit = 1.0 / math.sqrt(2.0 * math.pi)
        alone = others * math.sqrt(k) * unit
        house = (others * math.sqrt(k - 1) + math.sqrt(others)) * unit
        return [
            mean_check("exposure without clearing", alone, bilateral),
            mean_check("exposure with one class cleared", house, cleared),
            mean_check("what clearing adds", house - alone, cleared - bilateral),
        ]

    @staticmethod
    def _owed(positions: Array) -> Array:
        """Return what is owed to us (d, c) on positions (d, c, k) after every price rose by a dollar."""
        rows = positions.reshape(-1, positions.shape[2])
        before = np.full(rows.shape[1], _PRICE)
        book = Book.opened(np.zeros(len(rows)), rows, before)
        return np.maximum(book.equity(before + 1.0), 0.0).reshape(positions.shape[:2])

    def _liquidations(self) -> list[Check]:
        from scipy.special import ndtr

        shift = OVERSHOOT / math.sqrt(self.marks)
        distances = {"isolated": self.buffer, "cross": self.buffer * self.positions / math.sqrt(self._variance)}
        found: dict[str, list[Array]] = {name: [] for name in distances}
        for run, accounts in enumerate(batches(self.paths, max(1, _COLUMNS // self.positions))):
            prices = self._prices(accounts, distinct_seed(self.seed, run))
            for regime, parts in found.items():
                parts.append(self._closed(prices, accounts, regime))
        checks = []
        for regime, distance in distances.items():
            expected = 2.0 * float(ndtr(-(distance + shift)))
            closed, name = np.concatenate(found[regime]), f"P(liquidated), {regime}"
            if regime == "cross":  # all of an account or nothing; isolated positions of one account hang together
                hit = int((closed > 0.0).sum())
                checks.append(share_check(name, expected, hit, self.paths, _SLACK * expected))
            else:
                alone = math.sqrt(expected * (1.0 - expected) / self.positions)
                checks.append(mean_check(name, expected, closed, _SLACK, alone))
        return checks

    def _prices(self, accounts: int, seed: int) -> Array:
        """Return arithmetic Brownian prices (marks + 1, accounts K), a deviation of a dollar over the horizon."""
        streams, n = Streams(seed), self.marks * accounts
        common = streams.normal("netting/common", 0, n).reshape(self.marks, accounts)
        own = streams.normal("netting/own", 0, n * self.positions).reshape(self.marks, accounts, self.positions)
        moves = math.sqrt(self.correlation) * common[:, :, None] + math.sqrt(1.0 - self.correlation) * own
        path = np.cumsum(moves.reshape(self.marks, -1), axis=0) / math.sqrt(self.marks)
        return _PRICE + np.vstack([np.zeros(path.shape[1]), path])

    def _closed(self, prices: Array, accounts: int, regime: str) -> Array:
        """Return the share of its positions (accounts,) that each account lost to liquidation."""
        k = self.positions
        names = [[f"A{i}P{j}" for j in range(k)] for i in range(accounts)]
        model = played(
            bare_scenario(
                steps=self.marks,
                markets=[
                    {"name": name, "price": _PRICE, "volatility": 0.0, "lot": 1.0, "tiers": one_tier(_NO_MARGIN)}
                    for row in names
                    for name in row
                ],
                price={"kind": "replay", "prices": prices.tolist()},
                margin={"kind": regime},
                population=[
                    {"kind": "book", "count": 1, "deposit": k * self.buffer, "units": dict.fromkeys(row, 1.0)}
                    | {"name": f"account{i:05d}"}
                    for i, row in enumerate(names)
                ],
            )
        )
        market = model.exchange.desk.log.events.market.astype(np.intp)
        return np.bincount(market // k, minlength=accounts) / k


def _least(classes: int) -> int:
    """Return the least N at which clearing one of `classes` lowers exposures: K < N^2 / (4 (N - 1))."""
    return next(n for n in range(3, 8 * classes + 8) if 4 * (n - 1) * classes < n * n)


class LiquidatedFraction(Target):
    """T16."""

    name: ClassVar[str] = "T16"
    title: ClassVar[str] = "How many of many accounts go on one margin date"
    source: ClassVar[str] = "O. Vasicek, Risk 15(12) (2002) 160-162"
    formula: ClassVar[str] = (
        "P(L <= x) = N((sqrt(1-rho) N^-1(x) - N^-1(p)) / sqrt rho); for finite N binomial given the common factor"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"dates": 20_000}

    probability: float = Field(0.05, gt=1e-4, lt=0.5, description="p, that an account goes")
    correlation: float = Field(0.3, gt=0.0, lt=1.0, description="rho of any two assets")
    accounts: int = Field(50, ge=2, le=500, description="N, one asset each")
    volatility: float = Field(0.8, gt=0.05, le=2.0, description="of the assets, a year")
    maintenance_rate: float = Field(0.005, gt=0.0, lt=0.2, description="of the venue")
    dates: int = Field(300, ge=100, description="independent margin dates")
    seed: int = Field(1, ge=0, description="of the returns")

    def run(self) -> list[Check]:
        """Return mean, spread, law and upper quantile of the number that goes."""
        scenario = self.scenario()
        counts = np.array(
            [
                float(len(played(scenario.seeded(distinct_seed(self.seed, run))).exchange.desk.log.events))
                for run in range(self.dates)
            ]
        )
        law, n = self.law(), np.arange(self.accounts + 1)
        mean = float(law @ n)
        least = int(np.argmax(np.cumsum(law) >= 0.9))
        tail = float(law[n > least].sum())
        second, fourth = float(law @ (n - mean) ** 2), float(law @ (n - mean) ** 4)
        squares, own = (counts - mean) ** 2 / self.accounts**2, math.sqrt(second) / self.accounts
        around = math.sqrt(max(fourth - second**2, 0.0)) / self.accounts**2
        seen = [level for level in (0.9, 0.99, 0.999) if (1.0 - level) * self.dates > _BEYOND]
        return [
            mean_check("mean fraction", self.probability, counts / self.accounts, 0.0, own),
            mean_check("variance of the fraction", own**2, squares, 0.0, around),
            share_check(f"P(more than {least} of {self.accounts})", tail, int((counts > least).sum()), self.dates),
            *(self._quantile(law, counts, level) for level in seen),
            total_variation(law, counts),
        ]

    def quantile(self, level: float) -> float:
        """Return Vasicek's quantile for N = infinity, N((N^-1(p) + sqrt(rho) N^-1(level)) / sqrt(1 - rho))."""
        from scipy.special import ndtr, ndtri

        rho = self.correlation
        return float(ndtr((ndtri(self.probability) + math.sqrt(rho) * ndtri(level)) / math.sqrt(1.0 - rho)))

    def _quantile(self, law: Array, counts: Array, level: float) -> Check:
        """Return the check of a quantile of the fraction: between those of the law 4 standard errors of level apart."""
        error = math.sqrt(level * (1.0 - level) / self.dates)
        below = np.cumsum(law)
        low, expected, high = (
            float(np.searchsorted(below, min(max(at, 0.0), 1.0 - 1e-12))) / self.accounts
            for at in (level - SIGMAS * error, level, level + SIGMAS * error)
        )
        found = float(np.quantile(counts, level, method="inverted_cdf")) / self.accounts
        tolerance = max(high - expected, expected - low) + 1.0 / self.accounts
        return Check(f"quantile at {level:.4g}", expected, found, (high - low) / (2.0 * SIGMAS), tolerance)

    def law(self) -> Array:
        """Return P(k of N accounts go), (N + 1,): binomial given the factor, integrated over it."""
        from scipy.special import gammaln, ndtr, ndtri, xlog1py, xlogy

        points = np.linspace(-9.0, 9.0, _FACTORS)
        weights = np.exp(-points * points / 2.0)  # the trapezium rule is as good as exact for a normal density
        rho, n = self.correlation, np.arange(self.accounts + 1)
        given = ndtr((ndtri(self.probability) - math.sqrt(rho) * points) / math.sqrt(1.0 - rho))
        k, p = n[:, None], given[None, :]
        ways = gammaln(self.accounts + 1) - gammaln(k + 1) - gammaln(self.accounts - k + 1)
        chances = np.exp(ways + xlogy(k, p) + xlog1py(self.accounts - k, -p))
        return column_sum(chances * (weights / weights.sum()))

    def scenario(self) -> Scenario:
        """Return one margin date: one isolated position an asset, so levered that it goes with probability p."""
        from scipy.special import ndtri

        spread = self.volatility * math.sqrt(1.0 / 365.0)
        barrier = math.exp(spread * float(ndtri(self.probability)) - spread * spread / 2.0)
        collateral = _PRICE * (1.0 - (1.0 - self.maintenance_rate) * barrier)
        names = [f"M{i}" for i in range(self.accounts)]
        tiers = one_tier(self.maintenance_rate)
        return bare_scenario(
            step_seconds=86_400.0,
            markets=[
                {"name": name, "price": _PRICE, "volatility": self.volatility, "lot": 1.0, "tiers": tiers}
                for name in names
            ],
            price={"kind": "gbm", "correlation": self.correlation},
            margin={"kind": "isolated"},
            population=[
                {
                    "kind": "book",
                    "count": 1,
                    "deposit": self.accounts * collateral,
                    "units": dict.fromkeys(names, 1.0),
                }
            ],
        )
