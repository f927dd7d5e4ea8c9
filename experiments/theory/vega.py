"""Results on vega risk: how independence understates it, and what a proxy hedge leaves."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from experiments.target import Check
from experiments.theory.suite import Target
from experiments.vega_risk import VegaBook, hedge_target, understatement_target


class VegaHedge(Target):
    """A20."""

    name: ClassVar[str] = "A20"
    title: ClassVar[str] = "What is left of vega risk under a proxy hedge"
    source: ClassVar[str] = "L. Ederington, J. Finance 34 (1979) 157-170"
    formula: ClassVar[str] = "residual variance 1 - 2 rho h + h^2, least at h = rho"
    thorough: ClassVar[Mapping[str, Any]] = {"minutes": 1_000_000}

    correlation: float = Field(0.85, ge=0.0, le=1.0, description="rho, of moves of implied volatilities")
    assumed: float = Field(0.85, ge=-1.0, le=1.0, description="h, the hedge ratio in deviations")
    minutes: int = Field(20_000, ge=1_000, description="simulated")
    seed: int = Field(1, ge=0, description="of the volatilities")

    def run(self) -> list[Check]:
        """Return the residual variance."""
        return hedge_target(VegaBook(correlation=self.correlation), self.minutes, self.seed, self.assumed)


class VegaUnderstatement(Target):
    """A21."""

    name: ClassVar[str] = "A21"
    title: ClassVar[str] = "Vega margin for independent volatilities is breached too often"
    source: ClassVar[str] = "H. Markowitz, J. Finance 7 (1952) 77-91"
    formula: ClassVar[str] = "true / assumed = sqrt(1 + (K - 1) rho); breaches N(-z / that)"
    thorough: ClassVar[Mapping[str, Any]] = {"minutes": 1_000_000}

    assets: int = Field(4, ge=1, le=50, description="K")
    correlation: float = Field(0.85, ge=0.0, le=1.0, description="rho, of moves of implied volatilities")
    minutes: int = Field(20_000, ge=1_000, description="simulated")
    seed: int = Field(1, ge=0, description="of the volatilities")

    def run(self) -> list[Check]:
        """Return variance and breaches."""
        return understatement_target(VegaBook(self.assets, self.correlation), self.minutes, self.seed)
