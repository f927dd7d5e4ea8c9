from dataclasses import replace

import numpy as np
import pytest

from experiments.target import table, verdict
from experiments.theory.account_types import TypesVenue, simulate_types, types_target
from simulation.errors import InputError
from tests.theory import planted
from tests.theory.tiers import thorough

THOUSAND = TypesVenue(accounts=(1000, 1000, 1000), reach=(6.0, 6.0, 12.0), shock=(0.03, 0.0))


def failures(checks):
    found = table(checks)
    return found[~found["passed"]].to_string()


@pytest.mark.parametrize("regime", ["cross", "isolated"])
@pytest.mark.parametrize("radius", [0.3, 0.6])
def test_liquidations_of_each_type_have_the_branching_mean(regime: str, radius: float):
    checks = types_target(replace(THOUSAND.at_radius(radius), regime=regime), 120)
    assert verdict(checks), failures(checks)


@pytest.mark.parametrize("regime", ["cross", "isolated"])
def test_the_mean_holds_for_other_books(regime: str):
    venue = TypesVenue(
        holdings=((2.0, 0.0, 0.5), (0.25, 1.0, 0.0), (0.0, 0.0, 3.0), (1.0, 1.0, 1.0)),
        accounts=(900, 700, 500, 1100),
        reach=(9.0, 5.0, 12.0, 15.0),
        shock=(0.02, 0.0, 0.01),
        price=40.0,
        maintenance_rate=0.02,
    ).at_radius(0.4)
    checks = types_target(replace(venue, regime=regime), 100, 5)
    assert verdict(checks), failures(checks)


def test_isolation_spares_the_other_market_and_hits_the_own_one_harder():
    venue = THOUSAND.at_radius(0.6)
    apart = replace(venue, regime="isolated")
    cross, isolated = simulate_types(venue, 60), simulate_types(apart, 60)
    other = [i for i, (_, market) in enumerate(apart.nodes[2]) if market == 1]
    assert not isolated[:, other].any()
    assert cross[:, 1].sum() > 0
    # Positions in the shocked market: each has only its own share of the buffer.
    assert apart.expected[0] + apart.expected[2] > venue.expected[0] + venue.expected[2]


def test_isolated_contagion_is_block_diagonal_by_market():
    venue = replace(THOUSAND, regime="isolated")
    markets = np.array([market for _, market in venue.nodes[2]])
    assert not venue.contagion[markets[:, None] != markets].any()


def test_hedged_books_are_refused():
    with pytest.raises(InputError, match="long-only"):
        TypesVenue(holdings=((1.0, -1.0),), accounts=(10,), reach=(1.0,))


def test_a_wrong_maintenance_rate_is_found(monkeypatch: pytest.MonkeyPatch):
    planted.maintenance(monkeypatch)
    assert not verdict(types_target(THOUSAND.at_radius(0.3), 40))


@thorough
@pytest.mark.parametrize("regime", ["cross", "isolated"])
@pytest.mark.parametrize("radius", [0.3, 0.7])
def test_the_mean_holds_within_half_a_percent_over_1_500_books(regime: str, radius: float):
    checks = types_target(replace(TypesVenue().at_radius(radius), regime=regime), 1_500)
    assert verdict(checks), failures(checks)
