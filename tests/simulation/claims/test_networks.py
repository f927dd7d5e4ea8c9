"""Who owes whom: numbers of members, stated debts, and random networks against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.claims.base import numbered, table
from simulation.claims.given import GivenClaims
from simulation.claims.none import NoClaims
from simulation.claims.random_network import RandomNetworkClaims
from simulation.random import Streams

QUANTUM = 2.0**-16


def pairs(rule: RandomNetworkClaims, n: int, seed: int = 1) -> list[tuple[int, int]]:
    debts = rule.debts({"banks": n}, Streams(seed))
    return list(zip(debts.debtor.tolist(), debts.creditor.tolist(), strict=True))


def test_members_are_numbered_group_after_group() -> None:
    place = {name: rows.tolist() for name, rows in numbered({"a": 2, "b": 0, "c": 3}).items()}
    assert place == {"a": [0, 1], "b": [], "c": [2, 3, 4]}


def test_every_member_has_one_number_and_all_numbers_are_used() -> None:
    found = np.concatenate(list(numbered({"a": 4, "b": 1, "c": 7}).values()))
    assert found.tolist() == list(range(12))


def test_debts_of_nothing_are_left_out_of_the_table() -> None:
    found = table(3, np.array([0, 1, 2]), np.array([1, 2, 0]), np.array([5.0, 0.0, 1e-9]))
    assert found.debtor.tolist() == [0, 2]
    assert found.creditor.tolist() == [1, 0]
    assert found.dollars.tolist() == [5.0, 1e-9]


def test_stated_debts_are_between_the_members_that_are_named() -> None:
    owed = [
        {"debtor": "banks[1]", "creditor": "fund", "dollars": 7.0},
        {"debtor": "fund", "creditor": "others[2]", "dollars": 0.0},
        {"debtor": "others[2]", "creditor": "banks[0]", "dollars": 3.0},
    ]
    rule = GivenClaims.model_validate({"debts_owed": owed})
    found = rule.debts({"banks": 2, "fund": 1, "others": 3}, Streams(1))
    assert found.parties == 6
    assert list(zip(found.debtor, found.creditor, found.dollars, strict=True)) == [(1, 2, 7.0), (5, 0, 3.0)]
    assert found.owed.tolist() == [0.0, 7.0, 0.0, 0.0, 0.0, 3.0]
    assert found.claimed.tolist() == [3.0, 0.0, 7.0, 0.0, 0.0, 0.0]


@settings(max_examples=60)
@given(st.integers(0, 25), st.floats(0.0, 30.0), st.booleans(), st.integers(1, 50))
def test_a_network_has_the_pairs_that_were_asked_for_and_none_twice(
    n: int, degree: float, directed: bool, seed: int
) -> None:
    rule = RandomNetworkClaims(mean_degree=degree, directed=directed)
    found = pairs(rule, n, seed)
    most = n * (n - 1) if directed else n * (n - 1) // 2
    wanted = min(int(degree * n if directed else degree * n / 2.0), most)
    assert len(found) == len(set(found)) == (wanted if directed else 2 * wanted)
    assert all(debtor != creditor for debtor, creditor in found)
    assert all(0 <= end < n for pair in found for end in pair)
    if not directed:
        assert set(found) == {(creditor, debtor) for debtor, creditor in found}


@given(st.integers(2, 30), st.floats(0.5, 5.0), st.booleans(), st.floats(0.0, 1e4))
@settings(max_examples=40)
def test_everybody_lends_equal_parts_to_the_quantum_and_no_more_than_it_has_to_lend(
    n: int, degree: float, directed: bool, dollars: float
) -> None:
    debts = RandomNetworkClaims(mean_degree=degree, directed=directed, dollars=dollars).debts({"b": n}, Streams(3))
    for creditor in set(debts.creditor.tolist()):
        parts = debts.dollars[debts.creditor == creditor]
        assert (parts == parts[0]).all()
        assert (parts / QUANTUM == np.floor(parts / QUANTUM)).all()
        assert dollars * (1.0 - 1e-12) - len(parts) * QUANTUM < parts.sum() <= dollars * (1.0 + 1e-12)


@pytest.mark.parametrize("directed", [False, True])
def test_from_a_mean_degree_of_everybody_else_on_the_network_is_complete(directed: bool) -> None:
    for degree in (5.0, 9.0):
        found = pairs(RandomNetworkClaims(mean_degree=degree, directed=directed), 6)
        assert set(found) == {(i, j) for i in range(6) for j in range(6) if i != j}


@pytest.mark.parametrize(("degree", "directed"), [(1.0, False), (3.0, False), (1.0, True), (3.0, True)])
def test_every_pair_is_as_likely_as_any_other(degree: float, directed: bool) -> None:
    """Over 1,500 graphs of 6 the count of a pair is binomial; 5 standard deviations leave 2e-5 to chance in all.

    Sparse and dense graphs are drawn in different ways, so both are asked.
    """
    rule, graphs, count = RandomNetworkClaims(mean_degree=degree, directed=directed), 1_500, np.zeros((6, 6))
    for seed in range(graphs):
        for debtor, creditor in pairs(rule, 6, seed):
            count[debtor, creditor] += 1
    off = ~np.eye(6, dtype=bool)
    chance = degree / 5.0
    spread = 5.0 * np.sqrt(graphs * chance * (1.0 - chance))
    assert (np.abs(count[off] - graphs * chance) < spread).all()
    assert not count[~off].any()


def test_only_members_of_the_named_groups_take_part_under_their_own_numbers() -> None:
    rule = RandomNetworkClaims(mean_degree=9.0, groups=("b", "d"))
    debts = rule.debts({"a": 2, "b": 2, "c": 1, "d": 1}, Streams(1))
    assert set(debts.debtor.tolist()) == set(debts.creditor.tolist()) == {2, 3, 5}
    assert debts.parties == 6


def test_the_member_after_the_last_is_no_member() -> None:
    owed = [{"debtor": f"banks[{i}]", "creditor": "fund", "dollars": 1.0} for i in (1, 2)]
    found = list(GivenClaims.model_validate({"debts_owed": owed}).problems({"banks": 2, "fund": 1}, 100))
    assert found == ["debts_owed[1].debtor: banks has 2 members, 0 the first"]


def test_claims_may_fall_due_on_the_last_day_and_not_after_it() -> None:
    rule = GivenClaims(due_step=100)
    assert list(rule.problems({"banks": 2}, 100)) == []
    assert list(rule.problems({"banks": 2}, 99)) == ["due_step: 100 is after the last step 99"]
    assert list(NoClaims(due_step=100).problems({"banks": 2}, 99)) == [], "nothing is due"


def test_who_is_no_group_is_named_with_those_that_are() -> None:
    owed = [{"debtor": "bank", "creditor": "?", "dollars": 1.0}]
    found = list(GivenClaims.model_validate({"debts_owed": owed}).problems({"banks": 1, "fund": 1}, 100))
    assert [line.split(":")[0] for line in found] == ["debts_owed[0].debtor", "debts_owed[0].creditor"]
    assert all("groups: banks, fund" in line for line in found)
    network = list(RandomNetworkClaims(groups=("fund", "bank")).problems({"banks": 1, "fund": 1}, 100))
    assert len(network) == 1
    assert network[0].startswith('groups[1]: "bank" is not defined; known: banks, fund')


def test_without_claims_nobody_owes_and_everybody_is_a_party() -> None:
    found = NoClaims().debts({"a": 2, "b": 1}, Streams(1))
    assert not NoClaims.exists
    assert (found.parties, found.owed.tolist(), found.claimed.tolist()) == (3, [0.0] * 3, [0.0] * 3)
    assert len(found.debtor) == len(found.creditor) == len(found.dollars) == 0
