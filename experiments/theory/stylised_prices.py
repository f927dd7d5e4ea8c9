"""Target T23, on prices of the engine: margin calls on top of GARCH prices give the facts that markets show.

Longs are liquidated while prices fall, and each liquidation lowers the price for good. The same storms without impact
are the control: what the margin calls add, asymmetry and the leverage effect, must be gone there.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.statistics import Estimate, mean_interval
from experiments.stylised_facts import (
    aggregated,
    autocorrelation,
    excess_kurtosis,
    gain_loss_asymmetry,
    hill_index,
    leverage_effect,
    log_returns,
    tail_weight,
)
from experiments.target import Check, bare_scenario, distinct_seed, exact_check, one_tier, opened
from experiments.theory.suite import Target
from simulation.arrays import Array
from simulation.scenario import Scenario

_TAIL = (3.5, 1.5)  # from 2 to 5
_LARGE = 4.0  # deviations
_LAGS = (1, 2, 3, 5, 8, 13, 21)
_PARTS = 10  # of the runs, for the error of an exponent
_LONG = 100  # steps, over which returns are nearer to normal


class SimulatedPrices(Target):
    """T23, of the engine's prices."""

    name: ClassVar[str] = "T23.prices"
    title: ClassVar[str] = "Stylised facts of simulated prices with margin calls"
    source: ClassVar[str] = "R. Cont, Quantitative Finance 1 (2001) 223-236"
    formula: ClassVar[str] = (
        "tail index from 2 to 5; ACF(r) ~ 0; ACF|r| > 0 and slow; tails lighter over longer horizons; large losses "
        "outnumber large gains, and losses raise volatility, by margin calls: not without impact"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"histories": 200, "steps": 600}

    impact: float = Field(0.03, ge=0.02, le=0.04, description="log move of a sale of the whole depth; permanent")
    reaction: float = Field(0.1, ge=0.08, le=0.12, description="a of the GARCH prices of the outside world")
    persistence: float = Field(0.88, ge=0.85, le=0.88, description="b of them; a + b is below 1")
    largest_leverage: float = Field(15.0, ge=10.0, le=20.0, description="of the longs; the smallest is 4")
    accounts: int = Field(80, ge=60, le=120, description="longs")
    steps: int = Field(300, ge=200, le=1_000, description="hours of a run")
    histories: int = Field(60, ge=60, description="independent runs, each with new accounts")
    seed: int = Field(1, ge=0, description="of the prices")

    def run(self) -> list[Check]:
        """Return the inequalities, with the interval of each number over runs."""
        returns, calm = self._returns(self.impact), self._returns(0.0)
        pooled = returns.ravel()
        tail = hill_index(pooled, len(pooled) // 50)
        return [
            Check("tail index, k = 2 % of all, from 2 to 5", _TAIL[0], tail.value, _error(tail), _TAIL[1]),
            _near("ACF(r), lag 1", self._over_runs(returns, lambda r: autocorrelation(r, (1,)).values[0]), 0.1),
            _above("ACF|r|, lag 1", self._over_runs(returns, _memory)),
            self._slow(returns),
            self._nearer_to_normal(returns),
            _above("excess kurtosis", excess_kurtosis(pooled)),
            _above("gain/loss asymmetry", gain_loss_asymmetry(pooled, _LARGE)),
            *self._against(returns, calm),
        ]

    def _against(self, returns: Array, calm: Array) -> list[Check]:
        """Return the checks on the same storms without impact: no asymmetry, and less of a leverage effect."""
        asymmetry = gain_loss_asymmetry(calm.ravel(), _LARGE)
        added = np.array([_fear(row) - _fear(same) for row, same in zip(returns, calm, strict=True)])
        return [
            _near("gain/loss asymmetry without impact", asymmetry, 2.0 * _half(asymmetry)),
            _above("leverage effect by impact, sign turned", mean_interval(added)),
        ]

    @staticmethod
    def _slow(returns: Array) -> Check:
        """Return the check that ACF|r| falls more slowly than 1 / lag: an exponent from 0 to 1."""
        parts = [_decay(part) for part in np.array_split(returns, _PARTS)]
        error = float(np.std(parts, ddof=1)) / math.sqrt(_PARTS)
        return Check("decay exponent of ACF|r|, from 0 to 1", 0.5, _decay(returns), error, 0.5)

    @staticmethod
    def _nearer_to_normal(returns: Array) -> Check:
        """Return the check that tails over many steps weigh no more than over one, up to 2 jackknife errors.

        By quantiles: with a tail index below 4, which is checked above, there is no kurtosis to speak of.
        """
        parts = np.array_split(np.arange(len(returns)), _PARTS)
        left_out = [_tail_weights(np.delete(returns, part, axis=0)) for part in parts]
        rise = np.array([long - short for short, long in left_out])
        error = float(rise.std()) * math.sqrt(_PARTS - 1.0)
        short, long = _tail_weights(returns)
        said = f"tails over {_LONG} ({long:.2g}) weigh no more than over 1 ({short:.2g}; normal 1)"
        return exact_check(said, 1.0, long - short <= 2.0 * error)

    @staticmethod
    def _over_runs(returns: Array, statistic: Callable[[Array], float]) -> Estimate:
        return mean_interval(np.array([statistic(row) for row in returns]))

    def _returns(self, impact: float) -> Array:
        """Return the log returns (runs, steps) of the mark."""
        scenario = self.scenario(impact)
        return np.array([_path(scenario.seeded(distinct_seed(self.seed, run))) for run in range(self.histories)])

    def scenario(self, impact: float) -> Scenario:
        """Return the scenario."""
        return bare_scenario(
            steps=self.steps,
            step_seconds=3_600.0,
            markets=[
                {"name": "A", "price": 100.0, "volatility": 0.8, "depth": 1e7, "lot": 2.0**-20, "tiers": one_tier(0.02)}
            ],
            price={"kind": "garch", "reaction": self.reaction, "persistence": self.persistence, "tail_index": 6.0},
            impact={"kind": "square_root", "scale": impact, "permanent_share": 1.0} if impact else {"kind": "none"},
            population=[
                {
                    "kind": "holder",
                    "count": self.accounts,
                    "deposit": {"kind": "lognormal", "median": 2e4, "sigma": 1.0},
                    "leverage": {"kind": "uniform", "low": 4.0, "high": self.largest_leverage},
                    "long_share": 1.0,
                    "markets_held": 1,
                }
            ],
        )


def _path(scenario: Scenario) -> Array:
    model = opened(scenario)
    marks = [float(model.market.mark_price[0])]
    for _ in range(scenario.steps):
        model.step()
        marks.append(float(model.market.mark_price[0]))
    return log_returns(np.array(marks))


def _tail_weights(returns: Array) -> tuple[float, float]:
    """Return the tail weight of returns (runs, steps) over one step and over many."""
    return tail_weight(returns.ravel()), tail_weight(np.concatenate([aggregated(row, _LONG) for row in returns]))


def _decay(returns: Array) -> float:
    return autocorrelation(np.abs(returns.ravel()), _LAGS).decay_exponent[0]


def _memory(returns: Array) -> float:
    return float(autocorrelation(np.abs(returns), (1,)).values[0])


def _fear(returns: Array) -> float:
    return -float(leverage_effect(returns, (1,)).values[0])


def _half(found: Estimate) -> float:
    return (found.high - found.low) / 2.0


def _error(found: Estimate) -> float:
    return _half(found) / 1.96


def _near(name: str, found: Estimate, tolerance: float) -> Check:
    return Check(name, 0.0, found.value, _error(found), tolerance)


def _above(name: str, found: Estimate) -> Check:
    """Return the check that the whole interval lies above 0, shown as 1 if so."""
    return Check(f"{name} ({found.value:.2g}) is above 0", 1.0, float(found.low > 0.0), 0.0, 0.0)
