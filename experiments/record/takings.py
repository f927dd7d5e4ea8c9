"""What winners gave up in auto-deleveraging, fill by fill."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.waterfall import Deleveraging
from simulation.arrays import Array, Index


@dataclass(frozen=True)
class Takings:
    """One entry a fill and winner (f,), in order of time.

    pool: number of the deleveraged pool; row: of the winner; position: a number for each step and position of a winner;
    given_up: dollars against the mark; profit: unrealised, of the winner's position before the fill, dollars.
    """

    pool: Index
    row: Index
    position: Index
    given_up: Array
    profit: Array

    def __len__(self) -> int:
        """Return f."""
        return len(self.row)


def takings_of(cases: Sequence[Deleveraging]) -> Takings:
    """Return the fills of all deleveraged pools as columns."""
    fills = [(number, case.step, fill) for number, case in enumerate(cases) for fill in case.fills]
    size, none = [len(fill.rows) for _, _, fill in fills], np.empty(0)
    step = np.repeat(np.array([step for _, step, _ in fills], np.intp), size)
    market = np.repeat(np.array([fill.market for _, _, fill in fills], np.intp), size)
    row = np.concatenate([none, *(fill.rows for _, _, fill in fills)]).astype(np.intp)
    return Takings(
        pool=np.repeat(np.array([number for number, _, _ in fills], np.intp), size),
        row=row,
        position=np.unique(np.stack([step, row, market]), axis=1, return_inverse=True)[1].ravel(),
        given_up=np.concatenate([none, *(np.abs((fill.price - fill.mark) * fill.quantity) for _, _, fill in fills)]),
        profit=np.concatenate([none, *(fill.profit for _, _, fill in fills)]),
    )
