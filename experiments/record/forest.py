"""The cascade forest: every closing has at most one parent, the one that carried the pool across its threshold.

A closing is a *root* (generation 1) if the pool would have been under maintenance at prices without the forced
displacement. Otherwise its parent is the closing that owes most of the loss among those of the round before, since
when the pool was last looked at; where those owe nothing, among all earlier ones. Of equal ones the order decides: a
tree shows one history of several that explain the same fall. A further close of the same pool in the same or the next
step continues it: it hangs below the earlier one but is no new generation.
Shared losses (deleveraging, socialised loss) move no price and make no parents.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from experiments.record.blame import Ledger
from experiments.record.closings import Closings
from simulation.arrays import Array, Index, Mask

_BLOCK = 4_000_000  # cells of a working array


@dataclass(frozen=True)
class Forest:
    """Trees over n closings: parent (n,), -1 for roots; generation (n,), from 1; tree (n,): the root's number;
    continues (n,): a further close of a pool that is in the tree already; pool (n,): a number for each margin pool.
    """

    parent: Index
    generation: Index
    tree: Index
    continues: Mask
    pool: Index

    def __len__(self) -> int:
        """Return the number of closings."""
        return len(self.parent)

    @property
    def roots(self) -> Index:
        """Return the roots, in order of time."""
        return np.flatnonzero(self.parent < 0)

    @cached_property
    def sizes(self) -> Index:
        """Return the number of distinct pools in the tree of each root, in the order of `roots`."""
        pools = int(self.pool.max(initial=0)) + 1
        trees = np.unique(self.tree * pools + self.pool) // pools
        return np.bincount(trees, minlength=len(self))[self.roots]

    @cached_property
    def depths(self) -> Index:
        """Return the number of generations of the tree of each root, in the order of `roots`."""
        deepest = np.zeros(len(self), np.intp)
        np.maximum.at(deepest, self.tree, self.generation)
        return deepest[self.roots]

    @cached_property
    def generations(self) -> Index:
        """Return how many pools were closed in generation 1, 2, ..., further closes not counted."""
        return np.bincount(self.generation[~self.continues])[1:]


def grow(ledger: Ledger, rounds_per_step: int) -> Forest:
    """Return the forest of all closings; `rounds_per_step` is the scenario's (0 = to rest)."""
    # A pool closed late in its round has seen the round's own sales, but those did not carry it across.
    ledger = Ledger(replace(ledger.closings, before=ledger.closings.seized), ledger.moment_step, ledger.half_life)
    closings = ledger.closings
    pool = np.unique(np.stack([closings.row, closings.pool]), axis=1, return_inverse=True)[1].ravel()
    parent = _continued(closings, pool)
    continues = parent >= 0
    open_ = np.flatnonzero(~continues & closings.carried)
    parent[open_] = _carriers(ledger, open_, rounds_per_step)
    generation, tree = np.ones(len(parent), np.intp), np.arange(len(parent))
    for i in np.flatnonzero(parent >= 0):  # parents come before children
        generation[i] = generation[parent[i]] + (not continues[i])
        tree[i] = tree[parent[i]]
    return Forest(parent, generation, tree, continues, pool)


def _continued(closings: Closings, pool: Index) -> Index:
    """Return the closing that each closing continues, or -1."""
    order = np.argsort(pool, kind="stable")
    earlier = np.full(len(pool), -1)
    again = np.flatnonzero(pool[order][1:] == pool[order][:-1])
    earlier[order[again + 1]] = order[again]
    near = closings.step - closings.step[earlier] <= 1
    return np.where((earlier >= 0) & near, earlier, -1)


def _carriers(ledger: Ledger, effects: Index, rounds_per_step: int) -> Index:
    """Return the closing that carried each of `effects` across its threshold, -1 where no earlier one harmed it."""
    c = ledger.closings
    found = np.full(len(c), -1)
    slot = c.step * (int(c.round.max(initial=0)) + 2) + c.round
    slots, first = np.unique(slot, return_index=True)
    for k in np.unique(np.searchsorted(slots, slot[effects])):
        if k == 0:
            continue
        before, now = int(first[k - 1]), int(first[k])
        if _follows(c, before, now, rounds_per_step):
            these = effects[slot[effects] == slots[k]]
            found[these] = _strongest(ledger, these, np.arange(before, now))
    rest = effects[found[effects] < 0]
    blame = ledger.largest(rest, 4)
    harmful = blame.share > 0.0
    one, at = np.unique(blame.effect[harmful], return_index=True)
    found[one] = blame.cause[harmful][at]
    return found[effects]


def _follows(c: Closings, before: int, now: int, rounds_per_step: int) -> bool:
    """Tell whether the round of closing `now` is the next one after the round of closing `before`."""
    if c.step[now] == c.step[before]:
        return c.round[now] == c.round[before] + 1
    cut = rounds_per_step and c.round[before] == rounds_per_step - 1
    return bool(c.step[now] == c.step[before] + 1 and c.round[now] == 0 and cut)


def _strongest(ledger: Ledger, effects: Index, causes: Index) -> Index:
    """Return which of `causes` owes most to each of `effects`, -1 where none owes anything."""
    c = ledger.closings
    best, most = np.full(len(effects), -1), np.zeros(len(effects))
    for push in np.unique(c.push[causes]):
        if push < 0:
            continue
        sellers = _worst(c, causes[c.push[causes] == push])
        if not len(sellers):
            continue
        seen = ledger.moved(effects[:, None], np.arange(c.units.shape[1])[None, :], push)
        weight = c.exposure[effects] * seen
        size = max(1, _BLOCK // len(sellers))
        for start in range(0, len(effects), size):
            part = slice(start, start + size)
            owed = _products(weight[part], c.share[sellers])
            top = owed.argmax(axis=1)
            value = owed[np.arange(len(top)), top]
            better = value > most[part]
            best[part][better], most[part][better] = sellers[top[better]], value[better]
    return best


def _worst(c: Closings, sellers: Index) -> Index:
    """Leave out sellers that cannot owe most: in one market only, with another that sold or bought more of it there."""
    share = c.share[sellers]
    sold = share != 0.0
    keep = sold.sum(axis=1) != 1
    for market in range(share.shape[1]):
        single = np.flatnonzero(sold[:, market] & ~keep)
        if len(single):
            keep[single[[share[single, market].argmax(), share[single, market].argmin()]]] = True
    return sellers[keep]


def _products(weight: Array, share: Array) -> Array:
    """Return weight (r, m) @ share (u, m) transposed, market by market, so that bytes do not depend on the machine."""
    total = weight[:, :1] * share[None, :, 0]
    for market in range(1, weight.shape[1]):
        total += weight[:, market : market + 1] * share[None, :, market]
    return total
