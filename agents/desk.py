"""The liquidation desk: who is under maintenance margin, how much is closed, and who takes it, round by round."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from agents.auction import offer, sell
from agents.clearing import Clearing
from agents.flags import Flags
from agents.recording import Scene, forced_trades
from agents.seizure import Seizure
from agents.waterfall import Waterfall
from simulation.accounts import INSURANCE, MARKET, SHARED, Side, floor_quanta
from simulation.arrays import Array, Index, Mask
from simulation.causes import BOOK, WINNERS, EventLog
from simulation.collateral.base import CollateralRule
from simulation.collateral.sale import closed_shares
from simulation.liquidation.base import LiquidationRule
from simulation.scenario import Scenario
from simulation.state.base import StateRule
from simulation.state.simple import SimpleState

BLOCK = 8192  # rows checked together, so that intermediate results stay in cache
MOST_ROUNDS = 1_000  # a step that does not come to rest by then is flagged, never silently cut


class Taker(Protocol):
    """Somebody who may take distressed pools off the venue's hands before they reach the order book."""

    row: int
    takeovers: int

    def orders(self) -> Array:
        """Return the orders (m,) of this step that unwind its inventory."""
        ...

    def take(self, desk: "LiquidationDesk", seizure: Seizure) -> Mask:
        """Take what it wants, and return which pools (r,) are gone."""
        ...


class LiquidationDesk:
    """Runs the rounds of liquidation of one step."""

    def __init__(self, clearing: Clearing, waterfall: Waterfall, rule: LiquidationRule, rounds: int) -> None:
        """Close by `rule`, at most `rounds` rounds a step (0 = to rest)."""
        self.clearing, self.waterfall, self.rule = clearing, waterfall, rule
        self.engine, self.watch = clearing.engine, clearing.watch
        self.accounts, self.market = clearing.accounts, clearing.market
        self.rounds = rounds
        self.takers: Sequence[Taker] = ()
        self.log = EventLog()
        self._nobody = Seizure.nobody(self.accounts.markets)
        self.round = 0
        self.flagged: dict[str, int] = {"capacity_limited": 0, "round_cap": 0}
        self.penalties = 0.0
        self.sale: CollateralRule | None = None  # states an order in which columns are closed; none = all together
        self.watch_over(SimpleState(), 60.0)

    def watch_over(self, states: StateRule, step_seconds: float) -> None:
        """Begin and stop liquidation by `states`, in steps of `step_seconds`."""
        self.states, self._plain = states, type(states).due is StateRule.due and states.stop == states.trigger
        self.flags = Flags(self.accounts, self.rule, states, step_seconds)
        self.watch.set_trigger(states.trigger)

    def run(self) -> None:
        """Liquidate round by round until rest, until nothing can be done now, or until the rounds are used up."""
        self.round = 0
        self.waterfall.insurance.begin()
        while len(seizure := self.find()):
            if self.round == (self.rounds or MOST_ROUNDS):
                self.flagged["round_cap"] += len(seizure)
                return
            admitted = self._admit(seizure)
            if not self._close(admitted):
                self.flagged["waiting"] = self.flagged.get("waiting", 0) + len(seizure)
                return
            self.round += 1

    def find(self) -> Seizure:
        """Return the pools that are due at the mark: equity strictly below the state rule's multiple of maintenance."""
        suspects = self.watch.suspects()
        blocks = [suspects[i : i + BLOCK] for i in range(0, len(suspects), BLOCK)]
        found = [self._find(block) for block in blocks] or [self._find(suspects)]
        return found[0] if len(found) == 1 else Seizure.join(found)

    def _find(self, suspects: Index) -> Seizure:
        held = self.engine.holdings(suspects)
        price = self.market.mark_price
        equity = self.engine.equity(suspects, held, price)
        maintenance = self.engine.maintenance(held, price)
        bar = maintenance if self.states.trigger == 1.0 else self.states.trigger * maintenance
        under = equity < bar
        if not self._plain:
            under = self.states.due(equity, maintenance, self.flags.closing(suspects))
            self.flags.looked_at(suspects, under)
        if not under.any():  # the usual case: no copies
            self.watch.release(suspects, held, equity - bar)
            return self._nobody
        safe = np.flatnonzero(~under.any(axis=1))
        self.watch.release(suspects[safe], held.part(safe), (equity - bar)[safe])
        if self.flags.lasting:  # once begun, a pool stays suspect until it is let go
            self.watch.touch(suspects[under.any(axis=1)])
        which, pools = np.nonzero(under)
        position = np.where(held.pool[which] == pools[:, None], held.position[which], 0.0)
        notional = np.abs(position * price).sum(axis=1)
        seized = suspects[which], pools, position, equity[which, pools], maintenance[which, pools], notional
        return Seizure(*seized, closing=position)

    def _admit(self, seizure: Seizure) -> Seizure:
        """Apply the closing fraction and the venue's capacity."""
        self.flags.see(seizure, self.market.step)
        pools = self.flags.distressed(seizure, self.market.step)
        fraction = self.rule.fraction(pools)
        admitted = self.rule.admitted(pools, fraction)
        self.flagged["capacity_limited"] += len(seizure) - len(admitted)
        chosen = seizure.part(admitted)
        share = self._shares(chosen, fraction[admitted])
        lots = np.ceil(np.abs(chosen.position) * share / self.accounts.lot) * self.accounts.lot
        chosen.closing = np.copysign(np.minimum(lots, np.abs(chosen.position)), chosen.position)
        room = self.rule.limit(self.market.depth, self.flags.used(self.market.step)) if self.rule.timed else None
        return chosen if room is None else self._within(chosen, room)

    def _shares(self, chosen: Seizure, fraction: Array) -> Array:
        """Return the share (r, m) or (r, 1) of each position that is closed, in the venue's order of sale."""
        if self.sale is None:
            return fraction[:, None]
        price = self.market.mark_price
        ranks = self.sale.ranks(self.engine.board(price), self.market.depth)
        return closed_shares(chosen.position * price, fraction, ranks)

    def _within(self, seizure: Seizure, room: Array) -> Seizure:
        """Close no more than `room` (m,) dollars of each market, first come, first served; who gets nothing waits."""
        price, lot = self.market.mark_price, self.accounts.lot
        wanted = np.abs(seizure.closing)
        ahead = np.cumsum(wanted, axis=0) - wanted
        left = np.maximum(np.floor(room / price / lot) * lot - ahead, 0.0)
        seizure.closing = np.copysign(np.minimum(wanted, left), seizure.closing)
        return seizure.part(np.flatnonzero(seizure.closing.any(axis=1) | ~seizure.position.any(axis=1)))

    def _close(self, seizure: Seizure) -> bool:
        """Offer the pools to the takers, split the rest between book and deleveraging, settle the losses.

        Returns whether anything was done.
        """
        found = len(seizure)
        self.flags.closed(seizure, self.market.mark_price, self.market.step)
        for taker in self.takers:
            if len(seizure):
                seizure = seizure.part(~taker.take(self, seizure))
        left = len(seizure)
        if left and (offered := offer(self, seizure)) is not None:
            sold = sell(self, seizure, offered)
            left -= int(sold.sum())
            seizure = seizure.part(np.flatnonzero(~sold & (seizure.equity <= 0.0)))  # the solvent wait for bidders
        if not len(seizure):
            return found > left
        self.waterfall.bar(seizure.rows, seizure.pools)
        to_book = self._bookable(seizure)
        self._sell(seizure.part(to_book))
        left = [self._deleverage(seizure.part(np.array([i]))) for i in np.flatnonzero(~to_book)]
        if left:  # what found no winner goes to the book after all
            rest = Seizure.join(left)
            self._sell(rest.part(np.flatnonzero(rest.closing.any(axis=1))))
        return True

    def _bookable(self, seizure: Seizure) -> Mask:
        """Tell which pools are closed in the order book: all, or those whose deficits there the fund can pay.

        Deficits are judged at the price at which all of them would fill, in order of account; whoever the fund does not
        reach is deleveraged, which takes volume off the book, and the rest is judged again.
        """
        book = np.ones(len(seizure), bool)
        if not self.waterfall.rule.active:
            return book
        cash = self.accounts.cash[seizure.rows, seizure.pools]
        places = self.waterfall.insurance.places(seizure.position)
        whole = (seizure.closing == seizure.position).all(axis=1) & seizure.position.any(axis=1)
        while True:
            fill = self.market.quote(-seizure.closing[book].sum(axis=0))
            deficit = np.where(whole & book, -(cash + (seizure.position * fill).sum(axis=1)), 0.0)
            deficit = np.maximum(deficit, 0.0)
            beyond = book & (deficit > 0.0) & self.waterfall.insurance.exceeded(deficit, places)
            if not beyond.any():
                return book
            book &= ~beyond

    def _sell(self, seizure: Seizure) -> None:
        if not len(seizure):
            return
        volume = -seizure.closing.sum(axis=0)
        if seizure.closing.any():
            scene = Scene(self.engine, seizure, self.round)
            fill = self.market.absorb(volume, forced=True)
            self.transfer_positions(seizure, fill)
            self.log.add(forced_trades(scene, fill, BOOK))
        self.settle(seizure)

    def transfer_positions(self, seizure: Seizure, price: Array, to: Side | None = None) -> None:
        """Close `seizure.closing` at `price` (m,) or (r, m) against the outside market or the side `to`."""
        rows, back = np.unique(seizure.rows, return_inverse=True)
        units = np.zeros((len(rows), self.accounts.markets))
        np.subtract.at(units, back, seizure.closing)
        prices = price
        if price.ndim > 1:  # pools of one account stand in different markets, so their prices can be put side by side
            prices = np.broadcast_to(self.market.mark_price, units.shape).copy()
            where = seizure.closing != 0.0
            prices[np.broadcast_to(back[:, None], where.shape)[where], np.nonzero(where)[1]] = price[where]
        self.accounts.trade(rows, units, prices, to or MARKET, "liquidation")
        self.accounts.reference[rows] = np.where(units != 0.0, self.market.moments.last, self.accounts.reference[rows])
        if to is not None:
            self.accounts.reference[to.row, units.any(axis=0)] = self.market.moments.last
        self.watch.touch(rows)

    def settle(self, seizure: Seizure, penalty_free: bool = False) -> None:
        """After the close: penalty out of what is left, spare cash to the wallet, deficits to the waterfall.

        What is closed against winners is `penalty_free`, see `LiquidationRule`.
        """
        rows, pools = seizure.rows, seizure.pools
        notional = np.abs(seizure.closing * self.market.mark_price)
        left = self.accounts.position[rows] * (self.accounts.pool[rows] == pools[:, None])
        equity = self.accounts.cash[rows, pools] + (left * self.market.mark_price).sum(axis=1)
        rate = 0.0 if penalty_free else self.rule.penalty_rate
        penalty = np.clip(rate * notional.sum(axis=1), 0.0, np.maximum(equity, 0.0))
        fund = np.full(len(rows), INSURANCE), self.waterfall.insurance.places(seizure.closing)
        paid = self.accounts.transfer((rows, pools), fund, floor_quanta(penalty), "penalty")
        self.penalties += float(paid.sum())
        empty = ~left.any(axis=1)
        cash = self.accounts.cash[rows, pools]
        back = empty & (pools != SHARED) & (cash > 0.0)
        self.accounts.transfer((rows[back], pools[back]), (rows[back], SHARED), cash[back], "release")
        self.waterfall.cover(rows[empty], pools[empty], notional[empty])
        self.watch.touch(rows)

    def _deleverage(self, one: Seizure) -> Seizure:
        """Close one pool against winners; return what found none."""
        scene, price = Scene(self.engine, one, self.round), self.market.mark_price.copy()
        fills = self.waterfall.deleverage(int(one.rows[0]), int(one.pools[0]))
        row, pool = one.rows[0], one.pools[0]
        left = np.where(self.accounts.pool[row] == pool, self.accounts.position[row], 0.0)
        done = one.part(np.array([0]))
        done.closing = one.position - left
        self.watch.touch(one.rows)
        for fill in fills:
            price[fill.market] = fill.price
        self.log.add(forced_trades(scene.closing(done.closing), price, WINNERS))
        rest = one.part(np.array([0]))
        rest.position = rest.closing = left[None, :]
        if not left.any():
            self.settle(done, penalty_free=True)
        return rest


def desk(clearing: Clearing, losses: Waterfall, scenario: Scenario) -> LiquidationDesk:
    """Return the liquidation desk of `scenario`."""
    found = LiquidationDesk(clearing, losses, scenario.liquidation, scenario.rounds_per_step)
    found.watch_over(scenario.state, scenario.step_seconds)
    found.sale = scenario.collateral if scenario.collateral.sale != "together" else None
    return found
