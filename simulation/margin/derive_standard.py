"""The standard margin of Derive (SRM): many markets, options by expiry, no scenarios."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index
from simulation.board import Board, Book, Level
from simulation.instrument.black_scholes import Vanilla, black76
from simulation.margin.base import BookMargin
from simulation.margin.scenario_grid import by_expiry
from simulation.margin.terms import by_column
from simulation.strict import Strict

_MOST = 1e3  # parameters are fractions and factors; the bound only keeps them finite


class OptionTerms(Strict):
    """Margin of options sold, fractions of the underlying unless said otherwise."""

    initial_rate: float = Field(0.15, ge=0.0, le=_MOST, description="at the money, less what it is out of the money")
    least_initial_rate: float = Field(0.1, ge=0.0, le=_MOST, description="far out of the money")
    call_maintenance_rate: float = Field(0.075, ge=0.0, le=_MOST, description="of calls")
    put_maintenance_rate: float = Field(0.075, ge=0.0, le=_MOST, description="of puts")
    put_mark_rate: float = Field(0.075, ge=0.0, le=_MOST, description="of puts, of their mark")
    put_initial_factor: float = Field(1.05, ge=0.0, le=_MOST, description="least initial over maintenance of puts")
    initial_unpaired: float = Field(1.2, ge=0.0, le=_MOST, description="of the forward, calls sold beyond those held")
    maintenance_unpaired: float = Field(1.1, ge=0.0, le=_MOST, description="the same, maintenance")


class Doubts(Strict):
    """What oracles in doubt and a cheap settlement currency cost of initial margin."""

    perpetual_threshold: float = Field(0.4, ge=0.0, le=_MOST, description="confidence below which perpetuals pay")
    option_threshold: float = Field(0.4, ge=0.0, le=_MOST, description="confidence below which options sold pay")
    token_threshold: float = Field(0.4, ge=0.0, le=_MOST, description="confidence below which tokens pay")
    rate: float = Field(0.4, ge=0.0, le=_MOST, description="of the value, times the lack of confidence")
    peg_threshold: float = Field(0.98, ge=0.0, le=_MOST, description="price of the settlement currency, dollars")
    peg_factor: float = Field(1.2, ge=0.0, le=_MOST, description="of the value, per dollar below the threshold")


class TokenTerms(Strict):
    """How a token counts as collateral."""

    weight: float = Field(0.8, ge=0.0, le=_MOST, description="share of its value")
    initial_scale: float = Field(1.0, ge=0.0, le=_MOST, description="on top, for initial margin")


class DeriveStandardMargin(BookMargin):
    """Cash, less a share of perpetuals, plus weighted tokens, less what options sold need, expiry by expiry.

    balance = cash + sum_j (unrealised profit - |q| p rate) + sum tokens value weight - sum_e need_e - doubts (initial),
    need_e = the smaller of two: the sum of isolated margins of the options sold, or the largest loss at expiry:
    -min over S in {0, strikes} of the payoff, if negative, plus unpaired * forward * calls sold beyond those held.
    Isolated, with mark v by Black-76 without discount and underlying S, for one option sold:
        call: maintenance c S + v,                           initial max(a - OTM / S, b) S + v
        put:  maintenance max(p S, p' v) + v,                initial max(max(a - OTM / S, b) S + v, 1.05 maintenance).
    Options held are no collateral but for the largest loss. Doubts: (1 - confidence) rate S per unit where an oracle is
    below its threshold, and the settlement currency's shortfall below its peg. Source: Derive v2-core,
    `StandardManager.sol` (rules as described in its documentation, parameters of its tests, 2023-2024).
    """

    kind = "derive_standard"
    initial_rate: float = Field(0.065, ge=0.0, le=_MOST, description="of the value of perpetuals")
    maintenance_rate: float = Field(0.05, ge=0.0, le=_MOST, description="of the value of perpetuals")
    options: OptionTerms = Field(OptionTerms.model_validate({}), description="margin of options sold")
    doubts: Doubts = Field(Doubts.model_validate({}), description="oracles in doubt, a cheap settlement currency")
    default: TokenTerms = Field(TokenTerms.model_validate({}), description="terms of tokens without their own")
    markets: dict[str, TokenTerms] = Field({}, description="terms of tokens by the name of their market")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars: equity less the balance of `level`."""
        listed, position = board.listed, book.position
        rate = self.initial_rate if level == "initial" else self.maintenance_rate
        total = np.zeros(len(book.cash))
        weight = self._weight(board, level)
        for column in np.flatnonzero(~listed.option):
            held, price = position[:, column], board.price[column]
            if listed.spot[column]:  # what is held counts at the oracle's price, what is owed is owed at the market's
                total += np.maximum(held, 0.0) * (price - weight[column] * board.spot[column])
            else:
                total += np.abs(held) * (rate * price)
        for group in self._expiries(board):
            total += self._worth(position, board, group)
            total += self.expiry_need(position, board, group, level)
        return total + self.doubt(book, board) if level == "initial" else total

    def mark(self, board: Board) -> Array:
        """Return the value (m,) of options by Black-76 without discount, of everything else its price, dollars."""
        years = np.where(board.listed.option, board.years, 0.0)
        forward = board.averaged * board.average + (1.0 - board.averaged) * board.forward
        option = Vanilla(board.listed.side, np.where(board.listed.option, board.listed.strike, 1.0), years)
        return np.where(board.listed.option, black76(option, forward, board.volatility), board.price)

    def mark_to_market(self, book: Book, board: Board) -> Array:
        """Return cash + everything else at its mark (r,), dollars."""
        mark, total = self.mark(board), book.cash.copy()
        for column in range(len(mark)):
            total += book.position[:, column] * mark[column]
        return total

    def isolated(self, board: Board, level: Level) -> Array:
        """Return the margin (m,) of one option sold, mark included, dollars."""
        terms, spot, mark, listed = self.options, board.spot, self.mark(board), board.listed
        call = listed.side > 0.0
        by_mark = np.where(call, 0.0, terms.put_mark_rate * mark)
        rate = np.where(call, terms.call_maintenance_rate, terms.put_maintenance_rate)
        maintenance = np.maximum(rate * spot, by_mark) + mark
        if level == "maintenance":
            return maintenance
        with np.errstate(invalid="ignore", divide="ignore"):
            distance = np.maximum(listed.side * (listed.strike - spot), 0.0) / spot
        initial = np.maximum(terms.initial_rate - distance, terms.least_initial_rate) * spot + mark
        return np.where(call, initial, np.maximum(initial, terms.put_initial_factor * maintenance))

    def expiry_need(self, position: Array, board: Board, group: Index, level: Level) -> Array:
        """Return what the options `group` of one expiry need (r,), at least 0, dollars."""
        alone = self.isolated(board, level)
        isolated = np.zeros(len(position))
        for column in group:
            isolated += np.maximum(-position[:, column], 0.0) * alone[column]
        return np.minimum(isolated, self.largest_loss(position, board, group, level))

    def largest_loss(self, position: Array, board: Board, group: Index, level: Level) -> Array:
        """Return the largest loss at expiry (r,), at least 0, with calls sold uncovered above the last strike."""
        listed = board.listed
        worst, calls = np.zeros(len(position)), np.zeros(len(position))
        for price in (0.0, *np.unique(listed.strike[group])):
            payoff = np.zeros(len(position))
            for column in group:
                intrinsic = max(listed.side[column] * (price - listed.strike[column]), 0.0)
                payoff += position[:, column] * intrinsic
            worst = np.minimum(worst, payoff)
        for column in group:
            calls += position[:, column] if listed.side[column] > 0.0 else 0.0
        unpaired = self.options.initial_unpaired if level == "initial" else self.options.maintenance_unpaired
        return np.maximum(-calls, 0.0) * (unpaired * board.forward[group[0]]) - worst

    def doubt(self, book: Book, board: Board) -> Array:
        """Return what oracles in doubt and a cheap settlement currency cost (r,), dollars."""
        terms, listed, total = self.doubts, board.listed, np.zeros(len(book.cash))
        threshold = np.select(
            [listed.option, listed.spot], [terms.option_threshold, terms.token_threshold], terms.perpetual_threshold
        )
        lack = np.where(board.confidence < threshold, 1.0 - board.confidence, 0.0) * terms.rate
        below = max(0.0, terms.peg_threshold - board.quote_price) * terms.peg_factor
        cost = (lack + np.where(listed.spot, 0.0, below)) * board.spot
        for column in np.flatnonzero(cost):
            held = book.position[:, column]
            total += (np.maximum(-held, 0.0) if listed.option[column] else np.abs(held)) * cost[column]
        return total

    def _weight(self, board: Board, level: Level) -> Array:
        weight = by_column(board.listed.names, self.default, self.markets, "weight")
        scale = by_column(board.listed.names, self.default, self.markets, "initial_scale")
        return weight * scale if level == "initial" else weight

    @staticmethod
    def _worth(position: Array, board: Board, group: Index) -> Array:
        total = np.zeros(len(position))
        for column in group:
            total += position[:, column] * board.price[column]
        return total

    @staticmethod
    def _expiries(board: Board) -> list[Index]:
        listed = board.listed
        return [
            group
            for asset in np.unique(listed.asset)
            for group in by_expiry(board, np.flatnonzero(listed.asset == asset))
        ]
