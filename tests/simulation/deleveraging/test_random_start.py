"""The walk without a ranking: whole holdings from a start nobody can choose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.deleveraging.base import Winners
from simulation.deleveraging.random_start import RandomStartDeleveraging


def rule(salt: int = 0) -> RandomStartDeleveraging:
    return RandomStartDeleveraging.model_validate({"salt": salt})


def winners(lots: list[int], profit: float = 1.0) -> Winners:
    held = np.array(lots, float)
    return Winners(held, held * profit, held * 10.0, held * 5.0 + 1.0, held * 10.0 / (held * 5.0 + 1.0))


@given(st.integers(0, 500), st.lists(st.integers(1, 100), min_size=1, max_size=9), st.integers(0, 50))
def test_holdings_are_taken_whole_in_a_ring_and_only_the_last_in_part(lots: int, held: list[int], salt: int) -> None:
    group = winners(held)
    given_, start = rule(salt).allocate(float(lots), group), rule(salt).start(float(lots), group)
    ring = np.roll(given_, -start)
    whole = np.roll(group.lots, -start)
    untouched = np.flatnonzero(ring < whole)
    assert given_.sum() == min(lots, sum(held))
    assert not untouched.size or not ring[untouched[0] + 1 :].any(), "nobody is asked before the one ahead is empty"


def test_profit_does_not_matter() -> None:
    poor, rich = winners([5, 7, 9], 0.1), winners([5, 7, 9], 100.0)
    assert rule().allocate(8.0, poor).tolist() == rule().allocate(8.0, rich).tolist()


def test_every_start_comes_up_about_equally_often() -> None:
    group = winners([3, 4, 5, 6])
    seen = np.bincount([rule(salt).start(2.0, group) for salt in range(2000)], minlength=4)
    expected = 500.0
    assert ((seen - expected) ** 2 / expected).sum() < 16.27, "chi-squared, 3 degrees of freedom, one in a thousand"


@pytest.mark.parametrize("lots", [1.0, 2.0, 7.0])
def test_the_same_moment_has_the_same_start(lots: float) -> None:
    assert rule().start(lots, winners([3, 4, 5])) == rule().start(lots, winners([3, 4, 5]))
