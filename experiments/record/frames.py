"""Tables of a finished run. Names instead of numbers for markets, accounts, groups and takers; dollars throughout."""

from typing import Any

import numpy as np
import pandas as pd

from simulation.accounts import SYSTEM_ROWS
from simulation.arrays import Array, Index, Mask
from simulation.causes import BOOK, TAKERS, Events

SYSTEM: tuple[str, ...] = ("outside", "insurance", "treasury", "backstop")


def account_names(model: Any) -> tuple[list[str], list[str], list[str]]:
    """Return name, group and kind of every account row; a member is called `group[number]`."""
    count = len(model.accounts)
    names, groups, kinds = [""] * count, [""] * count, ["system"] * count
    names[:SYSTEM_ROWS] = groups[:SYSTEM_ROWS] = SYSTEM
    numbers: dict[str, int] = {}
    for keeper in model.exchange.liquidators:
        number = numbers[keeper.spec.name] = numbers.get(keeper.spec.name, -1) + 1
        names[keeper.row] = f"{keeper.spec.name}[{number}]"
        groups[keeper.row], kinds[keeper.row] = keeper.spec.name, "liquidator"
    for group in model.groups:
        for member, row in enumerate(group.rows.tolist()):
            names[row], groups[row], kinds[row] = f"{group.name}[{member}]", group.name, group.trader.kind
    return names, groups, kinds


def account_frame(model: Any) -> pd.DataFrame:
    """Return all accounts at the end: row, account, group, kind, deposited, equity, notional (gross), and one column
    `position_<market>` (units) a market.

    deposited is what traders brought in, 0 for everybody else.
    """
    names, groups, kinds = account_names(model)
    accounts, mark = model.accounts, model.market.mark_price
    deposited = np.zeros(len(accounts))
    for group in model.groups:
        deposited[group.rows] = group.deposited
    columns = {
        "row": np.arange(len(accounts)),
        "account": names,
        "group": groups,
        "kind": kinds,
        "deposited": deposited,
        "equity": model.equity,
        "notional": np.abs(accounts.position * mark).sum(axis=1),
    }
    positions = {f"position_{name}": accounts.position[:, j] for j, name in enumerate(model.market.names)}
    return pd.DataFrame(columns | positions)


def event_frame(model: Any) -> pd.DataFrame:
    """Return the forced trades, one row per pool, market and round, in order.

    Columns are those of `simulation.causes.Events`, with names for market and taker, and: account, group; underlying,
    the market whose displacement moves this one (empty where it moves by itself); notional,
    the closed units at the mark before; side of the closed position; unforced_equity, unforced_maintenance: equity and
    requirement the pool would have had at prices without the forced displacement since its positions last changed.
    """
    events: Events = model.exchange.desk.log.events
    names, groups, _ = account_names(model)
    whole = ("step", "round", "moment", "row", "pool", "push", "reference")
    columns = {key: getattr(events, key) + 0.0 for key in Events.__dataclass_fields__}  # no minus zero
    table = pd.DataFrame(columns)
    table = table.astype(dict.fromkeys(whole, np.int64))
    market, row = events.market.astype(np.intp), table["row"].to_numpy()
    table["market"] = _named(model.market.names, market)
    table.insert(list(table.columns).index("through"), "underlying", _underlying(model, market))
    table["taker"] = _named(TAKERS, events.taker.astype(np.intp))
    table.insert(4, "account", _named(names, row))
    table.insert(5, "group", _named(groups, row))
    table["notional"] = np.abs(events.quantity * events.mark_before)
    table["side"] = _named(("long", "short"), (events.quantity > 0.0).astype(np.intp))
    table["unforced_equity"], table["unforced_maintenance"] = unforced(model, events, pools_of(table))
    return table


def unforced(model: Any, events: Events, pool: Index) -> tuple[Array, Array]:
    """Return equity and requirement (e,) that the seized pools would have had without the forced displacement.

    `pool` (e,) is the number of the closing, see `pools_of`. Only what the mark shows of the displacement is taken
    away: where a mark lags or ignores the book, the gap hides it. A pool of which only a part was closed is taken to
    be composed as that part.
    """
    parts, market = model.market.moments.parts, events.market.astype(np.intp)
    seized, reference = moment_seized(events), events.reference.astype(np.intp)
    now = parts[seized, :, market]
    change = now[:, 2:] - parts[reference, 2:, market]
    source = model.market.listed.asset[market]
    lever = events.through / np.where(events.exposure == 0.0, 1.0, events.exposure)
    change[:, 0] += lever * (parts[seized, 2, source] - parts[reference, 2, source])
    shown = change[:, 0] - hidden(change[:, 0], change[:, 1])
    value = -events.quantity * np.exp(now.sum(axis=1) + _lifted(model, seized, market))
    scale = events.pool_notional / np.maximum(np.bincount(pool, np.abs(value))[pool], 1e-300)
    gain = scale * value * np.expm1(-shown)
    equity = events.equity + np.bincount(pool, gain)[pool]
    table = np.zeros((pool.max(initial=-1) + 1, len(model.market.names)))
    np.add.at(table, (pool, market), scale * value * np.exp(-shown))
    moved: Mask = np.bincount(pool, shown != 0.0)[pool] > 0
    return equity, np.where(moved, _needed(model, events, table, pool), events.maintenance)


def _needed(model: Any, events: Events, table: Array, pool: Index) -> Array:
    """Return the requirement (e,) of the pools whose positions are worth `table` (pools, m) dollars.

    Of a rule that reads whole books it is taken to change in proportion to the gross value.
    """
    if model.engine.reads_books:
        before = np.maximum(events.pool_notional, 1e-300)
        return events.maintenance * np.abs(table).sum(axis=1)[pool] / before
    rule = model.engine.rule
    return rule.pooled(np.copysign(rule.maintenance(np.abs(table), model.engine.tiers), table))[pool]


def _lifted(model: Any, moment: Index, market: Index) -> Array:
    """Return by how much (e,) the displacement of underlyings lifted derived columns at each moment, log."""
    lifts = model.market.moments.lifts
    return np.array([lifts[i][0][j] for i, j in zip(moment, market, strict=True)]) if lifts else np.zeros(len(market))


def _underlying(model: Any, market: Index) -> Any:
    contracts, names = model.market.listing.contracts, model.market.names
    derived = set() if contracts is None else set(contracts.derived.tolist())
    source = [names[model.market.listed.asset[j]] if j in derived else "" for j in range(len(names))]
    return _named(tuple(source), market)


def pools_of(events: pd.DataFrame) -> Index:
    """Return for every row (e,) of the event table the number of its closing: one pool in one round, as they come."""
    keys = np.column_stack([events[key] for key in ("step", "round", "row", "pool")])
    if not len(keys):
        return np.empty(0, np.intp)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.ravel()]


def moment_before(events: Events) -> Array:
    """Return the moment (e,) at which each loss stood: a sale to the book is a moment of its own, which comes after."""
    return events.moment - (events.taker == BOOK)


def moment_seized(events: Events) -> Index:
    """Return the moment (e,) at which each pool was found under maintenance: the beginning of its round."""
    rounds = np.unique(np.stack([events.step, events.round]), axis=1, return_inverse=True)[1].ravel()
    first = np.full(rounds.max(initial=-1) + 1, np.inf)
    np.minimum.at(first, rounds, moment_before(events))
    return first[rounds].astype(np.intp)


def hidden(displaced: Array, gap: Array) -> Array:
    """Return the part of `displaced` that the gap between mark and mid takes back: opposite in sign, at most all."""
    return np.sign(displaced) * np.clip(-np.sign(displaced) * gap, 0.0, np.abs(displaced))


def push_frame(model: Any) -> pd.DataFrame:
    """Return what liquidations did to the book: push, moment, step, market, volume (signed units), permanent and
    transient (log displacement it caused, the latter decaying by half every `half_life_steps`).
    """
    pushes, names = model.market.pushes, model.market.names
    count, m = len(pushes), len(names)

    def stacked(field: str) -> Array:
        return np.array([getattr(push, field) for push in pushes], float).reshape(count * m)

    return pd.DataFrame(
        {
            "push": np.repeat(np.arange(count), m),
            "moment": np.repeat(np.array([push.moment for push in pushes], np.int64), m),
            "step": np.repeat(np.array([push.step for push in pushes], np.int64), m),
            "market": pd.array(list(names) * count, dtype="str"),  # text also where there is none
            "volume": stacked("volume"),
            "permanent": stacked("permanent"),
            "transient": stacked("transient"),
        }
    )


def moment_steps(model: Any) -> Index:
    """Return the step at which each moment of the run fell, in order."""
    moments = model.market.moments
    return moments.step[: moments.last + 1].astype(np.intp)


def price_frame(model: Any) -> pd.DataFrame:
    """Return the four prices: step, market, index, oracle, mark, fill; steps + 1 rows a market, step by step."""
    market = model.market
    steps, m = market.history["mark"].shape
    columns: dict[str, Any] = {"step": np.repeat(np.arange(steps), m), "market": list(market.names) * steps}
    return pd.DataFrame(columns | {name: prices.ravel() for name, prices in market.history.items()})


def bankruptcy_frame(model: Any) -> pd.DataFrame:
    """Return who paid for every bankrupt pool: step, row, account, group, pool, deficit and its four payers."""
    cases = model.exchange.waterfall.bankruptcies
    names, groups, _ = account_names(model)
    payers = ("deficit", "insurance", "adl", "socialised", "unpaid")
    rows = np.array([case.row for case in cases], np.int64)
    columns: dict[str, Any] = {"step": np.array([case.step for case in cases], np.int64), "row": rows}
    columns |= {"account": _named(names, rows), "group": _named(groups, rows)}
    columns["pool"] = np.array([case.pool for case in cases], np.int64)
    return pd.DataFrame(columns | {key: np.array([getattr(case, key) for case in cases], float) for key in payers})


def series_frame(model: Any, events: pd.DataFrame, bankruptcies: pd.DataFrame) -> pd.DataFrame:
    """Return one row a step, step 0 first: liquidated_notional, adl_notional, liquidated_pools, rounds, deficit,
    insurance, adl, socialised, unpaid (dollars of this step); fund, open_interest (dollars, at its end).
    """
    steps = model.rules.steps + 1
    mark = model.market.history["mark"]
    by_step = events["step"].to_numpy()
    adl = (events["taker"] == "adl").to_numpy(bool)
    notional = events["notional"].to_numpy()
    first = np.unique(pools_of(events), return_index=True)[1]
    rounds = np.zeros(steps)
    np.maximum.at(rounds, by_step, events["round"].to_numpy() + 1.0)
    columns: dict[str, Any] = {
        "step": np.arange(steps),
        "liquidated_notional": np.bincount(by_step, notional, steps),
        "adl_notional": np.bincount(by_step[adl], notional[adl], steps),
        "liquidated_pools": np.bincount(by_step[first], minlength=steps),
        "rounds": rounds.astype(np.int64),
    }
    for key in ("deficit", "insurance", "adl", "socialised", "unpaid"):
        columns[key] = np.bincount(bankruptcies["step"].to_numpy(), bankruptcies[key].to_numpy(), steps)
    columns["fund"] = [fund for fund, _ in model.totals]
    contracts = ~model.market.listed.spot  # tokens are held, not open
    columns["open_interest"] = [
        float((units * price)[contracts].sum()) for (_, units), price in zip(model.totals, mark, strict=True)
    ]
    return pd.DataFrame(columns)


def _named(names: Any, numbers: Index) -> Any:
    return pd.array(np.array(names, object)[numbers], dtype="str")
