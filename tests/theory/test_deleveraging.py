from dataclasses import replace

import pytest

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
    GapVenue(
        losers=tuple((i + 1.0, 5.0 * (i + 1)) for i in range(20)),
        winners=tuple((i + 2.0, 90.0 * (i + 1)) for i in range(25)),
    ),
]


def failures(checks):
    found = table(checks)
    return found[~found["passed"]].to_string()


@pytest.mark.parametrize("policy", ["pro_rata", "queue"])
@pytest.mark.parametrize("venue", VENUES)
def test_the_identities_hold(venue: GapVenue, policy: str):
    checks = deleveraging_target(replace(venue, policy=policy))
    assert verdict(checks), failures(checks)


def test_the_haircut_falls_as_winners_grow():
    venue = with_bigger_winners(GapVenue(), 3.0)
    checks = deleveraging_target(venue)
    assert verdict(checks), failures(checks)
    share = {check.name: check.expected for check in checks}["largest relative haircut"]
    assert share == pytest.approx(0.4 / 3.0)


@pytest.mark.parametrize(("rounds", "ratio", "regret"), [(100, 4.0, 37.5), (60, 10.0, 27.0)])
def test_a_fixed_queue_regrets(rounds: int, ratio: float, regret: float):
    check = queue_regret(rounds, ratio)
    assert check.expected == pytest.approx(regret)
    assert check.passed, check


@pytest.mark.parametrize("policy", ["pro_rata", "queue"])
def test_a_price_two_percent_wrong_is_found(policy: str, monkeypatch: pytest.MonkeyPatch):
    venue = GapVenue(losers=((10.0, 100.0),), policy=policy)
    planted.adl_price(monkeypatch)
    with pytest.raises(ConservationError, match="deleveraging left"):  # the engine itself notices
        deleveraging_target(venue)


def test_losers_who_are_not_bankrupt_are_refused():
    with pytest.raises(InputError, match="bankrupt"):
        GapVenue(losers=((1.0, 50.0),))


def test_winners_who_cannot_take_the_losers_are_refused():
    with pytest.raises(InputError, match="units"):
        GapVenue(winners=((1.0, 50.0),))
