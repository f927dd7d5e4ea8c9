"""Re-leveraging: what a regime sets free, and the share phi of it that becomes larger positions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.sizing import regime_scale
from simulation.arrays import Array
from simulation.model import MarketModel
from tests.venues import book, venue

PAIR = book("pair", {"A": 10.0, "B": -10.0}, 5000.0)
LONGS = book("longs", {"A": 10.0, "B": 10.0}, 5000.0)


def portfolio(correlation: float = 0.5) -> dict[str, Any]:
    return {"kind": "portfolio", "correlation": correlation}


def opened(entry: dict[str, Any], phi: float, margin: dict[str, Any]) -> MarketModel:
    return venue([entry], 2, reuse_share=phi, margin=margin)


def held(model: MarketModel) -> list[float]:
    return model.accounts.position[model.traders[0]].tolist()


def used(model: MarketModel) -> float:
    return float(model.engine.health(model.traders).initial.sum())


def factor(entry: dict[str, Any], phi: float, margin: dict[str, Any]) -> float:
    model = opened(entry, phi, margin)
    orders: Array = np.array([[float(entry["units"].get(name, 0.0)) for name in "AB"]])
    return float(regime_scale(model, model.groups[0].members(slice(None)), orders)[0])


@pytest.mark.parametrize("phi", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["isolated", "cross"])
def test_where_nothing_is_set_free_positions_are_the_same_for_every_phi(kind: str, phi: float) -> None:
    assert held(opened(PAIR, phi, {"kind": kind})) == [10.0, -10.0]


def test_at_phi_zero_all_regimes_hold_equal_positions() -> None:
    assert held(opened(PAIR, 0.0, portfolio())) == [10.0, -10.0]
    assert factor(PAIR, 0.0, portfolio()) == 1.0


def test_an_offset_frees_margin_by_hand() -> None:
    """Two legs of 100 dollars of margin at correlation 0.5: the worst loss is sqrt(1 + 1 - 1) * 100 = 100, not 200."""
    assert factor(PAIR, 1.0, portfolio()) == pytest.approx(2.0)
    assert factor(PAIR, 0.25, portfolio()) == pytest.approx(1.25)
    assert factor(LONGS, 1.0, portfolio()) == pytest.approx(2.0 / np.sqrt(3.0))


def test_at_phi_one_as_much_margin_is_used_as_in_isolated_margin() -> None:
    isolated, pooled = opened(PAIR, 0.0, {"kind": "isolated"}), opened(PAIR, 1.0, portfolio())
    assert used(pooled) == pytest.approx(used(isolated), rel=1e-4)
    assert held(pooled) == pytest.approx([20.0, -20.0], abs=1e-3)


def test_a_single_position_is_offset_by_nothing() -> None:
    assert factor(book("one", {"A": 10.0}, 5000.0), 1.0, portfolio()) == pytest.approx(1.0)


def test_who_holds_nothing_is_scaled_by_one() -> None:
    assert factor(book("idle", {}, 5000.0), 1.0, portfolio()) == 1.0


@given(phi=st.floats(0.0, 1.0), rho=st.floats(-0.99, 0.99), a=st.integers(-50, 50), b=st.integers(-50, 50))
@settings(max_examples=30)
def test_positions_never_shrink_and_grow_in_proportion_to_phi(phi: float, rho: float, a: int, b: int) -> None:
    entry = book("some", {"A": float(a), "B": float(b)}, 5000.0)
    whole, part = factor(entry, 1.0, portfolio(rho)), factor(entry, phi, portfolio(rho))
    assert whole >= 1.0 - 1e-12
    assert part - 1.0 == pytest.approx(phi * (whole - 1.0), abs=1e-9)


def test_a_leverage_setting_counts_on_both_sides_of_the_ratio() -> None:
    careful = {**PAIR, "leverage_setting": 2.0}
    assert factor(careful, 1.0, portfolio()) == pytest.approx(2.0)


@pytest.mark.parametrize(("setting", "expected"), [(1000.0, 1.5), (8.0, 1.3), (2.0, 1.0)])
def test_where_a_venue_brings_its_own_tiers_the_reference_says_what_isolated_margin_would_have_asked(
    setting: float, expected: float
) -> None:
    """A asks for 10 %, its reference for 20 %; B has no other tiers. 1,000 dollars each: 200 + 100 over 100 + 100.

    A leverage setting of 8 asks for 125 in B and of the venue: 200 + 125 over 125 + 125; of 2 for 500 everywhere.
    """
    own, reference = ([{"floor": 0.0, "maintenance_rate": 0.05, "initial_rate": rate}] for rate in (0.1, 0.2))
    plain = {"price": 100.0, "depth": 1e7, "tiers": own}
    markets = [{"name": "A", **plain, "reference_tiers": reference}, {"name": "B", **plain}]
    entry = {**LONGS, "leverage_setting": setting}
    model = venue([entry], markets=markets, reuse_share=1.0)
    orders = np.array([[10.0, 10.0]])
    assert regime_scale(model, model.groups[0].members(slice(None)), orders).tolist() == [pytest.approx(expected)]
