"""The wallet: the shared pool posts margin to isolated positions and takes back what they set free."""

import numpy as np

from simulation.accounts import SHARED, floor_quanta, to_quanta
from simulation.arrays import Index
from simulation.health import Holdings, MarginEngine


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
        for market in np.flatnonzero(apart.any(axis=0)):
            part = np.flatnonzero(apart[:, market])
            self._follow_one(rows[part], int(market), before.part(part), after.part(part))

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

    def _follow_one(self, rows: Index, market: int, before: Holdings, after: Holdings) -> None:
        price, everyone = self.market.mark_price, np.arange(len(rows))
        pools = before.pool[:, market].astype(np.intp)
        old, new = before.position[:, market], after.position[:, market]
        flipped = old * new < 0.0
        needed = np.abs(self.engine.signed_initial(after, price))[:, market]
        growth = needed - np.abs(self.engine.signed_initial(before, price))[:, market]
        equity = self.engine.equity(rows, after, price)[everyone, pools]
        spare = equity - self.engine.initial(after, price)[everyone, pools]
        fresh = flipped | (old == 0.0)
        kept = np.where(fresh, 0.0, np.minimum(np.abs(new) / np.where(fresh, 1.0, np.abs(old)), 1.0))
        shrank = flipped | (np.abs(new) < np.abs(old))
        free = np.where(shrank, np.maximum(np.minimum(equity * (1.0 - kept), spare), 0.0), 0.0)
        self.accounts.transfer((rows, pools), (rows, SHARED), free, "release")
        wanted = np.where(np.abs(new) > np.abs(old), np.maximum(growth, 0.0), 0.0)
        wanted = np.where(flipped, np.clip(-spare, 0.0, needed), wanted)
        spare = self.engine.equity(rows, after, price) - self.engine.initial(after, price)
        wallet = np.maximum(spare[:, SHARED], 0.0)
        posted = np.minimum(to_quanta(wanted), floor_quanta(wallet))
        self.accounts.transfer((rows, SHARED), (rows, pools), posted, "post")
