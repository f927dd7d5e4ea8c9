"""How the weight of a token shrinks, or that of a debt grows, with its size and with what everybody holds."""

import numpy as np

from simulation.arrays import Array, ceil_to, floor_to

_DISCOUNT_HEADROOM = 1.1  # numerator of Drift's discount: small sizes keep their base weight
_PREMIUM_SHARE = 0.8  # of the base liability weight, to which Drift adds the size premium


def size_discount(weight: Array, factor: Array, units: Array, unit: float = 0.0) -> Array:
    """Return min(weight, 1.1 / (1 + factor sqrt(units))), the weight of a deposit of `units` >= 0 tokens.

    Arguments broadcast; weight and result are fractions of value, factor is per square root of a token, 0 leaves the
    weight as it is. Weights are cut to whole `unit`s, factor times root to hundredths, the root to tenths of it; 0 cuts
    nothing. Source: Drift v2, `calculate_size_discount_asset_weight` (programs/drift/src/math/margin.rs).
    """
    over = floor_to(factor * _root(units, unit), unit / 100.0)
    return np.where(factor > 0.0, np.minimum(weight, floor_to(_DISCOUNT_HEADROOM / (1.0 + over), unit)), weight)


def size_premium(weight: Array, factor: Array, units: Array, unit: float = 0.0) -> Array:
    """Return max(weight, 0.8 weight + factor sqrt(units)), the weight of a debt of `units` >= 0 tokens.

    Both terms are rounded to whole `unit`s, 0.8 weight up, the other down, the root as for a deposit; 0 rounds nothing.
    Source: Drift v2, `calculate_size_premium_liability_weight` (programs/drift/src/math/margin.rs).
    """
    share = ceil_to(_PREMIUM_SHARE * weight, unit)
    return np.maximum(weight, share + floor_to(factor * _root(units, unit), unit))


def _root(units: Array, unit: float) -> Array:
    return floor_to(np.sqrt(units), unit / 10.0)


def pool_discount(weight: Array, deposits: Array, start: Array) -> Array:
    """Return weight * min(1, start / deposits): deposits of everybody beyond `start` dollars share one allowance.

    Source: Mango v4, `scaled_init_asset_weight`; Drift v2, `scale_initial_asset_weight_start`.
    """
    over = deposits > start
    return weight * np.where(over, start / np.where(over, deposits, 1.0), 1.0)


def pool_premium(weight: Array, borrows: Array, start: Array) -> Array:
    """Return weight * max(1, borrows / start), the weight of a debt where everybody owes `borrows` dollars.

    `start` is positive. Source: Mango v4, `scaled_init_liab_weight`.
    """
    return weight * np.maximum(1.0, borrows / start)
