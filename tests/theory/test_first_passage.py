import pytest

from experiments.target import SIGMAS, table, verdict
from experiments.theory.passage import PassageVenue, passage_target, simulate_passages
from tests.theory import planted
from tests.theory.tiers import thorough


def failures(checks):
    found = table(checks)
    return found[~found["passed"]].to_string()


@pytest.mark.parametrize(
    ("leverage", "rate", "steps", "barrier", "continuous", "discrete"),
    [
        (10.0, 0.005, 168, 90.4523, 0.383553, 0.359949),
        (10.0, 0.005, 21, 90.4523, 0.383553, 0.319151),
        (20.0, 0.004, 168, 95.3815, 0.685240, 0.653662),
        (20.0, 0.004, 21, 95.3815, 0.685240, 0.597362),
    ],
)
def test_the_formula_has_the_published_numbers(leverage, rate, steps, barrier, continuous, discrete):
    venue = PassageVenue(leverage, rate, steps=steps)
    assert venue.barrier == pytest.approx(barrier, abs=5e-5)
    assert venue.probability(discrete=False) == pytest.approx(continuous, abs=1e-6)
    assert venue.probability() == pytest.approx(discrete, abs=1e-6)


@pytest.mark.parametrize(
    ("venue", "paths"),
    [
        (PassageVenue(), 4_000),
        (PassageVenue(20.0, 0.004, steps=21), 6_000),
        (PassageVenue(8.0, 0.01, volatility=1.1, days=3.0, steps=48, drift=4.0, side=-1, price=3.0), 4_000),
        (PassageVenue(5.0, 0.02, volatility=1.5, days=10.0, steps=60, drift=-2.0), 4_000),
    ],
)
def test_liquidations_happen_as_often_as_discrete_first_passage_says(venue: PassageVenue, paths: int):
    checks = passage_target(venue, paths, 3)
    assert verdict(checks), failures(checks)


def test_the_continuous_formula_is_rejected_at_coarse_marks():
    venue = PassageVenue(steps=21)
    hit, _ = simulate_passages(venue, 5_000)
    expected = venue.probability(discrete=False)
    assert abs(hit / 5_000 - expected) > SIGMAS * (expected * (1 - expected) / 5_000) ** 0.5


def test_a_wrong_maintenance_rate_is_found(monkeypatch: pytest.MonkeyPatch):
    # A rate of 20 %, so that 2 % of it are a visible part of the distance to liquidation.
    venue = PassageVenue(4.0, 0.2, volatility=0.3, days=7.0, steps=42)
    assert verdict(passage_target(venue, 5_000))
    planted.maintenance(monkeypatch)
    assert not verdict(passage_target(venue, 5_000))


def test_where_nobody_is_liquidated_there_is_no_overshoot_to_look_at():
    checks = passage_target(PassageVenue(1.2, 0.3, volatility=0.05, days=0.4, side=-1), 600)
    assert [(check.name, check.simulated, check.passed) for check in checks] == [("P(liquidated)", 0.0, True)]


@thorough
@pytest.mark.parametrize("steps", [168, 21])
def test_the_probability_holds_over_400_000_paths(steps: int):
    checks = passage_target(PassageVenue(steps=steps), 400_000)
    assert verdict(checks), failures(checks)
