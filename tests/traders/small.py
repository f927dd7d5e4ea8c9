"""Asking traders in a small venue what they want, without letting the exchange act on it."""

from typing import Any

import numpy as np

from simulation.arrays import Array
from simulation.model import MarketModel
from tests.venues import venue


def crowd(kind: str, listed: int = 1, rules: dict[str, Any] | None = None, **parameters: Any) -> MarketModel:
    """A venue with one group of that kind: one member unless `count` says otherwise."""
    return venue([{"kind": kind, "count": 1, **parameters}], listed, **(rules or {}))


def wishes(model: MarketModel) -> Array:
    """The orders (members, m) of the first group now."""
    group = model.groups[0]
    return group.rule.decide(group.members(slice(None)), model.view)


def displace(model: MarketModel, *log_moves: float) -> None:
    """Let ordinary flow displace the mid of every market by these log moves; needs linear impact."""
    depth, price = model.market.depth, model.market.index_price
    model.market.absorb(np.array(log_moves) * depth / price, forced=False)
