"""Liquidation and bankruptcy prices in closed form: the price at which a position's backing is its maintenance.

A position of q signed units opened at e, backed by W, is worth W + q (p - e) at price p. It is liquidated where that
falls to its maintenance; where exactly depends on what maintenance is a fraction of, and in which currency it is held.
Prices that are not positive, infinite or nan mean that no price liquidates the position. Arrays of one shape, or
numbers. A tier's rate holds as long as the notional stays in the tier.
"""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array, column_sum
from simulation.board import Book
from simulation.margin.tiers import Bracket, TierSchedule

Amount = Array | float


@dataclass(frozen=True)
class Backing:
    """What stands behind a position: the wallet, and what the account's other positions need and have gained.

    Dollars, or coins where the position is inverse. In isolated margin the wallet is the position's own margin.
    """

    wallet: Amount
    other_maintenance: Amount = 0.0
    other_profit: Amount = 0.0

    @property
    def margin(self) -> Amount:
        """Return wallet - other maintenance + other unrealised profit."""
        return self.wallet - self.other_maintenance + self.other_profit


def isolated_margin(size: Amount, entry: Amount, leverage: Amount) -> Amount:
    """Return the margin of a position of `size` units opened at `leverage`: |q| e / leverage, dollars."""
    return np.abs(size) * entry / leverage


def inverse_isolated_margin(face: Amount, entry: Amount, leverage: Amount) -> Amount:
    """Return the margin of an inverse position of `face` dollars opened at `leverage`: |F| / (e leverage), coins."""
    return np.abs(face) / (entry * leverage)


def liquidation_price(
    size: Amount, entry: Amount, backing: Backing, bracket: Bracket, taker_fee_rate: float = 0.0
) -> Amount:
    """Return the price at which maintenance on the value at that price, and the fee of closing, use up the backing.

    W + q (p - e) = |q| p (rate + fee) - deduction, so p = (W + deduction - q e) / (|q| (rate + fee) - q). Sources:
    Binance, "How to calculate liquidation price of USD-M futures contracts" (no fee); Gate and OKX, isolated margin
    (with the taker fee), where it reads (e - side W / |q|) / (1 - side (rate + fee)).
    """
    return (backing.margin + bracket.deduction - size * entry) / (np.abs(size) * (bracket.rate + taker_fee_rate) - size)


def liquidation_price_on_entry(size: Amount, entry: Amount, backing: Backing, bracket: Bracket) -> Amount:
    """Return the price at which maintenance on the value at entry is all that is left of the backing.

    W + q (p - e) = |q| e rate - deduction, which for W = |q| e / leverage and no deduction is
    e (1 - side (1 / leverage - rate)). Source: Bybit, isolated margin of USDT contracts.
    """
    return entry - (backing.margin - bracket.requirement(np.abs(size) * np.asarray(entry))) / size


def inverse_liquidation_price(
    face: Amount, entry: Amount, backing: Backing, bracket: Bracket, taker_fee_rate: float = 0.0
) -> Amount:
    """Return the liquidation price of an inverse contract of signed `face` dollars, with backing in coins.

    W + F (1/e - 1/p) = |F| (rate + fee) / p - deduction, so p = (F + |F| (rate + fee)) / (W + deduction + F / e).
    Source: Binance, liquidation price of COIN-M futures contracts.
    """
    needed = face + np.abs(face) * (bracket.rate + taker_fee_rate)
    return needed / (backing.margin + bracket.deduction + face / entry)


def price_from_available(price: Amount, size: Amount, available: Amount, rate: Amount) -> Amount:
    """Return the liquidation price seen from the present `price`, with `available` dollars above maintenance now.

    p - side * available / |q| / (1 - rate * side). Source: Hyperliquid documentation, "Liquidations".
    """
    side = np.sign(size)
    return price - side * available / np.abs(size) / (1.0 - rate * side)


def bankruptcy_price(size: Amount, entry: Amount, backing: Backing) -> Amount:
    """Return the price at which nothing is left of the backing: e - W / q."""
    return entry - backing.margin / size


def inverse_bankruptcy_price(face: Amount, entry: Amount, backing: Backing) -> Amount:
    """Return the price at which an inverse contract has used up its coins: F / (W + F / e).

    For W = |F| / (e L) that is e L / (L + 1) for longs and e L / (L - 1) for shorts. Source: Bybit help center,
    bankruptcy price of inverse contracts.
    """
    return face / (backing.margin + face / entry)


@dataclass(frozen=True)
class AccountPrices:
    """Maintenance requirement, unrealised profit and liquidation price (r, m) of every position of cross accounts."""

    maintenance: Array
    profit: Array
    liquidation: Array


def account_prices(book: Book, wallet: Array, price: Array, bracket: Bracket | TierSchedule) -> AccountPrices:
    """Return what the positions of cross accounts need, and where each alone would bring its account down.

    wallet: (r,) dollars. price: (m,) marks. `bracket`: the tiers, or the lines (r, m) the positions are in. A column
    without a position has no liquidation price (nan). Source: as `liquidation_price`.
    """
    notional = np.abs(book.position * price)
    line = bracket.bracket(notional) if isinstance(bracket, TierSchedule) else bracket
    needed, profit = line.requirement(notional), book.profit(price)
    needed = np.where(book.position == 0.0, 0.0, needed)
    backing = Backing(wallet[:, None], column_sum(needed)[:, None] - needed, column_sum(profit)[:, None] - profit)
    with np.errstate(divide="ignore", invalid="ignore"):
        entry = np.where(book.position == 0.0, np.nan, book.cost / book.position)
        found = liquidation_price(book.position, entry, backing, line)
    return AccountPrices(needed, profit, np.asarray(found))
