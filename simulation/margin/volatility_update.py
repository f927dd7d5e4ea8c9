"""How a margin engine's estimate of the variance of a step's return follows what happens."""

from pydantic import Field, model_validator

from simulation.arrays import Array
from simulation.rule import Rule


class VolatilityUpdate(Rule):
    """How the variance (m,) of the next step is estimated from the last one's and the return (m,) that followed."""

    def variance(self, before: Array, moved: Array, normal: Array) -> Array:
        """Return the next variance (m,); `before` and `normal`, the long-run one, are (m,), `moved` the return (m,)."""
        raise NotImplementedError


class FixedVolatility(VolatilityUpdate):
    """The volatility of the market's listing, for ever: v' = v."""

    kind = "fixed"

    def variance(self, before: Array, moved: Array, normal: Array) -> Array:
        """Return the variance (m,) as it was."""
        return before


class EwmaVolatility(VolatilityUpdate):
    """Exponentially weighted moving average: v' = decay v + (1 - decay) r^2.

    Half-life ln(1/2) / ln(decay) steps (22.76 at .97). Source: J.P. Morgan, RiskMetrics Technical Document (1996).
    """

    kind = "ewma"
    decay: float = Field(0.97, gt=0.0, lt=1.0, description="share of the old estimate that is kept each step")

    def variance(self, before: Array, moved: Array, normal: Array) -> Array:
        """Return the next variance (m,)."""
        return self.decay * before + (1.0 - self.decay) * moved * moved


class GarchVolatility(VolatilityUpdate):
    """GARCH(1,1) with its variance targeted at the listing's: v' = (1 - a - b) v0 + a r^2 + b v, a + b < 1.

    a is `reaction`, b `persistence`. Source: T. Bollerslev, J. Econometrics 31 (1986) 307-327.
    """

    kind = "garch"
    reaction: float = Field(0.1, ge=0.0, lt=1.0, description="a, the weight of the last squared return")
    persistence: float = Field(0.85, ge=0.0, lt=1.0, description="b, the weight of the last variance")

    @model_validator(mode="after")
    def _stationary(self) -> "GarchVolatility":
        if self.reaction + self.persistence >= 1.0:
            raise ValueError(f"reaction + persistence: must be below 1 (got {self.reaction + self.persistence:g})")
        return self

    def variance(self, before: Array, moved: Array, normal: Array) -> Array:
        """Return the next variance (m,)."""
        target = (1.0 - self.reaction - self.persistence) * normal
        return target + self.reaction * moved * moved + self.persistence * before
