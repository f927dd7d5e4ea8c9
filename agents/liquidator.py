"""Liquidators (keepers) and the backstop vault: agents with capital who take distressed pools over."""

from typing import Any

import mesa
import numpy as np

from agents.auction import Offer, offer
from agents.desk import LiquidationDesk
from agents.recording import Scene, forced_trades
from agents.seizure import Seizure
from simulation.accounts import SHARED, Side
from simulation.arrays import Array, Mask
from simulation.causes import KEEPER, VAULT
from simulation.impact.base import Book
from simulation.scenario import Backstop, LiquidatorGroup


class InventoryAgent(mesa.Agent):
    """An agent with one cross account that takes positions over and unwinds them through ordinary orders."""

    def __init__(self, model: Any, row: int, spec: LiquidatorGroup | Backstop) -> None:
        """Act for account `row` with capital already paid in."""
        super().__init__(model)
        self.accounts, self.market, self.engine = model.accounts, model.market, model.engine
        self.row, self.spec = row, spec
        self.takeovers = 0

    @property
    def equity(self) -> float:
        """Return the equity of the account, dollars."""
        return float(self.engine.health(np.array([self.row])).equity[0, SHARED])

    def capacity(self) -> float:
        """Return how many dollars of notional it can still take: equity * leverage - gross inventory, at least 0."""
        position = self.accounts.position[self.row]
        gross = float(np.abs(position * self.market.mark_price).sum())
        return max(self.equity * self.spec.leverage - gross, 0.0)

    def orders(self) -> Array:
        """Return the orders (m,) of this step: sell `unwind_share` of the inventory, dust at once."""
        position = self.accounts.position[self.row]
        small = np.abs(position * self.market.mark_price) < 100.0
        return -np.where(small, position, self.spec.unwind_share * position)

    def _within_capacity(self, seizure: Seizure, notional: Array, wanted: Mask) -> Mask:
        """Tell which of the `wanted` pools (r,) fit; who is being closed itself in this round takes nothing over."""
        room = 0.0 if (seizure.rows == self.row).any() else self.capacity()
        wanted = wanted & (notional <= room)
        return wanted & (np.cumsum(np.where(wanted, notional, 0.0)) <= room)


class Liquidator(InventoryAgent):
    """A keeper: takes whole pools at a discount to the mark if that pays for the cost of unwinding them.

    Profit rate expected = discount - impact of unwinding - cost / notional, where unwinding means selling the pool at
    once after the inventory and the pools it takes before this one in the same round; it acts from
    `minimum_profit_rate` on, as far as its capital at `leverage` goes. Source: keeper behaviour in on-chain lending,
    K. Qin et al., Proc. ACM IMC (2021); D. Perez et al., Financial Cryptography (2021).
    """

    def take(self, desk: LiquidationDesk, seizure: Seizure) -> Mask:
        """Take the pools worth taking, whole at mark * (1 - side * discount), or what an auction offers of them."""
        spec = self.spec
        assert isinstance(spec, LiquidatorGroup)
        whole = Offer(seizure.position, seizure.notional, np.full(len(seizure), spec.discount_rate))
        offered = offer(desk, seizure) or whole
        solvent = seizure.equity >= offered.rate * offered.notional  # a discount must not make bad debt
        alone = solvent & self._pays(desk, offered, np.zeros_like(seizure.position))
        first = np.where(alone[:, None], offered.units, 0.0)
        together = alone & self._pays(desk, offered, np.cumsum(first, axis=0) - first)
        taken = self._within_capacity(seizure, offered.notional, together)
        if taken.any():
            part = seizure.part(taken)
            part.closing = offered.units[taken]
            self._buy(desk, part, offered.price(desk.market.mark_price)[taken])
        return taken

    def _pays(self, desk: LiquidationDesk, offered: Offer, before: Array) -> Mask:
        """Tell which offers (r,) pay when `before` (r, m) and the inventory have to be sold before them."""
        spec, market, position = self.spec, desk.market, offered.units
        assert isinstance(spec, LiquidatorGroup)
        book = Book(market.mid, market.index_price, market.depth)
        sold = -(self.accounts.position[self.row] + before)
        law = market.rules.impact
        fall = law.move(np.zeros_like(sold), sold, book).final + law.move(sold, -position, book).average
        cost = np.maximum(-fall * position * market.mark_price, 0.0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            profit = offered.rate - (cost + spec.cost) / offered.notional
        return np.asarray(profit >= spec.minimum_profit_rate)

    def _buy(self, desk: LiquidationDesk, part: Seizure, price: Array) -> None:
        scene = Scene(desk.engine, part, desk.round)
        desk.transfer_positions(part, price, Side(self.row))
        desk.log.add(forced_trades(scene, price, KEEPER))
        desk.settle(part)
        desk.watch.touch(np.array([self.row]))
        self.takeovers += len(part)


class BackstopVault(InventoryAgent):
    """The venue's vault: below `trigger` of the maintenance margin it takes the whole pool, with what margin is left.

    Positions move at the mark and the rest of the pool's cash follows, so the owner keeps nothing. Insolvent pools are
    left to the waterfall. Source: liquidator vaults of on-chain perpetual venues.
    """

    def take(self, desk: LiquidationDesk, seizure: Seizure) -> Mask:
        """Take the pools that have fallen below the trigger, as far as the vault's capital goes."""
        assert isinstance(self.spec, Backstop)
        deep = (seizure.equity < self.spec.trigger * seizure.maintenance) & (seizure.equity >= 0.0)
        taken = self._within_capacity(seizure, seizure.notional, deep & seizure.position.any(axis=1))
        if taken.any():
            part = seizure.part(taken)
            part.closing = part.position
            scene = Scene(desk.engine, part, desk.round)
            desk.transfer_positions(part, desk.market.mark_price, Side(self.row))
            cash = desk.accounts.cash[part.rows, part.pools]
            target = (np.full(len(part), self.row), SHARED)
            desk.accounts.transfer((part.rows, part.pools), target, np.maximum(cash, 0.0), "takeover")
            desk.log.add(forced_trades(scene, desk.market.mark_price, VAULT))
            desk.waterfall.cover(part.rows, part.pools, np.abs(part.closing * desk.market.mark_price))
            desk.watch.touch(np.array([self.row]))
            self.takeovers += len(part)
        return taken
