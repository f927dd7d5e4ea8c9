import numpy as np
import pytest

from experiments.target import played, table, verdict
from experiments.theory.cascade import CascadeLaw, CascadeVenue, cascade_target, simulate_cascades
from tests.theory import planted
from tests.theory.tiers import thorough


def failures(checks):
    found = table(checks)
    return found[~found["passed"]].to_string()


def test_the_law_has_the_published_numbers():
    law = CascadeLaw(200, 0.01, 0.003)
    assert law.mean == pytest.approx(4.9105, abs=5e-5)
    assert law.variance == pytest.approx(28.03, abs=5e-3)
    assert law.pmf[:6] == pytest.approx([0.13398, 0.14796, 0.13062, 0.10832, 0.08800, 0.07108], abs=5e-6)
    series, term = 0.0, 1.0
    for j in range(200):
        series, term = series + term, term * (199 - j) * 0.003
    assert law.mean == pytest.approx(200 * 0.01 * series, rel=1e-10)


def test_the_depth_law_tends_to_the_poisson_one():
    law = CascadeLaw(20_000, 1e-4, 3e-5)
    q, expected = 0.0, []
    for _ in range(3):
        expected.append(np.exp(2.0 * (q - 1.0)))
        q = np.exp(0.6 * (q - 1.0))
    assert law.depth(2) == pytest.approx(expected, abs=2e-4)


def test_with_everybody_in_reach_everybody_goes():
    assert CascadeLaw(10, 1.0, 0.1).pmf[-1] == pytest.approx(1.0)
    assert CascadeLaw(10, 0.0, 0.1).pmf[0] == 1.0


def test_cascades_follow_the_law():
    checks = cascade_target(CascadeVenue(), 3_000)
    assert verdict(checks), failures(checks)


@pytest.mark.parametrize(
    ("venue", "seed"),
    [
        (CascadeVenue(CascadeLaw(60, 0.03, 0.012), price=2_000.0, maintenance_rate=0.01), 2),
        (CascadeVenue(CascadeLaw(400, 0.002, 0.0005), price=0.7, reach=0.2, maintenance_rate=0.2), 3),
        (CascadeVenue(CascadeLaw(30, 0.05, 0.03), price=1.0e5, reach=0.01, maintenance_rate=0.004), 4),
        (CascadeVenue(CascadeLaw(25, 0.1, 0.06)), 5),  # above 1: most cascades take everybody
        (CascadeVenue(CascadeLaw(1, 0.3, 0.1)), 6),
    ],
)
def test_the_law_holds_at_other_parameters(venue: CascadeVenue, seed: int):
    checks = cascade_target(venue, 600, seed)
    assert verdict(checks), failures(checks)


def test_one_round_a_step_ends_where_the_loop_to_rest_ends():
    law = CascadeLaw(80, 0.02, 0.008)
    to_rest = simulate_cascades(CascadeVenue(law), 300, 7)
    stepwise = simulate_cascades(CascadeVenue(law, rounds_per_step=1), 300, 7)
    assert to_rest.size.max() > 10
    for name in ("size", "depth", "roots"):
        assert np.array_equal(getattr(to_rest, name), getattr(stepwise, name)), name


def test_another_margin_rule_changes_nothing_where_everybody_holds_one_position():
    venue = CascadeVenue(CascadeLaw(50, 0.02, 0.01))
    counts = [
        len(played(venue.scenario(10).with_(margin={"kind": kind})).exchange.desk.log.events)
        for kind in ("isolated", "cross", "portfolio")
    ]
    assert counts[0] == counts[1] == counts[2] > 0


@pytest.mark.parametrize("bug", [planted.impact, planted.maintenance, planted.fill], ids=lambda bug: bug.__name__)
def test_a_bug_of_two_percent_is_found(bug, monkeypatch: pytest.MonkeyPatch):
    venue = CascadeVenue()
    assert verdict(cascade_target(venue, 300))
    bug(monkeypatch)
    assert not verdict(cascade_target(venue, 300))


@thorough
def test_the_distance_to_the_law_is_below_one_percent_in_200_000_runs():
    checks = cascade_target(CascadeVenue(), 200_000)
    assert verdict(checks), failures(checks)
    assert next(check for check in checks if check.name == "total variation").simulated <= 0.01
