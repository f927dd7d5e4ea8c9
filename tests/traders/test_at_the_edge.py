"""What traders do exactly at their thresholds, and where one of their numbers is extreme."""

import numpy as np
import pytest

from simulation.accounts import OUTSIDE
from simulation.arrays import Array
from simulation.model import MarketModel
from tests.traders.small import crowd, displace, wishes
from tests.venues import rows

LINEAR = {"impact": {"kind": "linear", "scale": 1.0}}


def holding(model: MarketModel, *units: float) -> Array:
    """What the only member of the first group wants once it holds so many units instead of its own."""
    row = rows(model)
    change = np.array([units]) - model.accounts.position[row]
    model.accounts.trade(row, change, model.market.mark_price)
    return wishes(model)[0]


def lose(model: MarketModel, dollars: float) -> None:
    model.accounts.transfer((rows(model), 0), (np.array([OUTSIDE]), 0), np.array([dollars]), "withdrawal")


# Fundamental traders -----------------------------------------------------------------------------------------------


def test_who_overrates_a_market_buys_it_at_the_price_of_its_oracle() -> None:
    """The value is the oracle shifted by the member's own error, so at no gap the error decides."""
    model = crowd("fundamental", 2, count=30, disagreement=0.5, threshold=10.0)
    members = model.groups[0].members(slice(None))
    error = 0.5 * members.constant_normal("error", 2)
    np.testing.assert_array_equal(np.sign(wishes(model) + members.position), np.sign(error))


def test_at_full_conviction_the_budget_is_spread_over_markets() -> None:
    """1,000 dollars at leverage two are 1,000 dollars of notional in each of two markets."""
    model = crowd("fundamental", 2, LINEAR, deposit=1_000.0, disagreement=0.0, leverage=2.0, threshold=0.01)
    displace(model, -0.05, 0.05)
    notional = (wishes(model) + model.accounts.position[rows(model)]) * model.market.mark_price
    np.testing.assert_allclose(notional, [[1_000.0, -1_000.0]], rtol=1e-9)


# Hedged pairs ------------------------------------------------------------------------------------------------------


def pair(*units: float) -> Array:
    return holding(crowd("hedged_pair", 2, deposit=1_000.0, band=0.1, leverage=1.0), *units)


def test_a_leg_whose_other_leg_is_gone_is_closed() -> None:
    assert pair(10.0, 0.0).tolist() == [-10.0, 0.0]
    assert pair(0.0, -10.0).tolist() == [0.0, 10.0]


@pytest.mark.parametrize(("more", "orders"), [(0.0, [0.0, 0.0]), (0.125, [-0.5625, -0.5625])])
def test_legs_that_differ_by_just_the_band_are_left_alone(more: float, orders: list[float]) -> None:
    """1,050 and 950 dollars differ by a tenth of their mean; a little more and both go back to the mean."""
    assert pair(10.5 + more, -9.5).tolist() == pytest.approx(orders)


# Holders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "order"), [(499.0, 0.0), (500.0, -10.0), (600.0, -10.0)])
def test_a_stop_is_reached_at_the_loss_it_names(lost: float, order: float) -> None:
    model = crowd("holder", deposit=1_000.0, stop_loss=0.5, leverage=1.0, long_share=1.0, top_up_health=0.0)
    lose(model, lost)
    assert holding(model, 10.0).tolist() == [order]


@pytest.mark.parametrize("lost", [1_000.0, 2_000.0])
def test_a_holder_without_a_stop_holds_whatever_it_has_lost(lost: float) -> None:
    model = crowd("holder", deposit=1_000.0, stop_loss=1.0, leverage=1.0, long_share=1.0, top_up_health=0.0)
    lose(model, lost)
    assert holding(model, 10.0).tolist() == [0.0]


# Arbitrageurs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("short", "orders"), [(-9.51, [0.0, 0.0]), (-9.49, [-0.51, 0.0])])
def test_legs_are_evened_where_they_differ_by_more_than_the_band_of_the_larger_one(
    short: float, orders: list[float]
) -> None:
    """4.9 % of 1,000 dollars are within the band of 5 %, 5.1 % are not."""
    model = crowd("arbitrageur", 2, deposit=1_000.0, leverage=4.0, leg_band=0.05, band=0.002, reach=0.01, pace=0.0)
    assert holding(model, 10.0, short).tolist() == pytest.approx(orders, abs=1e-9)


# Leverage targeters ------------------------------------------------------------------------------------------------


def test_a_sale_by_weights_stops_where_a_position_is_gone() -> None:
    """500 dollars at leverage two carry 1,000 of the 2,000 held: 500 go of each, but A is only worth 100."""
    model = crowd("leverage_targeter", 2, deposit=500.0, leverage=2.0, weights={"A": 1.0, "B": 1.0})
    assert holding(model, 1.0, 19.0).tolist() == pytest.approx([-1.0, -5.0])
