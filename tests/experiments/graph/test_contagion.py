"""The contagion graph: dollars that add up, time that runs forwards, cascades whose generations are known."""

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from experiments.graph.contagion import cascade_forest, contagion_graph, exact_shares, ledger_of
from experiments.record.blame import Blame
from experiments.run import run
from simulation.accounts import QUANTUM
from tests.experiments.storms import (
    by_hand,
    closings,
    holder_of,
    one_market,
    run_or_skip,
    storms,
)

EVERY = 10**6  # as many causes as there are


def losses_in(graph, node):
    return sum(about["share"] for _, _, about in graph.in_edges(node, data=True))


def assert_sums_are_exact(graph):
    for node, about in closings(graph).items():
        parts = about["exogenous"] + about["flow"] + about["mark_gap"]
        assert parts + losses_in(graph, node) == about["loss"]
        assert losses_in(graph, node) == about["forced"]
        assert about["loss"] / QUANTUM == round(about["loss"] / QUANTUM)


def shares_by_definition(run_):
    """Every pair's share in plain loops over events, from the tables of the run."""
    decay = 0.5 ** (1.0 / run_.scenario.impact.half_life_steps)
    pushes = run_.pushes.set_index(["push", "market"]).to_dict("index")
    events = run_.events.to_dict("records")
    key = ("step", "round", "row", "pool")
    found = {}
    for event in events:
        now = event["moment"] - (event["taker"] == "book")
        raw = event["forced"]
        seen = 1.0 if raw == 0.0 else 1.0 - min(max(-event["mark_gap"] / raw, 0.0), 1.0)
        for cause in events:
            push = pushes.get((cause["push"], event["market"]))
            if push is None or cause["market"] != event["market"] or push["moment"] > now:
                continue
            owed = 0.0
            for moment, sign in ((now, 1.0), (event["reference"], -1.0)):
                if push["moment"] <= moment:
                    age = run_.moment_step[moment] - push["step"]
                    owed += sign * (push["permanent"] + push["transient"] * decay**age)
            fraction = cause["quantity"] / push["volume"] if push["volume"] else 0.0
            pair = tuple(cause[k] for k in key), tuple(event[k] for k in key)
            found[pair] = found.get(pair, 0.0) + event["exposure"] * seen * owed * fraction
    return found


# Worked by hand -----------------------------------------------------------------------------------------------


def test_the_second_long_dies_of_the_first_ones_sale():
    graph = contagion_graph(run(by_hand()))
    (first, one), (second, other) = closings(graph).items()
    assert (one["account"], one["round"], one["root"], one["generation"]) == ("A[0]", 0, True, 1)
    assert (other["account"], other["round"], other["root"], other["generation"]) == ("B[0]", 1, False, 2)
    assert list(graph.edges) == [(first, second)]
    # B lost 2 * (100 - 94.50) = 11 dollars: in logs ln(100 / 96.50) from the index and ln(96.50 / 94.50) from A.
    weight = 11.0 / math.log(100.0 / 94.5)
    assert other["loss"] == pytest.approx(11.0, abs=1e-4)
    assert other["exogenous"] == pytest.approx(weight * math.log(100.0 / 96.5), abs=1e-4)
    assert graph.edges[first, second]["share"] == pytest.approx(weight * math.log(96.5 / 94.5), abs=1e-4)
    assert graph.edges[first, second]["tree"] is True
    assert_sums_are_exact(graph)


def test_two_sellers_share_the_blame_by_the_units_they_sold():
    population = [holder_of(3.0, 97.0, "A"), holder_of(1.0, 97.0, "B"), holder_of(2.0, 95.5, "C")]
    graph = contagion_graph(run(one_market(population)))
    by_name = {about["account"]: node for node, about in closings(graph).items()}
    share = {name: graph.edges[by_name[name], by_name["C[0]"]]["share"] for name in ("A[0]", "B[0]")}
    assert share["A[0]"] == pytest.approx(3 * share["B[0]"], abs=1e-4)
    assert graph.edges[by_name["A[0]"], by_name["C[0]"]]["tree"]
    assert not graph.has_edge(by_name["A[0]"], by_name["B[0]"])


def test_a_pool_that_the_index_alone_would_have_killed_is_a_root_even_if_a_sale_came_first():
    # Step 1 (96.50): A falls. Step 2 (90): D would be below its threshold of 92 with or without A's sale.
    twice = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.035}, {"step": 2, "size": 90 / 96.5 - 1}]}
    result = run(one_market([holder_of(4.0, 97.0, "A"), holder_of(1.0, 92.0, "D")], price=twice))
    graph = contagion_graph(result)
    assert [about["generation"] for about in closings(graph).values()] == [1, 1]
    assert graph.number_of_edges() == 1  # A's sale made D's loss larger all the same
    assert cascade_forest(result).sizes.tolist() == [1, 1]


def test_a_sale_that_has_worn_off_carries_nobody():
    fading = {"kind": "linear_units", "dollars_per_unit": 0.5, "permanent_share": 0.0, "half_life_steps": 0.02}
    later = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.035}, {"step": 3, "size": -0.03}]}
    graph = contagion_graph(
        run(one_market([holder_of(4.0, 97.0, "A"), holder_of(1.0, 94.0, "D")], impact=fading, price=later))
    )
    assert [about["root"] for about in closings(graph).values()] == [True, True]
    assert graph.number_of_edges() == 0


# Random storms ------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(storms())
def test_the_graph_adds_up_and_runs_forwards_in_time(scenario):
    result = run_or_skip(scenario)
    for most in (1, 3, EVERY):
        graph = contagion_graph(result, most)
        assert_sums_are_exact(graph)
        assert nx.is_directed_acyclic_graph(graph)
        found = closings(graph)
        for one, other, about in graph.edges(data=True):
            assert about["kind"] in ("loss", "part", "again")
            assert about["share"] == 0.0 or about["kind"] == "loss"
            if one in found and other in found:
                assert found[one]["order"] < found[other]["order"]
                assert (found[one]["step"], found[one]["round"]) <= (found[other]["step"], found[other]["round"])
            if other in found:  # a wave has only closings before it
                assert (graph.nodes[one]["step"], graph.nodes[one]["round"]) <= (
                    found[other]["step"],
                    found[other]["round"],
                )
        assert all(about for _, about in graph.nodes(data=True))


@settings(max_examples=15)
@given(storms())
def test_shares_are_those_of_the_definition(scenario):
    result = run_or_skip(scenario)
    if len(result.events) > 150:
        result = run_or_skip(scenario.with_(steps=min(scenario.steps, 6)))
    expected = shares_by_definition(result)
    ledger = ledger_of(result)
    c = ledger.closings
    names = list(zip(c.step.tolist(), c.round.tolist(), c.row.tolist(), c.pool.tolist(), strict=True))
    blame = ledger.largest(np.arange(len(c)), EVERY)
    pairs = zip(blame.cause.tolist(), blame.effect.tolist(), strict=True)
    found = {(names[one], names[other]): share for (one, other), share in zip(pairs, blame.share, strict=True)}
    for pair in expected.keys() | found.keys():
        assert found.get(pair, 0.0) == pytest.approx(expected.get(pair, 0.0), rel=1e-6, abs=1e-6)
    few = ledger.largest(np.arange(len(c)), 2)
    for effect in np.unique(few.effect):
        kept = np.sort(np.abs(few.share[few.effect == effect]))
        best = np.sort(np.abs(blame.share[blame.effect == effect]))[-len(kept) :]
        assert kept == pytest.approx(best, rel=1e-6, abs=1e-6) or c.units.shape[1] > 1


# Nulls --------------------------------------------------------------------------------------------------------


def test_without_a_shock_there_is_no_closing_and_no_edge():
    graph = contagion_graph(run(by_hand(price={"kind": "flat"})))
    assert len(graph) == graph.number_of_edges() == 0


@settings(max_examples=15)
@given(storms())
def test_without_impact_and_without_shared_losses_nobody_pulls_anybody_down(scenario):
    alone = scenario.with_(impact={"kind": "none"}, deleveraging={"kind": "off"}, insurance_fund=1e9, rounds_per_step=0)
    result = run_or_skip(alone.with_(liquidation={"kind": "full"}))
    graph = contagion_graph(result)
    assert graph.number_of_edges() == 0
    assert (result.events["forced"] == 0.0).all()
    assert all(about["root"] and about["round"] == 0 for about in closings(graph).values())


@settings(max_examples=15)
@given(storms())
def test_no_arrow_leads_from_one_market_to_another_where_every_position_has_its_own_pool(scenario):
    apart = scenario.with_(margin={"kind": "isolated"}, liquidators=[], backstop={})
    graph = contagion_graph(run_or_skip(apart), EVERY)
    for one, other in graph.edges:
        assert graph.nodes[one]["markets"] == graph.nodes[other]["markets"]


@settings(max_examples=10)
@given(storms())
def test_a_mark_that_ignores_the_book_lets_no_sale_harm_anybody(scenario):
    calm = [group for group in scenario.to_dict()["population"] if group["kind"] == "holder"]
    result = run_or_skip(scenario.with_(mark={"kind": "oracle"}, population=calm, liquidators=[], backstop={}))
    shares = [about["share"] for _, _, about in contagion_graph(result).edges(data=True)]
    assert max(map(abs, shares), default=0.0) <= 2 * QUANTUM


# Rounding -----------------------------------------------------------------------------------------------------


def test_shares_are_rounded_by_the_largest_remainder():
    share = np.array([0.6, 0.6, 0.8]) * QUANTUM
    blame = Blame(np.arange(3), np.full(3, 3), share, np.ones(4, bool))
    exact, rest = exact_shares(blame, np.array([0.0, 0.0, 0.0, 2.0]) * QUANTUM)
    assert (exact / QUANTUM).tolist() == [1.0, 0.0, 1.0]
    assert not rest.any()


def test_what_is_not_listed_is_left_for_a_wave():
    blame = Blame(np.array([0]), np.array([1]), np.array([4.4]) * QUANTUM, np.array([True, False]))
    exact, rest = exact_shares(blame, np.array([0.0, 10.0]) * QUANTUM)
    assert (exact / QUANTUM).tolist() == [4.0]
    assert (rest / QUANTUM).tolist() == [0.0, 6.0]


def test_thousands_of_closings_have_few_edges_each():
    population = [{**holder_of(1.0, 96.6 - 0.0005 * i, f"t{i}")} for i in range(100)]
    for group in population:
        group["count"] = 30
    result = run(
        one_market(
            population, impact={"kind": "linear_units", "dollars_per_unit": 0.00005}, rounds_per_step=1, steps=99
        )
    )
    assert len(result.events) > 1_000
    graph = contagion_graph(result)
    assert graph.number_of_edges() < 12 * len(graph)
    assert_sums_are_exact(graph)
