"""Numbers that the papers print, or that follow from them, out of the formulas of the targets."""

import math

import numpy as np
import pytest

from experiments.target import verdict
from experiments.theory.cascade import CascadeLaw
from experiments.theory.cascade_variants import OneSeed, borel
from experiments.theory.exit import ExitVenue
from experiments.theory.netting import LiquidatedFraction
from experiments.theory.passage import PassageVenue
from simulation.errors import InputError


def test_the_law_of_200_accounts() -> None:
    law = CascadeLaw(200, 0.01, 0.003)
    assert law.pmf[:6] == pytest.approx([0.13398, 0.14796, 0.13062, 0.10832, 0.08800, 0.07108], abs=5e-6)


def test_many_accounts_are_the_poisson_limit() -> None:
    law = CascadeLaw(100_000, 2e-5, 6e-6)
    assert (law.mean, law.variance) == (pytest.approx(5.0, rel=1e-3), pytest.approx(31.25, rel=1e-3))


@pytest.mark.parametrize(("ratio", "amplification"), [(0.2, 1.25), (0.5, 2.0), (0.8, 5.0), (0.9, 10.0)])
def test_borels_law_has_the_mean_and_variance_of_a_branching_process(ratio: float, amplification: float) -> None:
    k, law = np.arange(1, 20_001), borel(ratio, 20_000)
    assert float(law.sum()) == pytest.approx(1.0)
    assert float(law @ k) == pytest.approx(amplification)
    assert float(law @ (k - amplification) ** 2) == pytest.approx(ratio / (1.0 - ratio) ** 3)


def test_depth_from_one_seed() -> None:
    found = 1.0 - CascadeLaw(2_000, 0.5 / 2_000, 0.5 / 2_000).depth(3)
    assert found == pytest.approx([0.3935, 0.1786, 0.0854, 0.0418], abs=1e-3)


def test_the_critical_tail_is_a_root() -> None:
    beyond = 1.0 - np.cumsum(borel(1.0, 40_000))
    assert math.log(beyond[99] / beyond[9_999]) / math.log(100.0) == pytest.approx(0.5, abs=2e-3)
    assert beyond[9_999] * 100.0 == pytest.approx(math.sqrt(2.0 / math.pi), rel=1e-2)


def test_leverage_on_the_way_out_rises_to_its_peak() -> None:
    # The published law moves dollars, 1 - I x^d; logs are the same for small I, so the numbers are scaled down.
    x = np.linspace(1e-3, 0.999, 999)
    impact, d, first = 0.1, 0.5, 9.0
    own = (1 - x) * (1 - impact * x**d) / (1 / first - impact * x**d + impact * d / (1 + d) * x ** (1 + d))
    assert own.max() == pytest.approx(11.02, abs=5e-3)
    assert x[own.argmax()] == pytest.approx(0.183, abs=2e-3)
    small = ExitVenue(1e-5).leverages(first * 1e4, x)
    dollars = (1 - x) * (1 - 1e-5 * x**d) / (1e-4 / first - 1e-5 * x**d + 1e-5 * d / (1 + d) * x ** (1 + d))
    assert small == pytest.approx(dollars, rel=1e-3)


@pytest.mark.parametrize(
    ("leverage", "rate", "numbers"),
    [(10.0, 0.005, (90.4523, 0.383553, 0.359949, 0.319151)), (20.0, 0.004, (95.3815, 0.685240, 0.653662, 0.597362))],
)
def test_first_passage(leverage: float, rate: float, numbers: tuple[float, ...]) -> None:
    hourly, rarer = (PassageVenue(leverage, rate, steps=steps) for steps in (168, 21))
    found = (hourly.barrier, hourly.probability(discrete=False), hourly.probability(), rarer.probability())
    assert found == pytest.approx(numbers, rel=1e-5)


@pytest.mark.parametrize(
    ("p", "rho", "quantiles"),
    [(0.05, 0.3, (0.12987, 0.32887, 0.52275)), (0.01, 0.6, (0.01749, 0.20352, 0.54239))],
)
def test_vasiceks_quantiles(p: float, rho: float, quantiles: tuple[float, ...]) -> None:
    target = LiquidatedFraction(probability=p, correlation=rho)
    assert [target.quantile(level) for level in (0.9, 0.99, 0.999)] == pytest.approx(quantiles, abs=5e-6)


@pytest.mark.parametrize("target", [OneSeed(replications=300), OneSeed(ratio=1.0, accounts=60, replications=300)])
def test_one_seed_sets_off_what_borel_says(target: OneSeed) -> None:
    checks = target.run()
    assert verdict(checks), [check for check in checks if not check.passed]


def test_what_is_no_approximation_is_refused() -> None:
    with pytest.raises(InputError, match="liquidated at once"):
        PassageVenue(leverage=300.0)
    with pytest.raises(InputError, match="steps: must be at least"):
        PassageVenue(leverage=100.0)
    with pytest.raises(InputError, match="drift"):
        PassageVenue(drift=10.0, steps=30)
