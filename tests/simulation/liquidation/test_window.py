"""Capacity windows: the venue's own sequence, and that no window ever closes more than its capacity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.liquidation.window import CapacityWindow, Closed, Request

FEES = {"maker_fee_rate": 0.007, "taker_fee_rate": 0.003, "skew_scale": 1_000.0}


def window(**fields: float) -> CapacityWindow:
    return CapacityWindow.model_validate({**FEES, "window_seconds": 10.0, **fields})


def closed(rule: CapacityWindow, *requests: tuple[float, float, float]) -> list[float]:
    """Units closed by requests of (seconds, units, skew), one after another."""
    record: Closed = ()
    units = []
    for now, size, skew in requests:
        done, record = rule.close(Request(size, now, skew), record)
        units.append(done)
    return units


def test_capacity_is_fees_times_scale_times_seconds() -> None:
    assert window().capacity == pytest.approx(100.0)
    assert window(multiplier=0.1, window_seconds=100.0).capacity == pytest.approx(100.0)


def test_a_used_up_window_opens_again_when_its_first_close_is_a_window_old() -> None:
    wishes = ((0.0, 150.0), (1.0, 50.0), (6.0, 50.0), (9.9, 50.0), (10.0, 50.0), (12.0, 150.0), (20.0, 100.0))
    assert closed(window(), *((t, size, 0.0) for t, size in wishes)) == [100.0, 0.0, 0.0, 0.0, 50.0, 50.0, 50.0]


def test_below_the_largest_premium_one_more_window_opens_once_a_moment() -> None:
    rule = window(multiplier=0.25, largest_premium=0.06)
    wishes = ((0.0, 90.0, 90.0), (1.0, 65.0, 65.0), (2.0, 65.0, 40.0), (3.0, 40.0, 40.0), (3.0, 15.0, 15.0))
    assert closed(rule, *wishes) == [25.0, 0.0, 25.0, 25.0, 0.0]


def test_the_premium_must_be_strictly_below() -> None:
    assert closed(window(largest_premium=0.06), (0.0, 100.0, 60.0), (1.0, 5.0, 60.0)) == [100.0, 0.0]


def test_an_endorsed_liquidator_and_a_market_without_capacity_have_no_limit() -> None:
    assert window().allowed(Request(1e6, 0.0, 0.0, endorsed=True), ()) == 1e6
    assert window(skew_scale=0.0).allowed(Request(1e6, 0.0, 5.0), ()) == 1e6


def test_what_rounding_leaves_of_a_capacity_is_not_capacity() -> None:
    wishes = [(float(second), 0.1, 0.0) for second in range(3)]
    rule = window(skew_scale=3.0, window_seconds=10.0, largest_premium=0.1)
    assert rule.capacity == pytest.approx(0.3)
    assert closed(rule, *wishes, (3.0, 5.0, 0.0)) == pytest.approx([0.1, 0.1, 0.1, 0.3])


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 200.0)), max_size=12))
def test_no_window_closes_more_than_its_capacity(steps: list[tuple[float, float]]) -> None:
    rule, record, now = window(), (), 0.0
    for wait, size in steps:
        now += wait
        done, record = rule.close(Request(size, now, 0.0), record)
        assert 0.0 <= done <= size
        assert sum(units for time, units in record if time > now - 10.0) <= rule.capacity + 1e-9


def test_of_a_fresh_window_no_more_is_closed_than_was_asked_for() -> None:
    rule = window(largest_premium=0.06)
    wishes = ((0.0, 100.0, 0.0), (1.0, 30.0, 10.0), (2.0, 130.0, -10.0), (3.0, 30.0, -70.0))
    assert closed(rule, *wishes) == [100.0, 30.0, 100.0, 0.0], "the last one is too far from balance, though short"
