"""No impact: the exact counterfactual of the same storm."""

import numpy as np

from simulation.arrays import Array
from simulation.impact.base import Book, ImpactRule, Move


class NoImpact(ImpactRule):
    """Volume leaves the price alone: move = 0."""

    kind = "none"

    def move(self, done: Array, volume: Array, book: Book) -> Move:
        """Return zeros (m,)."""
        zero = np.zeros_like(volume)
        return Move(zero, zero)
