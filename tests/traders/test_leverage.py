"""Traders who keep their leverage, hold what their capital margins, or sell as their portfolio loses value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.model import MarketModel
from tests.traders.small import crowd, wishes
from tests.venues import positions, storm

DEPOSIT = 10_000.0
MOVES = st.floats(-0.09, 0.09)


def owner(move: float, leverage: float = 8.0, **more: float) -> MarketModel:
    """An owner of assets `leverage` times the deposit in A, after the price has moved."""
    path = {"price": storm(100.0, 100.0 * (1.0 + move))}
    model = crowd("leverage_targeter", 1, path, deposit=DEPOSIT, leverage=leverage, **more)
    model.market.advance()
    return model


# Leverage targeting ---------------------------------------------------------------------------------------------


def test_an_owner_opens_at_the_target():
    assert positions(owner(0.0))[0, 0] == pytest.approx(800.0, abs=0.01)


@settings(max_examples=40)
@given(MOVES, st.floats(1.0, 10.0))
def test_it_trades_debt_over_equity_dollars_per_dollar_lost_or_gained(move: float, leverage: float):
    dollars = wishes(owner(move, leverage))[0, 0] * 100.0 * (1.0 + move)
    assert dollars == pytest.approx((leverage - 1.0) * DEPOSIT * leverage * move, abs=2.0)


def test_within_the_band_it_does_nothing_and_beyond_it_goes_all_the_way():
    # At -4 % notional is 76,800 and equity 6,800, leverage 11.29, and 41 % above the target.
    assert wishes(owner(-0.04, band=0.42))[0, 0] == 0.0
    assert wishes(owner(-0.04, band=0.40))[0, 0] * 96.0 == pytest.approx(-7.0 * 80_000 * 0.04, rel=1e-3)


@pytest.mark.parametrize(
    ("share", "move", "dollars"), [(0.0, 0.02, 0.0), (0.25, 0.02, 2800.0), (0.0, -0.02, -11_200.0)]
)
def test_a_one_sided_owner_sells_and_buys_back_less(share: float, move: float, dollars: float):
    assert wishes(owner(move, buy_share=share))[0, 0] * 100.0 * (1.0 + move) == pytest.approx(dollars, abs=2.0)


def test_who_has_lost_everything_sells_everything_and_no_more():
    model = owner(-0.2)
    assert wishes(model)[0, 0] == -positions(model)[0, 0]


@pytest.mark.parametrize(("weights", "shares"), [({}, (0.5, 0.5)), ({"A": 3.0, "B": 1.0}, (0.75, 0.25))])
def test_orders_are_split_by_weight_or_as_held(weights: dict[str, float], shares: tuple[float, float]):
    path = {"price": storm([100.0, 100.0], [98.0, 100.0])}
    model = crowd("leverage_targeter", 2, path, deposit=DEPOSIT, leverage=5.0, weights=weights)
    held = positions(model)[0] * 100.0
    np.testing.assert_allclose(held, np.array(shares) * 50_000.0, atol=2.0)
    model.market.advance()
    sold = wishes(model)[0] * np.array([98.0, 100.0])
    loss = 0.02 * shares[0] * 50_000.0
    assert sold.sum() == pytest.approx(-4.0 * loss, abs=2.0)
    split = np.array(shares) if weights else np.array([0.98, 1.0]) / 1.98
    np.testing.assert_allclose(sold / sold.sum(), split, rtol=1e-3)


def test_a_short_weight_is_held_short_and_bought_back_on_a_loss():
    path = {"price": storm([100.0, 100.0], [100.0, 104.0])}
    model = crowd("leverage_targeter", 2, path, deposit=DEPOSIT, leverage=5.0, weights={"A": 1.0, "B": -1.0})
    np.testing.assert_allclose(positions(model)[0], [250.0, -250.0], atol=0.01)
    model.market.advance()  # 1,000 lost on B, whose notional grows by as much
    wished = wishes(model)[0]
    assert wished[0] < 0.0 < wished[1]
    assert np.abs(wished) @ [100.0, 104.0] == pytest.approx(5.0 * 1000.0 + 1000.0, rel=1e-3)


# Margin constraint ----------------------------------------------------------------------------------------------


def constrained(move: float, **parameters: object) -> MarketModel:
    path = {"price": storm(100.0, 100.0 + move)}
    model = crowd("margin_constrained", 1, path, deposit=DEPOSIT, **parameters)
    model.market.advance()
    return model


@pytest.mark.parametrize(
    ("rate", "steep", "move"), [(0.2, 0.0, -3.0), (0.25, 0.5, -4.0), (0.2, 1.0, 5.0), (0.2, 0.0, 5.0)]
)
def test_after_its_order_capital_margins_exactly_what_it_holds(rate: float, steep: float, move: float):
    model = constrained(move, margin_rate=rate, sensitivity=steep)
    opened = positions(model)[0, 0]
    assert opened == pytest.approx(DEPOSIT / (rate * 100.0), abs=0.01)
    after = opened + wishes(model)[0, 0]
    assert after * (rate * 100.0 - steep * min(move, 0.0)) == pytest.approx(DEPOSIT + opened * move, rel=1e-4)


@pytest.mark.parametrize("start", [0.0, 0.25, 1.5])
def test_it_may_come_in_with_less_or_more_and_trades_to_its_limit(start: float):
    model = constrained(0.0, margin_rate=0.2, start=start, weights={"A": 1.0})
    assert positions(model)[0, 0] == pytest.approx(start * 500.0, abs=0.01)
    assert wishes(model)[0, 0] == pytest.approx((1.0 - start) * 500.0, abs=0.01)


def test_a_fall_may_count_from_below_the_opening_price():
    one, other = (constrained(-4.0, margin_rate=0.2, sensitivity=2.0, reference=at) for at in (0.98, 0.9))
    opened = positions(one)[0, 0]
    equity_left = DEPOSIT - 4.0 * opened
    assert opened + wishes(one)[0, 0] == pytest.approx(equity_left / (20.0 + 2.0 * 2.0), rel=1e-4)
    assert opened + wishes(other)[0, 0] == pytest.approx(equity_left / 20.0, rel=1e-4)


# Distressed selling ---------------------------------------------------------------------------------------------

ALPHA = {"A": 300.0, "B": 100.0}


def fund(*prices: float, begins: float = 0.95, ends: float = 0.75) -> MarketModel:
    """A fund of 300 A and 100 B, first at 100 dollars each; `prices` are those of A from then on."""
    path = {"price": storm([100.0, 100.0], *([price, 100.0] for price in prices))}
    return crowd("distressed_seller", 2, path, deposit=1e5, units=ALPHA, begins=begins, ends=ends)


@pytest.mark.parametrize(
    ("price", "kept"), [(100.0, 1.0), (94.0, 1.0), (80.0, 0.5), (70.0, 0.125), (60.0, 0.0), (40.0, 0.0)]
)
def test_what_it_keeps_falls_from_all_to_nothing_with_the_value_of_its_portfolio(price: float, kept: float):
    model = fund(price)
    model.market.advance()
    np.testing.assert_allclose(wishes(model)[0], (kept - 1.0) * np.array([300.0, 100.0]), atol=1e-9)


def test_it_opens_with_what_it_keeps_at_the_first_prices():
    np.testing.assert_allclose(positions(fund(100.0, begins=1.1, ends=0.85))[0], [180.0, 60.0], atol=0.01)


def test_it_buys_back_as_prices_recover_and_its_trades_add_up():
    model = fund(90.0, 76.0, 88.0, 100.0)
    model.run()
    np.testing.assert_allclose(positions(model)[0], [300.0, 100.0], atol=0.01)
    assert model.exchange.clearing.volume.min() > 0.0


def test_shorts_lose_when_prices_rise():
    path = {"price": storm([100.0, 100.0], [112.0, 100.0])}
    model = crowd("distressed_seller", 2, path, deposit=1e5, units={"A": -300.0, "B": 100.0})
    model.market.advance()  # 3,600 lost on a gross 40,000: 0.91 is left, 0.8 is kept
    np.testing.assert_allclose(wishes(model)[0], [60.0, -20.0], atol=1e-9)
