"""Target T23: estimators of stylised facts give back what is known in closed form; then they look at prices."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.stylised_facts import (
    Correlogram,
    aggregated,
    autocorrelation,
    excess_kurtosis,
    gain_loss_asymmetry,
    hill_index,
    leverage_effect,
)
from experiments.target import SIGMAS, Check, mean_check
from experiments.theory.known_returns import Gjr, LongMemory, hill_of_t
from experiments.theory.suite import Target
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.price.base import PriceProcess, World
from simulation.random import Streams
from simulation.rule import load_rules

_SOURCE = "R. Cont, Quantitative Finance 1 (2001) 223-236"
_SECOND = 1.0  # length of a step of the engine's paths: so short that log prices stay in range
load_rules("simulation.price")


class IndependentReturns(Target):
    """T23, of returns without memory."""

    name: ClassVar[str] = "T23.tails"
    title: ClassVar[str] = "Tail index, kurtosis by horizon and gain/loss asymmetry of independent returns"
    source: ClassVar[str] = f"{_SOURCE}; B. Hill, Annals of Statistics 3 (1975) 1163-1174"
    formula: ClassVar[str] = (
        "Hill of Pareto(a): a k / (k - 1); of t_nu at the threshold u: 1 / E[ln(x / u) | x > u] -> nu; excess kurtosis "
        "6 / (nu - 4) / horizon; (F(-c) - S(c)) / (F(-c) + S(c))"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"draws": 2_000_000}

    pareto_index: float = Field(2.5, gt=0.1, le=20.0, description="a")
    tail_index: float = Field(3.0, gt=2.0, le=50.0, description="nu of the t law whose tail is measured")
    tail_share: float = Field(0.01, gt=1e-4, le=0.2, description="of the draws, k, that Hill's estimator takes")
    moment_index: float = Field(12.0, ge=9.0, le=200.0, description="nu of the t law whose kurtosis is measured")
    horizons: tuple[int, ...] = Field((1, 4, 16), min_length=1, max_length=10, description="steps, whole")
    deviations: float = Field(0.5, ge=0.05, le=0.9, description="c, beyond which gains and losses count")
    draws: int = Field(200_000, ge=50_000, description="of each law")
    seed: int = Field(1, ge=0, description="of the draws")

    def run(self) -> list[Check]:
        """Return the indices, kurtosis by horizon, and the asymmetry."""
        if min(self.horizons) < 1 or max(self.horizons) > 200:
            raise InputError(f"{self.name}: horizons: must be from 1 to 200 (got {list(self.horizons)})")
        return [*self._tails(), *self._kurtosis(), self._asymmetry()]

    def _tails(self) -> list[Check]:
        k = max(int(self.tail_share * self.draws), 3)
        chances = Streams(self.seed).uniform("known/pareto", 0, self.draws)
        a = self.pareto_index
        pareto = hill_index(chances ** (-1.0 / a), k).value
        found = hill_index(self._student(self.tail_index), k).value
        error = a * k / ((k - 1.0) * math.sqrt(k - 2.0))
        expected = hill_of_t(self.tail_index, k / self.draws)
        own = expected / math.sqrt(k)
        return [
            Check(f"Hill index of Pareto({a:g})", a * k / (k - 1.0), pareto, error, SIGMAS * error),
            Check(f"Hill index of t({self.tail_index:g}), k = {k}", expected, found, own, SIGMAS * own),
        ]

    def _kurtosis(self) -> list[Check]:
        returns, checks = self._student(self.moment_index), []
        whole = 6.0 / (self.moment_index - 4.0)
        for horizon in self.horizons:
            rows = np.array_split(aggregated(returns, horizon), 20)
            kurtosis = np.array([excess_kurtosis(row).value for row in rows])
            error = float(kurtosis.std(ddof=1)) / math.sqrt(len(rows))
            together = excess_kurtosis(aggregated(returns, horizon)).value
            checks.append(Check(f"kurtosis over {horizon}", whole / horizon, together, error, SIGMAS * error))
        return checks

    def _asymmetry(self) -> Check:
        """Return the check on 1 - E, E exponential: long losses, short gains, deviation 1."""
        chances = Streams(self.seed).uniform("known/exponential", 0, self.draws)
        returns = 1.0 + np.log(chances)
        parts = [gain_loss_asymmetry(part, self.deviations).value for part in np.array_split(returns, 20)]
        losses, gains = math.exp(-1.0 - self.deviations), -math.expm1(self.deviations - 1.0)
        expected = (losses - gains) / (losses + gains)
        # The estimated deviation moves the threshold, so parts tell the error better than the counts do.
        error = float(np.std(parts, ddof=1)) / math.sqrt(len(parts))
        found = gain_loss_asymmetry(returns, self.deviations).value
        return Check("gain/loss asymmetry", expected, found, error, SIGMAS * error)

    def _student(self, tail_index: float) -> Array:
        """Return Student-t returns of the engine."""
        world = World(("M",), np.array([100.0]), np.array([0.5]), self.draws, _SECOND)
        process = PriceProcess.parse({"kind": "student_t", "tail_index": tail_index})
        return np.diff(np.log(process.draw(world, Streams(self.seed))[:, 0]))


class Memory(Target):
    """T23, of volatility clustering."""

    name: ClassVar[str] = "T23.memory"
    title: ClassVar[str] = "Autocorrelation of |r| and its decay under long memory in volatility"
    source: ClassVar[str] = f"{_SOURCE}; F. Breidt, N. Crato & P. de Lima, J. Econometrics 83 (1998) 325-348"
    formula: ClassVar[str] = (
        "ACF|r|(k) = (exp(s^2 g_k / 4) - 1) / ((pi / 2) exp(s^2 / 4) - 1), g_k of fractional noise; ACF(r) = 0; decay "
        "exponent of that law over the same lags"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"series": 400}

    hurst: float = Field(0.85, ge=0.6, lt=0.95, description="H, of log variance")
    spread: float = Field(1.0, ge=0.5, le=1.5, description="s, deviation of log variance")
    lags: tuple[int, ...] = Field((1, 2, 4, 8, 16, 32), min_length=3, max_length=20, description="whole, rising")
    steps: int = Field(16_384, ge=4_096, le=2**20, description="of a series")
    series: int = Field(40, ge=20, description="independent series")
    seed: int = Field(1, ge=0, description="of the series")

    def run(self) -> list[Check]:
        """Return the autocorrelations of r and |r|, and the decay exponent."""
        if min(self.lags) < 1 or max(self.lags) > self.steps // 64 or len(set(self.lags)) < len(self.lags):
            raise InputError(f"{self.name}: lags: must be distinct, from 1 to {self.steps // 64} (steps / 64)")
        law = LongMemory(self.hurst, self.spread)
        returns = law.returns(self.series, self.steps, Streams(self.seed))
        sizes = np.array([autocorrelation(np.abs(row), self.lags).values for row in returns])
        signs = np.array([autocorrelation(row, self.lags).values for row in returns])
        expected = law.sampled(np.array(self.lags), self.steps)
        checks = [
            *(mean_check(f"ACF|r|, lag {lag}", float(expected[i]), sizes[:, i]) for i, lag in enumerate(self.lags)),
            *(mean_check(f"ACF(r), lag {lag}", -1.0 / self.steps, signs[:, i]) for i, lag in enumerate(self.lags)),
        ]
        return [*checks, self._decay(expected, sizes)]

    def _decay(self, expected: Array, sizes: Array) -> Check:
        """Return the check of the exponent of the mean correlogram; its error leaves one series out at a time."""
        n = len(sizes)
        without = [self._exponent((sizes.sum(axis=0) - row) / (n - 1)) for row in sizes]
        error = math.sqrt((n - 1) * float(np.var(without)))
        return Check(
            "decay exponent", self._exponent(expected), self._exponent(sizes.mean(axis=0)), error, SIGMAS * error
        )

    def _exponent(self, values: Array) -> float:
        return Correlogram(self.lags, values, 0.0).decay_exponent[0]


class Leverage(Target):
    """T23, of the leverage effect."""

    name: ClassVar[str] = "T23.leverage"
    title: ClassVar[str] = "Losses raise volatility: the leverage effect of a GJR process"
    source: ClassVar[str] = f"{_SOURCE}; L. Glosten, R. Jagannathan & D. Runkle, J. Finance 48 (1993) 1779-1801"
    formula: ClassVar[str] = "corr(r_t, r_{t+k}^2) = -(g / 2) p^(k - 1) E|r|^3 / sqrt(E r^4 - 1), p = a + g / 2 + b"
    thorough: ClassVar[Mapping[str, Any]] = {"series": 1_000}

    reaction: float = Field(0.03, ge=0.0, lt=0.3, description="a, of variance to any return")
    asymmetry: float = Field(0.1, ge=0.0, lt=0.5, description="g, more to a loss")
    persistence: float = Field(0.85, ge=0.0, lt=0.99, description="b")
    lags: tuple[int, ...] = Field((1, 2, 5, 10), min_length=1, max_length=20, description="whole")
    steps: int = Field(5_000, ge=1_000, le=10**6, description="of a series")
    series: int = Field(100, ge=20, description="independent series")
    seed: int = Field(1, ge=0, description="of the series")

    def run(self) -> list[Check]:
        """Return the correlations and the kurtosis."""
        law = Gjr(self.reaction, self.asymmetry, self.persistence)
        # Without an eighth moment the spread of squares in one series is far from its law, and correlations with it.
        if law.total > 0.995 or law.fourth >= 0.97:
            raise InputError(f"{self.name}: the eighth moment does not exist, or hardly: lower reaction or asymmetry")
        if min(self.lags) < 1 or max(self.lags) > self.steps // 50:
            raise InputError(f"{self.name}: lags: must be from 1 to {self.steps // 50} (steps / 50)")
        returns = law.returns(self.series, self.steps, Streams(self.seed))
        expected = law.leverage(np.array(self.lags), float((np.abs(returns) ** 3).mean()))
        found = np.array([leverage_effect(row, self.lags).values for row in returns])
        return [mean_check("variance", 1.0, (returns**2).mean(axis=1))] + [
            mean_check(f"leverage effect, lag {lag}", float(expected[i]), found[:, i], 0.01)
            for i, lag in enumerate(self.lags)
        ]
