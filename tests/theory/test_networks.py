"""Clearing vectors, DebtRank and counted branching ratios at other parameters, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.target import verdict
from experiments.theory.clearing_vector import Claims
from experiments.theory.network import Clearing, CountedBranching, Distress
from simulation.errors import InputError


def by_name(checks):
    return {check.name: check for check in checks}


# T14 --------------------------------------------------------------------------------------------------------


def mutual(owed: float, outside: float, rate: float = 1.0) -> Claims:
    return Claims(np.array([[0.0, owed], [owed, 0.0]]), np.full(2, outside), rate, rate)


def test_default_costs_leave_the_two_published_vectors():
    two = mutual(2.2, 1.0, 0.5)
    assert two.greatest == pytest.approx([2.2, 2.2])
    assert two.least == pytest.approx([1.0, 1.0])
    without = mutual(2.2, 1.0)
    assert without.greatest == pytest.approx([2.2, 2.2])
    assert without.least == pytest.approx([2.2, 2.2])


def test_with_nothing_outside_every_equal_payment_clears():
    circle = mutual(1.0, 0.0)
    assert circle.greatest == pytest.approx([1.0, 1.0])
    assert circle.least == pytest.approx([0.0, 0.0])


def test_a_chain_by_hand():
    # A owes B 4 and has 3; B owes C 5 and has 1: A pays 3, B pays 4.
    chain = Claims(np.array([[0.0, 4.0, 0.0], [0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]), np.array([3.0, 1.0, 0.0]))
    assert chain.greatest == pytest.approx([3.0, 4.0, 0.0])
    assert chain.equity(chain.greatest) == pytest.approx([0.0, 0.0, 4.0])
    costly = Claims(chain.debts, chain.outside, 0.5, 0.5)
    assert costly.greatest == pytest.approx([1.5, 1.25, 0.0])


@given(st.integers(0, 10_000), st.floats(0.05, 2.0), st.floats(0.1, 1.0))
def test_a_clearing_vector_pays_within_limits_and_the_least_is_no_greater(number: int, money: float, rate: float):
    plain = Clearing(parties=5, outside=money).system(number)
    costly = Claims(plain.debts, plain.outside, rate, rate)
    assert (costly.least <= costly.greatest + 1e-9).all()
    assert (costly.greatest <= plain.greatest + 1e-9).all()
    assert (plain.greatest <= plain.owed + 1e-12).all()
    assert (plain.equity(plain.greatest) >= -1e-9).all()


@pytest.mark.parametrize(
    "target",
    [Clearing(), Clearing(parties=30, outside=0.1, seed=2), Clearing(mutual_debt=1.5, recovery_rate=0.8)],
)
def test_clearing_solves_the_linear_programme(target: Clearing):
    checks = target.run()
    assert verdict(checks), checks


def test_what_is_no_system_of_debts_is_refused():
    with pytest.raises(InputError, match="debts"):
        Claims(np.full((2, 2), -1.0), np.ones(2))
    with pytest.raises(InputError, match="debts"):
        Claims(np.ones((2, 3)), np.ones(2))
    with pytest.raises(InputError, match="recovery"):
        mutual(1.0, 1.0, 1.5)


# T15, T21 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [Distress(), Distress(size=2, weight=0.7, seed_distress=0.05, node=2)])
def test_distress_goes_round_the_ring_as_computed(target: Distress):
    checks = target.run()
    assert verdict(checks), checks


def test_the_ring_has_the_published_numbers():
    found = by_name(Distress().run())
    assert found["linear, seed"].expected == pytest.approx(0.1010345, abs=1.5e-7)
    assert found["linear, node 3"].expected == pytest.approx(0.0064662, abs=5e-8)
    assert found["original, seed"].expected == pytest.approx(0.101024, abs=5e-9)


def test_distress_beyond_all_equity_is_refused():
    with pytest.raises(InputError, match="T15: weight: distress 20 of the first node, which saturates at 1"):
        Distress(weight=0.999).run()


def test_counts_that_are_all_the_same_tell_no_ratio():
    with pytest.raises(InputError, match=r"T21: roots: in 100% of cascades everybody would go"):
        CountedBranching(accounts=104, ratio=0.8, roots=45.0).run()


@pytest.mark.parametrize(
    "target",
    [CountedBranching(ratio=0.15, replications=800), CountedBranching(ratio=0.7, accounts=400, roots=1.0, seed=2)],
)
def test_counts_alone_tell_the_branching_ratio(target: CountedBranching):
    checks = target.run()
    assert verdict(checks), checks


def test_a_larger_venue_comes_nearer_to_the_ratio_itself():
    near = CountedBranching(accounts=2_000, ratio=0.3, replications=200).run()[1].expected
    far = CountedBranching(accounts=50, ratio=0.3, replications=200).run()[1].expected
    assert abs(near - 0.3) < abs(far - 0.3)
