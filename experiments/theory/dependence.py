"""Target T18: how markets move and crash together, under correlation, copulas and dynamic conditional correlation."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.target import SIGMAS, Check, exact_check, mean_check, share_check
from experiments.theory.suite import Target
from simulation.arrays import Array, Mask
from simulation.errors import InputError
from simulation.price.base import PriceProcess, World
from simulation.price.copula import joint_crash_chance
from simulation.price.dcc import Dcc
from simulation.random import Streams

_BATCHES = 40
_SECOND = 1.0  # length of a step: so short that log prices stay in range
_FAR = -1e9  # deviations, as good as the limit
_FEWEST = 50  # crashes of the first market
_STATED = (0.03, 0.05, 0.93)  # tolerance of the mean correlation at these reactions


def _pair(steps: int) -> World:
    return World(("A", "B"), np.full(2, 100.0), np.full(2, 0.5), steps, _SECOND)


class Copula(Target):
    """T18, crashes together."""

    name: ClassVar[str] = "T18.copula"
    title: ClassVar[str] = "Joint crashes under Student-t and normal copulas, and rank correlation"
    source: ClassVar[str] = (
        "A. McNeil, R. Frey & P. Embrechts, Quantitative Risk Management (2015), sections 7.2 and 7.3; P. Embrechts, "
        "F. Lindskog & A. McNeil (2003)"
    )
    formula: ClassVar[str] = (
        "P(U2 < q | U1 < q) = (1/q) int_0^q T_{nu+1}((x_q - rho x) / sqrt((nu + x^2)(1 - rho^2) / (nu + 1))) du -> "
        "2 T_{nu+1}(-sqrt((nu + 1)(1 - rho) / (1 + rho))); Kendall's tau (2 / pi) asin rho"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"draws": 1_000_000}

    tail_index: float = Field(4.0, gt=2.0, le=100.0, description="nu")
    correlation: float = Field(0.5, ge=-0.9, le=0.95, description="rho")
    quantile: float = Field(0.01, ge=1e-4, le=0.2, description="q, probability of a crash of one market")
    margin_index: float = Field(6.0, gt=2.0, le=100.0, description="nu of the margins, where they are set apart")
    draws: int = Field(300_000, ge=20_000, description="of two markets")
    seed: int = Field(1, ge=0, description="of the draws")

    def run(self) -> list[Check]:
        """Return the limit, the finite probabilities and the rank correlations."""
        if self.quantile * self.draws < _FEWEST:
            raise InputError(f"draws: {_FEWEST} crashes are needed, {self.quantile * self.draws:.3g} are expected")
        nu = self.tail_index
        student = self._returns({"kind": "student_t", "tail_index": nu})
        margins = {"tail_index": self.margin_index, "copula_tail_index": nu}
        apart = self._returns({"kind": "t_copula", **margins})
        normal = self._returns({"kind": "gbm"})
        limit = 2.0 * self._given(_FAR, _FAR, nu)
        return [
            exact_check("limit of joint crashes", limit, joint_crash_chance(nu, self.correlation), 1e-6),
            self._crashes("Student-t", student, nu, nu),
            self._crashes("t copula, own margins", apart, nu, self.margin_index),
            self._crashes("normal", normal, math.inf, math.inf),
            *(self._tau(name, found) for name, found in (("Student-t", student), ("t copula", apart))),
        ]

    def chance(self, tail_index: float) -> float:
        """Return P(U2 < q | U1 < q)."""
        from scipy.integrate import quad

        edge = _quantile(self.quantile, tail_index)
        area = quad(lambda u: self._given(edge, _quantile(u, tail_index), tail_index), 0.0, self.quantile, limit=200)[0]
        return float(area) / self.quantile

    def _given(self, edge: float, x: float, tail_index: float) -> float:
        """Return P(X2 < edge | X1 = x)."""
        from scipy.special import ndtr, stdtr

        rho = self.correlation
        if math.isinf(tail_index):
            return float(ndtr((edge - rho * x) / math.sqrt(1.0 - rho * rho)))
        spread = math.sqrt((tail_index + x * x) * (1.0 - rho * rho) / (tail_index + 1.0))
        return float(stdtr(tail_index + 1.0, (edge - rho * x) / spread))

    def _returns(self, rule: Mapping[str, Any]) -> Array:
        """Return log returns (draws, 2) in deviations; their mean is too small to matter."""
        world = _pair(self.draws)
        process = PriceProcess.parse({**rule, "correlation": self.correlation})
        path = process.draw(world, Streams(self.seed))
        return np.diff(np.log(path), axis=0) / (0.5 * math.sqrt(world.step_years))

    def _crashes(self, name: str, returns: Array, tail_index: float, margin: float) -> Check:
        scale = 1.0 if math.isinf(margin) else math.sqrt((margin - 2.0) / margin)
        crashed: Mask = returns < scale * _quantile(self.quantile, margin)
        first = int(crashed[:, 0].sum())
        both = int(crashed.all(axis=1).sum())
        return share_check(f"P(crash | crash), {name}", self.chance(tail_index), both, max(first, 1))

    def _tau(self, name: str, returns: Array) -> Check:
        from scipy.stats import kendalltau

        rows = np.array_split(returns, _BATCHES)
        found = np.array([float(np.asarray(kendalltau(*row.T))[0]) for row in rows])
        return mean_check(f"Kendall's tau, {name}", 2.0 / math.pi * math.asin(self.correlation), found)


class DynamicCorrelation(Target):
    """T18, DCC(1, 1)."""

    name: ClassVar[str] = "T18.dcc"
    title: ClassVar[str] = "Dynamic conditional correlation averages nearly what it is asked for"
    source: ClassVar[str] = "R. Engle, J. Business & Economic Statistics 20 (2002) 339-350"
    formula: ClassVar[str] = (
        "E x_i^2 = 1, E[x_1 x_2 - R_12] = 0 exactly; E R_12 = rho up to .03 at c, d = .05, .93, because a ratio does "
        "not average as its parts do: elsewhere in proportion to c^2 / (1 - (c + d)^2)"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"steps": 400_000}

    correlation: float = Field(0.4, ge=-0.9, le=0.9, description="rho, long-run")
    reaction: float = Field(0.05, ge=0.0, le=0.1, description="c")
    persistence: float = Field(0.93, ge=0.0, le=0.95, description="d; c + d is at most .985")
    steps: int = Field(60_000, ge=20_000, description="of one path")
    seed: int = Field(1, ge=0, description="of the path")

    def run(self) -> list[Check]:
        """Return the mean correlation and what the shocks are promised to have."""
        c, d = self.reaction, self.persistence
        if c + d > 0.985:
            raise InputError(f"persistence: reaction + persistence must be at most .985 (got {c + d:g})")
        process = Dcc(correlation=self.correlation, correlation_reaction=c, correlation_persistence=d)
        shocks, matrices = process.joint(_pair(self.steps), Streams(self.seed))
        stated, c0, d0 = _STATED
        slack = stated * max(1.0, _restless(c, d) / _restless(c0, d0))
        found = _means(matrices[:, 0, 1])
        error = float(found.std(ddof=1)) / math.sqrt(_BATCHES)
        return [
            Check("mean correlation", self.correlation, float(found.mean()), error, slack + SIGMAS * error),
            mean_check("x_1 x_2 less its correlation", 0.0, _means(shocks[:, 0] * shocks[:, 1] - matrices[:, 0, 1])),
            *(mean_check(f"variance of x_{i + 1}", 1.0, _means(shocks[:, i] ** 2)) for i in (0, 1)),
        ]


def _restless(reaction: float, persistence: float) -> float:
    """Return c^2 / (1 - (c + d)^2), to which the variance of Q is proportional."""
    return reaction**2 / (1.0 - (reaction + persistence) ** 2)


def _means(values: Array) -> Array:
    return np.array([part.mean() for part in np.array_split(values, _BATCHES)])


def _quantile(chance: float, tail_index: float) -> float:
    from scipy.special import ndtri, stdtrit

    return float(ndtri(chance)) if math.isinf(tail_index) else float(stdtrit(tail_index, chance))
