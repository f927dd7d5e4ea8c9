"""Tokens valued by what their issuer promises to pay."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.strict import Strict
from simulation.valuation.base import Seen, ValuationRule


class Redemption(Strict):
    """What one token can be redeemed for."""

    rate: float = Field(1.0, gt=0.0, le=1e12, description="units of `into` for one token")
    into: str = Field("", max_length=64, description="name of the market whose oracle price counts; empty = dollars")


class RedemptionValuation(ValuationRule):
    """Price = redemption rate * oracle price of what the token is redeemed for; tokens without a rate: the oracle.

    A wrapped or staked token counts for its share of the underlying, a stablecoin for a dollar, whatever books say:
    right while the promise holds, and blind when the backing is gone. Source: Binance, notice of 12 October 2025
    (conversion ratios in the index of wBETH and BNSOL).
    """

    kind = "redemption"
    tokens: dict[str, Redemption] = Field({}, description="redemption by the name of the token's market")

    def price(self, seen: Seen) -> Array:
        """Return rate * price of what is redeemed (m,), dollars."""
        price = np.array(seen.oracle, float)
        where = {name: i for i, name in enumerate(seen.names)}
        for name, promise in self.tokens.items():
            if name in where:
                price[where[name]] = promise.rate * (seen.oracle[where[promise.into]] if promise.into in where else 1.0)
        return price
