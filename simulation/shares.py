"""Exact proportional splits of whole numbers."""

import numpy as np

from simulation.arrays import Array, Index


def split(total: float, weight: Array) -> Array:
    """Split the whole number `total` >= 0 in proportion to the whole numbers `weight` (c,) >= 0, exactly.

    Largest-remainder rule: everybody gets the floor of the fair share, the units left over go to the largest
    remainders, equal remainders by position. The shares are whole and add up to `total`; with `total` at most
    sum(weight) no share exceeds its weight. All arguments stay below 2**53.

    The floor is exact although total * weight exceeds 64 bits: the quotient is guessed in floating point, and the
    remainder of the guess, being small, survives the wrap-around of 64-bit integers and corrects it.
    """
    share, remainder = _floors(total, weight)
    left = int(total) - int(share.sum()) if weight.astype(np.int64).any() else 0
    share[np.argsort(-remainder, kind="stable")[:left]] += 1
    return share.astype(float)


def split_capped(total: float, weight: Array, cap: Array) -> Array:
    """Split `total` in proportion to `weight`, no share above its whole-number `cap`; what is cut is split again.

    With c such that the shares min(cap_i, c w_i) add up to min(total, sum of caps of positive weights): who is capped
    gets its cap, the others the largest-remainder split of the rest, so that nobody is a whole unit off.
    """
    shares = np.zeros(len(weight))
    open_ = np.flatnonzero((weight > 0) & (cap > 0))
    left = min(total, cap[open_].sum())
    while left > 0:
        full = _floors(left, weight[open_])[0] >= cap[open_]
        if not full.any():
            shares[open_] = split(left, weight[open_])
            break
        shares[open_[full]] = cap[open_[full]]
        left -= cap[open_[full]].sum()
        open_ = open_[~full]
    return shares


def _floors(total: float, weight: Array) -> tuple[Index, Index]:
    """Return floor(total w_i / sum w) (c,) and the remainders total w_i mod sum w (c,), exactly; see `split`."""
    weights = weight.astype(np.int64)
    amount, whole = np.int64(total), weights.sum()
    if amount == 0 or whole == 0:
        return np.zeros_like(weights), np.zeros_like(weights)
    share = np.floor(float(amount) * (weight / float(whole))).astype(np.int64)
    with np.errstate(over="ignore"):
        remainder = amount * weights - share * whole
    correction = remainder // whole
    return share + correction, remainder - correction * whole
