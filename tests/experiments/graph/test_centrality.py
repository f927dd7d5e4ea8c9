"""Centralities: the same numbers as networkx on graphs small enough for it, and worked by hand."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.graph.anatomy import anatomy
from experiments.graph.centrality import COLUMNS, betweenness, pagerank
from experiments.graph.contagion import contagion_graph
from experiments.run import run
from tests.experiments.storms import branching, by_hand, closings, holder_of, one_market, run_or_skip, storms


def by_networkx(graph):
    """PageRank by networkx of the graph turned round, waves passing on by notional."""
    back = nx.DiGraph()
    back.add_nodes_from(graph)
    for one, other, about in graph.edges(data=True):
        weight = about["share"] if about["kind"] == "loss" else graph.nodes[one]["notional"]
        if about["kind"] == "part" or about["share"] > 0.0:
            back.add_edge(other, one, weight=weight)
    return nx.pagerank(back, weight="weight", tol=1e-14, max_iter=1_000)


@settings(max_examples=15)
@given(storms())
def test_pagerank_is_that_of_networkx_on_the_exported_graph(scenario):
    seen = anatomy(run_or_skip(scenario))
    if not len(seen.graph):
        return
    expected = by_networkx(seen.graph)
    found = {node: about["pagerank"] for node, about in closings(seen.graph).items()}
    assert found == pytest.approx({node: expected[node] for node in found}, abs=1e-9)
    waves = sum(rank for node, rank in expected.items() if node not in found)
    assert sum(found.values()) + waves == pytest.approx(1.0)


def test_all_the_weight_of_a_chain_runs_to_its_beginning():
    rank = pagerank(3, np.array([0, 1]), np.array([1, 2]), np.array([5.0, 7.0]))
    # Solved by hand: r2 = t, r1 = t + .85 r2, r0 = t + .85 r1 with t the same restart for all.
    ratio = rank / rank[2]
    assert ratio == pytest.approx([1 + 0.85 * 1.85, 1.85, 1.0])
    assert rank.sum() == pytest.approx(1.0)


@given(st.lists(st.integers(-1, 30), max_size=30))
def test_betweenness_in_a_forest_is_that_of_networkx(raw):
    parent = np.array([min(value, i - 1) for i, value in enumerate(raw)], np.intp)
    tree = nx.DiGraph((int(one), i) for i, one in enumerate(parent) if one >= 0)
    tree.add_nodes_from(range(len(parent)))
    found = betweenness(parent)
    if len(parent) < 3:
        assert np.isnan(found).all()
    else:
        expected = nx.betweenness_centrality(tree)
        assert found == pytest.approx([expected[i] for i in range(len(parent))])


def test_the_first_seller_is_first_by_every_measure_of_harm():
    chain = [holder_of(1.0, 96.6 - 0.5 * i, f"link{i}") for i in range(6)]
    seen = anatomy(run(one_market(chain)))
    for name in ("caused", "downstream", "pagerank"):
        assert seen.closings[name].idxmax() == 0
    assert seen.closings["betweenness"].tolist() == pytest.approx([i * (5 - i) / 20 for i in range(6)])
    assert seen.closings["caused"].iloc[-1] == 0.0
    assert (seen.closings["downstream"] >= seen.closings["caused"] - 1e-9).all()


@settings(max_examples=10)
@given(storms())
def test_accounts_are_the_sums_of_their_closings(scenario):
    seen = anatomy(run_or_skip(scenario))
    accounts, parts = seen.accounts, seen.closings
    assert accounts["closings"].sum() == len(parts)
    assert list(accounts["caused"]) == sorted(accounts["caused"], reverse=True)
    for name in ("loss", "notional", "caused", "downstream"):
        assert accounts[name].sum() == pytest.approx(parts[name].sum(), rel=1e-9, abs=1e-6)
    assert accounts["account"].is_unique
    assert parts["caused"].sum() == pytest.approx(parts["forced"].sum(), rel=1e-9, abs=1e-4) if len(parts) else True


def test_the_nodes_of_the_graph_carry_the_same_numbers_as_the_table():
    seen = anatomy(run(branching(1)))
    for row in seen.closings.to_dict("records"):
        about = seen.graph.nodes[row["node"]]
        assert all(about[name] == row[name] for name in (*COLUMNS, "community", "loss"))
    plain = contagion_graph(seen.run)
    assert set(plain.edges) == set(seen.graph.edges)


def test_what_has_no_betweenness_lacks_the_attribute_and_is_missing_in_the_table():
    seen = anatomy(run(by_hand()))
    assert seen.closings["betweenness"].isna().all()
    assert all("betweenness" not in about for about in closings(seen.graph).values())


def test_a_run_without_liquidations_has_empty_tables_of_the_same_columns():
    seen = anatomy(run(by_hand(price={"kind": "flat"})))
    assert len(seen.closings) == len(seen.accounts) == seen.width == 0
    assert set(COLUMNS) | {"community", "account"} <= set(seen.closings.columns)
    assert isinstance(seen.accounts, pd.DataFrame)
