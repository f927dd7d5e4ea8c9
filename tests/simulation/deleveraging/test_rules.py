"""Deleveraging rules: who gives up how many lots."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.deleveraging.base import DeleveragingRule, Winners
from simulation.deleveraging.off import NoDeleveraging
from simulation.deleveraging.pro_rata import ProRataDeleveraging
from simulation.deleveraging.queue import QueueDeleveraging

winner = st.tuples(
    st.integers(1, 10**6),  # lots
    st.integers(1, 10**9).map(lambda cents: cents / 100.0),  # profit
    st.floats(1.0, 1e7),  # notional
    st.floats(1.0, 1e7),  # equity
    st.floats(0.1, 100.0),  # leverage
)
crowds = st.lists(winner, min_size=1, max_size=8)
ACTIVE = [QueueDeleveraging(), ProRataDeleveraging()]


def columns(crowd: list[tuple]) -> Winners:
    return Winners(*(np.array(column, float) for column in zip(*crowd, strict=True)))


def rank(winners: Winners) -> Array:
    return np.argsort(-(winners.profit / winners.notional * winners.leverage), kind="stable")


@pytest.mark.parametrize("rule", ACTIVE, ids=lambda rule: rule.kind)
@given(st.integers(0, 10**7), crowds)
def test_whole_lots_add_up_to_what_is_needed_or_to_all_there_is(
    rule: DeleveragingRule, lots: int, crowd: list[tuple]
) -> None:
    winners = columns(crowd)
    given_up = rule.allocate(float(lots), winners)
    assert given_up.sum() == min(lots, winners.lots.sum())
    assert (given_up >= 0.0).all()
    assert (given_up <= winners.lots).all()
    np.testing.assert_array_equal(given_up, np.rint(given_up))


@given(st.integers(0, 10**7), crowds)
def test_the_queue_fills_a_prefix_of_its_ranking(lots: int, crowd: list[tuple]) -> None:
    winners = columns(crowd)
    order = rank(winners)
    given_up = QueueDeleveraging().allocate(float(lots), winners)[order]
    touched = np.flatnonzero(given_up)
    np.testing.assert_array_equal(touched, np.arange(len(touched)))
    np.testing.assert_array_equal(given_up[touched[:-1]], winners.lots[order][touched[:-1]])


def test_the_queue_by_hand() -> None:
    # Scores: .1 x 2 = .2, .05 x 10 = .5, .3 x 1 = .3
    crowd = [(10, 100.0, 1_000.0, 500.0, 2.0), (4, 50.0, 1_000.0, 100.0, 10.0), (5, 300.0, 1_000.0, 1_000.0, 1.0)]
    found = [QueueDeleveraging().allocate(lots, columns(crowd)).tolist() for lots in (3.0, 6.0, 15.0, 50.0)]
    assert found == [[0.0, 3.0, 0.0], [0.0, 4.0, 2.0], [6.0, 4.0, 5.0], [10.0, 4.0, 5.0]]


def test_equal_ranks_go_by_account() -> None:
    crowd = [(5, 10.0, 100.0, 50.0, 2.0)] * 3
    assert QueueDeleveraging().allocate(7.0, columns(crowd)).tolist() == [5.0, 2.0, 0.0]


def test_pro_rata_by_hand() -> None:
    crowd = [(100, 100.0, 1_000.0, 500.0, 2.0), (100, 50.0, 1_000.0, 100.0, 10.0), (100, 50.0, 1_000.0, 1_000.0, 1.0)]
    found = [ProRataDeleveraging().allocate(lots, columns(crowd)).tolist() for lots in (40.0, 41.0, 240.0)]
    # 41 lots: 20.5, 10.25, 10.25, and the odd lot to the largest remainder. 240: the first gives all it has.
    assert found == [[20.0, 10.0, 10.0], [21.0, 10.0, 10.0], [100.0, 70.0, 70.0]]


@given(st.integers(1, 10**6), crowds)
def test_pro_rata_is_within_one_lot_of_the_exact_share_where_nobody_is_full(lots: int, crowd: list[tuple]) -> None:
    winners = columns([(10**7, *rest) for _, *rest in crowd])
    given_up = ProRataDeleveraging().allocate(float(lots), winners)
    exact = lots * winners.profit / winners.profit.sum()
    assert (np.abs(given_up - exact) < 1.0 + 1e-6).all()


@given(st.integers(1, 10**6), crowds)
def test_pro_rata_has_the_smallest_largest_haircut_of_all_splits(lots: int, crowd: list[tuple]) -> None:
    winners = columns(crowd)
    lots = min(lots, int(winners.lots.sum()))
    weight = winners.profit

    def worst(split: Array) -> float:
        return float((split / weight).max())

    ours = ProRataDeleveraging().allocate(float(lots), winners)
    queue = QueueDeleveraging().allocate(float(lots), winners)
    assert worst(ours) <= worst(queue) + float((1.0 / weight).max())  # up to the lot that rounding moves


def test_off_takes_nothing_from_anybody_and_says_so() -> None:
    assert not NoDeleveraging().allocate(10.0, columns([(5, 10.0, 100.0, 50.0, 2.0)])).any()
    assert not NoDeleveraging.active
    assert all(rule.active for rule in ACTIVE)
