"""Liquidation of Mango v4: collateral for debt, and perpetuals in five phases, until health is 0 and not further."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index, ceil_to
from simulation.board import Board, Book
from simulation.liquidation.base import Distressed, LiquidationRule

_END: Any = "liquidation_end"
_NOTHING = 1e-9  # units of a settlement token: what rounding leaves must not close a lot


class Health(Protocol):
    """What a liquidation asks of the venue's margin rule: see `simulation.margin.mango`."""

    def health(self, book: Book, board: Board, level: Any) -> Array:
        """Return the health (r,), dollars."""
        ...

    def balances(self, book: Book, board: Board, level: Any) -> Array:
        """Return the balances of tokens (r, m + 1) that count, units."""
        ...

    def profits(self, book: Book, board: Board, level: Any) -> Array:
        """Return u (r, m) of perpetuals, units of the settlement token."""
        ...

    def settles_in(self, board: Board) -> Index:
        """Return the token (m,) each perpetual settles in."""
        ...

    def weighted_prices(self, board: Board, level: Any) -> tuple[Array, Array]:
        """Return the health (m + 1,) of a unit held, and what a unit owed costs, dollars."""
        ...

    def base_weights(self, board: Board, level: Any) -> tuple[Array, Array]:
        """Return the weights (m,) of perpetuals held long and held short."""
        ...

    def profit_weights(self, board: Board, level: Any) -> Array:
        """Return the weights (m,) of the perpetuals' profits."""
        ...


@dataclass(frozen=True)
class Swap:
    """A token liquidation: debt repaid by the liquidator and collateral it gets, units; the venue's part of what is
    taken; the account after it.
    """

    repaid: float
    received: float
    venue: float
    book: Book


@dataclass(frozen=True)
class Limits:
    """The most a liquidator takes over: units of a perpetual, and its profit, units of the settlement token."""

    base: float = np.inf
    profit: float = np.inf


@dataclass(frozen=True)
class Takeover:
    """A perpetual liquidation: units closed (signed, as the account trades), their price, profit sold and what was
    paid for it (units of the settlement token); the account after it.
    """

    units: float
    price: float
    profit: float
    paid: float
    book: Book


@dataclass(frozen=True)
class Perpetual:
    """A perpetual in liquidation.

    gain: what u rises by per unit closed. weight: of u where it is positive. kept: of a unit of profit sold, after the
    fee. asset, liability: health of a unit of the settlement token held, and cost of one owed, dollars.
    """

    size: float
    gain: float
    weight: float
    kept: float
    asset: float
    liability: float


@dataclass
class _Walk:
    """The account on its way through the phases: health (dollars), effective balance of the settlement token, u, units
    closed and profit sold so far.
    """

    of: Perpetual
    limits: Limits
    lot: float
    health: float
    balance: float
    profit: float
    closed: float = 0.0
    sold: float = 0.0

    def close(self, most: float, expected: float, actual: float) -> None:
        """Close until the settlement token has gained what is missing or `most`, at `expected` per unit.

        What is gained at once is `actual` per unit; the rest comes when the profit is sold.
        """
        wanted = min(self._missing(), most)
        if wanted <= _NOTHING or expected <= 0.0:
            return
        units = float(ceil_to(np.array(wanted / expected), self.lot)) if np.isfinite(wanted) else np.inf
        units = max(min(units, abs(self.of.size) - self.closed, self.limits.base - self.closed), 0.0)
        self._gain(units * actual)
        self.profit += units * self.of.gain
        self.closed += units

    def sell(self) -> None:
        """Let the liquidator buy profit until health is 0."""
        each = self.of.kept - self.of.weight
        if self.profit <= 0.0 or each <= 0.0:
            return
        amount = max(min(self._missing() / each, self.limits.profit - self.sold, self.profit), 0.0)
        self._gain(amount * each)
        self.profit -= amount
        self.sold += amount

    def _missing(self) -> float:
        return missing(self.health, self.balance, self.of.asset, self.of.liability)

    def _gain(self, amount: float) -> None:
        before, after = self._worth(self.balance), self._worth(self.balance + amount)
        self.balance += amount
        self.health += after - before

    def _worth(self, balance: float) -> float:
        return balance * (self.of.liability if balance < 0.0 else self.of.asset)


def missing(health: float, balance: float, asset: float, liability: float) -> float:
    """Return the units of a token that bring `health` (dollars) up to 0, given the `balance` the account has of it.

    The first -balance units count `liability` dollars each, what comes above 0 counts `asset`; infinite where that is
    nothing. Source: Mango v4, `spot_amount_given_for_health_zero`.
    """
    needed, owed = max(-health, 0.0), max(-balance, 0.0)
    if needed <= owed * liability:
        return needed / liability if needed else 0.0
    above = needed - owed * liability
    return owed + above / asset if asset > 0.0 else np.inf


class MangoClose(LiquidationRule):
    """Stop at liquidation-end health 0: no more is taken than the account needs.

    Token for token (`swap`): of a debt in l, with collateral in a,

        x = min(-health / (p_l w_l - p_l f w_a), held_a p_a / (p_l f), debt, most),  taken = x p_l f / p_a,
        f = (1 + fee_l + venue fee_l) (1 + fee_a + venue fee_a),

    fees being the same for all tokens here; debt and what is held are the smaller of the token's own balance and the
    balance that counts perpetuals, and where one of them is not there the swap is refused. Perpetuals (`take_over`),
    u and h as in the margin rule, in phases until health is 0 or limits are reached: (1) while u < 0, close; (2) sell
    profit u > 0 for (1 - profit fee); (3) close more as long as more can be sold; (4) sell again; (5) if profit has
    weight, close until health is above -slack.
    Units are closed in whole lots, rounded up, at price (1 -+ fees). In the live market a round closes the share x
    that is missing: equity E - c N x = k M (1 - x) with penalty c, notional N and k the multiple of maintenance M at
    which the venue lets go. Source: Mango v4, programs/mango-v4/src/instructions/{token_liq_with_token,
    perp_liq_base_or_positive_pnl}.rs, stored 1303a4a1.
    """

    kind = "mango"
    token_fee_rate: float = Field(0.05, ge=0.0, le=1.0, description="of a token swapped, to the liquidator")
    venue_token_fee_rate: float = Field(0.0, ge=0.0, le=1.0, description="of a token swapped, to the venue")
    base_fee_rate: float = Field(0.02, ge=0.0, lt=1.0, description="of the value closed, to the liquidator")
    venue_base_fee_rate: float = Field(0.0, ge=0.0, lt=1.0, description="of the value closed, to the venue")
    profit_fee_rate: float = Field(0.05, ge=0.0, le=1.0, description="of profit sold, to the liquidator")
    lot: float = Field(0.0, ge=0.0, le=1e9, description="smallest size that is closed, units; 0 = no rounding")
    slack: float = Field(5e-7, ge=0.0, le=1e6, description="health below 0 that the last phase leaves, dollars")

    def fraction(self, pools: Distressed) -> Array:
        """Return the share (r,) of every position that is closed now; all where closing does not help."""
        target = pools.stop * pools.maintenance
        room = target - self.penalty_rate * pools.notional
        lacking = np.maximum(target - pools.equity, 0.0)
        return np.where(room > lacking, lacking / np.where(room > lacking, room, 1.0), 1.0)

    def fee_factor(self, with_venue: bool = True) -> float:
        """Return what is taken of collateral per value of debt repaid."""
        return (1.0 + self.token_fee_rate + with_venue * self.venue_token_fee_rate) ** 2

    def swap(
        self, margin: Health, book: Book, board: Board, tokens: tuple[int, int], most: float = np.inf
    ) -> Swap | None:
        """Return the liquidation of the debt in one token for another, None where it is refused.

        tokens: columns of the collateral and of the debt, -1 for the settlement currency. most: units repaid.
        """
        own, counted = _own(book, board), margin.balances(book, board, _END)[0]
        taken, owed = tokens
        held = min(own[taken], counted[taken])
        debt = min(-own[owed], -counted[owed], most)
        if held <= 0.0 or debt <= 0.0:
            return None
        asset, liability = margin.weighted_prices(board, _END)
        rate = float(_price(board, owed) / _price(board, taken)) * self.fee_factor()
        each = float(liability[owed] - rate * asset[taken])
        health = float(margin.health(book, board, _END)[0])
        needed = max(-health / each, 0.0) if each > 0.0 else 0.0
        repaid = float(min(needed, held / rate, debt))
        paid = repaid * rate
        after = _moved(_moved(book, owed, repaid), taken, -paid)
        received = paid * self.fee_factor(False) / self.fee_factor()
        return Swap(repaid, received, paid - received, after)

    def take_over(self, margin: Health, book: Book, board: Board, column: int, limits: Limits = Limits()) -> Takeover:
        """Return the liquidation of one account's perpetual in `column`, without resting orders."""
        walk = self._walk(margin, book, board, column, limits)
        self._phases(walk)
        units, price = -np.sign(walk.of.size) * walk.closed, self._price_of(walk.of.size, board.price[column])
        paid = walk.sold * walk.of.kept
        after = _traded(book, column, units, units * price + walk.sold)
        return Takeover(
            float(units), price, walk.sold, paid, _moved(after, int(margin.settles_in(board)[column]), paid)
        )

    def _phases(self, walk: _Walk) -> None:
        perpetual = walk.of
        if walk.profit < 0.0:
            walk.close(-walk.profit, perpetual.gain, perpetual.gain)
        walk.sell()
        if walk.profit >= 0.0 and walk.sold < walk.limits.profit:
            rest = walk.limits.profit - walk.sold
            walk.close(rest, perpetual.gain * perpetual.kept, perpetual.gain * perpetual.weight)
        walk.sell()
        if walk.health < -self.slack:
            walk.close(np.inf, perpetual.gain * perpetual.weight, perpetual.gain * perpetual.weight)

    def _walk(self, margin: Health, book: Book, board: Board, column: int, limits: Limits) -> _Walk:
        token = int(margin.settles_in(board)[column])
        asset, liability = (float(each[token]) for each in margin.weighted_prices(board, _END))
        weight = float(margin.profit_weights(board, _END)[column])
        size, gain = float(book.position[0, column]), self._gain(margin, book, board, column)
        perpetual = Perpetual(size, gain, weight, 1.0 - self.profit_fee_rate, asset, liability)
        health, balance = margin.health(book, board, _END)[0], margin.balances(book, board, _END)[0, token]
        profit = margin.profits(book, board, _END)[0, column]
        return _Walk(perpetual, limits, self.lot, float(health), float(balance), float(profit))

    def _gain(self, margin: Health, book: Book, board: Board, column: int) -> float:
        """Return what u rises by per unit closed: what is paid for it less what it counted for."""
        size, price = float(book.position[0, column]), float(board.price[column])
        long, short = (float(weight[column]) for weight in margin.base_weights(board, _END))
        traded = self._price_of(size, price)
        return traded - long * price if size > 0.0 else short * price - traded

    def _price_of(self, size: float, price: float) -> float:
        """Return the price at which an account closes `size`: worse than the mark by the fees."""
        return float(price * (1.0 - np.sign(size) * (self.base_fee_rate + self.venue_base_fee_rate)))


def _own(book: Book, board: Board) -> Array:
    """Return what one account holds of each token, the settlement currency last, without its perpetuals."""
    return np.append(np.where(board.listed.spot, book.position[0], 0.0), book.balance(board.listed)[0])


def _price(board: Board, token: int) -> float:
    return board.quote_price if token < 0 else float(board.price[token])


def _moved(book: Book, token: int, units: float) -> Book:
    """Return the book of one account with `units` more of a token."""
    if token < 0:
        return replace(book, cash=book.cash + units)
    position = book.position.copy()
    position[:, token] += units
    return replace(book, position=position)


def _traded(book: Book, column: int, units: float, paid: float) -> Book:
    """Return the book of one account after `units` of a perpetual were added to it and `paid` was charged for them."""
    position, cost = book.position.copy(), book.cost.copy()
    position[:, column] += units
    cost[:, column] += paid
    return replace(book, cash=book.cash - paid, position=position, cost=cost)
