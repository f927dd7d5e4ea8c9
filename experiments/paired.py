"""Two arms on the same storms: the difference run by run, and the parameter at which two curves meet."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from experiments.statistics import (
    ONE_RUN,
    Estimate,
    bootstrap_mean,
    exact_mean,
    resample,
    screen,
    undefined,
)
from simulation.arrays import Array, Mask
from simulation.errors import InputError, shown

Outcomes: TypeAlias = Sequence[float] | Array | Mapping[Any, float]


def paired_difference(
    a: Outcomes, b: Outcomes, seed: int = 0, level: float = 0.95, skip_undefined: bool = False
) -> Estimate:
    """Return the mean of a - b over runs on the same storm, with its BCa bootstrap interval.

    `a` and `b` hold one value a run: in the same order, or as mappings (or Series) by run, which are matched
    by their keys. A difference that is not finite makes the whole undefined, unless `skip_undefined`; then
    `method` says over how many pairs the mean goes. Under eight pairs the interval is Student's t.
    Raises `InputError` where the two arms are not made of the same runs.
    """
    first, second = _aligned(a, b)
    with np.errstate(invalid="ignore"):  # inf - inf is not finite, which is what gets reported
        difference = first - second
    result = bootstrap_mean(difference, seed, level, skip_undefined)
    return Estimate(result.value, result.low, result.high, result.n, f"paired {result.method}", result.reason)


def unpaired_difference(a: Outcomes, b: Outcomes, level: float = 0.95) -> Estimate:
    """Return mean(a) - mean(b) with Welch's interval, as if the arms had met different storms.

    It is what pairing is measured against: where the arms are correlated the paired interval is narrower.
    """
    from scipy.special import stdtrit

    method = f"unpaired, Welch {100 * level:.4g} %"
    (first, _, why_a), (second, _, why_b) = (screen(_listed(arm)) for arm in (a, b))
    n = min(len(first), len(second))
    if why_a or why_b:
        return undefined(n, method, why_a or why_b)
    value = exact_mean(first) - exact_mean(second)
    if n < 2:
        return Estimate(value, math.nan, math.nan, n, method, ONE_RUN)
    shares = [arm.var(ddof=1) / len(arm) for arm in (first, second)]
    if sum(shares) == 0:
        return Estimate(value, value, value, n, method, "all values of each arm are equal")
    freedom = sum(shares) ** 2 / (shares[0] ** 2 / (len(first) - 1) + shares[1] ** 2 / (len(second) - 1))
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(sum(shares))
    return Estimate(value, value - half, value + half, n, method)


def crossing(x: Sequence[float] | Array, a: Array, b: Array, seed: int = 0, level: float = 0.95) -> Estimate:
    """Return the x at which the mean curves of `a` and `b` meet, linear between the points of `x` (p,).

    `a` is (runs, p), one row a storm; `b` is the same, or (runs,) where that arm does not depend on x. The
    interval is the percentile bootstrap over storms, both arms together. There is no value where the curves
    do not cross, touch only, or cross more than once; an end of the interval is NaN where too many resamples
    cross beyond the points tried. `reason` says which.
    """
    points, difference = _curves(x, a, b)
    method, n = f"crossing, paired bootstrap {100 * level:.4g} %", len(difference)
    if n == 0 or not np.isfinite(difference).all():
        return undefined(n, method, "no runs" if n == 0 else "some values are not finite")
    mean = np.array([exact_mean(column) for column in np.sort(difference, axis=0).T])
    value, reason = _meeting(points, mean)
    if reason:
        return undefined(n, method, reason)
    if n < 2:
        return Estimate(value, math.nan, math.nan, n, method, ONE_RUN)
    rising = difference * np.sign(mean[-1])
    ordered = rising[np.lexsort(rising.T[::-1])]  # the bootstrap must see neither the order nor who is first
    low, high, reason = _spread(points, resample(ordered, lambda rows: rows.mean(axis=1), seed), level)
    return Estimate(value, low, high, n, method, reason)


def _curves(x: Sequence[float] | Array, a: Array, b: Array) -> tuple[Array, Array]:
    points, first, second = np.asarray(x, float), np.asarray(a, float), np.asarray(b, float)
    if points.ndim != 1 or len(points) < 2 or not (np.diff(points) > 0).all():
        raise InputError("x: must be at least two rising numbers")
    if first.ndim != 2 or first.shape[1] != len(points):
        raise InputError(f"a: must be (runs, {len(points)}) (got {first.shape})")
    second = second[:, None] if second.ndim == 1 else second
    if second.shape not in {first.shape, (len(first), 1)}:
        raise InputError(f"b: must be {first.shape} or ({len(first)},) (got {second.shape})")
    return points, first - second


def _meeting(x: Array, d: Array) -> tuple[float, str]:
    """Return (the one x at which d changes sign, ""), or (NaN, why there is none)."""
    if not d.any():
        return math.nan, "the curves are identical at every point"
    found = _roots(x, d)
    if len(found) == 1:
        return found[0], ""
    if found:
        return math.nan, f"the curves cross {len(found)} times, at {', '.join(f'{at:.3g}' for at in found)}"
    closest = int(np.argmin(np.abs(d)))
    side = "above" if d[np.argmax(np.abs(d))] > 0 else "below"
    if d[closest] == 0:
        return math.nan, f"the curves touch at {x[closest]:.3g} but do not cross; the first stays {side}"
    gap = f"the smallest gap is {abs(d[closest]):.3g} at {x[closest]:.3g}"
    return math.nan, f"no crossing: the first curve stays {side}; {gap}"


def _roots(x: Array, d: Array) -> list[float]:
    """Return where d (p,) changes sign; a stretch of exact zeros between two signs counts by its middle."""
    away = np.flatnonzero(d)
    found = []
    for i, j in itertools.pairwise(away):
        if d[i] * d[j] < 0:
            at = (x[i + 1] + x[j - 1]) / 2 if j > i + 1 else x[i] + (x[j] - x[i]) * d[i] / (d[i] - d[j])
            found.append(float(at))
    return found


def _spread(x: Array, draws: Array, level: float) -> tuple[float, float, str]:
    """Return (low, high, reason) from resampled differences (r, p) that should go from minus to plus."""
    roots = np.array([_root_or_side(x, row) for row in draws])
    tail, astray = (1 - level) / 2, np.isnan(roots)
    if astray.mean() > tail:
        return math.nan, math.nan, f"no interval: {_share(astray)} of the resamples cross the other way"
    low, high = np.quantile(roots[~astray], [tail, 1 - tail], method="inverted_cdf")
    notes = []
    if low == -math.inf:
        notes.append(f"open below: {_share(roots == low)} of the resamples meet at or before {x[0]:.3g}")
    if high == math.inf:
        notes.append(f"open above: {_share(roots == high)} of the resamples meet at or after {x[-1]:.3g}")
    ends = [float(end) if math.isfinite(end) else math.nan for end in (low, high)]
    return ends[0], ends[1], "; ".join(notes)


def _share(mask: Mask) -> str:
    percent = 100.0 * float(mask.mean())
    return f"{percent:.2g} %" if percent < 10.0 else f"{percent:.0f} %"  # two digits, but never 1e+02


def _root_or_side(x: Array, d: Array) -> float:
    if d[0] < 0 < d[-1]:
        found = _roots(x, d)
        return found[len(found) // 2]
    if d[0] >= 0 and d[-1] >= 0:
        return -math.inf
    return math.inf if d[0] <= 0 and d[-1] <= 0 else math.nan


def _aligned(a: Outcomes, b: Outcomes) -> tuple[Array, Array]:
    if hasattr(a, "keys") != hasattr(b, "keys"):
        raise InputError("one arm is keyed by run and the other is not")
    if hasattr(a, "keys"):
        first, second = dict(a.items()), dict(b.items())  # type: ignore[union-attr]
        lonely = sorted(map(str, first.keys() ^ second.keys()))
        if lonely or len(first) != len(a) or len(second) != len(b):
            raise InputError(f"runs must be the same in both arms, each once (differs at {shown(lonely)})")
        runs = sorted(first)
        return np.array([first[run] for run in runs], float), np.array([second[run] for run in runs], float)
    if len(a) != len(b):
        raise InputError(f"both arms must have the same runs (got {len(a)} and {len(b)})")
    return np.asarray(a, float), np.asarray(b, float)


def _listed(arm: Outcomes) -> Array:
    return np.array([value for _, value in arm.items()] if isinstance(arm, Mapping) else arm, float)
