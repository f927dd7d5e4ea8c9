"""Mark rules: what margin is computed with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.mark.base import MarkRule
from tests.simulation.markets import flat, market, units

KINDS = ["mid", "oracle", "smoothed"]
prices = st.floats(0.01, 1e6)
ratios = st.floats(0.2, 5.0)


def mark(rule: dict, mid: float, oracle: float, basis: float = 1.0) -> float:
    return float(MarkRule.parse(rule).price(units(mid), units(oracle), units(basis))[0])


@given(prices, prices)
def test_the_mid_mark_is_the_mid_and_the_oracle_mark_the_oracle(mid: float, oracle: float) -> None:
    assert mark({"kind": "mid"}, mid, oracle) == mid
    assert mark({"kind": "oracle"}, mid, oracle) == oracle


def test_the_smoothed_basis_closes_half_of_its_gap_in_a_half_life() -> None:
    rule = {"kind": "smoothed", "half_life_steps": 1.0, "band_rate": 1.0}
    assert mark(rule, 90.0, 100.0) == pytest.approx(95.0)
    assert mark(rule, 90.0, 100.0, basis=0.94) == pytest.approx(92.0)


@given(st.floats(0.5, 100.0), st.floats(0.5, 0.999), st.integers(1, 30))
def test_the_smoothed_mark_approaches_a_constant_displacement_exponentially(
    half_life: float, basis: float, steps: int
) -> None:
    rule = MarkRule.parse({"kind": "smoothed", "half_life_steps": half_life, "band_rate": 1.0})
    now = units(1.0)
    for _ in range(steps):
        now = rule.price(units(100.0 * basis), units(100.0), now) / 100.0
    assert now[0] - basis == pytest.approx((1.0 - basis) * 2.0 ** (-steps / half_life), abs=1e-12)


@given(prices, ratios, ratios, st.floats(0.001, 1.0))
def test_the_smoothed_mark_stays_in_its_band_around_the_oracle(
    oracle: float, ratio: float, basis: float, band: float
) -> None:
    found = mark({"kind": "smoothed", "band_rate": band}, oracle * ratio, oracle, basis) / oracle
    assert 1.0 - band - 1e-12 <= found <= 1.0 + band + 1e-12


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.floats(0.5, 2.0), min_size=1, max_size=5))
def test_without_trades_every_mark_follows_the_index_at_once(kind: str, factors: list[float]) -> None:
    path = 100.0 * np.cumprod([1.0, *factors])
    place = market(path, mark={"kind": kind})
    for price in path[1:]:
        place.advance()
        assert place.mark_price == pytest.approx(price, rel=1e-12)


def test_the_smoothed_mark_rides_out_a_push_that_comes_back_soon() -> None:
    impact = {"kind": "linear", "permanent_share": 0.0, "half_life_steps": 0.5}
    place = market(flat(20), mark={"kind": "smoothed", "half_life_steps": 20.0}, impact=impact)
    place.absorb(units(-3_000.0), forced=True)
    lowest = [float(place.mid[0])]
    marks = []
    for _ in range(20):
        place.advance()
        marks.append(float(place.mark_price[0]))
        lowest.append(float(place.mid[0]))
    assert min(lowest) < 75.0
    assert min(marks) > 98.5


@pytest.mark.parametrize(("kind", "moves"), [("mid", True), ("smoothed", False), ("oracle", False)])
def test_only_the_mid_mark_moves_within_a_step(kind: str, moves: bool) -> None:
    place = market(flat(), mark={"kind": kind})
    place.absorb(units(-1_000.0), forced=True)
    assert bool(place.mark_price[0] < 100.0) is moves
