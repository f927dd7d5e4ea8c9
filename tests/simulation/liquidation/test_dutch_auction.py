"""Dutch auctions of account shares: prices that fall, shares that restore the buffer, cash that stays reserved."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Book
from simulation.liquidation.dutch_auction import AuctionTerms, paid_for, sold, withdrawals_blocked

TERMS = AuctionTerms.model_validate({"fee_rate": 0.02})
values, balances = st.floats(1.0, 1e6), st.floats(-1e6, -1.0)


def test_the_price_falls_fast_then_slowly_then_not_at_all() -> None:
    seconds = np.array([0.0, 300.0, 600.0, 4200.0, 7800.0, 1e6])
    np.testing.assert_allclose(TERMS.discount(seconds), [1.0, 0.9, 0.8, 0.4, 0.0, 0.0])


def test_an_auction_by_hand() -> None:
    # V = 300, MM = -100: B = -100 - .1 x 400 = -140, f = 140 / 440.
    assert TERMS.buffer_margin(300.0, -100.0) == pytest.approx(-140.0)
    assert TERMS.largest_share(300.0, -100.0, 1.0) == pytest.approx(140.0 / 440.0)
    assert TERMS.start_fee(300.0, -100.0) == pytest.approx(0.02 * 300.0 * 140.0 / 440.0)
    assert TERMS.price(300.0, 0.9, reserved=100.0) == pytest.approx(180.0)
    assert paid_for(0.5, 180.0) == 90.0


def test_healthy_accounts_are_not_for_sale_and_insolvent_ones_are_wholly() -> None:
    assert TERMS.largest_share(300.0, 100.0, 0.9) == 0.0
    assert TERMS.largest_share(-1.0, -100.0, 0.9) == 1.0


@given(values, balances, st.floats(0.05, 1.0), st.floats(0.0, 1.0))
def test_a_sale_of_the_largest_share_lifts_the_buffer_margin_to_zero(
    value: float, maintenance: float, discount: float, part: float
) -> None:
    """Everything but reserved cash shrinks by the share, and the cash of the bidder stays."""
    reserved = part * value * 0.5
    share = float(TERMS.largest_share(value, maintenance, discount, reserved))
    paid = float(paid_for(share, TERMS.price(value, discount, reserved)))
    left = (value - reserved) * (1.0 - share) + reserved + paid
    need = (maintenance - value) * (1.0 - share)
    after = TERMS.buffer_margin(left, left + need)
    if share < 1.0:
        assert after == pytest.approx(0.0, abs=1e-6 * (abs(maintenance) + value))
    assert 0.0 <= share <= 1.0
    assert paid <= value - reserved + 1e-9


def test_insolvent_auctions_pay_the_bidder_more_the_longer_they_last() -> None:
    assert TERMS.insolvent_payment(100.0, -300.0, 0.0) == 0.0
    assert paid_for(0.5, TERMS.insolvent_payment(-100.0, -300.0, 12.0)) == pytest.approx(52.0)
    assert TERMS.insolvent_payment(-100.0, -300.0, 1e9) == pytest.approx(300.0)


def test_what_is_sold_leaves_the_reserved_cash_alone() -> None:
    book = Book(np.array([150.0]), np.array([[-2.0, 4.0]]), np.array([[-20.0, 8.0]]))
    after = sold(book, 0.25, 30.0, reserved=50.0)
    assert after.cash.tolist() == [100.0 * 0.75 + 50.0 + 30.0]
    assert after.position.tolist() == [[-1.5, 3.0]] and after.cost.tolist() == [[-15.0, 6.0]]


def test_withdrawals_wait_while_the_fund_is_less_than_what_insolvent_accounts_lack() -> None:
    assert [bool(withdrawals_blocked(600.0, fund)) for fund in (None, 599.0, 600.0, 0.0)] == [False, True, False, True]
