"""Correlation matrices: validated when a scenario is read, factored when a path is drawn."""

import functools
import math
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from simulation.arrays import Array
from simulation.errors import ScenarioError, shown
from simulation.factoring import NO_PIVOT as ROUNDING
from simulation.factoring import lower_factor

Matrix = tuple[tuple[float, ...], ...]

SIZE_LIMIT = 200  # markets; factoring is plain Python, cubic in the number of markets


def correlation_problem(value: Any) -> str:
    """Return what is wrong with `value` as a correlation, "" if nothing: a number, or a full matrix."""
    if _is_number(value):
        return "" if -1.0 <= value <= 1.0 else f"must be from -1 to 1 (got {shown(value)})"
    if not isinstance(value, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in value):
        return f"must be one number, or a square matrix as a list of rows (got {shown(value)})"
    size = len(value)
    if not 1 <= size <= SIZE_LIMIT:
        return f"must have 1 to {SIZE_LIMIT} rows (got {size})"
    for i, row in enumerate(value):
        if len(row) != size:
            return f"must be square: row {i} has {len(row)} entries, the matrix has {size} rows"
    return _entry_problem(value) or _definite_problem(np.array(value, dtype=float))


def _entry_problem(value: Any) -> str:
    for i, row in enumerate(value):
        for j, entry in enumerate(row):
            if not _is_number(entry) or not -1.0 <= entry <= 1.0:
                return f"[{i}][{j}] must be a number from -1 to 1 (got {shown(entry)})"
            if i == j and abs(entry - 1.0) > ROUNDING:
                return f"[{i}][{i}] must be 1 (got {shown(entry)})"
            if j < i and abs(entry - value[j][i]) > ROUNDING:
                return f"[{i}][{j}]={entry:g} differs from [{j}][{i}]={value[j][i]:g}; must be symmetric"
    return ""


def _definite_problem(matrix: Array) -> str:
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest >= -ROUNDING * len(matrix):
        return ""
    return f"not positive semi-definite (smallest eigenvalue {smallest:.3g})"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _validated(value: Any) -> float | Matrix:
    problem = correlation_problem(value)
    if problem:
        raise PydanticCustomError("correlation", "{problem}", {"problem": problem})
    return float(value) if _is_number(value) else tuple(tuple(float(x) for x in row) for row in value)


Correlation = Annotated[float | Matrix, BeforeValidator(_validated)]
"""One correlation for every pair of markets, or the full matrix, (m, m), in the order of the markets."""


def size_problem(correlation: float | Matrix, markets: int) -> str:
    """Return why `correlation` cannot serve this many markets, "" if it can."""
    if isinstance(correlation, tuple):
        size = len(correlation)
        return (
            "" if size == markets else f"must be {markets}x{markets} to match the markets (got {size}x{size})"
        )
    lowest = -1.0 / (markets - 1) if markets > 1 else -1.0
    if correlation >= lowest - ROUNDING:
        return ""
    return f"one correlation for {markets} markets must be from {lowest:.6g} to 1 (got {correlation:g})"


def correlated(correlation: float | Matrix, markets: int) -> Array:
    """Return the lower triangular factor L (m, m) with L L' = `correlation`; semi-definite matrices are fine.

    Raises ScenarioError, naming the field `correlation`, when the matrix is no correlation matrix of
    `markets`.
    """
    problem = correlation_problem(correlation) or size_problem(correlation, markets)
    if problem:
        raise ScenarioError(f"correlation: {problem}")
    if isinstance(correlation, tuple):
        return _factor(correlation)
    rho = float(correlation)
    return _factor(tuple(tuple(1.0 if i == j else rho for j in range(markets)) for i in range(markets)))


@functools.lru_cache(maxsize=64)
def _factor(matrix: Matrix) -> Array:
    factor = lower_factor(matrix)
    factor.flags.writeable = False
    return factor
