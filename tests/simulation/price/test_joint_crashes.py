"""Tail dependence of t copulas where Student's distribution function is elementary."""

import math

import pytest

from simulation.price.copula import copula_index_for, joint_crash_chance


def two(x: float) -> float:
    """P(T <= x) with 2 degrees of freedom."""
    return 0.5 + x / (2.0 * math.sqrt(2.0 + x * x))


def four(x: float) -> float:
    """P(T <= x) with 4 degrees of freedom."""
    y = x * x / (4.0 + x * x)
    return 0.5 + 0.75 * math.copysign(math.sqrt(y), x) * (1.0 - y / 3.0)


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.3, 0.8, 0.99])
def test_the_chance_of_a_joint_crash_is_the_closed_form(correlation: float) -> None:
    odds = (1.0 - correlation) / (1.0 + correlation)
    assert joint_crash_chance(1.0, correlation) == pytest.approx(2.0 * two(-math.sqrt(2.0 * odds)), rel=1e-9)
    assert joint_crash_chance(3.0, correlation) == pytest.approx(2.0 * four(-math.sqrt(4.0 * odds)), rel=1e-9)


def test_markets_that_are_one_crash_as_one() -> None:
    assert joint_crash_chance(3.0, 1.0) == 1.0


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_index_for_a_chance_gives_that_chance_back(correlation: float) -> None:
    for index in (2.5, 4.0, 9.0):
        chance = joint_crash_chance(index, correlation)
        assert copula_index_for(chance, correlation) == pytest.approx(index, rel=1e-6)
