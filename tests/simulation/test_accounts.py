"""The columns of accounts: every movement has two sides, exactly, or is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.accounts import OUTSIDE, QUANTUM, SYSTEM_ROWS, Accounts, Side, floor_quanta, to_quanta
from simulation.errors import CapacityError, ConservationError

LOT = 0.25
dollars = st.floats(-1e6, 1e6)
trades = st.lists(st.tuples(st.integers(0, 2), st.integers(-400, 400), st.floats(0.01, 1e4)), max_size=12)


def opened(pools: int = 1, journal: bool = True) -> Accounts:
    accounts = Accounts(np.array([LOT, 1.0]), pools, journal)
    accounts.add(3)
    return accounts


def buy(accounts: Accounts, row: int, units: float, price: float) -> None:
    rows = np.array([SYSTEM_ROWS + row])
    accounts.trade(rows, np.array([[units, 0.0]]), np.full(2, price))


@given(trades, st.lists(dollars, max_size=5))
def test_whatever_is_booked_money_and_positions_add_up_and_the_journal_knows(
    fills: list[tuple[int, int, float]], deposits: list[float]
) -> None:
    accounts = opened()
    for amount in deposits:
        accounts.deposit(np.array([SYSTEM_ROWS]), np.array([amount]))
    for row, lots, price in fills:
        buy(accounts, row, lots * LOT, price)
    accounts.check()
    cash, position = accounts.fold()
    assert np.array_equal(cash, accounts.cash)
    assert np.array_equal(position, accounts.position)
    assert np.array_equal(accounts.open_interest, np.maximum(accounts.position, 0.0).sum(axis=0))


@given(st.floats(-1e9, 1e9))
def test_rounding_is_to_whole_quanta_and_no_further_than_half_a_quantum(amount: float) -> None:
    near, below = float(to_quanta(np.array(amount))), float(floor_quanta(np.array(amount)))
    assert (near / QUANTUM).is_integer()
    assert abs(near - amount) <= QUANTUM / 2
    assert below <= amount < below + QUANTUM


def test_half_a_quantum_is_rounded_to_even() -> None:
    assert (to_quanta(np.array([0.5, 1.5, 2.5, -0.5]) * QUANTUM) / QUANTUM).tolist() == [0.0, 2.0, 2.0, 0.0]


def test_the_entry_price_averages_what_is_added_and_starts_anew_after_a_flip() -> None:
    accounts = opened()
    seen = []
    for units, price in ((10.0, 100.0), (10.0, 110.0), (-5.0, 300.0), (-25.0, 90.0), (10.0, 80.0)):
        buy(accounts, 0, units, price)
        seen.append(float(accounts.entry_price[SYSTEM_ROWS, 0]))
    assert seen == [100.0, 105.0, 105.0, 90.0, 0.0]


def test_trading_moves_cash_and_position_but_no_equity_at_that_price() -> None:
    accounts = opened()
    accounts.deposit(np.array([SYSTEM_ROWS]), np.array([1000.0]))
    buy(accounts, 0, 8.0, 99.5)
    assert accounts.cash[SYSTEM_ROWS, 0] + accounts.position[SYSTEM_ROWS, 0] * 99.5 == 1000.0
    assert accounts.position[OUTSIDE, 0] == -8.0


def test_a_position_is_paid_out_of_the_pool_it_stands_in() -> None:
    accounts = opened(pools=3)
    accounts.pool[SYSTEM_ROWS] = [2, 0]
    buy(accounts, 0, 4.0, 10.0)
    assert accounts.cash[SYSTEM_ROWS].tolist() == [0.0, 0.0, -40.0]


def test_rows_may_repeat_in_a_transfer() -> None:
    accounts = opened()
    row = np.array([SYSTEM_ROWS, SYSTEM_ROWS])
    accounts.deposit(row, np.array([1.0, 2.0]))
    assert accounts.cash[SYSTEM_ROWS, 0] == 3.0
    accounts.check()


def test_two_accounts_can_trade_with_each_other() -> None:
    accounts = opened()
    against = Side(SYSTEM_ROWS + 1)
    accounts.trade(np.array([SYSTEM_ROWS]), np.array([[2.0, 0.0]]), np.full(2, 7.0), against, "adl")
    assert accounts.position[:, 0].tolist() == [0.0] * SYSTEM_ROWS + [2.0, -2.0, 0.0]
    assert accounts.cash[SYSTEM_ROWS + 1, 0] == 14.0


def test_who_takes_over_from_two_has_their_average_price_as_its_entry() -> None:
    """3 at 10 and 1 at 14 in one market, 2 at 5 in the other; what is sold keeps the entry of the rest."""
    accounts = opened()
    sellers, against = np.array([SYSTEM_ROWS, SYSTEM_ROWS + 1]), Side(SYSTEM_ROWS + 2)
    price = np.array([[10.0, 5.0], [14.0, 99.0]])
    accounts.trade(sellers, np.array([[-3.0, -2.0], [-1.0, 0.0]]), price, against, "takeover")
    assert accounts.position[SYSTEM_ROWS + 2].tolist() == [4.0, 2.0]
    assert accounts.entry_price[SYSTEM_ROWS + 2].tolist() == [11.0, 5.0]
    assert accounts.entry_price[sellers].tolist() == [[10.0, 5.0], [14.0, 0.0]]
    assert accounts.cash[SYSTEM_ROWS + 2, 0] == -(30.0 + 14.0 + 10.0)
    accounts.trade(sellers[:1], np.array([[1.0, 0.0]]), np.full(2, 50.0), against, "takeover")
    assert accounts.entry_price[SYSTEM_ROWS + 2].tolist() == [11.0, 5.0]
    assert accounts.open_interest.tolist() == [3.0, 2.0]
    accounts.check()


@pytest.mark.parametrize("pools", [1, 3])
def test_what_positions_owe_is_charged_where_they_stand_and_credited_to_one_side(pools: int) -> None:
    accounts = opened(pools)
    rows = np.array([SYSTEM_ROWS, SYSTEM_ROWS + 2])
    if pools > 1:
        accounts.pool[rows] = [[1, 2], [2, 0]]
    accounts.settle(rows, np.array([[3.0, 4.0], [-1.0, 0.5]]), Side(OUTSIDE), "funding")
    expected = [[-7.0], [0.5]] if pools == 1 else [[0.0, -3.0, -4.0], [-0.5, 0.0, 1.0]]
    assert accounts.cash[rows].tolist() == expected
    assert accounts.cash[OUTSIDE, 0] == 6.5
    assert not accounts.position.any()
    accounts.check()
    assert np.array_equal(accounts.fold()[0], accounts.cash)


@pytest.mark.parametrize("column", ["cash", "position"])
@pytest.mark.parametrize("slip", [QUANTUM, float("nan")])
def test_the_smallest_loss_is_noticed(column: str, slip: float) -> None:
    accounts = opened()
    getattr(accounts, column)[SYSTEM_ROWS, 0] += slip
    with pytest.raises((ConservationError, CapacityError)):
        accounts.check()


@pytest.mark.parametrize("amount", [2.0**38, float("inf"), float("nan")])
def test_what_cannot_be_counted_exactly_is_refused_before_it_is_booked(amount: float) -> None:
    accounts = opened()
    with pytest.raises(CapacityError, match="exact up to"):
        accounts.deposit(np.array([SYSTEM_ROWS]), np.array([amount]))
    assert not accounts.cash.any()


def test_many_amounts_that_are_large_only_together_are_refused() -> None:
    accounts = opened()
    accounts.deposit(np.array([SYSTEM_ROWS]), np.array([2.0**36]))
    with pytest.raises(CapacityError, match="change hands"):
        accounts.deposit(np.full(5, SYSTEM_ROWS), np.full(5, 2.0**36))


def test_positions_too_large_to_be_counted_in_lots_are_refused() -> None:
    accounts = opened()
    with pytest.raises(CapacityError, match="larger lot"):
        buy(accounts, 0, 2.0**54, 1e-9)


def test_without_a_journal_there_is_nothing_to_fold() -> None:
    with pytest.raises(ValueError, match="journal=True"):
        opened(journal=False).fold()


def test_the_journal_keeps_a_position_that_cost_less_than_half_a_quantum() -> None:
    accounts = opened()
    buy(accounts, 0, LOT, QUANTUM)
    cash, position = accounts.fold()
    assert accounts.cash[SYSTEM_ROWS, 0] == cash[SYSTEM_ROWS, 0] == 0.0
    assert accounts.position[SYSTEM_ROWS, 0] == position[SYSTEM_ROWS, 0] == LOT


def test_new_accounts_are_empty_and_leave_the_others_alone() -> None:
    accounts = opened()
    accounts.deposit(np.array([SYSTEM_ROWS]), np.array([5.0]))
    rows = accounts.add(2)
    assert rows.tolist() == [SYSTEM_ROWS + 3, SYSTEM_ROWS + 4]
    assert not accounts.cash[rows].any()
    assert accounts.cash[SYSTEM_ROWS, 0] == 5.0
