"""Liquidation capacity per window: a market lets only so many units be closed in so many seconds."""

from dataclasses import dataclass
from typing import TypeAlias

from pydantic import Field

from simulation.strict import Strict

_DUST = 1e-12  # what rounding leaves of a capacity that is used up

Closed: TypeAlias = tuple[tuple[float, float], ...]
"""What was closed in one market: (seconds, units), in the order of time."""


@dataclass(frozen=True)
class Request:
    """A wish to close `size` units at `now` (seconds) in a market whose traders are net `skew` units long.

    endorsed: whether it comes from the liquidator whom the venue lets close without limit.
    """

    size: float
    now: float
    skew: float
    endorsed: bool = False


class CapacityWindow(Strict):
    """How many units may be closed in one market within a window.

    capacity = (maker fee + taker fee) skew_scale multiplier window_seconds, less what was closed after now - window.
    When it is used up and |skew| / skew_scale is below `largest_premium`, one more full window may be closed, once per
    moment. A capacity of zero by parameters limits nothing. Source: Synthetix v3 perps market
    (`PerpsMarket.maxLiquidatableAmount`, SIP-337), stored 23585f73, 2024.
    """

    maker_fee_rate: float = Field(0.0002, ge=0.0, le=1.0, description="fraction of notional")
    taker_fee_rate: float = Field(0.0005, ge=0.0, le=1.0, description="fraction of notional")
    skew_scale: float = Field(1e5, ge=0.0, le=1e15, description="skew that doubles the price, units")
    multiplier: float = Field(1.0, ge=0.0, le=1e6, description="of the capacity, a second")
    window_seconds: float = Field(30.0, ge=0.0, le=1e7, description="length of the window")
    largest_premium: float = Field(0.0, ge=0.0, le=1.0, description="skew over scale below which one more window opens")

    @property
    def capacity(self) -> float:
        """Return the units that may be closed in one window."""
        rate = (self.maker_fee_rate + self.taker_fee_rate) * self.skew_scale * self.multiplier
        return rate * self.window_seconds

    def left(self, closed: Closed, now: float) -> float:
        """Return the units of this window's capacity that are not used up."""
        used = sum(units for time, units in closed if time > now - self.window_seconds)
        left = self.capacity - used
        return left if left > _DUST * self.capacity else 0.0

    def allowed(self, request: Request, closed: Closed) -> float:
        """Return the units of `request` that may be closed."""
        if request.endorsed or self.capacity == 0.0:
            return request.size
        left = self.left(closed, request.now)
        if left > 0.0:
            return min(left, request.size)
        calm = self.skew_scale > 0.0 and abs(request.skew) / self.skew_scale < self.largest_premium
        fresh = not closed or closed[-1][0] != request.now
        return min(self.capacity, request.size) if calm and fresh else 0.0

    def close(self, request: Request, closed: Closed) -> tuple[float, Closed]:
        """Return the units that may be closed, and the record with them in it."""
        units = self.allowed(request, closed)
        return units, (*closed, (request.now, units)) if units > 0.0 else closed
