"""Terms of a rule that differ by market: one set for all, exceptions by the market's name."""

from collections.abc import Mapping, Sequence

import numpy as np

from simulation.arrays import Array
from simulation.strict import Strict


def by_column(names: Sequence[str], default: Strict, markets: Mapping[str, Strict], field: str) -> Array:
    """Return the number `field` (m,) of each column's terms: those of its name in `markets`, else the `default`."""
    return np.array([float(getattr(markets.get(name, default), field)) for name in names])
