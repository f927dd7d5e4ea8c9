"""What offsets save: closed forms by the engine's own rules, and the frontier at equal safety."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.margin_efficiency import (
    Crowd,
    capital_at,
    frontier,
    hedge_saving,
    long_saving,
    plot,
    run,
    saving,
)

SMALL = Crowd(books=6_000)


def test_the_published_savings() -> None:
    assert long_saving(4, 0.6) == pytest.approx(0.163, abs=5e-4)
    assert hedge_saving(0.9) == pytest.approx(0.776, abs=5e-4)
    assert hedge_saving(0.9, 0.8) == pytest.approx(0.621, abs=5e-4)


def test_the_engines_rules_save_what_the_closed_forms_say() -> None:
    table = run()
    np.testing.assert_allclose(table["portfolio"], table["expected"], atol=1e-9)
    np.testing.assert_allclose(table["value_at_risk"], table["expected"], atol=1e-9)
    np.testing.assert_allclose(table["capped"], 0.8 * table["expected"], atol=1e-9)


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.99), st.integers(2, 6))
def test_a_correlation_that_helps_the_hedge_hurts_the_longs(low: float, high: float, markets: int) -> None:
    low, high = sorted((low, high))
    assert hedge_saving(high) >= hedge_saving(low)
    assert long_saving(markets, high) <= long_saving(markets, low)


@given(st.floats(0.0, 1.0))
def test_a_single_position_saves_nothing(correlation: float) -> None:
    for kind in ("portfolio", "value_at_risk"):
        assert saving(np.array([5.0, 0.0]), {"kind": kind, "correlation": correlation}) == pytest.approx(0.0, abs=1e-12)


def test_a_right_portfolio_margin_is_insolvent_as_often_as_promised() -> None:
    table = frontier(0.6, 0.6, SMALL)
    for _, row in table[table["regime"] == "portfolio"].iterrows():
        error = 4.0 * np.sqrt(row["confidence"] * (1.0 - row["confidence"]) / SMALL.books)
        assert row["insolvency"] == pytest.approx(1.0 - row["confidence"], abs=error)


def test_portfolio_margin_dominates_only_while_its_correlation_is_right() -> None:
    right, wrong = (capital_at(frontier(0.6, world, SMALL), 0.02) for world in (0.6, 0.1))
    assert right["portfolio"] < right["cross"] < right["isolated"]
    assert wrong["portfolio"] > wrong["cross"]


@pytest.mark.parametrize(("engine", "world"), [(0.0, 0.0), (0.0, 0.8), (0.8, 0.0)])
def test_isolated_margin_needs_most_whatever_is_assumed(engine: float, world: float) -> None:
    needed = capital_at(frontier(engine, world, SMALL), 0.05)
    assert needed["isolated"] > np.nanmax([needed["cross"], needed["portfolio"]])


def test_more_confidence_costs_capital_and_lowers_insolvency() -> None:
    for _, rows in frontier(0.3, 0.3, SMALL).groupby("regime"):
        assert rows["capital"].is_monotonic_increasing
        assert rows["insolvency"].is_monotonic_decreasing


def test_a_probability_beyond_the_frontier_has_no_capital() -> None:
    assert np.isnan(capital_at(frontier(0.3, 0.3, SMALL), 0.9)["portfolio"])


def test_the_same_crowd_meets_every_regime_and_every_seed_another() -> None:
    assert Crowd().exposures().tobytes() == Crowd().exposures().tobytes()
    assert Crowd(seed=2).exposures().tobytes() != Crowd().exposures().tobytes()


def test_the_frontier_is_drawn() -> None:
    assert plot().png.startswith(b"\x89PNG")
