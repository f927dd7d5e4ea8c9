"""How liquidations went in one run: whom they hit, at which prices, and whether they helped the account.

A closing is all that is closed of one pool in one round. E is the equity of the pool when it was seized, N its gross
notional, M its maintenance requirement, dollars. A position is one market of one account.
"""

import math

import numpy as np

from experiments.record.headline_metrics import NOTHING, closed_notional
from experiments.record.metric import Undefined, metric, ratio
from experiments.record.observed import Observed
from simulation.accounts import QUANTUM, to_quanta
from simulation.arrays import Array, Mask

OVERSHOOT = 0.5825971579390106  # -zeta(1/2) / sqrt(2 pi)


@metric
def liquidated_positions_share(model: Observed) -> float:
    """Liquidation probability per position: share of the positions held at the start that were closed by force.

    A position counts if anything of it was; its accounts' counterpart is `liquidated_share`.
    Unit: share. Denominator: positions of traders at the start.
    """
    opening, events, m = model.opening, model.events, len(model.market.names)
    market = np.searchsorted(np.sort(model.market.names), events["market"].to_numpy(str))
    market = np.argsort(model.market.names)[market]
    hit = np.unique(events["row"].to_numpy() * m + market)
    which, held = np.nonzero(opening.held)
    return ratio(float(np.isin(opening.cohort[which] * m + held, hit).sum()), len(which), "nobody held a position")


@metric
def collateral_damage(model: Observed) -> float:
    """Positions closed that were healthy alone over positions closed; by notional it is `healthy_closed_share`.

    Healthy alone: above maintenance with its own share of the pool's collateral. Closings of several rounds count each.
    Unit: share. Denominator: positions closed.
    """
    return _share_of(model.events["healthy_alone"].to_numpy() > 0.0)


@metric
def cross_asset_contagion_share(model: Observed) -> float:
    """Liquidations in assets that were not shocked over all; by notional it is `unshocked_share`.

    Not shocked: the index had not moved against the position since the position last changed.
    Unit: share. Denominator: positions closed.
    """
    return _share_of(model.events["exogenous"].to_numpy() <= 2.0 * QUANTUM)


@metric
def toxic_share(model: Observed) -> float:
    """Share of closings that lower the margin ratio E / N of the pool, which raises its loan to value 1 - E / N.

    A closing of c dollars that costs s per dollar, slippage and penalty, turns E / N into (E - s c) / (N - c): it falls
    iff s > E / N, whatever c. A closing of everything counts by the same condition: it leaves less than nothing.
    Source: Warmuz, Chaudhary & Pinna, "Toxic liquidation spirals", arXiv:2212.07306. Own impact on what stays open is
    left out, and the penalty is the rule's `penalty_rate`, none of what winners took.
    Unit: share. Denominator: closings.
    """
    events, number = model.events, model.numbers
    if not len(events):
        raise Undefined(NOTHING)
    first = model.closings.first
    closed = np.bincount(number, events["notional"].to_numpy())
    slipped = np.bincount(number, _slippage(model) * events["notional"].to_numpy())
    held = np.maximum(events["pool_notional"].to_numpy()[first], closed)
    equity = events["equity"].to_numpy()[first]
    owing = np.bincount(number, np.where(events["taker"] == "adl", 0.0, events["notional"].to_numpy()))
    cost = slipped + model.rules.liquidation.penalty_rate * owing * (equity > 0.0)  # who has nothing pays none
    return float((cost * held > equity * closed + 1e-9 * held * closed).mean())


@metric
def liquidation_slippage(model: Observed) -> float:
    """Mean of (P_exec - P_mark) / P_mark, signed so that a price worse than the mark is positive, by notional.

    P_mark is the mark before the trade; pools taken over or deleveraged count with the price they got.
    Unit: ratio. Denominator: closed notional.
    """
    notional = closed_notional(model)
    return float((_slippage(model) * notional).sum() / notional.sum())


@metric
def liquidation_overshoot(model: Observed) -> float:
    """Mean of |P_mark - P_liq| / P_liq: how far the mark was beyond the liquidation price when a pool was seized.

    Longs (M - E) / (N - E), shorts (M - E) / (N + E), with requirements in proportion to notional; a pool in several
    markets is taken to move as one. Further closes of a pool in a cascade do not count, nor do pools closed on both
    sides. Under a diffusion it is `overshoot_benchmark`.
    Unit: ratio. Denominator: liquidation price.
    """
    events, number = model.events, model.numbers
    if not len(events):
        raise Undefined(NOTHING)
    first = model.closings.first
    longs = np.bincount(number, events["side"] == "long")
    pure = (longs == 0.0) | (longs == np.bincount(number))
    equity, needed, held = (events[key].to_numpy()[first] for key in ("equity", "maintenance", "pool_notional"))
    base = held - np.where(longs > 0.0, 1.0, -1.0) * equity
    counted = pure & ~model.forest.continues & (base > 0.0)
    if not counted.any():
        raise Undefined("no pool was closed on one side only")
    return float(((needed - equity)[counted] / base[counted]).mean())


@metric
def netting_ratio(model: Observed) -> float:
    """Sum of stand-alone initial requirements of all positions over what their pools require, at the start.

    1 where pools have no offsets, as in isolated and cross margin; 1 less its inverse is the margin saved.
    Unit: ratio. Denominator: initial margin requirement at the start.
    """
    alone, pooled = model.opening.alone, model.opening.initial_margin
    if math.isnan(alone):
        raise Undefined("a rule that reads whole books, too many positions to ask it about one by one")
    return ratio(alone, pooled, "no margin was required at the start")


@metric
def trader_loss(model: Observed) -> float:
    """Losses of those who lost: sum over traders of (deposits - equity at the end)^+.

    Unit: dollars. Denominator: none.
    """
    equity = model.equity
    lost = (to_quanta(group.deposited) - equity[group.rows] for group in model.groups)
    return float(sum(np.maximum(dollars, 0.0).sum() for dollars in lost))


def overshoot_benchmark(volatility: float, seconds: float) -> float:
    """Return .5826 s sqrt(dt): mean log overshoot beyond a barrier looked at every `seconds` under a diffusion.

    `volatility` s is a year's. Source: M. Broadie, P. Glasserman & S. Kou, Math. Finance 7 (1997) 325-349.
    """
    return OVERSHOOT * volatility * math.sqrt(seconds / 31_536_000.0)


def _slippage(model: Observed) -> Array:
    """Return (P_exec - P_mark) / P_mark (e,) of every forced trade, positive where it is worse than the mark."""
    fill, mark, units = (model.events[key].to_numpy() for key in ("fill", "mark_before", "quantity"))
    return np.sign(units) * (fill - mark) / mark


def _share_of(those: Mask) -> float:
    if not len(those):
        raise Undefined(NOTHING)
    return float(those.mean())
