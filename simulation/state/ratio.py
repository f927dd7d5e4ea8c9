"""States by thresholds on equity over maintenance."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index, Mask
from simulation.state.base import Standing, State, StateRule


class RatioState(StateRule):
    """Thresholds on u = equity / maintenance, from above: warning, reduce-only, liquidation, backstop.

    u > warning: free; above `reduce_only`: warned; above `liquidation`: reduce-only; from there down liquidation, which
    goes on until `release`; at or below `backstop` the venue may take everything. A threshold below the next lower one
    counts as that. Below `initial_multiple` times the initial requirement an account is reduce-only too.
    Defaults: Binance portfolio margin, uniMMR 150 %, 120 %, 105 %, 100 % (at 105 % itself liquidation has begun),
    documentation of 2023-2025.
    """

    kind = "ratio"
    limits_orders: ClassVar[bool] = True
    warning: float = Field(1.5, ge=0.0, le=100.0, description="equity over maintenance above which all is free")
    reduce_only: float = Field(1.2, ge=0.0, le=100.0, description="equity over maintenance; only reducing from there")
    liquidation: float = Field(1.05, ge=0.1, le=100.0, description="equity over maintenance; liquidation from there")
    release: float = Field(1.05, ge=0.0, le=100.0, description="equity over maintenance at which liquidation ends")
    backstop: float = Field(1.0, ge=0.0, le=100.0, description="equity over maintenance; backstop from there")
    initial_multiple: float = Field(0.0, ge=0.0, le=10.0, description="equity over initial; only reducing below")
    inclusive: bool = Field(True, description="whether an account exactly at a threshold is already below it")

    @property
    def trigger(self) -> float:
        """Return `liquidation`."""
        return self.liquidation

    @property
    def stop(self) -> float:
        """Return `release`, at least `liquidation`."""
        return max(self.release, self.liquidation)

    def due(self, equity: Array, maintenance: Array, closing: Mask) -> Mask:
        """Tell which pools are to be closed; at the threshold itself too if that is inclusive. Nothing owes nothing."""
        below = self._under(equity, maintenance, self.trigger)
        return below | (closing & (equity < self.stop * maintenance))

    def state(self, standing: Standing) -> Index:
        """Return the state (r,)."""
        equity, needed = standing.equity, standing.maintenance
        due = self.due(equity, needed, standing.closing)
        reduce_only = max(self.reduce_only, self.liquidation)
        conditions = [
            self._under(equity, needed, min(self.backstop, self.liquidation)),
            due,
            self._under(equity, needed, reduce_only) | (equity < self.initial_multiple * standing.initial),
            self._under(equity, needed, max(self.warning, reduce_only)),
        ]
        states = [int(s) for s in (State.BACKSTOP, State.LIQUIDATION, State.REDUCE_ONLY, State.WARNING)]
        return np.select(conditions, states, int(State.FREE)).astype(np.intp)

    def _under(self, equity: Array, needed: Array, multiple: float) -> Mask:
        at = (equity == multiple * needed) & (needed > 0.0) if self.inclusive else np.zeros(np.shape(equity), bool)
        return (equity < multiple * needed) | at
