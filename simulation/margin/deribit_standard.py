"""Standard margin of Deribit: position by position, options sold by how far they are out of the money."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Level
from simulation.margin.base import BookMargin


class DeribitStandardMargin(BookMargin):
    """Perpetuals and futures by size, options sold one by one, no credit for options held.

    Perpetuals and futures of q coins at underlying price U: (rate + growth q) q U. Options sold, in coins a unit, with
    mark v = V / U and out-of-the-money share o = max(side (K - U), 0) / U:

        call  initial      max(call_initial - o, floor) + v              maintenance  call_maintenance + v
        put   initial      max(max(put_initial - o, floor) + v, maintenance)
              maintenance  max(put_maintenance, put_maintenance v) + v

    The mark v of an option sold stands against it in equity already, and the value of one held does not count as margin
    balance, so the requirement here is the margin less v for options sold and V for those held. Tokens other than the
    settlement currency count in full. Sources: Deribit, margin change of 11 January 2022 (support article
    25944826427293: 2 % and 1 % plus .005 % a BTC); margins of options as published by TSLab (documentation of its
    connector).
    """

    kind = "deribit_standard"
    initial_rate: float = Field(0.02, ge=0.0, le=1.0, description="of the value of a small perpetual or future")
    maintenance_rate: float = Field(0.01, ge=0.0, le=1.0, description="of the value of a small perpetual or future")
    growth_rate: float = Field(5e-5, ge=0.0, le=1.0, description="added to both rates for each coin of size")
    option_initial_rate: float = Field(0.15, ge=0.0, le=1.0, description="of the underlying, option at the money")
    option_floor_rate: float = Field(0.1, ge=0.0, le=1.0, description="of the underlying, option far out of the money")
    option_maintenance_rate: float = Field(0.075, ge=0.0, le=1.0, description="of the underlying, option sold")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, at `level`."""
        listed, size = board.listed, np.abs(book.position)
        rate = (self.initial_rate if level == "initial" else self.maintenance_rate) + self.growth_rate * size
        linear = np.where(listed.linear, np.minimum(rate, 1.0) * size * board.price, 0.0)
        if not listed.option.any():
            return column_sum(linear)
        beyond_mark = (self.short_option_margin(board, level) - board.price / board.spot) * board.spot
        held = np.where(book.position > 0.0, size * board.price, size * beyond_mark)
        return column_sum(np.where(listed.option, held, linear))

    def short_option_margin(self, board: Board, level: Level) -> Array:
        """Return the margin (m,) of one option sold, in coins, its mark included; nan where there is no option."""
        listed, mark = board.listed, board.price / board.spot
        distance = np.maximum(listed.side * (listed.strike - board.spot), 0.0) / board.spot
        rate = self.option_maintenance_rate
        maintenance = np.where(listed.side > 0.0, rate, np.maximum(rate, rate * mark)) + mark
        if level == "maintenance":
            return np.where(listed.option, maintenance, np.nan)
        initial = np.maximum(self.option_initial_rate - distance, self.option_floor_rate) + mark
        return np.where(listed.option, np.maximum(initial, maintenance), np.nan)
