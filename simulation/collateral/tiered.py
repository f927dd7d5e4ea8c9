"""Haircuts that rise tier by tier with the size of the holding."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from simulation.arrays import Array
from simulation.board import Board, Book, Level
from simulation.collateral.base import HaircutCollateral
from simulation.strict import Strict


class HaircutTier(Strict):
    """From `floor` dollars of a token on, this haircut holds at the margin."""

    floor: float = Field(0.0, ge=0.0, le=1e18, description="dollars of the token")
    haircut: float = Field(ge=0.0, le=1.0, description="share of the value in the tier that does not count")


_LADDER = (
    HaircutTier(floor=0.0, haircut=0.05),
    HaircutTier(floor=1e6, haircut=0.15),
    HaircutTier(floor=1e7, haircut=0.5),
)


class TieredTerms(Strict):
    """The ladder of one token."""

    tiers: tuple[HaircutTier, ...] = Field(_LADDER, min_length=1, max_length=20)
    debt_premium: float = Field(0.0, ge=0.0, le=10.0, description="share of a debt that is required on top of it")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.tiers[0].floor != 0.0:
            raise ValueError(f"tiers[0].floor: the first tier must start at 0 (got {self.tiers[0].floor:g})")
        for i, (low, high) in enumerate(zip(self.tiers, self.tiers[1:], strict=False), 1):
            if high.floor <= low.floor or high.haircut < low.haircut:
                raise ValueError(f"tiers[{i}]: floors must rise, haircuts must not fall")
        return self

    def counted(self, value: Array) -> Array:
        """Return what `value` (r,) dollars of the token count for."""
        floors = np.array([tier.floor for tier in self.tiers] + [np.inf])
        total = np.where(value < 0.0, value * (1.0 + self.debt_premium), 0.0)
        for tier, low, high in zip(self.tiers, floors, floors[1:], strict=False):
            total += (1.0 - tier.haircut) * np.clip(value - low, 0.0, high - low)
        return total


class TieredCollateral(HaircutCollateral):
    """The haircut of a token rises with the dollars held of it, tier by tier, at the margin.

    c(v) = sum over tiers k of (1 - h_k) * (part of v between floor_k and floor_{k+1}); a debt counts v (1 + premium).
    A last tier with haircut 1 is a cap. Source: OKX, "Discount rate tiers" of the multi-currency margin mode.
    """

    kind = "tiered"
    default: TieredTerms = Field(TieredTerms.model_validate({}), description="ladder of tokens without their own")
    markets: dict[str, TieredTerms] = Field({}, description="ladders by the name of the token's market")

    def counted(self, value: Array, book: Book, board: Board, level: Level) -> Array:
        """Return what tokens count for (r, m), dollars; both levels alike."""
        counted = np.zeros_like(value)
        for column in np.flatnonzero(board.listed.spot):
            terms = self.markets.get(board.listed.names[column], self.default)
            counted[:, column] = terms.counted(value[:, column])
        return counted
