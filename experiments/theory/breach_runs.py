"""The exact size of Christoffersen's test: how often it rejects independent breaches of a right model.

Its statistic depends on the series only by x breaches, their r runs, and whether the series begins (a) or ends (b)
with one: C(x - 1, r - 1) C(n - x - 1, z - 1) of the series have these, z = r + 1 - a - b being the runs of calm; each
has the chance p^x (1 - p)^(n - x). Transitions: r - a begin, r - b end, x - r stay in breach, n - x - z stay calm.
Source: P. Christoffersen, Int. Econ. Rev. 39 (1998) 841-862; runs: A. Mood, Ann. Math. Stat. 11 (1940) 367-392.
"""

import numpy as np

from simulation.arrays import Array

_NEGLIGIBLE = 1e-14  # probability of a number of breaches that is dropped
_ENDS = ((0, 0), (0, 1), (1, 0), (1, 1))  # a, b


def christoffersen_size(n: int, rate: float, level: float = 0.05) -> float:
    """Return the probability that the test of `n` >= 2 independent steps, breached at `rate`, rejects at `level`."""
    from scipy.stats import binom, chi2

    critical, found = float(chi2.isf(level, 1)), 0.0
    chances = binom.pmf(np.arange(n + 1), n, rate)
    for x in np.flatnonzero(chances > _NEGLIGIBLE):
        if 0 < x < n:  # else there is one series, of no transitions between states
            found += float(chances[x]) * sum(_rejected(n, int(x), ends, critical) for ends in _ENDS)
    return found


def _rejected(n: int, x: int, ends: tuple[int, int], critical: float) -> float:
    """Return the share of the series with `x` breaches that have these ends and are rejected."""
    runs = np.arange(1.0, x + 1.0)
    begins, stops = runs - ends[0], runs - ends[1]
    calm_runs = runs + 1.0 - sum(ends)
    possible = (calm_runs >= 1.0) & (calm_runs <= n - x)
    runs, begins, stops, calm_runs = runs[possible], begins[possible], stops[possible], calm_runs[possible]
    share = np.exp(_ways(x - 1.0, runs - 1.0) + _ways(n - x - 1.0, calm_runs - 1.0) - _ways(float(n), float(x)))
    statistic = _statistic(n - x - calm_runs, begins, stops, x - runs)
    return float(share[statistic > critical].sum())


def _ways(n: Array | float, k: Array | float) -> Array:
    from scipy.special import gammaln

    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0), float)


def _statistic(calm: Array, begins: Array, stops: Array, stays: Array) -> Array:
    """Return 2 [ln L(q01, q11) - ln L(q)] of these numbers of transitions, each (k,)."""
    together = _log_likelihood(calm + stops, begins + stays)
    return 2.0 * (_log_likelihood(calm, begins) + _log_likelihood(stops, stays) - together)


def _log_likelihood(without: Array, with_: Array) -> Array:
    """Return the log likelihood of so many events and non-events at their own rate, with 0 ln 0 = 0."""
    from scipy.special import xlogy

    total = np.maximum(without + with_, 1.0)
    return np.asarray(xlogy(without, without / total) + xlogy(with_, with_ / total), float)
