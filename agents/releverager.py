"""Re-leveragers."""

import numpy as np

from agents.holder import Holder
from agents.parameter import Parameter
from agents.view import MarketView, Members
from simulation.arrays import Array


class Releverager(Holder):
    """A holder who spends a share of the margin that profits or a milder margin rule set free.

    When the free collateral of the shared pool exceeds `slack` of its equity, all positions grow by the factor that
    uses `reuse` (phi) of it; a holder is the case phi = 0. It never shrinks a position.
    Source: procyclical leverage, T. Adrian & H. S. Shin, J. Financial Intermediation 19 (2010) 418-437.
    """

    kind = "releverager"
    reuse = Parameter(0.5, 0.0, 1.0, "share phi of free collateral that is put to work")
    slack = Parameter(0.1, 0.0, 1.0, "free collateral over equity that is left alone")

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return growth of the book where margin is free, else what a holder does (r, m)."""
        orders = super().decide(members, view)
        used = members.pool_initial.sum(axis=1)
        free = members.free_collateral - members.slack * np.maximum(members.equity, 0.0)
        # Growing by g needs g times the margin used now, and the fee on g times the notional.
        needed = used + view.taker_rate * (np.abs(members.position) * view.mark_price).sum(axis=1)
        growth = np.where((needed > 0.0) & (free > 0.0), members.reuse * free / np.maximum(needed, 1e-9), 0.0)
        return np.where(orders != 0.0, orders, growth[:, None] * members.position)
