"""The instrument: what a column of the market is, what one unit is worth, and what it pays at the end."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.rule import Rule


@dataclass(frozen=True)
class State:
    """What a value depends on besides the price of the underlying, arrays (s,) or numbers.

    volatility: implied, a year; years: to expiry; average: of the underlying over the part of the settlement window
    that has passed, dollars; averaged: the share of the window that has passed.
    """

    volatility: Array | float = 0.0
    years: Array | float = np.inf
    average: Array | float = 0.0
    averaged: Array | float = 0.0


class Instrument(Rule):
    """What is traded in one column.

    `underlying` names the market whose index it follows; without one the column has an index of its own. `derived`
    instruments are worth a function of their underlying's price, the others trade on its index in a book of their own.
    """

    derived: ClassVar[bool] = False
    underlying: str | None = Field(None, description="market whose index it follows; none = an index of its own")

    @property
    def window_minutes(self) -> float:
        """Return how long before its end the underlying is averaged, minutes."""
        return 0.0

    @property
    def sign(self) -> float:
        """Return +1 for a call, -1 for a put, 0 for everything else."""
        return 0.0

    def value(self, spot: Array, state: State) -> Array:
        """Return the value (s,) of one unit, dollars, when the underlying stands at `spot` (s,)."""
        return spot

    def forward(self, spot: Array, years: Array | float) -> Array:
        """Return the forward price (s,) of the underlying in `years`, dollars."""
        return spot

    def payoff(self, settlement: Array) -> Array:
        """Return what one unit pays (s,) at expiry, dollars, at the `settlement` price (s,) of the underlying."""
        return settlement


class Dated(Instrument):
    """An instrument that ends `expiry_days` after the start of the run, settled at the average of the underlying's
    index over the last `settlement_minutes`.
    """

    underlying: str = Field(description="market whose index it follows")  # type: ignore[assignment]
    expiry_days: float = Field(gt=0.0, le=3650.0, description="days from the start of the run")
    settlement_minutes: float = Field(30.0, ge=0.0, le=1440.0, description="averaging window before expiry")
    rate: float = Field(0.0, ge=-0.5, le=1.0, description="interest a year, continuous, between spot and forward")

    @property
    def window_minutes(self) -> float:
        """Return the settlement window, minutes."""
        return self.settlement_minutes

    def forward(self, spot: Array, years: Array | float) -> Array:
        """Return spot * exp(rate * years)."""
        return spot * np.exp(self.rate * np.where(np.isfinite(years), years, 0.0))

    def fixed(self, spot: Array, state: State) -> Array:
        """Return the expected settlement price: a * average + (1 - a) * forward, with the share a averaged already."""
        floating = self.forward(spot, state.years)
        return state.averaged * np.asarray(state.average) + (1.0 - np.asarray(state.averaged)) * floating
