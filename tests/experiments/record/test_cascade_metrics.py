"""The cascade metrics once more, by a plain reading of each definition from the raw log."""

import math
from collections import Counter

import networkx as nx
import pytest
from hypothesis import given, settings

from experiments.graph.contagion import contagion_graph
from experiments.run import run
from simulation.errors import CapacityError
from tests.experiments.record.metric_cases import finished, same
from tests.experiments.storms import by_hand, storms


def nodes_of(scenario):
    graph = contagion_graph(run(scenario))
    nodes = {name: about for name, about in graph.nodes(data=True) if about["kind"] == "closing"}
    tree = nx.Graph()
    tree.add_nodes_from(nodes)
    tree.add_edges_from((a, b) for a, b, about in graph.edges(data=True) if about.get("tree"))
    again = {b for _, b, about in graph.edges(data=True) if about.get("tree") and about["kind"] == "again"}
    return nodes, [sorted(part) for part in nx.connected_components(tree)], again


@given(storms())
@settings(max_examples=12)
def test_cascade_metrics_are_counts_over_the_trees_of_the_graph(scenario):
    try:
        model, values, reasons = finished(scenario)
    except CapacityError:
        return
    nodes, trees, _ = nodes_of(scenario)
    pools = [{(nodes[n]["account"], nodes[n]["pool"]) for n in tree} for tree in trees]
    if not nodes:
        for name in ("mean_cascade_size", "cascade_seconds"):
            assert reasons[name] == "nothing was liquidated"
        assert values["total_cascade_size"] == values["cascade_width"] == values["cascade_rounds"] == 0.0
        return
    size = [model.forest.generations.tolist(), model.forest.continues.tolist()]
    counted = Counter(g for g, again in zip(model.forest.generation.tolist(), size[1], strict=True) if not again)
    assert [counted[g] for g in range(1, max(counted) + 1)] == size[0]
    assert values["total_cascade_size"] == sum(counted.values())
    assert values["endogenous_cascade_size"] == sum(n for g, n in counted.items() if g > 1)
    assert values["cascade_width"] == max(counted.values())
    assert values["endogenous_cascade_size"] == pytest.approx(values["branching_ratio"] * values["total_cascade_size"])
    assert same(values["mean_cascade_size"], sum(map(len, pools)) / len(trees))
    later = math.fsum(about["notional"] for about in nodes.values() if about["generation"] > 1)
    assert same(values["endogenous_cascade_notional"], later)
    slots = sorted({(about["step"], about["round"]) for about in nodes.values()})
    spans = [sorted((nodes[n]["step"], nodes[n]["round"]) for n in tree) for tree in trees]
    assert values["cascade_rounds"] == max(slots.index(s[-1]) - slots.index(s[0]) + 1 for s in spans)
    assert values["cascade_seconds"] == max(s[-1][0] - s[0][0] for s in spans) * 3600.0


def test_the_chain_worked_by_hand_has_two_generations_of_one_pool():
    _, values, _ = finished(by_hand())
    assert values["total_cascade_size"] == 2
    assert values["endogenous_cascade_size"] == values["cascade_width"] == 1
    assert values["endogenous_cascade_notional"] == pytest.approx(2 * 94.5)
    assert values["mean_cascade_size"] == values["cascade_rounds"] == 2
    assert values["cascade_seconds"] == 0.0


def test_a_cascade_of_one_round_a_step_takes_time():
    _, values, _ = finished(by_hand(rounds_per_step=1, step_seconds=60.0))
    assert values["cascade_rounds"] == 2
    assert values["cascade_seconds"] == 60.0
