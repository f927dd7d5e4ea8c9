"""How the orders of a step become trades: at once, in rounds that answer each other, or in one call auction."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.clearing import Clearing
from agents.schedule import Schedules
from simulation.arrays import Array, Index
from simulation.scenario import Scenario

_CENT = 0.01  # dollars; an answer worth less is the rounding of money, not a wish
MOST_ROUNDS = 10_000  # a step whose traders do not come to rest by then is flagged, never silently cut

Orders = Sequence[tuple[Index, Array]]


class Trading:
    """Rounds of decisions and fills within one step.

    continuous: the orders of a round fill; then the traders that react (`Trader.reacts`) decide again at the prices
    these fills have left, until the rounds are used up or nobody wants to trade a cent. call: the rounds only look for
    the price. Those who react state what they would trade at the price that the orders so far would leave, until no
    order changes by more than a lot or a cent; then all of it fills there. All others give their orders once.
    schedule: traders who are `scheduled` state what they want at every price, the others give their orders once, and
    all of it fills at the price that clears (`agents.schedule`); there are no rounds.
    Sources: continuous, R. Greenwood, A. Landier & D. Thesmar, J. Financial Economics 115 (2015) 471-485; call,
    A. Madhavan, J. Finance 47 (1992) 607-641.
    """

    def __init__(self, model: Any, clearing: Clearing, scenario: Scenario) -> None:
        """Trade through `clearing` by the rounds of `scenario`; `model` asks the traders."""
        self.model, self.clearing, self.rounds = model, clearing, scenario.trading_rounds
        self.market, self.lot = clearing.market, clearing.accounts.lot
        self._called, self._scheduled = scenario.trading == "call", scenario.trading == "schedule"

    def run(self, orders: Orders) -> bool:
        """Trade the `orders` that were decided, and what follows; return False if rest was asked for and not found."""
        if self._scheduled:
            return self._schedule(orders)
        if self.rounds == 1:
            self._fill(orders)
            return True
        settled = self._call(orders) if self._called else self._continuous(orders)
        return settled or self.rounds > 0

    def _fill(self, orders: Orders) -> bool:
        if not orders:
            return False
        rows = np.concatenate([rows for rows, _ in orders])
        return self.clearing.match(rows, np.concatenate([units for _, units in orders]))

    def _continuous(self, orders: Orders) -> bool:
        for left in reversed(range(self.rounds or MOST_ROUNDS)):
            self.model.view.decided()
            if not self._fill(orders):
                return True
            orders = self.model.answers() if left else []
            if left and not any((np.abs(units) @ self.market.mark_price >= _CENT).any() for _, units in orders):
                return True
        return False

    def _call(self, orders: Orders) -> bool:
        once, wanted, settled = self._fixed(orders), self._table(orders), False
        for _ in range((self.rounds or MOST_ROUNDS) - 1):
            with self.market.supposing(wanted.sum(axis=0)):
                again = once + self._table(self.model.answers())
            settled = bool((np.abs(again - wanted) <= np.maximum(self.lot, _CENT / self.market.mark_price)).all())
            wanted = again
            if settled:
                break
        rows = np.flatnonzero(wanted.any(axis=1))
        self._fill([(rows, wanted[rows])] if len(rows) else [])
        return settled

    def _schedule(self, orders: Orders) -> bool:
        asked = np.ones(len(self.clearing.accounts), bool)
        for group in self.model.turns:
            asked[group.rows] = not group.rule.scheduled
        once = [(rows, units) for rows, units in orders if asked[rows[0]]]
        fixed = [self.clearing.whole_lots(units).sum(axis=0) for _, units in once]
        schedules = Schedules(self.model, np.sum([np.zeros(len(self.lot)), *fixed], axis=0))
        price, cleared = schedules.clear()
        self._fill([*once, *schedules.orders(price)])
        return cleared

    def _table(self, orders: Orders) -> Array:
        """Return the orders (accounts, m) of all accounts in whole lots."""
        table = np.zeros((len(self.clearing.accounts), len(self.lot)))
        for rows, units in orders:
            table[rows] = self.clearing.whole_lots(units)
        return table

    def _fixed(self, orders: Orders) -> Array:
        """Return the orders (accounts, m) of those who are asked once."""
        table = self._table(orders)
        for group in self.model.turns:
            if group.rule.reacts:
                table[group.rows] = 0.0
        return table
