"""Prices that stand still: the control, and the ground on which scripted shocks stand out."""

from typing import ClassVar

import numpy as np

from simulation.arrays import Array
from simulation.price.base import PriceProcess, World
from simulation.random import Streams


class Flat(PriceProcess):
    """Every market keeps its initial price: S(t) = S(0). Draws nothing."""

    kind: ClassVar[str] = "flat"

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        return np.tile(np.asarray(world.price, dtype=np.float64), (world.steps + 1, 1))
