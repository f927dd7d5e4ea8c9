"""The market: four named prices, the displacement that trades have caused, and the moments they are remembered by.

mid = index * exp(flow + forced): the exogenous index price, drawn before the run and never moved by agents, times
what ordinary flow and forced (liquidation) flow have done to it. Every change of the mid is a *moment*; positions
remember the moment they last changed, so the loss since then can be split exactly into its causes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from simulation.arrays import Array
from simulation.board import Board, Listed
from simulation.contracts import Contracts
from simulation.errors import CapacityError
from simulation.impact.base import Book, ImpactRule, Move
from simulation.impact.depth import DepthModel
from simulation.mark.base import MarkRule
from simulation.oracle.base import OracleRule
from simulation.valuation.base import Seen, ValuationRule
from simulation.valuation.mark import MarkValuation

FillAt: TypeAlias = Literal["before", "average", "after"]
LARGEST_MOVE = 25.0  # log; beyond it an impact law says nothing about any market


@dataclass(frozen=True)
class Microstructure:
    """The rules a market trades by; `fill_at` says which price of its own impact a trade pays.

    `valuation` says at which price tokens count, in steps of `step_seconds`.
    """

    impact: ImpactRule
    depth: DepthModel
    mark: MarkRule
    oracle: OracleRule
    fill_at: FillAt = "average"
    valuation: ValuationRule = field(default_factory=lambda: MarkValuation.model_validate({}))
    step_seconds: float = 60.0


@dataclass(frozen=True)
class Listing:
    """What is fixed about the markets: names, normal depth (m,) in dollars, normal variance per step (m,).

    `contracts` is there only where some columns are more than markets with an index of their own.
    """

    names: tuple[str, ...]
    depth: Array
    variance: Array
    contracts: Contracts | None = None


@dataclass(frozen=True)
class Push:
    """One net volume that liquidations sent to the book: when, how much (m,), and the log displacement it caused."""

    moment: int
    step: int
    volume: Array
    permanent: Array
    transient: Array


class Market:
    """Prices of m markets over a run.

    Attributes:
        index_price, oracle_price, mark_price, fill_price: (m,) the four prices, never mixed. `fill_price` is what the
            last trade paid.
        mid: (m,) middle of the venue's book.
        history: the four prices by name, each (steps + 1, m), filled up to `step`.
    """

    def __init__(
        self,
        listing: Listing,
        rules: Microstructure,
        path: Array,
        wicks: Array | None = None,
        dislocations: Array | None = None,
    ) -> None:
        """Stand at step 0 of the exogenous `path` (steps + 1, m).

        Factors (steps + 1, m): `wicks` on fills only, `dislocations` on the mid of the venue's own book.
        """
        self.listing, self.rules, self.path, self.wicks = listing, rules, path, wicks
        self.dislocations = dislocations
        self._listed = listing.contracts.listed if listing.contracts else Listed.plain(listing.names)
        self._derived = listing.contracts if listing.contracts is not None and len(listing.contracts.derived) else None
        self.step, steps, m = 0, len(path) - 1, path.shape[1]
        self._decay = 0.5 ** (1.0 / rules.impact.half_life_steps)
        self.permanent, self.transient = np.zeros((2, m)), np.zeros((2, m))  # rows: ordinary flow, forced flow
        self.metaorder, self.variance, self.depth = np.zeros(m), listing.variance.copy(), listing.depth
        self.index_price = path[0]
        self._lift, self._lever = np.zeros((2, m)) if self._derived is None else self._derived.lift(path[0], path[0], 0)
        self.oracle_price = rules.oracle.read(path, 0, path[0])
        self.mid, self.mark_price, self.fill_price = path[0], path[0].copy(), path[0].copy()
        self._own_mark = self.mark_price  # before a valuation rule says otherwise of tokens
        self._values = bool(self._listed.spot.any()) and not isinstance(rules.valuation, MarkValuation)
        self._age = np.zeros(m)  # seconds since the oracle moved
        self._measured = path[0]  # the mid at the last reading of the variance: pushes since then count as moves
        self.history = {name: np.full((steps + 1, m), np.nan) for name in ("index", "oracle", "mark", "fill")}
        self.moments = Moments(m)
        self.pushes: list[Push] = []
        self._remember()
        self.record()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the market names."""
        return self.listing.names

    @property
    def listed(self) -> Listed:
        """Return what kind of contract each column is."""
        return self._listed

    def board(self, price: Array, **known: Array) -> Board:
        """Return what is public about the markets now, with `price` (m,) as the price of each column."""
        contracts = self.listing.contracts
        if contracts is None:
            return Board.at(self._listed, price, spot=self.oracle_price, forward=self.oracle_price, **known)
        return Board.at(self._listed, price, **contracts.facts(self.oracle_price[contracts.source], self.step), **known)

    @property
    def displacement(self) -> Array:
        """Return the log displacement (2, m) of the mid from the index: by ordinary flow, by forced flow."""
        return self.permanent + self.transient

    def advance(self) -> None:
        """Go to the next step: the index moves, transient impact decays, oracle and mark follow."""
        self.step += 1
        self.transient *= self._decay
        self.metaorder *= self._decay
        self.index_price = self.path[self.step]
        self._set_mid()
        basis, before = self._own_mark / self.oracle_price, self.oracle_price
        self.oracle_price = self.rules.oracle.read(self.path, self.step, before)
        self._own_mark = self.rules.mark.price(self.mid, self.oracle_price, basis)
        self.mark_price = self._valued(before) if self._values else self._own_mark
        self.variance = self.rules.depth.update(self.variance, np.log(self.mid / self._measured))
        self._measured = self.mid
        self.depth = self.rules.depth.depth(self.listing.depth, self.variance, self.listing.variance)
        self._remember()

    def quote(self, volume: Array) -> Array:
        """Return the price (m,) at which the net `volume` (m,) of units would fill now, without trading."""
        return self._fill_price(self._move(volume))

    def log_price_after(self, volume: Array) -> Array:
        """Return the log price (m,) of a fill at the end of the net `volume` (m,) of units, without trading.

        A search may ask for what no order may: beyond the largest move it is that.
        """
        move = self.rules.impact.move(self.metaorder, volume, Book(self.mid, self.index_price, self.depth))
        price = self.mid if self.wicks is None else self.mid * self.wicks[self.step]
        return np.log(price) + np.clip(np.nan_to_num(move.final), -LARGEST_MOVE, LARGEST_MOVE)

    @contextmanager
    def supposing(self, volume: Array) -> Iterator[None]:
        """Show the mid and the mark that the net `volume` (m,) would leave, without trading; then put back what was."""
        kept = self.permanent, self.mid, self._own_mark, self.mark_price, self._lift, self._lever
        self.permanent = self.permanent + np.array([self._move(volume).final, np.zeros(len(volume))])
        self._set_mid()
        self._follow_mid()
        try:
            yield
        finally:
            self.permanent, self.mid, self._own_mark, self.mark_price, self._lift, self._lever = kept

    def absorb(self, volume: Array, forced: bool) -> Array:
        """Fill the net `volume` (m,) against the outside market, move the mid, and return the fill price (m,)."""
        move = self._move(volume)
        fill = self._fill_price(move)
        share = self.rules.impact.permanent_share
        permanent, transient = share * move.final, (1.0 - share) * move.final
        self.permanent[int(forced)] += permanent
        self.transient[int(forced)] += transient
        self.metaorder += volume
        self._set_mid()
        traded = volume != 0.0
        self.fill_price = np.where(traded, fill, self.fill_price)
        self._follow_mid()
        self._remember()
        if forced:
            self.pushes.append(Push(self.moments.last, self.step, volume, permanent, transient))
        return fill

    def remaining(self, push: Push, step: int) -> Array:
        """Return what is left (m,) at `step` of the log displacement that `push` caused."""
        return push.permanent + push.transient * self._decay ** (step - push.step)

    def record(self) -> None:
        """Write the four prices of this step into the history."""
        for column, price in zip(self.history.values(), self.prices(), strict=True):
            column[self.step] = price

    def prices(self) -> Sequence[Array]:
        """Return index, oracle, mark and fill price (m,)."""
        return self.index_price, self.oracle_price, self.mark_price, self.fill_price

    def _valued(self, oracle_before: Array) -> Array:
        """Return the mark (m,) with tokens at the price at which they count; it stands until the next step."""
        self._age = np.where(self.oracle_price == oracle_before, self._age + self.rules.step_seconds, 0.0)
        seen = Seen(
            self.names, self._own_mark, self.oracle_price, self.mark_price, self._age, np.ones_like(self._age),
            self.rules.step_seconds,
        )  # fmt: skip
        return np.where(self._listed.spot, self.rules.valuation.price(seen), self._own_mark)

    def _move(self, volume: Array) -> Move:
        move = self.rules.impact.move(self.metaorder, volume, Book(self.mid, self.index_price, self.depth))
        worst = np.abs(move.final).max()
        if not worst <= LARGEST_MOVE:
            raise CapacityError(
                f"step {self.step}: the net volume would move a price by a factor e**{worst:.3g}; "
                "raise markets.depth or lower impact.scale"
            )
        return move

    def _fill_price(self, move: Move) -> Array:
        log_move = {"before": 0.0, "average": move.average, "after": move.final}[self.rules.fill_at]
        fill = self.mid * np.exp(log_move)
        return fill if self.wicks is None else fill * self.wicks[self.step]

    def _set_mid(self) -> None:
        displacement = self.permanent + self.transient
        self.mid = self.index_price * np.exp(displacement[0] + displacement[1])
        if self.dislocations is not None:
            self.mid = self.mid * self.dislocations[self.step]
        if self._derived is not None:
            self._lift, self._lever = self._derived.lift(self.mid, self.index_price, self.step)
            self.mid = self.mid * np.exp(self._lift)

    def _follow_mid(self) -> None:
        own = self._own_mark = self.rules.mark.within_step(self.mid, self._own_mark)
        self.mark_price = np.where(self._listed.spot, self.mark_price, own) if self._values else own

    def _remember(self) -> None:
        parts = self.moments.add(self.step)
        np.log(self.index_price, out=parts[0])
        np.add(self.permanent, self.transient, out=parts[1:3])
        if self.mark_price is not self.mid:
            np.log(self.mark_price / self.mid, out=parts[3])
        if self.dislocations is not None:
            parts[3] += np.log(self.dislocations[self.step])
        if self._derived is not None:
            self.moments.lifts.append((self._lift, self._lever))


class Moments:
    """What the mark was made of at every moment of a run, as growing columns.

    `parts` (moments, 4, m): log index, ordinary flow, forced flow, log of mark over mid (and of the book's own
    dislocation); they add up to the log mark, less what the displacement of an underlying lifts a derived column by.
    `lifts`: that lift and its lever (m,) each, moment by moment, where there are derived columns.
    """

    def __init__(self, markets: int) -> None:
        """Start empty."""
        self.last = -1
        self.step = np.zeros(64, np.int64)
        self.parts = np.zeros((64, 4, markets))
        self.lifts: list[tuple[Array, Array]] = []

    def add(self, step: int) -> Array:
        """Append one moment and return its parts (4, m), zeros to be filled in."""
        self.last += 1
        if self.last == len(self.step):
            self.step = np.concatenate([self.step, np.zeros_like(self.step)])
            self.parts = np.concatenate([self.parts, np.zeros_like(self.parts)])
        self.step[self.last] = step
        return self.parts[self.last]
