"""Checks of inequalities."""

import math

from experiments.target import Check


def at_least(name: str, bound: float, value: float, slack: float = 0.0) -> Check:
    """Return the check that `value` is not below `bound` by more than `slack`: no tolerance upwards is too large."""
    return Check(f"{name}, at least", bound, value, 0.0, math.inf if value >= bound else slack)


def at_most(name: str, bound: float, value: float, slack: float = 0.0) -> Check:
    """Return the check that `value` is not above `bound` by more than `slack`."""
    return Check(f"{name}, at most", bound, value, 0.0, math.inf if value <= bound else slack)
