"""Targets T2 and T9: distressed selling makes correlation, and margins make losses spiral.

Both papers have one fund and a market that moves in proportion to what it trades. The fund's rule is stated here, its
trades go through the engine's own market; in T2 many independent histories stand side by side as columns.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.target import SIGMAS, Check, batches, distinct_seed, exact_check, mean_check
from experiments.theory.execution import market
from experiments.theory.suite import Target
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.market import Market
from simulation.random import Streams

_SCALE = 1e7  # dollars, start prices
_SIDE_BY_SIDE = 2_000  # histories of one market; its memory of every moment grows with them
_FINE = 2e-3  # relative
_STEP_SPREAD = 1e-4  # of a step's return: so short that holdings' values stay put
_RESTS = 1e-11  # a further trade of this share of what is held is none
_ROUNDS = 10_000


class DistressedSelling(Target):
    """T2."""

    name: ClassVar[str] = "T2"
    title: ClassVar[str] = "Covariance that a fund's own distressed sales create"
    source: ClassVar[str] = "R. Cont & L. Wagalath, Math. Finance 23 (2013) 718-741 and 26 (2016) 835-866"
    formula: ClassVar[str] = (
        "C = S + g (b (S pi)' + (S pi) b') + g^2 (pi' S pi) b b', g = f' / V0; to rest g becomes g / (1 - g pi'b)"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"histories": 2_000_000}

    weights: tuple[float, ...] = Field((1.0, 1.0), min_length=2, max_length=50, description="pi over their mean")
    pressure: tuple[float, ...] = Field((0.2, 0.2), description="f' b of each asset: log move if the fund sold all")
    correlation: float = Field(0.0, ge=0.0, lt=1.0, description="of the fundamental returns")
    to_rest: bool = Field(False, description="whether losses by its own sales make it sell on in the same step")
    steps: int = Field(10, ge=1, le=500, description="short ones")
    histories: int = Field(150_000, ge=2_000, description="independent")
    seed: int = Field(1, ge=0, description="of the returns")

    def run(self) -> list[Check]:
        """Return covariances, correlation of the first two assets, and the fund's variance."""
        if len(self.pressure) != len(self.weights):
            raise InputError(f"pressure: must have one entry an asset, {len(self.weights)} (got {len(self.pressure)})")
        if min(self.pressure) <= 0.0 or min(self.weights) <= 0.0:
            raise InputError("weights, pressure: must all be greater than 0")
        if self.to_rest and self.ratio >= 1.0:
            raise InputError(f"pressure: sales never come to rest at a branching ratio of {self.ratio:g}")
        found, expected = self.returns(), self.covariance()
        size, pi = np.sqrt(np.diag(expected)), np.array(self.weights) / sum(self.weights)
        checks = []
        for i in range(min(2, len(size))):
            for j in range(i, min(2, len(size))):
                unit = size[i] * size[j]
                one = mean_check(f"C[{i}, {j}]", expected[i, j] / unit, found[:, i] * found[:, j] / unit)
                checks.append(one)
        rho = expected[0, 1] / (size[0] * size[1])
        seen = float(np.corrcoef(found[:, 0], found[:, 1])[0, 1])
        error = (1.0 - rho**2) / math.sqrt(self.histories)
        total = float(pi @ expected @ pi)
        return [
            *checks,
            Check("correlation", rho, seen, error, SIGMAS * error),
            mean_check("variance of the fund, ratio", total / self._calm(pi), (found @ pi) ** 2 / self._calm(pi)),
        ]

    @property
    def ratio(self) -> float:
        """Return R0 = g pi'b, further sales per sale."""
        return float(np.dot(self.weights, self.pressure) / sum(self.weights))

    @property
    def fundamental(self) -> Array:
        """Return S (m, m) over the whole horizon."""
        m = len(self.weights)
        one = np.full((m, m), self.correlation) + (1.0 - self.correlation) * np.eye(m)
        return one * _STEP_SPREAD**2 * self.steps

    def _calm(self, pi: Array) -> float:
        return float(pi @ self.fundamental @ pi)

    def covariance(self) -> Array:
        """Return C (m, m) over the whole horizon."""
        pi, b, calm = np.array(self.weights) / sum(self.weights), np.array(self.pressure), self.fundamental
        b = b / (1.0 - self.ratio) if self.to_rest else b
        cross = np.outer(b, calm @ pi)
        return calm + cross + cross.T + float(pi @ calm @ pi) * np.outer(b, b)

    def returns(self) -> Array:
        """Return the log returns (h, m) of all assets over the horizon, with the fund in the market."""
        sizes = batches(self.histories, _SIDE_BY_SIDE)
        return np.concatenate([self._histories(size, distinct_seed(self.seed, run)) for run, size in enumerate(sizes)])

    def _histories(self, count: int, seed: int) -> Array:
        m, rho = len(self.weights), self.correlation
        noise = Streams(seed).normal("distress/price", 0, self.steps * count * (m + 1))
        parts = noise.reshape(self.steps, count, m + 1)
        moves = math.sqrt(rho) * parts[:, :, :1] + math.sqrt(1.0 - rho) * parts[:, :, 1:]
        path = np.cumsum(_STEP_SPREAD * moves.reshape(self.steps, count * m), axis=0)
        units = np.array(self.weights) * m / sum(self.weights)
        # Selling the whole fund moves each log price by its pressure.
        depth = np.tile(units * _SCALE / np.array(self.pressure), count)
        place = market({"kind": "linear"}, _SCALE * np.exp(np.vstack([np.zeros(count * m), path])), depth=depth)
        return self._played(place, np.tile(units, count).reshape(count, m))

    def _played(self, place: Market, units: Array) -> Array:
        """Trade f' (V* - V) / V0 of the holdings `units` (h, m) in every step and return the log returns (h, m)."""

        def value() -> Array:
            return (place.mid.reshape(units.shape) * units).sum(axis=1) / (_SCALE * units[0].sum())

        before = value()
        for _ in range(self.steps):
            place.advance()
            for _ in range(_ROUNDS if self.to_rest else 1):
                now = value()
                change, before = now - before, now
                if np.abs(change).max() < _RESTS:
                    break
                place.absorb((change[:, None] * units).ravel(), forced=False)
            if not self.to_rest:
                before = value()  # what its own sales cost makes it sell no more
        return np.log(place.mid / _SCALE).reshape(units.shape)


class DistressToRest(DistressedSelling):
    """T2 where sales go on until nobody wants to sell more."""

    name: ClassVar[str] = "T2.to_rest"
    title: ClassVar[str] = "The same where losses by its own sales make it sell on"
    to_rest: bool = Field(True, description="whether losses by its own sales make it sell on in the same step")


class Spirals(Target):
    """T9."""

    name: ClassVar[str] = "T9"
    title: ClassVar[str] = "Loss spiral and margin spiral of a constrained trader"
    source: ClassVar[str] = "M. Brunnermeier & L. Pedersen, Review of Financial Studies 22 (2009) 2201-2238, prop. 5"
    formula: ClassVar[str] = "dp / d eta = 1 / (D m + m'(p) x - x0); m = m0 + th (p* - p) gives the root of a quadratic"

    demand: float = Field(4.0, gt=0.0, le=1e6, description="D, units that others buy per dollar of price")
    margin: float = Field(8.0, gt=0.0, le=1e6, description="m, dollars a unit, at the price before the shock")
    endowment: float = Field(16.0, ge=0.0, le=1e6, description="x0, units whose loss the trader bears")
    position: float = Field(12.0, gt=0.0, le=1e6, description="x, units before the shock")
    sensitivity: float = Field(0.5, ge=0.0, le=1e3, description="th, rise of the margin per dollar of falling price")
    price: float = Field(98.0, gt=0.0, le=1e9, description="p before the shock, dollars")
    shock: float = Field(-20.0, lt=0.0, description="eta, dollars of the trader's money")

    def run(self) -> list[Check]:
        """Return the price after the shock with neither, one and both spirals, and the small-shock multipliers."""
        rest = (self.demand * self.margin - self.endowment - self.sensitivity * self.position) / (
            self.demand * self.margin
        )
        if rest <= 0.0:
            raise InputError(f"T9: unstable, no price at a branching ratio of {1.0 - rest:g}")
        cases = {"neither": (0.0, 0.0), "loss": (self.endowment, 0.0), "both": (self.endowment, self.sensitivity)}
        checks = []
        for name, (endowment, sensitivity) in cases.items():
            found = self._price(endowment, sensitivity, self.shock)
            expected = self.price + self._fall(endowment, sensitivity)
            checks.append(exact_check(f"price, {name}", expected, found, _FINE * (self.price - expected)))
            small = 1e-6 * abs(self.shock)
            slope = 1.0 / (self.demand * self.margin - sensitivity * self.position - endowment)
            seen = (self.price - self._price(endowment, sensitivity, -small)) / small
            checks.append(exact_check(f"dp / d eta, {name}", slope, seen, _FINE * slope))
        return checks

    def _fall(self, endowment: float, sensitivity: float) -> float:
        """Return p* - p: th D d^2 - (D m - th x - x0) d + eta = 0, the root next to 0."""
        a, b = sensitivity * self.demand, self.demand * self.margin - sensitivity * self.position - endowment
        return self.shock / b if a == 0.0 else (b - math.sqrt(b * b - 4.0 * a * self.shock)) / (2.0 * a)

    def _price(self, endowment: float, sensitivity: float, shock: float) -> float:
        """Return where the price rests: sell to what the margin allows, mark again, and so on."""
        law = {"kind": "linear_units", "dollars_per_unit": 1.0 / self.demand}
        place, held = market(law, np.full((2, 1), self.price)), self.position
        for _ in range(_ROUNDS):
            fall = float(place.mid[0]) - self.price
            money = self.margin * self.position + endowment * fall + shock
            allowed = money / (self.margin - sensitivity * fall)
            if abs(allowed - held) <= _RESTS * self.position:
                break
            place.absorb(np.array([allowed - held]), forced=True)
            held = allowed
        return float(place.mid[0])
