"""Contagion graphs in files that Gephi opens: nothing lost, nothing that differs from run to run."""

import networkx as nx
import numpy as np
import pytest

from experiments.graph.contagion import contagion_graph
from experiments.graph.files import write_graph
from experiments.run import run
from simulation.errors import InputError
from tests.experiments.storms import branching, by_hand


@pytest.mark.parametrize("ending", [".graphml", ".gexf"])
def test_a_written_graph_reads_back_the_same(tmp_path, ending):
    graph = contagion_graph(run(branching(1)), 2)
    path = tmp_path / f"graph{ending}"
    write_graph(graph, path)
    back = (nx.read_graphml if ending == ".graphml" else nx.read_gexf)(path)
    assert set(back.nodes) == set(graph.nodes)
    assert set(back.edges) == set(graph.edges)
    for one, other, about in graph.edges(data=True):
        assert back.edges[one, other]["share"] == about["share"]
        assert back.edges[one, other]["tree"] == about["tree"]
    for node, about in graph.nodes(data=True):
        assert {key: back.nodes[node][key] for key in about} == about


def test_equal_graphs_give_equal_bytes_and_no_date(tmp_path):
    for name in ("a.gexf", "b.gexf", "a.graphml", "b.graphml"):
        write_graph(contagion_graph(run(branching(2))), tmp_path / name)
    for ending in ("gexf", "graphml"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    assert b"lastmodified" not in (tmp_path / "a.gexf").read_bytes()


def test_attributes_that_the_formats_do_not_know_are_cast_or_left_out(tmp_path):
    graph = nx.DiGraph(size=np.int64(3))
    graph.add_node("n", flag=np.bool_(True), value=np.float64(2.5), nothing=None, lost=float("nan"), many=[1, 2])
    write_graph(graph, tmp_path / "g.graphml")
    assert dict(nx.read_graphml(tmp_path / "g.graphml").nodes["n"]) == {"flag": True, "value": 2.5, "many": "[1, 2]"}


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.graphml, \.gexf"):
        write_graph(nx.DiGraph(), tmp_path / "graph.png")


def test_an_empty_graph_can_be_written(tmp_path):
    write_graph(contagion_graph(run(by_hand(price={"kind": "flat"}))), tmp_path / "g.graphml")
    assert len(nx.read_graphml(tmp_path / "g.graphml")) == 0


def test_names_with_markup_and_control_characters_survive_or_are_cleaned(tmp_path):
    graph = nx.DiGraph(title='a "graph" & more')
    graph.add_edge("<a>", "b'&", note="one\x00two\x07", share=1)
    graph.add_edge("b'&", "c", share=2.5)
    write_graph(graph, tmp_path / "g.graphml")
    back = nx.read_graphml(tmp_path / "g.graphml")
    assert set(back.edges) == set(graph.edges)
    assert back.graph["title"] == 'a "graph" & more'
    assert back.edges["<a>", "b'&"] == {"note": "onetwo", "share": 1.0}
    assert type(back.edges["<a>", "b'&"]["share"]) is float


def test_writing_again_replaces_the_file(tmp_path):
    for seed in (1, 2):
        write_graph(contagion_graph(run(branching(seed))), tmp_path / "g.graphml")
    assert set(nx.read_graphml(tmp_path / "g.graphml")) == set(contagion_graph(run(branching(2))))
