"""Close-out of the Vega protocol: the network takes over positions at the mark and sells them bit by bit."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Mask, ceil_to
from simulation.liquidation.base import Distressed, LiquidationRule


class NetworkDisposal(LiquidationRule):
    """What the network holds is sold `disposal_share` at a time, small positions whole, never too much of the book.

    size = |position| if |position| <= full_disposal, else ceil(|position| disposal_share); at most
    ceil(largest_share * volume on offer within mid (1 -+ slippage_rate)). A close-out itself is no trade on the book:
    it is booked at the mark and does not move it, so that close-outs cannot feed on each other; all that is left of
    the account goes to the insurance pool of the market. Source: Vega protocol specification 0012-POSR and liquidation
    strategy of core/execution, 2023-2024 (defaults of existing markets).
    """

    kind = "network_disposal"
    disposal_share: float = Field(0.1, gt=0.0, le=1.0, description="of what is held, per order")
    full_disposal: float = Field(
        20.0,
        ge=0.0,
        le=1e18,
        description="so little goes in one order: units in `size`, dollars of a pool in `fraction`",
    )
    largest_share: float = Field(0.05, ge=0.0, le=1.0, description="of the volume within the price range, per order")
    slippage_rate: float = Field(0.1, ge=0.0, le=1e3, description="half width of the price range, fraction of mid")
    lot: float = Field(1.0, ge=0.0, le=1e9, description="smallest size of an order, units; 0 = no rounding")

    def fraction(self, pools: Distressed) -> Array:
        """Return the share (r,) of every position to sell: all of small and of insolvent pools."""
        whole = (pools.notional <= self.full_disposal) | (pools.equity <= 0.0)
        return np.where(whole, 1.0, self.disposal_share)

    def size(self, position: Array, available: Array) -> Array:
        """Return the size of the network's next order, units, of each `position` held (any shape)."""
        held = np.abs(position)
        wanted = np.where(held <= self.full_disposal, held, ceil_to(held * self.disposal_share, self.lot))
        return np.minimum(wanted, ceil_to(available * self.largest_share, self.lot))

    def price_range(self, mid: Array) -> tuple[Array, Array]:
        """Return the lowest and the highest price at which volume counts as available, dollars."""
        return np.maximum(mid * (1.0 - self.slippage_rate), 0.0), mid * (1.0 + self.slippage_rate)


def closed_out(funds: Array, maintenance: Array) -> Mask:
    """Tell which accounts (r,), after their orders were cancelled and free funds searched, are below maintenance."""
    return funds < maintenance


def confiscated(funds: Array, maintenance: Array) -> Array:
    """Return what goes to the insurance pool (r,), dollars: everything that an account closed out still has."""
    return np.where(closed_out(funds, maintenance), np.maximum(funds, 0.0), 0.0)


def disposal_result(position: Array, mark: Array, price: Array, fee_rate: float, unit: float) -> Array:
    """Return what the insurance pool gains (negative: loses) when `position` taken over at `mark` is closed at `price`.

    position (price - mark) - ceil(|position| price fee_rate) in whole `unit`s of dollars: the network pays fees too.
    """
    return position * (price - mark) - trading_fee(position, price, fee_rate, unit)


def trading_fee(position: Array, price: Array, fee_rate: float, unit: float) -> Array:
    """Return the fee on a trade, dollars, rounded up to whole `unit`s."""
    return ceil_to(np.abs(position) * price * fee_rate, unit)
