"""Threshold cascades: the laws against published numbers and plain branching, the engine against the laws."""

import math

import numpy as np
import pytest

from agents.cast import StandardCast
from experiments.theory.claims import ThresholdCascade
from experiments.theory.clearing_vector import Claims
from experiments.theory.settlement import settled
from experiments.theory.suite import run_target
from experiments.theory.threshold_cascade import ThresholdLaw, ThresholdVenue, cascade
from simulation.errors import InputError
from simulation.model import MarketModel
from tests.theory.tiers import thorough


def edge(low: float, high: float, threshold: float) -> float:
    """Where between `low` and `high` the reproduction number passes 1."""
    above = ThresholdLaw(high, threshold).reproduction > 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if (ThresholdLaw(middle, threshold).reproduction > 1.0) == above:
            high = middle
        else:
            low = middle
    return low


def test_the_window_has_the_published_edges():
    assert edge(5.0, 8.0, 0.18) == pytest.approx(5.765, abs=5e-4)
    assert edge(0.5, 2.0, 0.18) == pytest.approx(1.0, abs=0.05)  # 1 but for the degrees above K


@pytest.mark.parametrize(("degree", "some"), [(0.7, False), (3.0, True), (5.0, True), (9.0, False)])
def test_defaults_spread_inside_the_window_only(degree: float, some: bool):
    assert (ThresholdLaw(degree, 0.18).global_chance > 1e-6) == some


@pytest.mark.parametrize(("degree", "threshold", "first", "size"), [(4.0, 0.25, 0.02, 0.9806), (6.0, 0.3, 0.1, 0.9977)])
def test_final_sizes_are_the_published_ones(degree: float, threshold: float, first: float, size: float):
    assert ThresholdLaw(degree, threshold).size(first) == pytest.approx(size, abs=5e-5)


@pytest.mark.parametrize("threshold", [0.5, 0.25, 0.2, 0.18, 0.1, 1.0])
def test_one_default_of_as_many_neighbours_as_that_brings_an_account_down(threshold: float):
    most = ThresholdLaw(3.0, threshold).vulnerable
    assert 1.0 / most >= threshold - 1e-12
    assert 1.0 / (most + 1) < threshold


def test_the_chance_is_that_of_a_plain_branching_process():
    law, rng = ThresholdLaw(5.0, 0.18), np.random.default_rng(2)

    def spreads() -> bool:
        edges = rng.poisson(law.degree)
        for _ in range(200):
            if not 0 < edges < 400:
                break
            degrees = rng.poisson(law.degree, edges) + 1
            edges = int((degrees[degrees <= law.vulnerable] - 1).sum())
        return edges > 0

    seen = np.mean([spreads() for _ in range(3_000)])
    assert seen == pytest.approx(law.global_chance, abs=4.0 * math.sqrt(0.25 / 3_000))


def by_definition(venue: ThresholdVenue, seed: int) -> set[int]:
    """Who defaults: the failed, then whoever lost phi of its claims or more, until nobody is added."""
    model = MarketModel(venue.scenario(seed), StandardCast())
    house = model.exchange.claims
    lost_by = [[] for _ in range(venue.accounts)]
    for debtor, creditor in zip(house.debts.debtor, house.debts.creditor, strict=True):
        lost_by[creditor].append(int(debtor))
    failed = {int(np.searchsorted(house.rows, row)) for g in model.groups if g.name == "failed" for row in g.rows}
    failed = {i for i in failed if any(i in who for who in lost_by)}  # who owes nothing cannot fail to pay
    while True:
        more = {
            i
            for i, debtors in enumerate(lost_by)
            if debtors and sum(d in failed for d in debtors) >= venue.threshold * len(debtors) - 1e-9
        } - failed
        if not more:
            return {int(house.rows[i]) for i in failed}
        failed |= more


@pytest.mark.parametrize("degree", [0.7, 2.0, 4.0])
@pytest.mark.parametrize(("threshold", "failed"), [(0.18, 1), (0.25, 3), (0.5, 20), (1.0, 30), (1 / 3, 10)])
def test_the_engine_s_defaults_are_those_of_the_definition(degree: float, threshold: float, failed: int):
    venue = ThresholdVenue(200, degree, threshold, failed)
    model = MarketModel(venue.scenario(5), StandardCast())
    model.run()
    assert {one.row for one in model.exchange.claims.defaults} == by_definition(venue, 5)


def test_the_graph_of_a_cascade_is_a_forest_of_its_defaults():
    found = cascade(ThresholdVenue(1_000, 4.0, 0.25, 30), 1)
    assert found.share > 0.5
    assert found.strange == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": 10},
        {"threshold": 0.1, "degrees": (2.0, 8.0), "seed": 3},
        {"threshold": 0.5, "degrees": (2.0,), "sizes": ((10.0, 0.4, 0.2),)},
        {"threshold": 1.0, "degrees": (3.0,), "sizes": ()},
    ],
)
def test_the_target_passes_at_other_parameters(changes: dict):
    result = run_target(ThresholdCascade, {"accounts": 1_500, "runs": 10, "size_runs": 3, **changes})
    assert result.passed, result.checks


def test_capital_that_is_too_small_fails(monkeypatch: pytest.MonkeyPatch):
    right = ThresholdVenue.scenario

    def wrong(self: ThresholdVenue, seed: int):
        return right(ThresholdVenue(self.accounts, self.degree, 0.5 * self.threshold, self.failed), seed)

    monkeypatch.setattr(ThresholdVenue, "scenario", wrong)
    assert not run_target(ThresholdCascade, {"accounts": 1_500, "runs": 10, "size_runs": 3}).passed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"degrees": (0.0,)}, r"degrees: z must be above 0 and at most 50 \(got 0\)"),
        ({"degrees": (51.0,)}, r"degrees: z must be above 0 and at most 50 \(got 51\)"),
        ({"sizes": ((4.0, 0.25, 0.0),)}, "sizes: phi and r0 must lie between 0 and 1"),
        ({"sizes": ((4.0, 1.25, 0.1),)}, "sizes: phi and r0 must lie between 0 and 1"),
        ({"degrees": (5.8,), "sizes": ()}, "too near the edge of the window"),
    ],
)
def test_impossible_parameters_are_refused(changes: dict, message: str):
    with pytest.raises(InputError, match=message):
        ThresholdCascade(accounts=200, **changes).run()


# Systems of debts, settled by the engine ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rate", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("solution", ["greatest", "least"])
def test_the_engine_settles_a_system_as_its_vector_says(seed: int, rate: float, solution):
    rng = np.random.default_rng(seed)
    debts = rng.uniform(0.0, 1.0, (7, 7)) * (rng.random((7, 7)) < 0.5) * (1.0 - np.eye(7))
    claims = Claims(debts, rng.uniform(0.0, 0.6, 7), rate, rate)
    found = settled(claims, solution)
    expected = claims.greatest if solution == "greatest" else claims.least
    np.testing.assert_allclose(found.paid, expected, atol=1e-9)
    if rate == 1.0:
        np.testing.assert_allclose(found.kept, claims.equity(expected), atol=1e-9)


@thorough
def test_two_hundred_random_systems_are_those_of_the_linear_programme():
    from experiments.theory.network import Clearing

    assert run_target(Clearing, {"systems": 200}).passed
