"""How unequally an amount is spread over those who share it."""

import numpy as np

from simulation.arrays import Array


def gini(amount: Array) -> float:
    """Return the Gini coefficient of `amount` (n,) >= 0: 0 if all are equal, (n - 1) / n if one has everything.

    G = sum_i sum_j |x_i - x_j| / (2 n sum x) = 2 sum_i i x_(i) / (n sum x) - (n + 1) / n. Without amounts it is NaN.
    Source: C. Gini, Variabilita e mutabilita (1912).
    """
    n, total = len(amount), float(amount.sum())
    if not total:
        return np.nan
    ranked = float((np.arange(1.0, n + 1.0) * np.sort(amount)).sum())
    return max(2.0 * ranked / (n * total) - (n + 1.0) / n, 0.0)


def herfindahl(amount: Array) -> float:
    """Return the Herfindahl-Hirschman index, sum of squared shares of `amount` (n,) >= 0: 1 / n to 1.

    Without amounts it is NaN. Source: A. Hirschman, National Power and the Structure of Foreign Trade (1945).
    """
    total = float(amount.sum())
    return float(((amount / total) ** 2).sum()) if total else np.nan
