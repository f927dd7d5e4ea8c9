"""Cross margin of Mango v4: three healths of one account, whose perpetuals count as part of their settlement token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from simulation.arrays import Array, Index, column_sum
from simulation.board import Board, Book
from simulation.instrument.weights import pool_discount, pool_premium
from simulation.margin.base import BookMargin
from simulation.margin.terms import by_column
from simulation.strict import Strict

MangoLevel: TypeAlias = Literal["initial", "liquidation_end", "maintenance"]

CASH = -1
"""The number of the settlement currency among the tokens: the last one, after the columns of the board."""


class MangoTerms(Strict):
    """Terms of one market: of its token, and of its perpetual. The weights named `maintenance_` are for maintenance."""

    deposit_weight: float = Field(0.8, ge=0.0, le=1.0, description="of a token held")
    maintenance_deposit_weight: float = Field(0.9, ge=0.0, le=1.0, description="of a token held")
    debt_weight: float = Field(1.2, ge=1.0, le=100.0, description="of a token owed")
    maintenance_debt_weight: float = Field(1.1, ge=1.0, le=100.0, description="of a token owed")
    deposit_start: float = Field(
        0.0, ge=0.0, le=1e15, description="deposits of everybody beyond which they weigh less, dollars; 0 = never"
    )
    borrow_start: float = Field(
        0.0, ge=0.0, le=1e15, description="debts of everybody beyond which they weigh more, dollars; 0 = never"
    )
    long_weight: float = Field(0.9, ge=0.0, le=1.0, description="of the value of a perpetual held long")
    maintenance_long_weight: float = Field(0.95, ge=0.0, le=1.0, description="of the value of a perpetual held long")
    short_weight: float = Field(1.1, ge=1.0, le=100.0, description="of the value of a perpetual held short")
    maintenance_short_weight: float = Field(
        1.05, ge=1.0, le=100.0, description="of the value of a perpetual held short"
    )
    profit_weight: float = Field(1.0, ge=0.0, le=1.0, description="of a perpetual's profit; losses count in full")
    maintenance_profit_weight: float = Field(1.0, ge=0.0, le=1.0, description="of a perpetual's profit")
    settle: str = Field("", description="token in which the perpetual settles; the settlement currency if not listed")

    @model_validator(mode="after")
    def _initial_is_harder(self) -> "MangoTerms":
        for asset in ("deposit_weight", "long_weight", "profit_weight"):
            self._ordered(asset, f"maintenance_{asset}")
        for liability in ("debt_weight", "short_weight"):
            self._ordered(f"maintenance_{liability}", liability)
        return self

    def _ordered(self, less: str, more: str) -> None:
        if getattr(self, less) > getattr(self, more):
            raise ValueError(f"{less}: must be at most the {more} {getattr(self, more)} (got {getattr(self, less)})")


_WHOLE = {"deposit_weight": 1.0, "maintenance_deposit_weight": 1.0, "debt_weight": 1.0, "maintenance_debt_weight": 1.0}


@dataclass(frozen=True)
class SpotOrders:
    """What accounts (r,) have reserved for resting orders in one spot market; it is in no balance any more.

    base, quote: columns of the two tokens, `CASH` for the settlement currency. lowest_ask, highest_bid: prices of the
    extreme orders, units of quote per unit of base; 0 where they are not known.
    """

    base: int
    quote: int
    reserved_base: Array
    reserved_quote: Array
    lowest_ask: float = 0.0
    highest_bid: float = 0.0

    def as_base(self, rate: float) -> Array:
        """Return all of it in base (r,), at `rate` base per quote, at most what the highest bid would have bought."""
        bought = self.reserved_quote * rate
        capped = np.minimum(bought, self.reserved_quote / self.highest_bid) if self.highest_bid else bought
        return self.reserved_base + capped

    def as_quote(self, rate: float) -> Array:
        """Return all of it in quote (r,), at `rate` quote per base, at most what the lowest ask would have brought."""
        sold = self.reserved_base * rate
        capped = np.minimum(sold, self.reserved_base * self.lowest_ask) if self.lowest_ask else sold
        return self.reserved_quote + capped


class MangoMargin(BookMargin):
    """Health = sum over tokens of balance * weight * price, after perpetuals have entered their settlement tokens.

        health = sum_t b_t p_t (w_t if b_t >= 0 else l_t),    b_t = balance_t + sum of h over perpetuals settled in t,
        h = v u if u > 0 else u,    u = quote + min(all bids filled, all asks filled),
        all bids filled = (q + bids) w p - bids p+,   all asks filled = (q - asks) w p + asks p-,

    with w p = long weight times p- for a long and short weight times p+ for a short. Three healths differ by weights
    and prices: initial (new risk needs it at 0 or more) has initial weights, p- = min(price, slow price),
    p+ = max(price, slow price), and weights scaled by what everybody holds and owes, w min(1, start / deposits) and
    l max(1, borrows / start), valued at p+; liquidation_end (a liquidation stops at 0) has initial weights, unscaled,
    at the price; maintenance (a liquidation starts below 0) has maintenance weights at the price. Resting spot orders
    count as the worse of all converted to base and all to quote, each as if it came last, after the orders of all
    markets had gone its way. Options held are no collateral, options owed count in full. Source: Mango v4,
    programs/mango-v4/src/health/cache.rs, stored 1303a4a1.
    """

    kind = "mango"
    default: MangoTerms = Field(
        MangoTerms.model_validate({}), description="terms of markets that have none of their own"
    )
    markets: dict[str, MangoTerms] = Field({}, description="terms by the name of the market")
    cash: MangoTerms = Field(
        MangoTerms.model_validate(_WHOLE), description="terms of the settlement currency; its token weights only"
    )
    pool_price: Literal["worse", "mark"] = Field(
        "worse", description="price at which deposits and debts of everybody are valued for the scaling of weights"
    )

    def requirement(self, book: Book, board: Board, level: MangoLevel) -> Array:
        """Return equity less health (r,), dollars, at `level`."""
        return book.equity(board.price) - self.health(book, board, level)

    def health(self, book: Book, board: Board, level: MangoLevel, orders: Sequence[SpotOrders] = ()) -> Array:
        """Return the health (r,), dollars, with the spot orders resting in the book and `orders` besides."""
        balances, resting = self.balances(book, board, level), _spot_orders(book, board)
        for order in resting:
            balances[:, order.base] -= order.reserved_base
            balances[:, order.quote] -= order.reserved_quote
        asset, liability = self.weighted_prices(board, level)
        tokens = column_sum(balances * np.where(balances < 0.0, liability, asset))
        sold = np.where(board.listed.option, np.minimum(book.position, 0.0) * board.price, 0.0)
        return tokens + column_sum(sold) + self._orders_health(balances, [*resting, *orders], board, level)

    def balances(self, book: Book, board: Board, level: MangoLevel) -> Array:
        """Return the balance of each token (r, m + 1), units: columns of the board, then the settlement currency.

        Columns that are no token are 0: what perpetuals are worth stands in their settlement tokens.
        """
        tokens = np.where(board.listed.spot, book.position, 0.0)
        balances = np.column_stack([tokens, book.balance(board.listed)])
        profits, weight = self.profits(book, board, level), self._columns(board, "profit_weight", level)
        counted = np.where(profits > 0.0, weight * profits, profits)
        for column, token in enumerate(self.settles_in(board)):
            balances[:, token] += counted[:, column]
        return balances

    def profits(self, book: Book, board: Board, level: MangoLevel) -> Array:
        """Return u (r, m), what each perpetual would bring in the worse of its two cases, units of its settle token."""
        none = np.zeros_like(book.position)
        bids, asks = (book.resting.bids, book.resting.asks) if book.resting else (none, none)
        low, high = (price[:CASH] for price in self.prices(board, level))
        bought = self._base_value(book.position + bids, board, level) - bids * high
        sold = self._base_value(book.position - asks, board, level) + asks * low
        return np.where(board.listed.linear, np.minimum(bought, sold) - book.cost, 0.0)

    def settles_in(self, board: Board) -> Index:
        """Return the token (m,) each column settles in."""
        tokens = {name: column for column, name in enumerate(board.listed.names) if board.listed.spot[column]}
        settle = [self.markets.get(name, self.default).settle for name in board.listed.names]
        return np.array([tokens.get(name, CASH) for name in settle], np.intp)

    def prices(self, board: Board, level: MangoLevel) -> tuple[Array, Array]:
        """Return the prices (m + 1,) of what is held and of what is owed, dollars."""
        price, slow = np.append(board.price, board.quote_price), np.append(board.slow, board.quote_slow)
        return (np.minimum(price, slow), np.maximum(price, slow)) if level == "initial" else (price, price)

    def weights(self, board: Board, level: MangoLevel) -> tuple[Array, Array]:
        """Return the weights (m + 1,) of tokens held and of tokens owed."""
        deposit, debt = (self._columns(board, f"{kind}_weight", level) for kind in ("deposit", "debt"))
        if level == "initial":
            price = self.prices(board, level)[1][:CASH] if self.pool_price == "worse" else board.price
            start, owed = (self._columns(board, f"{kind}_start", level) for kind in ("deposit", "borrow"))
            deposit = pool_discount(deposit, board.deposits * price, np.where(start > 0.0, start, np.inf))
            debt = pool_premium(debt, board.borrows * price, np.where(owed > 0.0, owed, np.inf))
        cash = (getattr(self.cash, _field(f"{kind}_weight", level)) for kind in ("deposit", "debt"))
        return np.append(deposit, next(cash)), np.append(debt, next(cash))

    def weighted_prices(self, board: Board, level: MangoLevel) -> tuple[Array, Array]:
        """Return the health (m + 1,) of a unit of each token held, and what a unit owed costs, dollars."""
        (low, high), (asset, liability) = self.prices(board, level), self.weights(board, level)
        return asset * low, liability * high

    def base_weights(self, board: Board, level: MangoLevel) -> tuple[Array, Array]:
        """Return the weights (m,) of perpetuals held long and held short."""
        return self._columns(board, "long_weight", level), self._columns(board, "short_weight", level)

    def profit_weights(self, board: Board, level: MangoLevel) -> Array:
        """Return the weights (m,) of the perpetuals' profits."""
        return self._columns(board, "profit_weight", level)

    def _base_value(self, base: Array, board: Board, level: MangoLevel) -> Array:
        long, short = self.base_weights(board, level)
        low, high = (price[:CASH] for price in self.prices(board, level))
        return base * np.where(base < 0.0, short * high, long * low)

    def _orders_health(self, balances: Array, orders: Sequence[SpotOrders], board: Board, level: MangoLevel) -> Array:
        """Return what the spot orders add to the health (r,), dollars."""
        low, high = self.prices(board, level)
        sides = [
            (order.as_base(low[order.quote] / high[order.base]), order.as_quote(low[order.base] / high[order.quote]))
            for order in orders
        ]
        most, total = balances.copy(), np.zeros(len(balances))
        for order, (base, quote) in zip(orders, sides, strict=True):
            most[:, order.base] += base
            most[:, order.quote] += quote
        asset, liability = self.weighted_prices(board, level)
        for order, (base, quote) in zip(orders, sides, strict=True):
            worth = []
            for token, amount in ((order.base, base), (order.quote, quote)):
                held = np.clip(most[:, token], 0.0, amount)
                worth.append(held * asset[token] + (amount - held) * liability[token])
            total += np.where((base == 0.0) | (quote == 0.0), 0.0, np.minimum(*worth))
        return total

    def _columns(self, board: Board, name: str, level: MangoLevel) -> Array:
        return by_column(board.listed.names, self.default, self.markets, _field(name, level))


def in_units(lots: float, lot_size: float) -> float:
    """Return the units that so many lots of a perpetual are."""
    return lots * lot_size


def _field(name: str, level: MangoLevel) -> str:
    return f"maintenance_{name}" if level == "maintenance" and name.endswith("_weight") else name


def _spot_orders(book: Book, board: Board) -> list[SpotOrders]:
    """Return the spot orders resting in the book, taken to stand at the price of the token."""
    if book.resting is None:
        return []
    bids, asks = book.resting.bids, book.resting.asks
    return [
        SpotOrders(int(column), CASH, asks[:, column], bids[:, column] * board.price[column] / board.quote_price)
        for column in np.flatnonzero(board.listed.spot)
    ]
