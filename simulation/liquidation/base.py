"""The liquidation rule: how much of a pool under maintenance margin is closed in one round, and in which order."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index
from simulation.rule import Rule

Priority = Literal["oldest", "largest_deficit", "largest_notional"]


@dataclass(frozen=True)
class Distressed:
    """Pools under maintenance margin, one row each, dollars: equity, maintenance requirement, gross notional;
    `since` is the step in which the pool was first seen under maintenance.
    """

    equity: Array
    maintenance: Array
    notional: Array
    since: Array


class LiquidationRule(Rule):
    """How forced closing works.

    Of each pool, `fraction` of every position is closed per round; a penalty of `penalty_rate` on the closed notional
    goes to the insurance fund, but only out of equity that is left. The venue takes pools on, in the order of
    `priority`, until `capacity` dollars of notional are to be closed in this round (the last one may go beyond, so
    that no pool is too large to be closed ever); the others wait.
    """

    penalty_rate: float = Field(0.005, ge=0.0, le=0.2, description="of closed notional, to the insurance fund")
    capacity: float | None = Field(None, gt=0.0, description="dollars of notional per round; none = unlimited")
    priority: Priority = Field("oldest", description="who is closed first when capacity binds")

    def fraction(self, pools: Distressed) -> Array:
        """Return the fraction (r,) of every position to close, in (0, 1]."""
        raise NotImplementedError

    def admitted(self, pools: Distressed, fraction: Array) -> Index:
        """Return the indices of the pools this round has capacity for, in the order of priority.

        Of each pool the `fraction` (r,) is to be closed.
        """
        everyone = np.arange(len(pools.equity))
        if self.capacity is None:
            return everyone
        order = self.order(pools)
        closing = (pools.notional * fraction)[order]
        before = np.cumsum(closing) - closing
        return order[before < self.capacity]

    def order(self, pools: Distressed) -> Index:
        """Return the indices of all pools in the order of priority."""
        key = {
            "oldest": pools.since,
            "largest_deficit": pools.equity - pools.maintenance,
            "largest_notional": -pools.notional,
        }[self.priority]
        return np.argsort(key, kind="stable")
