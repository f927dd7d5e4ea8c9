"""No claims."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from simulation.claims.base import ClaimsRule
from simulation.claims.clearing import Debts
from simulation.random import Streams


class NoClaims(ClaimsRule):
    """Accounts owe each other nothing: what ties them together is prices and the venue."""

    kind = "none"
    exists: ClassVar[bool] = False

    def debts(self, counts: Mapping[str, int], streams: Streams) -> Debts:
        """Return no debts."""
        nobody = np.empty(0, np.intp)
        return Debts(sum(counts.values()), nobody, nobody, np.empty(0))

    def problems(self, counts: Mapping[str, int], steps: int) -> Iterator[str]:
        """Yield nothing: a day on which nothing is due may be any."""
        yield from ()
