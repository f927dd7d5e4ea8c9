"""What traders see: prices, returns, recent averages, their own rows; and numbers keyed by member."""

import numpy as np
import pytest

from agents.group import TraderGroup
from agents.view import Members
from simulation.model import MarketModel
from tests.venues import book, storm, venue

PATH = (100.0, 110.0, 99.0, 121.0)
LONG = book("long", {"A": 10.0}, 500.0)


def walked(steps: int) -> MarketModel:
    model = venue([LONG], price=storm(*PATH))
    for _ in range(steps):
        model.step()
    return model


def crowd(count: int = 6, **more: float) -> TraderGroup:
    return venue([{"kind": "holder", "name": "crowd", "count": count, "leverage": 2.0, **more}], 2).groups[0]


def everyone(group: TraderGroup) -> Members:
    return group.members(slice(None))


def test_the_view_is_the_public_side_of_the_market() -> None:
    model = walked(2)
    view = model.view
    assert view.step == 2
    assert view.names == ("A",)
    assert view.mark_price.tolist() == [99.0]
    assert view.oracle_price.tolist() == [99.0]
    assert view.depth.tolist() == [1e7]
    assert view.step_years == 3600.0 / (365 * 86_400)
    assert view.taker_rate == 0.0


def test_a_view_offers_no_way_to_accounts_or_exchange() -> None:
    public = {name for name in dir(walked(0).view) if not name.startswith("_")}
    assert public == {
        *("step", "names", "mark_price", "oracle_price", "depth", "volatility"),
        *("log_return", "past_returns", "average_price", "step_years", "taker_rate", "board"),
        *("opening_mark", "last_mark", "decided"),
    }


def test_the_last_mark_is_that_of_the_last_step_or_of_the_last_decision_within_this_one() -> None:
    model = venue([LONG], price=storm(*PATH), impact={"kind": "linear"})
    view = model.view
    assert (view.opening_mark.tolist(), view.last_mark.tolist()) == ([100.0], [100.0])
    model.step()
    model.market.advance()
    assert (view.mark_price.tolist(), view.last_mark.tolist(), view.opening_mark.tolist()) == ([99.0], [110.0], [100.0])
    view.decided()
    model.market.absorb(np.array([1e4]), forced=False)
    assert view.last_mark.tolist() == [99.0] != view.mark_price.tolist()
    model.market.record()
    end = view.mark_price.tolist()
    model.market.advance()
    assert view.last_mark.tolist() == end


def test_volatility_is_the_root_of_the_variance_a_year() -> None:
    model = venue([LONG])
    assert model.view.volatility.tolist() == pytest.approx([0.8])
    model.market.variance = model.market.variance * 4.0
    assert model.view.volatility.tolist() == pytest.approx([1.6])


@pytest.mark.parametrize(
    ("steps", "lookback", "start"), [(3, 1, 99.0), (3, 2, 110.0), (3, 3, 100.0), (3, 50, 100.0), (1, 1, 100.0)]
)
def test_a_return_counts_back_as_many_steps_as_there_are(steps: int, lookback: int, start: float) -> None:
    view = walked(steps).view
    assert view.log_return(np.array([lookback])).tolist() == [[pytest.approx(np.log(PATH[steps] / start))]]


def test_each_member_may_look_back_its_own_way() -> None:
    returns = walked(3).view.log_return(np.array([0, 1, 3]))
    assert returns[:, 0].tolist() == pytest.approx([0.0, np.log(121 / 99), np.log(1.21)])


@pytest.mark.parametrize(
    ("steps", "lookback", "ratios"),
    [(3, 2, [99 / 110, 121 / 99]), (3, 3, [1.1, 0.9, 121 / 99]), (3, 50, [1.1, 0.9, 121 / 99]), (1, 1, [1.1])],
)
def test_past_returns_end_with_the_present_one_and_are_as_many_as_there_are(
    steps: int, lookback: int, ratios: list[float]
) -> None:
    found = walked(steps).view.past_returns(lookback)
    assert found.shape == (len(ratios), 1)
    assert found[:, 0].tolist() == pytest.approx(np.log(ratios).tolist())


def test_at_the_start_there_are_no_past_returns() -> None:
    assert walked(0).view.past_returns(5).shape == (0, 1)


@pytest.mark.parametrize(
    ("steps", "lookback", "mean"),
    [(3, 3, (100 + 110 + 99) / 3), (3, 2, (110 + 99) / 2), (3, 1, 99.0), (3, 99, 103.0), (0, 5, 100.0)],
)
def test_an_average_price_is_over_recorded_steps_only(steps: int, lookback: int, mean: float) -> None:
    assert walked(steps).view.average_price(lookback).tolist() == [pytest.approx(mean)]


def test_a_member_sees_its_own_book_worked_out_by_hand() -> None:
    """10 units bought at 100 with 500 dollars, mark 110: equity 600, requirement 55 and 110."""
    model = walked(1)
    members = everyone(model.groups[0])
    assert len(members) == 1
    assert members.position.tolist() == [[10.0]]
    assert members.entry_price.tolist() == [[100.0]]
    assert members.equity.tolist() == [600.0]
    assert members.pool_equity.tolist() == members.health.equity.tolist() == [[600.0]]
    assert members.pool_maintenance[0].tolist() == members.health.maintenance[0].tolist() == pytest.approx([55.0])
    assert members.pool_initial[0].tolist() == members.health.initial[0].tolist() == pytest.approx([110.0])
    assert members.free_collateral.tolist() == pytest.approx([490.0])
    assert members.reserve.tolist() == [0.0]
    assert members.deposited.tolist() == [500.0]


def test_collateral_is_never_less_than_free() -> None:
    model = venue([book("deep", {"A": 100.0}, 600.0)])
    assert everyone(model.groups[0]).free_collateral.tolist() == [0.0]


def test_a_parameter_or_setting_is_an_attribute_and_anything_else_is_not() -> None:
    members = everyone(crowd(3))
    assert members.leverage.tolist() == [2.0, 2.0, 2.0]
    assert members.weights.tolist() == [0.0, 0.0]
    with pytest.raises(AttributeError, match="Holder members have no parameter 'colour'"):
        _ = members.colour


@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_numbers_are_keyed_by_group_purpose_step_and_member(law: str) -> None:
    group = crowd(4)
    draw = getattr(everyone(group), law)
    expected = getattr(group.streams, law)("trader/crowd/luck", 0, 8).reshape(4, 2)
    assert draw("luck", 2).tolist() == expected.tolist()
    assert draw("luck", 2).tolist() == expected.tolist()
    assert draw("other", 2).tolist() != expected.tolist()


def test_a_part_of_a_group_draws_what_it_draws_in_the_whole() -> None:
    group = crowd(6)
    whole = everyone(group).normal("luck", 3)
    assert group.members(slice(2, 5)).normal("luck", 3).tolist() == whole[2:5].tolist()
    assert group.agent(4).members.normal("luck", 3).tolist() == whole[4:5].tolist()


def test_within_a_cohort_numbers_are_keyed_by_the_place_there() -> None:
    group = crowd(6, cohorts=2, decision_steps=2)
    draws = group.streams.uniform("trader/crowd/luck", 0, 3)
    for cohort in (0, 1):
        members = group.members(slice(cohort, None, 2))
        assert members.uniform("luck")[:, 0].tolist() == draws.tolist()


def test_a_new_step_brings_new_numbers_and_constants_stay() -> None:
    model = venue([{"kind": "holder", "name": "crowd", "count": 3}], 2)
    members = everyone(model.groups[0])
    first, taste = members.uniform("luck"), members.constant_normal("taste", 2)
    chance = members.constant_uniform("taste", 2)
    model.step()
    members = everyone(model.groups[0])
    assert (members.uniform("luck") != first).all()
    assert members.constant_normal("taste", 2).tolist() == taste.tolist()
    assert members.constant_uniform("taste", 2).tolist() == chance.tolist()
    assert model.groups[0].members(slice(1, 2)).constant_normal("taste", 2).tolist() == taste[1:2].tolist()


def test_one_trader_reads_its_own_row() -> None:
    group = walked(1).groups[0]
    trader = group.agent(0)
    assert trader.equity == 600.0
    assert trader.free_collateral == pytest.approx(490.0)
    assert trader.position.tolist() == [10.0]
    assert trader.leverage == 5.0
    assert trader.units.tolist() == [10.0]
    assert trader.view is group.view
