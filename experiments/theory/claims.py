"""Target T22: what one default starts on a random graph of claims, and how far it goes."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic import Field

from experiments.target import Check, distinct_seed, exact_check, share_check
from experiments.theory.suite import Target, Tier
from experiments.theory.threshold_cascade import ThresholdLaw, ThresholdVenue, cascade
from simulation.errors import InputError

_CALM, _WILD = 0.8, 1.2  # between these reproduction numbers finite size decides
_GLOBAL = 0.1  # share of the accounts beyond which a cascade is called global
_SPARSE = 0.02  # what a finite graph may add to the chance that one default spreads


class ThresholdCascade(Target):
    """T22."""

    name: ClassVar[str] = "T22"
    title: ClassVar[str] = "Defaults on a graph of claims: a window of connectivity, and how far they go"
    source: ClassVar[str] = (
        "D. Watts, PNAS 99 (2002) 5766-5771; P. Gai & S. Kapadia, Proc. R. Soc. A 466 (2010) 2401-2423; J. Gleeson & "
        "D. Cahalane, Phys. Rev. E 75 (2007) 056103"
    )
    formula: ClassVar[str] = (
        "spreads iff z P(Pois(z) <= K - 2) > 1, K = floor(1 / phi), with chance 1 - exp(z (u - 1)), u = 1 - F(1) + "
        "F(u); size r0 + (1 - r0) sum_k p_k P(Bin(k, q) >= phi k)"
    )
    tier: ClassVar[Tier] = "slow"

    accounts: int = Field(10_000, ge=200, le=200_000, description="of each graph")
    threshold: float = Field(0.18, gt=0.0, le=1.0, description="phi, capital over claims")
    degrees: tuple[float, ...] = Field((0.7, 3.0, 5.0, 9.0), min_length=1, description="z, in turn, one first default")
    runs: int = Field(40, ge=10, description="graphs for each degree")
    sizes: tuple[tuple[float, float, float], ...] = Field(
        ((4.0, 0.25, 0.02), (6.0, 0.3, 0.1)), description="(z, phi, r0) of cascades from a share r0"
    )
    size_runs: int = Field(5, ge=2, description="graphs for each of them")
    seed: int = Field(1, ge=0, description="of the graphs")

    def run(self) -> list[Check]:
        """Return chances and sizes of global cascades, and how many nodes are not in a forest of defaults."""
        self._refuse()
        made, strange = [], 0
        for check, odd in [*self._spreading(), *self._ending()]:
            made.append(check)
            strange += odd
        if not made:
            raise InputError("T22: degrees: all are too near the edge of the window for a finite graph to decide")
        return [*made, exact_check("nodes that are no forest of the defaults", 0.0, strange)]

    def _refuse(self) -> None:
        most = min(100.0, self.accounts / 4.0)
        for z in (*self.degrees, *(z for z, _, _ in self.sizes)):
            if not 0.0 < z <= most:
                raise InputError(f"T22: degrees: z must be above 0 and at most {most:g} (got {z:g})")
        for _, phi, first in self.sizes:
            if not (0.0 < phi <= 1.0 and 1.0 / self.accounts <= first < 1.0):
                raise InputError(f"T22: sizes: phi and r0 must lie between 0 and 1 (got {phi:g}, {first:g})")

    def _spreading(self) -> Iterator[tuple[Check, int]]:
        for i, z in enumerate(self.degrees):
            law = ThresholdLaw(z, self.threshold)
            if _CALM <= law.reproduction <= _WILD:
                continue
            venue = ThresholdVenue(self.accounts, z, self.threshold)
            found = [cascade(venue, distinct_seed(self.seed, i * self.runs + run)) for run in range(self.runs)]
            wide, odd = sum(one.share > _GLOBAL for one in found), sum(one.strange for one in found)
            yield share_check(f"z = {z:g}: P(global)", law.global_chance, wide, self.runs, _SPARSE), odd

    def _ending(self) -> Iterator[tuple[Check, int]]:
        for i, (z, phi, first) in enumerate(self.sizes):
            venue = ThresholdVenue(self.accounts, z, phi, max(round(first * self.accounts), 1))
            start = len(self.degrees) * self.runs + i * self.size_runs
            found = [cascade(venue, distinct_seed(self.seed, start + run)) for run in range(self.size_runs)]
            share = np.array([one.share for one in found])
            error = float(share.std(ddof=1)) / self.size_runs**0.5
            # A graph of n accounts differs from the law by 1 / sqrt(n) in its degrees.
            slack = 4.0 * error + 1.0 / self.accounts**0.5
            expected = ThresholdLaw(z, phi).size(venue.failed / self.accounts)
            name = f"z = {z:g}, phi = {phi:g}, r0 = {first:g}: size"
            yield Check(name, expected, float(share.mean()), error, slack), sum(one.strange for one in found)
