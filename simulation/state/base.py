"""The state rule: which state an account's health puts it in, where liquidation begins and where it stops."""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np

from simulation.arrays import Array, Index, Mask
from simulation.rule import Rule


class State(IntEnum):
    """What an account may do, from best to worst."""

    FREE = 0  # everything
    WARNING = 1  # everything; its owner is told, or asked for more margin
    REDUCE_ONLY = 2  # only trades that make positions smaller
    LIQUIDATION = 3  # the venue closes positions
    BACKSTOP = 4  # a vault may take over what is left


@dataclass(frozen=True)
class Standing:
    """Where pools stand, one row each (r,): equity, initial and maintenance requirement in dollars; `closing` tells
    which the venue has begun to close and not let go yet; `before` the state they were in last (0 at the start).
    """

    equity: Array
    initial: Array
    maintenance: Array
    closing: Mask
    before: Index

    @classmethod
    def fresh(cls, equity: Array, initial: Array, maintenance: Array) -> "Standing":
        """Return pools without a history."""
        return cls(equity, initial, maintenance, np.zeros(len(equity), bool), np.zeros(len(equity), np.intp))


class StateRule(Rule):
    """How health becomes a state.

    Liquidation begins when equity is below `trigger` times the maintenance requirement and goes on until it has
    reached `stop` times it: a stop above the trigger keeps accounts from flapping in and out (hysteresis). Both are
    numbers, so that accounts which cannot be in trouble can still be skipped exactly.
    """

    limits_orders: ClassVar[bool] = False  # whether reduce-only is more than what the initial-margin check enforces
    moves_margin: ClassVar[bool] = False  # whether margin of isolated pools is searched for and released
    remembers: ClassVar[bool] = False  # whether `before` is looked at

    @property
    def trigger(self) -> float:
        """Return the multiple of maintenance below which liquidation begins."""
        return 1.0

    @property
    def stop(self) -> float:
        """Return the multiple of maintenance at which liquidation ends, at least `trigger`."""
        return self.trigger

    def due(self, equity: Array, maintenance: Array, closing: Mask) -> Mask:
        """Tell which pools, of any shape, are to be closed (further): below the trigger, or begun and below the stop.

        Strictly below: at the threshold a pool is safe.
        """
        below = equity < self.trigger * maintenance
        return below | (closing & (equity < self.stop * maintenance)) if closing.any() else below

    def state(self, standing: Standing) -> Index:
        """Return the state (r,) of each pool, a `State` as a number."""
        raise NotImplementedError
