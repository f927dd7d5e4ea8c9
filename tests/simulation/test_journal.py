"""What was booked as one table reads as lines that balance, whoever reads it and however often."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulation.accounts import OUTSIDE, SYSTEM_ROWS, Accounts
from simulation.journal import Side, Trades, Transfer

LOT = 2.0**-10

tables = st.integers(1, 5).flatmap(
    lambda r: st.lists(st.lists(st.integers(-50, 50), min_size=2, max_size=2), min_size=r, max_size=r)
)


def booked(bought: list[list[int]], against: Side) -> tuple[Accounts, Trades]:
    accounts = Accounts(np.array([LOT, 1.0]), 1, journal=True)
    accounts.add(len(bought) + 1)
    rows = np.arange(len(bought)) + SYSTEM_ROWS
    accounts.trade(rows, np.array(bought, float), np.array([3.25, 101.5]), against)
    [posting] = [posting for posting in accounts.journal or [] if posting.reason == "trade"]
    assert isinstance(posting, Trades)
    return accounts, posting


@given(tables)
def test_a_trade_read_line_by_line_is_what_was_traded(bought: list[list[int]]) -> None:
    _, posting = booked(bought, Side(OUTSIDE))
    dollars: dict[int, float] = {}
    for row, pool, cash in zip(posting.row, posting.pool, posting.cash, strict=True):
        assert pool == 0
        dollars[row] = dollars.get(row, 0.0) + cash
    units: dict[tuple[int, int], float] = {}
    for holder, market, quantity in zip(posting.holder, posting.market, posting.quantity, strict=True):
        units[holder, market] = units.get((holder, market), 0.0) + quantity
    for i, (first, second) in enumerate(bought):
        if first or second:
            row = SYSTEM_ROWS + i
            assert dollars.pop(row) == -(first * 3.25 + second * 101.5)
            assert (units.pop((row, 0)), units.pop((row, 1))) == (first, second)
    assert dollars.pop(OUTSIDE) == sum(first * 3.25 + second * 101.5 for first, second in bought)
    for market in (0, 1):
        assert units.pop((OUTSIDE, market)) == -sum(row[market] for row in bought)
    assert not dollars and not units


@given(tables)
def test_the_journal_keeps_what_was_traded_when_the_columns_go_on(bought: list[list[int]]) -> None:
    accounts, posting = booked(bought, Side(OUTSIDE))
    before = posting.quantity.copy(), posting.cash.copy()
    again = Trades(posting.reason, posting.rows, posting.pools, posting.bought, posting.paid, posting.against)
    accounts.trade(np.arange(len(bought)) + SYSTEM_ROWS, np.full((len(bought), 2), 7.0), np.array([1.0, 2.0]))
    for read in (posting, again):
        np.testing.assert_array_equal(read.quantity, before[0])
        np.testing.assert_array_equal(read.cash, before[1])


def test_a_trade_against_an_account_is_its_loss_of_units_and_gain_of_cash() -> None:
    _, posting = booked([[2, 0], [0, -3]], Side(SYSTEM_ROWS + 2))
    assert (posting.holder - SYSTEM_ROWS).tolist() == [0, 0, 1, 1, 2, 2]
    assert posting.market.tolist() == [0, 1] * 3
    assert posting.quantity.tolist() == [2.0, 0.0, 0.0, -3.0, -2.0, 3.0]
    assert posting.row[-1] == SYSTEM_ROWS + 2
    assert posting.cash[-1] == 2 * 3.25 - 3 * 101.5


def test_a_transfer_moves_no_units() -> None:
    accounts = Accounts(np.array([LOT]), 1, journal=True)
    accounts.add(2)
    accounts.transfer((np.array([SYSTEM_ROWS]), 0), (np.array([SYSTEM_ROWS + 1]), 0), np.array([12.5]), "penalty")
    assert accounts.journal is not None
    posting = accounts.journal[-1]
    assert isinstance(posting, Transfer)
    assert (posting.row - SYSTEM_ROWS).tolist() == [0, 1]
    assert posting.cash.tolist() == [-12.5, 12.5]
    assert len(posting.holder) == len(posting.market) == len(posting.quantity) == 0
