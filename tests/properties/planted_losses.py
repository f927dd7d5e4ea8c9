"""Realistic bugs planted into the loss waterfall, deleveraging, impact, causes and the order of a step."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import agents.desk
import simulation.loss.equity
from agents.exchange import Exchange
from agents.fund import InsuranceFund
from agents.waterfall import Waterfall
from agents.winners import WinnerList
from simulation.accounts import QUANTUM, Accounts, Side
from simulation.deleveraging.queue import QueueDeleveraging
from simulation.impact.base import Move
from simulation.impact.linear import LinearImpact
from simulation.market import Market
from tests.properties.planted import notices, wrap

# Losses ---------------------------------------------------------------------------------------------------


@notices("D1")
def the_fund_books_a_dollar_more_than_it_paid(patch: pytest.MonkeyPatch) -> None:
    def cover(real: Any, self: Waterfall, *where: Any) -> None:
        before = len(self.bankruptcies)
        real(self, *where)
        for case in self.bankruptcies[before:]:
            case.insurance += 1.0

    wrap(patch, Waterfall, "cover", cover)


@notices("D2")
def the_fund_is_not_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Waterfall, "draw", lambda self, *args: 0.0)


@notices("D3")
def the_fund_goes_below_zero(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(InsuranceFund, "available", lambda self, place=0: 1e9)


@notices("D4")
def losses_are_shared_by_heads(patch: pytest.MonkeyPatch) -> None:
    def by_heads(real: Any, total: float, weight: Any) -> Any:
        return real(total, np.ones_like(weight))

    wrap(patch, simulation.loss.equity, "split", by_heads)


@notices("D5")
def a_deficit_is_paid_but_for_a_quantum(patch: pytest.MonkeyPatch) -> None:
    def transfer(real: Any, self: Waterfall, source: Side, target: Side, amount: float, reason: str) -> None:
        real(self, source, target, amount - QUANTUM if reason == "socialised" else amount, reason)

    wrap(patch, Waterfall, "_transfer", transfer)


@notices("D8")
def a_penalty_is_not_limited_by_what_is_left(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, agents.desk, "floor_quanta", lambda real, amount: real(amount) + 100.0)


@notices("E1")
def losers_are_deleveraged(patch: pytest.MonkeyPatch) -> None:
    def winners(real: Any, self: Waterfall, *args: Any) -> Any:
        entry = self.accounts.entry_price.copy()
        self.accounts.entry_price[:] = np.where(self.accounts.position < 0.0, 1e6, 1e-6)
        found = real(self, *args)
        self.accounts.entry_price[:] = entry
        return found

    wrap(patch, Waterfall, "_winners", winners)


@notices("E2")
def the_queue_is_in_order_of_account(patch: pytest.MonkeyPatch) -> None:
    def allocate(self: QueueDeleveraging, lots: float, winners: Any) -> Any:
        return np.clip(lots - (np.cumsum(winners.lots) - winners.lots), 0.0, winners.lots)

    patch.setattr(QueueDeleveraging, "allocate", allocate)


@notices("E3")
def deleveraging_fills_at_the_mark(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, Waterfall, "_close", lambda real, self, side, market, units, rate: real(self, side, market, units, 0.0))


@notices("E4")
def a_winner_is_flipped(patch: pytest.MonkeyPatch) -> None:
    def allocate(real: Any, self: QueueDeleveraging, lots: float, winners: Any) -> Any:
        fills = real(self, lots, winners)
        fills[fills > 0.0] = fills.sum() + 1.0
        return fills

    wrap(patch, QueueDeleveraging, "allocate", allocate)


@notices("E5")
def a_winner_need_not_carry_its_other_positions(patch: pytest.MonkeyPatch) -> None:
    def look(real: Any, self: WinnerList, rows: Any) -> Any:
        columns = real(self, rows)
        columns[4] = 0.0  # what the positions that stay open need
        return columns

    wrap(patch, WinnerList, "_look", look)


@notices("E6")
def winners_give_half_of_what_is_needed(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, QueueDeleveraging, "allocate", lambda real, self, lots, winners: real(self, lots // 2, winners))


@notices("E7")
def haircuts_are_booked_twice(patch: pytest.MonkeyPatch) -> None:
    def finish(real: Any, self: Waterfall, case: Any, *args: Any) -> None:
        real(self, case, *args)
        case.adl *= 2.0

    wrap(patch, Waterfall, "_finish", finish)


# Impact, causes, order ------------------------------------------------------------------------------------


@notices("F1")
def the_book_remembers_what_was_requested(patch: pytest.MonkeyPatch) -> None:
    def absorb(real: Any, self: Market, volume: Any, forced: bool) -> Any:
        fill = real(self, volume, forced)
        if forced:
            self.pushes[-1] = dataclasses.replace(self.pushes[-1], volume=volume * 2.0)
        return fill

    wrap(patch, Market, "absorb", absorb)


@notices("F2")
def selling_raises_prices(patch: pytest.MonkeyPatch) -> None:
    def move(real: Any, self: LinearImpact, *args: Any) -> Move:
        right = real(self, *args)
        return Move(-right.average, -right.final)

    wrap(patch, LinearImpact, "move", move)


@notices("F3")
def moments_forget_the_flow(patch: pytest.MonkeyPatch) -> None:
    def remember(real: Any, self: Market) -> None:
        real(self)
        self.moments.parts[self.moments.last, 1:3] = 0.0

    wrap(patch, Market, "_remember", remember)


def _change_events(patch: pytest.MonkeyPatch, **columns: Callable[[Any], Any]) -> None:
    def forced_trades(real: Any, *args: Any) -> Any:
        events = real(*args)
        return dataclasses.replace(events, **{name: change(events) for name, change in columns.items()})

    wrap(patch, agents.desk, "forced_trades", forced_trades)


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
    wrap(patch, Market, "record", lambda real, self: real(self) if self.step != 2 else None)


@notices("G3")
def funding_is_paid_by_idle_accounts(patch: pytest.MonkeyPatch) -> None:
    def settle(real: Any, self: Accounts, rows: Any, amount: Any, *args: Any) -> None:
        idle = np.flatnonzero(~self.position.any(axis=1))[-1:]
        real(self, np.append(rows, idle), np.vstack([amount, np.ones((len(idle), self.markets))]), *args)

    wrap(patch, Accounts, "settle", settle)
