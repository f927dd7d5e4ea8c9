"""The graph as tables: Parquet reads back as the same graph, whole numbers whole, gaps gaps."""

import networkx as nx
import pandas as pd
import pytest
from hypothesis import given, settings

from experiments.graph.anatomy import anatomy, write_anatomy
from experiments.graph.contagion import contagion_graph
from experiments.graph.tables import EDGES, NODES, edge_frame, node_frame, read_parquet, write_parquet
from experiments.run import run
from experiments.tables import read_table
from tests.experiments.storms import branching, by_hand, run_or_skip, storms


def assert_same(one, other):
    assert list(one.nodes(data=True)) == list(other.nodes(data=True))
    assert list(one.edges(data=True)) == list(other.edges(data=True))
    for (_, left), (_, right) in zip(one.nodes(data=True), other.nodes(data=True), strict=True):
        assert {key: type(value) for key, value in left.items()} == {key: type(value) for key, value in right.items()}


@settings(max_examples=10)
@given(storms())
def test_a_graph_in_parquet_reads_back_the_same(tmp_path_factory, scenario):
    graph, folder = contagion_graph(run_or_skip(scenario), 2), tmp_path_factory.mktemp("graph")
    write_parquet(graph, folder)
    assert_same(read_parquet(folder), graph)


def test_graphml_gexf_and_parquet_hold_the_same_graph(tmp_path):
    seen = anatomy(run(branching(2)))
    write_anatomy(seen, tmp_path, gexf=True)
    graphs = [read_parquet(tmp_path), nx.read_graphml(tmp_path / "contagion.graphml")]
    graphs.append(nx.read_gexf(tmp_path / "contagion.gexf"))
    for back in graphs:
        assert set(back.nodes) == set(seen.graph.nodes) and set(back.edges) == set(seen.graph.edges)
        for node, about in seen.graph.nodes(data=True):
            assert {key: back.nodes[node][key] for key in about} == about
        for one, other, about in seen.graph.edges(data=True):
            assert {key: back.edges[one, other][key] for key in about} == about


def test_the_columns_of_edges_are_plain_numbers_and_text(tmp_path):
    write_parquet(contagion_graph(run(by_hand())), tmp_path)
    edges, nodes = pd.read_parquet(tmp_path / EDGES), pd.read_parquet(tmp_path / NODES)
    assert list(edges.columns) == ["source", "target", "share", "weight", "tree", "kind"]
    assert edges["source"].tolist() == [nodes["node"].iloc[0]]
    assert nodes["step"].dtype == "Int64" and nodes["root"].tolist() == [True, False]


def test_mixed_and_missing_attributes_find_a_type():
    graph = nx.DiGraph()
    graph.add_node("a", count=1, size=1.5, name="x", there=True)
    graph.add_node("b", size=2)
    table = node_frame(graph)
    assert [str(kind) for kind in table.dtypes] == ["str", "Int64", "Float64", "str", "boolean"]
    assert table["count"].isna().tolist() == [False, True]
    assert list(edge_frame(graph).columns) == ["source", "target", "share", "weight", "tree", "kind"]


def test_the_same_run_writes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_anatomy(anatomy(run(branching(4))), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {"contagion.graphml", EDGES, NODES, "who_hits_whom.csv", "centralities.parquet"} <= set(files)
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_written_matrices_are_those_of_the_run(tmp_path):
    seen = anatomy(run(branching(1)))
    write_anatomy(seen, tmp_path)
    table = read_table(tmp_path / "who_hits_whom")
    for by, matrix in seen.hits.items():
        part = table[table["class"] == by]
        assert part.pivot(index="from", columns="to", values="dollars").to_numpy().sum() == matrix.to_numpy().sum()
    with pytest.raises(FileExistsError):
        write_parquet(seen.graph, tmp_path)


def test_edges_have_the_same_columns_and_types_in_every_graph() -> None:
    """Also where a wave's parts come first, which have no weight, and where there is no edge at all."""
    waves = contagion_graph(run(branching(2)), 1)
    kinds = {about["kind"] for _, _, about in waves.edges(data=True)}
    assert kinds == {"loss", "part"}
    parts = nx.DiGraph([(one, other, about) for one, other, about in waves.edges(data=True) if about["kind"] == "part"])
    types = edge_frame(waves).dtypes.to_dict()
    assert list(types) == ["source", "target", "share", "weight", "tree", "kind"]
    for other in (parts, contagion_graph(run(by_hand())), nx.DiGraph()):
        assert list(edge_frame(other).columns) == list(types)
        assert edge_frame(other).dtypes.to_dict() == types
