"""Target T13: leveraged value funds make fat tails, clustered volatility and crashes out of Gaussian noise.

Noise traders hold N - X = xi / p units for money xi whose logarithm is pulled back to ln(V N); value funds want
D_i(p) = min(beta_i m, lam) W_i(p) / p for m = (1 - p / V)+, wealth at the new price; the price clears,
xi / p + sum D_i = N.
Investors add b (R - r_b) of wealth a step, R the smoothed return; a fund below a share of its first wealth closes.
Source: S. Thurner, J. D. Farmer & J. Geanakoplos, Quantitative Finance 12 (2012) 695-707, arXiv:0908.1555.

Histories are played side by side, each a market with funds of its own, all in one scenario of the engine.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.stylised_facts import autocorrelation, excess_kurtosis, hill_index
from experiments.target import SIGMAS, Check, bare_scenario, exact_check, one_tier, opened
from experiments.theory.bounds import at_least, at_most
from experiments.theory.suite import Target, Tier
from simulation.arrays import Array, Mask
from simulation.errors import InputError
from simulation.model import MarketModel
from simulation.scenario import Scenario

_VALUE = 1_000.0  # dollars, V
_STEP_SECONDS = 86_400.0
_STEPS_A_YEAR = 365.0
_CRASH = 0.15  # log return
_TAIL = 0.01  # share of the returns, the worst ones, in which the tail index is measured
_MOST_LEVERAGE = 1_000.0  # of an order at the mark before it trades; far above what funds want at the new price
_FINE = 1e-6  # of all units; money and units are whole quanta
_SOURCE = "S. Thurner, J. D. Farmer & J. Geanakoplos, Quantitative Finance 12 (2012) 695-707, arXiv:0908.1555"


@dataclass(frozen=True)
class FundVenue:
    """`histories` independent markets, each with one fund of every aggression.

    leverage: lam; supply: N; wealth: first wealth of a fund over V; kept, noise: f and s of the noise
    ln xi' = f ln xi + s x + (1 - f) ln(V N); memory, flow, benchmark: a, b, r_b; ruin, pause: share of first wealth
    below which a fund closes, and steps until another opens.
    """

    leverage: float
    histories: int
    aggressions: tuple[float, ...] = tuple(map(float, range(5, 51, 5)))
    supply: float = 1_000.0
    wealth: float = 2.0
    kept: float = 0.99
    noise: float = 0.035
    memory: float = 0.1
    flow: float = 0.15
    benchmark: float = 0.005
    ruin: float = 0.1
    pause: int = 100

    def scenario(self, steps: int, seed: int) -> Scenario:
        """Return the venue; all prices start at V."""
        rate = -math.log(self.kept) * _STEPS_A_YEAR
        volatility = self.noise * math.sqrt(2.0 * rate / (1.0 - self.kept**2))
        fixed = {"price": _VALUE, "lot": 2.0**-24, "volatility": volatility, "tiers": one_tier(1e-6)}
        return bare_scenario(
            seed=seed,
            steps=steps,
            step_seconds=_STEP_SECONDS,
            markets=[{"name": f"H{i}", **fixed} for i in range(self.histories)],
            price={"kind": "ornstein_uhlenbeck", "reversion_rate": rate},
            impact={"kind": "outside_wealth", "supply": self.supply},
            fill_at="after",
            trading="schedule",
            population=[self._funds(i, beta) for i, beta in enumerate(self.aggressions)],
        )

    def _funds(self, number: int, aggression: float) -> dict[str, Any]:
        return {
            "kind": "value_fund",
            "name": f"fund-{number:03d}",
            "count": self.histories,
            "markets_each": 1,
            "deposit": self.wealth * _VALUE,
            "reserve": 1e7,
            "aggression": aggression,
            "leverage": self.leverage,
            "leverage_setting": _MOST_LEVERAGE,
            "performance_memory": self.memory,
            "flow_sensitivity": self.flow,
            "benchmark_return": self.benchmark,
            "ruin_share": self.ruin,
            "return_after_steps": self.pause,
        }


@dataclass(frozen=True)
class History:
    """Log returns (steps, histories) of the clearing prices, whether funds held units before them, and closures."""

    returns: Array
    cheap: Mask
    closures: int

    @property
    def tail(self) -> float:
        """Return Hill's index of the worst returns among those from below the value."""
        returns = self.returns[self.cheap]
        return hill_index(returns, max(int(_TAIL * len(returns)), 1), "losses").value

    @property
    def kurtosis(self) -> float:
        """Return the excess kurtosis of all returns."""
        return excess_kurtosis(self.returns.ravel()).value

    def memory(self, lags: tuple[int, ...], sizes: bool) -> Array:
        """Return the autocorrelations (l,) of returns or of their `sizes`, averaged over histories."""
        series = np.abs(self.returns) if sizes else self.returns
        return np.mean([autocorrelation(column, lags).values for column in series.T], axis=0)

    def beyond(self, size: float) -> tuple[int, int]:
        """Return how many returns are below -size and above size."""
        return int((self.returns < -size).sum()), int((self.returns > size).sum())


def play(venue: FundVenue, steps: int, settle: int, seed: int) -> History:
    """Return the history after the first `settle` steps."""
    model = opened(venue.scenario(steps, seed))
    model.run()
    price = model.market.history["mark"][settle:]
    return History(np.diff(np.log(price), axis=0), price[:-1] < _VALUE, closures(model))


def closures(model: MarketModel) -> int:
    """Return how often funds have closed."""
    return sum(group.rule.investors.closures for group in model.groups)


def clearing_errors(venue: FundVenue, steps: int, seed: int) -> tuple[float, float, int]:
    """Return the largest errors of supply over N, and of a fund's units over N, over all steps; and all closures."""
    model = opened(venue.scenario(steps, seed))
    supply, demand = 0.0, 0.0
    for _ in range(steps):
        before, displaced = model.accounts.position.copy(), model.market.mark_price / model.market.index_price
        model.step()
        price = model.market.mark_price
        _refuse_restrained(model, before, displaced * model.market.index_price)
        held = sum(model.accounts.position[group.rows].sum(axis=0) for group in model.groups)
        outside = model.market.index_price * venue.supply / price
        supply = max(supply, float(np.abs(outside + held - venue.supply).max()))
        for beta, group in zip(venue.aggressions, model.groups, strict=True):
            units = np.diag(model.accounts.position[group.rows])
            wealth = model.engine.equity(group.rows, model.engine.holdings(group.rows), price)[:, 0]
            wanted = np.minimum(beta * np.maximum(1.0 - price / _VALUE, 0.0), venue.leverage)
            due = wanted * np.maximum(wealth, 0.0) / price * group.rule.investors.active
            demand = max(demand, float(np.abs(units - due).max()))
    return supply / venue.supply, demand / venue.supply, closures(model)


def _refuse_restrained(model: MarketModel, before: Array, mark: Array) -> None:
    """Refuse a step in which a fund that wanted more units than `before` lacked the margin for them at the `mark` (m,)
    at which orders are checked, that before the trade: a venue lets it only reduce, where the paper knows no margin.
    """
    rows = np.concatenate([group.rows for group in model.groups])
    held, cash, kept = model.accounts.position[rows], model.accounts.cash[rows, 0], before[rows]
    wealth = cash + ((held - kept) * model.market.mark_price + kept * mark).sum(axis=1)
    if (wealth < (np.maximum(held, kept) * mark).sum(axis=1) / _MOST_LEVERAGE).any():
        raise InputError(
            f"noise: step {model.market.step} left a fund without margin before it could trade, so that it could only "
            "reduce, which the theory does not know; lower noise"
        )


class MarketClearing(Target):
    """T13, the mechanism."""

    name: ClassVar[str] = "T13.clearing"
    title: ClassVar[str] = "Leveraged value funds and noise traders meet at the price that clears"
    source: ClassVar[str] = _SOURCE
    formula: ClassVar[str] = "xi / p + sum D_i(p) = N, D_i = min(beta_i m, lam_max) W_i(p) / p, m = (1 - p / V)+"

    leverage: float = Field(10.0, gt=0.0, le=50.0, description="lam_max")
    aggressions: tuple[float, ...] = Field(FundVenue.aggressions, min_length=1, max_length=50, description="beta")
    supply: float = Field(1_000.0, ge=100.0, le=1e5, description="N, units")
    wealth: float = Field(2.0, ge=0.1, le=100.0, description="of each fund at first, over V")
    noise: float = Field(0.035, gt=0.0, le=0.2, description="s of ln xi' = f ln xi + s x + (1 - f) ln(V N)")
    kept: float = Field(0.99, gt=0.0, lt=1.0, description="f")
    steps: int = Field(250, ge=10, le=100_000, description="of each history")
    histories: int = Field(4, ge=1, le=50, description="independent markets")
    seed: int = Field(1, ge=0, description="of the noise")

    def run(self) -> list[Check]:
        """Return the largest errors of all steps, relative to the supply."""
        venue = FundVenue(
            self.leverage, self.histories, self.aggressions, self.supply, self.wealth, self.kept, self.noise
        )
        supply, demand, _ = clearing_errors(venue, self.steps, self.seed)
        return [
            exact_check("supply, less what is held, over N", 0.0, supply, _FINE),
            exact_check("units held, less demand at the price, over N", 0.0, demand, _FINE),
        ]


class FatTails(Target):
    """T13."""

    name: ClassVar[str] = "T13"
    title: ClassVar[str] = "Leverage causes fat tails and clustered volatility"
    source: ClassVar[str] = _SOURCE
    formula: ClassVar[str] = (
        "without leverage excess kurtosis < .8, tail index > 6, no fund closes; with it > 5 and in [1.5, 4], "
        "ACF|r|(10) up by > .05, crashes at least 3 times as often as jumps; |ACF r| < .12 in both"
    )
    tier: ClassVar[Tier] = "slow"

    calm: float = Field(1.0, gt=0.0, le=1.0, description="lam_max without leverage")
    wild: float = Field(10.0, ge=7.5, le=12.0, description="lam_max with leverage")
    steps: int = Field(12_500, ge=2_000, le=1_000_000, description="of each history")
    settle: int = Field(500, ge=0, le=1_000, description="first steps that do not count")
    histories: int = Field(16, ge=1, le=50, description="independent markets")
    seed: int = Field(1, ge=0, description="of the noise")

    def run(self) -> list[Check]:
        """Return the inequalities."""
        low, high = (
            play(FundVenue(leverage, self.histories), self.steps, self.settle, self.seed)
            for leverage in (self.calm, self.wild)
        )
        return [*self._tails(low, high), *self._memory(low, high), exact_check("closures, calm", 0.0, low.closures)]

    def _tails(self, low: History, high: History) -> list[Check]:
        crashes, jumps = high.beyond(_CRASH)
        spread = SIGMAS * math.sqrt(crashes + 9.0 * jumps)
        return [
            at_most("excess kurtosis, calm", 0.8, low.kurtosis),
            at_least("excess kurtosis, wild", 5.0, high.kurtosis),
            at_least("tail index, calm", 6.0, low.tail),
            Check("tail index, wild", 2.75, high.tail, 0.0, 1.25),
            at_least("crashes less 3 x jumps, wild", 0.0, crashes - 3.0 * jumps, spread),
        ]

    def _memory(self, low: History, high: History) -> list[Check]:
        rise = float((high.memory((10,), sizes=True) - low.memory((10,), sizes=True))[0])
        linear = [float(np.abs(one.memory((1, 10), sizes=False)).max()) for one in (low, high)]
        return [
            at_least("ACF|r|, lag 10, wild less calm", 0.05, rise),
            at_most("largest |ACF(r)|, calm", 0.12, linear[0]),
            at_most("largest |ACF(r)|, wild", 0.12, linear[1]),
        ]
