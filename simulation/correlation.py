"""Correlations that are parameters of rules: what a margin engine assumes, how volatilities move together."""

from typing import Annotated, TypeAlias

import numpy as np
from pydantic import AfterValidator

from simulation.arrays import Array


def _checked(value: float | tuple[tuple[float, ...], ...]) -> float | tuple[tuple[float, ...], ...]:
    matrix = np.array([[1.0, value], [value, 1.0]]) if not isinstance(value, tuple) else _square(value)
    if np.abs(matrix).max() > 1.0 or (matrix.diagonal() != 1.0).any():
        raise ValueError("must lie in [-1, 1] with ones on the diagonal")
    if not np.array_equal(matrix, matrix.T):
        raise ValueError("must be symmetric")
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest < -1e-9:
        raise ValueError(f"not positive semi-definite (smallest eigenvalue {smallest:.3g})")
    return value


AssumedCorrelation: TypeAlias = Annotated[float | tuple[tuple[float, ...], ...], AfterValidator(_checked)]
"""One correlation for every pair of markets, or the full matrix (m, m) in the order of the markets."""


def correlation_matrix(value: float | tuple[tuple[float, ...], ...], markets: int) -> Array:
    """Return `value` as a matrix (m, m)."""
    if isinstance(value, tuple):
        return np.array(value)
    matrix = np.full((markets, markets), value)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _square(value: tuple[tuple[float, ...], ...]) -> Array:
    if any(len(row) != len(value) for row in value):
        raise ValueError(f"must be square (got rows of {sorted({len(row) for row in value})} in {len(value)} rows)")
    return np.array(value)
