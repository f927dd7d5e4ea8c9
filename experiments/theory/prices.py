"""Target T18, in part: generators of prices against the moments that their papers derive."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from experiments.target import SIGMAS, Check
from experiments.theory.suite import Target, Tier
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.price.base import PriceProcess, World
from simulation.random import Streams
from simulation.rule import load_rules

_BATCHES = 50
_DAY = 86_400.0
load_rules("simulation.price")


class GarchMoments(Target):
    """T18, GARCH(1, 1)."""

    name: ClassVar[str] = "T18.garch"
    title: ClassVar[str] = "GARCH returns: kurtosis and memory of their squares"
    source: ClassVar[str] = "T. Bollerslev, J. Econometrics 31 (1986) 307-327"
    formula: ClassVar[str] = (
        "kurtosis 3 (1 - (a + b)^2) / (1 - (a + b)^2 - 2 a^2); ACF of squares a (1 - ab - b^2) / (1 - 2ab - b^2) at "
        "lag 1, then falling by a + b a lag"
    )
    tier: ClassVar[Tier] = "slow"

    reaction: float = Field(0.1, gt=0.0, lt=0.5, description="a")
    persistence: float = Field(0.85, ge=0.0, lt=0.99, description="b")
    lags: tuple[int, ...] = Field((1, 5, 20), description="at which squares are correlated")
    steps: int = Field(1_000_000, ge=50_000, description="of one path")
    seed: int = Field(20251010, ge=0, description="of the path")

    def run(self) -> list[Check]:
        """Return kurtosis and autocorrelations, with errors from batches."""
        a, b = self.reaction, self.persistence
        room = 1.0 - (a + b) ** 2 - 2.0 * a * a
        if room <= 0.0:
            raise InputError("T18.garch: the fourth moment does not exist, (a + b)^2 + 2 a^2 must be below 1")
        first = a * (1.0 - a * b - b * b) / (1.0 - 2.0 * a * b - b * b)
        squares = self._batches() ** 2
        mean, second = squares.mean(), (squares**2).mean()
        checks = [self._check("kurtosis", 3.0 * (1.0 - (a + b) ** 2) / room, (squares**2).mean(axis=1) / mean**2)]
        for lag in self.lags:
            moved = (squares[:, lag:] * squares[:, :-lag]).mean(axis=1)
            found = (moved - mean**2) / (second - mean**2)
            checks.append(self._check(f"ACF of squares, lag {lag}", first * (a + b) ** (lag - 1), found))
        return checks

    @staticmethod
    def _check(name: str, expected: float, batches: Array) -> Check:
        error = float(batches.std(ddof=1)) / math.sqrt(len(batches))
        return Check(name, expected, float(batches.mean()), error, SIGMAS * error)

    def _batches(self) -> Array:
        """Return the log returns of one path (batches, n)."""
        world = World(("M",), np.array([100.0]), np.array([0.1]), self.steps, _DAY / 24.0)
        process = PriceProcess.parse({"kind": "garch", "reaction": self.reaction, "persistence": self.persistence})
        returns = np.diff(np.log(process.draw(world, Streams(self.seed))[:, 0]))
        return returns[: self.steps - self.steps % _BATCHES].reshape(_BATCHES, -1)
