"""Edges and communities on paper: what rounds to nothing is no edge, who closes again, which community is the first."""

import itertools
import math

import pytest

from experiments.graph.communities import communities
from experiments.graph.contagion import contagion_graph, ledger_of
from experiments.run import run
from simulation.accounts import QUANTUM
from simulation.scenario import Scenario
from tests.experiments.storms import by_hand, closings, holder_of, one_market

TWO_FALLS = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.035}, {"step": 2, "size": -0.03}]}


@pytest.mark.parametrize(("per_unit", "edges"), [(1e-9, 0), (1e-3, 1)])
def test_a_sale_that_cost_less_than_half_a_quantum_has_no_edge(per_unit: float, edges: int) -> None:
    """A's four units lower 96.50 by 4e-9 dollars, or by 4e-3; B, who falls by the index to 93.605, loses by logs."""
    graph = contagion_graph(
        run(by_hand(price=TWO_FALLS, impact={"kind": "linear_units", "dollars_per_unit": per_unit}))
    )
    assert len(closings(graph)) == 2
    assert graph.number_of_edges() == edges
    owed = 2.0 * 6.395 / math.log(100.0 / 93.605) * 4.0 * per_unit / 96.5
    for _, _, about in graph.edges(data=True):
        assert about["share"] == about["weight"] == pytest.approx(owed, abs=QUANTUM)
        assert about["kind"] == "loss"
        assert abs(about["share"] / QUANTUM - round(about["share"] / QUANTUM)) < 1e-9


def test_a_pool_that_is_closed_bit_by_bit_points_at_itself_again() -> None:
    """Closing 30 % at a time, alone and without impact: nothing was lost to oneself, yet each close goes on."""
    bits = {"kind": "fraction", "share": 0.3, "minimum_notional": 0.0}
    alone = one_market([holder_of(4.0, 98.0, "A")], liquidation=bits, impact={"kind": "none"})
    graph = contagion_graph(run(alone))
    nodes = list(closings(graph))
    assert len(nodes) > 1
    assert list(graph.edges) == list(itertools.pairwise(nodes))
    for _, _, about in graph.edges(data=True):
        assert (about["kind"], about["share"], about["tree"]) == ("again", 0.0, True)
    assert [about["tree"] for about in closings(graph).values()] == [0] * len(nodes)


def chains(x: int, y: int) -> Scenario:
    """Two markets that never touch; in each a chain of holders, of whom each pulls down the next."""
    tier = {"maintenance_rate": 0.05, "initial_rate": 0.1}
    people = []
    for market, length in (("X", x), ("Y", y)):
        for i in range(length):
            threshold = 97.0 - i
            people.append(
                {
                    "kind": "book",
                    "name": f"{market}{i}",
                    "count": 1,
                    "units": {market: 2.0},
                    "deposit": 2.0 * (100.0 - 0.95 * threshold),
                }
            )
    return one_market(
        people,
        markets=[{"name": name, "price": 100.0, "tiers": [tier]} for name in "XY"],
        impact={"kind": "linear_units", "dollars_per_unit": 0.5},
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_community_with_most_closings_is_the_first_and_of_equals_the_one_that_began_first(seed: int) -> None:
    for x, y, first in ((2, 4, "Y"), (4, 2, "X"), (3, 3, "X")):
        ledger = ledger_of(run(chains(x, y)))
        market = ["XY"[int(units[1] != 0.0)] for units in ledger.closings.units]
        assert sorted(market) == ["X"] * x + ["Y"] * y
        number = {name: place for place, name in enumerate((first, "Y" if first == "X" else "X"))}
        assert communities(ledger, seed).tolist() == [number[name] for name in market]
