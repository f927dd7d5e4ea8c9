"""Estimators of stylised facts: closed forms, other people's code, and what has no answer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.stylised_facts import (
    Correlogram,
    aggregated,
    autocorrelation,
    excess_kurtosis,
    gain_loss_asymmetry,
    hill_index,
    kurtosis_by_horizon,
    leverage_effect,
    log_returns,
    tail_weight,
)
from simulation.errors import InputError

series = st.lists(st.floats(-5.0, 5.0).map(lambda x: round(x, 3)), min_size=12, max_size=60).map(np.array)


def spread_out(values: np.ndarray) -> bool:
    return len(np.unique(values)) > 3


@pytest.fixture
def normal() -> np.ndarray:
    return np.random.default_rng(1).normal(size=4_000)


# Tails ------------------------------------------------------------------------------------------------------


def test_hills_index_of_three_values_by_hand() -> None:
    found = hill_index(np.array([-(math.e**3), 0.0, math.e**2, math.e]), 2)
    assert found.value == pytest.approx(1.0 / 1.5)
    assert found.high - found.value == pytest.approx(1.959964 * found.value / math.sqrt(2.0))


@pytest.mark.parametrize("index", [0.7, 1.5, 4.0])
def test_hills_index_of_exact_pareto_quantiles_is_their_exponent(index: float) -> None:
    middles = (np.arange(20_000) + 0.5) / 20_000
    assert hill_index(middles ** (-1.0 / index), 2_000).value == pytest.approx(index, rel=2e-3)


def test_losses_and_gains_have_tails_of_their_own() -> None:
    middles = (np.arange(20_000) + 0.5) / 20_000
    returns = np.concatenate([-(middles**-0.5), middles**-0.25])
    assert hill_index(returns, 1_000, "losses").value == pytest.approx(2.0, rel=1e-2)
    assert hill_index(returns, 1_000, "gains").value == pytest.approx(4.0, rel=1e-2)


@given(series.filter(spread_out), st.floats(0.1, 10.0))
def test_a_tail_index_does_not_depend_on_the_unit(returns: np.ndarray, unit: float) -> None:
    one, other = hill_index(returns, 3), hill_index(unit * returns, 3)
    assert one.defined == other.defined
    if one.defined:
        assert other.value == pytest.approx(one.value, rel=1e-6)


@pytest.mark.parametrize(
    ("returns", "why"), [([1.0, 2.0], "needs 4 returns"), ([0.0] * 9, "has 0"), ([1.0] * 9, "are equal")]
)
def test_a_tail_that_cannot_be_seen_is_undefined_with_a_reason(returns: list[float], why: str) -> None:
    found = hill_index(np.array(returns), 3)
    assert math.isnan(found.value)
    assert why in found.reason


# Horizons ---------------------------------------------------------------------------------------------------


@given(series.filter(spread_out))
def test_kurtosis_is_that_of_scipy(returns: np.ndarray) -> None:
    assert excess_kurtosis(returns).value == pytest.approx(float(stats.kurtosis(returns)), abs=1e-9)


def test_returns_over_longer_horizons_are_sums_without_overlap() -> None:
    assert aggregated(np.arange(1.0, 8.0), 3).tolist() == [6.0, 15.0]
    assert aggregated(np.arange(1.0, 3.0), 3).tolist() == []


def test_independent_returns_become_normal_as_one_over_the_horizon() -> None:
    returns = np.random.default_rng(2).laplace(size=400_000)
    one, four = (found.value for found in kurtosis_by_horizon(returns, (1, 4)))
    assert one == pytest.approx(3.0, abs=0.15)
    assert four == pytest.approx(0.75, abs=0.15)


@pytest.mark.parametrize("returns", [[], [1.0, 2.0, 3.0], [0.1] * 50])
def test_kurtosis_without_spread_or_returns_is_undefined_with_a_reason(returns: list[float]) -> None:
    found = excess_kurtosis(np.array(returns))
    assert math.isnan(found.value)
    assert found.reason


# Memory -----------------------------------------------------------------------------------------------------


def test_the_autocorrelation_of_an_alternating_series_by_hand() -> None:
    found = autocorrelation(np.array([1.0, -1.0] * 50), (1, 2, 3))
    np.testing.assert_allclose(found.values, [-0.99, 0.98, -0.97])


@given(series.filter(spread_out), st.integers(1, 8))
def test_autocorrelation_is_that_of_a_plain_loop(returns: np.ndarray, lag: int) -> None:
    away = returns - returns.mean()
    plain = sum(away[t] * away[t + lag] for t in range(len(away) - lag)) / sum(x * x for x in away)
    assert autocorrelation(returns, (lag,)).values[0] == pytest.approx(plain, abs=1e-9)


def test_independent_returns_stay_within_the_band(normal: np.ndarray) -> None:
    found = autocorrelation(normal, range(1, 201))
    assert found.band == pytest.approx(1.959964 / math.sqrt(4_000))
    assert (np.abs(found.values) > found.band).mean() == pytest.approx(0.05, abs=0.04)


@pytest.mark.parametrize("exponent", [0.2, 0.4, 1.5])
def test_the_decay_exponent_of_a_power_law_is_its_exponent(exponent: float) -> None:
    lags = (1, 2, 5, 10, 50)
    found, why = Correlogram(lags, 0.3 * np.array(lags) ** -exponent, 0.0).decay_exponent
    assert (found, why) == (pytest.approx(exponent), "")


def test_only_positive_autocorrelations_tell_their_decay() -> None:
    found, why = Correlogram((1, 2, 3, 4), np.array([0.4, -0.1, 0.2, 0.1]), 0.0).decay_exponent
    assert found == pytest.approx(-np.polyfit(np.log([1, 3, 4]), np.log([0.4, 0.2, 0.1]), 1)[0])
    assert why == ""
    found, why = Correlogram((1, 2), np.array([0.4, 0.1]), 0.0).decay_exponent
    assert math.isnan(found)
    assert "three" in why


def test_volatility_that_follows_losses_is_a_leverage_effect() -> None:
    draws = np.random.default_rng(3).normal(size=20_000)
    returns = draws * np.where(np.roll(draws, 1) < 0.0, 3.0, 1.0)
    found = leverage_effect(returns, (1, 2)).values
    assert found[0] < -0.1
    assert abs(found[1]) < 0.05
    assert leverage_effect(-returns, (1,)).values[0] == pytest.approx(-found[0])


@pytest.mark.parametrize("returns", [[0.1] * 50, [1.0, 2.0]])
def test_memory_of_nothing_is_undefined_with_a_reason(returns: list[float]) -> None:
    for found in (autocorrelation(np.array(returns), (1, 2)), leverage_effect(np.array(returns), (1, 2))):
        assert np.isnan(found.values).all()
        assert found.reason
        assert found.decay_exponent[1] == found.reason


# Gains and losses -------------------------------------------------------------------------------------------


def test_asymmetry_counts_large_losses_against_large_gains() -> None:
    returns = np.array([-9.0, -8.0, 9.5] + [0.0] * 30)
    assert gain_loss_asymmetry(returns).value == pytest.approx(1.0 / 3.0)
    assert gain_loss_asymmetry(-returns).value == pytest.approx(-1.0 / 3.0)


def test_without_large_returns_there_is_no_asymmetry_to_speak_of() -> None:
    for returns in ([1.0, -1.0] * 9, [0.1] * 9, []):
        found = gain_loss_asymmetry(np.array(returns))
        assert math.isnan(found.value)
        assert found.reason


# Bad input --------------------------------------------------------------------------------------------------


def test_impossible_questions_are_refused(normal: np.ndarray) -> None:
    for ask in (
        lambda: hill_index(normal, 0),
        lambda: aggregated(normal, 0),
        lambda: autocorrelation(normal, (0,)),
        lambda: leverage_effect(normal, (-1,)),
        lambda: log_returns(np.array([1.0, 0.0])),
        lambda: log_returns(np.array([1.0, math.nan])),
    ):
        with pytest.raises(InputError):
            ask()


def test_log_returns_add_up() -> None:
    assert log_returns(np.array([1.0, math.e, 1.0])).tolist() == pytest.approx([1.0, -1.0])


def test_the_tail_weight_of_a_normal_law_is_one_and_of_others_as_their_quantiles_say():
    levels = (np.arange(200_000) + 0.5) / 200_000
    assert tail_weight(stats.norm.ppf(levels)) == pytest.approx(1.0, abs=1e-3)
    law = stats.t(3)
    expected = (law.ppf(0.99) / law.ppf(0.75)) / (stats.norm.ppf(0.99) / stats.norm.ppf(0.75))
    assert tail_weight(law.ppf(levels)) == pytest.approx(expected, rel=1e-3)


def test_the_tail_weight_knows_no_unit_and_no_level():
    returns = np.random.default_rng(3).standard_t(4, 1_000)
    assert tail_weight(7.0 - 3.0 * returns) == pytest.approx(tail_weight(returns))
    assert math.isnan(tail_weight(np.zeros(50)))


# Errors on paper --------------------------------------------------------------------------------------------


def ends(found) -> tuple[float, float]:
    return found.low, found.high


def test_intervals_are_the_value_less_and_plus_1_96_standard_errors() -> None:
    """Hill: index / sqrt(k); kurtosis: sqrt(24 / n); asymmetry of 3 losses and 1 gain: 2 sqrt(3/4 * 1/4 / 4)."""
    hill = hill_index(np.array([-(math.e**3), 0.0, math.e**2, math.e]), 2)
    assert ends(hill) == pytest.approx((2 / 3 * (1 - 1.959964 / math.sqrt(2)), 2 / 3 * (1 + 1.959964 / math.sqrt(2))))
    kurtosis = excess_kurtosis(np.array([1.0, -1.0, 1.0, -1.0]))  # four returns are enough; m4 = m2 = 1
    assert (kurtosis.value, kurtosis.n) == (-2.0, 4)
    assert ends(kurtosis) == pytest.approx((-2.0 - 1.959964 * math.sqrt(6.0), -2.0 + 1.959964 * math.sqrt(6.0)))
    returns = np.array([-9.0, -8.0, -8.5, 9.5] + [0.0] * 60)
    asymmetry = gain_loss_asymmetry(returns)
    error = 2.0 * math.sqrt(3 / 16 / 4)
    assert (asymmetry.value, asymmetry.n) == (0.5, 4)
    assert ends(asymmetry) == pytest.approx((0.5 - 1.959964 * error, 0.5 + 1.959964 * error))


def test_large_returns_are_counted_from_their_mean_and_the_edge_is_large() -> None:
    """Of 7 at 0 and one at 8, mean 1, deviation sqrt(7): the 8 is exactly sqrt(7) deviations above the mean."""
    returns = np.array([0.0] * 7 + [8.0])
    for shift in (0.0, 100.0):
        assert gain_loss_asymmetry(returns + shift, 2.6).value == -1.0
        assert "no return is that large" in gain_loss_asymmetry(returns + shift, 2.7).reason
    halves = np.array([-1.0, 1.0])  # one deviation each way, to the last bit
    assert (gain_loss_asymmetry(halves, 1.0).value, gain_loss_asymmetry(halves, 1.0).n) == (0.0, 2)


def test_what_cannot_be_told_says_of_how_many_returns_and_of_which_lags() -> None:
    flat = gain_loss_asymmetry(np.full(9, 0.1))
    assert (flat.n, flat.method) == (9, "gain/loss asymmetry beyond 2 deviations")
    unknown = autocorrelation(np.full(9, 0.1), (1, 3))
    assert (unknown.lags, unknown.reason) == ((1, 3), "the returns do not vary")
    assert excess_kurtosis(np.array([1.0, 2.0, 4.0])).reason == "needs four returns (has 3)"
