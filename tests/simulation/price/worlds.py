"""Small worlds for the price tests, and the few statistics they share."""

import numpy as np

from simulation.arrays import Array
from simulation.price.base import PriceProcess, World
from simulation.random import Streams
from simulation.rule import load_rules

load_rules("simulation.price")  # whichever test of prices runs alone

HOUR = 3_600.0
SEED = 20251010


def world(markets: int = 3, steps: int = 50, step_seconds: float = HOUR, volatility: float = 0.8) -> World:
    """Markets M0, M1, ... at prices 100, 200, ... of one volatility."""
    names = tuple(f"M{i}" for i in range(markets))
    price = 100.0 * np.arange(1.0, markets + 1.0)
    return World(names, price, np.full(markets, volatility), steps, step_seconds)


def log_returns(process: PriceProcess, place: World, seed: int = SEED) -> Array:
    return np.diff(np.log(process.draw(place, Streams(seed))), axis=0)


def batch_score(statistics: Array, expected: float) -> float:
    """How many standard errors the mean of independent batch statistics lies from `expected`."""
    error = float(np.std(statistics, ddof=1)) / len(statistics) ** 0.5
    return float(np.mean(statistics) - expected) / error
