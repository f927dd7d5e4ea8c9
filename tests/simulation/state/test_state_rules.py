"""State rules: every state, every threshold, and who is let go when."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.state.base import Standing, State, StateRule
from simulation.state.ratio import RatioState
from simulation.state.search_release import SearchReleaseState
from simulation.state.simple import SimpleState

KINDS = sorted(StateRule.kinds())


def standing(equity: float, closing: bool = False, before: int = 0, initial: float = 200.0) -> Standing:
    """A pool that needs 100 for maintenance."""
    one = np.ones(1)
    return Standing(equity * one, initial * one, 100.0 * one, np.array([closing]), np.array([before]))


def state(rule: StateRule, equity: float, **known: Any) -> State:
    return State(int(rule.state(standing(equity, **known))[0]))


def test_the_simple_rule_knows_free_reduce_only_and_liquidation() -> None:
    rule = SimpleState()
    found = [state(rule, equity) for equity in (200.0, 199.0, 100.0, 99.0, -5.0)]
    assert found == [State.FREE, State.REDUCE_ONLY, State.REDUCE_ONLY, State.LIQUIDATION, State.LIQUIDATION]
    assert rule.trigger == rule.stop == 1.0


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        (151.0, State.FREE),
        (150.0, State.WARNING),
        (121.0, State.WARNING),
        (120.0, State.REDUCE_ONLY),
        (106.0, State.REDUCE_ONLY),
        (105.0, State.LIQUIDATION),
        (101.0, State.LIQUIDATION),
        (100.0, State.BACKSTOP),
        (-1.0, State.BACKSTOP),
    ],
)
def test_a_unified_ratio_visits_every_state(equity: float, expected: State) -> None:
    assert state(RatioState(), equity) == expected


def test_exactly_at_a_threshold_counts_as_above_where_that_is_said() -> None:
    rule = RatioState(inclusive=False)
    found = [state(rule, equity) for equity in (150.0, 120.0, 105.0, 100.0)]
    assert found == [State.FREE, State.WARNING, State.REDUCE_ONLY, State.LIQUIDATION]


def test_below_a_multiple_of_initial_margin_only_smaller_positions_are_allowed() -> None:
    rule = RatioState(initial_multiple=1.0)
    assert state(rule, 199.0) == State.REDUCE_ONLY
    assert state(rule, 200.0) == State.FREE
    assert state(RatioState(), 199.0) == State.FREE


def test_an_empty_pool_is_free_and_owes_nothing() -> None:
    zero = np.zeros(1)
    for kind in KINDS:
        rule = StateRule.parse({"kind": kind})
        assert rule.state(Standing.fresh(zero, zero, zero))[0] == State.FREE
        assert not rule.due(zero, zero, np.zeros(1, bool))[0]


def test_once_begun_liquidation_goes_on_until_the_release_level() -> None:
    rule = RatioState(liquidation=1.0, release=1.3)
    assert (rule.trigger, rule.stop) == (1.0, 1.3)
    assert state(rule, 115.0) != State.LIQUIDATION
    assert state(rule, 115.0, closing=True) == State.LIQUIDATION
    assert state(rule, 130.0, closing=True) == State.WARNING


def test_a_release_below_the_trigger_is_no_release() -> None:
    assert RatioState(liquidation=1.2, release=1.0).stop == 1.2


@pytest.mark.parametrize(
    ("equity", "before", "expected"),
    [
        (99.0, 0, State.LIQUIDATION),
        (105.0, 0, State.WARNING),
        (115.0, 0, State.FREE),
        (115.0, 1, State.WARNING),  # searched before, and not yet back at the initial level
        (115.0, 3, State.WARNING),
        (120.0, 1, State.FREE),
    ],
)
def test_below_search_an_account_is_warned_until_it_is_back_at_initial(
    equity: float, before: int, expected: State
) -> None:
    assert state(SearchReleaseState(), equity, before=before) == expected


def test_margin_moves_to_initial_from_below_search_and_above_release_only() -> None:
    rule, needed = SearchReleaseState(), np.full(5, 100.0)
    equity = np.array([90.0, 109.0, 110.5, 139.5, 141.0])
    assert rule.wanted(equity, needed).tolist() == pytest.approx([30.0, 11.0, 0.0, 0.0, -21.0])


multiples = st.floats(0.1, 3.0)


@given(multiples, multiples, st.lists(st.floats(-1e3, 1e4), min_size=2, max_size=9))
def test_more_equity_never_means_a_worse_state(first: float, second: float, equity: list[float]) -> None:
    rules = [
        SimpleState(),
        RatioState(liquidation=first, reduce_only=second),
        SearchReleaseState(search=1.0 + first, release=1.0 + second),
    ]
    rising: Array = np.sort(np.array(equity))
    needed = np.full(len(rising), 100.0)
    for rule in rules:
        found = rule.state(Standing.fresh(rising, 2.0 * needed, needed))
        assert (np.diff(found) <= 0).all()


@given(multiples, multiples, st.floats(-1e3, 1e4), st.booleans())
def test_liquidation_is_exactly_what_is_due(trigger: float, release: float, equity: float, closing: bool) -> None:
    rule = RatioState(liquidation=trigger, release=release)
    pool = standing(equity, closing)
    due = bool(rule.due(pool.equity, pool.maintenance, pool.closing)[0])
    assert due == (rule.state(pool)[0] >= State.LIQUIDATION)
    assert rule.stop >= rule.trigger


def test_thresholds_out_of_order_count_as_the_one_below_them() -> None:
    """Liquidation at 1.5: no smaller warning or reduce-only level opens a gap above it, no backstop lies higher."""
    rule = RatioState(warning=1.1, reduce_only=1.2, liquidation=1.5, backstop=2.0)
    found = [state(rule, equity) for equity in (151.0, 150.0, 120.0, 100.0)]
    assert found == [State.FREE, State.BACKSTOP, State.BACKSTOP, State.BACKSTOP]
    narrow = RatioState(warning=1.1, reduce_only=1.4, liquidation=1.0, backstop=0.5)
    found = [state(narrow, equity) for equity in (141.0, 140.0, 101.0, 100.0, 51.0, 50.0)]
    free, reduce, close, vault = State.FREE, State.REDUCE_ONLY, State.LIQUIDATION, State.BACKSTOP
    assert found == [free, reduce, reduce, close, close, vault]


def test_a_requirement_of_cents_has_thresholds_too() -> None:
    one = np.ones(1)
    tiny = Standing.fresh(0.0105 * one, 0.01 * one, 0.01 * one)
    assert RatioState().state(tiny)[0] == State.LIQUIDATION, "exactly at 105 %"


@given(st.floats(0.5, 2.0), st.floats(0.5, 2.0), st.floats(0.5, 2.0), st.floats(0.0, 2.0), st.floats(0.0, 250.0))
def test_the_ratio_rule_is_what_a_reader_of_its_list_of_levels_does(
    warning: float, reduce_only: float, liquidation: float, backstop: float, equity: float
) -> None:
    """Walk the levels from the worst: the first that equity over 100 does not exceed is the state."""
    rule = RatioState(warning=warning, reduce_only=reduce_only, liquidation=liquidation, backstop=backstop)
    reading = State.FREE
    if equity <= 100.0 * max(warning, reduce_only, liquidation):
        reading = State.WARNING
    if equity <= 100.0 * max(reduce_only, liquidation):
        reading = State.REDUCE_ONLY
    if equity <= 100.0 * liquidation:
        reading = State.LIQUIDATION
    if equity <= 100.0 * backstop and reading == State.LIQUIDATION:
        reading = State.BACKSTOP
    assert state(rule, equity) == reading


def test_exactly_at_search_or_release_nothing_moves_and_levels_out_of_order_count_as_the_one_before() -> None:
    rule, one = SearchReleaseState(search=1.25, initial=1.5, release=2.0), np.full(4, 100.0)
    assert rule.wanted(np.array([124.0, 125.0, 200.0, 201.0]), one).tolist() == [26.0, 0.0, 0.0, -51.0]
    odd = SearchReleaseState(search=1.5, initial=1.2, release=1.1)
    assert odd.levels == (1.5, 1.5, 1.5)
    assert odd.wanted(np.array([149.0, 150.0, 151.0, 0.0]), one).tolist() == [1.0, 0.0, -1.0, 150.0]
