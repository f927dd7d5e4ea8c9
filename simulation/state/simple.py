"""Liquidation below maintenance, and nothing before it."""

import numpy as np

from simulation.arrays import Index
from simulation.state.base import Standing, State, StateRule


class SimpleState(StateRule):
    """Liquidation while equity < maintenance; below initial margin only smaller positions; free otherwise.

    That orders must leave initial margin is what every order check asks already; the state only names it.
    """

    kind = "simple"

    def state(self, standing: Standing) -> Index:
        """Return the state (r,)."""
        due = self.due(standing.equity, standing.maintenance, standing.closing)
        short = np.where(standing.equity < standing.initial, int(State.REDUCE_ONLY), int(State.FREE))
        return np.where(due, int(State.LIQUIDATION), short).astype(np.intp)
