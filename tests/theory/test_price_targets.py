"""Price generators as targets: published numbers, other parameters."""

import pytest

from experiments.target import verdict
from experiments.theory.prices import GarchMoments
from simulation.errors import InputError


def test_the_formula_has_the_published_numbers():
    found = {check.name: check.expected for check in GarchMoments(steps=50_000).run()}
    assert found["kurtosis"] == pytest.approx(3.774, abs=5e-4)
    lags = [found[f"ACF of squares, lag {lag}"] for lag in (1, 5, 20)]
    assert lags == pytest.approx([0.179, 0.146, 0.068], abs=6e-4)


@pytest.mark.parametrize("target", [GarchMoments(reaction=0.05, persistence=0.9, steps=200_000, seed=3)])
def test_returns_have_these_moments_at_other_parameters(target: GarchMoments):
    checks = target.run()
    assert verdict(checks), checks


def test_a_fourth_moment_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="fourth moment"):
        GarchMoments(reaction=0.4, persistence=0.5).run()
