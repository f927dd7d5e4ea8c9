"""The metrics that `crossmargin run` prints. Dollars are US dollars; "closed notional" is closed units times the mark
before the trade; every forced trade counts, whoever took it over.
"""

import numpy as np

from experiments.record.metric import METRICS, Undefined, metric
from experiments.record.observed import Observed
from simulation.accounts import QUANTUM
from simulation.arrays import Array

NOTHING = "nothing was liquidated"

# Solvency -----------------------------------------------------------------------------------------------------


@metric
def bad_debt(model: Observed) -> float:
    """Sum of the deficits of bankrupt pools, before anybody paid.

    Unit: dollars. Denominator: none.
    """
    return paid(model, "deficit")


@metric
def insurance_draw(model: Observed) -> float:
    """What the insurance fund paid for deficits.

    Unit: dollars. Denominator: none.
    """
    return paid(model, "insurance")


@metric
def adl_haircut(model: Observed) -> float:
    """What auto-deleveraged winners lost against the mark.

    Unit: dollars. Denominator: none.
    """
    return paid(model, "adl")


@metric
def adl_notional(model: Observed) -> float:
    """Notional closed against winners by auto-deleveraging, at the mark.

    Unit: dollars. Denominator: none.
    """
    events = model.events
    return float(events["notional"].to_numpy()[events["taker"] == "adl"].sum())


@metric
def socialised_loss(model: Observed) -> float:
    """What was charged to all positive equity.

    Unit: dollars. Denominator: none.
    """
    return paid(model, "socialised")


@metric
def unpaid(model: Observed) -> float:
    """Deficits that nobody was left to pay.

    Unit: dollars. Denominator: none.
    """
    return paid(model, "unpaid")


@metric
def insolvent(model: Observed) -> float:
    """1 if losses exceeded the insurance fund: deleveraging, socialised or unpaid loss above 0; else 0.

    Unit: 0 or 1. Denominator: none.
    """
    return float(paid(model, "adl") + paid(model, "socialised") + paid(model, "unpaid") > 0.0)


# Liquidation volume -------------------------------------------------------------------------------------------


@metric
def liquidated_notional(model: Observed) -> float:
    """Closed notional.

    Unit: dollars. Denominator: none.
    """
    return float(model.events["notional"].to_numpy(float).sum())


@metric
def liquidated_accounts(model: Observed) -> float:
    """Number of traders of whom at least one pool was liquidated; system accounts and liquidators do not count.

    Unit: number of traders. Denominator: none.
    """
    return float(np.isin(model.traders, model.events["row"].to_numpy()).sum())


@metric
def liquidated_share(model: Observed) -> float:
    """Of the traders who held a position at the start, the share that was liquidated at least once.

    Unit: share. Denominator: traders who held a position at the start.
    """
    cohort = model.opening.cohort
    if not len(cohort):
        raise Undefined("nobody held a position at the start")
    return float(np.isin(cohort, model.events["row"].to_numpy()).mean())


# Contagion ----------------------------------------------------------------------------------------------------


@metric
def healthy_closed_share(model: Observed) -> float:
    """Of the closed notional, the share in positions that were healthy with their own share of the collateral.

    Unit: share. Denominator: closed notional.
    """
    notional = closed_notional(model)
    return float((notional * model.events["healthy_alone"].to_numpy()).sum() / notional.sum())


@metric
def unshocked_share(model: Observed) -> float:
    """Of the closed notional, the share in markets whose index had not moved against the position.

    It counts from the moment the position last changed.

    Unit: share. Denominator: closed notional.
    """
    notional = closed_notional(model)
    # The exogenous part takes up the rounding of the other three, at most two quanta.
    unshocked = model.events["exogenous"].to_numpy() <= 2.0 * QUANTUM
    return float(notional[unshocked].sum() / notional.sum())


@metric
def cascade_size(model: Observed) -> float:
    """Pools liquidated in the largest cascade (one tree of the forest, see `record.forest`); 0 without any.

    Unit: number of pools. Denominator: none.
    """
    return float(model.forest.sizes.max(initial=0))


@metric
def cascade_depth(model: Observed) -> float:
    """Generations of the deepest cascade; 1 if no liquidation caused another, 0 without any.

    Unit: number of generations. Denominator: none.
    """
    return float(model.forest.depths.max(initial=0))


@metric
def branching_ratio(model: Observed) -> float:
    """Of the liquidated pools, the share that only fell because of earlier ones: sum G_g, g >= 2, over sum G_g.

    Unit: share. Denominator: liquidated pools, sum G_g.
    """
    generations = model.forest.generations
    if not generations.sum():
        raise Undefined(NOTHING)
    return float(generations[1:].sum() / generations.sum())


@metric
def price_amplification(model: Observed) -> float:
    """Largest ratio (P0 - lowest mark) / (P0 - lowest index) over the markets whose index fell below its start P0.

    Unit: ratio. Denominator: P0 - lowest index.
    """
    index, mark = model.market.history["index"], model.market.history["mark"]
    fell = index.min(axis=0) < index[0]
    if not fell.any():
        raise Undefined("the index of no market fell below its start")
    drop = (mark[0] - mark.min(axis=0))[fell], (index[0] - index.min(axis=0))[fell]
    return float((drop[0] / drop[1]).max())


# Capital ------------------------------------------------------------------------------------------------------


@metric
def open_interest(model: Observed) -> float:
    """Units held long at the start, at the mark.

    Unit: dollars. Denominator: none.
    """
    return model.opening.open_interest


@metric
def initial_margin(model: Observed) -> float:
    """Initial margin requirement of all traders at the start.

    Unit: dollars. Denominator: none.
    """
    return model.opening.initial_margin


@metric
def capital_efficiency(model: Observed) -> float:
    """Open interest over initial margin requirement, both at the start.

    Unit: ratio. Denominator: initial margin requirement at the start.
    """
    if not model.opening.initial_margin:
        raise Undefined("no margin was required at the start")
    return model.opening.open_interest / model.opening.initial_margin


@metric
def end_equity(model: Observed) -> float:
    """Equity of all traders at the end.

    Unit: dollars. Denominator: none.
    """
    return float(model.equity[model.traders].sum())


@metric
def end_fund(model: Observed) -> float:
    """Insurance fund at the end.

    Unit: dollars. Denominator: none.
    """
    return float(model.exchange.waterfall.fund)


@metric
def penalties(model: Observed) -> float:
    """Liquidation penalties paid to the insurance fund.

    Unit: dollars. Denominator: none.
    """
    return float(model.exchange.desk.penalties)


HEADLINES = tuple(METRICS)  # in the order in which they are printed


def paid(model: Observed, by: str) -> float:
    """Return the sum over bankruptcies of what was paid `by` a layer of the waterfall, or of their "deficit"."""
    return float(sum(getattr(case, by) for case in model.exchange.waterfall.bankruptcies))


def closed_notional(model: Observed) -> Array:
    """Return the closed notional (e,) of every forced trade, dollars; raise `Undefined` if there is none."""
    notional = model.events["notional"].to_numpy()
    if not notional.sum():
        raise Undefined(NOTHING)
    return notional
