"""The law of what a portfolio may lose over the horizon: in closed form, or a sample of scenarios."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.margin.risk_estimate import RiskEstimate
from simulation.margin.tail import Tail
from simulation.rule import Rule


class LossLaw(Rule):
    """Turns exposures and what is known about risk into Value at Risk or Expected Shortfall over one step."""

    def loss(self, exposure: Array, known: RiskEstimate, tail: Tail) -> Array:
        """Return VaR or ES (r,), dollars, of `exposure` (r, m), dollars, over one step."""
        raise NotImplementedError

    def multiplier(self, tail: Tail) -> float:
        """Return VaR or ES of a loss of standard deviation 1; also what a correlation add-on is measured by."""
        return tail.normal()

    def steepness(self, known: RiskEstimate, tail: Tail) -> Array:
        """Return a bound (m,) on how fast the loss can grow per dollar of exposure.

        VaR and ES of sqrt(v' C v) have gradient multiplier * (C v)_j / sqrt(v' C v), at most multiplier * volatility_j.
        """
        return abs(self.multiplier(tail)) * known.volatility


class NormalLaw(LossLaw):
    """Variance-covariance: z sqrt(v' C v), z the VaR or ES of a standard normal loss.

    Source: J.P. Morgan, RiskMetrics Technical Document (1996).
    """

    kind = "normal"

    def loss(self, exposure: Array, known: RiskEstimate, tail: Tail) -> Array:
        """Return multiplier * sqrt(v' C v) (r,)."""
        return self.multiplier(tail) * known.spread(exposure)


class StudentLaw(NormalLaw):
    """Multivariate Student-t returns: t sqrt((nu - 2) / nu) sqrt(v' C v), t the VaR or ES of a t loss, nu = tail_index.

    C is the covariance itself, so heavier tails do not mean more variance; every portfolio of t returns with one
    mixing variable is t with the same nu.
    Source: McNeil, Frey & Embrechts, "Quantitative Risk Management" (2015), sections 2.3 and 6.4.
    """

    kind = "student_t"
    tail_index: float = Field(4.0, gt=2.0, le=1000.0, description="degrees of freedom nu of the returns")

    def multiplier(self, tail: Tail) -> float:
        """Return VaR or ES of a Student-t loss of variance 1."""
        return tail.student(self.tail_index) * ((self.tail_index - 2.0) / self.tail_index) ** 0.5


class SampledLaw(LossLaw):
    """A law that is a sample of equally likely returns of all markets."""

    def moves(self, known: RiskEstimate) -> Array:
        """Return the simple returns (s, m) of one step."""
        raise NotImplementedError

    def loss(self, exposure: Array, known: RiskEstimate, tail: Tail) -> Array:
        """Return VaR or ES (r,) over the sample; never below 0, a hedge that always gains earns no credit."""
        moves = self.moves(known)
        chunk = max(1, _CHUNK // len(moves))
        parts = [_of_sample(exposure[at : at + chunk], moves, tail) for at in range(0, max(len(exposure), 1), chunk)]
        return np.concatenate(parts)

    def steepness(self, known: RiskEstimate, tail: Tail) -> Array:
        """Return the largest move (m,) of the sample: no quantile or tail mean changes faster than its worst member."""
        return np.abs(self.moves(known)).max(axis=0)


_CHUNK = 2**20  # losses held at a time


def _of_sample(exposure: Array, moves: Array, tail: Tail) -> Array:
    losses = np.zeros((len(exposure), len(moves)))
    for market in range(exposure.shape[1]):
        losses -= exposure[:, market, None] * moves[:, market]
    return np.maximum(tail.of_sample(losses), 0.0)
