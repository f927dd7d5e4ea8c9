"""Cross margin: shared collateral, no offsets."""

from simulation.margin.base import MarginRule


class CrossMargin(MarginRule):
    """All positions share one pool of collateral; requirements are summed: requirement = sum_j requirement_j.

    "Standard cross" in the taxonomy of the option venues: it shares collateral but recognises no hedge.
    """

    kind = "cross"
