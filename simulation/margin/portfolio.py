"""Portfolio margin: the worst loss over a grid of scenarios with an assumed correlation."""

from functools import cached_property

import numpy as np
from pydantic import Field, field_validator

from simulation.arrays import Array
from simulation.margin.base import MarginRule
from simulation.margin.tiers import TierSchedule


class PortfolioMargin(MarginRule):
    """Requirement = max over scenarios s of |sum_j a_j u_sj|, at least (1 - `offset_cap`) * sum_j |a_j|.

    a_j is the signed stand-alone requirement of position j (long positive), so the scan range of a market is its own
    tier rate and a single position needs exactly what cross margin asks. The scenarios u_s span the assumed
    correlation R: for each market, that market moves its full range and the others by conditional expectation,
    u_s = R[s]; and for each principal component, u_s = sqrt(eigenvalue) * eigenvector; all with both signs. All
    |u_sj| <= 1, so the requirement never exceeds the sum of stand-alone requirements.
    `correlation` is what the *engine* assumes, (m, m) or one number for all pairs; the world's is another matter.
    Source: scenario-based margining after CME SPAN; the cap after EMIR art. 27 (80 % of the difference).
    """

    kind = "portfolio"
    correlation: float | tuple[tuple[float, ...], ...] = Field(0.6, description="assumed by the margin engine")
    offset_cap: float = Field(1.0, ge=0.0, le=1.0, description="largest share of the summed requirement offset")

    @field_validator("correlation")
    @classmethod
    def _valid(cls, value: float | tuple[tuple[float, ...], ...]) -> float | tuple[tuple[float, ...], ...]:
        matrix = np.array([[1.0, value], [value, 1.0]]) if not isinstance(value, tuple) else _square(value)
        if np.abs(matrix).max() > 1.0 or (matrix.diagonal() != 1.0).any():
            raise ValueError("must lie in [-1, 1] with ones on the diagonal")
        if not np.array_equal(matrix, matrix.T):
            raise ValueError("must be symmetric")
        smallest = float(np.linalg.eigvalsh(matrix)[0])
        if smallest < -1e-9:
            raise ValueError(f"not positive semi-definite (smallest eigenvalue {smallest:.3g})")
        return value

    @cached_property
    def _grids(self) -> dict[int, Array]:
        return {}

    def scenarios(self, markets: int) -> Array:
        """Return the grid (s, m) of moves in units of each market's scan range, one sign of each pair."""
        if markets not in self._grids:
            matrix = self._matrix(markets)
            values, vectors = np.linalg.eigh(matrix)
            components = (vectors * np.sqrt(np.maximum(values, 0.0))).T
            self._grids[markets] = np.vstack([matrix, np.clip(components, -1.0, 1.0)])
        return self._grids[markets]

    def pooled(self, signed: Array) -> Array:
        """Return the worst loss (r,) over the grid."""
        worst = np.zeros(len(signed))
        total = super().pooled(signed)
        for scenario in self.scenarios(signed.shape[1]):
            loss = signed[:, 0] * scenario[0]
            for market in range(1, len(scenario)):
                loss = loss + signed[:, market] * scenario[market]
            np.maximum(worst, np.abs(loss), out=worst)
        return np.minimum(np.maximum(worst, (1.0 - self.offset_cap) * total), total)

    def steepness(self, tiers: TierSchedule) -> Array:
        """Return the steepest tier rate (m,): no scenario moves a market by more than its own range."""
        return tiers.steepest

    def _matrix(self, markets: int) -> Array:
        if not isinstance(self.correlation, float):
            return np.array(self.correlation)
        matrix = np.full((markets, markets), self.correlation)
        np.fill_diagonal(matrix, 1.0)
        return matrix


def _square(value: tuple[tuple[float, ...], ...]) -> Array:
    if any(len(row) != len(value) for row in value):
        raise ValueError(f"must be square (got rows of {sorted({len(row) for row in value})} in {len(value)} rows)")
    return np.array(value)
