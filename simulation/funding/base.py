"""Funding: the periodic payment between longs and shorts of a perpetual."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.rule import Rule

DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class FundingMarket:
    """What a funding rule may read at a settlement, (m,) each.

    mark, oracle: dollars. skew: net units held by traders, longs less shorts. past_rate: the rate of the last
    settlement, 0 before the first. days: since the last settlement.
    """

    names: tuple[str, ...]
    mark: Array
    oracle: Array
    skew: Array
    past_rate: Array
    days: float


@dataclass(frozen=True)
class Funding:
    """What a settlement comes to, (m,) each.

    rate: the rule's own rate, in its own unit of time, remembered as the next settlement's past rate. payment: what
    longs pay shorts now, fraction of notional.
    """

    rate: Array
    payment: Array


class FundingRule(Rule):
    """How the funding rate follows from mark and oracle; settled every `interval_steps`.

    A rule that needs no more than the two prices overrides `rate`; one that needs time, skew or its own past overrides
    `due`.
    """

    interval_steps: int = Field(480, ge=1, le=10_000_000, description="steps between two settlements")

    def rate(self, mark: Array, oracle: Array) -> Array:
        """Return the rate (m,) that longs pay shorts per settlement, a fraction of notional."""
        raise NotImplementedError

    def due(self, market: FundingMarket) -> Funding:
        """Return what is due at this settlement: by default one `rate` of notional, whatever time has passed."""
        rate = self.rate(market.mark, market.oracle)
        return Funding(rate, rate)


def accrued(payment: Array, price: Array, position: Array) -> Array:
    """Return what holders of `position` (..., m) pay (negative: receive): position * price * payment, dollars."""
    return position * (price * payment)


def bounded_premium(premium: Array, interest: Array | float, clamp: tuple[float, float]) -> Array:
    """Return premium + clip(interest - premium, low, high): the interest within a dead band around the premium."""
    return premium + np.clip(interest - premium, *clamp)
