"""Calls at the same moment, against the binomial law given the common factor, and against published numbers."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, multivariate_normal, norm

from experiments.margin_calls import CORRELATIONS, Calls, plot, run, shares
from experiments.run import run as run_scenario

DAY = Calls()
FEW = Calls(accounts=4, chance=0.3, correlation=0.5, share=0.5)


@functools.cache
def played(calls, storms):
    return shares(calls, storms)


def test_the_published_chances_of_a_bad_day():
    """p = 2 %, more than 10 % called at once: 0.000, 4.3 and 5.3 % at correlations .01, .36 and .70."""
    limits = [round(100.0 * replace(DAY, correlation=rho).limit(), 1) for rho in CORRELATIONS]
    assert limits == [0.0, 4.3, 5.3]


@pytest.mark.parametrize("rho", [0.05, 0.36, 0.7, 0.95])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_chance_is_the_binomial_law_averaged_over_the_factor(rho, share):
    calls = Calls(accounts=20, chance=0.1, correlation=rho)

    def given(z):
        p = norm.cdf((norm.ppf(0.1) - math.sqrt(rho) * z) / math.sqrt(1.0 - rho))
        return binom.sf(round(20 * share), 20, p) * norm.pdf(z)

    assert calls.exceeded(share) == pytest.approx(quad(given, -9.0, 9.0, limit=400)[0], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8])
def test_two_accounts_are_called_together_as_the_bivariate_normal_law_says(rho):
    both = multivariate_normal.cdf([norm.ppf(0.1)] * 2, mean=[0.0, 0.0], cov=[[1.0, rho], [rho, 1.0]])
    assert Calls(accounts=2, chance=0.1, correlation=rho, share=0.5).exceeded() == pytest.approx(both, rel=1e-5)


def test_many_accounts_tend_to_the_limit():
    assert replace(DAY, accounts=100_000).exceeded() == pytest.approx(DAY.limit(), rel=1e-4)


def test_without_correlation_nobody_is_called_together_but_by_chance():
    alone = replace(DAY, correlation=0.0)
    assert alone.exceeded() == pytest.approx(binom.sf(5, 50, 0.02), rel=1e-9)
    assert alone.limit() == 0.0
    assert replace(alone, chance=0.2).limit() == 1.0


def test_with_full_correlation_all_are_called_or_none():
    one = replace(DAY, correlation=1.0 - 1e-9)
    assert one.exceeded(0.0) == pytest.approx(0.02, abs=1e-4)
    assert one.exceeded(0.9) == pytest.approx(0.02, abs=1e-4)


@pytest.mark.parametrize("maintenance", [0.0, 0.02, 0.1])
def test_the_deposit_is_used_up_at_the_quantile_of_the_return(maintenance):
    calls = Calls(chance=0.05, volatility=1.2, maintenance=maintenance)
    deviation = 1.2 / math.sqrt(365.0)
    price = 100.0 * math.exp(-1.6448536269514722 * deviation - deviation**2 / 2.0)
    assert calls.deposit + price - 100.0 == pytest.approx(maintenance * price)


def test_the_desk_calls_whom_the_price_puts_under_margin():
    day = FEW.scenario()
    for seed in range(1, 6):
        found = run_scenario(day.with_(seed=seed))
        last = found.prices[found.prices["step"] == 1].set_index("market")["index"]
        due = {name for name in last.index if FEW.deposit + last[name] - 100.0 < 0.02 * last[name]}
        assert set(found.events["market"]) == due
        assert played(FEW, 5)[seed - 1] == len(due) / 4


def test_the_engine_calls_as_often_as_the_law_says():
    share = played(FEW, 300)
    assert share.mean() == pytest.approx(0.3, abs=4.0 * share.std() / math.sqrt(300))
    for x in (0.0, 0.25, 0.5, 0.75):
        known = FEW.exceeded(x)
        assert (share > x + 1e-9).mean() == pytest.approx(known, abs=4.0 * math.sqrt(known * (1.0 - known) / 300))


def test_correlation_makes_bad_days_and_leaves_accounts_alone():
    table = run(Calls(accounts=10, chance=0.1, share=0.3), (0.0, 0.8), storms=60)
    assert table["expected"].iloc[1] > 3.0 * table["expected"].iloc[0]
    assert (table["called_low"] < 0.1).all() and (table["called_high"] > 0.1).all()
    assert ((table["low"] <= table["simulated"]) & (table["simulated"] <= table["high"])).all()


def test_the_picture_says_how_many_days():
    picture = plot(Calls(accounts=5, chance=0.2), (0.3,), storms=10)
    assert picture.png.startswith(b"\x89PNG") and "10 days by the engine" in picture.caption


def test_days_are_those_of_their_seeds():
    assert np.array_equal(shares(FEW, 3, first=2), played(FEW, 5)[1:4])
