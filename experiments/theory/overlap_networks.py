"""Overlapping portfolios without an engine: the plain threshold model, for networks too large to be played.

Whoever has lost its equity sells all it holds; what is sold of an asset, a share x of what all hold of it, leaves its
price at exp(-alpha x). Losses only grow with sales, so who fails in the end does not depend on the order.
"""

from typing import Any

import numpy as np

from simulation.arrays import Array, Index, Mask
from simulation.random import Streams


def drawn(accounts: int, assets: int, held: int, seed: int) -> Any:
    """Return a sparse matrix (accounts, assets): 1 unit of each of `held` different assets, drawn at random."""
    from scipy.sparse import csr_array

    streams, chosen = Streams(seed), np.zeros((accounts, held), np.intp)
    rows, attempt = np.arange(accounts), 0
    while len(rows):  # again for those who drew an asset twice
        draws = streams.uniform("overlap/assets", attempt, len(rows) * held) * assets
        chosen[rows] = draws.astype(np.intp).reshape(len(rows), held)
        ordered = np.sort(chosen[rows], axis=1)
        rows, attempt = rows[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)], attempt + 1
    ends = np.arange(accounts + 1) * held
    return csr_array((np.ones(accounts * held), chosen.ravel(), ends), shape=(accounts, assets))


def threshold_failures(units: Any, leverage: float, impact: float, first: Index) -> tuple[Mask, int]:
    """Return who fails in the end (n,), and how many in the first round after `first` (rows) have failed.

    units (n, m): what each holds, all at a price of 1; leverage: what it holds over its equity, the same for all;
    impact: log price move of selling all that is held of an asset.
    """
    total = np.asarray(units.sum(axis=0), float).ravel()
    equity = np.asarray(units.sum(axis=1), float).ravel() / leverage
    failed, sold, direct = np.zeros(units.shape[0], bool), np.zeros(units.shape[1]), -1
    new = first
    while len(new):
        failed[new] = True
        sold += np.asarray(units[new].sum(axis=0), float).ravel()
        new = np.flatnonzero(~failed & (units @ _fall(sold, total, impact) > equity))
        direct = len(new) if direct < 0 else direct
    return failed, direct


def prices(units: Any, failed: Mask, impact: float) -> Array:
    """Return the price (m,) of each asset when those who `failed` (n,) have sold, 1 before."""
    sold, total = (np.asarray(of.sum(axis=0), float).ravel() for of in (units[np.flatnonzero(failed)], units))
    return 1.0 - _fall(sold, total, impact)


def _fall(sold: Array, total: Array, impact: float) -> Array:
    share = np.divide(sold, total, out=np.zeros_like(sold), where=total > 0.0)
    return -np.expm1(-impact * share)
