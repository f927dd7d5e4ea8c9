"""Liquidation of Drift v2: how much of an account goes, at what fees, and how fast."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from pydantic import Field

from simulation.arrays import Array, ceil_to, floor_to, trunc_to
from simulation.board import Book
from simulation.liquidation.base import Distressed, LiquidationRule
from simulation.liquidation.drift_amounts import Amount, Exchange, Fees, Perpetual

Shortage: TypeAlias = Callable[[Book], float]
"""Dollars an account in liquidation lacks, buffer included, as the venue's margin rule states it; 0 if nothing."""

# What the programs count in (programs/drift/src/math/constants.rs).
_MONEY = 1e-6  # dollars
_SIZE = 1e-9  # units of perpetuals
_SHARE = 1e-4  # share of a shortage
_ALL = 1e18  # units, more than anybody has


@dataclass(frozen=True)
class Venue:
    """What liquidating the perpetual in `column` needs to know of the venue's margin: see `Shortage`.

    rate: maintenance margin rate of a position of so many units. price, quote_price: dollars.
    """

    shortage: Shortage
    rate: Callable[[float], float]
    price: float
    quote_price: float = 1.0
    column: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a liquidation has come: margin freed so far, dollars; slots since it began."""

    freed: float = 0.0
    slots: float = 0.0


@dataclass(frozen=True)
class Closed:
    """A step of a liquidation: the account after it, units the liquidator took over (signed), what it paid for them
    (negative: received), the insurance fund's fee, dollars; margin freed so far; whether the account may go.
    """

    book: Book
    units: float
    quote: float
    insurance: float
    freed: float
    done: bool


@dataclass(frozen=True)
class Loan:
    """A token held against a token owed, `shortage` dollars short; maintenance weights of both."""

    balance: float
    debt: float
    shortage: float
    weights: tuple[float, float]


@dataclass(frozen=True)
class Takeover:
    """Tokens given, debt taken over for them, and the debt the account keeps owing the insurance fund."""

    asset: float
    liability: float
    insurance: float

    def after(self, loan: Loan) -> Loan:
        """Return what is left of `loan`, as short as it was."""
        debt = loan.debt - self.liability + self.insurance
        return replace(loan, balance=loan.balance - self.asset, debt=debt)


class DriftClose(LiquidationRule):
    """Close what covers the shortage, an allowed share of it first, all of what is small; fees are bounded.

    Orders are cancelled first, and what that frees counts. With shortage S (of margin with a buffer on top, so that an
    account let go is not back at once), s slots since the beginning and F already freed:

        share = 1 if S < tiny, else max(0, (S + F) min(1, s / duration + initial) - F) / S,
        size = min(|q|, max(cover * share, |q| if its value is small)),

    with `cover` as in `Perpetual.cover`. The liquidator's fee starts to grow when nobody has come for the grace time.
    In the live market a pool is closed by its share, an insolvent one whole, what earlier rounds freed is not counted,
    the fee grows with the time under maintenance, and the insurance fee is `penalty_rate`. Source: Drift v2,
    programs/drift/src/controller/liquidation.rs and math/liquidation.rs, stored 0ae3e3b1.
    """

    kind = "drift"
    timed = True

    penalty_rate: float = Field(0.01, ge=0.0, le=0.2, description="most the insurance fund gets, of the value closed")
    liquidator_fee_rate: float = Field(0.01, ge=0.0, le=1.0, description="of the value closed, at first")
    largest_fee_rate: float = Field(0.03, ge=0.0, le=1.0, description="most the liquidator gets, of the value closed")
    grace_slots: float = Field(1500.0, ge=0.0, le=1e12, description="time before the liquidator's fee grows")
    fee_increase_rate: float = Field(1e-6, ge=0.0, le=1.0, description="growth of the liquidator's fee, a slot")
    initial_share: float = Field(0.1, ge=0.0, le=1.0, description="of the shortage that may be freed at once")
    duration_slots: float = Field(150.0, ge=0.0, le=1e12, description="time until all of it may be freed")
    slot_seconds: float = Field(0.4, gt=0.0, le=1e6, description="length of a slot")
    tiny_shortage: float = Field(50.0, ge=0.0, le=1e15, description="smaller ones are covered at once, dollars")
    small_notional: float = Field(50.0, ge=0.0, le=1e15, description="positions up to it are closed whole, dollars")
    buffer_rate: float = Field(0.02, ge=0.0, le=1.0, description="added to margin rates during liquidation")
    step_size: float = Field(0.0, ge=0.0, le=1e9, description="smallest size of a close, units; 0 = no rounding")

    def fraction(self, pools: Distressed) -> Array:
        """Return the fraction (r,) of every position to close."""
        shortage = np.maximum(pools.maintenance + self.buffer_rate * pools.notional - pools.equity, 0.0)
        held, slots = np.maximum(pools.notional, _MONEY), np.maximum(pools.waited_seconds, 0.0) / self.slot_seconds
        perpetual = Perpetual(held, np.maximum(pools.maintenance, 0.0) / held + self.buffer_rate, 1.0)
        fee = self.fee(slots)
        fees = Fees(fee, perpetual.insurance_fee(shortage, fee, self.penalty_rate))
        part = np.minimum(perpetual.cover(shortage, fees), _ALL) * self.share(shortage, 0.0, slots) / held
        whole = (pools.notional <= self.small_notional) | (pools.equity <= 0.0)
        part = np.where(whole, 1.0, np.minimum(part, 1.0))
        return np.where(shortage > 0.0, part, 0.0)

    def fee(self, slots: Amount) -> Array:
        """Return the liquidator's fee rate, `slots` after the account was last active."""
        slots = np.asarray(slots, float)
        grown = np.minimum(self.liquidator_fee_rate + slots * self.fee_increase_rate, self.largest_fee_rate)
        return np.where(slots < self.grace_slots, self.liquidator_fee_rate, grown)

    def share(self, shortage: Amount, freed: Amount, slots: Amount) -> Array:
        """Return the share of `shortage` that may be freed now, when `freed` dollars have been since the beginning."""
        if self.duration_slots > 0.0:
            passed = floor_to(np.asarray(slots, float) / self.duration_slots, _SHARE)
        else:
            passed = np.ones_like(np.asarray(slots, float))
        most = floor_to((shortage + freed) * np.minimum(passed + self.initial_share, 1.0), _MONEY)
        some = np.asarray(shortage, float) > 0.0
        part = floor_to(np.maximum(most - freed, 0.0) / np.where(some, shortage, 1.0), _SHARE)
        return np.where(some & (np.asarray(shortage) >= self.tiny_shortage), part, 1.0)

    def close(self, book: Book, venue: Venue, progress: Progress, most: float) -> Closed:
        """Return the account (one row) after a liquidator who takes up to `most` units has been there."""
        clean, before = replace(book, resting=None), venue.shortage(book)
        short = venue.shortage(clean)
        freed = progress.freed + before - short
        if short == 0.0:
            return Closed(clean, 0.0, 0.0, 0.0, 0.0, True)
        held = float(book.position[0, venue.column])
        side, size = float(np.sign(held)), abs(held)
        perpetual = Perpetual(size, venue.rate(size) + self.buffer_rate, venue.price, venue.quote_price)
        fee = float(self.fee(progress.slots))
        fees = Fees(fee, float(perpetual.insurance_fee(short, fee, self.penalty_rate)))
        needed = self._stepped(min(float(perpetual.cover(short, fees)), _ALL))
        part = float(self.share(short, freed, progress.slots))
        small = size * venue.price <= self.small_notional
        allowed = size if small else float(floor_to(np.asarray(needed * part), _SIZE))
        units = min(self._stepped(min(size, most, allowed)), size)
        value = float(floor_to(np.asarray(units * venue.price), _MONEY))
        quote = float(trunc_to(np.asarray(side * value * (1.0 - side * fee)), _MONEY))
        insurance = float(floor_to(np.asarray(value * fees.insurance), _MONEY))
        bought = np.where(np.arange(book.position.shape[1]) == venue.column, 1.0, 0.0)
        after = _traded(clean, -side * units * bought, (quote - insurance) * bought)
        freed, done = freed + short - venue.shortage(after), units >= needed
        return Closed(after, side * units, quote, insurance, 0.0 if done else freed, done)

    def take_over(self, loan: Loan, exchange: Exchange, progress: Progress, most_fee: float) -> Takeover:
        """Return what a liquidator takes over of `loan`, the insurance fund getting `most_fee` of it at most."""
        weights = loan.weights[0], loan.weights[1] + self.buffer_rate
        fee = float(exchange.insurance_fee(loan.shortage, loan.debt, weights, most_fee))
        needed = min(float(exchange.cover(loan.shortage, weights, fee)), _ALL)
        allowed = needed * float(self.share(loan.shortage, progress.freed, progress.slots))
        paid_for = float(exchange.liability_for(loan.balance))
        liability = float(floor_to(np.asarray(min(loan.debt, allowed, paid_for)), exchange.liability_unit))
        asset = min(float(exchange.asset_for(liability, loan.balance)), loan.balance)
        return Takeover(asset, liability, float(floor_to(np.asarray(liability * fee), exchange.liability_unit)))

    def _stepped(self, units: float) -> float:
        return float(ceil_to(np.asarray(units), self.step_size))


def _traded(book: Book, units: Array, quote: Array) -> Book:
    """Return the account (one row) after it bought `units` (m,) and received `quote` (m,) dollars for them."""
    return replace(book, cash=book.cash + quote.sum(), position=book.position + units, cost=book.cost - quote)
