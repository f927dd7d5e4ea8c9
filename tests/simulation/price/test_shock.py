"""Scripted shocks: of the asked size, in the asked market, at the asked step, on an otherwise equal storm."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.arrays import Array
from simulation.errors import ScenarioError
from simulation.price.base import PriceProcess
from simulation.price.gbm import Gbm
from simulation.price.shock import Scripted, Shock
from simulation.random import Streams
from tests.simulation.price.worlds import SEED, world

sizes = st.floats(-0.99, 10.0)


def relative(*shocks: Shock, steps: int = 20) -> Array:
    """Price over initial price on a flat base."""
    place = world(3, steps)
    return Scripted(shocks=shocks).draw(place, Streams(1)) / place.price


@given(st.integers(1, 20), sizes)
def test_a_step_moves_one_market_for_ever_and_no_other(step: int, size: float) -> None:
    path = relative(Shock(step=step, market="M1", size=size))
    np.testing.assert_array_equal(path[:step], 1.0)
    np.testing.assert_allclose(path[step:, 1], 1.0 + size, rtol=1e-12)
    np.testing.assert_array_equal(path[:, [0, 2]], 1.0)


@given(st.integers(1, 10), sizes, st.integers(1, 10))
def test_a_recovering_shock_has_half_its_log_move_after_a_half_life(
    step: int, size: float, life: int
) -> None:
    shock = Shock(step=step, size=size, shape="recovers", half_life_steps=life)
    path = np.log(relative(shock))[:, 0]
    assert path[step] == pytest.approx(np.log1p(size), rel=1e-9, abs=1e-15)
    assert path[step + life] == pytest.approx(0.5 * np.log1p(size), rel=1e-9, abs=1e-15)
    assert (np.abs(np.diff(path[step:])) <= abs(np.log1p(size)) + 1e-14).all()


def test_a_star_hits_every_market() -> None:
    path = relative(Shock(step=5, size=-0.3))
    np.testing.assert_allclose(path[5:], 0.7, rtol=1e-12)


@given(sizes, sizes)
def test_shocks_multiply_in_any_order(one: float, other: float) -> None:
    first, second = Shock(step=3, size=one), Shock(step=7, size=other, market="M0")
    np.testing.assert_allclose(relative(first, second)[-1, 0], (1.0 + one) * (1.0 + other), rtol=1e-12)
    np.testing.assert_allclose(relative(first, second), relative(second, first), rtol=1e-12)


def test_a_shock_leaves_the_storm_under_it_as_it_was() -> None:
    place, base = world(3, 50), Gbm(correlation=0.5)
    plain = base.draw(place, Streams(SEED))
    shocked = Scripted(base=base, shocks=(Shock(step=20, size=-0.4, market="M2"),)).draw(place, Streams(SEED))
    np.testing.assert_array_equal(shocked[:, :2], plain[:, :2])
    np.testing.assert_array_equal(shocked[:20], plain[:20])
    np.testing.assert_allclose(shocked[20:, 2], 0.6 * plain[20:, 2], rtol=1e-12)


def test_without_shocks_it_is_the_base_and_without_base_nothing_moves() -> None:
    place = world()
    base = Gbm()
    assert Scripted(base=base).draw(place, Streams(1)).tobytes() == base.draw(place, Streams(1)).tobytes()
    assert (Scripted().draw(place, Streams(1)) == place.price).all()


def test_the_digest_tells_the_shocked_storm_from_the_plain_one() -> None:
    digests = set()
    for size in (0.0, -0.1, -0.2):
        streams = Streams(SEED)
        Scripted(base=Gbm(), shocks=(Shock(step=1, size=size),)).draw(world(), streams)
        digests.add(streams.digest())
    assert len(digests) == 3


def test_scripts_nest() -> None:
    inner = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.5}]}
    process = PriceProcess.parse({"kind": "scripted", "base": inner, "shocks": [{"step": 2, "size": 1.0}]})
    path = process.draw(world(1, 3), Streams(1))[:, 0]
    np.testing.assert_allclose(path, [100.0, 50.0, 100.0, 100.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("shock", "location"),
    [
        ({"step": 1, "size": -1.0}, ("shocks", 0, "size")),
        ({"step": 1, "size": -1.5}, ("shocks", 0, "size")),
        ({"step": 1, "size": float("nan")}, ("shocks", 0, "size")),
        ({"step": 0, "size": -0.5}, ("shocks", 0, "step")),
        ({"step": 1.5, "size": -0.5}, ("shocks", 0, "step")),
        ({"size": -0.5}, ("shocks", 0, "step")),
        ({"step": 1}, ("shocks", 0, "size")),
        ({"step": 1, "size": 0.1, "shape": "vee"}, ("shocks", 0, "shape")),
        (
            {"step": 1, "size": 0.1, "shape": "recovers", "half_life_steps": 0},
            ("shocks", 0, "half_life_steps"),
        ),
        ({"step": 1, "size": 0.1, "shape": "recovers"}, ("shocks", 0)),
        ({"step": 1, "size": 0.1, "half_life_steps": 3}, ("shocks", 0)),
        ({"step": 1, "size": 0.1, "amount": 3}, ("shocks", 0, "amount")),
    ],
)
def test_a_bad_shock_is_refused_where_it_is_written(shock: dict[str, Any], location: tuple) -> None:
    with pytest.raises(ValidationError) as refusal:
        PriceProcess.parse({"kind": "scripted", "shocks": [shock]})
    assert refusal.value.errors()[0]["loc"] == location


def test_shocks_after_the_end_and_in_unknown_markets_are_named() -> None:
    process = Scripted(
        base=Gbm(correlation=-0.9),
        shocks=(Shock(step=10, size=0.1), Shock(step=11, size=0.1), Shock(step=1, size=0.1, market="XBT")),
    )
    with pytest.raises(ScenarioError) as refusal:
        process.draw(world(3, 10), Streams(1))
    assert refusal.value.problems == [
        "price.base.correlation: one correlation for 3 markets must be from -0.5 to 1 (got -0.9)",
        "price.shocks[1].step: 11 is after the last step 10",
        'price.shocks[2].market: "XBT" is not defined; known: *, M0, M1, M2',
    ]
