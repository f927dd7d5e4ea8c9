"""Processes whose stylised facts are known in closed form: what the estimators of such facts are held against.

Rows are independent series, so that spreads between rows are honest errors.
"""

import math
from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array
from simulation.random import Streams

_SHAPE = math.pi / 2.0  # E z^2 / (E |z|)^2 of a normal z


@dataclass(frozen=True)
class LongMemory:
    """Returns exp(h / 2) z, z normal, h fractional Gaussian noise of Hurst exponent `hurst` and deviation `spread`.

    corr(|r_t|, |r_{t+k}|) = (exp(s^2 g_k / 4) - 1) / ((pi / 2) exp(s^2 / 4) - 1),
    g_k = (|k + 1|^2H - 2 |k|^2H + |k - 1|^2H) / 2 ~ H (2H - 1) k^(2H - 2).
    Sources: F. Breidt, N. Crato & P. de Lima, J. Econometrics 83 (1998) 325-348; S. Taylor, "Modelling Financial Time
    Series" (1986).
    """

    hurst: float = 0.85
    spread: float = 1.0

    def memory(self, lags: Array) -> Array:
        """Return the autocorrelation g_k (l,) of h."""
        k, power = np.asarray(lags, float), 2.0 * self.hurst
        return (np.abs(k + 1.0) ** power - 2.0 * np.abs(k) ** power + np.abs(k - 1.0) ** power) / 2.0

    def size_autocorrelation(self, lags: Array) -> Array:
        """Return corr(|r_t|, |r_{t+k}|) (l,) for lags above 0."""
        quarter = self.spread**2 / 4.0
        return np.expm1(quarter * self.memory(lags)) / (_SHAPE * math.exp(quarter) - 1.0)

    def sampled(self, lags: Array, n: int) -> Array:
        """Return what the estimator from `n` returns has for its expectation (l,), to the order 1 / n.

        The mean is estimated too, which takes its variance, that of a mean of n values with long memory, from the
        autocovariance; and lag k has n - k products.
        """
        k = np.arange(1.0, n)
        mean = (1.0 + 2.0 * float(((1.0 - k / n) * self.size_autocorrelation(k)).sum())) / n
        lags = np.asarray(lags, float)
        return (1.0 - lags / n) * (self.size_autocorrelation(lags) - mean) / (1.0 - mean)

    def returns(self, series: int, n: int, streams: Streams) -> Array:
        """Return (series, n), by circulant embedding (R. Davies & D. Harte, Biometrika 74 (1987) 95-101)."""
        half = self.memory(np.arange(n + 1.0))
        spectrum = np.fft.fft(np.concatenate([half, half[-2:0:-1]])).real
        noise = streams.normal("known/memory", 0, 4 * n * series).reshape(2, series, 2 * n)
        waves = np.fft.fft(np.sqrt(np.maximum(spectrum, 0.0) / (2.0 * n)) * (noise[0] + 1j * noise[1]))
        shocks = streams.normal("known/shock", 0, n * series).reshape(series, n)
        return np.exp(self.spread * waves.real[:, :n] / 2.0) * shocks


@dataclass(frozen=True)
class Gjr:
    """Returns sqrt(v) z with v' = 1 - p + (a + g 1[r < 0]) r^2 + b v, p = a + g / 2 + b: variance 1, z normal.

    corr(r_t, r_{t+k}^2) = -(g / 2) p^(k - 1) E|r|^3 / sqrt(E r^4 - 1), and, with q = 3 a^2 + 3 a g + 1.5 g^2 + 2 a b +
    b g + b^2, E r^4 = 3 (1 - p^2) / (1 - q) while q < 1.
    Sources: L. Glosten, R. Jagannathan & D. Runkle, J. Finance 48 (1993) 1779-1801; S. Ling & M. McAleer, J.
    Econometrics 106 (2002) 109-117.
    """

    reaction: float = 0.03
    asymmetry: float = 0.1
    persistence: float = 0.85

    @property
    def total(self) -> float:
        """Return p, by which variance decays a step."""
        return self.reaction + self.asymmetry / 2.0 + self.persistence

    @property
    def second(self) -> float:
        """Return q, the mean square of the factor on variance; the fourth moment exists below 1."""
        a, g, b = self.reaction, self.asymmetry, self.persistence
        return 3.0 * a * a + 3.0 * a * g + 1.5 * g * g + 2.0 * a * b + b * g + b * b

    @property
    def fourth(self) -> float:
        """Return the mean fourth power of the factor w z^2 + b on variance, w = a or a + g; E r^8 exists below 1.

        = (1/2) sum_w sum_j C(4, j) w^j b^(4 - j) E z^2j, E z^2j = 1, 1, 3, 15, 105.
        """
        moments, b = (1.0, 1.0, 3.0, 15.0, 105.0), self.persistence
        weights = self.reaction, self.reaction + self.asymmetry
        powers = (math.comb(4, j) * w**j * b ** (4 - j) * moments[j] for w in weights for j in range(5))
        return math.fsum(powers) / 2.0

    @property
    def kurtosis(self) -> float:
        """Return E r^4."""
        return 3.0 * (1.0 - self.total**2) / (1.0 - self.second)

    def leverage(self, lags: Array, third: float) -> Array:
        """Return corr(r_t, r_{t+k}^2) (l,), given E|r|^3, which has no closed form, over that of this variance."""
        decay = self.total ** (np.asarray(lags, float) - 1.0)
        return -0.5 * self.asymmetry * decay * third / math.sqrt(self.kurtosis - 1.0)

    def returns(self, series: int, n: int, streams: Streams) -> Array:
        """Return (series, n) after as many steps as bring variance to its law."""
        burnt = math.ceil(10.0 / (1.0 - self.total))
        shocks = streams.normal("known/gjr", 0, series * (n + burnt)).reshape(n + burnt, series)
        found, variance = np.empty_like(shocks), np.ones(series)
        for step, shock in enumerate(shocks):
            found[step] = np.sqrt(variance) * shock
            weight = self.reaction + self.asymmetry * (shock < 0.0)
            variance = (1.0 - self.total) + weight * found[step] ** 2 + self.persistence * variance
        return np.ascontiguousarray(found[burnt:].T)


def hill_of_t(tail_index: float, share: float) -> float:
    """Return what Hill's estimator tends to where it takes the largest `share` of |r|, r Student-t: nu as share -> 0.

    1 / E[ln(x / u) | x > u], u the threshold: by quadrature of P(x > y) / y above u.
    """
    from scipy.integrate import quad
    from scipy.stats import t

    threshold = float(t.isf(share / 2.0, tail_index))
    # y = u e^s
    area = quad(lambda s: 2.0 * t.sf(threshold * math.exp(s), tail_index), 0.0, 60.0 / tail_index + 5.0, limit=200)[0]
    return share / float(area)
