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


_FINEST = 1e-12  # units; float64 cannot tell finer multiples of amounts that matter
_SLACK = 4e-15  # relative; a few roundings of float64 must not push a whole number of units over the edge


def floor_to(amount: Array, unit: float) -> Array:
    """Return `amount` rounded down to whole multiples of `unit`; unit 0 rounds nothing.

    A multiple that floating point has missed by a few of its last bits counts as that multiple.
    """
    return _whole(amount, unit, -1.0)


def ceil_to(amount: Array, unit: float) -> Array:
    """Return `amount` rounded up to whole multiples of `unit`; unit 0 rounds nothing. See `floor_to`."""
    return _whole(amount, unit, 1.0)


def round_to(amount: Array, unit: float) -> Array:
    """Return `amount` rounded to the nearest whole multiple of `unit`; unit 0 rounds nothing. See `floor_to`."""
    per = _per_one(max(unit, _FINEST))
    return np.rint(np.asarray(amount, float) * per) / per if unit >= _FINEST else np.asarray(amount, float)


def trunc_to(amount: Array, unit: float) -> Array:
    """Return `amount` rounded towards zero to whole multiples of `unit`; unit 0 rounds nothing. See `floor_to`."""
    return np.sign(amount) * floor_to(np.abs(amount), unit)


def _whole(amount: Array, unit: float, upward: float) -> Array:
    """Return ceil (`upward` 1) or floor (-1) of amount / unit, times unit; whole multiples stay what they are."""
    if unit < _FINEST:
        return np.asarray(amount, float)
    per = _per_one(unit)
    count = np.asarray(amount, float) * per
    nearest = np.rint(count)
    whole = np.where(np.abs(count - nearest) <= _SLACK * np.abs(count), nearest, upward * np.ceil(upward * count))
    return whole / per


def _per_one(unit: float) -> float:
    """Return 1 / unit; 1e-6 is no float but 1e6 is, so that count / 1e6 is the float nearest to the decimal."""
    per = 1.0 / unit
    return float(np.rint(per)) if abs(per - np.rint(per)) <= _SLACK * per else per
