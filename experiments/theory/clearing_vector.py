"""What everybody pays when debtors are each other's creditors.

debts L (n, n), dollars, row owes column; outside e (n,), dollars >= 0. pbar_i = sum_j L_ij, Pi = L / pbar. A clearing
vector pays pbar_i where e_i + sum_j Pi_ji p_j reaches it, else recovers a e_i + b sum_j Pi_ji p_j. With default costs
(a or b below 1) there can be several; the greatest and the least are what monotone iteration from pbar and from 0
reaches. Sources: L. Eisenberg & T. Noe, Management Science 47 (2001) 236-249; L. Rogers & L. Veraart, Management
Science 59 (2013) 882-898.
"""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array
from simulation.claims.clearing import Debts, Recovery, Solution, clear
from simulation.errors import InputError

_ENOUGH = 1e-14  # relative shortfall of a payment that counts as none


@dataclass(frozen=True)
class Claims:
    """Mutual debts and outside money; the recovery rates apply to a defaulter's outside money and claims."""

    debts: Array
    outside: Array
    outside_recovery_rate: float = 1.0
    claims_recovery_rate: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no system of debts."""
        n = len(self.outside)
        if self.debts.shape != (n, n) or not (self.debts >= 0.0).all() or not (self.outside >= 0.0).all():
            raise InputError(f"debts: must be {n} x {n} numbers of at least 0, outside: at least 0")
        if not all(0.0 <= rate <= 1.0 for rate in (self.outside_recovery_rate, self.claims_recovery_rate)):
            raise InputError("recovery rates: must be 0 to 1")

    @property
    def owed(self) -> Array:
        """Return pbar (n,)."""
        return self.debts.sum(axis=1)

    @property
    def shares(self) -> Array:
        """Return Pi (n, n); rows of those who owe nothing are zero."""
        owed = self.owed[:, None]
        return np.divide(self.debts, owed, out=np.zeros_like(self.debts), where=owed > 0.0)

    @property
    def greatest(self) -> Array:
        """Return the greatest clearing vector (n,)."""
        return self._cleared("greatest")

    @property
    def least(self) -> Array:
        """Return the least clearing vector (n,)."""
        return self._cleared("least")

    def equity(self, paid: Array) -> Array:
        """Return e + Pi' p - p (n,), which adds up to the outside money unless defaults cost some."""
        return self.outside + paid @ self.shares - paid

    def _cleared(self, solution: Solution) -> Array:
        """Return what the engine's own iteration finds."""
        debtor, creditor = np.nonzero(self.debts)
        debts = Debts(len(self.outside), debtor, creditor, self.debts[debtor, creditor])
        recovery = Recovery(self.outside_recovery_rate, self.claims_recovery_rate, solution)
        return clear(debts, self.outside, recovery).paid


def fictitious_default(claims: Claims) -> tuple[Array, int]:
    """Return the greatest clearing vector (n,) and the rounds it took, at most n; without default costs only.

    Everybody is first thought to pay; a round solves p_D = e_D + (Pi' p)_D for those D found unable to, which may
    show more who are. L. Eisenberg & T. Noe (2001), section 3.1.
    """
    if claims.outside_recovery_rate < 1.0 or claims.claims_recovery_rate < 1.0:
        raise InputError("recovery rates: fictitious defaults are for claims without default costs")
    shares, owed = claims.shares, claims.owed
    paid, failed = owed.copy(), np.zeros(len(owed), bool)
    for rounds in range(len(owed) + 1):
        short = failed | (claims.outside + paid @ shares < owed * (1.0 - _ENOUGH))
        if (short == failed).all():
            return paid, rounds
        failed = short
        received = claims.outside + np.where(failed, 0.0, owed) @ shares
        inside = np.eye(int(failed.sum())) - shares[np.ix_(failed, failed)].T
        paid = owed.copy()
        paid[failed] = np.linalg.solve(inside, received[failed])
    raise AssertionError("defaults only ever grow, so n rounds are enough")
