"""Loss shared by everybody in proportion to equity."""

from typing import ClassVar

from simulation.arrays import Array
from simulation.loss.base import LossRule, Payers
from simulation.shares import split


class EquityLoss(LossRule):
    """Every pool pays in proportion to its positive equity: c_i = E_i+ L / sum E+, whole units by largest remainder.

    The socialised loss of venues that cut all balances alike, and of Derive, whose printed cash lowers what every
    dollar on the venue can be withdrawn for (v2-core `CashAsset`, stored 7736900d).
    """

    kind = "equity"
    by_position: ClassVar[bool] = False

    def charge(self, loss: Array, payers: Payers) -> Array:
        """Return the shares (p,); everybody's whole equity where the loss is larger than all of it."""
        return split(min(float(loss.sum()), float(payers.units.sum())), payers.units)
