"""Auto-deleveraging in one run: what was needed, what was taken, from whom, and how unequally.

A pool closed against winners has a deficit D at the mark, of which B = D less what the fund paid is needed. A winner i
gives up x_i = |price - mark| |q|; before, its position had the unrealised profit u_i. The executed budget H = sum x_i.
Source: T. Chitra, "Autodeleveraging: impossibilities and optimization", arXiv:2512.01112.
"""

import numpy as np

from experiments.record.concentration import gini, herfindahl
from experiments.record.headline_metrics import NOTHING
from experiments.record.metric import Undefined, metric, ratio
from experiments.record.observed import Observed
from experiments.record.takings import Takings
from simulation.arrays import Array

_NOBODY = "nobody was deleveraged"
_NO_HAIRCUT = "winners were closed at the mark and gave nothing up"


@metric
def adl_deficit(model: Observed) -> float:
    """D: deficits at the mark of the pools closed against winners, before the insurance fund paid.

    Unit: dollars. Denominator: none.
    """
    return float(sum(one.deficit for one in model.exchange.waterfall.deleveragings))


@metric
def adl_capacity(model: Observed) -> float:
    """U: unrealised profit of all eligible winners, summed over the markets deleveraged in; each step counts anew.

    Within a step it is read before the first fill of each market and side.
    Unit: dollars. Denominator: none.
    """
    first: dict[tuple[int, int, bool], float] = {}
    for one in model.exchange.waterfall.deleveragings:
        for fill in one.fills:
            first.setdefault((one.step, fill.market, bool(fill.quantity[0] > 0.0)), fill.capacity)
    return float(sum(first.values()))


@metric
def adl_needed(model: Observed) -> float:
    """B_needed = sum |mark - bankruptcy price| |q|: what of the deficits is beyond the insurance fund.

    Unit: dollars. Denominator: none.
    """
    return float(sum(one.needed for one in model.exchange.waterfall.deleveragings))


@metric
def adl_executed(model: Observed) -> float:
    """H = sum |price - mark| |q|: what winners gave up against the mark.

    Unit: dollars. Denominator: none.
    """
    return float(model.takings.given_up.sum())


@metric
def adl_overshoot(model: Observed) -> float:
    """Haircut beyond need, the sum over deleveraged pools of (H - B_needed)^+.

    Unit: dollars. Denominator: none.
    """
    return float(np.maximum(_beyond(model), 0.0).sum())


@metric
def adl_undershoot(model: Observed) -> float:
    """Need that winners did not cover, the sum over deleveraged pools of (B_needed - H)^+.

    Unit: dollars. Denominator: none.
    """
    return float(np.maximum(-_beyond(model), 0.0).sum())


@metric
def adl_max_haircut(model: Observed) -> float:
    """Largest relative haircut, max over winners of x_i / u_i; in any allocation at least H / U.

    x_i is what a position gave up in one step, u_i its unrealised profit before the first fill of that step.
    Unit: ratio. Denominator: unrealised profit of the winner's position.
    """
    found = _filled(model)
    first = np.unique(found.position, return_index=True)[1]
    return float((np.bincount(found.position, found.given_up) / found.profit[first]).max())


@metric
def adl_winners(model: Observed) -> float:
    """Winners touched: accounts of which at least one position was deleveraged.

    Unit: number of accounts. Denominator: none.
    """
    return float(len(np.unique(model.takings.row)))


@metric
def adl_gini(model: Observed) -> float:
    """Gini coefficient of x over the winners touched: 0 if all gave up the same.

    Unit: ratio. Denominator: twice the mean of x.
    """
    return gini(_by_winner(model))


@metric
def adl_hhi(model: Observed) -> float:
    """Herfindahl-Hirschman index of x, the sum over winners of (x_i / H)^2: 1 if one gave up everything.

    Unit: ratio. Denominator: H squared.
    """
    return herfindahl(_by_winner(model))


@metric
def adl_share(model: Observed) -> float:
    """Share of the forced notional that was closed against winners.

    Unit: share. Denominator: liquidated notional.
    """
    events = model.events
    notional = events["notional"].to_numpy(float)
    return ratio(float(notional[(events["taker"] == "adl").to_numpy(bool)].sum()), float(notional.sum()), NOTHING)


@metric
def adl_latency(model: Observed) -> float:
    """Time from the first liquidation to the first one closed against winners; rounds within a step take no time.

    Unit: seconds. Denominator: none.
    """
    steps, adl = model.events["step"].to_numpy(), (model.events["taker"] == "adl").to_numpy(bool)
    if not adl.any():
        raise Undefined(_NOBODY)
    return float((steps[adl].min() - steps.min()) * model.rules.step_seconds)


def _filled(model: Observed) -> Takings:
    if not len(model.takings):
        raise Undefined(_NOBODY)
    return model.takings


def _by_winner(model: Observed) -> Array:
    """Return what each winner gave up (w,), dollars."""
    found = _filled(model)
    if not found.given_up.any():
        raise Undefined(_NO_HAIRCUT)
    return np.asarray(np.bincount(np.unique(found.row, return_inverse=True)[1], found.given_up), float)


def _beyond(model: Observed) -> Array:
    """Return H - B_needed of each deleveraged pool, dollars; the rounding of fills to quanta counts as nothing."""
    needed = np.array([one.needed for one in model.exchange.waterfall.deleveragings])
    executed = np.bincount(model.takings.pool, model.takings.given_up, len(needed))
    return np.where(np.isclose(executed, needed, rtol=1e-9, atol=1e-4), 0.0, executed - needed)
