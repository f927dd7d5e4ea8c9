"""Ratios of totals over storms, with intervals: how many times more than in the impact-free twin."""

import math

import numpy as np

from experiments.statistics import ONE_RUN, Estimate, exact_mean, resample, undefined
from simulation.arrays import Array

_METHOD = "ratio of totals over storms, paired bootstrap 95 %"
_NOTHING = "nothing happened in the impact-free twins"


def total_ratio(top: Array, bottom: Array, seed: int = 0, level: float = 0.95) -> Estimate:
    """Return sum(top) / sum(bottom) over storms (n,), with the percentile bootstrap interval over storms.

    Totals, not a mean of ratios: a storm in which nothing happens without impact has no ratio of its own, and
    leaving it out would condition on the outcome. Undefined where the total of `bottom` is 0.
    """
    return _ratios(np.column_stack([top, bottom]), np.array([1.0]), seed, level)


def total_ratio_difference(first: Array, second: Array, seed: int = 0, level: float = 0.95) -> Estimate:
    """Return the difference of two ratios of totals on the same storms.

    `first` and `second` are (n, 2): what happened and what happened without impact.
    """
    return _ratios(np.hstack([first, second]), np.array([1.0, -1.0]), seed, level)


def _ratios(columns: Array, weights: Array, seed: int, level: float) -> Estimate:
    n = len(columns)
    if n == 0 or not np.isfinite(columns).all():
        return undefined(n, _METHOD, "no runs" if n == 0 else "some values are not finite")
    totals = np.array([[exact_mean(column) for column in np.sort(columns, axis=0).T]])
    value = float(_quotients(totals, weights)[0])
    if not math.isfinite(value):
        return undefined(n, _METHOD, _NOTHING)
    if n < 2:
        return Estimate(value, math.nan, math.nan, n, _METHOD, ONE_RUN)
    ordered = columns[np.lexsort(columns.T[::-1])]  # the bootstrap must not see the order of the storms
    draws = resample(ordered, lambda rows: _quotients(rows.mean(axis=1), weights), seed)
    finite = np.sort(draws[np.isfinite(draws)])
    if len(finite) < level * len(draws):
        return Estimate(value, math.nan, math.nan, n, _METHOD, f"no interval: in too many resamples {_NOTHING}")
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), n, _METHOD)


def _quotients(totals: Array, weights: Array) -> Array:
    """Return the weighted sum (r,) of the quotients of neighbouring columns of `totals` (r, 2 w)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        quotients = totals[:, 0::2] / totals[:, 1::2]
    with np.errstate(invalid="ignore"):
        return quotients @ weights if len(weights) == 1 else quotients[:, 0] - quotients[:, 1]
