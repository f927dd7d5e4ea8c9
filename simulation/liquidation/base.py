"""The liquidation rule: how much of a pool under maintenance margin is closed in one round, and in which order."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index
from simulation.rule import Rule

Priority = Literal["oldest", "largest_deficit", "largest_notional"]


@dataclass(frozen=True)
class Distressed:
    """Pools under maintenance margin, one row each, dollars: equity, maintenance requirement, gross notional;
    `since` is the step in which the pool was first seen under maintenance; `now` is the present step, of
    `step_seconds`; `closed_at` the step in which a part of it was closed last (minus infinity: never). `stop` is the
    multiple of maintenance at which the venue lets go.
    """

    equity: Array
    maintenance: Array
    notional: Array
    since: Array
    now: float = 0.0
    step_seconds: float = 60.0
    stop: float = 1.0
    closed_at: Array | None = None

    @property
    def waited_seconds(self) -> Array:
        """Return how long each pool (r,) has been under maintenance."""
        return (self.now - self.since) * self.step_seconds

    @property
    def rested_seconds(self) -> Array:
        """Return how long ago a part of each pool (r,) was closed, infinity where none was."""
        if self.closed_at is None:
            return np.full(len(self.equity), np.inf)
        return (self.now - self.closed_at) * self.step_seconds


class LiquidationRule(Rule):
    """How forced closing works.

    Of each pool, `fraction` of every position is closed per round; a penalty of `penalty_rate` on the closed notional
    goes to the insurance fund, but only out of equity that is left. What is closed against winners (deleveraging) costs
    no penalty, neither a pool that is closed so whole nor one whose rest goes to the book: dYdX v4 (x/clob,
    `ProcessDeleveraging`) and Binance (auto-deleveraging) take no fee. The venue takes pools on, in the order of
    `priority`, until `capacity` dollars of notional are to be closed in this round (the last one may go beyond, so
    that no pool is too large to be closed ever), and no more than `most_pools` of them (a block, an auction house or
    a crew of keepers has room for so many); the others wait. So do pools of which nothing is to be closed now.
    Orders of traders live for one step and are gone when liquidation begins, so there are none to be cancelled first.
    """

    timed: ClassVar[bool] = False  # whether `since` and `closed_at` are looked at; they are kept up only then
    window_seconds: ClassVar[float] = 0.0  # over which `limit` counts what was closed

    penalty_rate: float = Field(0.005, ge=0.0, le=0.2, description="of closed notional, to the insurance fund")
    capacity: float | None = Field(None, gt=0.0, description="dollars of notional per round; none = unlimited")
    most_pools: int | None = Field(None, ge=1, le=10**9, description="pools closed per round; none = unlimited")
    priority: Priority = Field("oldest", description="who is closed first when capacity binds")

    @property
    def limited(self) -> bool:
        """Tell whether a round has room for so much only, so that pools may have to wait."""
        return self.capacity is not None or self.most_pools is not None

    def fraction(self, pools: Distressed) -> Array:
        """Return the fraction (r,) of every position to close, in [0, 1]; 0 means that the pool waits."""
        raise NotImplementedError

    def limit(self, depth: Array, used: Array) -> Array | None:
        """Return the dollars (m,) that may be closed now in each market, None without a limit.

        `depth` (m,) dollars of the markets; `used` (m,) dollars closed within the last `window_seconds`.
        """
        return None

    def concession(self, pools: Distressed, fraction: Array) -> Array | None:
        """Return the dollars (r,) by which the taker of `fraction` of a pool pays less than the mark, None at the book.

        A rule that names a concession sells to bidders, not to the order book: see `agents.auction`.
        """
        return None

    def admitted(self, pools: Distressed, fraction: Array) -> Index:
        """Return the indices of the pools this round has capacity for, in the order of priority.

        Of each pool the `fraction` (r,) is to be closed.
        """
        if not self.limited:
            return np.flatnonzero(fraction > 0.0)
        order = self.order(pools)
        order = order[fraction[order] > 0.0]
        closing = (pools.notional * fraction)[order]
        before = np.cumsum(closing) - closing
        return order[before < (np.inf if self.capacity is None else self.capacity)][: self.most_pools]

    def order(self, pools: Distressed) -> Index:
        """Return the indices of all pools in the order of priority."""
        key = {
            "oldest": pools.since,
            "largest_deficit": pools.equity - pools.maintenance,
            "largest_notional": -pools.notional,
        }[self.priority]
        return np.argsort(key, kind="stable")
