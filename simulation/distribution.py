"""Distributions of sizes and parameters, drawn by inverse CDF so that no member's value depends on another."""

import numpy as np
from pydantic import Field, model_validator

from simulation.arrays import Array
from simulation.rule import Rule


class Distribution(Rule):
    """A law given by its quantile function."""

    def quantile(self, u: Array) -> Array:
        """Return the values (c,) at the probabilities `u` (c,) in (0, 1)."""
        raise NotImplementedError


class Uniform(Distribution):
    """Uniform between `low` and `high`."""

    kind = "uniform"
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> "Uniform":
        if not self.low <= self.high:
            raise ValueError(f"low must not exceed high ({self.low} > {self.high})")
        return self

    def quantile(self, u: Array) -> Array:
        """Return low + (high - low) * u."""
        return self.low + (self.high - self.low) * u


class Lognormal(Distribution):
    """Lognormal with the given median and standard deviation `sigma` of the logarithm, cut at `maximum`."""

    kind = "lognormal"
    median: float = Field(gt=0.0)
    sigma: float = Field(ge=0.0, le=10.0)
    maximum: float | None = Field(None, gt=0.0)

    def quantile(self, u: Array) -> Array:
        """Return median * exp(sigma * N^-1(u))."""
        from scipy.special import ndtri

        return np.minimum(self.median * np.exp(self.sigma * ndtri(u)), self.maximum or np.inf)


class Pareto(Distribution):
    """Power law P(X > x) = (minimum / x) ** tail_index, cut at `maximum`."""

    kind = "pareto"
    minimum: float = Field(gt=0.0)
    tail_index: float = Field(gt=0.1, le=100.0)
    maximum: float | None = Field(None, gt=0.0)

    def quantile(self, u: Array) -> Array:
        """Return minimum * (1 - u) ** (-1 / tail_index)."""
        return np.minimum(self.minimum * (1.0 - u) ** (-1.0 / self.tail_index), self.maximum or np.inf)


class Choice(Distribution):
    """One of `values`, equally likely or with the given `weights` (which must sum to 1)."""

    kind = "choice"
    values: tuple[float, ...] = Field(min_length=1)
    weights: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _sized(self) -> "Choice":
        if self.weights is not None and len(self.weights) != len(self.values):
            raise ValueError(f"weights must be {len(self.values)} numbers, one a value (got {len(self.weights)})")
        if self.weights is not None and (min(self.weights) < 0.0 or abs(sum(self.weights) - 1.0) > 1e-9):
            raise ValueError(f"weights must be at least 0 and sum to 1 (got {sum(self.weights):g})")
        return self

    def quantile(self, u: Array) -> Array:
        """Return the value whose cumulated weight first reaches u."""
        weights = self.weights or (1.0 / len(self.values),) * len(self.values)
        place = np.searchsorted(np.cumsum(weights), u, side="left")
        return np.array(self.values)[np.minimum(place, len(self.values) - 1)]
