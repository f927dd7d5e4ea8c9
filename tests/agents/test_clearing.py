"""Orders, fees, isolated margin and withdrawals: who may do what, and which pool pays."""

import numpy as np
import pytest

from simulation.accounts import QUANTUM, SHARED, TREASURY
from simulation.model import MarketModel
from tests.venues import book, positions, rows, storm, venue


def order(model: MarketModel, *units: float, group: int = 0) -> None:
    model.exchange.clearing.match(rows(model, group), np.array([units]))


def test_an_order_within_initial_margin_is_filled_and_one_beyond_is_not() -> None:
    model = venue([book("one", {}, 1000.0)])
    order(model, 100.0)  # 10,000 dollars at 10 % initial margin: just
    assert positions(model).tolist() == [[100.0]]
    model = venue([book("one", {}, 1000.0)])
    order(model, 101.0)
    assert positions(model).tolist() == [[0.0]]


def test_reducing_orders_always_pass() -> None:
    model = venue([book("one", {"A": 100.0}, 1000.0)], price=storm(100.0, 93.0))
    model.market.advance()  # now below initial margin
    order(model, 1.0)
    assert positions(model).tolist() == [[100.0]]
    order(model, -30.0)
    assert positions(model).tolist() == [[70.0]]


def test_of_an_order_that_flips_without_margin_only_the_closing_part_is_filled() -> None:
    model = venue([book("one", {"A": 100.0}, 1000.0)])
    order(model, -300.0)
    assert positions(model).tolist() == [[0.0]]


def test_what_nets_crosses_without_the_outside_market() -> None:
    model = venue([book("one", {}, 1000.0), book("two", {}, 1000.0)])
    both = np.concatenate([rows(model, 0), rows(model, 1)])
    model.exchange.clearing.match(both, np.array([[10.0], [-10.0]]))
    assert positions(model).tolist() == [[10.0]]
    assert not model.accounts.position[0].any()


@pytest.mark.parametrize("wish", [float("nan"), float("inf"), 1e-9])
def test_what_is_no_order_is_no_trade(wish: float) -> None:
    model = venue([book("one", {}, 1000.0)])
    order(model, wish)
    assert positions(model).tolist() == [[0.0]]


def test_a_fee_is_the_rate_times_the_notional_and_never_makes_debt() -> None:
    fees = {"taker_rate": 0.01, "insurance_share": 0.5}
    model = venue([book("one", {}, 1000.0)], fees=fees)
    order(model, 10.0)
    assert model.exchange.clearing.fees_paid == 10.0
    assert model.accounts.cash[TREASURY, SHARED] == model.exchange.waterfall.fund == 5.0
    poor = venue([book("one", {"A": 100.0}, 1000.0)], price=storm(100.0, 90.05), fees=fees)
    poor.market.advance()  # 5 dollars are left, the fee would be 90
    order(poor, -100.0)
    assert 0.0 <= poor.accounts.cash[rows(poor), SHARED][0] < QUANTUM


def test_opening_an_isolated_position_posts_its_margin_and_closing_gives_all_back() -> None:
    model = venue([book("one", {}, 1000.0, isolated=["A"])])
    order(model, 10.0)
    row = rows(model)[0]
    assert model.engine.health(rows(model)).equity[0].tolist() == [900.0, 100.0]
    order(model, -5.0)
    assert model.engine.health(rows(model)).equity[0].tolist() == [950.0, 50.0]
    order(model, -5.0)
    assert model.accounts.cash[row].tolist() == [1000.0, 0.0]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_mixed_account_posts_isolated_margin_whichever_way_its_shared_positions_are(side: float) -> None:
    """Shared cash is negative for a long and rich for a short: neither says what the wallet can spare."""
    model = venue([book("one", {"B": side * 50.0}, 1000.0, isolated=["A"])], 2)
    order(model, 10.0, 0.0)
    health = model.engine.health(rows(model))
    assert health.equity[0, :2].tolist() == [900.0, 100.0]
    model.run()
    assert len(model.exchange.desk.log.events) == 0


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_free_collateral_can_be_withdrawn_but_no_unrealised_profit(side: float) -> None:
    path = storm(100.0, 100.0 + 5.0 * side)  # 250 dollars of profit either way
    model = venue([book("one", {"A": side * 50.0}, 1000.0)], price=path)
    model.market.advance()
    model.groups[0].request_withdrawal(rows(model), np.array([1e6]))
    model.exchange.move_margin()
    health = model.engine.health(rows(model))
    paid = 1250.0 - health.equity[0, 0]
    need = health.initial[0, 0]
    assert paid == pytest.approx(min(1000.0, 1250.0 - need), abs=QUANTUM)
    assert health.equity[0, 0] >= need


def test_a_withdrawal_leaves_initial_margin_to_the_last_quantum() -> None:
    model = venue([book("one", {"A": 33.0}, 1000.0)], price=storm(100.0, 99.123456789))
    model.market.advance()
    model.groups[0].request_withdrawal(rows(model), np.array([1e6]))
    model.exchange.move_margin()
    health = model.engine.health(rows(model))
    assert 0.0 <= health.equity[0, 0] - health.initial[0, 0] < QUANTUM


@pytest.mark.parametrize("isolated", [[], ["A"]])
@pytest.mark.parametrize(("deposit", "filled"), [(101.0, 10.0), (101.0 - QUANTUM, 0.0)])
def test_an_order_must_leave_its_initial_margin_after_the_fee(
    deposit: float, filled: float, isolated: list[str]
) -> None:
    """10 units at 100 need 100 dollars, and a fee of a thousandth is one more."""
    model = venue([book("one", {}, deposit, isolated=isolated)], fees={"taker_rate": 0.001})
    order(model, 10.0)
    assert model.accounts.position[rows(model)].tolist() == [[filled]]
    if filled:
        assert model.exchange.clearing.fees_paid == 1.0


def test_what_reduces_one_position_and_grows_another_is_only_reduced_where_margin_is_missing() -> None:
    """Ten units of each need 200 dollars of 200; ten of A less and twenty of B more would need 300."""
    model = venue([book("one", {"A": 10.0, "B": 10.0}, 200.0)], 2)
    order(model, -10.0, 20.0)
    assert positions(model).tolist() == [[0.0, 10.0]]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_of_either_side_only_the_part_towards_zero_is_filled_where_margin_is_missing(side: float) -> None:
    model = venue([book("one", {"A": 10.0 * side, "B": 10.0 * side}, 200.0)], 2)
    order(model, -4.0 * side, 1.0 * side)
    assert positions(model).tolist() == [[6.0 * side, 11.0 * side]], "both together need less than before"
    order(model, -30.0 * side, 1.0 * side)
    assert positions(model).tolist() == [[0.0, 11.0 * side]]


@pytest.mark.parametrize(("deposit", "filled"), [(202.0, 10.0), (202.0 - QUANTUM, 0.0)])
def test_the_fee_that_must_be_left_is_that_of_both_legs_of_a_pair(deposit: float, filled: float) -> None:
    """Initial margin of 100 a leg; a thousandth of 2,000 dollars traded, though nothing on balance."""
    model = venue([book("one", {}, deposit)], 2, fees={"taker_rate": 0.001})
    order(model, 10.0, -10.0)
    assert positions(model).tolist() == [[filled, -filled]]
    assert model.exchange.clearing.fees_paid == (2.0 if filled else 0.0)


@pytest.mark.parametrize(("deposit", "filled"), [(100.0, 10.0), (100.0 - QUANTUM, 0.0)])
def test_a_shared_position_of_a_mixed_account_needs_its_margin_once(deposit: float, filled: float) -> None:
    model = venue([book("one", {}, deposit, isolated=["A"])], 2)
    order(model, 0.0, 10.0)
    assert positions(model).tolist() == [[0.0, filled]]


@pytest.mark.parametrize(("more", "filled"), [(9.0, 9.0), (10.0, 10.0), (10.5, 0.0)])
def test_an_isolated_position_that_grows_needs_only_the_margin_of_its_growth(more: float, filled: float) -> None:
    """100 of 200 dollars are posted for ten units; the other 100 carry ten more."""
    model = venue([book("one", {"A": 10.0}, 200.0, isolated=["A"], posted_share=0.0)])
    order(model, more)
    assert positions(model).tolist() == [[10.0 + filled]]


def test_margin_that_an_order_would_free_is_not_there_yet_when_the_order_is_checked() -> None:
    """All 200 dollars are posted: selling A frees 100, but B needs them before."""
    model = venue([book("one", {"A": 20.0}, 200.0, isolated=["A"])], 2)
    order(model, -10.0, 10.0)
    assert positions(model).tolist() == [[10.0, 0.0]]
    order(model, 0.0, 10.0)
    assert positions(model).tolist() == [[10.0, 10.0]]


@pytest.mark.parametrize("isolated", [[], ["A"]])
@pytest.mark.parametrize(("factor", "most"), [(0.5, 200.0), (0.8, 125.0), (1.25, 80.0)])
def test_an_order_is_checked_at_the_mark_and_not_at_the_oracle(factor: float, most: float, isolated: list[str]) -> None:
    """The book is dislocated, the oracle says 100: 1,000 dollars carry 10,000 dollars of notional at the mark."""
    shift = [{"market": "A", "start_step": 1, "end_step": 3, "factor": factor}]
    model = venue([book("one", {}, 1000.0, isolated=isolated)], dislocations=shift)
    model.market.advance()
    assert (model.market.mark_price[0], model.market.oracle_price[0]) == (pytest.approx(100.0 * factor), 100.0)
    order(model, most + 1.0)
    assert positions(model).tolist() == [[0.0]]
    order(model, most - 0.01)
    assert positions(model)[0, 0] == pytest.approx(most, abs=0.02)


def test_an_opening_is_booked_at_the_mark_in_whole_lots_without_margin_fee_or_impact() -> None:
    model = venue([book("one", {}, 10.0)], fees={"taker_rate": 0.01}, impact={"kind": "linear"})
    model.market.mark_price, lot = np.array([80.0]), float(model.accounts.lot[0])
    model.exchange.clearing.open(rows(model), np.array([[50.0 + 0.9 * lot]]))
    assert positions(model).tolist() == [[50.0]]
    assert model.accounts.cash[rows(model), SHARED].tolist() == [10.0 - 50.0 * 80.0]
    assert model.exchange.clearing.fees_paid == 0.0
    assert model.market.mid.tolist() == [100.0]


def test_who_trades_is_looked_at_again() -> None:
    model = venue([book("one", {"A": 1.0}, 1000.0), book("two", {"A": 1.0}, 1000.0)])
    model.run()
    watch = model.exchange.watch
    assert not set(model.traders) & set(watch.suspects())
    order(model, 5.0)
    assert set(model.traders) & set(watch.suspects()) == set(rows(model))


@pytest.mark.parametrize("mark", [90.0, 85.0, 50.0])
def test_who_has_nothing_left_pays_no_fee_and_gets_none_either(mark: float) -> None:
    """100 units from 100 with 1,000 dollars: worth nothing at 90, less below."""
    model = venue([book("one", {"A": 100.0}, 1000.0)], price=storm(100.0, mark), fees={"taker_rate": 0.01})
    model.market.advance()
    order(model, -10.0)
    assert positions(model).tolist() == [[90.0]]
    assert model.exchange.clearing.fees_paid == model.accounts.cash[TREASURY, SHARED] == 0.0
