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
