"""Dollars from all causes to all effects, without listing the pairs.

The graph lists the largest causes of a closing by name; here all of them count. A push displaced the log price by
permanent + transient * d ** age, so what a class of causes has done to the price up to some moment needs one sum of the
permanent parts and one of the transient parts that fades by d a step. With n closings, p pushes and m markets a
product costs O((n + p) m) where all pairs would cost O(n p m).
"""

import numpy as np

from experiments.record.blame import Ledger
from simulation.arrays import Array, Index

_CELLS = 4_000_000  # cells of a working array


def suffered(ledger: Ledger, label: Index, count: int, effects: Index) -> Array:
    """Return the dollars (e, count) that causes of each class took from each of `effects` (e,); negative: spared it.

    label (n,): the class of every closing, below `count`. Sums over classes are the forced loss, before rounding.
    """
    owed = np.zeros((len(effects), count))
    for market in range(ledger.closings.units.shape[1]):
        owed += suffered_through(ledger, market, (label, count), effects)
    return owed


def suffered_through(ledger: Ledger, market: int, classes: tuple[Index, int], effects: Index) -> Array:
    """Return the dollars (e, count) of `suffered` that come from sales in one market; `classes`: labels and count."""
    c, (label, count) = ledger.closings, classes
    owed = np.zeros((len(effects), count))
    held = np.flatnonzero(c.exposure[effects, market] != 0.0)
    if not len(held) or not len(c.pushes.moment):
        return owed
    done = _Displacement(ledger, market, label, count)
    size = max(1, _CELLS // count)
    for start in range(0, len(held), size):
        rows = held[start : start + size]
        these = effects[rows]
        moved = done.at(c.before[these]) - done.at(c.reference[these, market])
        owed[rows] = c.exposure[these, market, None] * moved
    return owed


class _Displacement:
    """The log displacement of one market by each class of causes, at any moment."""

    def __init__(self, ledger: Ledger, market: int, label: Index, count: int) -> None:
        c, self._ledger = ledger.closings, ledger
        pushes = c.pushes
        part = np.zeros((len(pushes.moment), count))
        sold = np.flatnonzero(c.push >= 0)
        np.add.at(part, (c.push[sold], label[sold]), c.share[sold, market])
        self._lasting = np.zeros((len(part) + 1, count))
        np.cumsum(part * pushes.permanent[:, market, None], axis=0, out=self._lasting[1:])
        self._fading = np.zeros((len(part) + 1, count))
        fresh, left, step = part * pushes.transient[:, market, None], ledger.decay, pushes.step
        for p in range(len(part)):
            age = step[p] - step[p - 1] if p else 0
            self._fading[p + 1] = self._fading[p] * left**age + fresh[p]

    def at(self, moment: Index) -> Array:
        """Return the displacement (e, count) at the moments (e,)."""
        pushes = self._ledger.closings.pushes
        known = np.searchsorted(pushes.moment, moment, side="right")
        age = self._ledger.moment_step[moment] - pushes.step[np.maximum(known - 1, 0)]
        faded = self._ledger.decay ** np.maximum(age, 0)
        return self._lasting[known] + self._fading[known] * faded[:, None]


def caused(ledger: Ledger, onward: bool = False) -> Array:
    """Return the dollars of loss (n,) that each closing caused in all later ones: its weighted out-strength, signed.

    With `onward` the harm that its victims did in turn counts in the proportion in which it had harmed them,

        c_i = sum_j w_ij (1 + c_j / g_j),

    w_ij the dollars i took from j and g_j the gross loss of j, |exogenous| + |flow| + |mark gap| + |forced|. This is
    Katz's centrality with attenuation 1, finite because causes come before effects. Source: L. Katz, Psychometrika 18
    (1953) 39-43. One sweep back in time over the pushes.
    """
    c = ledger.closings
    found, gross = np.zeros(len(c)), np.zeros(len(c))
    for part in (c.exogenous, c.flow, c.mark_gap, c.forced):
        gross += np.abs(part)
    sweep = _Backwards(ledger)
    order = np.argsort(c.push, kind="stable")
    ends = np.searchsorted(c.push[order], np.arange(len(c.pushes.moment) + 1))
    sweep.add(order[: ends[0]], np.ones(ends[0]))  # what never reached the book harmed nobody
    for push in range(len(c.pushes.moment) - 1, -1, -1):
        harm = sweep.harm(push)
        these = order[ends[push] : ends[push + 1]]
        for market in range(c.share.shape[1]):
            found[these] += harm[market] * c.share[these, market]
        passed = found[these] / np.where(gross[these] > 0.0, gross[these], np.inf)
        sweep.add(these, 1.0 + passed if onward else np.ones(len(these)))
    return found


class _Backwards:
    """Adds up, push by push back in time, what each push took from the closings after it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, c = ledger, ledger.closings
        count = len(c.pushes.moment)
        self._lasting, self._fading = np.zeros((2, count + 1, c.units.shape[1]))
        self._sums = np.zeros((2, c.units.shape[1]))
        self._last = c.pushes.step[-1] if count else 0

    def add(self, effects: Index, weight: Array) -> None:
        """Count `effects` (e,) with their `weight` (e,); their moments lie before the pushes asked for so far."""
        c, ledger = self._ledger.closings, self._ledger
        if not len(effects) or not len(c.pushes.moment):
            return
        for market in range(c.units.shape[1]):
            value = weight * c.exposure[effects, market]
            for moment, sign in ((c.before[effects], 1.0), (c.reference[effects, market], -1.0)):
                known = np.searchsorted(c.pushes.moment, moment, side="right")
                age = np.maximum(ledger.moment_step[moment] - c.pushes.step[np.maximum(known - 1, 0)], 0)
                np.add.at(self._lasting[:, market], known, sign * value)
                np.add.at(self._fading[:, market], known, sign * value * ledger.decay**age)

    def harm(self, push: int) -> Array:
        """Return the dollars (m,) per unit of share that `push` took; to be asked from the last push to the first."""
        pushes = self._ledger.closings.pushes
        self._sums[1] *= self._ledger.decay ** (self._last - pushes.step[push])
        self._last = pushes.step[push]
        self._sums[0] += self._lasting[push + 1]
        self._sums[1] += self._fading[push + 1]
        return pushes.permanent[push] * self._sums[0] + pushes.transient[push] * self._sums[1]
