"""Stylised facts of returns: how heavy their tails are, what they remember, and how they become normal.

Question: do simulated prices look like real ones? Method: the usual statistics of log returns, each with its
definition, its unit and, where it is known, its standard error. Expected of real markets: a tail index from 2 to 5, no
memory in returns, a slow one in their size, volatility that rises after losses, larger losses than gains, and less
kurtosis at longer horizons. What a sample cannot tell is NaN with a reason, never 0.
Source: R. Cont, "Empirical properties of asset returns: stylized facts and statistical issues", Quantitative Finance 1
(2001) 223-236.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.statistics import Estimate, undefined
from simulation.arrays import Array
from simulation.errors import InputError

_NORMAL_95 = 1.959963984540054
_NORMAL_WEIGHT = 3.4490  # (z.99 - z.01) / (z.75 - z.25), z the standard normal quantiles
_CONSTANT = "the returns do not vary"

Tail = Literal["both", "losses", "gains"]


def log_returns(prices: Array) -> Array:
    """Return ln(P_{t+1} / P_t) (n,) of `prices` (n + 1,) above 0; raises InputError for others."""
    values = np.asarray(prices, float)
    if values.ndim != 1 or not (np.isfinite(values) & (values > 0.0)).all():
        raise InputError("prices: must be one list of finite numbers above 0")
    return np.diff(np.log(values))


def hill_index(returns: Array, k: int, tail: Tail = "both") -> Estimate:
    """Return Hill's tail index from the `k` largest values, a pure number: P(|r| > x) ~ x^-index.

    1 / index = (1 / k) sum_{i <= k} ln(x_(i) / x_(k+1)), x_(1) >= x_(2) >= ...; standard error index / sqrt(k); the
    interval is index -+ 1.96 of them. x are |r|, or with `tail` the sizes of losses or of gains alone.
    Source: B. Hill, Annals of Statistics 3 (1975) 1163-1174.
    """
    method = f"Hill, k = {k}, {tail}"
    if k < 1:
        raise InputError(f"k: must be at least 1 (got {k})")
    sizes = {"both": np.abs(returns), "losses": -returns, "gains": returns}[tail]
    largest = np.sort(sizes[sizes > 0.0])[::-1][: k + 1]
    if len(largest) <= k:
        return undefined(k, method, f"needs {k + 1} returns other than 0 (has {len(largest)})")
    excess = float(np.log(largest[:k] / largest[k]).mean())
    if excess == 0.0:
        return undefined(k, method, "the largest values are equal")
    return _with_error(1.0 / excess, 1.0 / excess / math.sqrt(k), k, method)


def excess_kurtosis(returns: Array) -> Estimate:
    """Return m4 / m2^2 - 3 of central moments, a pure number, 0 for a normal law.

    The interval takes the standard error sqrt(24 / n) of a normal sample: it tells what a normal law would leave.
    """
    method, n = "excess kurtosis, normal standard error", len(returns)
    if n < 4:
        return undefined(n, method, f"needs four returns (has {n})")
    if not _varies(returns):
        return undefined(n, method, _CONSTANT)
    squares = (returns - returns.mean()) ** 2
    return _with_error(float((squares**2).mean() / squares.mean() ** 2) - 3.0, math.sqrt(24.0 / n), n, method)


def aggregated(returns: Array, horizon: int) -> Array:
    """Return the sums of `horizon` returns after each other, without overlap; what is left at the end is dropped."""
    if horizon < 1:
        raise InputError(f"horizon: must be at least 1 (got {horizon})")
    whole = len(returns) // horizon
    return returns[: whole * horizon].reshape(whole, horizon).sum(axis=1)


def kurtosis_by_horizon(returns: Array, horizons: Sequence[int]) -> list[Estimate]:
    """Return the excess kurtosis of returns over each of `horizons`, in steps.

    Aggregational Gaussianity: it falls with the horizon, as 1 / horizon where returns are independent.
    """
    return [excess_kurtosis(aggregated(returns, horizon)) for horizon in horizons]


def tail_weight(returns: Array) -> float:
    """Return (Q.99 - Q.01) / (Q.75 - Q.25) over its 3.449 for a normal law; NaN where the middle half is a point.

    A kurtosis by quantiles (D. Ruppert, American Statistician 41 (1987) 1-5), for tails that have no fourth moment.
    """
    low, lower, upper, high = np.quantile(returns, (0.01, 0.25, 0.75, 0.99))
    return float((high - low) / (upper - lower) / _NORMAL_WEIGHT) if upper > lower else math.nan


@dataclass(frozen=True)
class Correlogram:
    """Autocorrelations (l,) at `lags` (l,), pure numbers; independent values stay within -+ `band` at 95 %.

    reason: why they are NaN, or "".
    """

    lags: tuple[int, ...]
    values: Array
    band: float
    reason: str = ""

    @property
    def decay_exponent(self) -> tuple[float, str]:
        """Return (b of values ~ lag^-b by least squares in logs, why it is NaN or ""), a pure number.

        Only positive autocorrelations have a logarithm; three of them are needed.
        """
        kept = self.values > 0.0
        if np.count_nonzero(kept) < 3:
            return math.nan, self.reason or "fewer than three autocorrelations are above 0"
        x, y = np.log(np.array(self.lags)[kept]), np.log(self.values[kept])
        away = x - x.mean()
        return -float((away * y).sum() / (away * away).sum()), ""


def autocorrelation(values: Array, lags: Sequence[int]) -> Correlogram:
    """Return sum_t (x_t - m)(x_{t+k} - m) / sum_t (x_t - m)^2 at each lag k, with the band 1.96 / sqrt(n).

    Of returns it tells their linear memory, of |returns| volatility clustering. Source: M. Bartlett, JRSS Suppl. 8
    (1946) 27-41.
    """
    return _correlogram(values, values, lags)


def leverage_effect(returns: Array, lags: Sequence[int]) -> Correlogram:
    """Return corr(r_t, r_{t+k}^2) at each lag k >= 1: below 0 where losses raise volatility.

    Sources: R. Cont (2001), section 4; J.-P. Bouchaud, A. Matacz & M. Potters, Phys. Rev. Lett. 87 (2001) 228701.
    """
    return _correlogram(returns, returns**2, lags)


def gain_loss_asymmetry(returns: Array, deviations: float = 2.0) -> Estimate:
    """Return (losses - gains) / (losses + gains), from -1 to 1: above 0 where large losses outnumber large gains.

    Losses and gains are counts of returns at least `deviations` standard deviations below and above their mean; the
    standard error is that of a share of as many independent signs.
    """
    method, n = f"gain/loss asymmetry beyond {deviations:g} deviations", len(returns)
    if n < 2 or not _varies(returns):
        return undefined(n, method, _CONSTANT)
    scaled = (returns - returns.mean()) / returns.std()
    losses, gains = int((scaled <= -deviations).sum()), int((scaled >= deviations).sum())
    count = losses + gains
    if not count:
        return undefined(n, method, "no return is that large")
    share = losses / count
    return _with_error(2.0 * share - 1.0, 2.0 * math.sqrt(share * (1.0 - share) / count), count, method)


def _correlogram(first: Array, later: Array, lags: Sequence[int]) -> Correlogram:
    n, found = len(first), tuple(int(lag) for lag in lags)
    if any(lag < 1 for lag in found):
        raise InputError(f"lags: must be at least 1 (got {list(found)})")
    if max(found, default=0) >= n:
        return _unknown(found, f"the longest lag needs {max(found) + 1} returns (has {n})")
    if not (_varies(first) and _varies(later)):
        return _unknown(found, _CONSTANT)
    a, b = first - first.mean(), later - later.mean()
    scale = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    values = np.array([float((a[: n - lag] * b[lag:]).sum()) / scale for lag in found])
    return Correlogram(found, values, _NORMAL_95 / math.sqrt(n))


def _unknown(lags: tuple[int, ...], reason: str) -> Correlogram:
    return Correlogram(lags, np.full(len(lags), math.nan), math.nan, reason)


def _varies(values: Array) -> bool:
    """Tell whether values differ by more than the rounding of their mean."""
    return len(values) > 1 and float(np.ptp(values)) > 1e-12 * float(np.abs(values).max())


def _with_error(value: float, error: float, n: int, method: str) -> Estimate:
    return Estimate(value, value - _NORMAL_95 * error, value + _NORMAL_95 * error, n, method)
