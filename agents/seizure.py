"""What the liquidation desk seizes in one round."""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array, Index, Mask


@dataclass
class Seizure:
    """Pools under maintenance in one round, one row each (r,): account row and pool, `position` (r, m) standing in it,
    equity, maintenance requirement and gross notional in dollars, `closing` (r, m) the signed units to be closed.
    """

    rows: Index
    pools: Index
    position: Array
    equity: Array
    maintenance: Array
    notional: Array
    closing: Array

    @classmethod
    def nobody(cls, markets: int) -> "Seizure":
        """Return the seizure of no pool."""
        rows, none, flat = np.empty(0, np.intp), np.empty((0, markets)), np.empty(0)
        return cls(rows, rows, none, flat, flat, flat, none)

    @classmethod
    def join(cls, parts: "list[Seizure]") -> "Seizure":
        """Return several seizures as one, in order."""
        names = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def part(self, keep: Index | Mask) -> "Seizure":
        """Return some of the pools."""
        return Seizure(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        """Return r."""
        return len(self.rows)
