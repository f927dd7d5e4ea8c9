"""Implied volatility: what option prices say about each asset, and how it moves."""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array
from simulation.random import Streams
from simulation.rule import Rule


@dataclass(frozen=True)
class Assets:
    """The p assets of a run: names, volatility (p,) a year, and the length of a step in years."""

    names: tuple[str, ...]
    volatility: Array
    step_years: float


class VolatilityProcess(Rule):
    """One implied-volatility surface an asset: a level at the money that moves, and a smile around it."""

    def draw(self, index: Array, assets: Assets, streams: Streams) -> Array:
        """Return the implied volatility at the money (steps + 1, p), a year, given the `index` path (steps + 1, p)."""
        raise NotImplementedError

    def implied(self, level: Array, log_moneyness: Array, years: Array) -> Array:
        """Return the implied volatility at `log_moneyness` = ln(strike / forward); without a smile it is the level."""
        return np.broadcast_to(level, np.broadcast_shapes(level.shape, np.shape(log_moneyness)))
