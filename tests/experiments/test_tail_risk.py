"""Tails over storms: closed forms of the normal law, plain readings, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from experiments.return_moments import realised_correlation, realised_volatility, tail_dependence
from experiments.run import run
from experiments.statistics import resample
from experiments.tail_risk import (
    bad_debt_tail,
    delta_covar,
    group_losses,
    least_fund,
    marginal_shortfall,
    probability_of,
    quantile_regression,
)
from simulation.errors import InputError
from tests.experiments.storms import TIER, by_hand


def normal_pairs(n, rho, seed=1):
    x, e = np.random.default_rng(seed).standard_normal((2, n))
    return np.column_stack([x, rho * x + math.sqrt(1.0 - rho * rho) * e])


# Bad debt and the fund ----------------------------------------------------------------------------------------


def test_the_tail_of_bad_debt_is_read_off_the_ordered_storms():
    debt = np.concatenate([np.zeros(600), np.arange(1.0, 401.0)])
    found = bad_debt_tail(np.random.default_rng(0).permutation(debt))
    assert found["P(BD > 0)"].value == 0.4
    assert found["mean"].value == pytest.approx(400 * 401 / 2 / 1000)
    assert found["quantile 95 %"].value == 350.0
    assert found["quantile 99 %"].value == 390.0
    assert found["ES 99 %"].value == pytest.approx(np.mean(np.arange(391.0, 401.0)))
    for one in found.values():
        assert one.low <= one.value <= one.high


def test_too_few_storms_give_no_tail_but_a_probability():
    found = bad_debt_tail([0.0, 5.0, 0.0, 1.0])
    assert found["P(BD > 0)"].value == 0.5
    assert found["mean"].value == 1.5
    assert "needs at least 100 runs (got 4)" in found["quantile 95 %"].reason
    assert "needs at least 500 runs (got 4)" in found["ES 99 %"].reason
    assert math.isnan(found["ES 99 %"].value)


def test_a_storm_without_a_number_leaves_nothing_defined():
    for one in bad_debt_tail([0.0, math.nan] * 400).values():
        assert math.isnan(one.value)
        assert one.reason


def test_no_storm_gives_no_probability():
    assert probability_of([]).reason == "no runs"
    assert probability_of([0.0, 0.5]).reason == "some storms are neither 0 nor 1"


@given(st.lists(st.floats(0.0, 1e6), min_size=200, max_size=400), st.sampled_from([0.05, 0.1, 0.5]))
@settings(max_examples=30, deadline=None)
def test_the_least_fund_is_the_smallest_that_is_depleted_often_enough(needed, alpha):
    values = np.array(needed)
    least = least_fund(values, alpha).value
    assert (values > least).mean() <= alpha
    smaller = values[values < least]
    if len(smaller):
        assert (values > smaller.max()).mean() > alpha


# Systemic tails -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rho", "q"), [(0.0, 0.95), (0.6, 0.95), (-0.4, 0.9)])
def test_delta_covar_of_normal_losses_is_rho_sigma_z(rho, q):
    """The system is the sum of both: its spread is sqrt(2 + 2 rho), its correlation with a part sqrt((1 + rho) / 2)."""
    found = delta_covar(3.0 * normal_pairs(3_000, rho), 0, q)
    expected = 3.0 * math.sqrt(2.0 + 2.0 * rho) * math.sqrt((1.0 + rho) / 2.0) * float(ndtri(q))
    half = (found.high - found.low) / 2.0
    assert abs(found.value - expected) < 2.0 * half
    assert half < 0.5 * expected


def test_a_part_that_is_the_system_has_its_own_quantile_as_delta_covar():
    losses = np.random.default_rng(3).exponential(size=(500, 1))
    high, middle = np.quantile(losses, [0.95, 0.5], method="inverted_cdf")
    assert delta_covar(losses, 0).value == pytest.approx(high - middle)


@given(st.integers(0, 10**6), st.sampled_from([0.5, 0.9, 0.95]), st.integers(20, 120))
@settings(max_examples=15, deadline=None)
def test_the_quantile_regression_loses_no_more_than_the_linear_programme(seed, q, n):
    random = np.random.default_rng(seed)
    x = random.standard_normal(n) * 10.0 ** random.uniform(-3, 3)
    y = 2.0 * x + random.standard_t(3, n)
    a, b = quantile_regression(x, y, q)
    cost = np.concatenate([[0.0, 0.0], np.full(n, q), np.full(n, 1.0 - q)])
    design = np.column_stack([np.ones(n), x, np.eye(n), -np.eye(n)])
    best = linprog(cost, A_eq=design, b_eq=y, bounds=[(None, None)] * 2 + [(0.0, None)] * (2 * n)).fun
    rest = y - a - b * x
    assert float(np.where(rest < 0.0, (q - 1.0) * rest, q * rest).sum()) == pytest.approx(best, rel=1e-6, abs=1e-9)


def test_marginal_shortfalls_add_up_to_that_of_the_system():
    losses = np.random.default_rng(5).gamma(2.0, size=(400, 3))
    system = losses.sum(axis=1)
    beyond = sorted(range(400), key=lambda i: -system[i])[:20]
    parts = [marginal_shortfall(losses, part).value for part in range(3)]
    assert parts == pytest.approx([sum(losses[i, part] for i in beyond) / 20 for part in range(3)])
    assert sum(parts) == pytest.approx(system[beyond].mean())


def test_marginal_shortfall_of_normal_losses_is_beta_times_the_systems():
    rho, q = 0.5, 0.95
    found = marginal_shortfall(normal_pairs(40_000, rho), 0, q)
    tail = math.exp(-(float(ndtri(q)) ** 2) / 2.0) / math.sqrt(2.0 * math.pi) / (1.0 - q)
    expected = math.sqrt((1.0 + rho) / 2.0) * tail
    assert abs(found.value - expected) < 2.0 * (found.high - found.low) / 2.0


def test_losses_of_groups_are_deposits_less_equity_storm_by_storm():
    wild = {"name": "X", "price": 100.0, "volatility": 5.0, "tiers": [TIER]}
    scenario = by_hand(price={"kind": "gbm"}, markets=[wild])
    table = group_losses(scenario, [3, 1])
    assert table.index.tolist() == [3, 1]
    assert list(table.columns) == ["A", "B", "C"]
    for seed in (1, 3):
        accounts = run(scenario.with_(seed=seed)).accounts.set_index("account")
        for name in "ABC":
            held = accounts.loc[f"{name}[0]"]
            assert table[name][seed] == pytest.approx(held["deposited"] - held["equity"])
    assert table["A"][1] != table["A"][3]


def test_what_the_systemic_tails_need_is_said():
    assert delta_covar(np.zeros((50, 2)), 0).reason == "needs at least 100 runs (got 50)"
    assert "loses the same" in delta_covar(np.zeros((100, 2)), 1).reason
    assert "no system loss exceeds" in marginal_shortfall(np.zeros((100, 2)), 1).reason
    assert marginal_shortfall(np.full((100, 2), np.nan), 0).reason == "some losses are not finite"
    for bad in (np.zeros(100), np.zeros((100, 0))):
        with pytest.raises(InputError, match="losses: must be"):
            delta_covar(bad, 0)
    for q in (0.0, 1.0, math.nan):
        with pytest.raises(InputError, match="q: must be between 0 and 1"):
            marginal_shortfall(np.zeros((100, 2)), 0, q)
        with pytest.raises(InputError, match="alpha: must be between 0 and 1"):
            least_fund([1.0] * 100, q)


def test_the_order_of_storms_does_not_matter():
    losses = normal_pairs(300, 0.3)
    mixed = losses[np.random.default_rng(1).permutation(300)]
    assert delta_covar(losses, 0) == delta_covar(mixed, 0)
    assert marginal_shortfall(losses, 1) == marginal_shortfall(mixed, 1)


# Joint tails of returns ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rho", "q"), [(0.0, 0.01), (0.5, 0.01), (0.8, 0.001), (0.8, 0.05)])
def test_tail_dependence_of_a_normal_pair_at_finite_q(rho, q):
    n = 400_000
    z = float(ndtri(q))
    expected = float(multivariate_normal([0.0, 0.0], [[1.0, rho], [rho, 1.0]]).cdf([z, z])) / q
    found, why = tail_dependence(normal_pairs(n, rho), q)
    assert not why
    assert found == pytest.approx(expected, abs=4.0 * math.sqrt(expected * (1.0 - expected) / (n * q)))


def test_tail_dependence_of_equal_and_of_opposite_returns():
    x = np.random.default_rng(1).standard_normal(1_000)
    assert tail_dependence(np.column_stack([x, 2.0 * x]), 0.01) == (1.0, "")
    assert tail_dependence(np.column_stack([x, -x]), 0.01) == (0.0, "")
    three = np.column_stack([x, x, -x])
    assert tail_dependence(three, 0.01)[0] == pytest.approx(1.0 / 3.0)


def test_what_tail_dependence_needs_is_said():
    x = np.random.default_rng(1).standard_normal((600, 2))
    assert tail_dependence(x, 0.001)[1] == "needs at least 5,000 returns at q = 0.001 (got 600)"
    assert tail_dependence(x[:, :1], 0.01)[1] == "there is no second market"
    assert "equal returns" in tail_dependence(np.zeros((600, 2)), 0.01)[1]
    with pytest.raises(InputError, match="q: must be between"):
        tail_dependence(x, 1.0)


def test_realised_moments_by_hand():
    returns = np.array([[0.1, 0.2], [-0.2, 0.1]])
    volatility, _ = realised_volatility(returns, 31_536_000.0)
    assert volatility == pytest.approx(math.sqrt(0.05 / 2.0))
    assert realised_correlation(returns) == (0.0, "")
    assert realised_correlation(np.array([[0.1, -0.1], [0.2, -0.2]]))[0] == pytest.approx(-1.0)
    for moment in (lambda r: realised_volatility(r, 1.0), realised_correlation):
        value, why = moment(returns[:1])
        assert math.isnan(value)
        assert why == "needs at least 2 returns (got 1)"


def test_the_interval_of_delta_covar_is_the_middle_95_percent_of_resampled_storms():
    """Of a part that is the system itself: of the distance of two order statistics, in 200 resamples."""
    losses = np.random.default_rng(4).exponential(size=(200, 1))

    def distance(rows):
        ordered = np.sort(rows[:, :, 0], axis=1)
        return ordered[:, 189] - ordered[:, 99]  # of 200: the 95 % and the 50 % quantile

    draws = np.sort(distance_of_pairs(losses, distance))
    found = delta_covar(losses, 0, seed=9)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), rel=1e-6)


def distance_of_pairs(losses, distance):
    pairs = np.sort(np.column_stack([losses, losses]), axis=0)
    return resample(pairs, distance, 9, 200)


def test_what_is_undefined_says_of_how_many_storms_and_by_which_method():
    for found in (delta_covar(np.zeros((50, 2)), 0), marginal_shortfall(np.zeros((50, 2)), 0)):
        assert found.n == 50
        assert found.method.startswith(("Delta-CoVaR 95 %", "marginal ES 95 %"))
    quantile = bad_debt_tail([0.0, 5.0, 0.0, 1.0])["quantile 95 %"]
    assert (quantile.n, quantile.method) == (4, "95 % quantile, order statistics 95 %")
