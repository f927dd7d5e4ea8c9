"""What everybody pays when debtors are each other's creditors.

Account i owes pbar_i = sum_j L_ij and has e_i of outside money. A clearing vector p pays pbar_i where e_i + r_i, r_i =
sum_j (L_ji / pbar_j) p_j, reaches it, and else what a default leaves, a e_i + b r_i. With default costs (a or b below
1) there can be several vectors; the greatest and the least are what monotone iteration from pbar and from 0 reaches.
Outside money below 0 is an overdraft at the venue, which comes before all claims: it is taken off what is left.
Sources: L. Eisenberg & T. Noe, Management Science 47 (2001) 236-249; L. Rogers & L. Veraart, Management Science 59
(2013) 882-898. With a = b = 0 the greatest vector is the threshold cascade of P. Gai & S. Kapadia, Proc. R. Soc. A 466
(2010) 2401-2423.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from simulation.arrays import Array, Index
from simulation.errors import CapacityError

_ENOUGH = 1e-14  # relative change of a payment below which it stands
_ROUNDS = 1_000_000

Solution = Literal["greatest", "least"]


def totals(party: Index, dollars: Array, parties: int) -> Array:
    """Return the sum (n,) of `dollars` (q,) of each of `parties` n, to whom entry by entry `party` (q,) says."""
    return np.bincount(party, dollars, parties).astype(float)


@dataclass(frozen=True)
class Debts:
    """Debts among `parties` n, one entry each (q,): `debtor` owes `creditor` so many `dollars` >= 0."""

    parties: int
    debtor: Index
    creditor: Index
    dollars: Array

    @cached_property
    def owed(self) -> Array:
        """Return pbar (n,), what each owes."""
        return totals(self.debtor, self.dollars, self.parties)

    @cached_property
    def claimed(self) -> Array:
        """Return what each is owed (n,)."""
        return totals(self.creditor, self.dollars, self.parties)

    @cached_property
    def _share(self) -> Array:
        owed = self.owed[self.debtor]
        return np.divide(self.dollars, owed, out=np.zeros(len(owed)), where=owed > 0.0)

    def received(self, paid: Array) -> Array:
        """Return r (n,) where each pays `paid` (n,), to all of its creditors at the same rate."""
        return totals(self.creditor, self._share * paid[self.debtor], self.parties)


@dataclass(frozen=True)
class Recovery:
    """What a default leaves: a of outside money and b of claims received; and which vector is meant."""

    outside_rate: float = 1.0
    claims_rate: float = 1.0
    solution: Solution = "greatest"

    def left(self, outside: Array, received: Array) -> Array:
        """Return what a defaulter can pay (n,), dollars, its overdraft first."""
        kept = np.where(outside > 0.0, self.outside_rate * outside, outside)
        return np.maximum(kept + self.claims_rate * received, 0.0)


@dataclass(frozen=True)
class Cleared:
    """A clearing vector. paid (n,), dollars; round (n,): 0 = pays in full, g = found to default in round g.

    Round 1 are those who cannot pay although everybody pays them, round 2 those who cannot because of them, and so on.
    In the least vector nobody is thought to pay at first, so rounds say nothing of causes: all defaults are round 1.
    """

    paid: Array
    round: Index


def clear(debts: Debts, outside: Array, recovery: Recovery = Recovery()) -> Cleared:
    """Return the clearing vector of `debts` where parties have `outside` (n,) dollars; raise if none is reached."""
    greatest, owed = recovery.solution == "greatest", debts.owed
    paid = owed if greatest else np.zeros(debts.parties)
    found = np.zeros(debts.parties, np.intp)
    for number in range(1, _ROUNDS + 1):
        received = debts.received(paid)
        short = (outside + received < owed * (1.0 - _ENOUGH)) & (owed > 0.0)
        found = np.where(short, np.where((found > 0) & greatest, found, number if greatest else 1), 0)
        after = np.where(short, np.minimum(recovery.left(outside, received), owed), owed)
        if (np.abs(after - paid) <= _ENOUGH * owed).all():
            return Cleared(after, found)
        paid = after
    raise CapacityError(f"claims: payments are not settled after {_ROUNDS:,} rounds; outside money is too near to none")
