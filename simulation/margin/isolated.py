"""Isolated margin."""

from typing import ClassVar

from simulation.margin.base import MarginRule


class IsolatedMargin(MarginRule):
    """Every position stands in a pool of its own and can lose no more than that pool holds.

    Requirement of a pool = the requirement of its one position by leverage tier.
    """

    kind = "isolated"
    segregated: ClassVar[bool] = True
