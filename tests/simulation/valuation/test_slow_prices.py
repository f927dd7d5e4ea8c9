"""Slow prices over time: the same wherever the clock ticks, never faster than allowed, never past the mark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.valuation.average import AverageValuation
from simulation.valuation.base import Seen

ticks = st.lists(st.floats(1.0, 7_200.0), min_size=1, max_size=12)


def played(rule: AverageValuation, past: float, mark: float, seconds: list[float], oracle: float = 1.0) -> list[float]:
    """The price at which a token counts, tick by tick, while its mark stands still."""
    seen, one = [], np.ones(1)
    for tick in seconds:
        past = float(rule.price(Seen(("T",), mark * one, oracle * one, past * one, 0.0 * one, one, tick))[0])
        seen.append(past)
    return seen


@given(ticks, st.floats(1.0, 2.0), st.floats(0.5, 1.9), st.floats(100.0, 1e5))
def test_without_a_bound_the_distance_halves_in_a_half_life_wherever_the_clock_ticks(
    seconds: list[float], past: float, mark: float, half_life: float
) -> None:
    rule = AverageValuation(half_life_seconds=half_life, growth_rate=1e6)
    found = played(rule, past, mark, seconds)
    left = 0.5 ** (np.cumsum(seconds) / half_life)
    assert found == pytest.approx((mark + (past - mark) * left).tolist(), rel=1e-9), "no tick doubles the price"


@given(ticks, st.floats(0.001, 0.9))
def test_a_fall_to_nothing_is_followed_by_an_exponential_wherever_the_clock_ticks(
    seconds: list[float], growth: float
) -> None:
    """A half-life of a moment: the bound alone decides, exp(-growth hours)."""
    rule = AverageValuation(half_life_seconds=1e-3, growth_rate=growth)
    found = played(rule, 1.0, 1e-9, seconds)
    expected = np.exp(-growth * np.cumsum(seconds) / 3600.0)
    assert found == pytest.approx(np.maximum(expected, 1e-9).tolist(), rel=1e-6, abs=1e-8)


@given(ticks, st.floats(0.2, 5.0), st.floats(0.2, 5.0), st.floats(10.0, 1e5), st.floats(0.01, 10.0))
def test_a_slow_price_comes_nearer_never_passes_the_mark_and_keeps_to_its_speed(
    seconds: list[float], past: float, mark: float, half_life: float, growth: float
) -> None:
    rule = AverageValuation(half_life_seconds=half_life, growth_rate=growth)
    before = past
    for tick, after in zip(seconds, played(rule, past, mark, seconds), strict=True):
        assert min(before, mark) - 1e-12 <= after <= max(before, mark) + 1e-12
        bound = 1.0 - np.exp(-growth * tick / 3600.0)
        assert abs(after / before - 1.0) <= bound + 1e-12
        before = after


@given(ticks, st.floats(0.2, 5.0), st.floats(0.2, 5.0), st.floats(0.5, 2.0), st.floats(0.01, 0.5))
def test_the_band_around_the_oracle_holds_at_every_tick(
    seconds: list[float], past: float, mark: float, oracle: float, band: float
) -> None:
    rule = AverageValuation(half_life_seconds=600.0, growth_rate=1.0, within_rate=band)
    for price in played(rule, past, mark, seconds, oracle):
        assert oracle * (1.0 - band) - 1e-12 <= price <= oracle * (1.0 + band) + 1e-12
