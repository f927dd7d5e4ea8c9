"""What a margin engine learns: recursions by hand, the made-up past, anti-procyclical tools."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.margin.anti_procyclical import AntiProcyclical
from simulation.margin.risk_estimate import Learning, RiskEstimate, mixed
from simulation.margin.volatility_update import VolatilityUpdate

FIXED, EWMA = VolatilityUpdate.parse({"kind": "fixed"}), VolatilityUpdate.parse({"kind": "ewma", "decay": 0.9})
NONE = AntiProcyclical.model_validate({})
levels = st.floats(1e-4, 1.0)


def estimate(update: VolatilityUpdate = EWMA, every: int = 1, kept: float = 1.0, window: int = 20) -> RiskEstimate:
    matrix = np.array([[1.0, 0.5], [0.5, 1.0]])
    return RiskEstimate(Learning(update, NONE, every, kept, window), np.full(2, 100.0), np.array([0.02, 0.04]), matrix)


# Volatility -----------------------------------------------------------------------------------------------------


def test_an_ewma_follows_its_recursion_by_hand() -> None:
    known = estimate()
    known.observe(np.array([110.0, 100.0]))  # returns .1 and 0
    np.testing.assert_allclose(known.volatility, [(0.9 * 0.0004 + 0.1 * 0.01) ** 0.5, 0.04 * 0.9**0.5], rtol=1e-9)


def test_garch_returns_to_the_level_of_the_listing() -> None:
    rule = VolatilityUpdate.parse({"kind": "garch", "reaction": 0.1, "persistence": 0.8})
    known, price = estimate(rule), np.full(2, 100.0)
    known.observe(price * 1.5)
    assert (known.volatility > 0.15).all()
    for _ in range(400):  # each return is one standard deviation of the normal level
        price = known._price * (1.0 + np.array([0.02, 0.04]))
        known.observe(price)
    np.testing.assert_allclose(known.volatility, [0.02, 0.04], rtol=1e-6)


def test_fixed_volatility_learns_nothing() -> None:
    known = estimate(FIXED)
    known.observe(np.array([200.0, 1.0]))
    np.testing.assert_array_equal(known.volatility, [0.02, 0.04])


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "garch", "reaction": 0.5, "persistence": 0.5},
        {"kind": "ewma", "decay": 1.0},
        {"kind": "ewma", "decay": 0},
    ],
)
def test_updates_that_never_come_back_are_refused(table: dict) -> None:
    with pytest.raises(ValidationError):
        VolatilityUpdate.parse(table)


def test_what_is_in_use_changes_every_few_steps_only() -> None:
    known = estimate(every=3)
    used = []
    for step in range(1, 7):
        changed = known.observe(np.full(2, 100.0 + 5.0 * (-1) ** step))
        used.append((changed, known.volatility[0]))
    assert [changed for changed, _ in used] == [False, False, True, False, False, True]
    assert used[0][1] == used[1][1] == 0.02
    assert used[2][1] == used[3][1] == used[4][1] != 0.02
    assert used[5][1] != used[4][1]


def test_past_returns_are_in_use_as_late_as_volatility() -> None:
    known = estimate(every=2)
    before = known.returns.copy()
    known.observe(np.array([150.0, 100.0]))
    np.testing.assert_array_equal(known.returns, before)
    known.observe(np.array([150.0, 100.0]))
    assert known.returns.max() == pytest.approx(0.5)


# Correlation ----------------------------------------------------------------------------------------------------


def test_learnt_correlation_goes_to_that_of_the_world() -> None:
    known, random, price = estimate(FIXED, kept=0.99), np.random.default_rng(1), np.full(2, 100.0)
    found = []
    for _ in range(4000):
        price = price * (
            1.0 + mixed(random.normal(size=(1, 2)), np.array([[1.0, -0.6], [-0.6, 1.0]]))[0] * [0.02, 0.04]
        )
        known.observe(price)
        found.append(known.correlation[0, 1])
    assert np.mean(found[1000:]) == pytest.approx(-0.6, abs=0.05)
    np.testing.assert_array_equal(np.diag(known.correlation), 1.0)


def test_correlation_is_kept_unless_it_is_to_be_learnt() -> None:
    known = estimate(kept=1.0)
    known.observe(np.array([110.0, 90.0]))
    assert known.correlation[0, 1] == 0.5


def test_a_market_that_never_moves_keeps_its_correlation_and_makes_no_nan() -> None:
    matrix = np.array([[1.0, 0.5], [0.5, 1.0]])
    known = RiskEstimate(Learning(EWMA, NONE, 1, 0.5, 20), np.full(2, 100.0), np.array([0.0, 0.04]), matrix)
    for step in range(800):
        known.observe(np.array([100.0, 100.0 + step % 2]))
    assert np.isfinite(known.correlation).all()
    assert np.isfinite(known.volatility).all()


def test_the_made_up_past_has_the_assumed_volatility_and_correlation() -> None:
    known = estimate(window=20_000)
    np.testing.assert_allclose(known.returns.std(axis=0), [0.02, 0.04], rtol=0.02)
    assert np.corrcoef(known.returns.T)[0, 1] == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(known.returns.mean(axis=0), 0.0, atol=1e-15)


def test_two_estimates_of_one_rule_do_not_share_a_memory() -> None:
    one, other = estimate(), estimate()
    one.observe(np.array([150.0, 50.0]))
    assert one.volatility[0] != other.volatility[0]
    assert not np.array_equal(one.returns, other.returns)


# Anti-procyclical tools -----------------------------------------------------------------------------------------


@given(levels, levels)
def test_without_tools_nothing_changes(estimated: float, normal: float) -> None:
    assert NONE.applied(np.array([estimated]), np.array([normal]))[0] == pytest.approx(estimated, rel=1e-12)


@given(levels, levels, levels, st.floats(0.0, 2.0), st.floats(0.0, 1.0), st.floats(0.0, 2.0))
def test_a_higher_estimate_never_gives_a_lower_margin(
    one: float, more: float, normal: float, buffer: float, weight: float, floor: float
) -> None:
    tools = AntiProcyclical(buffer_share=buffer, stress_weight=weight, stress_scale=3.0, floor_share=floor)
    low, high = tools.applied(np.array([one, one + more]), np.array([normal]))
    assert high >= low * (1 - 1e-12)


@given(st.floats(0.01, 0.99), st.floats(2.0, 20.0), st.floats(0.0, 1.0))
def test_a_buffer_divides_peak_to_trough_by_one_plus_its_share(trough: float, peak: float, share: float) -> None:
    tools = AntiProcyclical(buffer_share=share, stress_weight=0.0, stress_scale=3.0, floor_share=0.0)
    low, high = tools.applied(np.array([trough, peak]), np.array([1.0]))
    assert high / low == pytest.approx(peak / trough / (1.0 + share), rel=1e-12)


def test_a_quarter_of_stress_is_three_quarters_of_margin_and_one_of_the_stressed_one() -> None:
    tools = AntiProcyclical(buffer_share=0.0, stress_weight=0.25, stress_scale=4.0, floor_share=0.0)
    assert tools.applied(np.array([0.5]), np.array([1.0]))[0] == 0.75 * 0.5 + 0.25 * 4.0


@given(levels, levels, st.floats(0.0, 2.0))
def test_no_margin_falls_below_the_floor(estimated: float, normal: float, floor: float) -> None:
    tools = AntiProcyclical(buffer_share=0.0, stress_weight=0.0, stress_scale=3.0, floor_share=floor)
    assert tools.applied(np.array([estimated]), np.array([normal]))[0] >= floor * normal
