"""A funding index: funding per unit held, added up since the market began, so that accounts settle when they trade."""


def settlement(size: int, index_at_entry: int, index_now: int) -> int:
    """Return what a holder receives (negative: pays): -(index_now - index_at_entry) size.

    Longs pay when the index has risen. Whole numbers in, whole numbers out: with `size` in quanta of the asset and
    indices in millionths of a quote quantum per quantum of the asset, the result is in millionths of a quote quantum,
    exactly. Source: dYdX v4, x/perpetuals/lib (settlement), 2023-2025.
    """
    return -(index_now - index_at_entry) * size
