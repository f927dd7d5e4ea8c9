"""How the weight of a token shrinks, or that of a debt grows, with its size and with what everybody holds."""

import numpy as np

from simulation.arrays import Array

_DISCOUNT_HEADROOM = 1.1  # numerator of Drift's discount: small sizes keep their base weight
_PREMIUM_SHARE = 0.8  # of the base liability weight, to which Drift adds the size premium


def size_discount(weight: Array, factor: Array, units: Array) -> Array:
    """Return min(weight, 1.1 / (1 + factor sqrt(units))), the weight of a deposit of `units` >= 0 tokens.

    Arguments broadcast; weight and result are fractions of value, factor is per square root of a token. Source: Drift
    v2, `calculate_size_discount_asset_weight` (programs/drift/src/math/margin.rs).
    """
    return np.minimum(weight, _DISCOUNT_HEADROOM / (1.0 + factor * np.sqrt(units)))


def size_premium(weight: Array, factor: Array, units: Array) -> Array:
    """Return max(weight, 0.8 weight + factor sqrt(units)), the weight of a debt of `units` >= 0 tokens.

    Source: Drift v2, `calculate_size_premium_liability_weight` (programs/drift/src/math/margin.rs).
    """
    return np.maximum(weight, _PREMIUM_SHARE * weight + factor * np.sqrt(units))


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
