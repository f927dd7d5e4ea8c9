"""The cascade forest: parents, generations, and a count of every closing."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from experiments.graph.contagion import cascade_forest, contagion_graph, ledger_of
from experiments.record.blame import Ledger
from experiments.run import run
from tests.experiments.storms import (
    branching,
    closings,
    generations_of,
    holder_of,
    one_market,
    run_or_skip,
    storms,
    thresholds,
)


def test_a_pool_closed_in_parts_is_one_pool_of_one_generation():
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 1.0}
    result = run(one_market([holder_of(4.0, 99.5, "A"), holder_of(2.0, 95.8, "B")], liquidation=half))
    graph, forest = contagion_graph(result), cascade_forest(result)
    again = [about for _, _, about in graph.edges(data=True) if about["kind"] == "again"]
    assert forest.continues.sum() > 0
    assert len(again) <= forest.continues.sum()
    a_nodes = [about for about in closings(graph).values() if about["account"] == "A[0]"]
    assert {about["generation"] for about in a_nodes} == {1}
    assert forest.generations.sum() == len({about["account"] for about in closings(graph).values()})


@pytest.mark.parametrize("seed", range(5))  # in run 4 one pool is deleveraged, after the others of its round were sold
def test_generations_are_those_of_the_threshold_model(seed):
    forest = cascade_forest(run(branching(seed)))
    assert forest.generations.tolist() == generations_of(thresholds(seed), 0.25)
    assert len(forest.roots) == forest.generations[0]


@pytest.mark.parametrize("seed", range(3))
def test_generations_are_the_same_with_one_round_a_step(seed):
    at_once = cascade_forest(run(branching(seed)))
    slowly = cascade_forest(run(branching(seed, rounds_per_step=1, steps=40)))
    assert slowly.generations.tolist() == at_once.generations.tolist()
    assert sorted(slowly.sizes) != [] and slowly.sizes.sum() == at_once.sizes.sum()


@settings(max_examples=20)
@given(storms())
def test_nobody_of_the_round_before_owes_more_than_the_parent(scenario):
    result = run_or_skip(scenario)
    plain, forest = ledger_of(result), cascade_forest(result)
    c = plain.closings
    ledger = Ledger(replace(c, before=c.seized), plain.moment_step, plain.half_life)
    for child in np.flatnonzero((forest.parent >= 0) & ~forest.continues).tolist():
        parent = forest.parent[child]
        if (c.step[parent], c.round[parent]) != (c.step[child], c.round[child] - 1):
            continue
        others = np.flatnonzero((c.step == c.step[parent]) & (c.round == c.round[parent]))
        owed = ledger.shares(np.full(len(others), child), others)
        own = owed[others == parent][0]
        assert own > 0.0
        assert owed.max() <= own * (1.0 + 1e-9)


def test_a_chain_in_which_each_sale_kills_exactly_the_next_is_one_deep_tree():
    chain = [holder_of(1.0, 96.6 - 0.5 * i, f"link{i}") for i in range(12)]
    result = run(one_market(chain))
    forest = cascade_forest(result)
    assert forest.parent.tolist() == [-1, *range(11)]
    assert forest.sizes.tolist() == [12]
    assert forest.depths.tolist() == [12]
    assert result.metrics["branching_ratio"] == pytest.approx(11 / 12)


@settings(max_examples=25)
@given(storms())
def test_the_forest_is_the_tree_edges_and_counts_every_closing_once(scenario):
    result = run_or_skip(scenario)
    graph, forest = contagion_graph(result, 3), cascade_forest(result)
    found = closings(graph)
    tree = nx.DiGraph((one, other) for one, other, about in graph.edges(data=True) if about["tree"])
    tree.add_nodes_from(found)
    assert len(forest) == len(found) == len(result.events.groupby(["step", "round", "row", "pool"]))
    assert not len(tree) or nx.is_branching(tree)
    assert len(list(nx.weakly_connected_components(tree))) == len(forest.roots)
    assert sum(len(part) for part in nx.weakly_connected_components(tree)) == len(forest)
    assert forest.sizes.sum() >= len(result.events.groupby(["row", "pool"]))
    assert sum(about["root"] for about in found.values()) == len(forest.roots)
    assert result.metrics["cascade_size"] == forest.sizes.max(initial=0)
    for node, about in found.items():
        parents = [found[one] for one in tree.predecessors(node)]
        assert all((one["step"], one["round"]) < (about["step"], about["round"]) for one in parents)
        again = bool(parents) and (parents[0]["account"], parents[0]["pool"]) == (about["account"], about["pool"])
        assert about["generation"] == (parents[0]["generation"] + (not again) if parents else 1)
