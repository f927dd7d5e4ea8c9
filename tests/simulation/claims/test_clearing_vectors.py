"""Clearing vectors: against exact fractions, worked by hand, and by their defining properties."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.claims.clearing import Debts, Recovery, clear

RATES = st.sampled_from([0.0, 0.25, 0.5, 1.0])


@st.composite
def systems(draw: st.DrawFn, most: int = 5) -> tuple[Debts, np.ndarray]:
    n = draw(st.integers(1, most))
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=8)) if pairs else []
    dollars = draw(st.lists(st.integers(1, 20), min_size=len(chosen), max_size=len(chosen)))
    outside = draw(st.lists(st.integers(-5, 20), min_size=n, max_size=n))
    ends = np.array(chosen, np.intp).reshape(-1, 2)
    return Debts(n, ends[:, 0], ends[:, 1], np.array(dollars, float)), np.array(outside, float)


def exact(debts: Debts, outside: np.ndarray, recovery: Recovery, rounds: int = 400) -> list[Fraction]:
    """The same iteration in exact fractions, edge by edge: as near to the vector as its rounds allow."""
    n = debts.parties
    listed = zip(debts.debtor, debts.creditor, debts.dollars, strict=True)
    edges = [(int(i), int(j), Fraction(float(d))) for i, j, d in listed]
    owed = [sum((d for i, _, d in edges if i == k), Fraction(0)) for k in range(n)]
    paid = list(owed) if recovery.solution == "greatest" else [Fraction(0)] * n
    a, b = Fraction(recovery.outside_rate), Fraction(recovery.claims_rate)
    for _ in range(rounds):
        received = [sum((d / owed[i] * paid[i] for i, j, d in edges if j == k), Fraction(0)) for k in range(n)]
        after = []
        for k in range(n):
            own = Fraction(float(outside[k]))
            if own + received[k] >= owed[k]:
                after.append(owed[k])
            else:
                left = (a * own if own > 0 else own) + b * received[k]
                after.append(min(max(left, Fraction(0)), owed[k]))
        if after == paid:
            break
        paid = [Fraction(x).limit_denominator(10**15) for x in after]
    return paid


@given(systems(), RATES, RATES)
def test_the_greatest_vector_is_that_of_exact_fractions(system, a, b):
    debts, outside = system
    found = clear(debts, outside, Recovery(a, b))
    expected = exact(debts, outside, Recovery(a, b))
    assert found.paid == pytest.approx([float(x) for x in expected], abs=1e-6)


@given(systems(), RATES, RATES, st.sampled_from(["greatest", "least"]))
def test_a_vector_pays_in_full_or_what_is_left_and_never_more(system, a, b, solution):
    debts, outside = system
    recovery = Recovery(a, b, solution)
    found = clear(debts, outside, recovery)
    received = debts.received(found.paid)
    short = found.round > 0
    assert found.paid[~short] == pytest.approx(debts.owed[~short])
    expected = np.minimum(recovery.left(outside, received), debts.owed)[short]
    assert found.paid[short] == pytest.approx(expected, abs=1e-6)
    assert (found.paid >= 0.0).all()
    assert (found.paid <= debts.owed + 1e-9).all()


@given(systems(), RATES, RATES)
def test_the_least_vector_pays_nobody_more(system, a, b):
    debts, outside = system
    greatest, least = (clear(debts, outside, Recovery(a, b, s)).paid for s in ("greatest", "least"))
    assert (least <= greatest + 1e-9).all()


@given(systems())
def test_without_default_costs_and_overdrafts_equity_adds_up_to_the_money_there_is(system):
    debts, outside = system
    money = np.abs(outside)
    found = clear(debts, money)
    kept = money + debts.received(found.paid) - found.paid
    assert kept.sum() == pytest.approx(money.sum(), abs=1e-6)
    assert (kept > -1e-6).all()


@given(systems(), RATES, RATES, st.integers(0, 4), st.integers(1, 10))
def test_more_money_never_pays_anybody_less(system, a, b, who, more):
    debts, outside = system
    richer = outside + np.where(np.arange(debts.parties) == who % debts.parties, more, 0.0)
    before, after = (clear(debts, money, Recovery(a, b)).paid for money in (outside, richer))
    assert (after >= before - 1e-6).all()


def chain(*outside: float) -> tuple[Debts, np.ndarray]:
    """Each owes the next 10 dollars."""
    n = len(outside)
    return Debts(n, np.arange(n - 1), np.arange(1, n), np.full(n - 1, 10.0)), np.array(outside)


def test_a_chain_by_hand():
    debts, outside = chain(4.0, 3.0, 5.0, 0.0)
    found = clear(debts, outside)
    assert found.paid.tolist() == [4.0, 7.0, 10.0, 0.0]
    assert found.round.tolist() == [1, 2, 0, 0]


def test_default_costs_take_of_money_and_of_claims():
    debts, outside = chain(4.0, 3.0, 5.0, 0.0)
    assert clear(debts, outside, Recovery(0.5, 0.25)).paid.tolist() == [2.0, 2.0, 0.5 * 5.0 + 0.25 * 2.0, 0.0]


def test_an_overdraft_comes_before_claims():
    debts, outside = chain(12.0, -4.0, 0.0)
    found = clear(debts, outside)
    assert found.paid.tolist() == [10.0, 6.0, 0.0]
    assert clear(*chain(2.0, -4.0, 0.0)).paid.tolist() == [2.0, 0.0, 0.0]


def test_two_mutual_debtors_have_the_published_vectors():
    debts = Debts(2, np.array([0, 1]), np.array([1, 0]), np.array([2.2, 2.2]))
    money = np.ones(2)
    assert clear(debts, money, Recovery(0.5, 0.5)).paid == pytest.approx([2.2, 2.2])
    assert clear(debts, money, Recovery(0.5, 0.5, "least")).paid == pytest.approx([1.0, 1.0])
    assert clear(debts, money, Recovery(1.0, 1.0, "least")).paid == pytest.approx([2.2, 2.2])


def test_rounds_follow_who_pulls_whom():
    """0 fails by itself, 1 because of 0, 2 because of 1; 3 has claims on 2 and stands."""
    debts, outside = chain(0.0, 5.0, 5.0, 0.0)
    assert clear(debts, outside, Recovery(0.0, 0.0)).round.tolist() == [1, 2, 3, 0]


def test_several_debts_between_the_same_two_add_up():
    debts = Debts(2, np.zeros(3, np.intp), np.ones(3, np.intp), np.array([1.0, 2.0, 3.0]))
    assert debts.owed.tolist() == [6.0, 0.0]
    assert clear(debts, np.array([3.0, 0.0])).paid.tolist() == [3.0, 0.0]


def test_nobody_owes_anything():
    nobody = np.empty(0, np.intp)
    found = clear(Debts(3, nobody, nobody, np.empty(0)), np.array([1.0, -1.0, 0.0]))
    assert found.paid.tolist() == [0.0, 0.0, 0.0]
    assert found.round.tolist() == [0, 0, 0], "who owes nothing has not failed to pay, overdraft or not"


def test_who_has_what_it_owes_but_for_the_last_bit_does_not_default():
    """In floats .7 + .1 is a bit below .8; with default costs a wrong default would take the whole payment."""
    assert 0.7 + 0.1 < 0.8
    debts = Debts(3, np.array([0, 1]), np.array([1, 2]), np.array([0.1, 0.8]))
    found = clear(debts, np.array([0.1, 0.7, 0.0]), Recovery(0.0, 0.0))
    assert found.paid.tolist() == [0.1, 0.8, 0.0]
    assert found.round.tolist() == [0, 0, 0]


def test_a_cent_too_little_is_a_default_however_large_the_debt():
    debts = Debts(2, np.array([0]), np.array([1]), np.array([1e9]))
    found = clear(debts, np.array([1e9 - 0.01, 0.0]), Recovery(0.5, 1.0))
    assert found.paid.tolist() == [pytest.approx(0.5 * (1e9 - 0.01)), 0.0]
    assert found.round.tolist() == [1, 0]


def test_the_venue_takes_its_overdraft_whole_before_any_default_cost():
    """12 pays 10 to -4: 6 are left of the 8 owed on; half of the overdraft would leave 8, and no default."""
    n, owed = 3, np.array([10.0, 8.0])
    found = clear(Debts(n, np.arange(2), np.arange(1, 3), owed), np.array([12.0, -4.0, 0.0]), Recovery(0.5, 1.0))
    assert found.paid.tolist() == [10.0, 6.0, 0.0]
    # Half of the claims go too: 5 - 4 is left.
    costly = clear(Debts(n, np.arange(2), np.arange(1, 3), owed), np.array([12.0, -4.0, 0.0]), Recovery(0.5, 0.5))
    assert costly.paid.tolist() == [10.0, 1.0, 0.0]


def test_the_least_vector_knows_no_order_of_defaults():
    """Iterated from nothing everybody is short at first: of who stays short the round says no more than that."""
    debts, outside = chain(4.0, 3.0, 5.0, 0.0)
    least = clear(debts, outside, Recovery(1.0, 1.0, "least"))
    assert least.paid.tolist() == [4.0, 7.0, 10.0, 0.0]
    assert least.round.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_payments_scale_with_money(scale):
    """a owes 1 to b and 1 to c, b owes 1 to a, both have .1: a = .1 + b, b = .1 + a / 2, so a pays .4 and b .3."""
    debts = Debts(3, np.array([0, 0, 1]), np.array([1, 2, 0]), np.full(3, scale))
    found = clear(debts, np.array([0.1, 0.1, 0.0]) * scale)
    assert found.paid / scale == pytest.approx([0.4, 0.3, 0.0], rel=1e-12)
