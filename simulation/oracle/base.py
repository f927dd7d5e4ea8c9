"""The oracle: the outside index price as the venue sees it, late or rounded."""

from simulation.arrays import Array
from simulation.rule import Rule


class OracleRule(Rule):
    """How the venue reads the index."""

    def read(self, index: Array, step: int, last: Array) -> Array:
        """Return the oracle price (m,) at `step`, from `index` (steps + 1, m) up to `step` and the `last` one."""
        raise NotImplementedError
