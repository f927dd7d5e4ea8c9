"""Volatility, correlation and joint tails of a table of returns; what cannot be estimated is NaN with a reason."""

import math
from itertools import combinations

import numpy as np

from simulation.arrays import Array
from simulation.errors import InputError

YEAR_SECONDS = 31_536_000.0
FEWEST = 2  # returns; with one, every correlation is -1 or 1
TAIL = 5  # returns that must be expected below the quantile

Defined = tuple[float, str]  # a value and, where it is NaN, the reason


def realised_volatility(returns: Array, step_seconds: float) -> Defined:
    """Return the root of the mean squared return (n, m) as a year's volatility, mean over markets."""
    if len(returns) < FEWEST or not returns.shape[1]:
        return math.nan, _few(len(returns))
    variance = (returns**2).mean(axis=0) * (YEAR_SECONDS / step_seconds)
    return float(np.sqrt(variance).mean()), ""


def realised_correlation(returns: Array) -> Defined:
    """Return sum r_i r_j / sqrt(sum r_i^2 sum r_j^2) of returns (n, m), mean over the pairs of markets that moved."""
    if len(returns) < FEWEST:
        return math.nan, _few(len(returns))
    products = np.einsum("ti,tj->ij", returns, returns)
    power = np.sqrt(products.diagonal())
    found = [products[i, j] / (power[i] * power[j]) for i, j in _pairs(returns) if power[i] > 0.0 and power[j] > 0.0]
    return (float(np.mean(found)), "") if found else (math.nan, "fewer than two markets moved")


def tail_dependence(returns: Array, q: float) -> Defined:
    """Return lambda_L(q) = P(U_2 < q | U_1 < q) of returns (n, m), mean over pairs of markets.

    U < q are the floor(q n) smallest returns of a market. Its limit for q -> 0 is the coefficient of lower tail
    dependence; at finite q independence gives q. Sources: H. Joe, Multivariate Models (1997); A. McNeil, R. Frey & P.
    Embrechts, Quantitative Risk Management (2015), section 7.2.4.
    """
    if not 0.0 < q < 1.0:
        raise InputError(f"q: must be between 0 and 1, both excluded (got {q:g})")
    count = math.floor(round(q * len(returns), 9))
    if count < TAIL:
        return math.nan, f"needs at least {math.ceil(round(TAIL / q, 9)):,} returns at q = {q:g} (got {len(returns):,})"
    if returns.shape[1] < 2:
        return math.nan, "there is no second market"
    lowest = np.sort(returns, axis=0)[count - 1 : count + 1]
    if count < len(returns) and (lowest[0] == lowest[1]).any():
        return math.nan, f"equal returns at the quantile q = {q:g}"
    below = returns <= lowest[0]
    return float(np.mean([(below[:, i] & below[:, j]).sum() / count for i, j in _pairs(returns)])), ""


def _pairs(returns: Array) -> list[tuple[int, int]]:
    return list(combinations(range(returns.shape[1]), 2))


def _few(count: int) -> str:
    return f"needs at least {FEWEST} returns (got {count})"
