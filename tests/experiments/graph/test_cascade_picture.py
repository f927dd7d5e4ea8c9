"""The picture of a cascade: readable from one closing to thousands, and true to the graph."""

import struct

import networkx as nx
import pytest
from hypothesis import given, settings

from experiments.drawing import canvas
from experiments.graph.cascade_layout import by_generation, by_round
from experiments.graph.cascade_picture import MOST_CLOSINGS, caption, cascade_picture, draw_cascade
from experiments.graph.contagion import contagion_graph, write_graph
from experiments.run import run
from tests.experiments.storms import TIER, branching, by_hand, closings, run_or_skip, storms


def size(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def test_the_caption_counts_what_is_there():
    text = caption(contagion_graph(run(by_hand())), single=True)
    assert "2 closings of 2 pools, $575 in all" in text
    assert "1 root " in text
    assert "largest cascade has 2 pools, the deepest 2 generations" in text


def test_a_run_without_liquidations_says_so():
    picture = cascade_picture(contagion_graph(run(by_hand(price={"kind": "flat"}))))
    assert picture.caption == "Nothing was liquidated in this run."
    assert size(picture.png)[0] > 300


def test_the_same_graph_gives_the_same_picture_also_from_a_file(tmp_path):
    graph = contagion_graph(run(branching(1)))
    write_graph(graph, tmp_path / "g.graphml")
    back = nx.read_graphml(tmp_path / "g.graphml")
    assert cascade_picture(graph).png == cascade_picture(graph).png
    assert cascade_picture(back).caption == cascade_picture(graph).caption
    assert cascade_picture(back).png == cascade_picture(graph).png


@settings(max_examples=10)
@given(storms())
def test_both_layouts_show_every_dollar_and_every_closing(scenario):
    graph = contagion_graph(run_or_skip(scenario))
    found = closings(graph)
    if not found:
        return
    total = sum(about["notional"] for about in found.values())
    for layout in (by_round(graph, found), by_generation(graph, found)):
        assert sum(disc.count for disc in layout.discs) == len(found)
        assert sum(disc.notional for disc in layout.discs) == pytest.approx(total)
        assert {disc.market for disc in layout.discs} <= set(layout.markets)
        assert all(layout.discs[line.start].x <= layout.discs[line.end].x for line in layout.lines)
    roots = by_generation(graph, found)
    assert sum(disc.count for disc in roots.discs if disc.root) >= sum(about["root"] for about in found.values())


def test_no_two_closings_stand_at_the_same_place():
    graph = contagion_graph(run(branching(2)))
    places = [(disc.x, disc.y) for disc in by_round(graph, closings(graph)).discs]
    assert len(set(places)) == len(places)


def test_a_large_graph_is_drawn_by_generation_at_the_same_size():
    few = contagion_graph(run(branching(1)))
    many = nx.DiGraph(**few.graph)
    for copy in range(200):
        names = {node: f"{copy} {node}" for node in few}
        many.update(nx.relabel_nodes(few, names))
    assert len(closings(many)) > MOST_CLOSINGS
    picture = cascade_picture(many)
    assert "Each disc is all closings of one generation" in picture.caption
    assert size(picture.png)[1] < 600


def test_many_markets_are_shown_as_the_largest_and_others():
    graph = nx.DiGraph(markets=" ".join(f"M{i}" for i in range(15)))
    for i in range(15):
        about = {"kind": "closing", "step": 1, "round": 0, "generation": 1, "root": True, "tree": i, "pool": 0}
        graph.add_node(str(i), market=f"M{i}", notional=float(i + 1), account=f"a{i}", **about)
    layout = by_generation(graph, closings(graph))
    assert layout.markets == [*(f"M{i}" for i in range(6, 15)), "others"]
    assert size(cascade_picture(graph).png)[0] > 300


def test_the_picture_is_as_high_as_the_legend_of_many_markets_needs():
    markets = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in ("X", *(f"M{i}" for i in range(13)))]
    graph = contagion_graph(run(by_hand(markets=markets)))
    layout = by_round(graph, closings(graph))
    assert len(layout.markets) == 10
    assert layout.height >= 0.31 * (len(layout.markets) + 3)


def test_numbers_stand_out_from_the_lines_behind_them():
    """A number is drawn above the lines, in a halo of the colour of the paper, and there is one for every disc."""
    graph = contagion_graph(run(branching(1)))
    layout = by_generation(graph, closings(graph))
    with canvas(7.4, layout.height) as figure:
        axes = draw_cascade(figure, layout, layout)
        assert sorted(number.get_text() for number in axes.texts) == sorted(f"{disc.count:,}" for disc in layout.discs)
        assert all(number.get_path_effects() for number in axes.texts)
        lines = [part.get_zorder() for part in [*axes.lines, *axes.patches] if part.get_zorder() != 0]
        assert lines and min(number.get_zorder() for number in axes.texts) > max(lines)
