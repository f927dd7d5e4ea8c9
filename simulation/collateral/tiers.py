"""Tokens margined like anything else: by the tiers of their own market."""

from typing import ClassVar

import numpy as np

from simulation.arrays import Array
from simulation.board import Board, Book, Level
from simulation.collateral.base import CollateralRule


class TierCollateral(CollateralRule):
    """A token needs the rates of its own market, like a position in it; nothing else is left out.

    A maintenance rate of 5 % is a haircut of 5 % on a token and a premium of 5 % on a debt.
    """

    kind = "tiers"
    by_tiers: ClassVar[bool] = True

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return zeros (r,): the margin rule asks for what is asked."""
        return np.zeros(len(book.cash))
