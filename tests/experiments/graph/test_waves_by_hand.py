"""What the graph does not list by name: waves, helps, classes of unlike runs, layouts, forests of defaults."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from experiments.graph.cascade_layout import OTHERS, by_generation, by_round
from experiments.graph.centrality import arrows, by_account
from experiments.graph.communities import dollars_between
from experiments.graph.contagion import contagion_graph, ledger_of
from experiments.graph.defaults import default_forest
from experiments.graph.files import cast
from experiments.graph.hits import hits_over, who_hits_whom
from experiments.run import run
from tests.experiments.storms import TIER, branching, by_hand, closings, holder_of, one_market

LINKS = 8


@pytest.fixture(scope="module")
def chain():
    """Each sale of one unit moves the price by half a dollar, past the threshold of exactly the next."""
    return run(one_market([holder_of(1.0, 96.6 - 0.5 * i, f"link{i}") for i in range(LINKS)]))


def waves(graph):
    return {node: about for node, about in graph.nodes(data=True) if about["kind"] == "wave"}


def test_a_wave_stands_for_every_closing_before_it_and_carries_what_is_not_listed(chain):
    graph, every = contagion_graph(chain, 1), contagion_graph(chain, LINKS)
    ids, found = list(closings(graph)), waves(graph)
    assert len(found) == LINKS - 2, "from the third on there are more causes than one"
    assert not waves(every)
    for k in range(2, LINKS):
        (into,) = [one for one, _, about in graph.in_edges(ids[k], data=True) if one in found]
        parts = nx.ancestors(nx.subgraph_view(graph, filter_edge=lambda *e: graph.edges[e]["kind"] == "part"), into)
        assert {node for node in parts if node not in found} == set(ids[:k])
        assert found[into]["closings"] == k
        assert found[into]["notional"] == pytest.approx(sum(graph.nodes[one]["notional"] for one in ids[:k]))
        assert (found[into]["step"], found[into]["round"]) == (1, k - 1)
        # The latest sale moved the price most, in logs; the wave has what all the others took.
        rest = sum(every.edges[ids[j], ids[k]]["share"] for j in range(k - 1))
        assert graph.edges[into, ids[k]]["share"] == pytest.approx(rest, abs=1e-4)
        listed = [made.edges[ids[k - 1], ids[k]]["share"] for made in (graph, every)]
        assert listed[0] == pytest.approx(listed[1], abs=1e-4)
    assert sum(about["kind"] == "part" for *_, about in graph.edges(data=True)) == (LINKS - 1) + (LINKS - 3)


def test_the_parent_has_its_arrow_even_where_it_is_not_among_the_largest_causes():
    """D falls in step 2 by B's small sale in the round before, long after A's large one."""
    shocks = [{"step": 1, "size": -0.035}, {"step": 3, "size": 93.8 / 96.5 - 1.0}]
    people = [holder_of(4.0, 97.0, "A"), holder_of(0.2, 92.1, "B"), holder_of(1.0, 91.8, "D")]
    graph = contagion_graph(run(one_market(people, price={"kind": "scripted", "shocks": shocks}, steps=4)), 1)
    a, b, d = closings(graph)
    assert graph.edges[b, d]["tree"] is True
    assert graph.nodes[d]["generation"] == graph.nodes[b]["generation"] + 1
    assert graph.edges[a, d]["share"] > graph.edges[b, d]["share"] > 0.0
    assert graph.edges[a, d]["tree"] is False


@pytest.fixture(scope="module")
def helped():
    """A and B sell in step 1, and the push wears off by half a step; B's second half is closed in step 2."""
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 0.0, "penalty_rate": 0.0}
    fading = {"kind": "linear_units", "dollars_per_unit": 0.5, "permanent_share": 0.0, "half_life_steps": 1.0}
    shocks = [{"step": 1, "size": -0.035}, {"step": 2, "size": -0.08}]
    people = [holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.7, "B")]
    changes = {"liquidation": half, "impact": fading, "rounds_per_step": 2, "steps": 2}
    return run(one_market(people, price={"kind": "scripted", "shocks": shocks}, **changes))


@pytest.mark.parametrize("listed", [8, 1])
def test_a_push_that_wears_off_helps_those_who_held_on_after_it(helped, listed):
    graph = contagion_graph(helped, listed)
    shares = [about["share"] for *_, about in graph.edges(data=True) if about["kind"] == "loss"]
    assert min(shares) < 0.0 < max(shares)
    for one, other, about in graph.edges(data=True):
        if about["kind"] == "loss":
            assert about["weight"] == abs(about["share"]), (one, other)
    cause, effect, weight = arrows(graph)
    assert (weight > 0.0).all()
    parts = sum(about["kind"] == "part" for *_, about in graph.edges(data=True))
    assert len(weight) == sum(share > 0.0 for share in shares) + parts
    assert bool(parts) == (listed == 1)
    assert parts or (cause < effect).all(), "closings come in order of time"


def test_dollars_between_go_from_the_row_to_the_column(chain):
    ledger = ledger_of(chain)
    label = np.arange(LINKS) // 4  # the first four, and those after them
    between = dollars_between(ledger, label, 2)
    graph = contagion_graph(chain, LINKS)
    ids = list(closings(graph))
    expected = np.zeros((2, 2))
    for one, other, about in graph.edges(data=True):
        expected[label[ids.index(one)], label[ids.index(other)]] += about["share"]
    assert between == pytest.approx(expected, abs=1e-3)
    assert between[1, 0] == 0.0 < between[0, 1]


def test_means_over_runs_with_unlike_groups_have_all_of_them():
    with_d = one_market([holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.5, "D")])
    over = hits_over([run(by_hand()), run(with_d)], "group").set_index(["from", "to"])
    one, two = (who_hits_whom(run(scenario), "group") for scenario in (by_hand(), with_d))
    assert set(over.index.get_level_values(0)) == {"", "A", "B", "C", "D"}
    assert over.loc[("A", "B"), "mean"] == pytest.approx(one.loc["A", "B"] / 2.0)
    assert over.loc[("A", "D"), "mean"] == pytest.approx(two.loc["A", "D"] / 2.0)
    assert over.loc[("D", "A"), "mean"] == 0.0


def test_a_closing_of_two_markets_is_known_by_the_larger_and_by_what_was_healthy_of_it():
    """X falls alone: the pool closes 352 dollars of X, not healthy by themselves, and 200 of Y, which were."""
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    pool = {"kind": "book", "name": "P", "count": 1, "units": {"Y": 2.0, "X": 4.0}, "deposit": 65.0}
    only_x = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.12, "market": "X"}]}
    changes = {"markets": two, "price": only_x, "impact": {"kind": "none"}, "insurance_fund": 1e3}
    (about,) = closings(contagion_graph(run(one_market([pool], **changes)))).values()
    assert (about["market"], about["markets"], about["side"]) == ("X", "X+Y", "long")
    assert about["healthy_share"] == pytest.approx(200.0 / 552.0)
    assert about["notional"] == pytest.approx(552.0)
    pair = {**pool, "name": "Q", "units": {"X": 4.0, "Y": -2.0}}
    (both,) = closings(contagion_graph(run(one_market([pair], **changes)))).values()
    assert both["side"] == "both"


# Tables and files ---------------------------------------------------------------------------------------------


def test_an_account_has_the_community_of_its_largest_closing_and_the_sums_of_all():
    table = pd.DataFrame(
        {
            "account": ["a", "b", "a", "a"],
            "group": ["g", "h", "g", "g"],
            "notional": [5.0, 2.0, 9.0, 1.0],
            "loss": [1.0, 1.0, 2.0, 3.0],
            "caused": [1.0, 7.0, 2.0, 0.5],
            "downstream": [1.0, 8.0, 2.0, 0.5],
            "pagerank": [0.1, 0.4, 0.3, 0.2],
            "betweenness": [0.0, 0.0, 0.0, 0.5],
            "community": [3, 0, 1, 2],
        }
    )
    found = by_account(table)
    assert found["account"].tolist() == ["b", "a"], "the most harmful first"
    assert found["community"].tolist() == [0, 1]
    assert found.loc[1, ["closings", "notional", "loss", "caused"]].tolist() == [3, 15.0, 6.0, 3.5]
    assert found.loc[1, "betweenness"] == 0.5


def test_what_is_infinite_is_left_out_of_files_like_what_is_missing():
    kept = cast({"a": float("inf"), "b": -float("inf"), "c": float("nan"), "d": None, "e": 0.1, "f": np.float64("inf")})
    assert kept == {"e": 0.1}


def test_defaults_hang_below_those_who_brought_them_down_row_0_included():
    rows = [(0, 1, -1), (4, 2, 0), (7, 2, 0), (2, 3, 7)]
    frame = pd.DataFrame(rows, columns=["row", "round", "cause"]).assign(owed=10.0, paid=4.0, unpaid=6.0)
    forest = default_forest(frame)
    assert sorted(forest.edges) == [(0, 4), (0, 7), (7, 2)]
    assert nx.is_arborescence(forest)
    assert forest.nodes[2] == {"round": 3, "owed": 10.0, "paid": 4.0, "unpaid": 6.0}


# Layouts ------------------------------------------------------------------------------------------------------


def test_lines_of_the_picture_lead_from_the_parent_to_the_child(chain):
    graph = contagion_graph(chain)
    layout = by_round(graph, closings(graph))
    assert [(line.start, line.end) for line in layout.lines] == [(i, i + 1) for i in range(LINKS - 1)]
    assert all(layout.discs[line.start].x < layout.discs[line.end].x for line in layout.lines)
    assert [disc.root for disc in layout.discs] == [True] + [False] * (LINKS - 1)
    shares = [graph.edges[edge]["share"] for edge in graph.edges if graph.edges[edge]["tree"]]
    assert [line.share for line in layout.lines] == pytest.approx(shares)
    assert layout.ticks[1] == [f"1.{i + 1}" for i in range(LINKS)]


def test_discs_of_generations_count_closings_and_lines_add_their_dollars():
    graph = contagion_graph(run(branching(3)))
    found = closings(graph)
    layout = by_generation(graph, found)
    columns = sorted({disc.x for disc in layout.discs})
    deepest = max(about["generation"] for about in found.values())
    assert len(columns) == min(deepest, 12)
    for disc in layout.discs[: 1 if deepest > 12 else None]:
        mine = [about for about in found.values() if about["generation"] == disc.x]
        assert (disc.count, disc.root) == (len(mine), disc.x == 1.0)
        assert disc.notional == pytest.approx(sum(about["notional"] for about in mine))
    tree = {(one, other): about["share"] for one, other, about in graph.edges(data=True) if about["tree"]}
    if deepest <= 12:
        for line in layout.lines:
            start, end = layout.discs[line.start].x, layout.discs[line.end].x
            pairs = [(found[one]["generation"], found[other]["generation"]) for one, other in tree]
            dollars = sum(max(s, 0.0) for s, pair in zip(tree.values(), pairs, strict=True) if pair == (start, end))
            assert line.share == pytest.approx(dollars)


def test_of_many_markets_those_with_most_dollars_keep_their_names():
    graph = nx.DiGraph(markets=" ".join(f"M{i}" for i in range(12)))
    about = {"generation": 1, "kind": "closing", "root": True, "step": 1, "round": 0}
    found = {f"n{i}": {**about, "market": f"M{i}", "notional": 1.0 + i} for i in range(12)}
    graph.add_nodes_from(found.items())
    layout = by_generation(graph, found)
    assert layout.markets == [*(f"M{i}" for i in range(3, 12)), OTHERS]
    (others,) = [disc for disc in layout.discs if disc.market == OTHERS]
    assert (others.count, others.notional) == (3, 1.0 + 2.0 + 3.0)
