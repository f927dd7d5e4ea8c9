"""Clearing of ordinary orders: margin check, one fill price for everybody, wallet postings, fees."""

from typing import Protocol

import numpy as np

from agents.wallet import Wallet
from simulation.accounts import INSURANCE, SHARED, TREASURY, Accounts, floor_quanta, to_quanta
from simulation.arrays import Array, Index, Mask
from simulation.health import MarginEngine
from simulation.holdings import Holdings
from simulation.market import Market
from simulation.scenario import Fees
from simulation.watch import Watch


class Restrictions(Protocol):
    """Whoever knows in which columns accounts may only make positions smaller."""

    def barred(self, rows: Index, held: Holdings) -> Mask:
        """Return those columns (r, m)."""
        ...


class Clearing:
    """Turns orders into trades. Everybody who trades in a market in one step pays the same fill price."""

    def __init__(self, engine: MarginEngine, watch: Watch, fees: Fees) -> None:
        """Clear against `engine.accounts` and `engine.market`; `watch` learns whose positions changed."""
        self.engine, self.watch, self.fees = engine, watch, fees
        self.accounts: Accounts = engine.accounts
        self.market: Market = engine.market
        self.wallet = Wallet(engine)
        self.volume = np.zeros(self.accounts.markets)  # dollars traded so far, by market
        self.fees_paid = 0.0
        self.standings: Restrictions | None = None  # who may only reduce, where the state rule says more than margin
        listed = self.market.listed
        tokens = {int(listed.asset[j]): int(j) for j in np.flatnonzero(listed.spot)}
        inverse = [j for j, kind in enumerate(listed.kind) if kind == "inverse_perpetual"]
        self._coin = {j: tokens[int(listed.asset[j])] for j in inverse if int(listed.asset[j]) in tokens}

    def match(self, rows: Index, orders: Array) -> bool:
        """Check `orders` (r, m) of distinct `rows` (r,), cross what nets, fill the rest against the outside market.

        Returns whether anybody traded.
        """
        orders = self.whole_lots(orders)
        if self.market.listing.contracts is not None:  # what has ended trades no more
            orders = np.where(self.market.listing.contracts.open(self.market.step), orders, 0.0)
        active = orders.any(axis=1)
        rows, orders = rows[active], orders[active]
        if not len(rows):
            return False
        orders = self.admissible(rows, orders)
        fill = self.market.absorb(orders.sum(axis=0), forced=False)
        self.execute(rows, orders, fill)
        self._charge_fees(rows, (np.abs(orders) * fill).sum(axis=1) * self.fees.taker_rate)
        return bool(orders.any())

    def open(self, rows: Index, orders: Array) -> None:
        """Book opening positions at the mark, without margin check, impact or fee."""
        orders = self.whole_lots(orders)
        active = orders.any(axis=1)
        self.execute(rows[active], orders[active], self.market.mark_price)

    def whole_lots(self, orders: Array) -> Array:
        """Round orders towards zero to whole lots; what is not a finite number is no order."""
        lots = np.trunc(orders / self.accounts.lot)
        return np.where(np.isfinite(lots), lots, 0.0) * self.accounts.lot

    def execute(self, rows: Index, orders: Array, fill: Array) -> None:
        """Trade `orders` (r, m) at `fill` (m,) or (r, m), then move isolated margin between pool and wallet."""
        held = self.engine.holdings(rows)
        profit = self._realised(rows, orders, fill) if len(self._coin) else None
        self.accounts.trade(rows, orders, fill)
        if profit is not None:
            self._pay_in_coin(rows, profit, fill)
        self.volume += (np.abs(orders) * fill).sum(axis=0)
        self.follow(rows, orders, held)

    def follow(self, rows: Index, orders: Array, held: Holdings) -> None:
        """After trades `orders` (r, m) of `rows`, who `held` before: remember the moment, move isolated margin."""
        self.accounts.reference[rows] = np.where(orders != 0.0, self.market.moments.last, self.accounts.reference[rows])
        if self.accounts.pools > 1:
            self.wallet.follow(rows, held)
        self.watch.touch(rows)

    def _realised(self, rows: Index, orders: Array, fill: Array) -> Array:
        """Return the profit (r, m) that `orders` realise in inverse columns, dollars."""
        before, entry = self.accounts.position[rows], self.accounts.entry_price[rows]
        closed = np.where(before * orders < 0.0, np.minimum(np.abs(orders), np.abs(before)), 0.0)
        return np.sign(before) * closed * (fill - entry)

    def _pay_in_coin(self, rows: Index, profit: Array, fill: Array) -> None:
        """Turn profit (r, m) realised in inverse columns into coins at the fill price, losses as far as coins reach."""
        for column, coin in self._coin.items():
            lot, price = self.accounts.lot[coin], np.broadcast_to(fill, profit.shape)[:, column]
            coins = np.trunc(profit[:, column] / price / lot) * lot
            units = np.zeros_like(profit)
            units[:, coin] = np.maximum(coins, -np.maximum(self.accounts.position[rows, coin], 0.0))
            if units.any():
                self.accounts.trade(rows, units, np.broadcast_to(price[:, None], units.shape), reason="coin")
                moved = units[:, coin] != 0.0
                self.accounts.reference[rows[moved], coin] = self.market.moments.last

    def admissible(self, rows: Index, orders: Array) -> Array:
        """Return what passes the initial-margin check: all of it, or only the part that reduces positions."""
        held = self.engine.holdings(rows)
        if self.standings is not None:
            orders = np.where(self.standings.barred(rows, held), _reducing(held, orders), orders)
        allowed = self._affordable(rows, held, orders)
        if allowed.all():
            return orders
        return np.where((allowed | ~self._increases(held, orders))[:, None], orders, _reducing(held, orders))

    def _increases(self, held: Holdings, orders: Array) -> Mask:
        after = held.position + orders
        grown = (np.abs(after) > np.abs(held.position)) | (after * held.position < 0.0)
        return np.asarray(grown.any(axis=1))

    def _affordable(self, rows: Index, held: Holdings, orders: Array) -> Mask:
        """Tell whose shared pool carries the new positions, the isolated margin to be posted, and the fee."""
        price = self.market.mark_price
        after = held.after(orders, price)
        equity = self.engine.equity(rows, held, price)[:, SHARED]
        fee = (np.abs(orders) * price).sum(axis=1) * self.fees.taker_rate
        if self.accounts.pools == 1:
            return np.asarray(equity - fee >= self.engine.initial(after, price)[:, SHARED])
        apart = held.pool != SHARED
        post = np.abs(self.engine.signed_initial(after, price)) - np.abs(self.engine.signed_initial(held, price))
        post = np.where(apart, np.maximum(post, 0.0), 0.0).sum(axis=1)
        shared = self.engine.initial(after, price)[:, SHARED]
        return np.asarray(equity - fee - post >= shared)

    def _charge_fees(self, rows: Index, fee: Array) -> None:
        """Take `fee` (r,) out of shared pools, never more than the equity there: a fee makes no bad debt."""
        if self.fees.taker_rate == 0.0:
            return
        held = self.engine.holdings(rows)
        equity = self.engine.equity(rows, held, self.market.mark_price)[:, SHARED]
        venue, fund = (np.array([TREASURY]), SHARED), (np.array([INSURANCE]), SHARED)
        due = np.minimum(to_quanta(fee), floor_quanta(np.maximum(equity, 0.0)))
        paid = self.accounts.transfer((rows, SHARED), (np.full(len(rows), TREASURY), SHARED), due, "fee").sum()
        self.fees_paid += paid
        self.accounts.transfer(venue, fund, np.array([paid * self.fees.insurance_share]), "fee share")


def _reducing(held: Holdings, orders: Array) -> Array:
    """Return the part (r, m) of `orders` that takes positions nearer to zero."""
    after = held.position + orders
    nearer = np.where(held.position > 0.0, np.clip(after, 0.0, held.position), np.clip(after, held.position, 0.0))
    return nearer - held.position
