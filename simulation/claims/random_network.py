"""Claims on a random graph."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from pydantic import Field

from simulation.arrays import Index
from simulation.claims.base import ClaimsRule, numbered, table
from simulation.claims.clearing import Debts
from simulation.errors import nearest, shown
from simulation.random import Streams

_QUANTUM = 2.0**-16  # dollars, that of the accounts: lending and paying back then round nothing
_EXTRA = 1.2  # pairs drawn for each that is wanted: some are drawn twice, or are of one account with itself


class RandomNetworkClaims(ClaimsRule):
    """Every account lends `dollars` in equal parts to its neighbours on an Erdos-Renyi graph of mean degree z.

    Of n accounts, z n / 2 pairs (z n where `directed`) are drawn without repetition, so degrees are Poisson(z) for
    large n; where z is n - 1 or more, everybody is everybody's neighbour. Undirected, both of a pair lend to each
    other; directed, the second lends to the first. Who has no neighbour lends nothing. Sources: D. Watts, PNAS 99
    (2002) 5766-5771; P. Gai & S. Kapadia, Proc. R. Soc. A 466 (2010) 2401-2423.
    """

    kind = "random_network"
    groups: tuple[str, ...] = Field((), max_length=200, description="who takes part; empty = all groups")
    mean_degree: float = Field(3.0, ge=0.0, le=1_000.0, description="z, debtors of a creditor on average")
    dollars: float = Field(1_000.0, ge=0.0, le=1e12, description="lent by each in all")
    directed: bool = Field(False, description="true: claims go one way")

    def debts(self, counts: Mapping[str, int], streams: Streams) -> Debts:
        """Return the debts of one graph, drawn from the stream "claims/pairs"."""
        place = numbered(counts)
        parties = np.concatenate([np.empty(0, np.intp), *(place[name] for name in counts if self._joins(name))])
        first, second = self._pairs(len(parties), streams)
        debtor = first if self.directed else np.concatenate([first, second])
        creditor = second if self.directed else np.concatenate([second, first])
        debtors = np.bincount(creditor, minlength=len(parties))
        each = np.floor(self.dollars / np.maximum(debtors, 1) / _QUANTUM) * _QUANTUM
        return table(sum(counts.values()), parties[debtor], parties[creditor], each[creditor])

    def problems(self, counts: Mapping[str, int], steps: int) -> Iterator[str]:
        """Yield groups that do not exist."""
        yield from super().problems(counts, steps)
        for i, name in enumerate(self.groups):
            if name not in counts:
                yield f"groups[{i}]: {shown(name)} is not defined; known: {', '.join(counts)}{nearest(name, counts)}"

    def _joins(self, group: str) -> bool:
        return not self.groups or group in self.groups

    def _pairs(self, n: int, streams: Streams) -> tuple[Index, Index]:
        """Return z n / 2 (directed: z n) distinct pairs of different accounts, in the order in which they are drawn."""
        most = n * (n - 1) // (1 if self.directed else 2)
        wanted = min(math.floor(self.mean_degree * n / (1.0 if self.directed else 2.0)), most)
        keys = self._dense(n, wanted, streams) if 2 * wanted > most else self._sparse(n, wanted, streams)
        return keys // max(n, 1), keys % max(n, 1)

    def _dense(self, n: int, wanted: int, streams: Streams) -> Index:
        """Return `wanted` of all pairs: those with the smallest of as many uniform numbers."""
        first, second = np.nonzero(~np.eye(n, dtype=bool))
        keys = (first * n + second)[self.directed | (first < second)]
        return keys[streams.uniform("claims/pairs", 0, len(keys)).argsort(kind="stable")[:wanted]]

    def _sparse(self, n: int, wanted: int, streams: Streams) -> Index:
        """Return the first `wanted` different pairs that are drawn."""
        found: Index = np.empty(0, np.intp)
        drawn = 0
        while len(found) < wanted:
            count = int(_EXTRA * (wanted - len(found))) + 8
            ends = np.floor(streams.uniform("claims/pairs", drawn, 2 * count) * n).astype(np.intp).reshape(2, count)
            ends = ends[:, ends[0] != ends[1]]
            low, high = (ends[0], ends[1]) if self.directed else (ends.min(axis=0), ends.max(axis=0))
            keys = np.concatenate([found, low * n + high])
            found = keys[np.sort(np.unique(keys, return_index=True)[1])]
            drawn += 1
        return found[:wanted]
