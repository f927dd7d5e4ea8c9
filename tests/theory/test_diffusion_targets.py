"""Option prices and joint crashes as targets: published numbers, other parameters, planted mistakes, refusals."""

import math

import numpy as np
import pytest
from scipy import stats

from experiments.target import verdict
from experiments.theory import diffusions
from experiments.theory.dependence import Copula, DynamicCorrelation
from experiments.theory.diffusions import BlackScholes, Heston, Merton
from experiments.theory.option_prices import Call, HestonLaw, MertonLaw, controlled, lognormal_price
from simulation.errors import InputError
from simulation.price.base import PriceProcess
from tests.theory.tiers import thorough

# Published numbers ------------------------------------------------------------------------------------------


def test_hestons_integral_gives_the_price_of_broadie_and_kaya() -> None:
    law = HestonLaw(6.21, 0.019, 0.61, -0.7, 0.010201)
    assert law.price(Call(100.0, 100.0, 1.0, 0.0319)) == pytest.approx(6.8061, abs=5e-5)


def test_hull_s_example() -> None:
    call = Call(42.0, 40.0, 0.5, 0.1)
    assert [round(lognormal_price(call, 0.2, side), 2) for side in (1.0, -1.0)] == [4.76, 0.81]


@pytest.mark.parametrize(("index", "quantile", "expected"), [(math.inf, 0.001, 0.054), (4.0, 0.01, 0.289)])
def test_joint_crashes_at_a_finite_quantile(index: float, quantile: float, expected: float) -> None:
    assert Copula(quantile=quantile).chance(index) == pytest.approx(expected, abs=2e-3)


# The laws ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strike", [60.0, 100.0, 160.0])
def test_without_jumps_or_wandering_volatility_all_prices_are_the_lognormal_one(strike: float) -> None:
    call = Call(100.0, strike, 0.7, 0.03)
    expected = lognormal_price(call, 0.4, 1.0)
    assert MertonLaw(0.4, 0.0, 0.1, 0.2).price(call) == pytest.approx(expected, abs=1e-9)
    assert HestonLaw(2.0, 0.16, 1e-4, 0.0, 0.16).price(call) == pytest.approx(expected, abs=1e-4)


def test_mertons_series_is_the_mean_payoff_by_simulation() -> None:
    rng, call = np.random.default_rng(1), Call(100.0, 110.0, 0.5, 0.05)
    count = rng.poisson(4.0 * 0.5, 400_000)
    jumps = count * 0.05 + np.sqrt(count) * 0.2 * rng.normal(size=400_000)
    drift = 0.05 - 0.5 * 0.3**2 - 4.0 * math.expm1(0.05 + 0.5 * 0.2**2)
    price = 100.0 * np.exp(drift * 0.5 + 0.3 * math.sqrt(0.5) * rng.normal(size=400_000) + jumps)
    payoff = math.exp(-0.025) * np.maximum(price - 110.0, 0.0)
    error = payoff.std() / math.sqrt(len(payoff))
    assert abs(payoff.mean() - MertonLaw(0.3, 4.0, 0.05, 0.2).price(call)) < 4.0 * error


def test_a_control_keeps_the_mean_and_takes_the_spread() -> None:
    rng = np.random.default_rng(2)
    price = rng.normal(10.0, 1.0, 10_000)
    payoff = 3.0 * price + rng.normal(0.0, 0.1, 10_000)
    found = controlled(payoff, price, 10.0)
    assert found.mean() == pytest.approx(30.0, abs=0.01)
    assert found.std() < 0.11


@pytest.mark.parametrize(("index", "correlation"), [(2.5, 0.6), (8.0, -0.3)])
def test_joint_crashes_are_those_of_the_bivariate_t_law(index: float, correlation: float) -> None:
    edge = stats.t.ppf(0.05, index)
    shape = [[1.0, correlation], [correlation, 1.0]]
    joint = stats.multivariate_t([0.0, 0.0], shape, index).cdf([edge, edge], maxpts=10**6, random_state=1)
    found = Copula(correlation=correlation, quantile=0.05).chance(index)
    assert found == pytest.approx(float(joint) / 0.05, abs=1e-3)


# The targets at other parameters ----------------------------------------------------------------------------

OTHERS = [
    Merton(),
    Merton(volatility=0.6, jump_rate=20.0, jump_mean=0.05, jump_spread=0.1, interest=0.1, strike=120.0, seed=2),
    Merton(jump_rate=0.0, seed=3),
    Heston(),
    Heston(reversion=3.0, level=0.09, deviation=0.4, correlation=-0.3, first=0.16, strike=120.0, seed=2),
    BlackScholes(),
    BlackScholes(spot=60_000.0, moneyness=1.3, volatility=0.9, interest=-0.05, years=0.1),
    Copula(),
    Copula(tail_index=2.5, correlation=-0.5, quantile=0.05, margin_index=20.0, seed=2),
    DynamicCorrelation(),
    DynamicCorrelation(correlation=-0.6, reaction=0.02, persistence=0.9, seed=2),
    DynamicCorrelation(reaction=0.0, persistence=0.0, seed=3),
]


@pytest.mark.parametrize("target", OTHERS, ids=str)
def test_the_engine_has_these_prices_and_crashes(target) -> None:
    checks = target.run()
    assert verdict(checks), [check for check in checks if not check.passed]


@thorough
@pytest.mark.parametrize("kind", [Merton, Heston, Copula, DynamicCorrelation])
def test_the_engine_has_them_with_many_draws(kind) -> None:
    assert verdict(kind.of({**kind.thorough, "seed": 5}).run())


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        (Merton(draws=200_000), {"volatility_scale": 1.02}),
        (Merton(draws=200_000), {"drift": 0.02}),
        (Heston(draws=20_000), {"price_volatility_correlation": 0.0}),
        (Heston(draws=20_000), {"reversion": 2.0}),
    ],
    ids=["volatility 2 % too high", "drift", "correlation", "reversion"],
)
def test_a_wrong_generator_is_noticed(target, wrong: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = PriceProcess.parse

    class Wrong:
        @staticmethod
        def parse(rule: dict):
            return parse({**rule, **wrong})

    monkeypatch.setattr(diffusions, "PriceProcess", Wrong)
    assert not verdict(target.run())


def test_what_a_simulation_cannot_tell_is_refused() -> None:
    with pytest.raises(InputError, match="jumps are expected"):
        Merton(jump_rate=0.01).run()
    with pytest.raises(InputError, match="too little"):
        Merton(volatility=0.05, jump_rate=0.0, strike=190.0).run()
    with pytest.raises(InputError, match="crashes are needed"):
        Copula(quantile=1e-4).run()
    with pytest.raises(InputError, match="persistence"):
        DynamicCorrelation(reaction=0.1, persistence=0.94).run()
