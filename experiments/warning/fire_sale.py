"""Fire sales in matrices: who endangers the whole, who is endangered, by linear algebra on a table of portfolios.

n owners, k assets. assets A (n,), dollars; equity E (n,), dollars; weights M (n, k), rows add up to 1 (to less where
longs and shorts offset each other, shorts being negative); impact L (k,),
relative price move per dollar sold; shock F1 (k,), relative. Owners keep their debt over equity B: after a loss they
sell B dollars of assets per dollar lost, in proportion to their weights.
Source: R. Greenwood, A. Landier & D. Thesmar, "Vulnerable banks", J. Financial Economics 115 (2015) 471-485;
overlap: R. Cont & E. Schaanning, J. Banking & Finance 104 (2019) 85-102.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.warning.early_warning import spectral_radius
from simulation.arrays import Array
from simulation.errors import InputError


@dataclass(frozen=True)
class FireSale:
    """A book of leverage-targeting owners and a shock; shapes and units as in the module's text."""

    assets: Array
    equity: Array
    weights: Array
    impact: Array
    shock: Array

    def __post_init__(self) -> None:
        """Refuse tables that are none: shapes that do not fit, no equity, weights that add up to more than 1."""
        n, k = self.weights.shape
        if self.assets.shape != (n,) or self.equity.shape != (n,) or not (self.equity > 0.0).all():
            raise InputError(f"assets, equity: must be {n} numbers each, equity above 0")
        if self.impact.shape != (k,) or self.shock.shape != (k,):
            raise InputError(f"impact, shock: must be {k} numbers each")
        if not (np.abs(self.weights).sum(axis=1) <= 1.0 + 1e-9).all():
            raise InputError("weights: must add up to no more than 1 for every owner")

    @property
    def leverage(self) -> Array:
        """Return B (n,) = debt / equity = A / E - 1."""
        return self.assets / self.equity - 1.0

    @property
    def direct(self) -> Array:
        """Return R1 (n,) = M F1, the return of every portfolio by the shock alone."""
        return self.weights @ self.shock

    @property
    def sales(self) -> Array:
        """Return M' A B R1 (k,): dollars traded in each asset in the first round, negative = sold."""
        return self.weights.T @ (self.assets * self.leverage * self.direct)

    @property
    def second(self) -> Array:
        """Return F2 (k,) = L M' A B M F1, what the first round's sales do to prices, relative."""
        return self.impact * self.sales

    @cached_property
    def contagion(self) -> Array:
        """Return K (n, n) = M L M' A B: return of the row's portfolio per unit return of the column's."""
        return (self.weights * self.impact) @ self.weights.T * (self.assets * self.leverage)

    @property
    def radius(self) -> float:
        """Return the spectral radius of K; the rounds die out where it is below 1."""
        return spectral_radius(self.contagion)

    @property
    def at_rest(self) -> Array:
        """Return (I - K)^-1 R1 (n,), the return of every portfolio over all rounds; NaN where the radius is not < 1."""
        if not self.radius < 1.0:
            return np.full_like(self.direct, np.nan)
        return np.asarray(np.linalg.solve(np.eye(len(self.assets)) - self.contagion, self.direct), float)

    def rounds(self, count: int) -> Array:
        """Return the return (count, n) of every portfolio in each round, the direct one first."""
        found = [self.direct]
        for _ in range(count - 1):
            found.append(self.contagion @ found[-1])
        return np.array(found)

    @property
    def aggregate_vulnerability(self) -> float:
        """Return AV = 1' A K R1 / sum E, equity lost to the first round of sales over all equity, signed as returns."""
        return float(self.assets @ (self.contagion @ self.direct) / self.equity.sum())

    @property
    def connectedness(self) -> Array:
        """Return gamma_n (n,) = sum_k (sum_m a_m m_mk) l_k m_nk: dollars lost by all per dollar that n sells."""
        return self.weights @ (self.impact * (self.assets @ self.weights))

    @property
    def systemicness(self) -> Array:
        """Return S(n) (n,) = gamma_n (a_n / E1) b_n r_n, n's part of AV, in units of all equity; they add up to AV."""
        return self.connectedness * self.assets / self.equity.sum() * self.leverage * self.direct

    @property
    def indirect_vulnerability(self) -> Array:
        """Return IV(n) (n,) = a_n (K R1)_n / e_n: own equity lost by everybody's first round of sales."""
        return self.assets * (self.contagion @ self.direct) / self.equity


def overlap(holdings: Array, depth: Array) -> Array:
    """Return Omega (n, n) = sum_k Pi_ik Pi_jk / D_k, dollars: what j loses if i sells all it holds, and i if j does.

    holdings Pi (n, k), dollars; depth D (k,), dollars per unit of relative price move.
    """
    return holdings / depth @ holdings.T


def indirect_contagion(holdings: Array, depth: Array) -> Array:
    """Return sum_{j != i} Omega_ij (n,), dollars: what the others lose if i is liquidated in full.

    Without the matrix, so that it serves a hundred thousand accounts.
    """
    others = holdings.sum(axis=0) - holdings
    return (holdings * others / depth).sum(axis=1)


def perron_vector(matrix: Array) -> Array:
    """Return the eigenvector (n,) of the largest eigenvalue of a symmetric matrix >= 0, >= 0, adding up to 1.

    NaN where the matrix is zero: nobody is connected to anybody.
    """
    if not matrix.any():
        return np.full(len(matrix), np.nan)
    vector = np.abs(np.linalg.eigh(matrix)[1][:, -1])
    return vector / vector.sum()
