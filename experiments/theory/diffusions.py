"""Target T18: jump diffusion, stochastic volatility and Black-Scholes against the prices that their papers derive."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.target import (
    Check,
    bare_scenario,
    batches,
    distinct_seed,
    exact_check,
    mean_check,
    one_tier,
    opened,
)
from experiments.theory.option_prices import Call, HestonLaw, MertonLaw, controlled, lognormal_price
from experiments.theory.suite import Target
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.price.base import YEAR_SECONDS, PriceProcess, World
from simulation.random import Streams
from simulation.rule import load_rules

_SIDE_BY_SIDE = 50  # independent markets of one world
_BATCHES = 50
_AFTER_EACH_OTHER = 20  # independent returns of one path
_FEWEST_JUMPS = 500  # for cumulants that rare jumps decide
_SPOT = 100.0  # dollars
load_rules("simulation.price")


def paths(rule: Mapping[str, Any], world: World, count: int, seed: int) -> Array:
    """Return `count` independent price paths (steps + 1, count) of a rule whose markets do not touch each other."""
    process, found = PriceProcess.parse(dict(rule)), []
    for run, size in enumerate(batches(count, len(world.names))):
        part = World(world.names[:size], world.price[:size], world.volatility[:size], world.steps, world.step_seconds)
        found.append(process.draw(part, Streams(distinct_seed(seed, run))))
    return np.concatenate(found, axis=1)


def _world(volatility: float, steps: int, years: float) -> World:
    names = tuple(f"M{i}" for i in range(_SIDE_BY_SIDE))
    full = np.full(_SIDE_BY_SIDE, 1.0)
    return World(names, _SPOT * full, volatility * full, steps, years * YEAR_SECONDS / steps)


class Merton(Target):
    """T18, jump diffusion."""

    name: ClassVar[str] = "T18.merton"
    title: ClassVar[str] = "Jump diffusion: cumulants of returns and the price of a call"
    source: ClassVar[str] = "R. Merton, J. Financial Economics 3 (1976) 125-144"
    formula: ClassVar[str] = (
        "c2 = s^2 + l (m^2 + d^2), c3 = l (m^3 + 3 m d^2), c4 = l (m^4 + 6 m^2 d^2 + 3 d^4) a year; sum_n Poisson(n; "
        "l T (1 + k)) BS(sqrt(s^2 + n d^2 / T), r_n)"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"draws": 400_000}

    volatility: float = Field(0.3, ge=0.01, le=1.0, description="s, a year")
    jump_rate: float = Field(3.0, ge=0.0, le=50.0, description="l, jumps a year")
    jump_mean: float = Field(-0.1, ge=-0.5, le=0.5, description="m, of the log size")
    jump_spread: float = Field(0.15, ge=0.0, le=0.3, description="d, of the log size")
    years: float = Field(0.25, ge=1e-3, le=1.0, description="T, to expiry")
    strike: float = Field(100.0, ge=50.0, le=200.0, description="K of a call on a price of 100 dollars")
    interest: float = Field(0.0, ge=-0.2, le=0.2, description="r, a year")
    draws: int = Field(20_000, ge=10_000, description="independent prices")
    seed: int = Field(1, ge=0, description="of the prices")

    def run(self) -> list[Check]:
        """Return cumulants, the martingale and the price."""
        jumps_drawn = self.jump_rate * self.years * self.draws
        if 0.0 < jumps_drawn < _FEWEST_JUMPS:
            raise InputError(f"draws: only {jumps_drawn:.2g} jumps are expected; needs {_FEWEST_JUMPS}, or none at all")
        law = MertonLaw(self.volatility, self.jump_rate, self.jump_mean, self.jump_spread)
        jumps = {"own_rate": self.jump_rate, "own_mean": self.jump_mean, "own_std": self.jump_spread}
        rule = {"kind": "jump_diffusion", "drift": self.interest, "jumps": jumps}
        world = _world(self.volatility, _AFTER_EACH_OTHER, _AFTER_EACH_OTHER * self.years)
        path = paths(rule, world, math.ceil(self.draws / _AFTER_EACH_OTHER), self.seed)
        returns = np.diff(np.log(path), axis=0).ravel()[: self.draws]
        price, call = _SPOT * np.exp(returns), Call(_SPOT, self.strike, self.years, self.interest)
        rows = returns[: self.draws - self.draws % _BATCHES].reshape(_BATCHES, -1)
        cumulants = [
            mean_check(f"cumulant {order}", law.cumulant(order) * self.years, _cumulant(rows, order))
            for order in (2, 3, 4)
        ]
        return [*cumulants, *_priced("Merton's series", law.price(call), call, price)]


class Heston(Target):
    """T18, stochastic volatility."""

    name: ClassVar[str] = "T18.heston"
    title: ClassVar[str] = "Heston's stochastic volatility: the price of a call"
    source: ClassVar[str] = (
        "S. Heston, Review of Financial Studies 6 (1993) 327-343; M. Broadie & O. Kaya, Operations Research 54 (2006) "
        "217-231, table 1"
    )
    formula: ClassVar[str] = "S P1 - K exp(-rT) P2, by the integral of the characteristic function; 6.8061 in the paper"
    thorough: ClassVar[Mapping[str, Any]] = {"draws": 200_000, "steps": 32}

    reversion: float = Field(6.21, ge=0.5, le=20.0, description="kappa, a year")
    level: float = Field(0.019, ge=1e-3, le=0.5, description="theta, long-run variance a year")
    deviation: float = Field(0.61, ge=0.05, le=1.0, description="xi, of variance")
    correlation: float = Field(-0.7, ge=-0.95, le=0.0, description="rho, of price and variance")
    first: float = Field(0.010201, ge=1e-3, le=0.5, description="v0")
    years: float = Field(1.0, ge=0.1, le=2.0, description="T, to expiry")
    strike: float = Field(100.0, ge=70.0, le=140.0, description="K of a call on a price of 100 dollars")
    interest: float = Field(0.0319, ge=-0.1, le=0.2, description="r, a year")
    steps: int = Field(16, ge=8, le=512, description="of the scheme; it is exact in the limit of many")
    draws: int = Field(10_000, ge=5_000, description="independent prices")
    seed: int = Field(1, ge=0, description="of the prices")

    def run(self) -> list[Check]:
        """Return the martingale, the price, and how often the call is exercised: that is where the skew shows."""
        rule = {
            "kind": "heston",
            "drift": self.interest,
            "reversion": self.reversion,
            "volatility_of_volatility": self.deviation / 2.0 / math.sqrt(self.level),
            "price_volatility_correlation": self.correlation,
            "volatility_correlation": 0.0,
            "initial_scale": math.sqrt(self.first / self.level),
        }
        world = _world(math.sqrt(self.level), self.steps, self.years)
        price = paths(rule, world, self.draws, self.seed)[-1]
        law = HestonLaw(self.reversion, self.level, self.deviation, self.correlation, self.first)
        call = Call(_SPOT, self.strike, self.years, self.interest)
        above = mean_check("P(S_T > K)", law.chance(call), (price > call.strike).astype(float))
        return [*_priced("Heston's integral", law.price(call), call, price), above]


class BlackScholes(Target):
    """T18, Black-Scholes."""

    name: ClassVar[str] = "T18.options"
    title: ClassVar[str] = "Options are listed at Black-Scholes values"
    source: ClassVar[str] = (
        "F. Black & M. Scholes, J. Political Economy 81 (1973) 637-654; J. Hull, Options, Futures, and Other "
        "Derivatives, example 15.6: 4.76 and 0.81"
    )
    formula: ClassVar[str] = "exp(-rT) E max(+-(S_T - K), 0), by quadrature; call less put S - K exp(-rT)"

    spot: float = Field(42.0, ge=1.0, le=1e6, description="S, dollars")
    moneyness: float = Field(40.0 / 42.0, ge=0.5, le=2.0, description="K / S")
    volatility: float = Field(0.2, ge=0.02, le=3.0, description="s, a year")
    interest: float = Field(0.1, ge=-0.2, le=0.5, description="r, a year")
    years: float = Field(0.5, ge=0.01, le=5.0, description="T, to expiry")

    def run(self) -> list[Check]:
        """Return both prices and their parity, as the venue lists them."""
        call = Call(self.spot, self.spot * self.moneyness, self.years, self.interest)
        _, *listed = self._marks(call.strike)
        fine = 1e-7 * self.spot
        prices = [
            exact_check(side, lognormal_price(call, self.volatility, sign), value, fine)
            for side, sign, value in zip(("call", "put"), (1.0, -1.0), listed, strict=True)
        ]
        return [*prices, exact_check("call less put", call.bound, listed[0] - listed[1], fine)]

    def _marks(self, strike: float) -> list[float]:
        tiers = one_tier(0.01)
        asset = {"name": "A", "price": self.spot, "volatility": self.volatility, "tiers": tiers}
        terms = {"kind": "option", "underlying": "A", "strike": strike, "rate": self.interest}
        options = [
            {"name": side, "tiers": tiers}
            | {"instrument": {**terms, "side": side, "expiry_days": 365.0 * self.years, "settlement_minutes": 0.0}}
            for side in ("call", "put")
        ]
        nobody = [{"kind": "book", "count": 1, "deposit": 1.0, "units": {"A": 0.0}}]
        whole = self.years * YEAR_SECONDS / 1_000  # expiry falls on the end of a step
        scenario = bare_scenario(markets=[asset, *options], population=nobody, step_seconds=whole)
        return opened(scenario).market.mark_price.tolist()


def _cumulant(rows: Array, order: int) -> Array:
    from scipy.stats import kstat

    return np.asarray(kstat(rows, order, axis=1), float)


def _priced(name: str, expected: float, call: Call, price: Array) -> list[Check]:
    """Return the checks of a call and of the mean of the discounted price."""
    if expected < 1e-4 * call.spot:
        raise InputError(f"strike: the call is worth {expected:.2g} dollars, too little for a simulation; lower it")
    discount = math.exp(-call.rate * call.years)
    payoff = discount * np.maximum(price - call.strike, 0.0)
    return [
        mean_check("discounted price", call.spot, discount * price),
        mean_check(name, expected, controlled(payoff, discount * price, call.spot)),
    ]
