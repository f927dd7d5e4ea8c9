"""Auto-deleveraging without a ranking: a walk that begins anywhere."""

import hashlib

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.deleveraging.base import DeleveragingRule, Winners


class RandomStartDeleveraging(DeleveragingRule):
    """The accounts on the other side are walked in the order of accounts, beginning at a pseudo-random one.

    Each gives all it holds before the next is touched; profit and leverage do not matter. The start is a digest of the
    winners' holdings and `salt`, so that equal runs have equal starts and nobody can know it before the moment.
    Source: dYdX v4, x/clob (offsetting of positions: pseudo-random start, no queue), 2023-2025.
    """

    kind = "random_start"
    salt: int = Field(0, ge=0, le=2**63 - 1, description="changes every start; no unit")

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return the lots (c,): whole holdings from the start on, in a ring, the last one in part."""
        held = np.roll(winners.lots, -self.start(lots, winners))
        ahead = np.cumsum(held) - held
        return np.roll(np.clip(lots - ahead, 0.0, held), self.start(lots, winners))

    def start(self, lots: float, winners: Winners) -> int:
        """Return the place of the first winner asked."""
        digest = hashlib.blake2b(self.salt.to_bytes(8, "little"), digest_size=8)
        for part in (np.array([lots]), winners.lots, winners.equity):
            digest.update(np.ascontiguousarray(part, float).data)
        return int.from_bytes(digest.digest(), "little") % len(winners.lots)
