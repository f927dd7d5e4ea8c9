"""What each forced trade lost, split into causes, and its sums by account, asset, trader type, step and round.

Question: of the loss that a forced trade made final, how much was the outside price, ordinary flow, earlier closings,
a risen margin requirement, funding, the fill, the penalty? Method: the loss counts from the last change of the
position; its price parts are those of the event log, funding and interest those posted on the position since, by the
fraction of it that was closed, the fill what it was worse than the mark before, the penalty that of the pool, by
dollars closed. Expected: loss = sum of `PARTS` of each trade in whole quanta, so that all sums are exact.
"""

import numpy as np
import pandas as pd

from experiments.causes.attribution import Split
from experiments.causes.trace import Legs, Traced, legs_of, units_held
from experiments.causes.trigger import displacement
from experiments.record.frames import account_names, hidden, moment_before
from simulation.accounts import to_quanta
from simulation.arrays import Array, Index

PARTS = ("exogenous", "flow", "forced", "margin_rule", "mark_gap", "funding", "fill", "penalty")
KEYS = ("account", "group", "kind", "market", "step", "round")
_FUNDING = ("funding", "interest")


def forced_trades(model: Traced, split: Split) -> pd.DataFrame:
    """Return one row a forced trade, in order.

    Columns: step, round, row, account, group, kind, market, taker, notional (dollars closed at the mark before), one
    column for each of `PARTS` and loss, their sum; dollars, whole quanta, positive is lost.
    """
    events, legs = model.events, legs_of(model.diary, len(model.market.names))
    forced, gap = (events[key].to_numpy(float) for key in ("forced", "mark_gap"))
    unseen = hidden(forced, gap)
    ruled = _ruled(model, split, 1.0 - unseen / np.where(forced == 0.0, 1.0, forced))
    parts = {
        "exogenous": events["exogenous"].to_numpy(float),
        "flow": events["flow"].to_numpy(float),
        "forced": forced - unseen - ruled,
        "margin_rule": ruled,
        "mark_gap": gap + unseen,
        "funding": _funding(model, split, legs),
        "fill": to_quanta((events["quantity"] * (events["fill"] - events["mark_before"])).to_numpy(float)),
        "penalty": _penalty(model, legs),
    }
    kinds = np.array(account_names(model)[2], object)[events["row"].to_numpy()]
    table = events[["step", "round", "row", "account", "group", "market", "taker", "notional"]].copy()
    table.insert(5, "kind", pd.array(kinds, dtype="str"))
    parts = {name: part + 0.0 for name, part in parts.items()}  # no minus zero
    return table.assign(**parts, loss=np.sum(list(parts.values()), axis=0))


def totals_by(trades: pd.DataFrame, *keys: str) -> pd.DataFrame:
    """Return notional, `PARTS` and loss of the forced `trades` by `keys`, any of `KEYS`; exact sums."""
    amounts = ["notional", *PARTS, "loss"]
    return trades.pivot_table(amounts, list(keys), aggfunc="sum").reindex(columns=amounts)


def by_round(trades: pd.DataFrame) -> pd.DataFrame:
    """Return what was lost in each step and round of a cascade, by causes."""
    return totals_by(trades, "step", "round")


def _ruled(model: Traced, split: Split, visible: Array) -> Array:
    """Return the dollars (e,) that closings which only a risen requirement made took from each forced trade."""
    events = model.exchange.desk.log.events
    if not split.raised.any():
        return np.zeros(len(events))
    moved = displacement(model, split.raised)
    market = events.market.astype(np.intp)
    change = moved[moment_before(events).astype(np.intp)] - moved[events.reference.astype(np.intp)]
    each, source = np.arange(len(market)), model.market.listed.asset[market]
    owed = events.exposure * change[each, market] + events.through * change[each, source]
    return to_quanta(owed * visible)


def _funding(model: Traced, split: Split, legs: Legs) -> Array:
    """Return funding and interest (e,) posted on each closed position since it last changed, dollars."""
    events, count = model.exchange.desk.log.events, len(model.market.names)
    row, market = events.row.astype(np.intp), events.market.astype(np.intp)
    until, since = moment_before(events).astype(np.intp), events.reference.astype(np.intp)
    held = units_held(split.spells, row, market, until)
    times = int(max(legs.moment.max(initial=0), until.max(initial=0))) + 1
    mine = np.isin(legs.reason, [i for i, reason in enumerate(legs.reasons) if reason in _FUNDING])
    mine &= legs.market >= 0
    key = (legs.row[mine] * count + legs.market[mine]) * times + legs.moment[mine]
    order = np.argsort(key, kind="stable")
    paid = np.append(0.0, np.cumsum(-legs.cash[mine][order]))  # whole quanta: exact
    place = (row * count + market) * times
    first, last = (np.searchsorted(key[order], place + moment, "right") for moment in (since, until))
    closed = np.abs(events.quantity) / np.where(held == 0.0, np.inf, np.abs(held))
    return to_quanta((paid[last] - paid[first]) * np.minimum(closed, 1.0))


def _penalty(model: Traced, legs: Legs) -> Array:
    """Return each forced trade's part (e,) of the penalty that its account paid at its moment, by dollars closed.

    What winners took has cost none.
    """
    events = model.events
    if "penalty" not in legs.reasons or not len(events):
        return np.zeros(len(events))
    row, moment = events["row"].to_numpy(np.intp), events["moment"].to_numpy(np.intp)
    times = int(max(legs.moment.max(initial=0), moment.max(initial=0))) + 1
    paid = legs.reason == legs.reasons.index("penalty")
    which, place = np.unique(row * times + moment, return_inverse=True)
    at = np.searchsorted(which, legs.row[paid] * times + legs.moment[paid])
    found = (at < len(which)) & (which[np.minimum(at, len(which) - 1)] == legs.row[paid] * times + legs.moment[paid])
    due = np.zeros(len(which))
    np.add.at(due, at[found], -legs.cash[paid][found])
    return _shared(due, place, np.where(events["taker"] == "adl", 0.0, events["notional"].to_numpy(float)))


def _shared(due: Array, place: Index, weight: Array) -> Array:
    """Share the dollars `due` (k,) out among the trades (e,) at each `place`, by `weight`; the last takes the rest."""
    total = np.bincount(place, weight, len(due))
    share = to_quanta(due[place] * weight / np.maximum(total[place], 1e-300))
    last = np.full(len(due), -1)
    last[place] = np.arange(len(place))
    share[last] += due - np.bincount(place, share, len(due))
    return share
