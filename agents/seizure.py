"""What the liquidation desk seizes in one round."""

from dataclasses import dataclass

from simulation.arrays import Array, Index, Mask


@dataclass
class Seizure:
    """Pools under maintenance in one round, one row each (r,): account row and pool, `position` (r, m) standing in it,
    equity, maintenance requirement and gross notional in dollars, `closing` (r, m) the signed units to be closed."""

    rows: Index
    pools: Index
    position: Array
    equity: Array
    maintenance: Array
    notional: Array
    closing: Array

    def part(self, keep: Index | Mask) -> "Seizure":
        """Return some of the pools."""
        return Seizure(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        """Return r."""
        return len(self.rows)
