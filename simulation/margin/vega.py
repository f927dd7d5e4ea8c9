"""Margin of the Vega protocol: risk factors, slippage, and four levels that keep accounts from flapping."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from pydantic import Field
from scipy.special import ndtr, ndtri

from simulation.arrays import Array, ceil_to, column_sum, floor_to
from simulation.board import Board, Book
from simulation.margin.base import BookMargin
from simulation.margin.terms import by_column
from simulation.strict import Strict

VegaLevel: TypeAlias = Literal["maintenance", "search", "initial", "release"]


def lognormal_risk_factors(volatility: float, years: float, tail: float) -> tuple[float, float]:
    """Return the risk factors (long, short) of a driftless lognormal price: expected shortfall over price.

    long = 1 - Phi(z - s) / tail,  short = Phi(-z' + s) / tail - 1,  s = volatility sqrt(years), z = Phi^-1(tail),
    z' = Phi^-1(1 - tail): what the worst `tail` of outcomes cost on average. Source: Vega protocol specification
    0018-RSKM (quantitative risk models, lognormal), 2021.
    """
    deviation, edge = volatility * math.sqrt(years), float(ndtri(tail))
    return 1.0 - float(ndtr(edge - deviation)) / tail, float(ndtr(edge + deviation)) / tail - 1.0


class VegaTerms(Strict):
    """Terms of one market. The defaults are those of the protocol's example of a simple risk model."""

    risk_factor_long: float = Field(0.1, ge=0.0, le=1e6, description="of mark price, per unit long")
    risk_factor_short: float = Field(0.1, ge=0.0, le=1e6, description="of mark price, per unit short")
    linear_slippage: float = Field(0.0, ge=0.0, le=1e6, description="of mark price, per unit open")
    quadratic_slippage: float = Field(0.0, ge=0.0, le=1e6, description="of mark price, per unit open squared")


@dataclass(frozen=True)
class Exposure:
    """Open position and resting orders of pools by column (r, m), units: signed position, volume to buy and to sell.

    `funding` (m,) is the funding accrued per unit held long, dollars.
    """

    position: Array
    buys: Array
    sells: Array
    funding: Array

    @classmethod
    def of(cls, book: Book) -> "Exposure":
        """Return the exposure of `book`, with nothing accrued."""
        none = np.zeros_like(book.position)
        buys, sells = (book.resting.bids, book.resting.asks) if book.resting else (none, none)
        return cls(book.position, buys, sells, np.zeros(book.position.shape[1]))

    @classmethod
    def only(cls, position: Array) -> "Exposure":
        """Return the exposure of `position` (r, m) without orders."""
        return cls(position, np.zeros_like(position), np.zeros_like(position), np.zeros(position.shape[1]))


class VegaMargin(BookMargin):
    """Maintenance by risk factors and slippage, market by market; search, initial and release are multiples of it.

    With position q, orders b to buy and s to sell, mark M, v = max(q, 0) and w = max(-q, 0):

        long = M (linear v + quadratic v^2) + v f_long M + b f_long M   where q + b > 0, else 0,
        short = M (linear w + quadratic w^2) + w f_short M + s f_short M   where q - s < 0, else 0,
        maintenance = ceil(max(long, short) + max(0, funding accrued per unit * q)),
        search, initial, release = floor(multiple * maintenance).

    Slippage is charged on the open position only, never on orders. An account below maintenance is closed out, below
    search topped up to initial from free funds, above release it may withdraw: between search and release nothing
    moves. Markets do not offset each other; what is held besides perpetuals and futures is no collateral. In the live
    market funding is settled when it is due, so nothing is accrued. Source: Vega protocol specification 0019-MCAL
    (margin calculator), 2021-2024.
    """

    kind = "vega"
    default: VegaTerms = Field(VegaTerms.model_validate({}), description="terms of markets that have none of their own")
    markets: dict[str, VegaTerms] = Field({}, description="terms by the name of the market")
    search_multiple: float = Field(1.1, ge=1.0, le=100.0, description="search level over maintenance")
    initial_multiple: float = Field(1.2, ge=1.0, le=100.0, description="initial level over maintenance")
    release_multiple: float = Field(1.4, ge=1.0, le=100.0, description="release level over maintenance")
    unit: float = Field(1e-6, ge=0.0, le=1.0, description="smallest amount of the asset, dollars; 0 = no rounding")

    def requirement(self, book: Book, board: Board, level: VegaLevel) -> Array:
        """Return the requirement (r,), dollars, at `level`."""
        own = book.only(board.listed.linear)
        total = column_sum(self.level(Exposure.of(own), board, level))
        other = np.where(board.listed.linear, 0.0, book.position * board.price)
        return total + column_sum(np.maximum(other, 0.0))

    def level(self, held: Exposure, board: Board, level: VegaLevel) -> Array:
        """Return a level (r, m) of each market, dollars."""
        maintenance = self.maintenance_of(held, board)
        multiples = {"search": self.search_multiple, "initial": self.initial_multiple, "release": self.release_multiple}
        return maintenance if level == "maintenance" else floor_to(maintenance * multiples[level], self.unit)

    def maintenance_of(self, held: Exposure, board: Board) -> Array:
        """Return the maintenance level (r, m) of each market, dollars."""
        long, short = (self._terms(board, f"risk_factor_{side}") for side in ("long", "short"))
        most = np.maximum(
            self._side(held.position, held.buys, long, board), self._side(-held.position, held.sells, short, board)
        )
        return ceil_to(most + np.maximum(held.funding * held.position, 0.0), self.unit)

    def close_out_price(self, collateral: Array, held: Exposure, board: Board) -> Array:
        """Return the mark (r, m) at which `collateral` (r, 1) or (r, m) is just the maintenance level, dollars.

        (collateral - q M - max(0, funding q)) / (linear |q| + quadratic q^2 + f |q| - q), not below 0; nan where the
        denominator is 0 (a risk factor of 1 eats whatever the price is) and where nothing is held. Where slippage and
        risk factor add to more than 1 the formula gives a price beyond the mark on the wrong side; so does the venue.
        """
        size, mark = np.abs(held.position), board.price
        long, short = (self._terms(board, f"risk_factor_{side}") for side in ("long", "short"))
        factor = np.where(held.position > 0.0, long, short)
        needed = self._slippage(size, board) + size * factor - held.position
        left = collateral - held.position * mark - np.maximum(held.funding * held.position, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            price = np.maximum(left / needed, 0.0)
        return np.where((needed == 0.0) | (size == 0.0), np.nan, price)

    def _side(self, position: Array, orders: Array, factor: Array, board: Board) -> Array:
        """Return the margin of one side, as if it were the long one."""
        size = np.maximum(position, 0.0)
        margin = board.price * (self._slippage(size, board) + factor * (size + orders))
        return np.where(position + orders > 0.0, margin, 0.0)

    def _slippage(self, size: Array, board: Board) -> Array:
        linear, quadratic = (self._terms(board, f"{kind}_slippage") for kind in ("linear", "quadratic"))
        return linear * size + quadratic * size * size

    def _terms(self, board: Board, field: str) -> Array:
        return by_column(board.listed.names, self.default, self.markets, field)


@dataclass(frozen=True)
class RestingOrder:
    """A limit order of one account: units, and dollars a unit."""

    size: float
    price: float


def close_out_price_with_orders(
    rule: VegaMargin, board: Board, collateral: float, held: Exposure, orders: Sequence[RestingOrder]
) -> float:
    """Return the close-out price (dollars) of one position in one market if its `orders` fill one after another.

    `orders` have signed sizes, all of one side. The best price fills first; the walk ends where the account would be
    closed out before the next order is reached. Source: Vega protocol, liquidation price estimate, 2023.
    """
    side = math.copysign(1.0, orders[0].size) if orders else 1.0
    price, mark = float(rule.close_out_price(np.array([[collateral]]), held, board)[0, 0]), float(board.price[0])
    position = float(held.position[0, 0])
    for order in sorted(orders, key=lambda order: -side * order.price):
        if side * position > 0.0 and side * (order.price - price) < 0.0:
            break
        collateral += position * (order.price - mark)
        mark, position = order.price, position + order.size
        moved = Exposure(np.array([[position]]), held.buys, held.sells, held.funding)
        board = Board.at(board.listed, np.array([mark]))
        price = float(rule.close_out_price(np.array([[collateral]]), moved, board)[0, 0])
    return price
