"""The collateral rule: what tokens, debts and unrealised profit of a pool count for."""

from typing import ClassVar

from simulation.arrays import Array
from simulation.board import Board, Book, Level
from simulation.rule import Rule


class CollateralRule(Rule):
    """How much of a pool's equity does not count as collateral.

    collateral value = equity - requirement, equity = cash + sum_j position_j price_j. A plain margin rule adds this
    requirement to that of the pool's derivatives; `by_tiers` rules leave tokens to the rates of their own market.
    """

    by_tiers: ClassVar[bool] = False

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the dollars (r,) of equity that do not count, of the pools in `book`."""
        raise NotImplementedError
