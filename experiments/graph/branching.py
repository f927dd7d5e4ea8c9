"""How many further events each event causes, from event times or counts alone.

Question: can the branching ratio n of a cascade be read off its events? Method: for a Hawkes process with rate
mu + sum n b exp(-b (t - t_i)) the variance of counts in long windows over their mean is 1 / (1 - n)^2, so n is
1 - sqrt(mean / variance); or n maximises the likelihood of the times. Expected: both recover n. Sources: A. Hawkes & D.
Oakes, J. Applied Probability 11 (1974) 493-503; V. Filimonov & D. Sornette, Phys. Rev. E 85 (2012) 056108; S. Hardiman
& J.-P. Bouchaud, Phys. Rev. E 90 (2014) 062807.
"""

import math
from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array
from simulation.errors import InputError
from simulation.random import Streams

_DIFFERENCE = 0.02  # step of finite differences, in logs
_LONGEST = 300.0  # decays in a block; e to this power is far from the largest number


@dataclass(frozen=True)
class Hawkes:
    """A Hawkes process: `rate` of events from outside, `ratio` (n) children each, `decay` of delays, 1/time."""

    rate: float
    ratio: float
    decay: float = 1.0

    @property
    def mean_rate(self) -> float:
        """Return mu / (1 - n), events a unit of time."""
        return self.rate / (1.0 - self.ratio)

    def fano(self, window: float) -> float:
        """Return variance over mean of the counts in windows of length `window`, once the process is stationary.

        1 / (1 - n)^2 + (1 - 1 / (1 - n)^2) (1 - exp(-b (1 - n) w)) / (b (1 - n) w), which tends to 1 / (1 - n)^2.
        Source: J. Da Fonseca & R. Zaatour, J. Futures Markets 34 (2014) 548-579.
        """
        limit, speed = (1.0 - self.ratio) ** -2, self.decay * (1.0 - self.ratio) * window
        return limit + (1.0 - limit) * -math.expm1(-speed) / speed

    def times(self, span: float, streams: Streams) -> Array:
        """Return the rising event times in [0, span), generation by generation (Hawkes & Oakes 1974)."""
        from scipy.stats import poisson

        if not 0.0 <= self.ratio < 1.0 or self.rate <= 0.0 or self.decay <= 0.0:
            raise InputError(f"ratio: must be at least 0 and below 1, rate and decay above 0 (got {self})")
        first = int(poisson.ppf(streams.uniform("hawkes/first", 0, 1)[0], self.rate * span))
        generation = span * streams.uniform("hawkes/outside", 0, first)
        found = [generation]
        while len(generation):
            children = poisson.ppf(streams.uniform("hawkes/children", len(found), len(generation)), self.ratio)
            parents = np.repeat(generation, children.astype(int))
            generation = parents - np.log(streams.uniform("hawkes/delay", len(found), len(parents))) / self.decay
            generation = generation[generation < span]
            found.append(generation)
        return np.sort(np.concatenate(found))


def counts(times: Array, span: float, windows: int) -> Array:
    """Return the number of events in each of `windows` equal parts of [0, span]."""
    return np.histogram(times, windows, (0.0, span))[0].astype(float)


def ratio_of_counts(count: Array) -> tuple[float, str]:
    """Return (1 - sqrt(mean / variance) of counts per window, why it is NaN or ""); windows must outlast cascades.

    Negative where counts vary less than a Poisson process's.
    """
    if len(count) < 2 or not count.any():
        return math.nan, "needs at least two windows and one event"
    variance = float(count.var(ddof=1))
    if variance == 0.0:
        return math.nan, "all windows hold equally many events"
    return 1.0 - math.sqrt(float(count.mean()) / variance), ""


def fitted(times: Array, span: float) -> Hawkes:
    """Return the process of greatest likelihood of rising `times` (k,), at least ten, in [0, span)."""
    from scipy.optimize import minimize

    if len(times) < 10:
        raise InputError(f"times: needs at least ten events (got {len(times)})")
    rate = len(times) / span
    start = np.array([math.log(rate / 2.0), 0.0, math.log(rate)])

    def loss(at: Array) -> float:
        return -log_likelihood(_process(at), times, span)

    return _process(minimize(loss, start, method="Nelder-Mead").x)


def log_likelihood(process: Hawkes, times: Array, span: float) -> float:
    """Return sum log rate(t_i) - integral of the rate over [0, span], nats (Y. Ogata, 1981)."""
    excited = _excitement(times, process.decay)
    total = float(np.log(process.rate + process.ratio * process.decay * excited).sum())
    children = process.ratio * float(-np.expm1(-process.decay * (span - times)).sum())
    return total - process.rate * span - children


def ratio_error(found: Hawkes, times: Array, span: float) -> float:
    """Return the standard error of the ratio of `found`, the process of greatest likelihood of `times` in [0, span).

    From the curvature of the likelihood in (ln rate, logit ratio, ln decay); NaN where that is no maximum.
    """
    at = np.array([math.log(found.rate), math.log(found.ratio / (1.0 - found.ratio)), math.log(found.decay)])
    moves = _DIFFERENCE * np.eye(3)

    def bend(i: int, j: int) -> float:
        signs = ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0))
        parts = [a * b * log_likelihood(_process(at + a * moves[i] + b * moves[j]), times, span) for a, b in signs]
        return -sum(parts) / (4.0 * _DIFFERENCE**2)

    information = np.array([[bend(i, j) for j in range(3)] for i in range(3)])
    if np.linalg.eigvalsh(information).min() <= 0.0:
        return math.nan
    return math.sqrt(float(np.linalg.inv(information)[1, 1])) * found.ratio * (1.0 - found.ratio)


def _excitement(times: Array, decay: float) -> Array:
    """Return sum exp(-decay (t_i - t_j)) over j < i, (k,), for rising times; in blocks, so that nothing overflows."""
    excited, start, carried, since = np.zeros(len(times)), 0, 0.0, 0.0
    block = np.floor(decay * (times - times[:1]) / _LONGEST)
    ends = [*(np.flatnonzero(np.diff(block)) + 1).tolist(), len(times)] if len(times) else []
    for end in ends:
        here = decay * (times[start:end] - times[start])
        grown = np.exp(here)
        before = np.cumsum(grown) - grown + carried * math.exp(-decay * (times[start] - since))
        excited[start:end] = before / grown
        carried, since, start = excited[end - 1] + 1.0, times[end - 1], end
    return excited


def _process(at: Array) -> Hawkes:
    rate, ratio, decay = np.clip(at, -30.0, 30.0).tolist()
    return Hawkes(math.exp(rate), 1.0 / (1.0 + math.exp(-ratio)), math.exp(decay))


def perpetual_ratio(funding: float, interest: float, carry: float) -> float:
    """Return F / S = (k - i) / (k - (r - r')) without arbitrage: k `funding` intensity, i `interest`, r - r' `carry`.

    All 1/year; k is 1,095 where funding is paid every eight hours. Source: S. He, A. Manela, O. Ross & V. von Wachter,
    "Fundamentals of perpetual futures" (2022).
    """
    if funding <= carry:
        raise InputError(f"funding: must be above the carry {carry:g} (got {funding:g})")
    return (funding - interest) / (funding - carry)
