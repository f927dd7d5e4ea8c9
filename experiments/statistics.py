"""Estimates with honest intervals: shares, means, quantiles, expected shortfall.

Whatever cannot be estimated is NaN with a reason, never 0, and a value that is not finite is never dropped in
silence. Results do not depend on the order in which the runs came in: values are sorted before anything is
resampled, sums are exact (`math.fsum`), and the bootstrap takes its seed from the caller.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array
from simulation.errors import InputError

RESAMPLES = 9_999
FEWEST_BOOTSTRAP = 8  # below this the bootstrap has too few distinct resamples; Student's t takes over
TAIL_RUNS = 5  # a tail estimate needs this many runs expected beyond it: 500 runs for the 99 % quantile
ONE_RUN = "one run has no spread; an interval needs 2"
_CHUNK = 2**20  # resampled values held at a time

Statistic = Callable[[Array], Array]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, from `n` runs by `method`; whatever is NaN is explained by `reason`."""

    value: float
    low: float
    high: float
    n: int
    method: str
    reason: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero; False where there is no interval."""
        return self.low > 0 or self.high < 0

    @property
    def reach(self) -> tuple[float, float]:
        """How far the interval goes below and above the value: the two arms of an error bar."""
        return self.value - self.low, self.high - self.value

    def columns(self, name: str) -> dict[str, float]:
        """Return value and interval as the cells `name`, `name_low` and `name_high` of a row."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}

    def text(self, form: str = ".3g") -> str:
        """Return the estimate for a table: `1.2 [0.9, 1.5]`, or `undefined (why)`."""
        if not self.defined:
            return f"undefined ({self.reason})"
        low, high = ("?" if math.isnan(bound) else format(bound, form) for bound in (self.low, self.high))
        note = f" ({self.reason})" if self.reason else ""
        return f"{format(self.value, form)} [{low}, {high}]{note}"


def undefined(n: int, method: str, reason: str) -> Estimate:
    """Return the estimate that does not exist, and why."""
    return Estimate(math.nan, math.nan, math.nan, n, method, reason)


def wilson_interval(successes: int, n: int, level: float = 0.95) -> Estimate:
    """Return the share `successes / n` with Wilson's score interval (Wilson 1927)."""
    _check_counts(successes, n)
    method = f"Wilson {_percent(level)}"
    if n == 0:
        return undefined(0, method, "no runs")
    z = _normal_quantile(level)
    share, spread = successes / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return Estimate(share, low, high, n, method)


def probability_text(successes: int, n: int) -> str:
    """Return a share for a table: no event in n runs is `< 3/n`, never 0 % (rule of three, 95 %)."""
    _check_counts(successes, n)
    if n == 0:
        return "undefined (no runs)"
    digits = 1 - math.floor(math.log10(3 / n))
    bound = -(-3 * 10**digits // n) / 10**digits  # rounded up to two digits, so that what is printed holds
    if successes in {0, n} and n <= 3:
        return f"undefined ({successes} of {n}: too few runs)"
    if successes == 0:
        return f"< {bound:.2g} (0 of {n}, < 3/n at 95 %)"
    if successes == n:
        return f"> {round(1 - bound, digits):g} ({n} of {n}, > 1 - 3/n at 95 %)"
    share = wilson_interval(successes, n)
    return f"{share.value:.2g} [{share.low:.2g}, {share.high:.2g}] ({successes} of {n})"


def mean_interval(values: Sequence[float] | Array, level: float = 0.95, skip_undefined: bool = False) -> Estimate:
    """Return the mean of one value a run with Student's t interval.

    A value that is not finite makes the mean undefined, unless `skip_undefined`: then the mean is over the
    runs that have a value, and `method` says over how many.
    """
    from scipy.special import stdtrit

    finite, note, reason = screen(values, skip_undefined)
    method, n = f"mean, t {_percent(level)}{note}", len(finite)
    if reason:
        return undefined(n, method, reason)
    value = exact_mean(finite)
    if n < 2:
        return Estimate(value, math.nan, math.nan, n, method, ONE_RUN)
    if finite[0] == finite[-1]:
        return _constant(finite, method)
    variance = math.fsum((item - value) ** 2 for item in finite.tolist()) / (n - 1)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * math.sqrt(variance / n)
    return Estimate(value, value - half, value + half, n, method)


def bootstrap_mean(
    values: Sequence[float] | Array, seed: int = 0, level: float = 0.95, skip_undefined: bool = False
) -> Estimate:
    """Return the mean of one value a run with the BCa bootstrap interval (see `bca_interval`).

    Under eight runs the interval is Student's t. NaN and infinity are treated as in `mean_interval`.
    """
    finite, note, reason = screen(values, skip_undefined)
    if len(finite) < FEWEST_BOOTSTRAP:
        return mean_interval(values, level, skip_undefined)
    method, n = f"mean, BCa {_percent(level)}{note}", len(finite)
    if reason:
        return undefined(n, method, reason)
    if finite[0] == finite[-1]:
        return _constant(finite, method)
    low, high = bca_interval(finite, _row_mean, seed, level)
    return Estimate(exact_mean(finite), low, high, n, method)


def quantile_interval(values: Sequence[float] | Array, q: float, level: float = 0.95) -> Estimate:
    """Return the q-quantile with the interval between two order statistics (valid for any continuous law).

    Refused (NaN with the reason) while an end of the interval would lie beyond the observations, or fewer
    than five of them are expected beyond the quantile: the 99 % quantile needs 500 runs.
    """
    from scipy.special import bdtr

    _check_share(q, "q")
    finite, _, reason = screen(values)
    method, n = f"{_percent(q)} quantile, order statistics {_percent(level)}", len(finite)
    if not reason:
        reason = _thin_tail(n, min(q, 1 - q))
    if reason:
        return undefined(n, method, reason)
    below = bdtr(np.arange(n + 1), n, q)  # P(at most k of n values lie under the quantile)
    first = int(np.searchsorted(below, (1 - level) / 2))
    last = int(np.searchsorted(below, (1 + level) / 2)) + 1
    if first < 1 or last > n:
        return undefined(n, method, f"the interval would pass the most extreme of {n} runs")
    value = float(np.quantile(finite, q, method="inverted_cdf"))
    return Estimate(value, float(finite[first - 1]), float(finite[last - 1]), n, method)


def expected_shortfall(
    values: Sequence[float] | Array, q: float = 0.975, seed: int = 0, level: float = 0.95
) -> Estimate:
    """Return the mean of the worst (largest) 1 - q of the values, with the BCa bootstrap interval.

    An observation at the edge of the tail counts by the part that lies inside (Acerbi & Tasche 2002). Refused
    where fewer than five runs are expected in the tail. While the tail is thin the interval is too short: for
    the normal law and q = 97.5 % it covered 84 % with 200 runs and 93 % with 1,000.
    """
    _check_share(q, "q")
    finite, _, reason = screen(values)
    method, n = f"ES {_percent(q)}, BCa {_percent(level)}", len(finite)
    reason = reason or _thin_tail(n, 1 - q)
    if reason:
        return undefined(n, method, reason)
    if finite[0] == finite[-1]:
        return _constant(finite, method)
    value = float(_row_shortfall(finite[None, :], q)[0])
    low, high = bca_interval(finite, lambda rows: _row_shortfall(rows, q), seed, level)
    return Estimate(value, low, high, n, method)


def bca_interval(values: Array, statistic: Statistic, seed: int, level: float = 0.95) -> tuple[float, float]:
    """Return the bias-corrected, accelerated bootstrap interval of `statistic` of `values` (n,), Efron 1987.

    `statistic` maps rows (r, n) to (r,). The tail probabilities are widened as Student's t is against the
    normal (Hesterberg 2015), without which ten runs of a normal law cover 91 % instead of 95.
    """
    from scipy.special import ndtr, ndtri, stdtrit

    n = len(values)
    values = np.sort(values)
    draws = np.sort(resample(values, statistic, seed))
    value = statistic(values[None, :])[0]
    below = (np.mean(draws < value) + np.mean(draws <= value)) / 2
    bias = ndtri(np.clip(below, 1 / len(draws), 1 - 1 / len(draws)))
    left_out = statistic(np.stack([np.delete(values, i) for i in range(n)]))
    skew = left_out.mean() - left_out
    spread = np.sum(skew**2) ** 1.5
    acceleration = np.sum(skew**3) / (6 * spread) if spread > 0 else 0.0
    reach = math.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + level) / 2)
    shifted = bias + np.array([-reach, reach])
    tails = ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-3))
    low, high = np.quantile(draws, tails)
    return float(low), float(high)


def resample(values: Array, statistic: Statistic, seed: int, count: int = RESAMPLES) -> Array:
    """Return `statistic` of `count` resamples, with replacement, of the rows of `values` (n, ...).

    `statistic` maps (r, n, ...) to (r,) or (r, p). Equal values, order and seed give equal bits.
    """
    random = np.random.Generator(np.random.Philox(seed))
    chunk = max(1, _CHUNK // max(1, values.size))
    parts = []
    for start in range(0, count, chunk):
        rows = random.integers(0, len(values), (min(chunk, count - start), len(values)))
        parts.append(statistic(values[rows]))
    return np.concatenate(parts)


def exact_mean(values: Array) -> float:
    """Return the mean by an exactly rounded sum, so that order does not matter."""
    return math.fsum(values.tolist()) / len(values)


def screen(values: Sequence[float] | Array, skip_undefined: bool = False) -> tuple[Array, str, str]:
    """Return (sorted values, a note for the method, the reason why they cannot be used or "")."""
    array = np.asarray(values, float)
    if array.ndim != 1:
        raise InputError(f"values: must be one number a run (got {array.ndim} dimensions)")
    finite = np.sort(array[np.isfinite(array)])
    missing = len(array) - len(finite)
    if missing and not skip_undefined:
        return np.sort(array), "", f"{missing} of {len(array)} values are not finite"
    note = f" over {len(finite)} of {len(array)} runs" if missing else ""
    if len(finite):
        return finite, note, ""
    return finite, note, f"undefined in all {missing} runs" if missing else "no runs"


def _constant(values: Array, method: str) -> Estimate:
    value = float(values[0])
    return Estimate(value, value, value, len(values), method, f"all {len(values)} values are equal")


def _row_mean(rows: Array) -> Array:
    return rows.mean(axis=1)


def _row_shortfall(rows: Array, q: float) -> Array:
    n = rows.shape[1]
    mass = round(n * (1 - q), 9)
    whole = int(mass)
    worst = np.partition(rows, n - whole - 1, axis=1)[:, n - whole - 1 :]
    return (worst[:, 1:].sum(axis=1) + (mass - whole) * worst[:, 0]) / mass


def _thin_tail(n: int, tail: float) -> str:
    needed = math.ceil(round(TAIL_RUNS / tail, 9))
    return f"needs at least {needed} runs (got {n})" if n < needed else ""


def _check_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise InputError(f"successes: must be between 0 and the number of runs {n} (got {successes})")


def _check_share(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise InputError(f"{name}: must be between 0 and 1, both excluded (got {value})")


def _normal_quantile(level: float) -> float:
    from scipy.special import ndtri

    _check_share(level, "level")
    return float(ndtri((1 + level) / 2))


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
