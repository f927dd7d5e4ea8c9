"""Cross margin of Drift v2: weights and margin ratios that move with size, strict prices, capped profits."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from simulation.arrays import Array, Mask, column_sum, floor_to, trunc_to
from simulation.board import Board, Book, Resting
from simulation.instrument.weights import pool_discount, size_discount, size_premium
from simulation.margin.base import BookMargin
from simulation.margin.terms import by_column
from simulation.strict import Strict

DriftLevel: TypeAlias = Literal["initial", "fill", "maintenance"]


class DriftTerms(Strict):
    """Terms of one market, of its perpetual and of its token."""

    initial_rate: float = Field(0.1, ge=0.0, le=10.0, description="base initial margin, fraction of notional")
    maintenance_rate: float = Field(0.05, ge=0.0, le=10.0, description="base maintenance margin, fraction of notional")
    size_factor: float = Field(0.0, ge=0.0, le=1e3, description="of weights and rates, per square root of a unit")
    profit_weight: float = Field(1.0, ge=0.0, le=1.0, description="of unrealised profit in initial margin")
    maintenance_profit_weight: float = Field(1.0, ge=0.0, le=1.0, description="of unrealised profit in maintenance")
    profit_size_factor: float = Field(0.0, ge=0.0, le=1e3, description="of profit's weight, per root of a dollar")
    deposit_weight: float = Field(0.8, ge=0.0, le=1.0, description="of a token held, initial")
    maintenance_deposit_weight: float = Field(0.9, ge=0.0, le=1.0, description="of a token held, maintenance")
    debt_weight: float = Field(1.2, ge=0.0, le=100.0, description="of a token owed, initial")
    maintenance_debt_weight: float = Field(1.1, ge=0.0, le=100.0, description="of a token owed, maintenance")
    deposit_start: float = Field(
        0.0, ge=0.0, le=1e15, description="deposits of everybody beyond which they weigh less, dollars; 0 = never"
    )

    @model_validator(mode="after")
    def _initial_is_harder(self) -> "DriftTerms":
        for easy, hard in (
            ("maintenance_rate", "initial_rate"),
            ("profit_weight", "maintenance_profit_weight"),
            ("deposit_weight", "maintenance_deposit_weight"),
            ("maintenance_debt_weight", "debt_weight"),
        ):
            if getattr(self, easy) > getattr(self, hard):
                raise ValueError(
                    f"{easy}: must be at most the {hard} {getattr(self, hard)} (got {getattr(self, easy)})"
                )
        return self


@dataclass(frozen=True)
class Standing:
    """What accounts (r,) have and need, dollars.

    collateral: weighted deposits and profits less losses. required: margin. liability: value of what is owed, worst
    fills included. losses: unrealised losses, at least 0.
    """

    collateral: Array
    required: Array
    liability: Array
    losses: Array

    @property
    def met(self) -> Mask:
        """Tell who meets the requirement: an account whose collateral is the requirement does."""
        return self.collateral >= self.required

    @property
    def ratio(self) -> Array:
        """Return collateral over what is owed, infinity where nothing is."""
        some = self.liability > 0.0
        return np.where(some, self.collateral / np.where(some, self.liability, 1.0), np.inf)

    def buffered(self, buffer_rate: float) -> "Standing":
        """Return what an account in liquidation is held to: more is required, and losses count for more.

        required + buffer * liability, collateral - buffer * losses.
        """
        collateral, required = self.collateral - buffer_rate * self.losses, self.required + buffer_rate * self.liability
        return Standing(collateral, required, self.liability, self.losses)

    @property
    def shortage(self) -> Array:
        """Return the dollars that are lacking, at least 0."""
        return np.maximum(self.required - self.collateral, 0.0)


@dataclass(frozen=True)
class _Fill:
    """Tokens (r, m) after all orders of one side are filled, dollars: value, weighted value, money from the orders."""

    value: Array
    weighted: Array
    money: Array

    def or_if_riskier(self, other: "_Fill") -> "_Fill":
        worse = other.weighted + other.money <= self.weighted + self.money
        pairs = ((other.value, self.value), (other.weighted, self.weighted), (other.money, self.money))
        return _Fill(*(np.where(worse, theirs, own) for theirs, own in pairs))


class DriftMargin(BookMargin):
    """Collateral sum(deposits w) + weighted profits against sum(notional rate) + sum(debts u).

    With imf factor f, x tokens, perpetual size q with all orders of the worse side filled, W the deposits of all:

        deposit weight = min(w', 1.1 / (1 + f sqrt x)),  w' = w min(1, start / W) initially, w for maintenance,
        debt weight    = max(u, 0.8 u + f sqrt x),       margin rate = max(r, 0.8 r + f sqrt |q|),
        profit weight  = min(v, 1.1 / (1 + g sqrt profit)) initially, losses count in full,

    the profit of a market counting at most `profit_cap` initially. "fill" lies half way between initial and
    maintenance. Strict prices value what is held at min(price, slow price) and what is owed at max, the settlement
    currency included, in initial checks; perpetuals are at the price. Each resting order adds `order_charge`. An
    account's own `custom_rate` makes every initial check at least so hard: rate >= c, debt weight >= 1 + c, deposit
    weight <= 1 - c. An isolated position is a pool of its own. Options held are no collateral, options owed count in
    full. Source: Drift v2 protocol, programs/drift/src/math/margin.rs and state/{user,spot_market,perp_market}.rs,
    stored 0ae3e3b1.
    """

    kind = "drift"
    default: DriftTerms = Field(
        DriftTerms.model_validate({}), description="terms of markets that have none of their own"
    )
    markets: dict[str, DriftTerms] = Field({}, description="terms by the name of the market")
    profit_cap: float = Field(100.0, ge=0.0, le=1e15, description="of a market's profit in initial margin, dollars")
    order_charge: float = Field(0.01, ge=0.0, le=1e6, description="margin of a resting order, dollars")
    custom_rate: float = Field(0.0, ge=0.0, le=100.0, description="the account's own initial rate; 0 = none")
    strict: bool = Field(True, description="whether initial checks use the worse of price and slow price")
    unit: float = Field(1e-6, ge=0.0, le=1.0, description="smallest amount the venue books, dollars; 0 = no rounding")
    weight_unit: float = Field(1e-4, ge=0.0, le=1.0, description="smallest step of weights and rates; 0 = no rounding")

    def requirement(self, book: Book, board: Board, level: DriftLevel) -> Array:
        """Return equity - collateral + margin (r,), dollars, at `level`."""
        standing = self.standing(book, board, level)
        return book.equity(board.price) - standing.collateral + standing.required

    def standing(self, book: Book, board: Board, level: DriftLevel) -> Standing:
        """Return what the accounts have and need at `level`."""
        parts = [part(book, board, level) for part in (self._contracts, self._cash)]
        parts += [self._tokens(book, board, level)] if board.listed.spot.any() else []
        parts += [self._options(book, board)] if board.listed.option.any() else []
        collateral, required, liability, losses = (np.sum(amounts, axis=0) for amounts in zip(*parts, strict=True))
        if book.resting is not None and len(book.resting.count):
            required = required + self.order_charge * book.resting.count
        return Standing(collateral, required, liability, losses)

    def rate(self, size: Array, board: Board, level: DriftLevel) -> Array:
        """Return the margin rates of perpetuals of `size` (..., m) units, at least 0."""
        base = self._level(board, "initial_rate", "maintenance_rate", level)
        rate = size_premium(base, self._terms(board, "size_factor"), size, self.weight_unit)
        return np.maximum(rate, self.custom_rate if level == "initial" else 0.0)

    def deposit_weight(self, units: Array, board: Board, level: DriftLevel) -> Array:
        """Return the weights of deposits of `units` (..., m) tokens."""
        start = self._terms(board, "deposit_start")
        initial = pool_discount(
            self._terms(board, "deposit_weight"), board.deposits * board.price, np.where(start > 0.0, start, np.inf)
        )
        weight = self._between(
            floor_to(initial, self.weight_unit), self._terms(board, "maintenance_deposit_weight"), level
        )
        return size_discount(weight, self._terms(board, "size_factor"), units, self.weight_unit)

    def debt_weight(self, units: Array, board: Board, level: DriftLevel) -> Array:
        """Return the weights of debts of `units` (..., m) tokens."""
        base = self._level(board, "debt_weight", "maintenance_debt_weight", level)
        return size_premium(base, self._terms(board, "size_factor"), units, self.weight_unit)

    def profit_weight(self, profit: Array, board: Board, level: DriftLevel) -> Array:
        """Return the weights of unrealised profits (..., m), dollars; losses weigh 1."""
        if level == "maintenance":
            weight = self._terms(board, "maintenance_profit_weight")
        else:
            factor, gain = self._terms(board, "profit_size_factor"), np.maximum(profit, 0.0)
            weight = size_discount(self._terms(board, "profit_weight"), factor, gain, self.weight_unit)
        return np.where(profit > 0.0, weight, 1.0)

    def weighted_profit(self, book: Book, board: Board, level: DriftLevel) -> Array:
        """Return what the unrealised profit (r, m) of each perpetual counts for, dollars."""
        value = trunc_to(book.position * board.price, self.unit)
        profit = np.where(board.listed.linear, value - book.cost, 0.0)
        low, high = self._quotes(board, level)
        weighted = trunc_to(profit * self.profit_weight(profit, board, level), self.unit)
        weighted = trunc_to(weighted * np.where(profit > 0.0, low, high), self.unit)
        return np.minimum(weighted, self.profit_cap) if level == "initial" else weighted

    def _contracts(self, book: Book, board: Board, level: DriftLevel) -> tuple[Array, ...]:
        resting, linear = _resting(book), board.listed.linear
        worst = np.maximum(np.abs(book.position + resting.bids), np.abs(book.position - resting.asks))
        worst = np.where(linear, worst, 0.0)
        value = floor_to(floor_to(worst * board.price, self.unit) * self._quotes(board, level)[1], self.unit)
        required = floor_to(value * self.rate(worst, board, level), self.unit)
        profit = self.weighted_profit(book, board, level)
        return column_sum(profit), column_sum(required), column_sum(value), column_sum(np.maximum(-profit, 0.0))

    def _tokens(self, book: Book, board: Board, level: DriftLevel) -> tuple[Array, ...]:
        resting, spot = _resting(book), board.listed.spot
        bids, asks = np.where(spot, resting.bids, 0.0), np.where(spot, resting.asks, 0.0)
        held = book.only(spot)
        fill = self._filled(held, bids, board, level).or_if_riskier(self._filled(held, -asks, board, level))
        received, paid = column_sum(np.maximum(fill.money, 0.0)), column_sum(np.maximum(-fill.money, 0.0))
        collateral = received + column_sum(np.maximum(fill.weighted, 0.0))
        required = paid + column_sum(np.maximum(-fill.weighted, 0.0))
        return collateral, required, paid + column_sum(np.maximum(-fill.value, 0.0)), np.zeros_like(paid)

    def _filled(self, held: Book, bought: Array, board: Board, level: DriftLevel) -> _Fill:
        amount, (low, high) = held.position + bought, self._prices(board, level)
        value = trunc_to(amount * np.where(amount > 0.0, low, high), self.unit)
        weight = self._token_weight(amount, board, level)
        return _Fill(value, trunc_to(value * weight, self.unit), trunc_to(-bought * high, self.unit))

    def _token_weight(self, amount: Array, board: Board, level: DriftLevel) -> Array:
        units = np.abs(amount)
        deposit, debt = self.deposit_weight(units, board, level), self.debt_weight(units, board, level)
        if level == "initial" and self.custom_rate > 0.0:
            deposit = np.minimum(deposit, max(1.0 - self.custom_rate, 0.0))
            debt = np.maximum(debt, 1.0 + self.custom_rate)
        return np.where(amount > 0.0, deposit, debt)

    def _cash(self, book: Book, board: Board, level: DriftLevel) -> tuple[Array, ...]:
        balance, (low, high) = book.balance(board.listed), self._quotes(board, level)
        owed = floor_to(np.maximum(-balance, 0.0) * high, self.unit)
        return floor_to(np.maximum(balance, 0.0) * low, self.unit), owed, owed, np.zeros_like(owed)

    def _options(self, book: Book, board: Board) -> tuple[Array, ...]:
        """Return what options do: those owed count in full."""
        owed = column_sum(np.where(board.listed.option, np.maximum(-book.position * board.price, 0.0), 0.0))
        return np.zeros_like(owed), owed, owed, np.zeros_like(owed)

    def _prices(self, board: Board, level: DriftLevel) -> tuple[Array, Array]:
        slow = board.slow if self.strict and level == "initial" else board.price
        return np.minimum(board.price, slow), np.maximum(board.price, slow)

    def _quotes(self, board: Board, level: DriftLevel) -> tuple[float, float]:
        slow = board.quote_slow if self.strict and level == "initial" else board.quote_price
        return min(board.quote_price, slow), max(board.quote_price, slow)

    def _level(self, board: Board, initial: str, maintenance: str, level: DriftLevel) -> Array:
        return self._between(self._terms(board, initial), self._terms(board, maintenance), level)

    def _between(self, initial: Array, maintenance: Array, level: DriftLevel) -> Array:
        if level == "fill":
            return floor_to((initial + maintenance) / 2.0, self.weight_unit)
        return initial if level == "initial" else maintenance

    def _terms(self, board: Board, field: str) -> Array:
        return by_column(board.listed.names, self.default, self.markets, field)


def _resting(book: Book) -> Resting:
    none = np.zeros_like(book.position)
    return book.resting if book.resting is not None else Resting(none, none)
