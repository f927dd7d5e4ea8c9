"""What an order becomes: whole lots, one fill price, a fee in whole quanta, and a note of when it was traded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.accounts import INSURANCE, QUANTUM, SHARED, TREASURY
from simulation.model import MarketModel
from tests.venues import book, equity, positions, rows, storm, venue

LINEAR = {"kind": "linear", "scale": 1.0}
DEPTH = 1e7
FEE = {"taker_rate": 0.01, "insurance_share": 0.5}
FUTURE = {
    "name": "F",
    "depth": DEPTH,
    "tiers": [{"floor": 0.0, "maintenance_rate": 0.05, "initial_rate": 0.1}],
    "instrument": {"kind": "future", "underlying": "A", "expiry_days": 5 / 24, "settlement_minutes": 0.0},
}
A = {"name": "A", "price": 100.0, "depth": DEPTH, "tiers": FUTURE["tiers"]}


def trade(model: MarketModel, *units: float) -> bool:
    return model.exchange.clearing.match(rows(model), np.array([units]))


@given(lots=st.floats(-500.0, 500.0))
@settings(max_examples=30)
def test_a_part_of_a_lot_is_never_traded_whichever_side_it_is_on(lots: float) -> None:
    model = venue([book("one", {}, 1e6)])
    lot = model.accounts.lot[0]
    trade(model, lots * lot)
    assert positions(model)[0, 0] / lot == (np.floor(lots) if lots > 0.0 else np.ceil(lots))


def test_what_has_ended_trades_no_more_from_the_step_of_its_end_on() -> None:
    """Expiry after 5 of 24 hours, in steps of an hour: steps 0 to 4 trade, step 5 does not."""
    model = venue([book("one", {}, 1000.0)], markets=[A, FUTURE])
    for step in range(7):
        assert model.market.step == step
        assert trade(model, 0.0, 1.0) == (step < 5)
        assert positions(model)[0, 1] == (step + 1.0 if step < 5 else 5.0)
        assert trade(model, 1.0, 0.0), "the underlying has no end"
        model.market.advance()


def test_whoever_is_refused_has_not_traded() -> None:
    model = venue([book("one", {}, 1000.0)])
    assert not trade(model, 101.0)
    assert not trade(model, 0.0)
    assert trade(model, 100.0)


def test_a_fee_is_charged_on_what_the_fill_cost_and_not_on_the_mark() -> None:
    """10 units against linear impact fill half way to 100 exp(1,000 / depth)."""
    model = venue([book("one", {}, 1e5)], impact=LINEAR, fees=FEE, markets=[{**A, "depth": 1e4}])
    trade(model, 10.0)
    fill = 100.0 * np.exp(1000.0 / 1e4 / 2.0)
    assert model.exchange.clearing.volume.tolist() == pytest.approx([10.0 * fill], rel=1e-12)
    assert model.exchange.clearing.fees_paid == pytest.approx(0.1 * fill, abs=QUANTUM)
    trade(model, -10.0)
    back = 100.0 * np.exp(1000.0 / 1e4 / 2.0)  # the same way back
    assert model.exchange.clearing.fees_paid == pytest.approx(0.1 * (fill + back), abs=2.0 * QUANTUM)


def test_the_volume_of_a_market_is_what_was_paid_there_whichever_way() -> None:
    model = venue([book("one", {}, 1e5)], 2, impact=LINEAR)
    trade(model, 10.0, -20.0)
    up, down = 100.0 * np.exp(1000.0 / DEPTH / 2.0), 100.0 * np.exp(-2000.0 / DEPTH / 2.0)
    assert model.exchange.clearing.volume.tolist() == pytest.approx([10.0 * up, 20.0 * down], rel=1e-12)


def test_both_sides_of_a_market_count_in_its_volume_and_both_legs_of_a_pair_in_the_fee() -> None:
    """Ten bought and ten sold in A are 2,000 dollars traded there; a pair pays for both of its legs."""
    model = venue([book("one", {}, 1e5), book("two", {}, 1e5)], 2, fees=FEE)
    both = np.concatenate([rows(model, 0), rows(model, 1)])
    model.exchange.clearing.match(both, np.array([[10.0, -10.0], [-10.0, 0.0]]))
    assert model.exchange.clearing.volume.tolist() == [2000.0, 1000.0]
    assert model.exchange.clearing.fees_paid == 30.0
    assert equity(model).tolist() == [1e5 - 20.0]
    assert equity(model, 1).tolist() == [1e5 - 10.0]


@pytest.mark.parametrize(("quanta", "charged"), [(0.4, 0.0), (0.7, 1.0), (1.4, 1.0), (1.6, 2.0)])
def test_a_fee_is_rounded_to_the_nearest_quantum(quanta: float, charged: float) -> None:
    model = venue([book("one", {}, 1000.0)], fees={"taker_rate": quanta * QUANTUM / 100.0, "insurance_share": 0.0})
    trade(model, 1.0)
    assert model.exchange.clearing.fees_paid == charged * QUANTUM == model.accounts.cash[TREASURY, SHARED]


@pytest.mark.parametrize("cents", range(1, 9))
def test_a_fee_beyond_what_is_left_takes_whole_quanta_of_it_and_no_more(cents: int) -> None:
    """One of 100 units is sold with less equity left than the fee of 3/4; the others stay in the market."""
    model = venue([book("one", {"A": 100.0}, 1000.0)], price=storm(100.0, 90.0 + cents / 1777.0), fees=FEE)
    model.market.advance()
    left = equity(model)[0]
    assert 0.0 < left < 0.75
    trade(model, -1.0)
    assert positions(model)[0, 0] == 99.0
    assert 0.0 <= equity(model)[0] < 2.0 * QUANTUM  # the cost of the fill is rounded too


def test_the_fund_gets_its_share_of_what_was_paid_and_the_treasury_the_rest() -> None:
    """5 dollars are left and the fee on 9,005 dollars would be 90.05."""
    model = venue([book("one", {"A": 100.0}, 1000.0)], price=storm(100.0, 90.05), fees=FEE)
    model.market.advance()
    trade(model, -100.0)
    paid = model.exchange.clearing.fees_paid
    assert paid == pytest.approx(5.0, abs=QUANTUM)
    assert model.accounts.cash[INSURANCE, SHARED] == pytest.approx(paid / 2.0, abs=QUANTUM)
    assert model.accounts.cash[TREASURY, SHARED] + model.accounts.cash[INSURANCE, SHARED] == paid


def test_fees_of_several_orders_add_up() -> None:
    model = venue([book("one", {}, 1000.0)], fees=FEE)
    for paid in (1, 2, 3):
        trade(model, 1.0)
        assert model.exchange.clearing.fees_paid == float(paid)


def test_a_trade_dates_the_position_in_its_own_market_and_leaves_the_date_of_others() -> None:
    model = venue([book("one", {"A": 1.0, "B": 1.0}, 1000.0)], 2, price=storm(*[[100.0, 100.0]] * 4))
    first = model.accounts.reference[rows(model)[0]].copy()
    assert first[0] == first[1]
    for units in ((1.0, 0.0), (0.0, -0.5)):
        model.market.advance()
        before = model.accounts.reference[rows(model)[0]].copy()
        trade(model, *units)
        now, traded = model.accounts.reference[rows(model)[0]], np.array(units) != 0.0
        assert now[traded].tolist() == [model.market.moments.last]
        assert now[~traded].tolist() == before[~traded].tolist()
        assert now[traded] > before[traded]
