"""How many dollars of a pool's loss each earlier liquidation caused.

A push displaced the price by permanent + transient * decay ** (steps since). A position that has lost `exposure`
dollars per unit of log price since its reference moment owes to that push

    exposure * (what is left of it now - what was left of it at the reference moment, if it had happened by then)

dollars, and to each closing that was part of the push the closing's fraction of it. Over all earlier closings these
shares add up to the forced part of the loss.
"""

from dataclasses import dataclass

import numpy as np

from experiments.record.closings import Closings
from simulation.arrays import Array, Index, Mask

_BLOCK = 4_000_000  # cells of a working array; keeps memory below some 200 MB


@dataclass(frozen=True)
class Blame:
    """Pairs of closings (e,): `cause` harmed `effect` by `share` dollars, not rounded; by effect, largest first.

    complete (n,): all causes of that effect are listed.
    """

    cause: Index
    effect: Index
    share: Array
    complete: Mask


class Ledger:
    """Answers who owes whom. `moment_step` is the step of every moment, `half_life` that of transient impact, steps."""

    def __init__(self, closings: Closings, moment_step: Index, half_life: float) -> None:
        """Read the closings."""
        self.closings, self.moment_step, self.half_life = closings, moment_step, half_life
        self.decay = 0.5 ** (1.0 / half_life)

    def _faded(self, age: Index) -> Array:
        """Return decay ** age, 1 before; looked up, because there are far fewer ages than pairs."""
        return (self.decay ** np.arange(int(age.max(initial=0)) + 1))[np.maximum(age, 0)]

    def moved(self, effect: Index, market: int | Index, push: Index) -> Array:
        """Return the log displacement by `push` that `effect` has seen in `market` since its reference; broadcasts.

        0 where the push came later than the effect.
        """
        c, p = self.closings, self.closings.pushes
        when, since = c.before[effect], c.reference[effect, market]
        permanent, transient = p.permanent[push, market], p.transient[push, market]
        left = permanent + transient * self._faded(self.moment_step[when] - p.step[push])
        known = permanent + transient * self._faded(self.moment_step[since] - p.step[push])
        moment = p.moment[push]
        return np.where(moment <= when, left, 0.0) - np.where(moment <= since, known, 0.0)

    def shares(self, effect: Index, cause: Index) -> Array:
        """Return the dollars (e,) that `cause` (e,) owes to the loss of `effect` (e,), over all markets."""
        c, owed = self.closings, np.zeros(len(effect))
        for market in range(c.units.shape[1]):
            both = np.flatnonzero((c.exposure[effect, market] != 0.0) & (c.share[cause, market] != 0.0))
            one, other = effect[both], cause[both]
            seen = self.moved(one, market, c.push[other])
            owed[both] += c.exposure[one, market] * seen * c.share[other, market]
        return owed

    def largest(self, effects: Index, most: int) -> Blame:
        """Return, for each of `effects`, its `most` largest causes by amount.

        Looked for are those among the `most` largest in some market: exact in one market and where the list is
        complete; with several a cause that is moderate in each of them may be passed over.
        """
        pairs, missed = [], np.zeros(len(self.closings), bool)
        for market in range(self.closings.units.shape[1]):
            book = _Book(self.closings, market)
            held = effects[self.closings.exposure[effects, market] != 0.0]
            pairs.append(self._candidates(held, book, most, missed))
        cause, effect = _distinct(np.concatenate([np.empty((2, 0), np.intp), *pairs], axis=1), len(self.closings))
        share = self.shares(effect, cause)
        order = np.lexsort((-cause, -np.abs(share), effect))  # of equal causes the latest comes first
        cause, effect, share = cause[order], effect[order], share[order]
        rank = np.arange(len(effect)) - np.searchsorted(effect, effect)
        missed[effect[rank >= most]] = True
        keep = rank < most
        return Blame(cause[keep], effect[keep], share[keep], ~missed)

    def _candidates(self, effects: Index, book: "_Book", most: int, missed: Mask) -> Index:
        """Return pairs (2, c) that contain the `most` largest causes in one market of each effect.

        The closing ranked r in size of some push can be among the largest only if its push is among the `most` pushes
        with the largest single closings, so no other pair needs to be looked at.
        """
        if not len(book.pushes) or not len(effects):
            return np.empty((2, 0), np.intp)
        width = min(most, len(book.pushes))
        since = self.closings.reference[effects, book.market]
        # Losses that stood at one moment and count from one moment have seen the same pushes.
        spell = self.closings.before[effects] * (int(since.max()) + 1) + since
        _, first, alike = np.unique(spell, return_index=True, return_inverse=True)
        size = max(1, _BLOCK // len(book.pushes))
        parts = [self._top(effects[first[k : k + size]], book, width) for k in range(0, len(first), size)]
        chosen, at, causes = (np.concatenate(column)[alike] for column in zip(*parts, strict=True))
        count = np.minimum(book.count, most)[chosen] * at
        missed[effects] |= causes > count.sum(axis=1)
        which = np.repeat(np.arange(count.size), count.ravel())
        rank = np.arange(len(which)) - np.repeat(np.cumsum(count.ravel()) - count.ravel(), count.ravel())
        cause = book.closings[book.first[chosen.ravel()[which]] + rank]
        return np.stack([cause, effects[which // width]])

    def _top(self, effects: Index, book: "_Book", width: int) -> tuple[Index, Mask, Index]:
        """Return the `width` pushes (r, width) with the largest single closings, which of them count, and the number
        of causes (r,) there are.
        """
        seen = np.abs(self.moved(effects[:, None], book.market, book.pushes[None, :])) * book.largest
        top = np.argpartition(-seen, width - 1, axis=1)[:, :width] if width < seen.shape[1] else None
        chosen = np.broadcast_to(np.arange(width), (len(effects), width)) if top is None else top
        return chosen, np.take_along_axis(seen, chosen, axis=1) > 0.0, (book.count * (seen > 0.0)).sum(axis=1)


class _Book:
    """The closings that reached the book in one market, by push, the largest of each push first."""

    def __init__(self, closings: Closings, market: int) -> None:
        share = np.abs(closings.share[:, market])
        found = np.flatnonzero(share)
        self.market = market
        self.closings = found[np.lexsort((-found, -share[found], closings.push[found]))]
        self.pushes, self.first, self.count = np.unique(
            closings.push[self.closings], return_index=True, return_counts=True
        )
        self.largest = share[self.closings[self.first]] if len(found) else np.empty(0)


def _distinct(pairs: Index, n: int) -> tuple[Index, Index]:
    """Return the distinct columns of `pairs` (2, c), whose entries are below n."""
    key = np.sort(pairs[1] * n + pairs[0])  # numpy's unique takes several times as long on millions of pairs
    key = key[np.diff(key, prepend=-1) != 0]
    return key % n, key // n
