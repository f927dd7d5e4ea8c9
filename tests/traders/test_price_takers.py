"""Momentum, fundamental, market-making and noise traders: what they want, and when they want nothing."""

import numpy as np
import pytest

from simulation.model import MarketModel
from tests.traders.small import crowd, displace, wishes
from tests.venues import equity, positions, storm

LINEAR = {"impact": {"kind": "linear"}}


def advanced(model: MarketModel, steps: int = 1) -> MarketModel:
    for _ in range(steps):
        model.market.advance()
        model.market.record()
    return model


# Momentum -------------------------------------------------------------------------------------------------------


def test_momentum_buys_after_a_rise_and_sells_after_a_fall_in_proportion_to_conviction() -> None:
    fields = {"lookback": 1, "threshold": 0.05, "leverage": 3.0, "deposit": 1_000.0}
    model = advanced(crowd("momentum", 2, {"price": storm([100.0, 100.0], [105.0, 90.0])}, **fields))
    returns, price = np.log([1.05, 0.9]), np.array([105.0, 90.0])
    np.testing.assert_allclose(wishes(model)[0], np.tanh(returns / 0.05) * 3.0 * 1_000.0 / 2.0 / price, rtol=1e-12)


def test_momentum_without_a_trend_wants_nothing() -> None:
    assert not wishes(advanced(crowd("momentum"), 3)).any()


def test_momentum_measures_its_own_lookback() -> None:
    path = {"price": storm(100.0, 110.0, 110.0, 110.0)}
    model = advanced(crowd("momentum", 1, path, count=2, lookback={"kind": "choice", "values": [2, 3]}), 3)
    long_memory = model.groups[0].columns["lookback"] == 3
    np.testing.assert_array_equal(wishes(model)[:, 0] > 0.0, long_memory)


def test_momentum_closes_when_the_trend_ends() -> None:
    model = crowd("momentum", 1, {"price": storm(100.0, 110.0, 110.0)}, lookback=1)
    model.step()
    assert positions(model)[0, 0] > 0.0
    model.step()
    assert positions(model)[0, 0] == 0.0


def test_momentum_that_has_lost_everything_wants_no_position() -> None:
    model = advanced(crowd("momentum", 1, {"price": storm(100.0, 110.0)}, lookback=1, deposit=0.0))
    assert not wishes(model).any()


# Fundamental ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gap", "share"), [(0.015, -0.5), (0.03, -1.0), (0.3, -1.0), (-0.015, 0.5), (0.0, 0.0)])
def test_fundamentalists_sell_above_value_and_buy_below(gap: float, share: float) -> None:
    model = crowd("fundamental", 1, LINEAR, threshold=0.03, disagreement=0.0, leverage=2.0, deposit=1_000.0)
    displace(model, gap)
    wanted = share * 2_000.0 / (100.0 * np.exp(gap))
    assert wishes(model)[0, 0] == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_fundamentalists_do_not_chase_the_index() -> None:
    model = advanced(crowd("fundamental", 1, {"price": storm(100.0, 50.0)}, disagreement=0.0))
    assert not wishes(model).any()


def test_fundamentalists_disagree_by_an_error_that_stays_theirs() -> None:
    model = crowd("fundamental", 1, {"price": storm(100.0, 120.0)}, count=2_000, disagreement=0.01, threshold=1.0)
    first = (wishes(model) + positions(model))[:, 0] * 100.0 / 20_000.0  # of leverage 2 x deposit 10,000
    assert abs(first.mean()) < 4.0 * first.std() / 2_000**0.5
    assert first.std() == pytest.approx(0.01, rel=0.1)
    second = (wishes(advanced(model)) + positions(model))[:, 0] * 120.0 / (2.0 * equity(model))
    np.testing.assert_allclose(second, first, rtol=1e-6)


# Market maker ---------------------------------------------------------------------------------------------------


def test_makers_lean_against_displacement_up_to_their_budget() -> None:
    for gap, lean in ((0.01, -0.5), (-0.01, 0.5), (0.5, -1.0)):
        model = crowd("market_maker", 1, LINEAR, width=0.02, pace=1.0, leverage=3.0, deposit=1_000.0)
        displace(model, gap)
        assert wishes(model)[0, 0] == pytest.approx(lean * 3_000.0 / (100.0 * np.exp(gap)), rel=1e-9)


def test_makers_go_part_of_the_way_and_work_their_inventory_off() -> None:
    model = crowd("market_maker", 1, LINEAR, width=0.02, pace=0.25, deposit=1_000.0, leverage=3.0)
    displace(model, -0.01)
    assert wishes(model)[0, 0] == pytest.approx(0.25 * 1_500.0 / (100.0 * np.exp(-0.01)), rel=1e-9)
    model.step()
    held = positions(model)[0, 0]
    assert held > 0.0
    model.market.permanent[:] = model.market.transient[:] = 0.0  # the displacement is gone
    model.market.advance()
    assert wishes(model)[0, 0] == pytest.approx(-0.25 * held)


def test_makers_withdraw_in_stress() -> None:
    model = crowd("market_maker", 1, LINEAR, calm_volatility=1.0, pace=1.0)
    displace(model, -0.01)
    calm = wishes(model)[0, 0]
    years = 3600.0 / 31_536_000.0
    for volatility, share in ((0.5, 1.0), (1.0, 1.0), (2.0, 0.5), (10.0, 0.1)):
        model.market.variance = np.array([volatility**2 * years])
        assert wishes(model)[0, 0] == pytest.approx(share * calm, rel=1e-9)


def test_forced_sales_alone_are_stress_to_a_maker() -> None:
    model = crowd("market_maker", 1, {**LINEAR, "depth": {"half_life_steps": 1.0}}, calm_volatility=1.0)
    before = model.view.volatility[0]
    model.market.absorb(np.array([-5_000.0]), forced=True)
    model.market.advance()
    assert model.view.volatility[0] > 2.0 * before


# Noise ----------------------------------------------------------------------------------------------------------


def test_noise_has_mean_zero_and_the_size_it_says() -> None:
    model = crowd("noise", 2, count=5_000, leverage=2.0, pace=0.5, deposit=1_000.0)
    model.market.advance()
    dollars = (wishes(model) + 0.5 * positions(model)) * 100.0
    assert np.abs(dollars.mean(axis=0)).max() < 4.0 * 500.0 / 5_000**0.5
    np.testing.assert_allclose(dollars.std(axis=0), 0.5 * 2.0 * 1_000.0 / 2.0, rtol=0.05)
    assert abs(np.corrcoef(dollars.T)[0, 1]) < 4.0 / 5_000**0.5


def test_noise_is_new_at_every_step_and_persistent_by_its_pace() -> None:
    model = crowd("noise", 1, {"steps": 1}, count=3_000, pace=0.1)
    opened = positions(model)[:, 0].copy()
    model.step()
    after = positions(model)[:, 0]
    fresh = after - 0.9 * opened
    assert abs(np.corrcoef(fresh, opened)[0, 1]) < 4.0 / 3_000**0.5
    assert np.corrcoef(after, opened)[0, 1] > 0.5
