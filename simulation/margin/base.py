"""The margin rule: what one pool must hold against the positions that stand in it."""

from typing import ClassVar

import numpy as np

from simulation.arrays import Array, column_sum
from simulation.margin.tiers import TierSchedule
from simulation.rule import Rule


class MarginRule(Rule):
    """How requirements of positions become the requirement of a pool.

    `segregated` says where new positions stand: in pools of their own (isolated) or in the shared pool. A rule of
    your own overrides `pooled`, or `initial` and `maintenance` as well; `steepness` bounds how fast the pool's
    requirement can grow per dollar of notional and lets healthy accounts be skipped exactly (inf: never skip).
    """

    segregated: ClassVar[bool] = False
    additive: ClassVar[bool] = True

    def initial(self, notional: Array, tiers: TierSchedule) -> Array:
        """Return the stand-alone initial requirement (r, m) of positions of `notional` (r, m), dollars."""
        return tiers.initial(notional)

    def maintenance(self, notional: Array, tiers: TierSchedule) -> Array:
        """Return the stand-alone maintenance requirement (r, m) of positions of `notional` (r, m), dollars."""
        return tiers.maintenance(notional)

    def pooled(self, signed: Array) -> Array:
        """Return the requirement (r,) of pools whose positions have the signed stand-alone requirements (r, m)."""
        return column_sum(np.abs(signed))

    def steepness(self, tiers: TierSchedule) -> Array:
        """Return a bound (m,) on the growth of a pool's maintenance requirement per dollar of notional."""
        return tiers.steepest
