"""The order of sale: how much of each column a liquidation closes when not everything goes at once."""

import numpy as np

from simulation.arrays import Array, column_sum


def closed_shares(value: Array, fraction: Array, ranks: Array) -> Array:
    """Return the share (r, m) of each position that is closed, lowest of `ranks` (m,) first.

    Of pools with positions worth `value` (r, m) dollars the dollars fraction_i * sum_j |v_ij|, fraction (r,) from 0 to
    1, are closed. Columns of one rank are closed in proportion; the next rank begins where the last is used up.
    """
    size = np.abs(value)
    left = fraction * column_sum(size)
    share = np.zeros_like(size)
    for rank in np.unique(ranks):
        here = ranks == rank
        group = column_sum(np.where(here, size, 0.0))
        taken = np.minimum(left, group)
        part = np.where(taken >= group, 1.0, taken / np.where(group > 0.0, group, 1.0))
        share[:, here] = part[:, None]
        left = left - taken
    return np.where(fraction[:, None] >= 1.0, 1.0, share)
