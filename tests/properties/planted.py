"""Realistic bugs, planted into the real code one at a time. Each says which invariant must notice it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import simulation.accounts
import simulation.watch
from agents.clearing import Clearing
from agents.desk import LiquidationDesk
from agents.waterfall import Waterfall
from simulation.accounts import SHARED, Accounts, Side
from simulation.health import MarginEngine
from simulation.holdings import Holdings

Plant = Callable[[pytest.MonkeyPatch], None]
PLANTED: dict[str, tuple[tuple[str, ...], Plant]] = {}


def notices(*names: str) -> Callable[[Plant], Plant]:
    """Register a bug and the invariants that must notice it."""

    def register(plant: Plant) -> Plant:
        PLANTED[plant.__name__] = (names, plant)
        return plant

    return register


def wrap(patch: pytest.MonkeyPatch, owner: Any, name: str, change: Callable[..., Any]) -> None:
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
    wrap(patch, Accounts, "transfer", transfer)


@notices("A2")
def the_journal_loses_a_leg(patch: pytest.MonkeyPatch) -> None:
    def posting(real: Any, reason: str, row: Any, pool: Any, cash: Any) -> Any:
        drop = slice(0, -1) if reason == "penalty" else slice(None)
        return real(reason, row[drop], pool[drop], cash[drop])

    wrap(patch, simulation.accounts, "Transfer", posting)


@notices("A3")
def funding_is_paid_without_a_journal_entry(patch: pytest.MonkeyPatch) -> None:
    def settle(real: Any, self: Accounts, *args: Any) -> None:
        journal, self.journal = self.journal, None
        real(self, *args)
        self.journal = journal

    wrap(patch, Accounts, "settle", settle)


@notices("A4")
def equity_is_off_by_a_millionth(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, MarginEngine, "equity", lambda real, self, *args: real(self, *args) * (1 + 1e-6))


@notices("A5", "B1", "A3")
def the_other_side_of_a_trade_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    _unguarded(patch)
    patch.setattr(Accounts, "_move_outside", lambda self, quantity: None)


@notices("A7")
def a_closed_position_keeps_its_entry_price(patch: pytest.MonkeyPatch) -> None:
    def move(real: Any, self: Accounts, rows: Any, quantity: Any, cost: Any) -> None:
        before = self.entry_price[rows]
        real(self, rows, quantity, cost)
        self.entry_price[rows] = np.where(self.entry_price[rows] == 0.0, before, self.entry_price[rows])

    wrap(patch, Accounts, "_move", move)


@notices("A8")
def cash_is_not_rounded_to_the_quantum(patch: pytest.MonkeyPatch) -> None:
    _unguarded(patch)
    patch.setattr(simulation.accounts, "to_quanta", lambda amount: amount)


@notices("A11")
def a_fee_is_paid_out_instead_of_in(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, Clearing, "_charge_fees", lambda real, self, rows, fee: real(self, rows, -fee))


@notices("B3")
def open_interest_counts_what_was_traded(patch: pytest.MonkeyPatch) -> None:
    def move(real: Any, self: Accounts, rows: Any, quantity: Any, cost: Any) -> None:
        real(self, rows, quantity, cost)
        self.open_interest += np.abs(quantity).sum(axis=0)

    wrap(patch, Accounts, "_move", move)


@notices("B5")
def a_liquidation_closes_twice_the_position(patch: pytest.MonkeyPatch) -> None:
    def admit(real: Any, self: LiquidationDesk, seizure: Any) -> Any:
        chosen = real(self, seizure)
        chosen.closing = chosen.closing * 2.0
        return chosen

    wrap(patch, LiquidationDesk, "_admit", admit)


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

    wrap(patch, LiquidationDesk, "find", find)


@notices("C2")
def the_lazy_check_skips_too_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simulation.watch, "_SHRINK", 3.0)


@notices("C2")
def a_liquidated_account_is_not_looked_at_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simulation.watch.Watch, "touch", lambda self, rows: None)


@notices("C3")
def healthy_pools_are_liquidated_too(patch: pytest.MonkeyPatch) -> None:
    def find(real: Any, self: LiquidationDesk) -> Any:
        seizure = real(self)
        seizure.maintenance = seizure.equity  # as if the requirement had been met
        return seizure

    wrap(patch, LiquidationDesk, "find", find)


@notices("C4")
def the_desk_stops_after_one_round(patch: pytest.MonkeyPatch) -> None:
    def run(self: LiquidationDesk) -> None:
        self.round = 0
        if len(seizure := self.find()):
            self._close(self._admit(seizure))

    patch.setattr(LiquidationDesk, "run", run)


@notices("C5")
def an_isolated_loss_leaks_into_the_wallet(patch: pytest.MonkeyPatch) -> None:
    def draw(real: Any, self: Waterfall, side: Side, amount: float, place: int = SHARED) -> float:
        wallet = float(self.accounts.cash[side.row, SHARED])
        if side.pool != SHARED and wallet > 0.0:
            self._transfer(Side(side.row), side, min(amount, wallet), "insurance")
            return min(amount, wallet)
        return real(self, side, amount, place)

    wrap(patch, Waterfall, "draw", draw)


@notices("C11")
def the_round_cap_is_ignored(patch: pytest.MonkeyPatch) -> None:
    def run(real: Any, self: LiquidationDesk) -> None:
        rounds, self.rounds = self.rounds, 0
        real(self)
        self.rounds = rounds

    wrap(patch, LiquidationDesk, "run", run)
