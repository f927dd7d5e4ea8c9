"""A run that can be asked afterwards where every dollar of every account went.

Question: at which moment did each posting of the journal fall? Method: the journal stays the engine's own; a list that
takes its place notes the moment of each posting as it is made. Expected: the postings and all results are unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agents.cast import StandardCast, check_population
from experiments.record.observed import Observed
from simulation.accounts import OUTSIDE
from simulation.arrays import Array, Index
from simulation.journal import Posting, Trades, Transfer
from simulation.market import Moments
from simulation.scenario import Scenario

NO_MARKET = -1  # of a leg that moves cash only


class Diary(list[Posting]):
    """The journal with the moment (index into the market's moments) of every posting."""

    def __init__(self, postings: Sequence[Posting], moments: Moments) -> None:
        """Go on from `postings`, all of the present moment."""
        super().__init__(postings)
        self._moments = moments
        self.moment = [moments.last] * len(postings)

    def append(self, posting: Posting) -> None:
        """Add a posting of the present moment."""
        super().append(posting)
        self.moment.append(self._moments.last)


class Traced(Observed):
    """The observed model with a diary.

    `absent` rows are counted out: their opening positions are closed at the price at which they were opened, and they
    never trade. Their money stays where it is, so nobody else's rows and draws change; it still stands behind losses
    that a venue shares by equity. `cautious` rows begin with half their positions, and aim at half their leverage.
    """

    def __init__(self, scenario: Scenario, absent: Sequence[int] = (), cautious: Sequence[int] = ()) -> None:
        """Open the market of `scenario`, checked, with the usual cast."""
        check_population(scenario)
        super().__init__(scenario, StandardCast(), journal=True)
        gone: Index = np.array(absent, np.intp)
        self.diary = Diary(self.accounts.journal or [], self.market.moments)
        self.accounts.journal = self.diary
        if len(gone):
            self.exchange.clearing.open(gone, -self.accounts.position[gone])
            for group in self.groups:
                group.absent = gone
        if len(cautious):
            self._halve(np.array(cautious, np.intp))

    def _halve(self, rows: Index) -> None:
        contracts = np.where(self.market.listed.spot, 0.0, self.accounts.position[rows])  # tokens are savings
        self.exchange.clearing.open(rows, -0.5 * contracts)
        for group in self.groups:
            if "leverage" in group.columns:
                group.columns["leverage"][np.isin(group.rows, rows)] *= 0.5


@dataclass(frozen=True)
class Legs:
    """What the journal moved, one entry (l,) for each account and market (or cash alone) of a posting.

    row; market, `NO_MARKET` where only cash moved; reason, an index into `reasons`; moment, that of the mark at which
    the trade found the account: before its own net volume moved the price; quantity, units; cash, dollars.
    """

    row: Index
    market: Index
    reason: Index
    moment: Index
    quantity: Array
    cash: Array
    reasons: tuple[str, ...]


def legs_of(diary: Diary, markets: int) -> Legs:
    """Return the legs of all postings, in order."""
    reasons = tuple(dict.fromkeys(posting.reason for posting in diary))
    number = {reason: i for i, reason in enumerate(reasons)}
    reason = np.array([number[posting.reason] for posting in diary], np.intp)
    moved = np.array([_moved_the_price(posting) for posting in diary], bool)
    moment = np.array(diary.moment, np.intp)
    parts = [*_trade_legs(diary, markets), *_transfer_legs(diary)]
    posting, row, market, quantity, cash = (np.concatenate(part) for part in zip(*parts, strict=True))
    kept = np.flatnonzero((quantity != 0.0) | (cash != 0.0))
    kept = kept[np.argsort(posting[kept], kind="stable")]
    before = moment - (moved & (moment > 0))
    posting = posting[kept]
    return Legs(row[kept], market[kept], reason[posting], before[posting], quantity[kept], cash[kept], reasons)


class _RawLegs(NamedTuple):
    """Posting by number, account, market, units and dollars of legs (l,)."""

    posting: Index
    row: Index
    market: Index
    quantity: Array
    cash: Array


def _trade_legs(diary: Diary, m: int) -> list[_RawLegs]:
    """Return the legs of all trades; the side against them gets its cash market by market."""
    of = [i for i, posting in enumerate(diary) if isinstance(posting, Trades) and len(posting.rows)]
    trades = [posting for posting in diary if isinstance(posting, Trades) and len(posting.rows)]
    if not trades:
        return []
    sizes = np.array([len(posting.rows) for posting in trades])
    starts = np.cumsum(sizes) - sizes
    quantity = np.concatenate([posting.bought for posting in trades])
    cash = -np.concatenate([posting.paid for posting in trades])
    numbers = np.concatenate([np.repeat(of, sizes), of])
    rows = np.concatenate([*(posting.rows for posting in trades), [posting.against.row for posting in trades]])
    # Whole lots and whole quanta: these sums are exact.
    quantity, cash = (np.concatenate([table, -np.add.reduceat(table, starts)]) for table in (quantity, cash))
    market = np.tile(np.arange(m), len(rows))
    return [_RawLegs(np.repeat(numbers, m), np.repeat(rows, m), market, quantity.ravel(), cash.ravel())]


def _transfer_legs(diary: Diary) -> list[_RawLegs]:
    """Return the legs of all transfers, which are cash alone."""
    legs = [
        (np.full(len(posting.row), i), posting.row, posting.cash)
        for i, posting in enumerate(diary)
        if isinstance(posting, Transfer)
    ]
    if not legs:
        return []
    posting, row, cash = (np.concatenate(part) for part in zip(*legs, strict=True))
    return [_RawLegs(posting, row, np.full(len(row), NO_MARKET), np.zeros(len(row)), cash)]


def _moved_the_price(posting: Posting) -> bool:
    """Tell whether a trade is the end of a net volume that went to the book, which made a moment of its own."""
    if not isinstance(posting, Trades) or posting.reason not in ("trade", "liquidation"):
        return False
    return posting.against.row == OUTSIDE and bool(posting.bought.any())


@dataclass(frozen=True)
class Spells:
    """Times (s,) in which an account held the same units of a market: from moment `since` to moment `until`."""

    row: Index
    market: Index
    units: Array
    since: Index
    until: Index


def spells_of(legs: Legs, markets: int, last: int) -> Spells:
    """Return all spells up to the moment `last`; those without units or without length are left out."""
    trades = np.flatnonzero(legs.quantity != 0.0)
    key = legs.row[trades] * markets + legs.market[trades]
    order = np.argsort(key, kind="stable")
    trades, key = trades[order], key[order]
    units = _running(key, legs.quantity[trades])
    since = legs.moment[trades]
    until = np.append(since[1:], last)
    until[np.append(key[1:] != key[:-1], True)[: len(key)]] = last
    until = until[: len(key)]
    kept = (units != 0.0) & (until != since)
    return Spells(key[kept] // markets, key[kept] % markets, units[kept], since[kept], until[kept])


def _running(key: Index, quantity: Array) -> Array:
    """Return the position after each trade; `key` names account and market. Exact, because lots are dyadic."""
    import pandas as pd

    return pd.Series(quantity).groupby(key).cumsum().to_numpy(float)


def units_held(spells: Spells, row: Index, market: Index, moment: Index) -> Array:
    """Return the units that accounts `row` held in `market` when the mark had come to `moment`; broadcasts.

    What a sale at that very moment left is not it: a sale ends the spell it found. 0 where nothing was held.
    """
    count = int(max(spells.market.max(initial=0), np.max(market, initial=0))) + 1
    times = int(max(spells.until.max(initial=0), np.max(moment, initial=0))) + 1
    key = (spells.row * count + spells.market) * times  # rising, as spells are in order of account, market and time
    at = np.searchsorted(key + spells.since, (row * count + market) * times + moment) - 1
    if not len(key):
        return np.zeros(np.shape(at))
    same = (at >= 0) & (key[at] == (row * count + market) * times) & (moment <= spells.until[at])
    return np.where(same, spells.units[at], 0.0)
