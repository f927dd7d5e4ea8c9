"""Metrics: one function `model -> float` each. The name of the function is the name of its column.

A metric of your own is such a function, given to `run(scenario, metrics=[mine])`, or decorated with `@metric` in a
plug-in. What is undefined is NaN, never 0, and `reason(name, model)` says why. Dollars are US dollars; "closed
notional" is closed units times the mark before the trade; every forced trade counts, whoever took it over.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeAlias

import numpy as np

from experiments.record.observed import Observed
from simulation.accounts import QUANTUM

Metric: TypeAlias = Callable[[Any], float]
METRICS: dict[str, Metric] = {}


class Undefined(ArithmeticError):
    """Raised inside a metric to say that it has no value, and why."""


def metric(function: Callable[[Any], float]) -> Metric:
    """Register `function`; where it raises `Undefined`, the metric is NaN."""

    @wraps(function)
    def measured(model: Any) -> float:
        return evaluate(function, model)[0]

    METRICS[function.__name__] = measured
    return measured


def evaluate(function: Metric, model: Any) -> tuple[float, str]:
    """Return the value of a metric and, where it is NaN, the reason."""
    try:
        value = float(getattr(function, "__wrapped__", function)(model))
    except Undefined as error:
        return float("nan"), str(error)
    return value, "the metric returned no number" if np.isnan(value) else ""


def reason(name: str, model: Any) -> str:
    """Return why the metric `name` is NaN for this model, or an empty text if it is a number."""
    return evaluate(METRICS[name], model)[1]


def measure(model: Observed, more: Iterable[Metric] = ()) -> tuple[dict[str, float], dict[str, str]]:
    """Return all metrics of a finished model, registered ones first, and the reasons of those that are NaN."""
    functions = METRICS | {function.__name__: function for function in more}
    found = {name: evaluate(function, model) for name, function in functions.items()}
    values = {name: value for name, (value, _) in found.items()}
    return values, {name: why for name, (_, why) in found.items() if why}


# Solvency -----------------------------------------------------------------------------------------------------


@metric
def bad_debt(model: Observed) -> float:
    """Sum of the deficits of bankrupt pools, before anybody paid, dollars."""
    return _paid(model, "deficit")


@metric
def insurance_draw(model: Observed) -> float:
    """What the insurance fund paid for deficits, dollars."""
    return _paid(model, "insurance")


@metric
def adl_haircut(model: Observed) -> float:
    """What auto-deleveraged winners lost against the mark, dollars."""
    return _paid(model, "adl")


@metric
def adl_notional(model: Observed) -> float:
    """Notional closed against winners by auto-deleveraging, at the mark, dollars."""
    events = model.events
    return float(events["notional"].to_numpy()[events["taker"] == "adl"].sum())


@metric
def socialised_loss(model: Observed) -> float:
    """What was charged to all positive equity, dollars."""
    return _paid(model, "socialised")


@metric
def unpaid(model: Observed) -> float:
    """Deficits that nobody was left to pay, dollars."""
    return _paid(model, "unpaid")


@metric
def insolvent(model: Observed) -> float:
    """1 if losses exceeded the insurance fund: deleveraging, socialised or unpaid loss above 0; else 0."""
    return float(_paid(model, "adl") + _paid(model, "socialised") + _paid(model, "unpaid") > 0.0)


# Liquidation volume -------------------------------------------------------------------------------------------


@metric
def liquidated_notional(model: Observed) -> float:
    """Closed notional, dollars."""
    return float(model.events["notional"].to_numpy(float).sum())


@metric
def liquidated_accounts(model: Observed) -> float:
    """Number of traders of whom at least one pool was liquidated; system accounts and liquidators do not count."""
    return float(np.isin(model.traders, model.events["row"].to_numpy()).sum())


@metric
def liquidated_share(model: Observed) -> float:
    """Of the traders who held a position at the start, the share that was liquidated at least once."""
    cohort = model.opening.cohort
    if not len(cohort):
        raise Undefined("nobody held a position at the start")
    return float(np.isin(cohort, model.events["row"].to_numpy()).mean())


# Contagion ----------------------------------------------------------------------------------------------------


@metric
def healthy_closed_share(model: Observed) -> float:
    """Of the closed notional, the share in positions that were healthy with their own share of the collateral."""
    notional = _closed_notional(model)
    return float((notional * model.events["healthy_alone"].to_numpy()).sum() / notional.sum())


@metric
def unshocked_share(model: Observed) -> float:
    """Of the closed notional, the share in markets whose index had not moved against the position.

    It counts from the moment the position last changed.
    """
    notional = _closed_notional(model)
    # The exogenous part takes up the rounding of the other three, at most two quanta.
    unshocked = model.events["exogenous"].to_numpy() <= 2.0 * QUANTUM
    return float(notional[unshocked].sum() / notional.sum())


@metric
def cascade_size(model: Observed) -> float:
    """Pools liquidated in the largest cascade (one tree of the forest, see `record.forest`); 0 without any."""
    return float(model.forest.sizes.max(initial=0))


@metric
def cascade_depth(model: Observed) -> float:
    """Generations of the deepest cascade; 1 if no liquidation caused another, 0 without any."""
    return float(model.forest.depths.max(initial=0))


@metric
def branching_ratio(model: Observed) -> float:
    """Of the liquidated pools, the share that only fell because of earlier ones: sum G_g, g >= 2, over sum G_g."""
    generations = model.forest.generations
    if not generations.sum():
        raise Undefined("nothing was liquidated")
    return float(generations[1:].sum() / generations.sum())


@metric
def price_amplification(model: Observed) -> float:
    """Largest ratio (P0 - lowest mark) / (P0 - lowest index) over the markets whose index fell below its start P0."""
    index, mark = model.market.history["index"], model.market.history["mark"]
    fell = index.min(axis=0) < index[0]
    if not fell.any():
        raise Undefined("the index of no market fell below its start")
    drop = (mark[0] - mark.min(axis=0))[fell], (index[0] - index.min(axis=0))[fell]
    return float((drop[0] / drop[1]).max())


# Capital ------------------------------------------------------------------------------------------------------


@metric
def open_interest(model: Observed) -> float:
    """Units held long at the start, at the mark, dollars."""
    return model.opening.open_interest


@metric
def initial_margin(model: Observed) -> float:
    """Initial margin requirement of all traders at the start, dollars."""
    return model.opening.initial_margin


@metric
def capital_efficiency(model: Observed) -> float:
    """Open interest over initial margin requirement, both at the start."""
    if not model.opening.initial_margin:
        raise Undefined("no margin was required at the start")
    return model.opening.open_interest / model.opening.initial_margin


@metric
def end_equity(model: Observed) -> float:
    """Equity of all traders at the end, dollars."""
    return float(model.equity[model.traders].sum())


@metric
def end_fund(model: Observed) -> float:
    """Insurance fund at the end, dollars."""
    return float(model.exchange.waterfall.fund)


@metric
def penalties(model: Observed) -> float:
    """Liquidation penalties paid to the insurance fund, dollars."""
    return float(model.exchange.desk.penalties)


def _paid(model: Observed, by: str) -> float:
    return float(sum(getattr(case, by) for case in model.exchange.waterfall.bankruptcies))


def _closed_notional(model: Observed) -> np.ndarray:
    notional = model.events["notional"].to_numpy()
    if not notional.sum():
        raise Undefined("nothing was liquidated")
    return notional
