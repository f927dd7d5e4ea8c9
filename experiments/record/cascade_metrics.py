"""Cascade metrics of one run, from its forest (see `record.forest`): size, depth, width, duration.

G_g is the number of pools liquidated in generation g; generation 1 fell by the exogenous move alone. A further close
of a pool that is in the same tree counts once. Sizes of a run without liquidations are 0: there was no cascade.
Source of the terms: T. E. Harris, The Theory of Branching Processes (1963).
"""

import numpy as np

from experiments.record.headline_metrics import NOTHING
from experiments.record.metric import Undefined, metric
from experiments.record.observed import Observed
from simulation.arrays import Array, Index


@metric
def total_cascade_size(model: Observed) -> float:
    """S = sum over g >= 1 of G_g: pools liquidated in all cascades together; S in dollars is `liquidated_notional`.

    Unit: number of pools. Denominator: none.
    """
    return float(model.forest.generations.sum())


@metric
def endogenous_cascade_size(model: Observed) -> float:
    """S - G_1: pools that only fell because of earlier liquidations.

    Unit: number of pools. Denominator: none.
    """
    return float(model.forest.generations[1:].sum())


@metric
def endogenous_cascade_notional(model: Observed) -> float:
    """Closed notional of generations 2 and later, further closes of a pool with its first one.

    Unit: dollars. Denominator: none.
    """
    return float(model.closings.notional[model.forest.generation > 1].sum())


@metric
def mean_cascade_size(model: Observed) -> float:
    """Mean size of a tree: liquidated pools per trigger, a pool of generation 1.

    Unit: number of pools. Denominator: triggers, G_1.
    """
    if not len(model.forest):
        raise Undefined(NOTHING)
    return float(model.forest.sizes.mean())


@metric
def cascade_width(model: Observed) -> float:
    """Largest generation, max over g of G_g, all trees together.

    Unit: number of pools. Denominator: none.
    """
    return float(model.forest.generations.max(initial=0))


@metric
def cascade_rounds(model: Observed) -> float:
    """Duration of the longest cascade in rounds: rounds with liquidations from a tree's first closing to its last.

    Unit: number of rounds. Denominator: none.
    """
    if not len(model.forest):
        return 0.0
    slots = np.unique(np.stack([model.closings.step, model.closings.round]), axis=1, return_inverse=True)[1].ravel()
    return float(_spans(model.forest.tree, slots).max() + 1.0)


@metric
def cascade_seconds(model: Observed) -> float:
    """Duration of the longest cascade by the clock: from the step of a tree's first closing to that of its last.

    Rounds within a step take no time.
    Unit: seconds. Denominator: none.
    """
    if not len(model.forest):
        raise Undefined(NOTHING)
    return float(_spans(model.forest.tree, model.closings.step).max() * model.rules.step_seconds)


def _spans(tree: Index, when: Index) -> Array:
    """Return last less first of `when` (n,) within each tree."""
    first, last = np.full(len(tree), np.iinfo(np.intp).max), np.full(len(tree), -1)
    np.minimum.at(first, tree, when)
    np.maximum.at(last, tree, when)
    return (last - first)[np.unique(tree)].astype(float)
