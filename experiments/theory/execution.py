"""Target T17: what execution costs under permanent, transient, resilient and square-root impact.

The trades go through the engine's own market, many independent paths side by side as its columns. Start prices are so
large that the engine's log moves are the papers' absolute ones.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import numpy as np
from pydantic import Field

from experiments.target import SIGMAS, Check, exact_check, mean_check, variance_check
from experiments.theory.sale_limits import PRICE, refuse_deep, refuse_shallow
from experiments.theory.suite import Target
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.impact.base import ImpactRule
from simulation.impact.depth import DepthModel
from simulation.mark.base import MarkRule
from simulation.market import FillAt, Listing, Market, Microstructure
from simulation.oracle.base import OracleRule
from simulation.random import Streams
from simulation.rule import load_rules
from simulation.sections import Fees

_FINE = 1e-4  # relative: what is left of the logarithm, and of sums in floating point
_GONE = 1e-3  # half-life in steps of what is forgotten by the next step
for _family in ("impact", "mark", "oracle"):
    load_rules(f"simulation.{_family}")


def market(impact: Mapping[str, Any], path: Array, fill_at: FillAt = "average", depth: Array | float = PRICE) -> Market:
    """Return the engine's market under `impact` on the exogenous `path` (steps + 1, m); `depth` in dollars, (m,)."""
    columns = path.shape[1]
    names = tuple(f"M{i}" for i in range(columns))
    listing = Listing(names, np.broadcast_to(np.asarray(depth, float), (columns,)), np.zeros(columns))
    rules = Microstructure(
        ImpactRule.parse(dict(impact)),
        DepthModel.model_validate({}),
        MarkRule.parse({"kind": "mid"}),
        OracleRule.parse({"kind": "lagged"}),
        fill_at,
    )
    return Market(listing, rules, path)


def shortfall(place: Market, sales: Array) -> Array:
    """Return the implementation shortfall (m,), dollars, of selling `sales` (n,) one a step, the first at once."""
    start, proceeds = place.mid.copy(), np.zeros(len(place.names))
    for step, sold in enumerate(sales):
        if step:
            place.advance()
        volume = np.full(len(place.names), -sold)
        proceeds += sold * (place.absorb(volume, forced=False) - start)
    return -proceeds


class Execution(Target):
    """T17, the trajectories of Almgren and Chriss."""

    name: ClassVar[str] = "T17.almgren_chriss"
    title: ClassVar[str] = "Optimal execution: mean and variance of its cost"
    source: ClassVar[str] = "R. Almgren & N. Chriss, J. Risk 3 (2000) 5-39"
    formula: ClassVar[str] = (
        "E = g X^2 / 2 + eps X + (h - g tau / 2) sum n^2 / tau, V = s^2 tau sum x^2, x_j = X sinh(k (T - t_j)) / "
        "sinh(k T), 2 (cosh k tau - 1) = tau^2 lambda s^2 / (h - g tau / 2)"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"paths": 400_000}

    units: float = Field(1e6, gt=0.0, le=1e9, description="X to sell")
    days: float = Field(5.0, gt=0.0, le=100.0, description="T")
    slices: int = Field(5, ge=1, le=500, description="N")
    volatility: float = Field(0.95, gt=0.0, le=1e3, description="s, dollars per square root of a day")
    permanent: float = Field(2.5e-7, gt=0.0, le=1.0, description="g, dollars per unit")
    temporary: float = Field(2.5e-6, gt=0.0, le=1.0, description="h, dollars per unit a day; at least g tau / 2")
    half_spread: float = Field(0.0625, ge=0.0, le=1e5, description="eps, dollars a unit, paid as a fee on every fill")
    risk_aversion: float = Field(1e-6, gt=0.0, le=1.0, description="lambda, per dollar")
    paths: int = Field(20_000, ge=500, description="independent")
    seed: int = Field(1, ge=0, description="of the paths")

    def run(self) -> list[Check]:
        """Return cost without noise, mean and variance, of the optimal and of the even trajectory, and their order."""
        if self.temporary <= self.permanent * self.days / self.slices / 2.0:
            raise InputError("temporary: must be more than permanent * days / slices / 2, or haste costs nothing")
        refuse_deep(self.name, self.units * max(self.permanent, 2.0 * self.temporary * self.slices / self.days))
        even = np.full(self.slices, self.units / self.slices)
        return [*self._checks("optimal", self.optimal()), *self._checks("even", even), self._best()]

    @property
    def urgency(self) -> float:
        """Return kappa a day: (2 / tau^2) (cosh(kappa tau) - 1) = lambda s^2 / (h - g tau / 2)."""
        tau = self.days / self.slices
        rate = self.risk_aversion * self.volatility**2 / (self.temporary - self.permanent * tau / 2.0)
        return math.acosh(rate * tau**2 / 2.0 + 1.0) / tau

    def optimal(self) -> Array:
        """Return the sales (N,) of the optimal trajectory."""
        left, k = np.linspace(self.days, 0.0, self.slices + 1), self.urgency
        # sinh(k (T - t)) / sinh(k T), by exponentials that cannot overflow.
        held = np.exp(k * (left - self.days)) * np.expm1(-2.0 * k * left) / math.expm1(-2.0 * k * self.days)
        return -self.units * np.diff(held)

    def expected(self, sales: Array) -> tuple[float, float]:
        """Return E and V of the cost of `sales` (N,)."""
        tau = self.days / self.slices
        held = self.units - np.cumsum(sales)
        adjusted = self.temporary - self.permanent * tau / 2.0
        fixed = self.permanent * self.units**2 / 2.0 + self.half_spread * self.units
        return fixed + adjusted * float(sales @ sales) / tau, self.volatility**2 * tau * float(held @ held)

    def _law(self) -> dict[str, Any]:
        slope = (
            2.0 * self.temporary * self.slices / self.days
        )  # half of a slice's own move is paid on average, h n / tau
        share = self.permanent / slope
        return {"kind": "linear_units", "dollars_per_unit": slope, "permanent_share": share, "half_life_steps": _GONE}

    def _paid(self, sales: Array) -> float:
        """Return what the market charges for `sales` (N,) where the price stands still, dollars."""
        place = market(self._law(), np.full((self.slices + 1, 1), PRICE))
        return float(shortfall(place, sales)[0]) + self._spread(sales)

    def _spread(self, sales: Array) -> float:
        """Return eps a unit, as the venue would charge it: a taker fee on notional at prices that hardly move."""
        fees = Fees.model_validate({"taker_rate": self.half_spread / PRICE})
        return float((np.abs(sales) * PRICE).sum() * fees.taker_rate)

    def _best(self) -> Check:
        """Return the check that to sell a little earlier or later pays nowhere: E + lambda V, costs by the market."""
        best = self.optimal()
        step = 1e-2 * self.units / self.slices
        shifts = [sign * step * (np.eye(self.slices)[j] - np.eye(self.slices)[j + 1])
                  for j in range(min(self.slices - 1, 10)) for sign in (1.0, -1.0)]  # fmt: skip
        gain = [self._burden(best) - self._burden(best + shift) for shift in shifts]
        return exact_check("gain by selling earlier or later", 0.0, max([0.0, *gain]))

    def _burden(self, sales: Array) -> float:
        return self._paid(sales) + self.risk_aversion * self.expected(sales)[1]

    def _checks(self, name: str, sales: Array) -> list[Check]:
        tau = self.days / self.slices
        mean, variance = self.expected(sales)
        noise = Streams(self.seed).normal("execution/price", 0, self.slices * self.paths)
        moves = self.volatility * math.sqrt(tau) * noise.reshape(self.slices, self.paths)
        path = PRICE + np.vstack([np.zeros(self.paths), np.cumsum(moves, axis=0)])
        cost = shortfall(market(self._law(), path), sales) + self._spread(sales)
        return [
            exact_check(f"cost without noise, {name}", mean, self._paid(sales), _FINE * mean),
            mean_check(f"E, {name}", mean, cost, _FINE * 1e-4),  # sold at once it hardly varies, but it is rounded
            *([variance_check(f"V, {name}", variance, cost)] if variance > 0.0 else []),
        ]


class Kyle(Target):
    """T17, the equilibrium of Kyle."""

    name: ClassVar[str] = "T17.kyle"
    title: ClassVar[str] = "Informed trading reveals half of what is known"
    source: ClassVar[str] = "A. Kyle, Econometrica 53 (1985) 1315-1335"
    formula: ClassVar[str] = "lambda = s0 / (2 su), insider's profit s0 su / 2, Var(v - p) = s0^2 / 2"
    thorough: ClassVar[Mapping[str, Any]] = {"draws": 1_000_000}

    value_spread: float = Field(2.0, gt=0.0, le=100.0, description="s0, dollars")
    noise_spread: float = Field(50.0, gt=0.0, le=1e6, description="su, units")
    draws: int = Field(50_000, ge=1_000, description="independent auctions")
    seed: int = Field(1, ge=0, description="of values and noise")

    def run(self) -> list[Check]:
        """Return slope, profit and what is revealed."""
        spread, noise = self.value_spread, self.noise_spread
        streams = Streams(self.seed)
        value, noisy = (streams.normal(f"kyle/{what}", 0, self.draws) for what in ("value", "noise"))
        order = value * noise  # (v - p0) su / s0
        law = {"kind": "linear_units", "dollars_per_unit": spread / (2.0 * noise)}
        place = market(law, np.full((2, self.draws), PRICE), "after")
        flow = order + noise * noisy
        price = place.absorb(flow, forced=False) - PRICE
        gain = (spread * value - price) * order
        slope = float((spread * value) @ flow / (flow @ flow))
        residual = spread * value - slope * flow
        error = float(residual.std(ddof=1) / (flow.std(ddof=1) * math.sqrt(self.draws)))
        expected = spread / (2.0 * noise)
        return [
            Check("lambda by regression of value on flow", expected, slope, error, SIGMAS * error),
            mean_check("insider's profit", spread * noise / 2.0, gain),
            variance_check("variance not revealed", spread**2 / 2.0, spread * value - price),
            exact_check(
                "price off lambda times flow, most", 0.0, np.abs(price - expected * flow).max(), _FINE * spread
            ),
        ]


class Resilience(Target):
    """T17, resilient and square-root impact, and no free round trip."""

    name: ClassVar[str] = "T17.resilience"
    title: ClassVar[str] = "Resilient books, square-root impact, no free round trip"
    source: ClassVar[str] = (
        "A. Obizhaeva & J. Wang, J. Financial Markets 16 (2013) 1-32; B. Toth et al., Phys. Rev. X 1 (2011) 021006"
    )
    formula: ClassVar[str] = (
        "k X^2 / (2 + r T) with end blocks X / (2 + r T); even k X^2 (r T - 1 + e^(-r T)) / (r T)^2; half-life "
        "ln 2 / r; a book of density L |p|^(1/d - 1) moves (Q / (d L))^d, the V-shaped one sqrt(2 Q / L)"
    )

    units: float = Field(100.0, gt=0.0, le=1e6, description="X to sell")
    slope: float = Field(0.01, gt=0.0, le=1.0, description="k, dollars per unit")
    resilience: float = Field(3.0, gt=0.01, le=50.0, description="r T, decay over the horizon")
    slices: int = Field(1_000, ge=100, le=20_000, description="trades that stand for continuous trading")
    exponent: float = Field(0.5, gt=0.1, le=1.0, description="d of the power law; 0.5 is a V-shaped book")
    density: float = Field(0.02, gt=0.0, le=1e9, description="L of that book, units a dollar, a dollar away")

    def run(self) -> list[Check]:
        """Return both costs, the power law with its memory, and the round trip."""
        refuse_deep(self.name, self.units * self.slope)
        refuse_shallow(self.name, "slope", self.units * self.slope)
        refuse_shallow(self.name, "density", (self.units / (self.exponent * self.density)) ** self.exponent)
        return [*self._resilient(), *self._power(), *self._round_trip()]

    def _resilient(self) -> list[Check]:
        n, whole, decay = self.slices, self.units, self.resilience
        block = whole / (2.0 + decay)
        best = np.concatenate([[block], np.full(n - 1, (whole - 2.0 * block) / (n - 1)), [block]])
        even = np.full(n + 1, whole / (n + 1))
        law = {
            "kind": "linear_units",
            "dollars_per_unit": self.slope,
            "permanent_share": 0.0,
            "half_life_steps": n * math.log(2.0) / decay,
        }
        costs = [shortfall(market(law, np.full((n + 2, 1), PRICE)), sales)[0] for sales in (best, even)]
        scale = self.slope * whole**2
        expected = (scale / (2.0 + decay), scale * (decay - 1.0 + math.exp(-decay)) / decay**2)
        fine = 2.0 * (1.0 + decay) / n
        steps = max(1, round(n / decay))
        hit = market(law, np.full((steps + 1, 1), PRICE))
        hit.absorb(np.array([-whole]), False)
        fallen = float(hit.mid[0]) - PRICE
        for _ in range(steps):
            hit.advance()
        left = (float(hit.mid[0]) - PRICE) / fallen
        return [
            *(
                exact_check(name, wanted, found, fine * wanted)
                for name, wanted, found in zip(("optimal cost", "even cost"), expected, costs, strict=True)
            ),
            exact_check(
                "half-life, of the horizon", math.log(2.0) / decay, -steps / n / math.log2(left), _FINE / decay
            ),
        ]

    def _power(self) -> list[Check]:
        scale = (self.exponent * self.density) ** -self.exponent / PRICE
        law = {"kind": "square_root", "exponent": self.exponent, "scale": scale}
        path, per_unit = np.full((2, 1), PRICE), scale * self.units**self.exponent
        sliced, whole = market(law, path), market(law, path)
        proceeds = sum(float(sliced.absorb(np.array([-self.units / 50.0]), False)[0] - PRICE) for _ in range(50)) / 50
        whole.absorb(np.array([-self.units]), False)
        half = market(law, path)
        half.absorb(np.array([-self.units / 2.0]), False)
        moved = [float(np.log(PRICE / place.mid[0])) for place in (whole, half, sliced)]
        exponent = math.log(moved[0] / moved[1]) / math.log(2.0)
        cost = per_unit / (1.0 + self.exponent)
        fine = _FINE + per_unit  # dollars a unit against logs: relative, at most the whole displacement
        return [
            exact_check("exponent", self.exponent, exponent, _FINE),
            exact_check("displacement, dollars", per_unit * PRICE, moved[0] * PRICE, _FINE * per_unit * PRICE),
            exact_check("displacement in slices", per_unit * PRICE, moved[2] * PRICE, _FINE * per_unit * PRICE),
            exact_check("mean cost in slices, dollars a unit", cost * PRICE, -proceeds, fine * cost * PRICE),
        ]

    def _round_trip(self) -> list[Check]:
        place = market({"kind": "linear_units", "dollars_per_unit": self.slope}, np.full((2, 1), PRICE))
        paid = [cast(float, place.absorb(np.array([side * self.units]), False)[0]) * side for side in (1.0, -1.0)]
        peak = self.slope * self.units / 2.0
        return [
            exact_check("price after a round trip", 0.0, float(place.mid[0]) - PRICE, _FINE * peak),
            exact_check("cost of a round trip, dollars a unit", 0.0, sum(paid), _FINE * peak),
        ]
