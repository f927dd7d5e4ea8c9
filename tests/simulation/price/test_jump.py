"""Jumps: the cumulants of Merton, common jumps that take several markets at once, exact counts."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError
from scipy import stats

from simulation.arrays import Array
from simulation.errors import ScenarioError
from simulation.price.base import PriceProcess
from simulation.price.jump import JumpDiffusion
from simulation.price.jumps import Jumps, binomial_count, poisson_count
from simulation.random import Streams
from tests.simulation.price.worlds import batch_score, log_returns, world

YEAR_HOURS = 8_760.0
FIXED = {"own_std": 0.0, "common_std": 0.0, "compensated": False}  # jump sizes known, nothing else moves


def still(**jumps: Any) -> JumpDiffusion:
    return JumpDiffusion(volatility_scale=0.0, jumps=Jumps(**{**FIXED, **jumps}))


def jump_counts(process: JumpDiffusion, markets: int, steps: int, size: float) -> Array:
    counts = log_returns(process, world(markets, steps)) / size
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)
    return np.round(counts)


@pytest.mark.parametrize("which", ["own", "common"])
def test_cumulants_are_those_of_merton(which: str) -> None:
    rate, mean, std, n = 2_000.0, 0.01, 0.02, 400_000
    jumps = Jumps(**{f"{which}_rate": rate, f"{which}_mean": mean, f"{which}_std": std})
    batches = log_returns(JumpDiffusion(jumps=jumps), world(1, n)).reshape(80, -1)
    per_step = rate / YEAR_HOURS
    compensator = per_step * np.expm1(mean + std**2 / 2)
    expected = {
        1: -0.32 / YEAR_HOURS - compensator + per_step * mean,
        2: 0.64 / YEAR_HOURS + per_step * (mean**2 + std**2),
        3: per_step * mean * (mean**2 + 3 * std**2),
        4: per_step * (mean**4 + 6 * mean**2 * std**2 + 3 * std**4),
    }
    for order, cumulant in expected.items():
        assert abs(batch_score(stats.kstat(batches, order, axis=1), cumulant)) < 4.0, order


def test_the_law_of_a_return_is_mertons_poisson_mixture() -> None:
    rate, mean, std = 3_000.0, -0.02, 0.03
    jumps = Jumps(own_rate=rate, own_mean=mean, own_std=std, compensated=False)
    returns = log_returns(JumpDiffusion(jumps=jumps), world(1, 20_000))[:, 0]
    counts = np.arange(12)
    weights = stats.poisson.pmf(counts, rate / YEAR_HOURS)
    spread = np.sqrt(0.64 / YEAR_HOURS + counts * std**2)

    def mixture(x: Array) -> Array:
        return stats.norm.cdf(x[:, None], -0.32 / YEAR_HOURS + counts * mean, spread) @ weights

    assert stats.kstest(returns, mixture).pvalue > 1e-3


@pytest.mark.parametrize("compensated", [True, False])
def test_compensation_keeps_the_expected_price(compensated: bool) -> None:
    own = {"own_rate": 500.0, "own_mean": 0.01, "own_std": 0.1}
    common = {"common_rate": 300.0, "common_mean": -0.02, "common_std": 0.1, "participation": 0.5}
    jumps = Jumps(**own, **common, compensated=compensated)
    added = 500.0 * np.expm1(0.01 + 0.005) + 300.0 * 0.5 * np.expm1(-0.02 + 0.005)
    assert jumps.compensator(1)[0] == pytest.approx(added, rel=1e-12)
    factors = np.exp(log_returns(JumpDiffusion(jumps=jumps), world(1, 100_000))).reshape(80, -1)
    expected = 1.0 if compensated else np.exp(added / YEAR_HOURS)
    assert abs(batch_score(factors.mean(axis=1), expected)) < 4.0


def test_own_jumps_come_at_their_rate_and_independently() -> None:
    n, rate = 100_000, 900.0
    counts = jump_counts(still(own_rate=rate, own_mean=-0.002), 2, n, -0.002)
    expected = n * rate / YEAR_HOURS
    assert np.abs(counts.sum(axis=0) - expected).max() < 4.0 * expected**0.5
    assert abs(np.corrcoef(counts.T)[0, 1]) < 4.0 / n**0.5


def test_common_jumps_hit_each_market_with_its_participation_and_both_together() -> None:
    n, rate, share = 100_000, 900.0, (0.8, 0.5)
    counts = jump_counts(still(common_rate=rate, common_mean=-0.002, participation=share), 2, n, -0.002)
    expected = n * rate / YEAR_HOURS * np.array(share)
    assert (np.abs(counts.sum(axis=0) - expected) < 4.0 * expected**0.5).all()
    both = (counts[:, 0] * counts[:, 1]).mean()  # E[N^2] p p' = (r + r^2) p p' for Poisson N
    hourly = rate / YEAR_HOURS
    assert both == pytest.approx((hourly + hourly**2) * 0.4, rel=0.1)


def test_with_full_participation_all_markets_jump_together() -> None:
    counts = jump_counts(still(common_rate=500.0, common_mean=0.05), 4, 5_000, 0.05)
    assert (counts == counts[:, :1]).all()
    assert counts.sum() > 0


@pytest.mark.parametrize("rho", [0.0, 0.6, 1.0])
def test_sizes_of_common_jumps_are_correlated_as_asked(rho: float) -> None:
    jumps = {"common_rate": 4_000.0, "common_std": 0.1, "common_size_correlation": rho}
    returns = log_returns(still(**jumps), world(2, 20_000))
    jumped = returns[np.abs(returns).min(axis=1) > 0.0]
    error = (1.0 - rho**2) / len(jumped) ** 0.5
    assert np.corrcoef(jumped.T)[0, 1] == pytest.approx(rho, abs=4.0 * error + 0.02)


def test_intensity_switches_jumps_off_and_on() -> None:
    place = world(1, 2_000)
    intensity = np.where(np.arange(2_000) < 1_000, 0.0, 2.0)
    moves = Jumps(own_rate=500.0).log_returns(place, Streams(1), intensity)
    assert (moves[:1_000] == 0.0).all()
    assert (moves[1_000:] != 0.0).all()  # compensator, or compensator and jump


def test_more_jumps_do_not_change_the_diffusion() -> None:
    none, many = (
        log_returns(JumpDiffusion(jumps=Jumps(own_rate=rate, own_mean=0.5, compensated=False)), world(1, 500))
        for rate in (0.0, 100.0)
    )
    quiet = np.abs(many - none) < 1e-9
    assert 400 < quiet.sum() < 500


chances = arrays.arrays(np.float64, 20, elements=st.floats(1e-9, 1.0 - 1e-9))


@given(chances, st.floats(0.0, 100.0))
def test_poisson_counts_are_quantiles(chance: Array, expected: float) -> None:
    count = poisson_count(chance, np.full(20, expected))
    # a rounding of the cumulative sum may shift a quantile by one only where the sum meets the chance
    assert (stats.poisson.cdf(count, expected) >= chance - 1e-12).all()
    assert ((count == 0) | (stats.poisson.cdf(count - 1, expected) < chance + 1e-12)).all()


@given(chances, st.integers(0, 9), st.sampled_from([0.0, 1e-6, 0.3, 0.999, 1.0]))
def test_binomial_counts_are_quantiles(chance: Array, trials: int, share: float) -> None:
    count = binomial_count(chance, np.full(20, float(trials)), np.full(20, share))
    assert ((count >= 0) & (count <= trials)).all()
    assert (stats.binom.cdf(count, trials, share) >= chance - 1e-12).all()
    assert ((count == 0) | (stats.binom.cdf(count - 1, trials, share) < chance + 1e-12)).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("own_rate", -1.0),
        ("own_std", -0.1),
        ("own_mean", 11.0),
        ("common_rate", -1.0),
        ("participation", 1.5),
        ("participation", [0.5, -0.1]),
        ("common_size_correlation", 1.1),
        ("own_rate", "often"),
        ("compensated", "perhaps"),
        ("rate", 1.0),
    ],
)
def test_a_bad_jump_parameter_is_refused_where_it_is_written(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        PriceProcess.parse({"kind": "jump_diffusion", "jumps": {field: value}})
    assert refusal.value.errors()[0]["loc"] == ("jumps", field)


def test_lists_of_a_wrong_length_and_thousands_of_jumps_a_step_are_refused() -> None:
    process = JumpDiffusion(jumps=Jumps(own_mean=(0.1, 0.2), common_rate=1e6))
    with pytest.raises(ScenarioError) as refusal:
        process.draw(world(3, 5, 86_400.0), Streams(1))
    assert refusal.value.problems == [
        "price.jumps.own_mean: must be one number, or 3 to match the markets (got 2)",
        "price.jumps.common_rate: means 2.74e+03 jumps a step; at most 100",
    ]
