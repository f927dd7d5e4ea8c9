"""Target T2: a fund's distressed sales make covariance that fundamentals do not have.

The fund is an account of the engine (`distressed_seller`) with a two-sided rule, impact is linear and permanent. One
trading round a step is the paper's fund, which does not answer its own impact; rounds to rest is one that does.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.drawing import Picture
from experiments.target import (
    Check,
    bare_scenario,
    batches,
    distinct_seed,
    exact_check,
    mean_check,
    one_tier,
    played,
)
from experiments.theory.curve_picture import Curve, curve_picture
from experiments.theory.suite import Target
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.model import MarketModel
from simulation.random import Streams
from simulation.scenario import Scenario

_PRICE = 100.0  # dollars, at first
_VALUE = 1e9  # dollars of a portfolio; then cents are nothing beside a short step's sales
_LOT = 2.0**-20  # units
_SPREAD = 2e-4  # of all steps' returns together: so short a time that holdings' values stay put
_FINE = 1e-3  # relative
_SIDE_BY_SIDE = 20  # funds of one scenario
_WIDE = 10.0  # thresholds apart, so that few steps cross one
_KINKS = 0.01  # relative error of steps across the ends of f, which is straight only between them


def fund(name: str, units: Mapping[str, float], begins: float, ends: float) -> dict[str, Any]:
    """Return a fund without debt whose whole portfolio is `units`."""
    rule = {"kind": "distressed_seller", "name": name, "count": 1, "units": dict(units)}
    return {**rule, "deposit": 2.0 * _VALUE, "begins": begins, "ends": ends}


def market(name: str, notional: float, pressure: float, volatility: float = 0.0) -> dict[str, Any]:
    """Return a market whose log price falls by `pressure` if `notional` dollars are sold at first prices."""
    fixed = {"price": _PRICE, "lot": _LOT, "tiers": one_tier(1e-9)}
    return {"name": name, "depth": notional / pressure, "volatility": volatility, **fixed}


class _Distress(Target):
    """T2: one portfolio and what selling all of it does to prices."""

    source: ClassVar[str] = "R. Cont & L. Wagalath, Math. Finance 23 (2013) 718-741 and 26 (2016) 835-866"

    weights: tuple[float, ...] = Field((1.0, 1.0), min_length=2, max_length=50, description="pi over their mean")
    pressure: tuple[float, ...]
    seed: int = Field(1, ge=0, description="of the returns")

    def refuse_what_is_none(self) -> None:
        """Raise `InputError` unless every asset has a weight and a pressure above 0."""
        if len(self.pressure) != len(self.weights):
            raise InputError(f"pressure: must have one entry an asset, {len(self.weights)} (got {len(self.pressure)})")
        if min(self.pressure) <= 0.0 or min(self.weights) <= 0.0:
            raise InputError("weights, pressure: must all be greater than 0")

    @property
    def shares(self) -> Array:
        """Return pi (m,), the shares of the portfolio at first prices."""
        return np.array(self.weights) / sum(self.weights)


class DistressedSelling(_Distress):
    """T2."""

    name: ClassVar[str] = "T2"
    title: ClassVar[str] = "Covariance that a fund's own distressed sales create"
    formula: ClassVar[str] = (
        "C = S + g (b (S pi)' + (S pi) b') + g^2 (pi' S pi) b b', g = f' / V0; to rest g becomes g / (1 - g pi'b); "
        "n equal assets, th = f' b / n: correlation (2 th + n th^2) / (1 + 2 th + n th^2)"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"steps": 5_000}

    pressure: tuple[float, ...] = Field((0.2, 0.2), description="f' b of each asset: log move if the fund sold all")
    correlation: float = Field(0.0, ge=0.0, lt=1.0, description="of the fundamental returns")
    to_rest: bool = Field(False, description="whether losses by its own sales make it sell on in the same step")
    steps: int = Field(400, ge=100, le=100_000, description="short ones, whose returns have exactly the moments S")

    def run(self) -> list[Check]:
        """Return covariances, correlation and volatility of the first two assets, and the fund's variance."""
        self.refuse_what_is_none()
        if self.to_rest and self.ratio >= 1.0:
            raise InputError(f"pressure: sales never come to rest at a branching ratio of {self.ratio:g}")
        found, restless = self.moments()
        return [*self._checks(self.covariance(), found), exact_check("steps without rest", 0.0, restless)]

    def moments(self) -> tuple[Array, int]:
        """Return the second moments (m, m) of the simulated log returns, and in how many steps there was no rest."""
        model = played(self.scenario())
        moves = np.diff(np.log(model.market.history["mark"]), axis=0)
        return moves.T @ moves / self.steps, model.exchange.desk.flagged.get("trading_cap", 0)

    def _checks(self, expected: Array, found: Array) -> list[Check]:
        size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        rho = expected[0, 1] / size[0, 1]
        seen = found[0, 1] / math.sqrt(found[0, 0] * found[1, 1])
        calm = self.fundamental
        louder, heard = (math.sqrt(one[0, 0] / calm[0, 0]) for one in (expected, found))
        total, fundless = (float(self.shares @ one @ self.shares) for one in (expected, calm))
        spread, fine = float(self.shares @ found @ self.shares), _FINE / self.room
        return [
            *(
                exact_check(f"C[{i}, {j}]", expected[i, j] / size[i, j], found[i, j] / size[i, j], fine)
                for i, j in ((0, 0), (0, 1), (1, 1))
            ),
            exact_check("correlation", rho, seen, _FINE),
            exact_check("volatility, ratio", louder, heard, fine * louder),
            exact_check("variance of the fund, ratio", total / fundless, spread / fundless, fine * total / fundless),
        ]

    @property
    def ratio(self) -> float:
        """Return R0 = g pi'b, further sales per sale."""
        return float(self.shares @ np.array(self.pressure))

    @property
    def room(self) -> float:
        """Return 1 - R0 where sales go on to rest, else 1: near 0 small changes of prices change the outcome much."""
        return 1.0 - self.ratio if self.to_rest else 1.0

    @property
    def fundamental(self) -> Array:
        """Return S (m, m) of a step."""
        m = len(self.weights)
        one = np.full((m, m), self.correlation) + (1.0 - self.correlation) * np.eye(m)
        return one * (_SPREAD * self.room) ** 2 / self.steps

    def covariance(self) -> Array:
        """Return C (m, m) of a step."""
        pi, b, calm = self.shares, np.array(self.pressure), self.fundamental
        b = b / (1.0 - self.ratio) if self.to_rest else b
        cross = np.outer(b, calm @ pi)
        return calm + cross + cross.T + float(pi @ calm @ pi) * np.outer(b, b)

    def scenario(self) -> Scenario:
        """Return one fund that keeps half its portfolio at first and all of its change of value is sold (f' = 1)."""
        names, dollars = [f"A{i}" for i in range(len(self.weights))], self.shares * _VALUE
        return bare_scenario(
            steps=self.steps,
            markets=[market(*each) for each in zip(names, dollars.tolist(), self.pressure, strict=True)],
            price={"kind": "replay", "prices": self.path().tolist()},
            impact={"kind": "linear"},
            trading_rounds=0 if self.to_rest else 1,
            population=[fund("fund", dict(zip(names, (dollars / _PRICE).tolist(), strict=True)), 1.5, 0.5)],
        )

    def path(self) -> Array:
        """Return index prices (steps + 1, m) whose log returns have the second moments S exactly, not on average."""
        n, m = self.steps, len(self.weights)
        noise = Streams(self.seed).normal("distress/price", 0, n * m).reshape(n, m)
        plain = np.linalg.qr(noise)[0] * math.sqrt(n)
        moves = plain @ np.linalg.cholesky(self.fundamental).T
        return _PRICE * np.exp(np.vstack([np.zeros(m), np.cumsum(moves, axis=0)]))

    def picture(self) -> Picture | None:
        """Return the correlation of the first two assets over the ratio, with one round a step and with all of them."""
        at, tried, curves = np.linspace(0.0, 0.8, 41), np.linspace(0.1, 0.7, 4), []
        for name, to_rest in (("one round a step", False), ("to rest", True)):
            expected = [self._at(float(x), to_rest).covariance() for x in at]
            moves = [self._at(float(x), to_rest).moments()[0] for x in tried]
            curves.append(Curve(name, at, _correlation(expected), tried.tolist(), _correlation(moves).tolist()))
        labels = "branching ratio R0, dollars sold per dollar sold", "correlation of the first two assets"
        return curve_picture("theory_T2_correlation", self.title, labels, curves)

    def _at(self, ratio: float, to_rest: bool) -> "DistressedSelling":
        """Return the same fund with another ratio, few steps."""
        pressure = tuple(float(b) * ratio / self.ratio for b in self.pressure)
        return self.model_copy(update={"pressure": pressure, "to_rest": to_rest, "steps": 100})


class DistressToRest(DistressedSelling):
    """T2 where sales go on until nobody wants to sell more."""

    name: ClassVar[str] = "T2.to_rest"
    title: ClassVar[str] = "The same where losses by its own sales make it sell on"
    thorough: ClassVar[Mapping[str, Any]] = {"steps": 2_000}
    to_rest: bool = Field(True, description="whether losses by its own sales make it sell on in the same step")

    def picture(self) -> None:
        """Return nothing: T2 draws both."""


class ThresholdSelling(_Distress):
    """T2 over a year, with a fund that begins and ends to sell at thresholds."""

    name: ClassVar[str] = "T2.threshold"
    title: ClassVar[str] = "Realised covariance of a year with a fund that sells between two thresholds"
    formula: ClassVar[str] = (
        "E sum r r' = E sum c_t dt, c_t as in T2 with g_t = 1 / ((beta0 - beta_liq) V0) while beta_liq < V / V0 < beta0"
    )
    tier: ClassVar[Any] = "slow"
    thorough: ClassVar[Mapping[str, Any]] = {"paths": 1_500}

    pressure: tuple[float, ...] = Field((0.15, 0.15), description="log move of each asset if the fund sold all")
    begins: float = Field(0.95, gt=0.0, le=1.0, description="beta0, value over first value below which it sells")
    ends: float = Field(0.7, ge=0.0, lt=1.0, description="beta_liq, where it has sold all")
    volatility: float = Field(0.3, gt=0.0, le=2.0, description="of each asset, a year")
    steps: int = Field(500, ge=50, le=50_000, description="of the year")
    paths: int = Field(100, ge=20, description="independent")

    def run(self) -> list[Check]:
        """Return realised second moments over those of the fundamentals, against the average of the formula."""
        self.refuse_what_is_none()
        if self.ends >= self.begins:
            raise InputError(f"ends: must be below begins, {self.begins:g} (got {self.ends:g})")
        few = (_WIDE * self.volatility / (self.begins - self.ends)) ** 2
        if self.steps < few:
            raise InputError(
                f"{self.name}: steps: must be at least {math.ceil(few)}, for {_WIDE:g} deviations of a step between "
                f"the thresholds (got {self.steps}); or thresholds further apart"
            )
        parts = [
            self._followed(played(self.scenario(size).seeded(distinct_seed(self.seed, run))))
            for run, size in enumerate(batches(self.paths, _SIDE_BY_SIDE))
        ]
        found, expected = (np.concatenate(part) / self.volatility**2 for part in zip(*parts, strict=True))
        checks = []
        for i, j in ((0, 0), (0, 1), (1, 1)):
            mean = float(expected[:, i, j].mean())
            one = mean_check(f"C[{i}, {j}]", mean, found[:, i, j] - expected[:, i, j] + mean, _KINKS)
            checks.append(one)
        return checks

    def scenario(self, funds: int) -> Scenario:
        """Return `funds` funds side by side, each alone in markets of its own."""
        dollars = self.shares * _VALUE
        names = [[f"F{k}.{i}" for i in range(len(dollars))] for k in range(funds)]
        columns = [each for own in names for each in zip(own, dollars.tolist(), self.pressure, strict=True)]
        return bare_scenario(
            steps=self.steps,
            step_seconds=365.0 * 86_400.0 / self.steps,
            markets=[market(*each, volatility=self.volatility) for each in columns],
            price={"kind": "gbm"},
            impact={"kind": "linear"},
            population=[
                fund(f"fund-{k}", dict(zip(own, (dollars / _PRICE).tolist(), strict=True)), self.begins, self.ends)
                for k, own in enumerate(names)
            ],
        )

    def _followed(self, model: MarketModel) -> tuple[Array, Array]:
        """Return (funds, m, m) realised second moments of the year, and the sum of the formula along the same path."""
        m, history = len(self.weights), model.market.history
        mark = history["mark"].reshape(self.steps + 1, -1, m)
        worth = mark[:-1] / _PRICE * self.shares  # pi_t over V0
        value = worth.sum(axis=2)
        slope = np.where((value > self.ends) & (value < self.begins), 1.0 / (self.begins - self.ends), 0.0)
        index = history["index"].reshape(mark.shape)[:-1]  # money is counted at the index, and so is impact
        push = slope[:, :, None] * np.array(self.pressure) * index / _PRICE
        cross = np.einsum("tfi,tfj->fij", push, worth)
        square = np.einsum("tf,tfi,tfj->fij", (worth**2).sum(axis=2), push, push)
        calm = self.steps * np.eye(m) + cross + cross.transpose(0, 2, 1) + square
        # What the index happened to do is known, and so is its mean: without it fewer paths tell as much.
        found = _moments(mark) - _moments(history["index"].reshape(mark.shape)) + self.volatility**2 * np.eye(m)
        return found, calm * self.volatility**2 / self.steps


def _correlation(moments: Sequence[Array]) -> Array:
    return np.array([one[0, 1] / math.sqrt(one[0, 0] * one[1, 1]) for one in moments])


def _moments(prices: Array) -> Array:
    """Return sum r r' (f, m, m) of the log returns of `prices` (t, f, m)."""
    moves = np.diff(np.log(prices), axis=0)
    return np.einsum("tfi,tfj->fij", moves, moves)
