"""Correlated unit shocks: Gaussian, or Student-t with one common mixing variable a step."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.factoring import mix
from simulation.price.base import World
from simulation.random import Streams

TailIndex = Annotated[float, Field(gt=2.0, le=1000.0, description="tails fall like |x| to the minus this")]
"""Degrees of freedom of the Student-t shocks: tails fall like |x|^-tail_index; the variance needs 2."""


def independent(world: World, streams: Streams) -> Array:
    """Return independent standard normal values (steps, m), one stream a market.

    Every process draws these from the same streams, so two processes under one seed differ by their rule
    alone.
    """
    return by_market(world, lambda name: streams.normal(f"price/normal/{name}", 0, world.steps))


def by_market(world: World, draw: Callable[[str], Array]) -> Array:
    """Return what `draw(name)` gives for each market, (steps,) each, as columns (steps, m)."""
    columns = np.empty((world.steps, world.markets))
    for market, name in enumerate(world.names):
        columns[:, market] = draw(name)
    return columns


def gaussian(world: World, streams: Streams, factor: Array) -> Array:
    """Return Gaussian shocks (steps, m) with unit variance and the correlation L L' of `factor` L."""
    return mix(independent(world, streams), factor)


def stretch(world: World, streams: Streams, tail_index: float) -> Array:
    """Return sqrt((nu - 2) / W) (steps, 1), W ~ chi-square(nu): it makes unit Gaussian shocks Student-t.

    W is drawn by its inverse distribution function, so each step takes one value whatever nu is.
    """
    from scipy.special import chdtri  # late: see simulation.random

    survival = streams.uniform("price/mixing", 0, world.steps)
    return np.sqrt((tail_index - 2.0) / chdtri(tail_index, survival))[:, None]
