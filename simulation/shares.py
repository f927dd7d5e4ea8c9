"""Exact proportional splits of whole numbers."""

import numpy as np

from simulation.arrays import Array


def split(total: float, weight: Array) -> Array:
    """Split the whole number `total` >= 0 in proportion to the whole numbers `weight` (c,) >= 0, exactly.

    Largest-remainder rule: everybody gets the floor of the fair share, the units left over go to the largest
    remainders, equal remainders by position. The shares are whole and add up to `total`; with `total` at most
    sum(weight) no share exceeds its weight. Python integers keep the products exact beyond 2**53.
    """
    amount, weights = int(total), [int(w) for w in weight]
    whole = sum(weights)
    if amount == 0 or whole == 0:
        return np.zeros(len(weights))
    parts = [divmod(amount * w, whole) for w in weights]
    shares = np.array([part for part, _ in parts], dtype=float)
    left = amount - sum(part for part, _ in parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (-parts[i][1], i))
    shares[by_remainder[:left]] += 1.0
    return shares


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
