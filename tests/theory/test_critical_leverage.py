import pytest

from experiments.target import table, verdict
from experiments.theory.exit import ExitVenue, exit_target, simulate_exit
from simulation.impact.base import Move
from simulation.impact.square_root import SquareRootImpact


def failures(checks):
    found = table(checks)
    return found[~found["passed"]].to_string()


@pytest.mark.parametrize(
    ("exponent", "impact", "leverage"), [(0.5, 0.1, 15.0), (0.5, 0.05, 30.0), (0.5, 0.3, 5.0), (1.0, 0.1, 20.0)]
)
def test_the_formula_has_the_published_numbers(exponent, impact, leverage):
    assert ExitVenue(impact, exponent).critical_leverage == pytest.approx(leverage)


@pytest.mark.parametrize(
    "venue",
    # The last one takes 3,800 rounds, more than a step has.
    [
        ExitVenue(),
        ExitVenue(exponent=1.0),
        ExitVenue(2e-3, 0.6, 0.02),
        ExitVenue(5e-4, 0.4, 0.05),
        ExitVenue(1e-3, 1.5, 0.003),
    ],
)
def test_the_threshold_of_the_venue_is_the_published_one(venue):
    checks = exit_target(venue)
    assert verdict(checks), failures(checks)


def test_bad_debt_of_an_exit_of_one_percent_is_two_thirds_of_it_less_the_equity_ratio():
    """I = 1 %, liquidated at .5 %: .1667 % of notional, up to the curvature of the logarithm, I / 4 of the cost."""
    assert simulate_exit(ExitVenue(0.01)).bad_debt - 0.005 == pytest.approx(0.001667, rel=0.02)


def test_an_impact_without_memory_is_found(monkeypatch):
    """Applied slice by slice without the metaorder, n slices cost about sqrt(n) times one."""
    real = SquareRootImpact.move

    def forgetful(self, done, volume, book) -> Move:
        return real(self, 0.0 * done, volume, book)

    monkeypatch.setattr(SquareRootImpact, "move", forgetful)
    assert not verdict(exit_target(ExitVenue()))
