from dataclasses import replace

import numpy as np
import pytest

from experiments.target import table, verdict
from experiments.theory.account_types import TypesVenue, simulate_types, types_target
from experiments.theory.cascade import CascadeLaw
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


def one_type(accounts: int, ratio: float, roots: float) -> TypesVenue:
    """Return a book of one type: `ratio` liquidations set off by one, `roots` by the shock."""
    reach = 10.0
    return TypesVenue(
        ((1.0,),), (accounts,), (reach,), impact=ratio * reach / accounts, shock=(roots * reach / accounts,)
    )


@pytest.mark.parametrize(("accounts", "ratio"), [(2_000, 0.7), (3_000, 0.9), (20_000, 0.9)])
def test_what_finite_numbers_take_off_the_mean_is_that_of_the_exact_law(accounts: int, ratio: float):
    """One type is target T1, of which the law for finite N is known: N p sum_j (N - 1)! / (N - 1 - j)! phi^j."""
    venue, exact = one_type(accounts, ratio, 3.0), CascadeLaw(accounts, 3.0 / accounts, ratio / accounts)
    share = float(venue.missing[0] / venue.expected[0])
    assert float(venue.expected[0]) == pytest.approx(3.0 / (1.0 - ratio))
    assert float(venue.expected[0] - venue.missing[0]) == pytest.approx(exact.mean, rel=4.0 * share**2)
    assert float(venue.spread[0]) == pytest.approx(np.sqrt(exact.variance), rel=0.01 + 5.0 * share)


def test_spreads_are_those_of_the_branching_process_played_out():
    """Multi-type generations drawn from Poisson laws, without any venue."""
    venue = replace(THOUSAND.at_radius(0.5), shock=(0.05, 0.02))
    rng = np.random.default_rng(3)
    held, density, _ = venue.nodes
    last = rng.poisson(np.tile(density * (held @ np.array(venue.shock)), (40_000, 1)))
    total = last.astype(float)
    while last.any():
        last = rng.poisson(last @ venue.contagion)
        total += last
    assert total.mean(axis=0) == pytest.approx(venue.expected, rel=0.02)
    assert total.std(axis=0) == pytest.approx(venue.spread, rel=0.03)


def test_books_too_small_for_the_limit_are_refused():
    with pytest.raises(InputError, match="accounts: the mean of the limit of many would be"):
        types_target(one_type(1_000, 0.94, 1.0), 20)


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
