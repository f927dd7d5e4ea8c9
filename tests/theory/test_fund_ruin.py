import math

import numpy as np
import pytest

from experiments.target import SIGMAS, distinct_seed, table, verdict
from experiments.theory import ruin
from experiments.theory.ruin import FundVenue, ruin_target, ruins
from experiments.theory.shortfall_laws import ShortfallLaw
from simulation.random import Streams
from tests.theory.tiers import thorough


def failures(checks):
    found = table(checks)
    return found[~found["passed"]].to_string()


@pytest.mark.parametrize(
    ("loading", "fund", "horizon", "probability"),
    [
        (0.2, 0.0, None, 0.833333),
        (0.2, 2.0, None, 0.597109),
        (0.2, 5.0, None, 0.362165),
        (0.2, 10.0, None, 0.157396),
        (0.5, 0.0, None, 0.666667),
        (0.5, 2.0, None, 0.342278),
        (0.5, 5.0, None, 0.125917),
        (0.5, 10.0, None, 0.023783),
        (0.2, 2.0, 10.0, 0.419528),
        (0.2, 5.0, 30.0, 0.272237),
    ],
)
def test_the_formula_has_the_published_numbers(loading, fund, horizon, probability):
    assert FundVenue(fund, loading, horizon).probability() == pytest.approx(probability, abs=1e-6)


def test_a_horizon_without_end_is_for_ever():
    assert FundVenue(2.0, 0.5, 2_000.0).probability() == pytest.approx(
        FundVenue(2.0, 0.5, None).probability(), abs=1e-9
    )


@pytest.mark.parametrize(
    ("venue", "paths"),
    [(FundVenue(), 700), (FundVenue(0.0, 0.5, 5.0, claims=25), 700), (FundVenue(2.0, 0.5, None, claims=100), 200)],
)
def test_funds_are_ruined_as_often_as_theory_says(venue, paths):
    checks = ruin_target(venue, paths, 3)
    assert verdict(checks), failures(checks)


def test_a_wrong_loading_is_found():
    found = np.isfinite(ruins(FundVenue(2.0, 0.5, 10.0), 400)[0]).mean()
    wrong = FundVenue(2.0, 0.05, 10.0).probability()
    assert abs(found - wrong) > SIGMAS * math.sqrt(wrong * (1.0 - wrong) / 400)


def test_deficits_half_as_large_again_are_found(monkeypatch):
    monkeypatch.setattr(ruin, "ruins", lambda *asked: (ruins(*asked)[0], 1.5 * ruins(*asked)[1]))
    failed = [check.name for check in ruin_target(FundVenue(0.0, 0.5, 5.0, claims=25), 300, 3) if not check.passed]
    assert "mean deficit at ruin" in failed


@thorough
@pytest.mark.parametrize("venue", [FundVenue(), FundVenue(5.0, 0.2, 30.0, 80), FundVenue(2.0, 0.5, None, 190)])
def test_the_probability_of_ruin_holds_over_20_000_paths(venue):
    checks = ruin_target(venue, 20_000)
    assert verdict(checks), failures(checks)


@pytest.mark.parametrize("loading", [0.1, 0.02])
def test_a_path_longer_than_one_scenario_goes_on_with_its_fund(loading: float):
    """The risk process, played by hand on the same draws: u + c t - (what was claimed so far)."""
    venue, paths = FundVenue(1.0, loading, None, claims=130), 40
    streams, size = Streams(distinct_seed(7, 0)), 130 * paths
    waits, claims = (
        -np.log(streams.uniform(f"ruin/{what}", 0, size)).reshape(130, paths) for what in ("wait", "shortfall")
    )
    left = 1.0 + np.cumsum((1.0 + loading) * waits - claims, axis=0)
    broke = left < 0.0
    first = np.where(broke.any(axis=0), broke.argmax(axis=0), -1)
    expected = np.where(first >= 0, np.cumsum(waits, axis=0)[first, np.arange(paths)], np.inf)
    times, deficits = ruins(venue, paths, 7)
    np.testing.assert_array_equal(times, expected)
    assert deficits == pytest.approx(np.where(first >= 0, -left[first, np.arange(paths)], 0.0), abs=0.01)
    assert (first >= 40).any()  # some outlive the first scenario


# Shortfalls of other laws -----------------------------------------------------------------------------------

EQUILIBRIUM = {
    "exponential": lambda rng, n: rng.exponential(1.0, n),
    "constant": lambda rng, n: rng.uniform(0.0, 1.0, n),
    "two_kinds": lambda rng, n: rng.exponential(1.0, n) / np.where(rng.random(n) < 1.0 / 3.0, 2.0, 0.5),
}


@pytest.mark.parametrize("loading", [0.3, 1.0])
@pytest.mark.parametrize("sizes", list(EQUILIBRIUM))
def test_ruin_is_that_of_a_geometric_sum_of_ladders(sizes, loading):
    """Pollaczek and Khinchine: psi(u) = P(L_1 + ... + L_N > u), P(N >= n) = b^n, L of the integrated tail."""
    law, rng, n = ShortfallLaw(sizes, loading), np.random.default_rng(7), 200_000
    rungs = rng.geometric(1.0 - 1.0 / (1.0 + loading), n) - 1
    total = np.zeros(n)
    for rung in range(rungs.max()):
        climbs = rungs > rung
        total[climbs] += EQUILIBRIUM[sizes](rng, int(climbs.sum()))
    for fund in (0.0, 0.4, 1.7, 4.0):
        assert law.psi(fund) == pytest.approx((total > fund).mean(), abs=0.006)


@pytest.mark.parametrize("sizes", list(EQUILIBRIUM))
def test_without_a_fund_the_law_of_shortfalls_does_not_matter_and_no_fund_exceeds_the_bound(sizes):
    for loading in (0.1, 0.5, 5.0):
        law = ShortfallLaw(sizes, loading)
        assert law.psi(0.0) == pytest.approx(1.0 / (1.0 + loading), rel=1e-12)
        assert all(law.psi(fund) <= law.bound(fund) for fund in (0.0, 0.3, 1.0, 3.3, 8.0))
        assert law.bound(8.0) < law.bound(1.0) < law.bound(0.0) == 1.0
    assert ShortfallLaw("exponential", 0.25).bound(3.0) == pytest.approx(math.exp(-0.2 * 3.0))  # R = th / (1 + th)
    assert ShortfallLaw("exponential", 0.5).fading() == pytest.approx(4.0 * 1.5 / 2.5**2, rel=1e-6)


@pytest.mark.parametrize("sizes", list(EQUILIBRIUM))
def test_shortfalls_are_drawn_from_their_law(sizes):
    drawn = ShortfallLaw(sizes).draw(Streams(3), 200_000)
    second = {"exponential": 2.0, "constant": 1.0, "two_kinds": 3.0}[sizes]
    assert drawn.mean() == pytest.approx(1.0, abs=0.02)
    assert (drawn**2).mean() == pytest.approx(second, rel=0.05)


@pytest.mark.parametrize("sizes", ["constant", "two_kinds"])
def test_funds_are_ruined_by_other_shortfalls_as_often_as_theory_says(sizes):
    checks = ruin_target(FundVenue(0.5, 1.0, None, 30, sizes), 200, 4)
    assert verdict(checks), failures(checks)
    assert "mean deficit at ruin" not in {check.name for check in checks}  # exponential shortfalls only
