"""What a trader sees: the public market, and its own rows. Never the exchange, never somebody else's account."""

from functools import cached_property
from typing import Any

import numpy as np

from simulation.accounts import SHARED, Accounts
from simulation.arrays import Array, Index, column_sum
from simulation.board import Board
from simulation.health import MarginEngine
from simulation.holdings import Health, Holdings
from simulation.market import Market
from simulation.random import Streams


class MarketView:
    """The public side of the market at this step; every column has one entry a market, (m,)."""

    def __init__(self, market: Market, step_years: float, taker_rate: float = 0.0) -> None:
        """Look at `market`; a step lasts `step_years` years, a fill costs `taker_rate` of its notional."""
        self._market, self.step_years, self.taker_rate = market, step_years, taker_rate
        self._asked: tuple[int, Array] = (-1, market.mark_price)

    @property
    def step(self) -> int:
        """Return the number of the present step."""
        return self._market.step

    @property
    def names(self) -> tuple[str, ...]:
        """Return the market names."""
        return self._market.names

    @property
    def mark_price(self) -> Array:
        """Return the mark price (m,), dollars."""
        return self._market.mark_price

    @property
    def opening_mark(self) -> Array:
        """Return the first mark price (m,) of the run, dollars."""
        return self._market.history["mark"][0]

    @property
    def last_mark(self) -> Array:
        """Return the mark (m,) at which traders last decided within this step, or else at which the last one ended."""
        asked, mark = self._asked
        return mark if asked == self.step else self._market.history["mark"][max(self.step - 1, 0)]

    def decided(self) -> None:
        """Note that traders have decided at the present marks, and that their orders fill now."""
        self._asked = self.step, self.mark_price

    @property
    def oracle_price(self) -> Array:
        """Return the oracle price (m,), dollars."""
        return self._market.oracle_price

    @property
    def board(self) -> Board:
        """Return what is public about the columns at their marks: strikes, times to expiry, implied volatilities."""
        return self._market.board(self.mark_price)

    @property
    def depth(self) -> Array:
        """Return the depth (m,) of the outside market, dollars."""
        return self._market.depth

    @property
    def volatility(self) -> Array:
        """Return the recent volatility of the mid price (m,), a year."""
        return np.sqrt(self._market.variance / self.step_years)

    def log_return(self, lookback: Array) -> Array:
        """Return the log return of the mark over each of the last `lookback` (r,) steps, (r, m).

        Before that much history exists the return counts from the first mark.
        """
        start = np.maximum(self.step - np.asarray(lookback, np.intp), 0)
        return np.log(self.mark_price / self._market.history["mark"][start])

    def past_returns(self, lookback: int) -> Array:
        """Return the log returns (k, m) of the mark over the last `lookback` steps, oldest first, the present one too.

        Before that much history exists there are fewer: k = min(lookback, step).
        """
        marks = self._market.history["mark"][max(0, self.step - lookback) : self.step]
        return np.diff(np.log(np.vstack([marks, self.mark_price])), axis=0)

    def average_price(self, lookback: int) -> Array:
        """Return the mean mark price (m,) over the last `lookback` recorded steps."""
        marks = self._market.history["mark"]
        return marks[max(0, self.step - lookback) : max(1, self.step)].mean(axis=0)


class Members:
    """Some members of a group, one row each: (r,) columns of parameters, (r, m) positions, (r, k) pools.

    Every parameter of the trader type is an attribute, an array (r,).
    """

    def __init__(self, group: Any, which: slice | Index, rows: Index) -> None:
        """Select `which` members of `group`; their account rows are `rows`."""
        self._group, self._which, self.rows = group, which, rows

    def __len__(self) -> int:
        """Return r."""
        return len(self.rows)

    def __getattr__(self, name: str) -> Any:
        """Return a parameter column (r,) or a setting of the group."""
        group = self.__dict__["_group"]
        if name in group.columns:
            return group.columns[name][self._which]
        if name in group.settings:
            return group.settings[name]
        raise AttributeError(f"{group.trader.__name__} members have no parameter '{name}'")

    @cached_property
    def position(self) -> Array:
        """Return signed quantities (r, m), units."""
        return self._held.position

    @cached_property
    def entry_price(self) -> Array:
        """Return the average price paid (r, m), dollars."""
        return self._accounts.entry_price[self.rows]

    @property
    def health(self) -> Health:
        """Return equity and requirements by pool, (r, k) each, dollars."""
        return Health(self.pool_equity, self.pool_initial, self.pool_maintenance)

    @cached_property
    def pool_equity(self) -> Array:
        """Return the equity of every pool (r, k), dollars."""
        return self._engine.equity(self.rows, self._held, self._engine.market.mark_price)

    @cached_property
    def pool_initial(self) -> Array:
        """Return the initial requirement of every pool (r, k), dollars."""
        return self._engine.initial(self._held, self._engine.market.mark_price)

    @cached_property
    def pool_maintenance(self) -> Array:
        """Return the maintenance requirement of every pool (r, k), dollars."""
        return self._engine.maintenance(self._held, self._engine.market.mark_price)

    @cached_property
    def equity(self) -> Array:
        """Return the equity of each account over all its pools (r,), dollars."""
        return column_sum(self.pool_equity)

    @property
    def free_collateral(self) -> Array:
        """Return the equity of the shared pool beyond its initial requirement (r,), dollars, at least 0."""
        return np.maximum(self.pool_equity[:, SHARED] - self.pool_initial[:, SHARED], 0.0)

    @cached_property
    def _held(self) -> Holdings:
        return self._engine.holdings(self.rows)

    @property
    def reserve(self) -> Array:
        """Return what each member still has outside the venue (r,), dollars."""
        return self._group.reserve[self._which]

    @property
    def deposited(self) -> Array:
        """Return what each member has brought in so far (r,), dollars."""
        return self._group.deposited[self._which]

    def uniform(self, what: str, per_member: int = 1) -> Array:
        """Return uniform numbers (r, per_member) in (0, 1) for this step, keyed by group, `what` and member."""
        return self._draw("uniform", what, per_member)

    def normal(self, what: str, per_member: int = 1) -> Array:
        """Return standard normal numbers (r, per_member) for this step, keyed by group, `what` and member."""
        return self._draw("normal", what, per_member)

    def constant_uniform(self, what: str, per_member: int = 1) -> Array:
        """Return uniform numbers (r, per_member) that belong to a member for the whole run."""
        return self._group.constant("uniform", what, per_member)[self._which]

    def constant_normal(self, what: str, per_member: int = 1) -> Array:
        """Return standard normal numbers (r, per_member) that belong to a member for the whole run."""
        return self._group.constant("normal", what, per_member)[self._which]

    def top_up(self, amount: Array) -> None:
        """Bring `amount` (r, k) dollars from the reserve into the pools, as far as the reserve goes."""
        self._group.request_top_up(self._which, self.rows, amount)

    def withdraw(self, amount: Array) -> None:
        """Ask to take `amount` (r,) dollars out of the shared pool; the exchange grants what initial margin allows."""
        self._group.request_withdrawal(self.rows, amount)

    def _draw(self, law: str, what: str, per_member: int) -> Array:
        streams: Streams = self._group.streams
        stream = f"trader/{self._group.name}/{what}"
        draw = streams.uniform if law == "uniform" else streams.normal
        # A member's numbers are keyed by its place in its cohort, whoever else is asked.
        place = (self.rows - self._group.first_row) // self._group.cohorts
        numbers = draw(stream, self._group.market.step, (int(place[-1]) + 1) * per_member)
        return numbers.reshape(-1, per_member)[place]

    @property
    def _accounts(self) -> Accounts:
        return self._group.accounts

    @property
    def _engine(self) -> MarginEngine:
        return self._group.engine
