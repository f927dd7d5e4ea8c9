"""A European option."""

from typing import Literal

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.instrument.base import Dated, State
from simulation.instrument.black_scholes import Vanilla, black76


class Option(Dated):
    """A European option on the settlement average, settled in dollars: V = D * Black-76(F, K, s', T), D = exp(-r T).

    F is the expected settlement price. Inside the settlement window the share a of the average is known, so the
    volatility of F is s' = s * (1 - a) * S exp(r T) / F; what is still to be averaged is valued like its last price.
    """

    kind = "option"
    derived = True
    strike: float = Field(gt=0.0, le=1e12, description="dollars")
    side: Literal["call", "put"] = Field("call", description="call or put")

    @property
    def sign(self) -> float:
        """Return +1 for a call, -1 for a put."""
        return 1.0 if self.side == "call" else -1.0

    def value(self, spot: Array, state: State) -> Array:
        """Return the premium (s,), dollars."""
        expected = self.fixed(spot, state)
        floating = (1.0 - np.asarray(state.averaged)) * self.forward(spot, state.years)
        volatility = np.asarray(state.volatility) * floating / expected
        option = Vanilla(self.sign, self.strike, state.years)
        return black76(option, expected, volatility, np.exp(-self.rate * np.asarray(state.years)))

    def payoff(self, settlement: Array) -> Array:
        """Return max(side * (settlement - strike), 0), dollars."""
        return Vanilla(self.sign, self.strike, 0.0).payoff(settlement)
