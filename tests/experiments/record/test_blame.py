"""Who owes whom how much: closings put together by hand, and all shares recomputed by plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.graph.contagion import cascade_forest, exact_shares, ledger_of
from experiments.record.blame import Blame, Ledger
from experiments.record.closings import Closings, Pushes, closings_of, totals, whole
from experiments.run import run
from simulation.accounts import QUANTUM
from tests.experiments.storms import by_hand, holder_of, one_market, run_or_skip, storms


def closings(rows, pushes, markets=1):
    """Closings from dictionaries; what is left out is 0. `pushes`: (moment, step, volume, permanent, transient)."""
    n = len(rows)

    def column(key, default=0.0):
        return np.array([row.get(key, default) for row in rows], float)

    def wide(key):
        return np.array([row.get(key, [0.0] * markets) for row in rows], float).reshape(n, markets)

    def index(key, default=0):
        return column(key, default).astype(np.intp)

    moment, step, *amounts = zip(*pushes, strict=True)
    return Closings(
        step=index("step"),
        round=index("round"),
        row=np.arange(n),
        pool=np.zeros(n, np.intp),
        before=index("before"),
        push=index("push", -1),
        units=wide("units"),
        exposure=wide("exposure"),
        reference=wide("reference").astype(np.intp),
        notional=column("notional"),
        loss=column("loss"),
        exogenous=column("exogenous"),
        flow=column("flow"),
        forced=column("forced"),
        mark_gap=column("mark_gap"),
        carried=np.zeros(n, bool),
        first=np.arange(n),
        pushes=Pushes(
            np.array(moment, np.intp),
            np.array(step, np.intp),
            *(np.array(amount, float).reshape(len(pushes), markets) for amount in amounts),
        ),
    )


def chain(half_life=1.0):
    """Closing 0 sells 3 of the 4 units of push 0 at moment 1, closing 1 the fourth; closing 2 looks at moment 2."""
    rows = [
        {"units": [-3.0], "push": 0, "before": 0},
        {"units": [-1.0], "push": 0, "before": 0},
        {"exposure": [-100.0], "before": 2, "step": 1},
    ]
    return Ledger(closings(rows, [(1, 0, -4.0, -0.02, -0.01)]), np.array([0, 0, 1]), half_life)


def test_a_push_is_seen_with_its_permanent_part_and_what_is_left_of_the_transient():
    ledger = chain()
    assert ledger.moved(np.array([2]), 0, np.array([0]))[0] == pytest.approx(-0.02 - 0.01 / 2)
    assert chain(half_life=0.5).moved(np.array([2]), 0, np.array([0]))[0] == pytest.approx(-0.02 - 0.01 / 4)


def test_a_push_that_came_later_is_not_seen():
    assert chain().moved(np.array([0]), 0, np.array([0]))[0] == 0.0


def test_a_push_is_shared_among_its_closings_by_what_each_sold():
    owed = chain().shares(np.array([2, 2]), np.array([0, 1]))
    assert owed == pytest.approx([100 * 0.025 * 0.75, 100 * 0.025 * 0.25])


def test_a_push_before_the_reference_counts_only_by_what_wore_off_since():
    rows = [
        {"units": [-1.0], "push": 0, "before": 0},
        {"exposure": [-100.0], "before": 2, "reference": [1], "step": 1},
    ]
    ledger = Ledger(closings(rows, [(1, 0, -1.0, -0.02, -0.01)]), np.array([0, 0, 1]), 1.0)
    assert ledger.shares(np.array([1]), np.array([0])) == pytest.approx([100 * (0.025 - 0.03)])


def test_a_closing_that_reached_no_book_owes_nobody_anything():
    rows = [{"units": [0.0], "push": -1}, {"exposure": [-100.0], "before": 1}]
    ledger = Ledger(closings(rows, [(1, 0, -4.0, -0.02, 0.0)]), np.array([0, 0]), 1.0)
    assert ledger.shares(np.array([1]), np.array([0])) == pytest.approx([0.0])
    assert len(ledger.largest(np.array([1]), 8).cause) == 0


def test_longs_and_shorts_closed_together_owe_with_both_signs_and_still_add_up():
    rows = [{"units": [-3.0], "push": 0}, {"units": [1.0], "push": 0}, {"exposure": [-100.0], "before": 1}]
    built = closings(rows, [(1, 0, -2.0, -0.02, 0.0)])
    assert built.share[:, 0] == pytest.approx([1.5, -0.5, 0.0])
    owed = Ledger(built, np.array([0, 0]), 1.0).shares(np.array([2, 2]), np.array([0, 1]))
    assert owed == pytest.approx([3.0, -1.0])


def test_losses_in_several_markets_are_added():
    rows = [
        {"units": [-1.0, -2.0], "push": 0},
        {"exposure": [-100.0, 50.0], "before": 1, "reference": [0, 0]},
    ]
    ledger = Ledger(closings(rows, [(1, 0, [-1.0, -2.0], [-0.02, -0.01], [0.0, 0.0])], 2), np.array([0, 0]), 1.0)
    assert ledger.shares(np.array([1]), np.array([0])) == pytest.approx([100 * 0.02 - 50 * 0.01])


def test_the_largest_causes_come_first_and_it_is_said_whether_any_is_missing():
    found = chain().largest(np.array([2]), 8)
    assert found.cause.tolist() == [0, 1]
    assert (np.diff(np.abs(found.share)) <= 0.0).all()
    assert found.complete.all()
    cut = chain().largest(np.array([2]), 1)
    assert cut.cause.tolist() == [0]
    assert cut.complete.tolist() == [True, True, False]


def test_of_equal_causes_the_latest_comes_first():
    rows = [{"units": [-1.0], "push": 0}, {"units": [-1.0], "push": 0}, {"exposure": [-1.0], "before": 1}]
    ledger = Ledger(closings(rows, [(1, 0, -2.0, -0.02, 0.0)]), np.array([0, 0]), 1.0)
    assert ledger.largest(np.array([2]), 8).cause.tolist() == [1, 0]


def test_without_pushes_nobody_owes_anything():
    result = run(by_hand(impact={"kind": "none"}))
    ledger = ledger_of(result)
    found = ledger.largest(np.arange(len(ledger.closings)), 8)
    assert len(found.cause) == 0
    assert found.complete.all()


@given(scenario=storms(), most=st.integers(1, 12))
@settings(max_examples=8)
def test_the_largest_causes_are_those_of_a_search_over_all_pairs(scenario, most):
    ledger = ledger_of(run_or_skip(scenario))
    n = len(ledger.closings)
    most = most if len(scenario.names) == 1 else n  # across markets only the whole list is sure to be exact
    effects = np.arange(max(0, n - 12), n)
    found = ledger.largest(effects, most)
    for effect in effects.tolist():
        owed = ledger.shares(np.full(n, effect), np.arange(n))
        kept = found.share[found.effect == effect]
        best = np.sort(np.abs(owed))[::-1][:most]
        assert np.abs(kept) == pytest.approx(best[: len(kept)], rel=1e-9, abs=1e-12)
        assert len(kept) == min(most, np.count_nonzero(owed)) or not found.complete[effect]
        assert found.complete[effect] or np.count_nonzero(owed) >= len(kept)
        assert most < n or found.complete[effect]


@given(storms())
@settings(max_examples=8)
def test_all_shares_together_are_the_forced_part_of_the_loss(scenario):
    ledger = ledger_of(run_or_skip(scenario))
    built = ledger.closings
    n = len(built)
    for effect in range(0, n, max(1, n // 10)):
        owed = ledger.shares(np.full(n, effect), np.arange(n)).sum()
        assert owed == pytest.approx(built.forced[effect], abs=1e-6 * max(built.notional[effect], 1.0) + 20 * QUANTUM)


@given(
    st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8),
    st.integers(-5, 5),
    st.booleans(),
)
def test_rounded_shares_and_what_is_left_are_whole_quanta_and_add_up_exactly(shares, off, listed):
    share = np.array(shares)
    forced = np.rint(share.sum() / QUANTUM + off * listed) * QUANTUM
    n = len(shares)
    blame = Blame(np.arange(n), np.zeros(n, np.intp), share, np.array([listed]))
    rounded, left = exact_shares(blame, np.array([forced]))
    assert rounded.sum() + left[0] == forced
    assert np.array_equal(rounded / QUANTUM, np.rint(rounded / QUANTUM))
    assert left[0] == 0.0 or not listed
    assert np.abs(rounded - share).max() <= QUANTUM * (2 + abs(off) + n)


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=9))
def test_sums_of_whole_quanta_stay_whole(counts):
    dollars = np.array(counts, float) * QUANTUM
    assert whole(dollars + 1e-9 * QUANTUM).tolist() == dollars.tolist()


def test_totals_go_to_their_numbers():
    assert totals(np.array([2, 0, 2]), np.array([1.0, 5.0, 10.0]), 4).tolist() == [5.0, 0.0, 11.0, 0.0]


def test_closings_merge_the_trades_of_one_pool_and_round():
    result = run(by_hand())
    built = closings_of(result.events, result.pushes, result.scenario.names)
    assert built.notional == pytest.approx([4 * 96.5, 2 * 94.5])
    assert built.units[:, 0].tolist() == [-4.0, -2.0]
    assert built.share[:, 0].tolist() == [1.0, 1.0]
    assert built.push.tolist() == [0, 1]
    assert (built.exogenous + built.flow + built.forced + built.mark_gap == built.loss).all()
    assert built.carried.tolist() == [False, True]


def test_a_round_begins_for_all_its_closings_at_the_same_moment():
    pair = [holder_of(1.0, 97.0, "A"), holder_of(1.0, 96.8, "B"), holder_of(1.0, 50.0, "C")]
    result = run(one_market(pair))
    built = closings_of(result.events, result.pushes, result.scenario.names)
    for number in {(s, r) for s, r in zip(built.step, built.round, strict=True)}:
        same = [i for i in range(len(built)) if (built.step[i], built.round[i]) == number]
        assert len({int(built.seized[i]) for i in same}) == 1
        assert built.seized[same[0]] == built.before[same].min()


@pytest.mark.parametrize(("second", "continues"), [(2, True), (4, False)])
def test_a_further_close_continues_the_first_only_in_the_same_or_the_next_step(second, continues):
    falls = [{"step": 1, "size": -0.035}, {"step": second, "size": -0.05}]
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 0.0}
    changes = {"steps": 5, "price": {"kind": "scripted", "shocks": falls}, "liquidation": half}
    result = run(one_market([holder_of(4.0, 97.0, "A")], impact={"kind": "none"}, **changes))
    forest = cascade_forest(result)
    steps = result.events["step"].tolist()
    later = steps.index(second)
    assert steps[0] == 1
    assert bool(forest.continues[later]) is continues
    assert len(forest.roots) == (1 if continues else 2)
