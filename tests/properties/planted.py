"""Realistic bugs, planted into the real code one at a time. Each says which invariant must notice it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import agents.desk
import agents.recording
import agents.waterfall
import simulation.accounts
import simulation.health
from agents.clearing import Clearing
from agents.desk import LiquidationDesk
from agents.exchange import Exchange
from agents.waterfall import Waterfall
from agents.winners import WinnerList
from simulation.accounts import OUTSIDE, QUANTUM, SHARED, Accounts, Side
from simulation.deleveraging.queue import QueueDeleveraging
from simulation.health import Holdings, MarginEngine
from simulation.impact.base import Move
from simulation.impact.linear import LinearImpact
from simulation.market import Market

Plant = Callable[[pytest.MonkeyPatch], None]
PLANTED: dict[str, tuple[tuple[str, ...], Plant]] = {}


def notices(*names: str) -> Callable[[Plant], Plant]:
    """Register a bug and the invariants that must notice it."""

    def register(plant: Plant) -> Plant:
        PLANTED[plant.__name__] = (names, plant)
        return plant

    return register


def _wrap(patch: pytest.MonkeyPatch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Replace owner.name by change(real, *arguments)."""
    real = getattr(owner, name)
    patch.setattr(owner, name, lambda *args, **kwargs: change(real, *args, **kwargs))


def _unguarded(patch: pytest.MonkeyPatch) -> None:
    """Silence the model's own check, so that the invariant has to notice."""
    patch.setattr(Accounts, "check", lambda self: None)


# Money and positions --------------------------------------------------------------------------------------


@notices("A1", "A3")
def a_fee_leg_is_dropped(patch: pytest.MonkeyPatch) -> None:
    def transfer(real: Any, self: Accounts, source: Any, target: Any, amount: Any, reason: str) -> Any:
        moved = real(self, source, target, amount, reason)
        if reason == "fee":
            np.subtract.at(self.cash, target, moved)
        return moved

    _unguarded(patch)
    _wrap(patch, Accounts, "transfer", transfer)


@notices("A2")
def the_journal_loses_a_leg(patch: pytest.MonkeyPatch) -> None:
    def posting(real: Any, reason: str, row: Any, pool: Any, cash: Any, *units: Any) -> Any:
        drop = slice(0, -1) if reason == "penalty" else slice(None)
        return real(reason, row[drop], pool[drop], cash[drop], *units)

    _wrap(patch, simulation.accounts, "Posting", posting)


@notices("A3")
def funding_is_paid_without_a_journal_entry(patch: pytest.MonkeyPatch) -> None:
    def settle(real: Any, self: Accounts, *args: Any) -> None:
        journal, self.journal = self.journal, None
        real(self, *args)
        self.journal = journal

    _wrap(patch, Accounts, "settle", settle)


@notices("A4")
def equity_is_off_by_a_millionth(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, MarginEngine, "equity", lambda real, self, *args: real(self, *args) * (1 + 1e-6))


@notices("A5", "B1", "A3")
def the_other_side_of_a_trade_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    def move(real: Any, self: Accounts, rows: Any, quantity: Any, cost: Any) -> None:
        if not (len(rows) == 1 and rows[0] == OUTSIDE):
            real(self, rows, quantity, cost)

    _unguarded(patch)
    _wrap(patch, Accounts, "_move", move)


@notices("A7")
def a_closed_position_keeps_its_entry_price(patch: pytest.MonkeyPatch) -> None:
    def move(real: Any, self: Accounts, rows: Any, quantity: Any, cost: Any) -> None:
        before = self.entry_price[rows]
        real(self, rows, quantity, cost)
        self.entry_price[rows] = np.where(self.entry_price[rows] == 0.0, before, self.entry_price[rows])

    _wrap(patch, Accounts, "_move", move)


@notices("A8")
def cash_is_not_rounded_to_the_quantum(patch: pytest.MonkeyPatch) -> None:
    _unguarded(patch)
    patch.setattr(simulation.accounts, "to_quanta", lambda amount: amount)


@notices("A11")
def a_fee_is_paid_out_instead_of_in(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, Clearing, "_charge_fees", lambda real, self, rows, fee: real(self, rows, -fee))


@notices("B3")
def open_interest_counts_what_was_traded(patch: pytest.MonkeyPatch) -> None:
    def move(real: Any, self: Accounts, rows: Any, quantity: Any, cost: Any) -> None:
        real(self, rows, quantity, cost)
        self.open_interest += np.abs(quantity).sum(axis=0)

    _wrap(patch, Accounts, "_move", move)


@notices("B5")
def a_liquidation_closes_twice_the_position(patch: pytest.MonkeyPatch) -> None:
    def admit(real: Any, self: LiquidationDesk, seizure: Any) -> Any:
        chosen = real(self, seizure)
        chosen.closing = chosen.closing * 2.0
        return chosen

    _wrap(patch, LiquidationDesk, "_admit", admit)


# Margin and liquidation -----------------------------------------------------------------------------------


@notices("C1")
def initial_margin_forgets_the_tiers(patch: pytest.MonkeyPatch) -> None:
    def signed(self: MarginEngine, held: Holdings, price: Any) -> Any:
        return held.position * price / held.leverage[:, None]

    patch.setattr(MarginEngine, "signed_initial", signed)


@notices("C2")
def at_maintenance_is_already_liquidated(patch: pytest.MonkeyPatch) -> None:
    def find(real: Any, self: LiquidationDesk) -> Any:
        exact = self.engine.maintenance
        self.engine.maintenance = lambda *args: np.nextafter(exact(*args), np.inf)  # type: ignore[method-assign]
        seizure = real(self)
        self.engine.maintenance = exact  # type: ignore[method-assign]
        return seizure

    _wrap(patch, LiquidationDesk, "find", find)


@notices("C2")
def the_lazy_check_skips_too_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simulation.health, "_SHRINK", 3.0)


@notices("C2")
def a_liquidated_account_is_not_looked_at_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simulation.health.Watch, "touch", lambda self, rows: None)


@notices("C3")
def healthy_pools_are_liquidated_too(patch: pytest.MonkeyPatch) -> None:
    def find(real: Any, self: LiquidationDesk) -> Any:
        seizure = real(self)
        seizure.maintenance = seizure.equity  # as if the requirement had been met
        return seizure

    _wrap(patch, LiquidationDesk, "find", find)


@notices("C4")
def the_desk_stops_after_one_round(patch: pytest.MonkeyPatch) -> None:
    def run(self: LiquidationDesk) -> None:
        self.round = 0
        if len(seizure := self.find()):
            self._close(self._admit(seizure))

    patch.setattr(LiquidationDesk, "run", run)


@notices("C5")
def an_isolated_loss_leaks_into_the_wallet(patch: pytest.MonkeyPatch) -> None:
    def draw(real: Any, self: Waterfall, side: Side, amount: float) -> float:
        wallet = float(self.accounts.cash[side.row, SHARED])
        if side.pool != SHARED and wallet > 0.0:
            self._transfer(Side(side.row), side, min(amount, wallet), "insurance")
            return min(amount, wallet)
        return real(self, side, amount)

    _wrap(patch, Waterfall, "draw", draw)


@notices("C11")
def the_round_cap_is_ignored(patch: pytest.MonkeyPatch) -> None:
    def run(real: Any, self: LiquidationDesk) -> None:
        rounds, self.rounds = self.rounds, 0
        real(self)
        self.rounds = rounds

    _wrap(patch, LiquidationDesk, "run", run)


# Losses ---------------------------------------------------------------------------------------------------


@notices("D1")
def the_fund_books_what_was_asked_not_what_it_paid(patch: pytest.MonkeyPatch) -> None:
    def draw(real: Any, self: Waterfall, side: Side, amount: float) -> float:
        real(self, side, amount)
        return amount

    _wrap(patch, Waterfall, "draw", draw)


@notices("D2")
def the_fund_is_not_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Waterfall, "draw", lambda self, side, amount: 0.0)


@notices("D3")
def the_fund_goes_below_zero(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Waterfall, "fund", property(lambda self: 1e9))


@notices("D4")
def losses_are_shared_by_heads(patch: pytest.MonkeyPatch) -> None:
    def by_heads(real: Any, total: float, weight: Any) -> Any:
        return real(total, np.ones_like(weight))

    _wrap(patch, agents.waterfall, "split", by_heads)


@notices("D5")
def a_deficit_is_paid_but_for_a_quantum(patch: pytest.MonkeyPatch) -> None:
    def transfer(real: Any, self: Waterfall, source: Side, target: Side, amount: float, reason: str) -> None:
        real(self, source, target, amount - QUANTUM if reason == "socialised" else amount, reason)

    _wrap(patch, Waterfall, "_transfer", transfer)


@notices("D8")
def a_penalty_is_not_limited_by_what_is_left(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, agents.desk, "floor_quanta", lambda real, amount: real(amount) + 100.0)


@notices("E1")
def losers_are_deleveraged(patch: pytest.MonkeyPatch) -> None:
    def winners(real: Any, self: Waterfall, *args: Any) -> Any:
        entry = self.accounts.entry_price.copy()
        self.accounts.entry_price[:] = np.where(self.accounts.position < 0.0, 1e6, 1e-6)
        found = real(self, *args)
        self.accounts.entry_price[:] = entry
        return found

    _wrap(patch, Waterfall, "_winners", winners)


@notices("E2")
def the_queue_is_in_order_of_account(patch: pytest.MonkeyPatch) -> None:
    def allocate(self: QueueDeleveraging, lots: float, winners: Any) -> Any:
        return np.clip(lots - (np.cumsum(winners.lots) - winners.lots), 0.0, winners.lots)

    patch.setattr(QueueDeleveraging, "allocate", allocate)


@notices("E3")
def deleveraging_fills_at_the_mark(patch: pytest.MonkeyPatch) -> None:
    _wrap(
        patch, Waterfall, "_close", lambda real, self, side, market, units, rate: real(self, side, market, units, 0.0)
    )


@notices("E4")
def a_winner_is_flipped(patch: pytest.MonkeyPatch) -> None:
    def allocate(real: Any, self: QueueDeleveraging, lots: float, winners: Any) -> Any:
        fills = real(self, lots, winners)
        fills[fills > 0.0] = fills.sum() + 1.0
        return fills

    _wrap(patch, QueueDeleveraging, "allocate", allocate)


@notices("E5")
def a_winner_need_not_carry_its_other_positions(patch: pytest.MonkeyPatch) -> None:
    def look(real: Any, self: WinnerList, rows: Any) -> Any:
        columns = real(self, rows)
        columns[4] = 0.0  # what the positions that stay open need
        return columns

    _wrap(patch, WinnerList, "_look", look)


@notices("E6")
def winners_give_half_of_what_is_needed(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, QueueDeleveraging, "allocate", lambda real, self, lots, winners: real(self, lots // 2, winners))


@notices("E7")
def haircuts_are_booked_twice(patch: pytest.MonkeyPatch) -> None:
    def finish(real: Any, self: Waterfall, case: Any, *args: Any) -> None:
        real(self, case, *args)
        case.adl *= 2.0

    _wrap(patch, Waterfall, "_finish", finish)


# Impact, causes, order ------------------------------------------------------------------------------------


@notices("F1")
def the_book_remembers_what_was_requested(patch: pytest.MonkeyPatch) -> None:
    def absorb(real: Any, self: Market, volume: Any, forced: bool) -> Any:
        fill = real(self, volume, forced)
        if forced:
            self.pushes[-1] = dataclasses.replace(self.pushes[-1], volume=volume * 2.0)
        return fill

    _wrap(patch, Market, "absorb", absorb)


@notices("F2")
def selling_raises_prices(patch: pytest.MonkeyPatch) -> None:
    def move(real: Any, self: LinearImpact, *args: Any) -> Move:
        right = real(self, *args)
        return Move(-right.average, -right.final)

    _wrap(patch, LinearImpact, "move", move)


@notices("F3")
def moments_forget_the_flow(patch: pytest.MonkeyPatch) -> None:
    def remember(real: Any, self: Market) -> None:
        real(self)
        self.moments.parts[self.moments.last, 1:3] = 0.0

    _wrap(patch, Market, "_remember", remember)


def _change_events(patch: pytest.MonkeyPatch, **columns: Callable[[Any], Any]) -> None:
    def forced_trades(real: Any, *args: Any) -> Any:
        events = real(*args)
        return dataclasses.replace(events, **{name: change(events) for name, change in columns.items()})

    _wrap(patch, agents.desk, "forced_trades", forced_trades)


@notices("F4")
def an_edge_points_backwards(patch: pytest.MonkeyPatch) -> None:
    _change_events(patch, reference=lambda events: events.moment + 1.0, moment=lambda events: events.reference)


@notices("F5")
def a_quantum_of_the_loss_has_no_cause(patch: pytest.MonkeyPatch) -> None:
    _change_events(patch, forced=lambda events: events.forced + QUANTUM)


@notices("G1")
def funding_is_settled_after_trading(patch: pytest.MonkeyPatch) -> None:
    def step(self: Exchange) -> None:
        self.move_margin()
        self.match_orders()
        self.settle_funding()
        self.liquidate()

    patch.setattr(Exchange, "step", step)


@notices("G2")
def a_step_is_not_recorded(patch: pytest.MonkeyPatch) -> None:
    _wrap(patch, Market, "record", lambda real, self: real(self) if self.step != 2 else None)


@notices("G3")
def funding_is_paid_by_idle_accounts(patch: pytest.MonkeyPatch) -> None:
    def settle(real: Any, self: Accounts, rows: Any, amount: Any, *args: Any) -> None:
        idle = np.flatnonzero(~self.position.any(axis=1))[-1:]
        real(self, np.append(rows, idle), np.vstack([amount, np.ones((len(idle), self.markets))]), *args)

    _wrap(patch, Accounts, "settle", settle)
