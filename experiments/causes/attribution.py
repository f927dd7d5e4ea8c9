"""Where the money of an account went: its whole loss, split into causes, exact to the last quantum.

Question: how much of what an account lost was the outside price, ordinary flow, forced sales of others, fees, the
liquidation itself? Method: between two changes of a position its gain is units times the change of the mark, which
`simulation.causes.attribute` splits without remainder; what a fill was worse than the mark before it is charged to the
kind of trade; every other posting has its reason. Expected: the causes add up to what was brought in less what is left,

    brought in - equity at the end = exogenous + flow + forced + margin_rule + mark_gap + trading + liquidation + adl
        + fees + funding + interest + penalty + takeover + insurance + socialised + unpaid + claims + other,

in whole quanta. Positive is lost; insurance, socialised and unpaid are negative where others paid for a bankrupt
account. A margin rule moves no money; `margin_rule` is what was lost to forced sales that only its rise since the
opening made (see `experiments.causes.trigger`), `forced` what was lost to all others. What rounding leaves (fractions
of a quantum a posting) is taken up by the exogenous part.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.causes.trace import NO_MARKET, Legs, Spells, Traced, legs_of, spells_of
from experiments.causes.trigger import needed_at_opening, owed_to, raised
from experiments.record.closings import whole
from experiments.record.frames import account_names, hidden
from simulation.accounts import to_quanta
from simulation.arrays import Array, Index, Mask
from simulation.causes import Attribution, attribute

PRICE = ("exogenous", "flow", "forced", "mark_gap")  # what moved the mark of what was held
CAUSES = (
    *("exogenous", "flow", "forced", "margin_rule", "mark_gap"),
    *("trading", "liquidation", "adl", "fees", "funding", "interest", "penalty", "takeover"),
    *("insurance", "socialised", "unpaid", "claims", "other"),
)
_OF_REASON = {
    "trade": "trading",
    "coin": "trading",
    "expiry": "trading",
    "liquidation": "liquidation",
    "adl": "adl",
    "adl rounding": "adl",
    "fee": "fees",
    "fee share": "fees",
    "funding": "funding",
    "interest": "interest",
    "penalty": "penalty",
    "takeover": "takeover",
    "insurance": "insurance",
    "socialised": "socialised",
    "unpaid": "unpaid",
    "claims": "claims",
    "default cost": "claims",
}
_INTERNAL = ("post", "release")  # between the pools of one account
_DENSE = 4_000_000  # sums by key that are held as one column
BROUGHT = ("deposit", "top up", "withdrawal")  # between the account and its owner


@dataclass(frozen=True)
class Split:
    """Where the money of all accounts went.

    lines: row, market ("" for cash alone), cause, dollars; whole quanta, zero lines left out. accounts: one row an
    account: row, account, group, kind, brought (dollars paid in less paid out), equity (at the end), loss = brought -
    equity, and one column a cause; the causes add up to the loss exactly. spells, causes: times of constant holdings,
    and the split of their loss, for `experiments.causes.culprits`. needed: (n,) dollars, see `trigger`; raised: (n,)
    closings of the run that only the rise of the margin rule made.
    """

    lines: pd.DataFrame
    accounts: pd.DataFrame
    spells: Spells
    causes: Attribution
    needed: Array
    raised: Mask

    def by(self, *keys: str) -> pd.DataFrame:
        """Return dollars by cause (columns) and `keys` (rows): any of account, group, kind, market; exact sums.

        System accounts and liquidators are left out: their kinds are "system" and "liquidator" in `accounts`.
        """
        people = self.accounts.loc[~self.accounts["kind"].isin(("system", "liquidator"))]
        table = self.lines.merge(people[["row", "account", "group", "kind"]], on="row")
        found = table.pivot_table("dollars", list(keys), "cause", "sum", fill_value=0.0, observed=False)
        found.columns = list(found.columns)
        found = found.reindex(columns=list(CAUSES), fill_value=0.0)
        return found.assign(loss=found.sum(axis=1))


def split_losses(model: Traced) -> Split:
    """Split the loss of every account of a finished run."""
    market, m = model.market, len(model.market.names)
    legs = legs_of(model.diary, m)
    spells = spells_of(legs, m, market.moments.last)
    causes = visible(attribute(market, spells.since, spells.market, spells.units, spells.until))
    count = len(model.accounts)
    brought = _sums(legs.row, np.where(_is(legs, BROUGHT), legs.cash, 0.0), count)
    loss = to_quanta(brought - model.equity)
    needed = needed_at_opening(model, spells)
    by_rule = raised(model, needed)
    ruled = owed_to(model, by_rule, spells, causes)
    parts = [*_lines(model, legs, spells, causes), *_of_rule(spells, ruled)]
    rest = loss - whole(np.sum([_sums(part.row, part.dollars, count) for part in parts], axis=0))
    left = np.flatnonzero(rest)
    parts.append(_Lines(left, np.full(len(left), NO_MARKET), np.zeros(len(left), np.intp), rest[left]))
    lines = _gathered(parts, model.market.names)
    return Split(lines, _accounts(model, lines, brought, loss), spells, causes, needed, by_rule)


def _of_rule(spells: Spells, dollars: Array) -> list["_Lines"]:
    """Move `dollars` (s,) of each spell from forced sales to the margin rule that made them."""
    moved = np.flatnonzero(dollars)
    row, market = spells.row[moved], spells.market[moved]
    pairs = (("forced", -dollars[moved]), ("margin_rule", dollars[moved]))
    return [_Lines(row, market, np.full(len(moved), CAUSES.index(cause)), amount) for cause, amount in pairs]


def visible(causes: Attribution) -> Attribution:
    """Take what the mark hid of a forced displacement out of `forced` and of the gap that hid it; see `closings`."""
    unseen = hidden(causes.forced, causes.mark_gap)
    shown = 1.0 - unseen / np.where(causes.forced == 0.0, 1.0, causes.forced)
    parts = causes.loss, causes.exogenous, causes.flow, causes.forced - unseen, causes.mark_gap + unseen
    return Attribution(*parts, causes.exposure * shown, causes.through * shown, causes.reference)


class _Lines(NamedTuple):
    """Dollars (l,) lost by accounts, with market and cause by number."""

    row: Index
    market: Index
    cause: Index
    dollars: Array


def _lines(model: Traced, legs: Legs, spells: Spells, causes: Attribution) -> list[_Lines]:
    """Return what all postings and spells cost, whole quanta."""
    number = {cause: i for i, cause in enumerate(CAUSES)}
    known = {**_OF_REASON, **dict.fromkeys((*_INTERNAL, *BROUGHT), "")}
    of = np.array([number.get(known.get(reason, "other"), -1) for reason in legs.reasons], np.intp)
    paid = np.flatnonzero(of[legs.reason] >= 0)
    fills = to_quanta(-legs.cash - _worth(model, legs))
    parts = [_Lines(legs.row[paid], legs.market[paid], of[legs.reason[paid]], fills[paid])]
    for part in PRICE:
        dollars: Array = getattr(causes, part)
        moved = np.flatnonzero(dollars)
        cause = np.full(len(moved), number[part])
        parts.append(_Lines(spells.row[moved], spells.market[moved], cause, dollars[moved]))
    return parts


def _worth(model: Traced, legs: Legs) -> Array:
    """Return what the units of each leg (l,) were worth at the mark that the trade found, dollars."""
    moments = model.market.moments
    logs = moments.parts[: moments.last + 1].sum(axis=1)
    if moments.lifts:
        logs = logs + np.array(moments.lifts)[:, 0]
    price = np.exp(logs)
    return np.where(legs.quantity != 0.0, legs.quantity * price[legs.moment, legs.market], 0.0)


def _gathered(parts: list[_Lines], names: tuple[str, ...]) -> pd.DataFrame:
    """Return one line for each account, market and cause, in that order."""
    c, m = len(CAUSES), len(names) + 1
    key = np.concatenate([(part.row * m + part.market + 1) * c + part.cause for part in parts])
    keys, summed = _sums_by_key(key, np.concatenate([part.dollars for part in parts]))
    place = keys // c
    market = pd.Categorical.from_codes(place % m, ["", *names])
    table = {"row": place // m, "market": market, "cause": pd.Categorical.from_codes(keys % c, list(CAUSES))}
    return pd.DataFrame({**table, "dollars": summed})


def _sums_by_key(key: Index, dollars: Array) -> tuple[Index, Array]:
    """Return the keys whose sums are not zero, rising, and the sums."""
    if key.max(initial=0) < _DENSE:
        summed = whole(_sums(key, dollars, int(key.max(initial=0)) + 1))
        keys = np.flatnonzero(summed)
        return keys, summed[keys]
    keys, back = np.unique(key, return_inverse=True)
    summed = whole(_sums(back, dollars, len(keys)))
    return keys[summed != 0.0], summed[summed != 0.0]


def _accounts(model: Traced, lines: pd.DataFrame, brought: Array, loss: Array) -> pd.DataFrame:
    names, groups, kinds = account_names(model)
    columns = {"row": np.arange(len(loss)), "account": names, "group": groups, "kind": kinds}
    table = pd.DataFrame({**columns, "brought": brought, "equity": model.equity, "loss": loss})
    place = lines["row"].to_numpy() * len(CAUSES) + lines["cause"].cat.codes.to_numpy()
    summed = _sums(place, lines["dollars"].to_numpy(), len(loss) * len(CAUSES)).reshape(-1, len(CAUSES))
    return table.assign(**dict(zip(CAUSES, summed.T, strict=True)))


def _is(legs: Legs, reasons: tuple[str, ...]) -> Array:
    return np.array([reason in reasons for reason in legs.reasons], bool)[legs.reason]


def _sums(number: Index, values: Array, n: int) -> Array:
    """Return the sum (n,) of the `values` of each `number`; exact for whole quanta."""
    return np.bincount(number, values, n).astype(float)
