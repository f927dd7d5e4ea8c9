"""The bridge: published prices are hit exactly, and between them lies the noise of a Brownian bridge."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.arrays import Array
from simulation.errors import ScenarioError
from simulation.price.base import PriceProcess
from simulation.price.bridge import Bridge
from simulation.price.gbm import Gbm
from simulation.random import Streams
from tests.simulation.price.worlds import SEED, log_returns, world

points = st.dictionaries(st.integers(1, 60), st.floats(0.01, 1e6), max_size=8).map(
    lambda known: tuple(sorted(known.items()))
)


def spread(bridge: Bridge, step: int, steps: int, runs: int = 40) -> Array:
    """Log price at `step` over initial price, in units of one step's volatility, for 100 markets a run."""
    place = world(100, steps)
    paths = [bridge.draw(place, Streams(run))[step] for run in range(runs)]
    return np.log(np.array(paths) / place.price).ravel() / (0.8 / 8_760**0.5)


def everywhere(*known: tuple[int, float], **fields: Any) -> Bridge:
    """Waypoints in each of 100 markets, as multiples of its initial price."""
    scaled = {f"M{i}": tuple((step, 100.0 * (i + 1) * factor) for step, factor in known) for i in range(100)}
    return Bridge(waypoints=scaled, **fields)


@given(points, points, st.integers(0, 2**64))
def test_every_waypoint_is_hit_exactly(one: tuple, other: tuple, seed: int) -> None:
    process = Bridge(waypoints={"M0": one, "M2": other}, correlation=0.5, volatility_scale=3.0)
    path = process.draw(world(3, 60), Streams(seed))
    for market, known in ((0, one), (2, other)):
        assert [path[step, market] for step, _ in known] == [price for _, price in known]


def test_without_noise_the_log_price_is_a_broken_line() -> None:
    process = Bridge(waypoints={"M0": ((4, 50.0), (6, 80.0))}, volatility_scale=0.0)
    path = process.draw(world(1, 8), Streams(1))[:, 0]
    corners = np.interp(np.arange(9), [0, 4, 6, 8], np.log([100.0, 50.0, 80.0, 80.0]))
    np.testing.assert_allclose(np.log(path), corners, rtol=1e-12)


@pytest.mark.parametrize("step", [2, 8, 15])
def test_between_waypoints_the_variance_is_that_of_a_brownian_bridge(step: int) -> None:
    sample = spread(everywhere((16, 1.0)), step, 20)
    expected = step * (16 - step) / 16
    assert sample.var() == pytest.approx(expected, rel=4.0 * (2.0 / len(sample)) ** 0.5)
    assert sample.mean() == pytest.approx(0.0, abs=4.0 * (expected / len(sample)) ** 0.5)


def test_after_the_last_waypoint_noise_adds_up_and_the_expected_price_stays() -> None:
    sample = spread(everywhere((10, 1.0)), 20, 20)
    assert sample.var() == pytest.approx(10.0, rel=4.0 * (2.0 / len(sample)) ** 0.5)
    lean = -0.5 * 10 * 0.8 / 8_760**0.5
    assert sample.mean() == pytest.approx(lean, abs=4.0 * (10.0 / len(sample)) ** 0.5)


def test_a_market_without_waypoints_is_gbm() -> None:
    free = Bridge(waypoints={}, correlation=0.4).draw(world(), Streams(SEED))
    np.testing.assert_allclose(free, Gbm(correlation=0.4).draw(world(), Streams(SEED)), rtol=1e-12)


def test_noise_between_waypoints_is_correlated_as_asked() -> None:
    n = 40_000
    known = {f"M{i}": ((n, 100.0 * (i + 1)),) for i in range(2)}
    returns = log_returns(Bridge(waypoints=known, correlation=0.7), world(2, n))
    assert np.corrcoef(returns.T)[0, 1] == pytest.approx(0.7, abs=4.0 * 0.51 / n**0.5)


def test_the_noise_level_changes_when_it_says_and_the_bridge_leans_with_it() -> None:
    noisy = everywhere((16, 1.0), noise_level=((8, 3.0),))
    early, late = 8.0, 72.0  # variance added up before and after the change
    sample = spread(noisy, 8, 16)
    expected = early * late / (early + late)
    assert sample.var() == pytest.approx(expected, rel=4.0 * (2.0 / len(sample)) ** 0.5)
    returns = log_returns(Bridge(waypoints={}, noise_level=((5_000, 0.5),)), world(1, 10_000))[:, 0]
    assert returns[:5_000].std() / returns[5_000:].std() == pytest.approx(2.0, rel=0.06)


def test_a_silent_stretch_between_waypoints_is_a_line() -> None:
    process = Bridge(waypoints={"M0": ((4, 50.0),)}, noise_level=((0, 0.0),))
    path = process.draw(world(1, 4), Streams(1))[:, 0]
    np.testing.assert_allclose(path, 100.0 * 0.5 ** (np.arange(5) / 4), rtol=1e-12)


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"waypoints": {"M0": [[1, 0.0]]}}, ("waypoints", "M0", 0, 1)),
        ({"waypoints": {"M0": [[-1, 5.0]]}}, ("waypoints", "M0", 0, 0)),
        ({"waypoints": {"M0": [[1, 5.0, 6.0]]}}, ("waypoints", "M0", 0)),
        ({"waypoints": {}, "noise_level": [[1, -1.0]]}, ("noise_level", 0, 1)),
        ({}, ("waypoints",)),
    ],
)
def test_a_bad_waypoint_is_refused_where_it_is_written(fields: dict[str, Any], location: tuple) -> None:
    with pytest.raises(ValidationError) as refusal:
        PriceProcess.parse({"kind": "bridge", **fields})
    assert refusal.value.errors()[0]["loc"] == location


def test_waypoints_that_do_not_fit_the_run_are_named() -> None:
    process = Bridge(
        waypoints={
            "M0": ((0, 99.0), (5, 1.0)),
            "M1": ((5, 1.0), (5, 2.0)),
            "M2": ((5, 1.0), (11, 2.0)),
            "XBT": ((1, 1.0),),
        },
        noise_level=((3, 1.0), (2, 1.0)),
    )
    with pytest.raises(ScenarioError) as refusal:
        process.draw(world(3, 10), Streams(1))
    assert refusal.value.problems == [
        "price.waypoints.M0[0]: the price at step 0 must be the market's initial price 100 (got 99)",
        "price.waypoints.M1[1]: step 5 must come after step 5",
        "price.waypoints.M2[1]: step 11 is after the last step 10",
        'price.waypoints: "XBT" is not defined; known: M0, M1, M2',
        "price.noise_level[1]: step 2 must come after step 3",
    ]


def test_the_initial_price_may_be_repeated_as_waypoint_0() -> None:
    path = Bridge(waypoints={"M0": ((0, 100.0), (5, 90.0))}).draw(world(1, 5), Streams(1))
    assert path[[0, 5], 0].tolist() == [100.0, 90.0]
