"""Margin by market skew, with the keeper's reward inside (Synthetix v3 perps)."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Mask, column_sum
from simulation.board import Board, Book, Level
from simulation.margin.base import BookMargin
from simulation.margin.terms import by_column
from simulation.strict import Strict


class SkewTerms(Strict):
    """Terms of one market."""

    skew_scale: float = Field(
        1e5, ge=0.0, le=1e15, description="skew that doubles the price, units; 0 = no size effect"
    )
    size_rate: float = Field(2.0, ge=0.0, le=1e6, description="initial margin rate of a position as large as the scale")
    smallest_rate: float = Field(0.01, ge=0.0, le=1.0, description="initial margin rate of the smallest position")
    maintenance_share: float = Field(0.5, ge=0.0, le=1.0, description="maintenance over initial margin rate")
    smallest_margin: float = Field(0.0, ge=0.0, le=1e9, description="added to the margin of every position, dollars")
    reward_rate: float = Field(0.01, ge=0.0, le=1.0, description="of notional, to whoever flags the account")
    window_size: float = Field(0.0, ge=0.0, le=1e15, description="units closed per window; 0 = all at once")


class KeeperTerms(Strict):
    """What a keeper gets for a liquidation, and what it costs one, dollars."""

    flag_cost: float = Field(0.0, ge=0.0, le=1e9, description="of flagging an account, dollars")
    close_cost: float = Field(0.0, ge=0.0, le=1e9, description="of closing one window's worth, dollars")
    least_reward: float = Field(0.0, ge=0.0, le=1e30, description="above cost, dollars")
    least_profit_rate: float = Field(0.0, ge=0.0, le=1e6, description="above cost, fraction of cost")
    most_reward: float = Field(1e30, ge=0.0, le=1e30, description="dollars; the default limits nothing")
    most_share: float = Field(1e6, ge=0.0, le=1e6, description="of the collateral; the default limits nothing")

    def reward(self, flagged: Array, cost: Array | float, collateral: Array) -> Array:
        """Return the reward (r,), dollars, for work that costs `cost` and has earned `flagged` by notional.

        min(max(cost + least, cost (1 + least profit), flagged + cost), most reward, collateral * most share); an
        account without collateral was flagged before, and only the absolute cap holds.
        """
        least = np.maximum(cost + self.least_reward, cost * (1.0 + self.least_profit_rate))
        cap = np.where(collateral == 0.0, self.most_reward, np.minimum(collateral * self.most_share, self.most_reward))
        return np.minimum(np.maximum(least, flagged + cost), cap)


class SkewMargin(BookMargin):
    """Margin that grows with a position's share of the market's skew scale; the keeper is paid out of it.

    With size q_j, price p_j, scale K_j:

        initial rate = |q_j| / K_j size_rate + smallest_rate,  maintenance rate = initial rate * maintenance_share,
        requirement = sum_j (|q_j| p_j rate_j + smallest_margin) + reward,

    so that an account is liquidatable when its margin is below maintenance plus what the keeper will get: the reward
    for flagging (see `KeeperTerms.reward`) and for each further window that closing takes. Tokens are collateral;
    what else is held is none. Margin = cash + collateral + sum_j q_j p_j, a position's cost being its fill at skew.
    Source: Synthetix v3 perps market, `PerpsMarketConfiguration` and `PerpsAccount` (stored 23585f73), 2024.
    """

    kind = "skew"
    default: SkewTerms = Field(SkewTerms.model_validate({}), description="terms of markets that have none of their own")
    markets: dict[str, SkewTerms] = Field({}, description="terms by the name of the market")
    keeper: KeeperTerms = Field(KeeperTerms.model_validate({}), description="rewards and costs of keepers")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, the keeper's reward included."""
        margin = column_sum(self.margins(book, board, level))
        options = np.where(board.listed.option, book.position * board.price, 0.0)
        return margin + self.liquidation_reward(book, board) + column_sum(np.maximum(options, 0.0))

    def margins(self, book: Book, board: Board, level: Level) -> Array:
        """Return the margin (r, m) of each position, dollars, without the reward."""
        size = self._size(book, board)
        scale = self._terms(board, "skew_scale")
        share = np.where(scale > 0.0, size / np.where(scale > 0.0, scale, 1.0), 0.0)
        rate = share * self._terms(board, "size_rate") + self._terms(board, "smallest_rate")
        if level == "maintenance":
            rate = rate * self._terms(board, "maintenance_share")
        return size * board.price * rate + np.where(size > 0.0, self._terms(board, "smallest_margin"), 0.0)

    def liquidation_reward(self, book: Book, board: Board) -> Array:
        """Return what keepers will get (r,), dollars: for flagging, and for every window after the first."""
        flagged, collateral = self.flag_reward(book, board), self.collateral(book, board)
        first = self.keeper.reward(flagged, self.keeper.flag_cost, collateral)
        none = np.zeros_like(flagged)
        later = self.keeper.reward(none, self.keeper.close_cost, none) * np.maximum(
            self.windows(book, board) - 1.0, 0.0
        )
        return np.where(self._size(book, board).any(axis=1), first + later, 0.0)

    def flag_reward(self, book: Book, board: Board) -> Array:
        """Return sum_j |q_j| p_j reward_rate_j (r,), dollars."""
        return column_sum(self._size(book, board) * board.price * self._terms(board, "reward_rate"))

    def windows(self, book: Book, board: Board) -> Array:
        """Return how many windows it takes to close the slowest position (r,)."""
        window = self._terms(board, "window_size")
        return np.max(np.ceil(self._size(book, board) / np.where(window > 0.0, window, np.inf)), axis=1)

    def collateral(self, book: Book, board: Board) -> Array:
        """Return the dollars and tokens (r,) an account has put up, dollars: without its positions' profits."""
        tokens = np.where(board.listed.spot, book.position * board.price, 0.0)
        return np.maximum(book.balance(board.listed) + column_sum(tokens), 0.0)

    def liquidatable(self, book: Book, board: Board) -> Mask:
        """Tell which accounts (r,) may be flagged: positions open, and margin strictly below the requirement."""
        open_ = self._size(book, board).any(axis=1)
        return open_ & (book.equity(board.price) < self.requirement(book, board, "maintenance"))

    def _size(self, book: Book, board: Board) -> Array:
        return np.where(board.listed.linear, np.abs(book.position), 0.0)

    def _terms(self, board: Board, field: str) -> Array:
        return by_column(board.listed.names, self.default, self.markets, field)
