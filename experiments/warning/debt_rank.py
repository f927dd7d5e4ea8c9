"""DebtRank: how much of a network's value is in distress because one part of it is.

exposure W (n, n): the share of j's equity that is lost to i in full distress, so distress moves from i to j by W_ij.
Original: every node passes its distress on once and is then inactive, S. Battiston et al., Scientific Reports 2 (2012)
541. Linear: every increase is passed on, M. Bardoscia et al., PLoS ONE 10 (2015) e0130406; below saturation its end
is (I - W')^-1 h1.
"""

import numpy as np

from experiments.warning.early_warning import spectral_radius
from simulation.arrays import Array
from simulation.errors import InputError

_ENOUGH = 1e-14  # an increase of distress below this is the end
_ROUNDS = 100_000
_SHARES = 1e-9  # how far from 1 shares may add up


def original_debt_rank(exposure: Array, seed: Array) -> Array:
    """Return the distress h (n,) in the end, each node at most 1, where every node passes its own on once."""
    distress = _checked(exposure, seed)
    active, done = distress > 0.0, np.zeros(len(distress), bool)
    while active.any():
        passed = np.where(active, distress, 0.0) @ exposure
        done |= active
        distress = np.minimum(1.0, distress + passed)
        active = (distress > 0.0) & ~done
    return distress


def linear_debt_rank(exposure: Array, seed: Array) -> Array:
    """Return the distress h (n,) in the end, each node at most 1, where every increase is passed on.

    NaN where it has not come to rest after 100,000 rounds, as with a spectral radius that is next to 1.
    """
    distress = _checked(exposure, seed)
    increase = distress
    for _ in range(_ROUNDS):
        after = np.minimum(1.0, distress + increase @ exposure)
        distress, increase = after, after - distress
        if increase.max(initial=0.0) < _ENOUGH:
            return distress
    return np.full_like(distress, np.nan)


def unsaturated(exposure: Array, seed: Array) -> Array:
    """Return (I - W')^-1 h1 (n,), which is linear DebtRank while nobody reaches 1; NaN where the radius is not < 1."""
    distress = _checked(exposure, seed)
    if not spectral_radius(exposure) < 1.0:
        return np.full_like(distress, np.nan)
    return np.asarray(np.linalg.solve(np.eye(len(distress)) - exposure.T, distress), float)


def debt_rank(distress: Array, seed: Array, value: Array) -> float:
    """Return sum_j (h_j(end) - h_j(1)) v_j, the share of all value in distress beyond the seed; v (n,) adds up to 1."""
    if value.shape != distress.shape or not abs(float(value.sum()) - 1.0) <= _SHARES:
        raise InputError(f"value: must be {len(distress)} shares that add up to 1")
    return float((distress - seed) @ value)


def _checked(exposure: Array, seed: Array) -> Array:
    if exposure.shape != (len(seed), len(seed)) or not (exposure >= 0.0).all():
        raise InputError(f"exposure: must be {len(seed)} x {len(seed)} numbers of at least 0")
    if not ((seed >= 0.0) & (seed <= 1.0)).all():
        raise InputError("seed: must be 0 to 1")
    return seed.astype(float)
