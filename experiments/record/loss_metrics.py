"""Bad debt and the insurance fund in one run. Quantiles and probabilities over many storms: `experiments.tail_risk`.

The fund never falls below 0; what it could not pay is short. Were it to pay everything, its balance after step t would
be F_t - K_t, K_t what was short so far: the fund of ruin theory, read at the ends of steps.
"""

import numpy as np

from experiments.record.headline_metrics import NOTHING, paid
from experiments.record.metric import Undefined, metric, ratio
from experiments.record.observed import Observed
from simulation.arrays import Array

_NO_DEBT = "there was no bad debt"


@metric
def bad_debt_net_of_fund(model: Observed) -> float:
    """Bad debt less what the insurance fund paid.

    Unit: dollars. Denominator: none.
    """
    return paid(model, "deficit") - paid(model, "insurance")


@metric
def bad_debt_net_of_adl(model: Observed) -> float:
    """Bad debt less what insurance fund and auto-deleveraged winners paid: socialised or unpaid.

    Unit: dollars. Denominator: none.
    """
    return paid(model, "socialised") + paid(model, "unpaid")


@metric
def bad_debt_per_liquidated_notional(model: Observed) -> float:
    """Gross bad debt per dollar of closed notional.

    Unit: ratio. Denominator: liquidated notional.
    """
    return ratio(paid(model, "deficit"), float(model.events["notional"].to_numpy(float).sum()), NOTHING)


@metric
def bad_debt_per_open_interest(model: Observed) -> float:
    """Gross bad debt per dollar of open interest.

    Unit: ratio. Denominator: open interest at the start.
    """
    return ratio(paid(model, "deficit"), model.opening.open_interest, "there was no open interest at the start")


@metric
def largest_account_share_of_bad_debt(model: Observed) -> float:
    """Share of the gross bad debt left by the account that left most.

    Unit: share. Denominator: gross bad debt.
    """
    cases = model.exchange.waterfall.bankruptcies
    if not cases:
        raise Undefined(_NO_DEBT)
    rows = np.unique(np.array([case.row for case in cases]), return_inverse=True)[1]
    by_account = np.bincount(rows, np.array([case.deficit for case in cases]))
    return ratio(float(by_account.max()), float(by_account.sum()), _NO_DEBT)


@metric
def fund_depleted(model: Observed) -> float:
    """Whether the insurance fund failed to pay a deficit in full: 1 or 0; its mean over storms is psi(u, T).

    Unit: 0 or 1. Denominator: none.
    """
    return float(_short(model).any())


@metric
def fund_seconds_to_depletion(model: Observed) -> float:
    """Time from the start to the first deficit that the insurance fund did not pay in full.

    Unit: seconds. Denominator: none.
    """
    short = np.flatnonzero(_short(model))
    if not len(short):
        seconds = model.rules.steps * model.rules.step_seconds
        raise Undefined(f"the fund was not depleted; right-censored at {seconds:.9g} seconds")
    return float(short[0] * model.rules.step_seconds)


@metric
def fund_deficit_at_depletion(model: Observed) -> float:
    """What was short in the step in which the insurance fund first failed to pay in full.

    Unit: dollars. Denominator: none.
    """
    short = _short(model)
    if not short.any():
        raise Undefined("the fund was not depleted")
    return float(short[np.flatnonzero(short)[0]])


@metric
def fund_drawdown(model: Observed) -> float:
    """Largest fall of the insurance fund from its peak so far: max over t of (F_peak - F_t) / F_peak.

    Unit: share. Denominator: F_peak, highest balance so far at the end of a step.
    """
    fund = _fund(model)
    peak = np.maximum.accumulate(fund)
    if not peak.any():
        raise Undefined("the fund never held anything")
    return float(((peak - fund)[peak > 0.0] / peak[peak > 0.0]).max())


@metric
def fund_needed(model: Observed) -> float:
    """Least opening fund that would have paid every deficit of this storm: max over t of F_0 - F_t + K_t, at least 0.

    Deficits and fees are held as they were; with another fund they would have differed where losses were shared.
    Its (1 - alpha)-quantile over storms is u_alpha.
    Unit: dollars. Denominator: none.
    """
    fund = _fund(model)
    return max(float((fund[0] - fund + np.cumsum(_short(model))).max()), 0.0)


def _fund(model: Observed) -> Array:
    """Return the balance (steps + 1,) of the insurance fund at the end of each step, dollars."""
    return np.array([fund for fund, _ in model.totals])


def _short(model: Observed) -> Array:
    """Return what the fund did not pay of the deficits of each step (steps + 1,), dollars."""
    short = np.zeros(len(model.totals))
    for case in model.exchange.waterfall.bankruptcies:
        short[case.step] += case.deficit - case.insurance
    return short
