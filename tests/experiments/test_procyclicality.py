"""How margins amplify: closed forms of the EWMA, measures by hand, what the tools change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.procyclicality import (
    TOOLS,
    Storm,
    cost,
    ewma_jump,
    ewma_mean,
    ewma_noise,
    half_life_steps,
    largest_rise,
    liquidity_stress,
    peak_to_trough,
    plot,
    run,
)
from simulation.errors import InputError
from simulation.margin.volatility_update import VolatilityUpdate
from tests.simulation.margin.venues import asked, opened

margins = st.lists(st.floats(0.1, 100.0), min_size=3, max_size=30).map(np.array)


# EWMA -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("deviations", "expected"), [(3.0, 1.2166), (5.0, 1.5620), (8.0, 2.1863)])
def test_a_large_move_multiplies_the_margin_of_the_engine_as_published(deviations: float, expected: float) -> None:
    assert ewma_jump(0.94, deviations) == pytest.approx(expected, abs=5e-5)
    rule = opened(1, update={"kind": "ewma", "decay": 0.94})
    before = asked(rule, [1000.0])[0]
    rule.observe(np.array([100.0 * (1.0 + 0.02 * deviations)]))
    assert asked(rule, [1000.0])[0] / before == pytest.approx(expected, abs=5e-5)


@given(st.floats(0.5, 0.999), st.floats(0.1, 5.0), st.floats(0.1, 5.0), st.integers(1, 50))
def test_mean_variance_follows_the_recursion_of_the_engine(decay: float, one: float, other: float, steps: int) -> None:
    rule, value = VolatilityUpdate.parse({"kind": "ewma", "decay": decay}), np.array([one])
    for _ in range(steps):
        value = rule.variance(value, np.array([other]) ** 0.5, value)  # returns at their root mean square
    assert value[0] == pytest.approx(ewma_mean(decay, one, other, steps), rel=1e-9)


def test_half_of_a_change_has_arrived_after_22_76_steps_at_97_percent() -> None:
    assert half_life_steps(0.97) == pytest.approx(22.76, abs=5e-3)
    assert 0.97 ** half_life_steps(0.97) == pytest.approx(0.5)


@pytest.mark.parametrize("decay", [0.9, 0.97])
def test_the_estimate_of_a_constant_variance_wanders_as_computed(decay: float) -> None:
    rule, random = VolatilityUpdate.parse({"kind": "ewma", "decay": decay}), np.random.default_rng(2)
    value, one = np.ones(20_000), np.ones(20_000)
    for _ in range(int(12 / (1 - decay))):
        value = rule.variance(value, random.normal(size=20_000), one)
    assert value.mean() == pytest.approx(1.0, abs=0.01)
    assert value.var() == pytest.approx(ewma_noise(decay), rel=0.06)


# Measures -------------------------------------------------------------------------------------------------------


def test_measures_by_hand() -> None:
    margin = np.array([2.0, 3.0, 2.5, 8.0, 4.0])
    assert peak_to_trough(margin) == 4.0
    assert largest_rise(margin, 1) == pytest.approx(3.2)
    assert largest_rise(margin, 3) == 4.0
    assert liquidity_stress(margin, 10.0, 1) == pytest.approx(0.55)
    assert liquidity_stress(margin, np.array([1.0, 10.0, 100.0, 1.0]), 1) == pytest.approx(1.0)
    assert cost(margin, np.full(5, 3.0)) == pytest.approx(0.3)


def test_against_a_margin_of_nothing_nothing_is_measured() -> None:
    margin = np.array([2.0, 0.0, 1.0])
    for value in (
        peak_to_trough(margin),
        largest_rise(margin, 1),
        liquidity_stress(margin, 0.0, 1),
        liquidity_stress(margin, np.array([1.0, 0.0]), 1),
        cost(margin, np.zeros(3)),
    ):
        assert np.isnan(value)
    assert largest_rise(np.array([2.0, 3.0, 0.0]), 1) == 1.5


@given(margins)
def test_peak_to_trough_bounds_every_rise(margin: np.ndarray) -> None:
    for steps in range(1, len(margin)):
        assert largest_rise(margin, steps) <= peak_to_trough(margin) * (1 + 1e-12)


@given(margins, st.floats(0.1, 10.0))
def test_measures_do_not_depend_on_the_size_of_the_book(margin: np.ndarray, scale: float) -> None:
    assert peak_to_trough(margin * scale) == pytest.approx(peak_to_trough(margin))
    assert largest_rise(margin * scale, 1) == pytest.approx(largest_rise(margin, 1))
    assert liquidity_stress(margin * scale, scale, 2) == pytest.approx(liquidity_stress(margin, 1.0, 2), abs=1e-9)


@pytest.mark.parametrize("steps", [0, 5, -1])
def test_a_window_that_is_too_short_is_refused(steps: int) -> None:
    with pytest.raises(InputError, match="steps"):
        largest_rise(np.ones(5), steps)


# Tools ----------------------------------------------------------------------------------------------------------

SHORT = Storm(calm_steps=150, storm_steps=40)


def test_a_buffer_of_a_quarter_divides_peak_to_trough_by_1_25() -> None:
    plain, buffered = (SHORT.margins(TOOLS[name]).requirement for name in ("none", "buffer 25 %"))
    assert plain.max() > 1.25 * plain[0] > plain.min() * 1.25  # the storm uses the buffer up, the calm pays for it
    assert peak_to_trough(buffered) == pytest.approx(peak_to_trough(plain) / 1.25, rel=1e-9)
    assert buffered.max() == pytest.approx(plain.max(), rel=1e-12)


def test_a_weight_on_stress_mixes_the_margin_with_a_constant() -> None:
    plain, weighted = (SHORT.margins(TOOLS[name]).requirement for name in ("none", "stress weight 25 %"))
    np.testing.assert_allclose(weighted, 0.75 * plain + 0.25 * 3.0 * plain[0], rtol=1e-9)


def test_every_tool_lowers_procyclicality_and_costs_something() -> None:
    table = run(range(1, 3), SHORT)
    for tool in ("buffer 25 %", "stress weight 25 %", "floor"):
        assert table.loc[tool, "peak to trough"] < table.loc["none", "peak to trough"]
        assert table.loc[tool, "cost"] > 0.0
        assert table.loc[tool, "breaches"] <= table.loc["none", "breaches"]
    assert table.loc["none", "cost"] == 0.0


def test_without_a_storm_and_without_learning_nothing_is_procyclical() -> None:
    calm = SHORT.margins({}, update={"kind": "fixed"}).requirement
    assert peak_to_trough(calm) == pytest.approx(1.0)


def test_the_storm_is_drawn() -> None:
    assert plot(storm=SHORT).png.startswith(b"\x89PNG")
