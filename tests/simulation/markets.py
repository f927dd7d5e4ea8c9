"""Small markets for tests of prices, impact and causes: round numbers, one rule changed at a time."""

from typing import Any

import numpy as np

from simulation.arrays import Array
from simulation.impact.base import ImpactRule
from simulation.impact.depth import DepthModel
from simulation.mark.base import MarkRule
from simulation.market import Listing, Market, Microstructure
from simulation.oracle.base import OracleRule
from simulation.rule import load_rules

for _folder in ("impact", "mark", "oracle"):  # whichever test of a market runs alone
    load_rules(f"simulation.{_folder}")

DEPTH = 1e6  # dollars


def market(path: Any, **rules: Any) -> Market:
    """A market on the exogenous `path` (steps + 1, m); rules by name: impact, mark, oracle, depth, fill_at, wicks."""
    prices = np.array(path, float)
    prices = prices[:, None] if prices.ndim == 1 else prices
    m = prices.shape[1]
    micro = Microstructure(
        ImpactRule.parse(rules.get("impact", {"kind": "linear"})),
        DepthModel.model_validate(rules.get("depth", {})),
        MarkRule.parse(rules.get("mark", {"kind": "mid"})),
        OracleRule.parse(rules.get("oracle", {"kind": "lagged"})),
        rules.get("fill_at", "average"),
    )
    listing = Listing(tuple(f"M{i}" for i in range(m)), np.full(m, DEPTH), np.full(m, rules.get("variance", 1e-6)))
    return Market(listing, micro, prices, rules.get("wicks"))


def flat(steps: int = 10, markets: int = 1, price: float = 100.0) -> Array:
    return np.full((steps + 1, markets), price)


def units(*volume: float) -> Array:
    return np.array(volume)
