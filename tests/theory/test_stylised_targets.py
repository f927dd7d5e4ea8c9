"""Stylised facts as targets: laws checked by brute force, other parameters, planted mistakes, refusals."""

import math

import numpy as np
import pytest
from scipy import stats

from experiments.target import verdict
from experiments.theory import stylised
from experiments.theory.known_returns import Gjr, LongMemory, hill_of_t
from experiments.theory.stylised import IndependentReturns, Leverage, Memory
from experiments.theory.stylised_prices import SimulatedPrices
from simulation.errors import InputError
from simulation.random import Streams
from tests.theory.tiers import thorough

# The laws ---------------------------------------------------------------------------------------------------


def test_hill_at_the_threshold_of_a_t_law_is_the_mean_excess_by_simulation() -> None:
    draws = np.abs(stats.t.rvs(3.0, size=2_000_000, random_state=1))
    threshold = np.quantile(draws, 0.98)
    excess = np.log(draws[draws > threshold] / threshold)
    assert hill_of_t(3.0, 0.02) == pytest.approx(1.0 / excess.mean(), rel=0.02)


def test_far_out_the_tail_index_of_a_t_law_is_its_degrees_of_freedom() -> None:
    assert hill_of_t(3.0, 1e-9) == pytest.approx(3.0, rel=1e-3)


def test_fractional_noise_without_memory_is_independent() -> None:
    assert LongMemory(0.5).memory(np.array([0.0, 1.0, 7.0])) == pytest.approx([1.0, 0.0, 0.0])


def test_long_memory_decays_as_a_power() -> None:
    g = LongMemory(0.85).memory(np.array([1e3, 1e4]))
    assert math.log10(g[0] / g[1]) == pytest.approx(0.3, rel=1e-3)


def test_the_size_correlation_is_that_of_two_joint_normals() -> None:
    law, rng = LongMemory(0.8, 1.2), np.random.default_rng(1)
    g = float(law.memory(np.array([1.0]))[0])
    first, other, z, w = rng.normal(size=(4, 1_000_000))
    second = g * first + math.sqrt(1.0 - g * g) * other
    sizes = np.exp(0.6 * first) * np.abs(z), np.exp(0.6 * second) * np.abs(w)
    assert law.size_autocorrelation(np.array([1.0]))[0] == pytest.approx(np.corrcoef(*sizes)[0, 1], abs=0.01)


def test_the_kurtosis_of_gjr_is_that_of_garch_without_asymmetry() -> None:
    a, b = 0.1, 0.85
    assert Gjr(a, 0.0, b).kurtosis == pytest.approx(3.0 * (1.0 - (a + b) ** 2) / (1.0 - (a + b) ** 2 - 2.0 * a * a))


def test_gjr_returns_have_that_kurtosis() -> None:
    law = Gjr(0.02, 0.08, 0.8)
    returns = law.returns(400, 2_000, Streams(1))
    fourth = (returns**4).mean(axis=1)
    assert abs(fourth.mean() - law.kurtosis) < 4.0 * fourth.std() / 20.0


# The targets at other parameters ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        IndependentReturns(),
        IndependentReturns(pareto_index=0.5, tail_index=2.2, tail_share=0.1, moment_index=40.0, deviations=0.2, seed=2),
        IndependentReturns(pareto_index=15.0, tail_index=30.0, tail_share=0.001, horizons=(2, 100), seed=3),
        Memory(),
        Memory(hurst=0.6, spread=1.4, lags=(1, 3, 5), seed=2),
        Memory(hurst=0.94, spread=0.6, steps=4_096, seed=3),
        Leverage(),
        Leverage(reaction=0.0, asymmetry=0.15, persistence=0.8, lags=(1, 20), seed=2),
        Leverage(asymmetry=0.0, seed=3),
        SimulatedPrices(),
    ],
    ids=str,
)
def test_the_estimators_give_back_what_is_known(target) -> None:
    checks = target.run()
    assert verdict(checks), [check for check in checks if not check.passed]


@pytest.mark.parametrize(
    ("target", "named", "wrong"),
    [
        (Leverage(), "leverage_effect", lambda right: lambda r, lags: right(-r, lags)),
        (Memory(), "autocorrelation", lambda right: lambda x, lags: right(x, [lag + 1 for lag in lags])),
        (IndependentReturns(draws=400_000), "hill_index", lambda right: lambda r, k: right(r + 0.2 * (r > 0), k)),
        (IndependentReturns(), "gain_loss_asymmetry", lambda right: lambda r, d: right(r, 1.1 * d)),
    ],
    ids=["sign of the leverage effect", "lag", "shifted tail", "threshold"],
)
def test_a_wrong_estimator_is_noticed(target, named: str, wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylised, named, wrong(getattr(stylised, named)))
    assert not verdict(target.run())


@thorough
@pytest.mark.parametrize("parameters", [{"impact": 0.02}, {"impact": 0.04, "seed": 5}, {"largest_leverage": 20.0}])
def test_simulated_prices_show_the_facts_at_other_parameters(parameters: dict) -> None:
    assert verdict(SimulatedPrices(**parameters, histories=200).run())


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(InputError, match="eighth moment"):
        Leverage(asymmetry=0.4, persistence=0.9).run()
    with pytest.raises(InputError, match="lags"):
        Memory(lags=(1, 2, 10_000)).run()
    with pytest.raises(InputError, match="horizons"):
        IndependentReturns(horizons=(0,)).run()
