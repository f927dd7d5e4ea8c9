"""Array types, with the letters used for shapes everywhere: n accounts, m markets, k pools."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Index: TypeAlias = NDArray[np.intp]
Pools: TypeAlias = NDArray[np.integer]


def column_sum(amount: Array) -> Array:
    """Return the row sums (r,) of `amount` (r, m), adding column after column.

    The order of additions is fixed, so a row's bytes do not depend on how many rows there are or how they lie in
    memory; NumPy's own sum promises neither.
    """
    total = amount[:, 0].copy()
    for column in range(1, amount.shape[1]):
        total += amount[:, column]
    return total
