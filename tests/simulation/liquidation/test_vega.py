"""Disposal by the network: sizes by hand, and what a taken-over position costs the pool."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.liquidation.base import Distressed
from simulation.liquidation.vega import NetworkDisposal, closed_out, confiscated, disposal_result, trading_fee


def rule(**fields: float) -> NetworkDisposal:
    plain = {"disposal_share": 0.1, "full_disposal": 10.0, "largest_share": 0.2}
    return NetworkDisposal.model_validate({**plain, **fields})


def size(position: float, available: float, **fields: float) -> float:
    return float(rule(**fields).size(np.array(position), np.array(available)))


@pytest.mark.parametrize(
    ("position", "available", "order"),
    [
        (50.0, 1000.0, 5.0),
        (51.0, 1000.0, 6.0),  # 5.1 rounded up
        (-50.0, 1000.0, 5.0),
        (10.0, 1000.0, 10.0),  # small: whole
        (10.0, 12.0, 3.0),  # no more than 2.4, rounded up
        (50.0, 0.0, 0.0),
        (50.0, 1.0, 1.0),
    ],
)
def test_sizes_by_hand(position: float, available: float, order: float) -> None:
    assert size(position, available) == order


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.01, 1.0))
def test_orders_are_whole_and_never_larger_than_what_is_held_or_offered(held: int, offered: int, share: float) -> None:
    order = size(float(held), float(offered), disposal_share=share)
    assert order == np.rint(order)
    assert order <= min(held, offered)
    assert order > 0 or not held or not offered


def test_the_network_is_rid_of_everything_in_the_end() -> None:
    left, orders = 1_000.0, 0
    while left:
        left -= size(left, 1e9)
        orders += 1
    assert 38 <= orders <= 45, "a tenth a time down to ten, ln(100) / -ln(.9) = 44, a little faster by rounding up"


def test_the_price_range_is_around_the_mid_and_not_below_zero() -> None:
    low, high = rule(slippage_rate=0.1).price_range(np.array([100.0]))
    assert (low[0], high[0]) == pytest.approx((90.0, 110.0))
    assert rule(slippage_rate=10.0).price_range(np.array([100.0]))[0][0] == 0.0


def test_small_and_insolvent_pools_are_closed_whole() -> None:
    pools = Distressed(np.array([1.0, 1.0, -1.0]), np.full(3, 5.0), np.array([100.0, 10.0, 100.0]), np.zeros(3))
    assert rule().fraction(pools).tolist() == [0.1, 1.0, 1.0]


def test_an_account_closed_out_loses_everything_it_has_left() -> None:
    funds, need = np.array([122.0, 6_600.0, -5.0]), np.full(3, 6_600.0)
    assert closed_out(funds, need).tolist() == [True, False, True]
    assert confiscated(funds, need).tolist() == [122.0, 0.0, 0.0]


def test_a_disposal_costs_the_pool_slippage_and_a_fee_rounded_up() -> None:
    short, mark, price = np.array([-1.0]), np.array([6_000.0]), np.array([6_001.0])
    assert trading_fee(short, price, 0.1, 1.0)[0] == 601.0
    assert disposal_result(short, mark, price, 0.1, 1.0)[0] == -602.0
    assert disposal_result(short, mark, np.array([5_990.0]), 0.0, 1.0)[0] == 10.0
