"""Exact proportional splits of whole numbers."""

import numpy as np

from simulation.arrays import Array


def split(total: float, weight: Array) -> Array:
    """Split the whole number `total` >= 0 in proportion to the whole numbers `weight` (c,) >= 0, exactly.

    Largest-remainder rule: everybody gets the floor of the fair share, the units left over go to the largest
    remainders, equal remainders by position. The shares are whole and add up to `total`; with `total` at most
    sum(weight) no share exceeds its weight. All arguments stay below 2**53.

    The floor is exact although total * weight exceeds 64 bits: the quotient is guessed in floating point, and the
    remainder of the guess, being small, survives the wrap-around of 64-bit integers and corrects it.
    """
    weights = weight.astype(np.int64)
    amount, whole = np.int64(total), weights.sum()
    if amount == 0 or whole == 0:
        return np.zeros(len(weights))
    share = np.floor(float(amount) * (weight / float(whole))).astype(np.int64)
    with np.errstate(over="ignore"):
        remainder = amount * weights - share * whole
    correction = remainder // whole
    share += correction
    remainder -= correction * whole
    left = int(amount - share.sum())
    share[np.argsort(-remainder, kind="stable")[:left]] += 1
    return share.astype(float)


def split_capped(total: float, weight: Array, cap: Array) -> Array:
    """Split `total` in proportion to `weight`, no share above its whole-number `cap`; what is cut is split again.

    The shares add up to min(total, sum of caps of positive weights), exactly.
    """
    shares = np.zeros(len(weight))
    open_ = (weight > 0) & (cap > 0)
    left = min(total, cap[open_].sum())
    while left > 0:
        extra = np.zeros(len(weight))
        extra[open_] = split(left, weight[open_])
        extra = np.minimum(extra, cap - shares)
        shares += extra
        left -= extra.sum()
        open_ &= shares < cap
    return shares
