"""States over time: what a pool goes through while its equity moves, and margin that moves with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.state.base import Standing, State, StateRule
from simulation.state.ratio import RatioState
from simulation.state.search_release import SearchReleaseState
from simulation.state.simple import SimpleState

NEEDED = np.full(1, 100.0)
paths = st.lists(st.floats(-50.0, 300.0), min_size=1, max_size=30)


def walked(rule: StateRule, path: list[float]) -> list[State]:
    """Play a path: the venue has begun to close from the first state of liquidation until a better one."""
    closing, before, seen = np.zeros(1, bool), np.zeros(1, np.intp), []
    for equity in path:
        standing = Standing(np.full(1, equity), 1.5 * NEEDED, NEEDED, closing, before)
        before = rule.state(standing)
        closing = rule.due(standing.equity, NEEDED, closing)
        assert bool(closing[0]) == (before[0] >= int(State.LIQUIDATION))
        seen.append(State(int(before[0])))
    return seen


def test_a_pool_that_was_begun_is_closed_on_until_the_release_level_by_hand() -> None:
    rule = RatioState(liquidation=1.0, release=1.3, backstop=0.5)
    free, warn, only, close, vault = State
    found = walked(rule, [200.0, 140.0, 110.0, 101.0, 99.0, 110.0, 129.0, 50.0, 129.9, 130.0, 110.0])
    assert found == [free, warn, only, only, close, close, close, vault, close, warn, only]


def test_a_pool_that_was_warned_stays_so_until_its_initial_level_by_hand() -> None:
    rule = SearchReleaseState(search=1.1, initial=1.2, release=1.4)
    free, warn, _, close, _ = State
    found = walked(rule, [130.0, 111.0, 109.0, 111.0, 119.9, 120.0, 111.0, 99.0, 119.0, 125.0])
    assert found == [free, free, warn, warn, warn, free, free, close, warn, free]


@given(paths, st.floats(0.5, 1.5), st.floats(0.5, 2.5))
def test_between_trigger_and_release_a_ratio_rule_does_what_it_did_before(
    path: list[float], trigger: float, release: float
) -> None:
    """Read with a memory of one bit, as a person at a desk would."""
    rule = RatioState(liquidation=trigger, release=release, backstop=0.0)
    begun = False
    for equity, found in zip(path, walked(rule, path), strict=True):
        if equity <= 100.0 * trigger:
            begun = True
        elif equity >= 100.0 * max(release, trigger):
            begun = False
        assert (found >= State.LIQUIDATION) == begun


@given(paths)
def test_without_a_release_level_of_its_own_only_today_counts(path: list[float]) -> None:
    for rule in (SimpleState(), SearchReleaseState()):
        for equity, found in zip(path, walked(rule, path), strict=True):
            assert (found == State.LIQUIDATION) == (equity < 100.0)


@given(paths, st.floats(1.0, 1.5), st.floats(0.0, 0.5), st.floats(0.0, 0.5), st.floats(0.0, 1e3))
def test_margin_that_moves_comes_to_rest_at_once_and_none_is_lost(
    path: list[float], search: float, more: float, still: float, wallet: float
) -> None:
    """The pool is topped up from a wallet as far as that goes and gives back what it has too much."""
    rule = SearchReleaseState(search=search, initial=search + more, release=search + more + still)
    pool, purse = 0.0, wallet
    for earned in path:
        pool += earned - 100.0
        both = pool + purse
        moved = min(float(rule.wanted(np.full(1, pool), NEEDED)[0]), purse)
        pool, purse = pool + moved, purse - moved
        assert pool + purse == pytest.approx(both)
        assert purse >= 0.0
        after = float(rule.wanted(np.full(1, pool), NEEDED)[0])
        if purse > 1e-9:
            assert after == 0.0 or abs(after) < 1e-9 * (1.0 + abs(pool))
        if moved:
            assert pool == pytest.approx(100.0 * (search + more)) or purse == 0.0
