"""Stochastic volatility: half-life, vol-of-vol, correlations, bounds, keyed noise."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.errors import ScenarioError
from simulation.random import Streams
from simulation.rule import load_rules
from simulation.volatility.base import Assets, VolatilityProcess
from simulation.volatility.stochastic import standardised

load_rules("simulation.volatility")
DAY = 1.0 / 365.0
NAMES = ("BTC", "ETH", "SOL")
WIDE = {"floor": 1e-6, "cap": 100.0}  # bounds that do not bind


def assets(count: int = 3, volatility: float = 0.8, step_years: float = DAY) -> Assets:
    return Assets(NAMES[:count], np.full(count, volatility), step_years)


def stochastic(**fields: Any) -> VolatilityProcess:
    return VolatilityProcess.parse({"kind": "stochastic", **fields})


def walk(steps: int, place: Assets, seed: int = 5) -> Array:
    """Independent random walks at the assets' own volatility."""
    moves = np.random.default_rng(seed).normal(0.0, 1.0, (steps, len(place.names)))
    logs = np.cumsum(moves * place.volatility * math.sqrt(place.step_years), axis=0)
    return 100.0 * np.exp(np.vstack([np.zeros(len(place.names)), logs]))


def drawn(steps: int, place: Assets, seed: int = 1, **fields: Any) -> tuple[Array, Array]:
    index = walk(steps, place)
    return index, stochastic(**{**WIDE, **fields}).draw(index, place, Streams(seed))


def test_a_run_starts_at_the_volatility_of_the_market() -> None:
    _, level = drawn(10, assets())
    assert level.shape == (11, 3)
    assert level[0].tolist() == [0.8, 0.8, 0.8]


def test_without_vol_of_vol_it_is_flat() -> None:
    index, level = drawn(50, assets(), vol_of_vol=0.0)
    np.testing.assert_array_equal(level, VolatilityProcess.parse({"kind": "flat"}).draw(index, assets(), Streams(1)))


def test_levels_move_by_vol_of_vol_and_lose_half_of_a_deviation_in_a_half_life() -> None:
    """5,000 days: the standard error of the slope is sqrt((1 - a^2) / n) = .0046, of the deviation 1 %."""
    _, level = drawn(5_000, assets(1), half_life_days=10.0, vol_of_vol=1.5)
    x = np.log(level[:, 0] / 0.8)
    slope = float(x[1:] @ x[:-1] / (x[:-1] @ x[:-1]))
    assert slope == pytest.approx(0.5 ** (1.0 / 10.0), abs=4 * 0.0051)
    left = x[1:] - slope * x[:-1]
    pull = math.log(2.0) / 10.0
    want = 1.5 * math.sqrt(DAY) * math.sqrt((1.0 - math.exp(-2.0 * pull)) / (2.0 * pull))
    assert float(left.std()) == pytest.approx(want, rel=0.04)


def test_the_law_over_a_day_does_not_depend_on_the_length_of_a_step() -> None:
    """The stationary deviation is vol_of_vol sqrt(half-life / (2 ln 2)) by the hour as by the day."""
    want = 2.0 * math.sqrt(DAY / (2.0 * math.log(2.0)))
    for step_years, steps in ((DAY, 8_000), (DAY / 24.0, 8_000 * 6)):
        _, level = drawn(steps, assets(1, step_years=step_years), half_life_days=1.0, vol_of_vol=2.0)
        assert float(np.log(level[:, 0] / 0.8).std()) == pytest.approx(want, rel=0.06)


@pytest.mark.parametrize("correlation", [-0.3, 0.0, 0.85])
def test_volatilities_move_together_as_told(correlation: float) -> None:
    _, level = drawn(10_000, assets(), correlation=correlation, price_correlation=0.0, vol_of_vol=0.3)
    found = np.corrcoef(np.diff(np.log(level), axis=0).T)
    error = (1.0 - correlation**2) / 100.0
    assert np.abs(found[np.triu_indices(3, 1)] - correlation).max() < 4 * error + 1e-9


def test_a_matrix_of_correlations_is_obeyed_pair_by_pair() -> None:
    matrix = ((1.0, 0.9, 0.2), (0.9, 1.0, 0.1), (0.2, 0.1, 1.0))
    _, level = drawn(10_000, assets(), correlation=matrix, price_correlation=0.0, vol_of_vol=0.3)
    np.testing.assert_allclose(np.corrcoef(np.diff(np.log(level), axis=0).T), matrix, atol=0.04)


@pytest.mark.parametrize("rho", [-1.0, -0.5, 0.3])
def test_volatility_moves_against_the_price_as_told(rho: float) -> None:
    index, level = drawn(10_000, assets(2), price_correlation=rho, half_life_days=36_500.0, vol_of_vol=0.3)
    prices, levels = np.diff(np.log(index), axis=0), np.diff(np.log(level), axis=0)
    for column in range(2):
        found = float(np.corrcoef(prices[:, column], levels[:, column])[0, 1])
        assert found == pytest.approx(rho, abs=4 * (1 - rho**2) / 100.0 + 1e-4)


def test_a_fall_of_ten_deviations_lifts_volatility_by_ten_times_its_share() -> None:
    place = assets(1)
    fall = math.exp(-10.0 * 0.8 * math.sqrt(DAY))
    index = np.array([[100.0], [100.0 * fall]])
    rule = stochastic(price_correlation=-1.0, vol_of_vol=0.9, half_life_days=36_500.0)
    level = rule.draw(index, place, Streams(1))
    assert math.log(level[1, 0] / 0.8) == pytest.approx(9.0 * math.sqrt(DAY), rel=1e-4)


@given(st.integers(0, 2**32), st.floats(0.0, 10.0))
@settings(max_examples=30)
def test_levels_stay_between_floor_and_cap(seed: int, vol_of_vol: float) -> None:
    _, level = drawn(60, assets(), seed, vol_of_vol=vol_of_vol, floor=0.4, cap=1.2)
    assert (level >= 0.4).all()
    assert (level <= 1.2).all()


def test_a_longer_run_has_the_same_beginning() -> None:
    place, index = assets(), walk(80, assets())
    rule = stochastic()
    whole, part = rule.draw(index, place, Streams(3)), rule.draw(index[:31], place, Streams(3))
    np.testing.assert_array_equal(whole[:31], part)


def test_an_appended_asset_changes_no_other() -> None:
    index = walk(40, assets())
    rule = stochastic()
    two, three = (rule.draw(index[:, :n], assets(n), Streams(3)) for n in (2, 3))
    np.testing.assert_array_equal(two, three[:, :2])


def test_what_was_drawn_enters_the_digest() -> None:
    def digest(seed: int, rule: VolatilityProcess) -> str:
        streams = Streams(seed)
        rule.draw(walk(5, assets()), assets(), streams)
        return streams.digest()

    moving, flat = stochastic(), VolatilityProcess.parse({"kind": "flat"})
    assert digest(1, moving) == digest(1, moving)
    assert len({digest(1, moving), digest(2, moving), digest(1, flat)}) == 3
    assert digest(1, flat) == digest(2, flat)


def test_an_asset_that_never_moves_has_no_moves() -> None:
    place = Assets(("USD",), np.zeros(1), DAY)
    assert standardised(np.array([[1.0], [2.0]]), place).tolist() == [[0.0]]
    level = stochastic().draw(np.ones((4, 1)), place, Streams(1))
    assert np.isfinite(level).all()


@pytest.mark.parametrize(
    ("correlation", "line"),
    [
        (-0.6, "implied_volatility.correlation: for 3 assets must be at least -0.5 (got -0.6)"),
        (((1.0, 0.5), (0.5, 1.0)), "implied_volatility.correlation: must be 3x3 to match the assets (got 2 rows)"),
    ],
)
def test_a_correlation_that_does_not_fit_is_refused_in_one_line(correlation: Any, line: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        stochastic(correlation=correlation).draw(np.ones((2, 3)), assets(), Streams(1))
    assert list(refused.value.problems) == [line]
