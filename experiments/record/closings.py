"""Closings: forced trades merged by pool and round, as columns. They are the nodes of the contagion graph."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from experiments.record.frames import hidden, pools_of
from simulation.accounts import QUANTUM
from simulation.arrays import Array, Index, Mask


@dataclass(frozen=True)
class Pushes:
    """Net volumes that liquidations sent to the book, (p,) or (p, m): when, and the log displacement they caused."""

    moment: Index
    step: Index
    volume: Array
    permanent: Array
    transient: Array


@dataclass(frozen=True)
class Closings:
    """What was closed of one pool in one round (n closings, m markets), in order of time.

    step, round, row, pool: when and whose; before (n,): the moment at which the losses stood; push (n,): the push it
    was part of, -1 where nothing reached the book. units (n, m): signed change of position that reached the book;
    exposure (n, m): dollars lost per unit of log displacement downwards by forced trades, as far as the mark showed
    it; reference (n, m): the moment losses count from.
    notional (n,): dollars closed. loss, exogenous, flow, forced, mark_gap (n,): dollars, whole quanta, the first the
    sum of the others. Of the forced displacement only what the mark showed counts; what the gap between mark and mid
    hid is taken out of both `forced` and `mark_gap`, whose sum stays.
    carried (n,): without that displacement the pool would not have been under maintenance.
    first (n,): row of its first event in the event table.
    A market that moves with another one (an option, a dated future) has a second column, after all markets, for the
    part of its exposure that goes through its underlying; pushes and units there are those of the underlying.
    """

    step: Index
    round: Index
    row: Index
    pool: Index
    before: Index
    push: Index
    units: Array
    exposure: Array
    reference: Index
    notional: Array
    loss: Array
    exogenous: Array
    flow: Array
    forced: Array
    mark_gap: Array
    carried: Mask
    first: Index
    pushes: Pushes

    def __len__(self) -> int:
        """Return n."""
        return len(self.step)

    @cached_property
    def seized(self) -> Index:
        """Return the moment (n,) at which each pool was found under maintenance: the beginning of its round."""
        rounds = np.unique(np.stack([self.step, self.round]), axis=1, return_inverse=True)[1].ravel()
        first = np.full(len(self), np.iinfo(np.intp).max)
        np.minimum.at(first, rounds, self.before)
        return first[rounds]

    @cached_property
    def share(self) -> Array:
        """Return which fraction (n, m) of its push's volume each closing was; 0 where nothing reached the book.

        Where longs and shorts were closed together the fractions have both signs and still add up to 1.
        """
        if not len(self.pushes.moment):
            return np.zeros_like(self.units)
        volume = self.pushes.volume[self.push]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(volume != 0.0, self.units / volume, 0.0)
        share[self.push < 0] = 0.0
        return share


def closings_of(events: pd.DataFrame, pushes: pd.DataFrame, markets: tuple[str, ...]) -> Closings:
    """Merge the event table and the push table of a run (see `frames`) into closings."""
    number, ties = pools_of(events), _ties(events, markets)
    n = int(number.max(initial=-1)) + 1
    first = np.unique(number, return_index=True)[1]
    market = pd.Index(markets).get_indexer(pd.Index(events["market"]))
    book = (events["taker"] == "book").to_numpy(bool)
    dollars, visible = _seen(events)
    table = _Table(number, market, ties, (n, len(markets)))
    reference = np.zeros((n, len(markets)), np.intp)
    reference[number, market] = events["reference"]
    reference = np.hstack([reference, reference[:, [tied for tied, _ in ties]]])
    push = np.full(n, -1)
    np.maximum.at(push, number, events["push"].to_numpy())
    seized = events.iloc[first]

    def when(key: str) -> Index:
        return seized[key].to_numpy(np.intp)

    return Closings(
        step=when("step"),
        round=when("round"),
        row=when("row"),
        pool=when("pool"),
        before=(events["moment"].to_numpy() - book)[first],
        push=push,
        units=table.add(np.where(book, events["quantity"].to_numpy(), 0.0)),
        exposure=table.add(events["exposure"].to_numpy() * visible, events["through"].to_numpy() * visible),
        reference=reference,
        notional=totals(number, events["notional"].to_numpy(float), n),
        **{key: whole(totals(number, values, n)) for key, values in dollars.items()},
        carried=(seized["unforced_equity"] >= seized["unforced_maintenance"]).to_numpy(bool),
        first=first,
        pushes=_pushes(pushes, len(markets), [source for _, source in ties]),
    )


@dataclass(frozen=True)
class _Table:
    """Sums by closing and market of what events (e,) hold: `number` (e,) of the closing, `market` (e,), size (n, m)."""

    number: Index
    market: Index
    ties: list[tuple[int, int]]
    size: tuple[int, int]

    def add(self, values: Array, through: Array | None = None) -> Array:
        """Return the sums (n, m + ties); tied columns hold `through`, or what their underlying holds."""
        direct, indirect = np.zeros((2, *self.size))
        np.add.at(direct, (self.number, self.market), values)
        if through is None:
            return np.hstack([direct, direct[:, [source for _, source in self.ties]]])
        np.add.at(indirect, (self.number, self.market), through)
        return np.hstack([direct, indirect[:, [tied for tied, _ in self.ties]]])


def _seen(events: pd.DataFrame) -> tuple[dict[str, Array], Array]:
    """Return loss and its parts (e,) with what the mark hid taken out of `forced`, and the fraction (e,) it showed."""
    dollars = {key: events[key].to_numpy(float) for key in ("loss", "exogenous", "flow", "forced", "mark_gap")}
    forced = dollars["forced"]
    unseen = hidden(forced, dollars["mark_gap"])
    dollars["forced"], dollars["mark_gap"] = forced - unseen, dollars["mark_gap"] + unseen
    return dollars, 1.0 - unseen / np.where(forced == 0.0, 1.0, forced)


def totals(number: Index, values: Array, n: int) -> Array:
    """Return the sum (n,) of the `values` (e,) of each `number` (e,) below n."""
    summed = np.zeros(n)
    np.add.at(summed, number, values)
    return summed


def whole(dollars: Array) -> Array:
    """Return sums of whole quanta without the last bit of rounding that long sums may carry."""
    return np.rint(dollars / QUANTUM) * QUANTUM


def _ties(events: pd.DataFrame, markets: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return (market, underlying) of every market among the events that moves with another one."""
    pairs = events.loc[events["underlying"] != "", ["market", "underlying"]].drop_duplicates()
    return sorted((markets.index(one), markets.index(other)) for one, other in pairs.itertuples(index=False))


def _pushes(table: pd.DataFrame, m: int, sources: list[int]) -> Pushes:
    when = (table[key].to_numpy().reshape(-1, m)[:, 0] for key in ("moment", "step"))
    what = (table[key].to_numpy().reshape(-1, m) for key in ("volume", "permanent", "transient"))
    return Pushes(*when, *(np.hstack([values, values[:, sources]]) for values in what))
