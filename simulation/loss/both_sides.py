"""Losses charged to both sides of the market they come from."""

import numpy as np

from simulation.arrays import Array, ceil_to
from simulation.loss.base import LossRule, Payers
from simulation.shares import split_capped


class BothSidesLoss(LossRule):
    """In each market longs and shorts pay alike for every unit they hold: l_j / (longs + shorts) a unit.

    Whole units by largest remainder; nobody pays beyond its equity, what that cuts is asked of the others again. A loss
    in a market nobody is in stays unpaid. Source: Drift v2, resolution of perpetual bankruptcies (the loss per unit of
    base asset is written into the cumulative funding of both sides), stored 0ae3e3b1.
    """

    kind = "both_sides"

    def charge(self, loss: Array, payers: Payers) -> Array:
        """Return the shares (p,), market after market."""
        paid = np.zeros(len(payers.equity))
        for j in np.flatnonzero(loss):
            held = np.where(payers.spot[j], 0.0, np.abs(payers.lots[:, j]))
            paid += split_capped(float(loss[j]), held, payers.units - paid)
        return paid


def charge_per_unit(loss: float, longs: float, shorts: float, unit: float = 1e-6) -> float:
    """Return the dollars charged for every unit held, long or short: ceil(loss / (longs + |shorts|)).

    In whole `unit`s, so that never too little is charged; infinity where nobody is in the market and the loss cannot
    be charged to it. Source: Drift v2, `calculate_funding_rate_deltas_to_resolve_bankruptcy`.
    """
    held = abs(longs) + abs(shorts)
    return float(ceil_to(np.asarray(abs(loss) / held), unit)) if held > 0.0 else np.inf
