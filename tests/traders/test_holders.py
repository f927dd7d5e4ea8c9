"""Holders, re-leveragers and hedged pairs: what they open, when they bring money, when they give up."""

import numpy as np
import pytest

from simulation.model import MarketModel
from tests.traders.small import crowd, wishes
from tests.venues import equity, positions, storm

LONG = {"long_share": 1.0, "leverage": 5.0, "deposit": 1_000.0}


def falling(*prices: float, **fields: float) -> MarketModel:
    return crowd("holder", 1, {"price": storm(100.0, *prices)}, **{**LONG, **fields})


# Holder ---------------------------------------------------------------------------------------------------------


def test_a_holder_opens_equity_times_leverage_and_holds() -> None:
    model = falling(99.0, 98.0, 97.0)
    assert positions(model)[0, 0] == pytest.approx(50.0, abs=0.01)
    model.run()
    assert positions(model)[0, 0] == pytest.approx(50.0, abs=0.01)
    assert equity(model)[0] == pytest.approx(850.0, abs=0.1)


def test_sides_are_long_as_often_as_asked() -> None:
    model = crowd("holder", 3, count=2_000, long_share=0.7, markets_held=3)
    long = (positions(model) > 0.0).mean(axis=0)
    assert np.abs(long - 0.7).max() < 4.0 * (0.7 * 0.3 / 2_000) ** 0.5


@pytest.mark.parametrize(("held", "expected"), [(1, 1), (2, 2), (5, 4)])
def test_a_holder_is_in_as_many_markets_as_it_says_in_equal_dollars(held: int, expected: int) -> None:
    model = crowd("holder", 4, count=400, markets_held=held, leverage=4.0)
    opened = np.abs(positions(model)) * 100.0
    assert ((opened > 0.0).sum(axis=1) == expected).all()
    np.testing.assert_allclose(opened[opened > 0.0], 40_000.0 / expected, rtol=1e-3)
    assert ((opened > 0.0).mean(axis=0) > 0.7 * expected / 4).all()


def test_weights_decide_where_the_money_goes() -> None:
    model = crowd("holder", 2, weights={"A": 0.75, "B": 0.25}, **LONG)
    np.testing.assert_allclose(positions(model)[0], [37.5, 12.5], atol=0.01)


def test_a_holder_tops_up_from_a_finite_reserve_then_runs_out_and_is_liquidated() -> None:
    model, reserve, held = falling(86.0, 84.0, 80.0, 78.0, 76.0, reserve=300.0), [], []
    model.run(lambda: (reserve.append(model.groups[0].reserve[0]), held.append(positions(model)[0, 0])))
    # 1.5 x 5 % of notional is wanted: at 86 it lacks 22.5 dollars, at 84 another 92.5, at 80 the last 185.
    np.testing.assert_allclose(reserve, [277.5, 185.0, 0.0, 0.0, 0.0], atol=0.05)
    assert model.groups[0].deposited[0] == pytest.approx(1_300.0, abs=0.05)
    assert min(held[:4]) > 49.0
    assert held[4] == 0.0


def test_a_holder_without_a_reserve_is_liquidated_where_one_with_a_reserve_is_not() -> None:
    poor, rich = falling(83.0), falling(83.0, reserve=1_000.0)
    poor.run()
    rich.run()
    assert positions(poor)[0, 0] == 0.0
    assert positions(rich)[0, 0] > 49.0


def test_a_stop_loss_closes_everything_at_its_limit_and_not_before() -> None:
    for price, left in ((90.1, 50.0), (89.9, 0.0)):
        model = falling(price, stop_loss=0.5)
        model.run()
        assert positions(model)[0, 0] == pytest.approx(left, abs=0.01)
        assert not len(model.exchange.desk.log.events)


def test_money_brought_in_is_not_mistaken_for_a_loss() -> None:
    model = falling(92.0, stop_loss=0.5, reserve=2_000.0, top_up_health=4.0)
    model.run()  # 400 of 1000 dollars are lost, 320 more are brought in
    assert model.groups[0].reserve[0] == pytest.approx(1_680.0, abs=0.1)
    assert positions(model)[0, 0] > 49.0


def test_who_stops_out_brings_nothing_more_in() -> None:
    model = falling(89.0, stop_loss=0.5, reserve=2_000.0, top_up_health=10.0)
    model.run()
    assert positions(model)[0, 0] == 0.0
    assert model.groups[0].reserve[0] == 2_000.0


def test_a_stop_loss_of_one_never_stops() -> None:
    model = falling(85.0, stop_loss=1.0)
    model.market.advance()
    assert not wishes(model).any()


def test_an_isolated_holder_tops_up_the_pool_that_needs_it() -> None:
    rules = {"margin": {"kind": "isolated"}, "price": storm([100.0, 100.0], [88.0, 100.0])}
    model = crowd("holder", 2, rules, **LONG, markets_held=2, reserve=1_000.0, top_up_health=5.0)
    row = model.groups[0].rows[0]
    before = model.accounts.cash[row].copy()
    model.run()
    paid = model.accounts.cash[row] - before
    # Each pool holds 500 dollars against 2,500 of notional. A has 200 left of 5 x 110 wanted, B 500 of 5 x 125.
    np.testing.assert_allclose(paid, [0.0, 350.0, 125.0], atol=0.2)


# Releverager ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reuse", [0.0, 0.25, 0.5, 1.0])
def test_a_releverager_spends_the_share_phi_of_what_a_rise_sets_free(reuse: float) -> None:
    model = crowd("releverager", 1, {"price": storm(100.0, 110.0)}, **LONG, reuse=reuse, slack=0.1)
    opened = positions(model)[0, 0]
    model.market.advance()
    # Equity 1500, initial margin 550: 950 are free, 150 are left alone.
    assert wishes(model)[0, 0] == pytest.approx(reuse * 800.0 / 550.0 * opened, rel=1e-3)
    model.exchange.clearing.match(model.groups[0].rows, wishes(model))
    health = model.engine.health(model.groups[0].rows)
    assert health.initial[0, 0] == pytest.approx(550.0 + reuse * 800.0, abs=2.0)


def test_a_releverager_with_phi_zero_is_a_holder() -> None:
    path = {"price": storm(100.0, 108.0, 90.0, 84.0), "steps": 3}
    fields = {**LONG, "reserve": 200.0, "name": "same"}
    one = crowd("releverager", 1, path, reuse=0.0, **fields)
    other = crowd("holder", 1, path, **fields)
    one.run()
    other.run()
    np.testing.assert_array_equal(one.accounts.cash, other.accounts.cash)
    np.testing.assert_array_equal(one.accounts.position, other.accounts.position)


def test_a_releverager_never_shrinks_a_position_by_itself() -> None:
    model = crowd("releverager", 1, {"price": storm(100.0, 90.0)}, **LONG, reuse=1.0)
    model.market.advance()  # equity 500, initial margin 450, slack 50
    assert wishes(model)[0, 0] == 0.0


# Hedged pair ----------------------------------------------------------------------------------------------------


def test_a_pair_is_neutral_in_dollars_and_indifferent_to_a_common_move() -> None:
    model = crowd("hedged_pair", 2, {"price": storm([100.0, 100.0], [60.0, 60.0])}, count=50, deposit=1_000.0)
    opened = positions(model)
    assert np.abs(opened.sum(axis=1)).max() < 0.01
    np.testing.assert_allclose(np.abs(opened).sum(axis=1) * 100.0, 10_000.0, rtol=1e-3)
    model.market.advance()
    np.testing.assert_allclose(equity(model), 1_000.0, atol=0.5)


def test_pairs_are_held_both_ways_by_about_half_unless_told_otherwise() -> None:
    both = crowd("hedged_pair", 2, count=1_000)
    assert abs((positions(both)[:, 0] > 0.0).mean() - 0.5) < 4.0 * 0.5 / 1_000**0.5
    one = crowd("hedged_pair", 2, count=100, both_ways=0, long_market="B", short_market="A")
    assert (positions(one)[:, 1] > 0.0).all()
    assert (positions(one)[:, 0] < 0.0).all()


@pytest.mark.parametrize(("price", "trades"), [(104.0, False), (130.0, True)])
def test_a_pair_is_rebalanced_only_when_a_leg_leaves_its_band(price: float, trades: bool) -> None:
    path = {"price": storm([100.0, 100.0], [price, 100.0])}
    model = crowd("hedged_pair", 2, path, both_ways=0, leverage=1.0, band=0.1, deposit=1_000.0)
    model.run()
    legs = positions(model)[0] * [price, 100.0]
    if trades:
        target = equity(model)[0] / 2.0
        np.testing.assert_allclose(legs, [target, -target], rtol=1e-3)
    else:
        np.testing.assert_allclose(positions(model)[0], [5.0, -5.0], atol=0.01)
