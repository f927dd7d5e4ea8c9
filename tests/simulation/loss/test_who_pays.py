"""Who pays a loss: every rule against shares in fractions, worked by hand, and within what payers have."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.loss.base import LossRule, Payers
from simulation.loss.both_sides import BothSidesLoss
from simulation.loss.depositors import DepositorsLoss
from simulation.loss.equity import EquityLoss
from simulation.loss.gains import GainsLoss, within
from simulation.loss.none import NoLoss
from simulation.rule import load_rules

load_rules("simulation.loss")
KINDS = sorted(LossRule.kinds())
SPOT = np.array([False, False, True])


def payers(
    equity: list[float],
    lots: Sequence[Sequence[float]] | None = None,
    cash: list[float] | None = None,
    gain: list[float] | None = None,
    value: tuple[float, ...] = (7.0, 3.0, 2.0),
) -> Payers:
    """Pools in two perpetual markets and one token (the last column)."""
    n = len(equity)
    return Payers(
        np.array(equity, float),
        np.zeros(n) if gain is None else np.array(gain, float),
        np.zeros(n) if cash is None else np.array(cash, float),
        np.zeros((n, 3)) if lots is None else np.array(lots, float),
        np.array(value),
        SPOT,
    )


def in_fractions(total: int, weight: list[int]) -> list[int]:
    """Largest remainder, ties by position, in exact fractions."""
    fair = [Fraction(total * w, sum(weight)) for w in weight]
    shares = [int(x) for x in fair]
    order = sorted(range(len(weight)), key=lambda i: shares[i] - fair[i])
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return shares


def test_the_units_of_a_pool_are_its_equity_rounded_down_and_never_below_nothing() -> None:
    assert payers([10.9, 0.0, -3.5, 7.0, 0.999]).units.tolist() == [10.0, 0.0, 0.0, 7.0, 0.0]


@pytest.mark.parametrize(
    ("loss", "charged"),
    [
        ([50.0, 0.0, 0.0], [5.0, 15.0, 30.0]),
        ([10.0, 20.0, 20.0], [5.0, 15.0, 30.0]),
        ([100.0, 0.0, 0.0], [10.0, 30.0, 60.0]),
        ([101.0, 0.0, 0.0], [10.0, 30.0, 60.0]),
        ([1e9, 1e9, 0.0], [10.0, 30.0, 60.0]),
        ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    ],
)
def test_a_loss_by_equity_takes_the_same_part_of_everybody_and_all_of_it_at_most(
    loss: list[float], charged: list[float]
) -> None:
    assert EquityLoss().charge(np.array(loss), payers([10.0, 30.0, 60.0])).tolist() == charged


def test_who_is_below_zero_pays_nothing_of_a_loss_by_equity_and_lowers_nobodys_share() -> None:
    assert EquityLoss().charge(np.array([20.0]), payers([-60.0, 10.7, 30.2])).tolist() == [0.0, 5.0, 15.0]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any), st.lists(st.integers(0, 10**5), min_size=3))
def test_a_loss_by_equity_is_split_as_in_fractions(equity: list[int], loss: list[int]) -> None:
    charge = EquityLoss().charge(np.array(loss[:3], float), payers([float(e) for e in equity]))
    assert charge.tolist() == in_fractions(min(sum(loss[:3]), sum(equity)), equity)


def test_longs_and_shorts_pay_a_market_alike_by_the_lots_they_hold() -> None:
    """12 on 3 + 1 + 2 lots is 2 a lot; the worth of a lot is nothing to it, and holders elsewhere pay nothing."""
    pools = payers([100.0] * 4, [[3, 0, 0], [-1, 0, 9], [2, -8, 0], [0, 5, 0]])
    assert BothSidesLoss().charge(np.array([12.0, 0.0, 0.0]), pools).tolist() == [6.0, 2.0, 4.0, 0.0]


def test_losses_of_two_markets_add_up_for_who_is_in_both() -> None:
    pools = payers([100.0] * 3, [[3, 0, 0], [-1, 2, 0], [0, -2, 0]])
    assert BothSidesLoss().charge(np.array([8.0, 10.0, 0.0]), pools).tolist() == [6.0, 2.0 + 5.0, 5.0]


def test_what_a_poor_holder_cannot_pay_is_asked_of_the_others() -> None:
    pools = payers([1.0, 100.0, 100.0], [[2, 0, 0], [-1, 0, 0], [1, 0, 0]])
    assert BothSidesLoss().charge(np.array([12.0, 0.0, 0.0]), pools).tolist() == [1.0, 6.0, 5.0]


def test_the_second_market_can_take_only_what_the_first_has_left() -> None:
    """The first pool pays 10 of 10 for market 1, so the second must bear market 2 alone."""
    pools = payers([10.0, 50.0], [[1, 1, 0], [0, -1, 0]])
    assert BothSidesLoss().charge(np.array([10.0, 20.0, 0.0]), pools).tolist() == [10.0, 20.0]


def test_a_loss_in_an_empty_market_or_on_a_token_stays_unpaid_by_both_sides() -> None:
    pools = payers([50.0, 50.0], [[1, 0, 4], [-1, 0, -4]])
    assert BothSidesLoss().charge(np.array([0.0, 9.0, 9.0]), pools).tolist() == [0.0, 0.0]
    assert BothSidesLoss().charge(np.array([4.0, 9.0, 9.0]), pools).tolist() == [2.0, 2.0]


def test_a_deposit_is_cash_above_zero_and_tokens_held_and_no_position() -> None:
    """Deposits 30, 2 * 5 = 10, 20 + 2 * 10 = 40 and nothing: a loss of 16 is a fifth."""
    lots = [[50, 0, 0], [-50, 0, 5], [0, 9, 10], [7, 7, -20]]
    pools = payers([100.0] * 4, lots, cash=[30.0, -500.0, 20.0, -1.0])
    assert DepositorsLoss().charge(np.array([16.0, 0.0, 0.0]), pools).tolist() == [6.0, 2.0, 8.0, 0.0]


def test_a_token_that_is_owed_takes_nothing_off_the_cash_that_is_lent() -> None:
    pools = payers([100.0, 100.0], [[0, 0, -10], [0, 0, 0]], cash=[30.0, 30.0])
    assert DepositorsLoss().charge(np.array([20.0, 0.0, 0.0]), pools).tolist() == [10.0, 10.0]


def test_losses_of_all_columns_are_one_loss_to_depositors() -> None:
    pools = payers([100.0, 100.0], cash=[10.0, 30.0])
    assert DepositorsLoss().charge(np.array([4.0, 4.0, 4.0]), pools).tolist() == [3.0, 9.0]


def test_tokens_are_deposits_at_their_worth_to_the_unit() -> None:
    """2,000 units of cash and 1,000 lots of 2 are alike: a loss of 1,000 is halved exactly."""
    pools = payers([9e3, 9e3], [[0, 0, 0], [0, 0, 1_000]], cash=[2_000.0, 0.0])
    assert DepositorsLoss().charge(np.array([1_000.0, 0.0, 0.0]), pools).tolist() == [500.0, 500.0]


def test_a_part_of_a_unit_is_no_deposit() -> None:
    pools = payers([100.0, 100.0], cash=[0.9, 1.9])
    assert DepositorsLoss().charge(np.array([4.0, 0.0, 0.0]), pools).tolist() == [0.0, 4.0]


def test_a_depositor_whose_positions_have_lost_pays_no_more_than_its_equity() -> None:
    pools = payers([3.0, 100.0], cash=[50.0, 50.0])
    assert DepositorsLoss().charge(np.array([40.0, 0.0, 0.0]), pools).tolist() == [3.0, 37.0]


def test_a_remainder_beyond_the_last_gain_goes_to_the_winners_before_it() -> None:
    """2 of 3 collected for gains of 1, 1, 1: floors are 0, and the last can take 1 of the 2 that are left over."""
    pools = payers([9.0, 9.0, 9.0], gain=[1.0, 1.0, 1.0])
    assert GainsLoss().charge(np.array([1.0, 0.0, 0.0]), pools).tolist() == [1.0, 0.0, 0.0]
    assert within([3, 0, 5], [4, 2, 1]) == [5, 2, 1], "the first keeps what nobody else has a gain for"
    assert within([], []) == []


def test_nobody_is_charged_where_losses_stay_open() -> None:
    assert NoLoss().charge(np.array([9.0, 9.0, 9.0]), payers([50.0, 50.0])).tolist() == [0.0, 0.0]


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Array, Payers]:
    n = draw(st.integers(1, 6))
    row = st.lists(st.integers(-40, 40), min_size=3, max_size=3)
    lots = draw(st.lists(row, min_size=n, max_size=n))
    columns = [draw(st.lists(st.integers(-200, 500), min_size=n, max_size=n)) for _ in range(3)]
    loss = draw(st.lists(st.integers(0, 400), min_size=3, max_size=3))
    equity, cash, gain = ([x / 2.0 for x in column] for column in columns)
    return np.array(loss, float), payers(equity, [[float(x) for x in r] for r in lots], cash, gain)


@pytest.mark.parametrize("kind", KINDS)
@given(crowds())
def test_charges_are_whole_within_everybodys_equity_and_within_the_loss(kind: str, crowd: tuple[Array, Payers]) -> None:
    loss, pools = crowd
    charge = LossRule.parse({"kind": kind}).charge(loss, pools)
    assert (charge >= 0.0).all()
    assert (charge <= np.floor(np.maximum(pools.equity, 0.0))).all()
    assert (charge == np.floor(charge)).all()
    assert charge.sum() <= loss.sum()


@given(crowds())
def test_a_loss_stays_unpaid_only_where_those_who_may_be_charged_have_nothing_left(crowd: tuple[Array, Payers]) -> None:
    loss, pools = crowd
    units = np.floor(np.maximum(pools.equity, 0.0))
    assert EquityLoss().charge(loss, pools).sum() == min(loss.sum(), units.sum())
    tokens = np.array([2.0 * max(row[2], 0.0) for row in pools.lots])
    lenders = np.floor(np.maximum(pools.cash, 0.0) + tokens) > 0.0
    assert DepositorsLoss().charge(loss, pools).sum() == min(loss.sum(), units[lenders].sum())
    paid = BothSidesLoss().charge(loss, pools)
    open_ = (pools.lots[:, :2] != 0.0) & (paid < units)[:, None]
    asked = loss[:2] * (pools.lots[:, :2] != 0.0).any(axis=0)
    if open_.any(axis=0)[asked > 0.0].all():
        assert paid.sum() == asked.sum(), "every market that lost has a holder with money left, so all is paid"
