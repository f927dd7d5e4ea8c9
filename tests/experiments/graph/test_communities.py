"""Communities: networkx's Louvain on all dollars, the same for the same seed, blocks where there are too many."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from experiments.graph.communities import blocks, communities, dollars_between, louvain
from experiments.graph.contagion import contagion_graph, ledger_of
from experiments.run import run
from simulation.random import Streams
from tests.experiments.graph.test_hits import two_markets
from tests.experiments.storms import branching, closings, run_or_skip, storms

EVERY = 10**6


def test_two_groups_that_never_touch_are_two_communities():
    ledger = ledger_of(run(two_markets("isolated", price={"kind": "scripted", "shocks": [{"step": 1, "size": -0.12}]})))
    found = communities(ledger, 1)
    market = (ledger.closings.units[:, 1] != 0.0).astype(int)
    assert set(found) == {0, 1}
    assert len({(a, b) for a, b in zip(found, market, strict=True)}) == 2


def test_the_partition_is_that_of_networkx_on_the_edges_of_the_graph():
    result = run(branching(3))
    graph = contagion_graph(result, EVERY)
    names = list(closings(graph))
    plain = nx.Graph()
    plain.add_nodes_from(range(len(names)))
    for one, other, about in graph.edges(data=True):
        plain.add_edge(names.index(one), names.index(other), weight=about["share"])
    found = communities(ledger_of(result), result.scenario.seed)
    groups = [set(np.flatnonzero(found == k).tolist()) for k in range(found.max() + 1)]
    best = nx.community.louvain_communities(plain, seed=5)
    assert nx.community.is_partition(plain, groups)
    assert nx.community.modularity(plain, groups) >= nx.community.modularity(plain, best) - 0.02
    assert [len(group) for group in groups] == sorted(map(len, groups), reverse=True)


@settings(max_examples=10)
@given(storms())
def test_the_same_seed_gives_the_same_communities_and_everybody_has_one(scenario):
    ledger = ledger_of(run_or_skip(scenario))
    first, again = communities(ledger, 7), communities(ledger, 7)
    assert (first == again).all()
    assert len(first) == len(ledger.closings)
    assert set(first.tolist()) == set(range(first.max(initial=-1) + 1))


@settings(max_examples=10)
@given(storms())
def test_blocks_hold_closings_of_the_same_markets_and_sides_and_keep_every_dollar(scenario):
    ledger = ledger_of(run_or_skip(scenario))
    label = blocks(ledger, 10)
    side = np.sign(ledger.closings.exposure)
    for k in set(label.tolist()):
        assert len(np.unique(side[label == k], axis=0)) == 1
    count = int(label.max(initial=-1)) + 1
    between = dollars_between(ledger, label, count)
    assert between.sum() == pytest.approx(ledger.closings.forced.sum(), rel=1e-9, abs=1e-4)
    assert count <= max(10, len(np.unique(side, axis=0)))


def test_helps_are_no_ties():
    found = louvain(np.array([[0.0, -5.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]]), Streams(1))
    assert sorted(map(sorted, found)) == [[0], [1, 2]]
    assert list(louvain(np.zeros((0, 0)), Streams(1))) == []


def test_harm_ties_whichever_way_it_went():
    found = louvain(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]]), Streams(1))
    assert sorted(map(sorted, found)) == [[0], [1, 2]]
