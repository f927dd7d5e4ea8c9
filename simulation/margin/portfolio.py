"""Portfolio margin: the worst loss over a grid of scenarios with an assumed correlation."""

from functools import cached_property

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.correlation import AssumedCorrelation, correlation_matrix
from simulation.margin.base import MarginRule
from simulation.margin.tiers import TierSchedule


class PortfolioMargin(MarginRule):
    """Requirement = W + (1 - `offset_cap`) * (T - W): T = sum_j |a_j|, W = max over scenarios s of |sum_j a_j u_sj|.

    a_j is the signed stand-alone requirement of position j (long positive), so the scan range of a market is its own
    tier rate and a single position needs exactly what cross margin asks. The grid holds the worst joint move of given
    size, u = R b / sqrt(b' R b) under the assumed correlation R, for the books b that a venue must get right: every
    market alone, every pair of markets on the same side and on opposite sides, and all markets together; each with
    both signs. For these books W = sqrt(a' R a) exactly; for no book it is more. All |u_sj| <= 1, so the requirement
    never exceeds T, and the grid does not depend on the order of the markets.
    `correlation` is what the *engine* assumes, (m, m) or one number for all pairs; the world's is another matter.
    Source: scenario-based margining after CME SPAN; the cap after EMIR art. 27 (80 % of the difference T - W).
    """

    kind = "portfolio"
    correlation: AssumedCorrelation = Field(0.6, description="assumed by the margin engine")
    offset_cap: float = Field(1.0, ge=0.0, le=1.0, description="share of the difference T - W that is granted")

    @cached_property
    def _grids(self) -> dict[int, "Grid"]:
        return {}

    def scenarios(self, markets: int) -> Array:
        """Return the grid (s, m) of moves in units of each market's scan range, one sign of each pair."""
        return self._grid(markets).moves()

    def pooled(self, signed: Array) -> Array:
        """Return the capped worst loss (r,) over the grid."""
        total = super().pooled(signed)
        worst = np.minimum(self._grid(signed.shape[1]).worst(signed), total)
        return worst + (1.0 - self.offset_cap) * (total - worst)

    def steepness(self, tiers: TierSchedule) -> Array:
        """Return the steepest tier rate (m,): no scenario moves a market by more than its own range."""
        return tiers.steepest

    def _grid(self, markets: int) -> "Grid":
        if markets not in self._grids:
            self._grids[markets] = Grid(correlation_matrix(self.correlation, markets))
        return self._grids[markets]


_BLOCK = 2048  # books evaluated together: what is in hand then stays in the processor's cache


class Grid:
    """The scenarios of one assumed correlation matrix R (m, m), evaluated together.

    The loss of a book a under u = R b / sqrt(b' R b) is b' y / sqrt(b' R b) with y = R a, so after one product with R
    a scenario costs one or two operations.
    """

    def __init__(self, matrix: Array) -> None:
        """Scale the scenarios of `matrix`; those of books without any risk are left out (scale 0)."""
        self.matrix, self.markets = matrix, len(matrix)
        self.same = _inverse_root(2.0 + 2.0 * matrix)
        self.opposite = _inverse_root(2.0 - 2.0 * matrix)
        self.together = float(_inverse_root(matrix.sum()))

    def worst(self, signed: Array) -> Array:
        """Return the largest loss (r,) of the books `signed` (r, m) over all scenarios and both signs."""
        blocks = [self._worst(signed[i : i + _BLOCK]) for i in range(0, len(signed), _BLOCK)]
        return blocks[0] if len(blocks) == 1 else np.concatenate([np.zeros(0), *blocks])

    def _worst(self, signed: Array) -> Array:
        moved = self._moved(signed)
        worst = np.maximum(np.abs(sum(moved)) * self.together, np.abs(moved).max(axis=0))
        for one in range(1, self.markets):  # against all markets before it at once
            first, others = moved[one], moved[:one]
            alike = np.abs(first + others) * self.same[one, :one, None]
            apart = np.abs(first - others) * self.opposite[one, :one, None]
            np.maximum(worst, np.maximum(alike, apart, out=alike).max(axis=0), out=worst)
        return worst

    def moves(self) -> Array:
        """Return the scenarios (s, m) themselves."""
        one, other = np.tril_indices(self.markets, -1)
        same = (self.matrix[one] + self.matrix[other]) * self.same[one, other, None]
        opposite = (self.matrix[one] - self.matrix[other]) * self.opposite[one, other, None]
        return np.vstack([self.matrix, same, opposite, self.matrix.sum(axis=0) * self.together])

    def _moved(self, signed: Array) -> Array:
        """Return R times every book (m, r), market after market, so that bytes do not depend on r."""
        column = np.ascontiguousarray(signed.T)
        total = self.matrix[:, 0, None] * column[0]
        for market in range(1, self.markets):
            total += self.matrix[:, market, None] * column[market]
        return total


def _inverse_root(variance: Array | float) -> Array:
    """Return 1 / sqrt(variance), 0 where there is none but rounding."""
    kept = np.maximum(variance, 1e-12)
    return np.where(kept > 1e-12, kept**-0.5, 0.0)
