"""The forest once more, in plain loops over closings put together by chance: parents, generations, trees."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.record.blame import Ledger
from experiments.record.forest import grow
from tests.experiments.record.test_blame import closings

CUT = 3  # rounds per step, where they are limited


def by_chance(seed, markets, slots):
    """Some closings in each of `slots` (step, round), with one push a slot; no two owe the same."""
    rng = np.random.default_rng(seed)
    rows, pushes, pools, whose = [], [], [], []
    for k, (step, round_) in enumerate(slots):
        here = rng.permutation(6)[: rng.integers(1, 5)]
        units = rng.uniform(-4.0, 1.5, (len(here), markets)) * (rng.random((len(here), markets)) < 0.7)
        reached = rng.random() < 0.9
        for pool, sold in zip(here.tolist(), units, strict=True):
            rows.append(
                {
                    "step": step,
                    "round": round_,
                    "before": 2 * k + int(rng.random() < 0.3),  # some are closed late in their round
                    "push": k if reached else -1,
                    "units": sold if reached else 0.0 * sold,
                    "exposure": rng.uniform(-100.0, 30.0, markets) * (rng.random(markets) < 0.8),
                    "reference": rng.integers(0, 2 * k + 1, markets),
                }
            )
            whose.append(pool)
            pools.append(rng.random() < 0.8)
        volume = units.sum(axis=0)
        pushes.append(
            (2 * k + 1, step, volume, 1e-2 * volume * rng.random(markets), 1e-2 * volume * rng.random(markets))
        )
    built = closings(rows, pushes, markets)
    built = replace(built, row=np.array(whose), carried=np.array(pools), before=_one_a_slot_at_first(built))
    return Ledger(built, np.repeat([step for step, _ in slots], 2), 1.5)


def _one_a_slot_at_first(built):
    """The first closing of each round is made at its beginning."""
    before, seen = built.before.copy(), set()
    for i, slot in enumerate(zip(built.step.tolist(), built.round.tolist(), strict=True)):
        if slot not in seen:
            before[i] -= before[i] % 2
        seen.add(slot)
    return before


def owed(ledger, effect, cause):
    """What one closing owes another, market by market, as its definition says."""
    c, total = ledger.closings, 0.0
    push, now = int(c.push[cause]), 2 * (int(c.before[effect]) // 2)  # the beginning of the round
    if push < 0:
        return 0.0
    at, step = int(c.pushes.moment[push]), int(c.pushes.step[push])
    for market in range(c.units.shape[1]):
        left = 0.0
        for moment, sign in ((now, 1.0), (int(c.reference[effect, market]), -1.0)):
            if at <= moment:
                age = int(ledger.moment_step[moment]) - step
                left += sign * (
                    c.pushes.permanent[push, market] + c.pushes.transient[push, market] * 0.5 ** (age / 1.5)
                )
        volume = c.pushes.volume[push, market]
        total += c.exposure[effect, market] * left * (c.units[cause, market] / volume if volume else 0.0)
    return total


def follows(one, other, limit):
    """Whether slot `other` is the round after slot `one`, in the same step or, where rounds are cut, in the next."""
    if one[0] == other[0]:
        return other[1] == one[1] + 1
    return bool(limit) and other == (one[0] + 1, 0) and one[1] == limit - 1


def parents(ledger, limit):
    """(parent, continues) of every closing, in plain loops."""
    c = ledger.closings
    slot = list(zip(c.step.tolist(), c.round.tolist(), strict=True))
    found, again, last = [], [], {}
    for i, where in enumerate(slot):
        earlier = last.get(int(c.row[i]))
        last[int(c.row[i])] = i
        again.append(earlier is not None and where[0] - slot[earlier][0] <= 1)
        if again[-1]:
            found.append(earlier)
            continue
        before = [j for j in range(i) if slot[j] < where]
        debts = {j: owed(ledger, i, j) for j in before}
        recent = [j for j in before if slot[j] == slot[before[-1]] and follows(slot[j], where, limit)]
        best = max(recent, key=debts.__getitem__, default=-1)
        if not c.carried[i]:
            best = -1
        elif best < 0 or debts[best] <= 0.0:
            largest = sorted((j for j in before if debts[j]), key=lambda j: -abs(debts[j]))[:4]
            best = next((j for j in largest if debts[j] > 0.0), -1)
        found.append(best)
    return found, again


@st.composite
def slots(draw):
    """At most five rounds with closings, some in one step, some with a gap of rounds or steps between."""
    step, round_, found = 1, 0, []
    for _ in range(draw(st.integers(1, 5))):
        found.append((step, round_))
        skip = draw(st.sampled_from(["next", "next", "round", "step", "far"]))
        if skip in ("next", "round") and round_ + 1 < CUT:
            round_ += 1 if skip == "next" else 2
        else:
            step, round_ = step + (3 if skip == "far" else 1), 0
    return [slot for slot in found if slot[1] < CUT]


@settings(max_examples=60)
@given(st.integers(0, 10**9), st.integers(1, 2), slots(), st.sampled_from([0, CUT]))
def test_parents_generations_and_trees_are_those_of_plain_loops(seed, markets, where, limit):
    ledger = by_chance(seed, markets, where)
    parent, again = parents(ledger, limit)
    forest = grow(ledger, limit)
    assert forest.parent.tolist() == parent
    assert forest.continues.tolist() == again
    tree = nx.DiGraph()
    tree.add_nodes_from(range(len(parent)))
    tree.add_weighted_edges_from((one, i, float(not again[i])) for i, one in enumerate(parent) if one >= 0)
    assert forest.roots.tolist() == [i for i in tree if tree.in_degree(i) == 0]
    for root, size, depth in zip(forest.roots.tolist(), forest.sizes.tolist(), forest.depths.tolist(), strict=True):
        away = nx.single_source_dijkstra_path_length(tree, root)
        assert {i for i in range(len(parent)) if forest.tree[i] == root} == set(away)
        assert [forest.generation[i] for i in away] == [1 + away[i] for i in away]
        assert size == len({int(ledger.closings.row[i]) for i in away})
        assert depth == 1 + max(away.values())
    counted = [int(g) for g, more in zip(forest.generation, again, strict=True) if not more]
    assert forest.generations.tolist() == [counted.count(g) for g in range(1, max(counted) + 1)]


def line(*slots_, carried=True, **more):
    """One unit sold in each slot, each hurt by all before; pools 0, 1, 2, ..."""
    rows = [
        {"step": s, "round": r, "before": 2 * k, "push": k, "units": [-1.0], "exposure": [-100.0]}
        for k, (s, r) in enumerate(slots_)
    ]
    pushes = [(2 * k + 1, s, -1.0, -0.01 * more.get("fall", 1.0), 0.0) for k, (s, _) in enumerate(slots_)]
    built = replace(closings(rows, pushes), carried=np.full(len(rows), carried))
    return built, np.repeat([s for s, _ in slots_], 2)


def test_who_would_have_fallen_anyhow_is_a_root_however_much_others_took() -> None:
    built, steps = line((1, 0), (1, 1), (1, 2), carried=False)
    assert grow(Ledger(built, steps, 1.0), 0).parent.tolist() == [-1, -1, -1]
    assert grow(Ledger(replace(built, carried=np.ones(3, bool)), steps, 1.0), 0).parent.tolist() == [-1, 0, 1]


@pytest.mark.parametrize(("limit", "parent"), [(0, 0), (3, 0), (2, 1)])
def test_the_round_before_is_in_the_step_before_only_where_rounds_were_cut_there(limit: int, parent: int) -> None:
    """The first sale took twice what the second did: it is the parent unless the second one's round was the last."""
    built, steps = line((1, 0), (1, 1), (2, 0))
    pushes = replace(built.pushes, permanent=np.array([[-0.02], [-0.01], [-0.01]]))
    forest = grow(Ledger(replace(built, pushes=pushes), steps, 1.0), limit)
    assert forest.parent.tolist() == [-1, 0, parent]


def test_after_a_round_without_closings_all_earlier_ones_may_be_the_parent() -> None:
    built, steps = line((1, 0), (2, 0), (2, 2))
    pushes = replace(built.pushes, permanent=np.array([[-0.02], [-0.01], [-0.01]]))
    forest = grow(Ledger(replace(built, pushes=pushes), steps, 1.0), 0)
    assert forest.parent.tolist() == [-1, 0, 0]


@pytest.mark.parametrize(("second", "again"), [(1, True), (2, True), (3, False), (4, False)])
def test_a_pool_closed_again_two_steps_later_is_a_new_generation(second: int, again: bool) -> None:
    built, steps = line((1, 0), (second, 1))
    forest = grow(Ledger(replace(built, row=np.zeros(2, np.intp)), steps, 1.0), 0)
    assert forest.continues.tolist() == [False, again]
    assert forest.generations.tolist() == ([1] if again else [1, 1])
    assert forest.generation.tolist() == ([1, 1] if again else [1, 2])
    assert forest.sizes.tolist() == [1], "one pool, however often"


def test_a_sale_that_helped_is_no_parent() -> None:
    built, steps = line((1, 0), (1, 1), fall=-1.0)
    assert grow(Ledger(built, steps, 1.0), 0).parent.tolist() == [-1, -1]


def test_of_a_buyer_and_a_seller_in_one_round_the_seller_pulls_longs_down_and_the_buyer_shorts() -> None:
    rows = [{"step": 1, "push": 0, "units": [units]} for units in (-3.0, 2.0, -1.0)]
    rows += [{"step": 1, "round": 1, "before": 2, "exposure": [worth]} for worth in (-100.0, 100.0)]
    built = closings(rows, [(1, 1, -2.0, -0.02, 0.0)])
    forest = grow(Ledger(replace(built, carried=np.ones(5, bool)), np.ones(3, np.intp), 1.0), 0)
    assert forest.parent.tolist() == [-1, -1, -1, 0, 1]


def test_the_buyer_of_the_round_before_is_the_parent_even_if_an_earlier_one_bought_more() -> None:
    rows = [{"step": 1, "push": 0, "units": [9.0]}]
    rows += [{"step": 1, "round": 1, "before": 2, "push": 1, "units": [units]} for units in (-3.0, 2.0, -1.0)]
    rows += [{"step": 1, "round": 2, "before": 4, "exposure": [100.0]}]
    built = closings(rows, [(1, 1, 9.0, 0.09, 0.0), (3, 1, -2.0, -0.02, 0.0)])
    forest = grow(Ledger(replace(built, carried=np.ones(5, bool)), np.ones(5, np.intp), 1.0), 0)
    assert forest.parent[-1] == 2
