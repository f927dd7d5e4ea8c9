"""Funding: the periodic payment between longs and shorts of a perpetual."""

from pydantic import Field

from simulation.arrays import Array
from simulation.rule import Rule


class FundingRule(Rule):
    """How the funding rate follows from mark and oracle; settled every `interval_steps`."""

    interval_steps: int = Field(480, ge=1, le=10_000_000, description="steps between two settlements")

    def rate(self, mark: Array, oracle: Array) -> Array:
        """Return the rate (m,) that longs pay shorts per settlement, a fraction of notional."""
        raise NotImplementedError
