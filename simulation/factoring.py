"""Square roots of correlation matrices, the same to the last bit on every machine."""

import math
from collections.abc import Sequence

import numpy as np

from simulation.arrays import Array

NO_PIVOT = 1e-9  # entries with 9 decimals may miss semi-definiteness by this


def lower_factor(matrix: Sequence[Sequence[float]]) -> Array:
    """Return the lower triangular L (m, m) with L L' = `matrix` by Cholesky's rows; semi-definite matrices are fine.

    In plain Python: LAPACK's last bits differ between machines. A market that the earlier ones determine has pivot 0
    and gets no noise of its own. Row i depends on the first i + 1 markets only, so a market appended to the list leaves
    the rows of the earlier ones as they were.
    """
    size = len(matrix)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - math.fsum(lower[i][k] * lower[j][k] for k in range(j))
            if i == j:
                lower[i][i] = math.sqrt(rest) if rest > NO_PIVOT else 0.0
            elif lower[j][j] > 0.0:
                lower[i][j] = rest / lower[j][j]
    return np.array(lower)


def mix(noise: Array, factor: Array) -> Array:
    """Return `noise` (steps, m) @ L', added column by column: a matrix product may round by block size."""
    mixed = np.zeros_like(noise)
    for j in range(noise.shape[1]):
        mixed += noise[:, j : j + 1] * factor[:, j]
    return mixed
