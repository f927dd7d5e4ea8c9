"""Bugs to plant: each is an ordinary method that does its work 2 % wrong."""

from typing import Any

import numpy as np
import pytest

from agents import waterfall
from agents.desk import LiquidationDesk
from agents.waterfall import Waterfall
from simulation.funding.average import AverageFunding
from simulation.impact.base import Book, ImpactRule, Move
from simulation.impact.linear import LinearImpact, UnitImpact
from simulation.margin.base import MarginRule
from simulation.mark.mid import MidMark
from simulation.market import Market
from simulation.price import correlation as price_correlation

WRONG = 1.02


def impact(patch: pytest.MonkeyPatch) -> None:
    """Every trade moves the price 2 % too far, whether impact is linear in units or in money."""

    def plant(law: type[ImpactRule]) -> None:
        right = law.move

        def move(self: ImpactRule, done: np.ndarray, volume: np.ndarray, book: Book) -> Move:
            return right(self, done, volume * WRONG, book)

        patch.setattr(law, "move", move)

    plant(UnitImpact)
    plant(LinearImpact)


def maintenance(patch: pytest.MonkeyPatch) -> None:
    """The maintenance rate is 2 % too high."""
    right = MarginRule.maintenance

    def wrong(self: MarginRule, notional: np.ndarray, tiers: Any) -> np.ndarray:
        return right(self, notional, tiers) * WRONG

    patch.setattr(MarginRule, "maintenance", wrong)


def fill(patch: pytest.MonkeyPatch) -> None:
    """Forced sales fill 2 % above the book."""
    right = LiquidationDesk.transfer_positions

    def wrong(self: LiquidationDesk, seizure: Any, price: np.ndarray, to: Any = None) -> None:
        right(self, seizure, price * WRONG, to)

    patch.setattr(LiquidationDesk, "transfer_positions", wrong)
    right_fill = Market._fill_price
    patch.setattr(Market, "_fill_price", lambda self, move: right_fill(self, move) * WRONG)


def adl_price(patch: pytest.MonkeyPatch) -> None:
    """Winners are closed at a price whose distance from the mark is 2 % too large; the engine itself notices."""
    right = Waterfall._close

    def wrong(self: Waterfall, side: Any, market: int, quantity: float, rate: float) -> Any:
        return right(self, side, market, quantity, rate * WRONG)

    patch.setattr(Waterfall, "_close", wrong)


def adl_price_unnoticed(patch: pytest.MonkeyPatch) -> None:
    """The same, in an engine that does not look whether the closed pool is empty."""
    patch.setattr(waterfall, "QUANTUM", 1e12)
    adl_price(patch)


def fund_payment(patch: pytest.MonkeyPatch) -> None:
    """The insurance fund pays 2 % more than the deficit of a bankrupt pool."""
    right = Waterfall.draw
    patch.setattr(Waterfall, "draw", lambda self, side, amount, *place: right(self, side, amount * WRONG, *place))


def mark(patch: pytest.MonkeyPatch) -> None:
    """The mark is 2 % above the middle of the book."""
    right = MidMark.price
    patch.setattr(MidMark, "price", lambda self, *seen: right(self, *seen) * WRONG)


def correlation(patch: pytest.MonkeyPatch) -> None:
    """Prices are correlated 2 % too little."""
    right = price_correlation._factor

    def wrong(matrix: Any) -> np.ndarray:
        return right(tuple(tuple(one if one == 1.0 else one / WRONG for one in row) for row in matrix))

    patch.setattr(price_correlation, "_factor", wrong)


def funding(patch: pytest.MonkeyPatch) -> None:
    """Longs pay shorts 2 % too much."""
    right = AverageFunding.payment
    patch.setattr(AverageFunding, "payment", lambda self, *seen: right(self, *seen) * WRONG)
