"""Who hits whom: exact sums, nothing across segregated pools, something across pooled ones."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from experiments.graph.anatomy import CLASSES
from experiments.graph.contagion import contagion_graph, ledger_of
from experiments.graph.hits import crossed, hits_over, long_table, who_hits_whom, whole
from experiments.run import run
from simulation.accounts import QUANTUM
from tests.experiments.storms import TIER, by_hand, closings, holder_of, one_market, run_or_skip, storms

EVERY = 10**6


def two_markets(margin, seed=1, **changes):
    """Longs in two independent markets, of which only X falls; with pooled collateral its sales close Y as well."""
    plain = {
        "seed": seed,
        "margin": {"kind": margin},
        "markets": [{"name": name, "price": 100.0, "tiers": [TIER], "depth": 2e7} for name in "XY"],
        "price": {"kind": "scripted", "shocks": [{"step": 1, "size": -0.12, "market": "X"}]},
        "impact": {"kind": "linear", "permanent_share": 1.0},
    }
    group = {
        "kind": "holder",
        "count": 60,
        "leverage": {"kind": "uniform", "low": 5.0, "high": 10.0},
        "long_share": 1.0,
    }
    return one_market([group | {"markets_held": 2.0}], **(plain | changes))


def by_edges(result, by):
    """The matrix again, from a graph that lists every cause of every closing."""
    graph = contagion_graph(result, EVERY)
    found = closings(graph)
    names = list(who_hits_whom(result, by).index)
    table = pd.DataFrame(0.0, names, names)
    kinds = dict(zip(result.accounts["group"], result.accounts["kind"], strict=True))
    name = {"group": lambda about: about["group"], "kind": lambda about: kinds[about["group"]]}[by]
    for one, other, about in graph.edges(data=True):
        table.loc[name(found[one]), name(found[other])] += about["share"]
    return table


@settings(max_examples=20)
@given(storms())
def test_the_matrix_adds_up_to_the_forced_losses_to_the_last_quantum(scenario):
    result = run_or_skip(scenario)
    graph = contagion_graph(result)
    total = sum(about["share"] for _, _, about in graph.edges(data=True))
    for by in CLASSES:
        matrix = who_hits_whom(result, by).to_numpy()
        assert matrix.sum() == total == ledger_of(result).closings.forced.sum()
        assert (matrix / QUANTUM == np.rint(matrix / QUANTUM)).all()
    found = pd.DataFrame(closings(graph).values(), columns=["group", "forced"])
    hit = who_hits_whom(result, "group").sum()
    assert hit[hit != 0.0].to_dict() == {k: v for k, v in found.groupby("group")["forced"].sum().items() if v}


@settings(max_examples=10)
@given(storms())
def test_by_class_it_is_the_sum_of_the_edges(scenario):
    result = run_or_skip(scenario.with_(steps=min(scenario.steps, 12)))
    edges = contagion_graph(result, EVERY).number_of_edges()
    for by in ("group", "kind"):
        expected = by_edges(result, by).to_numpy()
        assert np.abs(who_hits_whom(result, by).to_numpy() - expected).max(initial=0.0) <= (edges + 1) * QUANTUM


def test_a_seller_of_one_market_hits_what_a_pool_with_two_had_to_close():
    # A sells 4 X: 96.50 -> 94.50. D lost 2 dollars by it and closes 1 X and 1 Y, worth 94.50 and 100 dollars.
    pool = {"kind": "book", "name": "D", "count": 1, "units": {"X": 1.0, "Y": 1.0}, "deposit": 14.5}
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    only_x = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.035, "market": "X"}]}
    result = run(one_market([holder_of(4.0, 97.0, "A"), pool], markets=two, price=only_x))
    matrix, forced = who_hits_whom(result, "market"), ledger_of(result).closings.forced
    assert forced[1] > 1.9
    assert matrix.loc["X", "X"] == pytest.approx(forced[1] * 94.5 / 194.5, abs=1e-4)
    assert matrix.loc["X", "Y"] == pytest.approx(forced[1] * 100.0 / 194.5, abs=1e-4)
    assert (matrix.loc["Y"] == 0.0).all()
    assert who_hits_whom(result, "group").loc["A", "D"] == matrix.to_numpy().sum()


def test_what_crossed_is_all_but_the_diagonal():
    hits = np.arange(18.0).reshape(2, 3, 3)
    assert crossed(hits).tolist() == [sum(range(9)) - (0 + 4 + 8), sum(range(9, 18)) - (9 + 13 + 17)]


@pytest.mark.parametrize("seed", range(3))
def test_segregated_pools_leave_the_off_diagonal_at_zero_exactly(seed):
    result = run(two_markets("isolated", seed))
    matrix = who_hits_whom(result, "market")
    assert matrix.loc["X", "X"] > 0.0
    assert crossed(matrix.to_numpy()[None]).tolist() == [0.0]
    assert matrix.loc["X", "Y"] == matrix.loc["Y", "X"] == 0.0


@settings(max_examples=10)
@given(storms())
def test_segregated_pools_never_hit_across_markets(scenario):
    matrix = who_hits_whom(run_or_skip(scenario.with_(margin={"kind": "isolated"}, liquidators=[], backstop={})))
    assert not matrix.to_numpy()[~np.eye(len(matrix), dtype=bool)].any()


def test_pooled_collateral_hits_across_markets_with_an_interval_above_zero():
    over = hits_over([run(two_markets("cross", seed)) for seed in range(1, 9)])
    crossed = over.iloc[-1]
    assert (crossed["from"], crossed["to"], crossed["runs"]) == ("", "", 8)
    assert 0.0 < crossed["low"] <= crossed["mean"] <= crossed["high"]
    apart = over[(over["from"] != over["to"]) & (over["from"] != "")]
    assert apart["mean"].sum() == pytest.approx(crossed["mean"])


def test_one_run_has_no_interval():
    over = hits_over([run(by_hand())], "group")
    assert over["low"].isna().all() and (over["runs"] == 1).all()


def test_groups_without_a_closing_have_their_row_of_zeros():
    matrix = who_hits_whom(run(by_hand()), "group")
    assert list(matrix.index) == list(matrix.columns) == ["A", "B", "C"]
    assert matrix.loc["A", "B"] > 0.0
    assert matrix.loc["A", "B"] == matrix.to_numpy().sum()


def test_without_a_shock_or_without_impact_nobody_hits_anybody():
    for changes in ({"price": {"kind": "flat"}}, {"impact": {"kind": "none"}}):
        result = run(by_hand(**changes))
        assert len(result.events) == (0 if "price" in changes else 1)
        for by in CLASSES:
            assert not who_hits_whom(result, by).to_numpy().any()


def test_the_long_table_has_shares_of_what_hit_each_and_of_all():
    matrix = pd.DataFrame([[3.0, 0.0], [1.0, 0.0]], list("XY"), list("XY"))
    table = long_table(matrix).set_index(["from", "to"])
    assert table.loc[("X", "X")].tolist() == [3.0, 0.75, 0.75]
    assert table.loc[("Y", "X")].tolist() == [1.0, 0.25, 0.25]
    assert np.isnan(table.loc[("X", "Y"), "own_share"]) and table.loc[("X", "Y"), "total_share"] == 0.0


def test_rounding_keeps_the_sum_and_the_zeros():
    dollars = np.array([0.4, 0.0, 1.4, 1.2]) * QUANTUM
    assert (whole(dollars, 3.0 * QUANTUM) / QUANTUM).tolist() == [1.0, 0.0, 1.0, 1.0]
    assert (whole(np.zeros(2), 0.0) == 0.0).all()
