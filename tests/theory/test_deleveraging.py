from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from experiments.target import table, verdict
from experiments.theory.adl import GapVenue, deleveraging_target, queue_regret, with_bigger_winners
from simulation.errors import ConservationError, InputError
from tests.theory import planted

VENUES = [
    GapVenue(),
    GapVenue(losers=((10.0, 100.0),)),
    GapVenue(
        gap=0.3,
        price=7.0,
        losers=((300.0, 100.0), (7.5, 3.0)),
        winners=((400.0, 2_000.0), (120.0, 300.0), (60.0, 500.0)),
    ),
    GapVenue(gap=-0.6, price=30_000.0, losers=((2.0, 9_000.0),), winners=((1.0, 50_000.0), (1.0, 9_000.0))),
    GapVenue(fund=39.0),
    GapVenue(losers=((10.0, 100.0),), winners=((30.0, 900.0), (7.0, 2.0), (5.0, 1.0))),
    GapVenue(losers=((5.0288, 6.09), (17.0, 55.14)), winners=((6.171, 173.12), (9.58, 16.79), (11.84, 12.12))),
    GapVenue(
        losers=tuple((i + 1.0, 5.0 * (i + 1)) for i in range(20)),
        winners=tuple((i + 2.0, 90.0 * (i + 1)) for i in range(25)),
    ),
]


def failures(checks):
    found = table(checks)
    return found[~found["passed"]].to_string()


@pytest.mark.parametrize("policy", ["pro_rata", "min_max", "queue"])
@pytest.mark.parametrize("venue", VENUES)
def test_the_identities_hold(venue: GapVenue, policy: str):
    checks = deleveraging_target(replace(venue, policy=policy))
    assert verdict(checks), failures(checks)


def test_the_haircut_falls_as_winners_grow():
    venue = with_bigger_winners(GapVenue(), 3.0)
    checks = deleveraging_target(venue)
    assert verdict(checks), failures(checks)
    share = {check.name: check.expected for check in checks}["largest relative haircut B / U"]
    assert share == pytest.approx(0.4 / 3.0)


@pytest.mark.parametrize(("rounds", "ratio", "regret"), [(100, 4.0, 37.5), (60, 10.0, 27.0)])
def test_a_fixed_queue_regrets(rounds: int, ratio: float, regret: float):
    check = queue_regret(rounds, ratio)
    assert check.expected == pytest.approx(regret)
    assert check.passed, check


@pytest.mark.parametrize("policy", ["pro_rata", "min_max", "queue"])
def test_a_price_two_percent_wrong_is_found(policy: str, monkeypatch: pytest.MonkeyPatch):
    venue = GapVenue(losers=((10.0, 100.0),), policy=policy)
    planted.adl_price(monkeypatch)
    with pytest.raises(ConservationError, match="deleveraging left"):  # the engine itself notices
        deleveraging_target(venue)


def test_no_shares_give_a_smaller_largest_haircut_of_equity_than_those_of_min_max():
    """Held against a linear programme: min t, 0 <= x <= held, sum x = closed, haircuts <= t equity."""
    venue = GapVenue(losers=((10.0, 20.0),), winners=((4.0, 200.0), (12.0, 3.0), (6.0, 500.0)), policy="min_max")
    price = float(venue.deficits[0]) / 10.0
    n, held = 3, [units for units, _ in venue.winners]
    best = linprog(
        [0.0] * n + [1.0],
        A_ub=np.hstack([np.eye(n) * price, -venue.equities[:, None]]),
        b_ub=np.zeros(n),
        A_eq=[[1.0] * n + [0.0]],
        b_eq=[10.0],
        bounds=[*((0.0, most) for most in held), (0.0, None)],
    ).fun
    found = {check.name: check for check in deleveraging_target(venue)}["largest haircut of equity"]
    assert found.passed
    assert found.expected == pytest.approx(best, rel=1e-9)
    queue = {policy: replace(venue, policy=policy).allocation().given_up for policy in ("pro_rata", "queue")}
    assert all((taken / venue.equities).max() > 1.1 * best for taken in queue.values())


@pytest.mark.parametrize("policy", ["pro_rata", "min_max", "queue"])
def test_a_policy_that_is_another_one_is_found(policy: str):
    """Each is told from the others by who is closed."""
    venue = replace(GapVenue(), policy=policy)
    closed = {other: replace(venue, policy=other).allocation() for other in ("pro_rata", "min_max", "queue")}
    for other, found in closed.items():
        apart = np.abs(found.closed - closed[policy].closed).max()
        assert apart == 0.0 if other == policy else apart > 100.0 * closed[policy].blur


def test_what_the_fund_pays_comes_off_every_haircut_alike():
    checks = {check.name: check for check in deleveraging_target(GapVenue(fund=30.0))}
    assert checks["largest relative haircut B / U"].simulated == pytest.approx(170.0 / 500.0, abs=1e-3)
    assert checks["paid by anybody else"].simulated == 30.0
    with pytest.raises(InputError, match="fund: must be less than every deficit"):
        GapVenue(fund=40.0)


def test_winners_below_maintenance_margin_at_the_gap_are_refused():
    with pytest.raises(InputError, match="above maintenance"):
        GapVenue(losers=((1.0, 0.0),), winners=((1.0, 0.1), (3.0, 50.0)), gap=-0.001)


def test_losers_who_are_not_bankrupt_are_refused():
    with pytest.raises(InputError, match="bankrupt"):
        GapVenue(losers=((1.0, 50.0),))


def test_winners_who_cannot_take_the_losers_are_refused():
    with pytest.raises(InputError, match="units"):
        GapVenue(winners=((1.0, 50.0),))
