"""The wallet: the shared pool posts margin to isolated positions and takes back what they set free."""

from dataclasses import dataclass

import numpy as np

from simulation.accounts import SHARED, floor_quanta, to_quanta
from simulation.arrays import Array, Index
from simulation.health import MarginEngine
from simulation.holdings import Holdings


@dataclass(frozen=True)
class Change:
    """What trades did to some accounts: holdings before and after, the initial requirement of each position then and
    now (r, m), and of each pool now (r, k).
    """

    before: Holdings
    after: Holdings
    had: Array
    needed: Array
    initial: Array

    def part(self, which: Index) -> "Change":
        """Return the change of some of the accounts."""
        before, after = self.before.part(which), self.after.part(which)
        return Change(before, after, self.had[which], self.needed[which], self.initial[which])


class Wallet:
    """Moves cash between shared and isolated pools of the same account."""

    def __init__(self, engine: MarginEngine) -> None:
        """Work on the accounts of `engine`."""
        self.engine, self.accounts, self.market = engine, engine.accounts, engine.market

    def follow(self, rows: Index, before: Holdings) -> None:
        """After trades of `rows`, who held `before`: post for isolated positions that grew, release the others.

        A position that grew takes the growth of its initial requirement out of the wallet, as far as the wallet goes:
        the equity of the shared pool beyond the initial requirement of the positions that stand there.
        One that shrank to a share s of itself returns the share 1 - s of its pool's equity, but leaves the initial
        requirement of what is still open; a closed one returns everything. One that turned round is closed and opened
        again: the pool keeps, or gets, the initial requirement of the new side.
        """
        after = self.engine.holdings(rows)
        apart = (before.pool != SHARED) & (before.position != after.position)
        if not apart.any():
            return
        price = self.market.mark_price
        had, needed = (np.abs(self.engine.signed_initial(held, price)) for held in (before, after))
        change = Change(before, after, had, needed, self.engine.initial(after, price))
        for market in np.flatnonzero(apart.any(axis=0)):
            part = np.flatnonzero(apart[:, market])
            self._follow_one(rows[part], int(market), change.part(part))

    def fund(self, rows: Index, share: float) -> None:
        """Post `share` of what the wallets of `rows` hold to their isolated pools, pro rata to initial requirements.

        Accounts that also hold positions in the shared pool keep their wallet for those.
        """
        if self.accounts.pools == 1 or share == 0.0:
            return
        held = self.engine.holdings(rows)
        initial = self.engine.initial(held, self.market.mark_price)
        shared = ((held.pool == SHARED) & (held.position != 0.0)).any(axis=1)
        total = initial[:, 1:].sum(axis=1)
        wallet = np.maximum(self.accounts.cash[rows, SHARED], 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = np.where(shared | (total == 0.0), 0.0, share * wallet / total)
        for pool in range(1, self.accounts.pools):
            amount = np.minimum(initial[:, pool] * rate, np.maximum(self.accounts.cash[rows, SHARED], 0.0))
            self.accounts.transfer((rows, SHARED), (rows, pool), amount, "post")

    def _follow_one(self, rows: Index, market: int, change: Change) -> None:
        price, everyone, after = self.market.mark_price, np.arange(len(rows)), change.after
        pools = after.pool[:, market].astype(np.intp)
        old, new = change.before.position[:, market], after.position[:, market]
        flipped = old * new < 0.0
        needed = change.needed[:, market]
        growth = needed - change.had[:, market]
        equity = self.engine.equity(rows, after, price)[everyone, pools]
        spare = equity - change.initial[everyone, pools]
        fresh = flipped | (old == 0.0)
        kept = np.where(fresh, 0.0, np.minimum(np.abs(new) / np.where(fresh, 1.0, np.abs(old)), 1.0))
        shrank = flipped | (np.abs(new) < np.abs(old))
        free = np.where(shrank, np.maximum(np.minimum(equity * (1.0 - kept), spare), 0.0), 0.0)
        self.accounts.transfer((rows, pools), (rows, SHARED), free, "release")
        wanted = np.where(np.abs(new) > np.abs(old), np.maximum(growth, 0.0), 0.0)
        wanted = np.where(flipped, np.clip(-spare, 0.0, needed), wanted)
        wallet = np.maximum((self.engine.equity(rows, after, price) - change.initial)[:, SHARED], 0.0)
        posted = np.minimum(to_quanta(wanted), floor_quanta(wallet))
        self.accounts.transfer((rows, SHARED), (rows, pools), posted, "post")
