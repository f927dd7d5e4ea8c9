"""The oracle: late, or silent until the move is large enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from tests.simulation.markets import market

paths = st.lists(st.floats(50.0, 150.0), min_size=2, max_size=30)


def posted(path: list[float], **fields: float) -> Array:
    """The oracle price at every step of a run on `path`."""
    place = market(path, oracle={"kind": "lagged", **fields})
    seen = [float(place.oracle_price[0])]
    for _ in path[1:]:
        place.advance()
        seen.append(float(place.oracle_price[0]))
    return np.array(seen)


@given(paths)
def test_without_delay_and_threshold_the_oracle_is_the_index(path: list[float]) -> None:
    np.testing.assert_array_equal(posted(path), path)


@given(paths, st.integers(0, 40))
def test_a_delay_shows_the_index_of_that_many_steps_ago(path: list[float], delay: int) -> None:
    late = [path[max(0, step - delay)] for step in range(len(path))]
    np.testing.assert_array_equal(posted(path, delay_steps=delay), late)


@given(paths, st.floats(0.001, 0.5), st.integers(0, 5))
def test_what_is_posted_is_never_further_from_what_is_seen_than_the_threshold(
    path: list[float], threshold: float, delay: int
) -> None:
    found = posted(path, deviation_rate=threshold, delay_steps=delay)
    seen = np.array([path[max(0, step - delay)] for step in range(len(path))])
    assert (np.abs(seen / found - 1.0) <= threshold).all()
    assert np.isin(found, path).all()


def test_small_moves_are_not_posted_and_add_up_until_they_are() -> None:
    path = [100.0, 100.4, 100.8, 101.2, 101.0]
    np.testing.assert_array_equal(posted(path, deviation_rate=0.01), [100.0, 100.0, 100.0, 101.2, 101.2])


def test_a_move_of_exactly_the_threshold_is_not_posted() -> None:
    np.testing.assert_array_equal(posted([100.0, 125.0, 126.0], deviation_rate=0.25), [100.0, 100.0, 126.0])
    np.testing.assert_array_equal(posted([100.0, 75.0, 74.0], deviation_rate=0.25), [100.0, 100.0, 74.0])


def test_the_threshold_is_measured_from_what_was_posted_last() -> None:
    """From 110 up to 121 is a tenth, though a fifth of the start."""
    found = posted([100.0, 111.0, 121.0, 123.0], deviation_rate=0.1)
    np.testing.assert_array_equal(found, [100.0, 111.0, 111.0, 123.0])


def test_a_stale_oracle_leaves_the_mid_alone() -> None:
    place = market([100.0, 80.0], oracle={"kind": "lagged", "delay_steps": 1}, mark={"kind": "oracle"})
    place.advance()
    assert place.mid == place.index_price == 80.0
    assert place.mark_price == place.oracle_price == 100.0
    assert place.moments.parts[1, 3, 0] == pytest.approx(np.log(100.0 / 80.0))
