"""Laws of losses by scenarios: what has happened, what has happened seen at today's volatility, and a t copula."""

import functools

import numpy as np
from pydantic import Field
from scipy.special import chdtri, stdtr, stdtrit

from simulation.arrays import Array
from simulation.margin.loss_law import SampledLaw
from simulation.margin.risk_estimate import RiskEstimate, mirrored, mixed
from simulation.random import Streams

_SHOCKS, _MIXING = "margin/copula/{}", "margin/mixing"


class HistoricalLaw(SampledLaw):
    """Historical simulation: the returns of the last `window` steps, all equally likely, as they were.

    While the market is younger than the window, the rest of it is made up from the assumed volatility and correlation
    (see RiskEstimate). Source: P. Jorion, "Value at Risk" (2007), section 10.4.
    """

    kind = "historical"

    def moves(self, known: RiskEstimate) -> Array:
        """Return past returns (window, m)."""
        return known.returns


class FilteredLaw(SampledLaw):
    """Filtered historical simulation: past returns over the volatility expected then, times the volatility now.

    Source: J. Hull & A. White, J. Risk 1 (1998) 5-19; G. Barone-Adesi, K. Giannopoulos & L. Vosper, J. Futures Markets
    19 (1999) 583-602.
    """

    kind = "filtered_historical"

    def moves(self, known: RiskEstimate) -> Array:
        """Return rescaled past returns (window, m)."""
        return known.standard * known.volatility


class CopulaLaw(SampledLaw):
    """Monte Carlo with a t copula: Student-t margins of their own tail index, joined by a t copula of another.

        return_j = volatility_j sqrt((b - 2) / b) T_b^-1(T_a(x_j sqrt(a / W))),  x ~ N(0, R),  W ~ chi-square(a)

    with a = copula_tail_index, b = tail_index. Two markets of correlation r crash together, given that one does, with
    probability 2 T_{a+1}(-sqrt((a + 1)(1 - r) / (1 + r))) in the limit, so a small a means joint crashes. The random
    numbers are the same in every run and for every account: requirements differ by books alone.
    Source: McNeil, Frey & Embrechts, "Quantitative Risk Management" (2015), sections 7.3.1 and 9.2.3.
    """

    kind = "t_copula"
    copula_tail_index: float = Field(4.0, gt=0.1, le=1000.0, description="a: the smaller, the more joint crashes")
    tail_index: float = Field(4.0, gt=2.0, le=1000.0, description="b of each market's own returns")
    draws: int = Field(2000, ge=100, le=100_000, description="scenarios; half of them mirror the other half")

    def moves(self, known: RiskEstimate) -> Array:
        """Return drawn returns (draws, m)."""
        indices = self.copula_tail_index, self.tail_index
        return _unit(indices, self.draws, tuple(map(tuple, known.correlation.tolist()))) * known.volatility


@functools.lru_cache(maxsize=8)
def _unit(indices: tuple[float, float], draws: int, matrix: tuple[tuple[float, ...], ...]) -> Array:
    """Return returns (draws, m) of variance 1; kept, because a matrix serves many checks."""
    a, b = indices
    survival = Streams(0).uniform(_MIXING, 0, (draws + 1) // 2)
    stretch = np.sqrt(a / chdtri(a, np.concatenate([survival, survival])[:draws]))
    joined = stdtr(a, mixed(mirrored(draws, len(matrix), _SHOCKS), np.array(matrix)) * stretch[:, None])
    unit = stdtrit(b, np.clip(joined, 1e-15, 1.0 - 1e-15)) * np.sqrt((b - 2.0) / b)
    unit.flags.writeable = False
    return unit
