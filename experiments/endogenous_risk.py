"""What a storm owes to the market itself: a run omega against its impact-free twin omega^0, same seed, impact 0.

Question: how much of the fall, of the volatility, of the correlation would have come without anybody's price impact?
Method: both meet the same exogenous draws, which is checked; a metric of the twin is subtracted, or divided by.
Where the twin's is 0 a ratio is undefined and says so. Over storms the means and their intervals are paired.
Source: R. Cont & L. Wagalath, "Running for the exit", Mathematical Finance 23 (2013) 718-741 (endogenous correlation).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd

from experiments.graph.branching import ratio_of_counts
from experiments.graph.contagion import cascade_forest, ledger_of
from experiments.record.market_metrics import stress_steps
from experiments.record.metric import Undefined, evaluated, ratio
from experiments.return_moments import Defined, realised_correlation, realised_volatility, tail_dependence
from experiments.run import Run, run
from experiments.statistics import Estimate, bootstrap_mean
from simulation.arrays import Array, Mask
from simulation.errors import InputError
from simulation.scenario import Scenario


@dataclass(frozen=True)
class Twins:
    """A run and the run of the same storm without price impact."""

    real: Run
    twin: Run

    def __post_init__(self) -> None:
        """Refuse runs of different storms."""
        if self.real.digest != self.twin.digest:
            raise InputError("the run and its twin met different storms")

    @property
    def marks(self) -> tuple[Array, Array]:
        """Return the marks (steps + 1, m) of both, dollars."""
        return _marks(self.real), _marks(self.twin)

    @property
    def returns(self) -> tuple[Array, Array]:
        """Return the log returns (steps, k) of both, of the markets whose marks stay above 0 in both."""
        real, twin = self.marks
        kept = (real > 0.0).all(axis=0) & (twin > 0.0).all(axis=0)
        return np.diff(np.log(real[:, kept]), axis=0), np.diff(np.log(twin[:, kept]), axis=0)

    @cached_property
    def stress(self) -> Mask:
        """Return in which steps (steps,) of the run pools of generation 1 were liquidated."""
        forest, step = cascade_forest(self.real), ledger_of(self.real).closings.step
        return stress_steps(step, forest.generation, forest.continues, self.real.scenario.steps)


def twins(scenario: Scenario) -> Twins:
    """Run `scenario` and its impact-free twin."""
    return Twins(run(scenario), run(scenario.with_(impact={"kind": "none"})))


TwinMetric: TypeAlias = Callable[[Twins], float]


def amplification_of_price(pair: Twins) -> float:
    """A_P = (P0 - P_min) / (P0 - P_min^0), the largest over the markets whose mark falls in the twin.

    Unit: ratio. Denominator: fall of the mark in the twin.
    """
    real, twin = pair.marks
    fell = twin.min(axis=0) < twin[0]
    if not fell.any():
        raise Undefined("the mark of no market fell in the twin")
    return float(((real[0] - real.min(axis=0))[fell] / (twin[0] - twin.min(axis=0))[fell]).max())


def amplification_of_loss(pair: Twins) -> float:
    """A_L = loss / loss^0, `trader_loss` of both.

    Unit: ratio. Denominator: loss of traders in the twin.
    """
    return _divided(pair, "trader_loss", "no trader lost in the twin")


def amplification_of_volatility(pair: Twins) -> float:
    """A_vol = realised volatility of the marks over that of the twin.

    Unit: ratio. Denominator: realised volatility of the twin.
    """
    return _divided(pair, "realised_volatility", "no mark moved in the twin")


def amplification_of_liquidations(pair: Twins) -> float:
    """A_N = accounts liquidated over accounts liquidated in the twin.

    Unit: ratio. Denominator: accounts liquidated in the twin.
    """
    return _divided(pair, "liquidated_accounts", "nobody was liquidated in the twin")


def endogenous_volatility(pair: Twins) -> float:
    """Realised volatility less that of the twin.

    Unit: ratio, a year. Denominator: none.
    """
    return _excess(pair, np.ones(len(pair.stress), bool), _volatility(pair))


def endogenous_volatility_in_stress(pair: Twins) -> float:
    """Realised volatility less that of the twin, both over the stress windows of the run (G_1 > 0).

    Unit: ratio, a year. Denominator: none.
    """
    return _excess(pair, pair.stress, _volatility(pair))


def endogenous_volatility_outside_stress(pair: Twins) -> float:
    """Realised volatility less that of the twin, both outside the stress windows of the run.

    Unit: ratio, a year. Denominator: none.
    """
    return _excess(pair, ~pair.stress, _volatility(pair))


def endogenous_correlation(pair: Twins) -> float:
    """Realised correlation less that of the twin, mean over pairs of markets.

    Unit: ratio. Denominator: none.
    """
    return _excess(pair, np.ones(len(pair.stress), bool), realised_correlation)


def endogenous_correlation_in_stress(pair: Twins) -> float:
    """Realised correlation less that of the twin, both over the stress windows of the run (G_1 > 0).

    Unit: ratio. Denominator: none.
    """
    return _excess(pair, pair.stress, realised_correlation)


def endogenous_correlation_outside_stress(pair: Twins) -> float:
    """Realised correlation less that of the twin, both outside the stress windows of the run.

    Unit: ratio. Denominator: none.
    """
    return _excess(pair, ~pair.stress, realised_correlation)


def endogenous_tail_dependence(pair: Twins) -> float:
    """lambda_L(q) of the run less that of the twin, q = 1 %, mean over pairs of markets.

    Unit: probability. Denominator: steps in which U_1 < q.
    """
    return _excess(pair, np.ones(len(pair.stress), bool), lambda returns: tail_dependence(returns, 0.01))


TWIN_METRICS: dict[str, TwinMetric] = {
    function.__name__: function
    for function in (
        amplification_of_price,
        amplification_of_loss,
        amplification_of_volatility,
        amplification_of_liquidations,
        endogenous_volatility,
        endogenous_volatility_in_stress,
        endogenous_volatility_outside_stress,
        endogenous_correlation,
        endogenous_correlation_in_stress,
        endogenous_correlation_outside_stress,
        endogenous_tail_dependence,
    )
}


def endogenous(scenario: Scenario) -> tuple[dict[str, float], dict[str, str]]:
    """Return the metrics of `scenario` against its impact-free twin, and the reasons of those that are NaN."""
    return evaluated(TWIN_METRICS, twins(scenario))


def endogenous_table(scenario: Scenario, seeds: Sequence[int]) -> pd.DataFrame:
    """Return those metrics for the storms `seeds`, one row a storm."""
    rows = [endogenous(scenario.with_(seed=seed))[0] for seed in seeds]
    return pd.DataFrame(rows, index=pd.Index(list(seeds), name="seed"))


def endogenous_means(table: pd.DataFrame) -> dict[str, Estimate]:
    """Return the mean of each column over the storms in which it is defined, with its interval; `n` says how many."""
    return {str(name): bootstrap_mean(np.asarray(table[name], float), skip_undefined=True) for name in table}


def pooled_tail_dependence(pairs: Sequence[Twins], q: float) -> tuple[Defined, Defined]:
    """Return lambda_L(q) of all returns of the runs together, and of their twins; their difference is endogenous.

    One storm has too few returns for q = .1 %; many together have.
    Unit: probability. Denominator: steps in which U_1 < q.
    """
    real, twin = (np.concatenate([pair.returns[i] for pair in pairs]) for i in (0, 1))
    return tail_dependence(real, q), tail_dependence(twin, q)


def branching_by_amplification(first: Array, total: Array) -> Defined:
    """Return 1 - E[G_1] / E[S] from G_1 and S of each storm (n,).

    Unit: share. Denominator: liquidated pools over all storms.
    """
    if not total.sum():
        return float("nan"), "nothing was liquidated"
    return 1.0 - float(first.sum()) / float(total.sum()), ""


def branching_by_counts(total: Array) -> Defined:
    """Return 1 - sqrt(mean / variance) of the cascade size S over storms (n,), each a window of its own.

    Right where the triggers of a storm are Poisson: S then has mean l / (1 - R) and variance l / (1 - R)^3.
    Unit: ratio. Denominator: variance of S over storms.
    """
    return ratio_of_counts(total)


def _marks(result: Run) -> Array:
    return np.asarray(result.prices["mark"], float).reshape(result.scenario.steps + 1, -1)


def _divided(pair: Twins, name: str, why: str) -> float:
    above, below = pair.real, pair.twin
    for one in (above, below):
        if name in one.reasons:
            raise Undefined(one.reasons[name])
    return ratio(above.metrics[name], below.metrics[name], why)


def _volatility(pair: Twins) -> Callable[[Array], Defined]:
    return lambda returns: realised_volatility(returns, pair.real.scenario.step_seconds)


def _excess(pair: Twins, steps: Mask, moment: Callable[[Array], Defined]) -> float:
    """Return the moment of the run's returns in `steps` less that of the twin's."""
    (real, why), (twin, why_twin) = (moment(returns[steps]) for returns in pair.returns)
    if why or why_twin:
        raise Undefined(why or f"in the twin {why_twin}")
    return real - twin
