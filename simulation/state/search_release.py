"""Margin that is searched for below one level and released above another."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index
from simulation.state.base import Standing, State, StateRule


class SearchReleaseState(StateRule):
    """Four levels, multiples of maintenance: 1 < search < initial < release.

    Below `search` the pool is topped up from the owner's wallet to `initial`, as far as that goes; above `release` what
    exceeds `initial` goes back; in between nothing moves (hysteresis). A pool below search is warned, and stays so
    until it has reached `initial` again; below maintenance it is liquidated. A level below the one before counts as
    that. Source: Vega protocol specifications 0019-MCAL and 0010-MARG (margin levels, scaling factors), 2021-2024.
    """

    kind = "search_release"
    moves_margin: ClassVar[bool] = True
    remembers: ClassVar[bool] = True
    search: float = Field(1.1, ge=1.0, le=100.0, description="times maintenance")
    initial: float = Field(1.2, ge=1.0, le=100.0, description="times maintenance")
    release: float = Field(1.4, ge=1.0, le=100.0, description="times maintenance")

    def state(self, standing: Standing) -> Index:
        """Return the state (r,)."""
        equity, needed = standing.equity, standing.maintenance
        due = self.due(equity, needed, standing.closing)
        warned = (standing.before >= int(State.WARNING)) & (equity < self.levels[1] * needed)
        short = (equity < self.search * needed) | warned
        calm = np.where(short, int(State.WARNING), int(State.FREE))
        return np.where(due, int(State.LIQUIDATION), calm).astype(np.intp)

    @property
    def levels(self) -> tuple[float, float, float]:
        """Return search, initial and release level, in order."""
        initial = max(self.search, self.initial)
        return self.search, initial, max(initial, self.release)

    def wanted(self, equity: Array, maintenance: Array) -> Array:
        """Return the dollars (any shape) to move into pools: positive below search, negative above release, else 0."""
        search, initial, release = self.levels
        moves = (equity < search * maintenance) | (equity > release * maintenance)
        return np.where(moves, initial * maintenance - equity, 0.0)
