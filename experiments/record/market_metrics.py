"""How the marks moved in one run: volatility, correlation, joint tails, in and outside stress.

A stress window is a step in which pools of generation 1 are liquidated, so G_1 > 0. Returns are log returns of the
mark from step to step, taken around 0; markets whose mark reaches 0 (options) are left out.
What of it is endogenous needs the impact-free twin of the run: `experiments.endogenous_risk`.
Source: T. Andersen, T. Bollerslev, F. Diebold & P. Labys, Econometrica 71 (2003) 579-625 for realised moments.
"""

import numpy as np

from experiments.record.metric import Undefined, metric
from experiments.record.observed import Observed
from experiments.return_moments import realised_correlation as correlation_of
from experiments.return_moments import realised_volatility as volatility_of
from experiments.return_moments import tail_dependence
from simulation.arrays import Index, Mask


@metric
def realised_volatility(model: Observed) -> float:
    """Square root of the mean squared return, a year's, mean over markets.

    Unit: ratio, a year. Denominator: none.
    """
    return _defined(*volatility_of(model.returns, model.rules.step_seconds))


@metric
def stress_volatility(model: Observed) -> float:
    """Realised volatility over the stress windows only.

    Unit: ratio, a year. Denominator: none.
    """
    return _defined(*volatility_of(model.returns[_stress(model)], model.rules.step_seconds))


@metric
def calm_volatility(model: Observed) -> float:
    """Realised volatility outside the stress windows.

    Unit: ratio, a year. Denominator: none.
    """
    return _defined(*volatility_of(model.returns[~_stress(model)], model.rules.step_seconds))


@metric
def realised_correlation(model: Observed) -> float:
    """Correlation of returns, sum r_i r_j over the root of sum r_i^2 sum r_j^2, mean over pairs of markets.

    Unit: ratio. Denominator: none.
    """
    return _defined(*correlation_of(model.returns))


@metric
def stress_correlation(model: Observed) -> float:
    """Realised correlation over the stress windows only.

    Unit: ratio. Denominator: none.
    """
    return _defined(*correlation_of(model.returns[_stress(model)]))


@metric
def calm_correlation(model: Observed) -> float:
    """Realised correlation outside the stress windows.

    Unit: ratio. Denominator: none.
    """
    return _defined(*correlation_of(model.returns[~_stress(model)]))


@metric
def lower_tail_dependence(model: Observed) -> float:
    """lambda_L(q) = P(U_2 < q | U_1 < q) at q = 1 %, U the ranks of returns, mean over pairs of markets.

    Unit: probability. Denominator: steps in which U_1 < q.
    """
    return _defined(*tail_dependence(model.returns, 0.01))


def stress_steps(step: Index, generation: Index, continues: Mask, steps: int) -> Mask:
    """Return in which of the steps 1 to `steps` a closing of generation 1 falls (steps,)."""
    found = np.zeros(steps + 1, bool)
    found[step[(generation == 1) & ~continues]] = True
    return found[1:]


def _stress(model: Observed) -> Mask:
    forest = model.forest
    return stress_steps(model.closings.step, forest.generation, forest.continues, model.rules.steps)


def _defined(value: float, why: str) -> float:
    if why:
        raise Undefined(why)
    return value
