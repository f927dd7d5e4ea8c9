"""Every metric once more, from the raw arrays of the model and by other means than the metric's own."""

import math
import re

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from agents.cast import StandardCast
from experiments.graph.contagion import contagion_graph
from experiments.record.metrics import METRICS, measure
from experiments.record.observed import Observed
from experiments.run import run
from simulation.accounts import INSURANCE, QUANTUM, SYSTEM_ROWS
from simulation.causes import TAKERS
from simulation.errors import CapacityError
from simulation.scenario import Scenario
from tests.experiments.storms import by_hand, holder_of, one_market, storms

UNITS = re.compile(r"Unit: [^.]+\. Denominator: [^.]+\.$")
GAP = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.2}]}


def finished(scenario: Scenario) -> tuple[Observed, dict[str, float]]:
    model = Observed(scenario, StandardCast())
    model.run()
    return model, measure(model)[0]


@pytest.fixture(scope="module", params=["book", "backstop", "adl", "isolated", "short"])
def case(request):
    population = [holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.5, "B"), holder_of(1.0, 10.0, "rich")]
    short = {"kind": "book", "name": "S", "count": 2, "units": {"X": -1.0}, "deposit": 30.0}
    changes = {
        "book": {},
        "backstop": {"backstop": {"capital": 1e5}},
        "adl": {"price": GAP, "deleveraging": {"kind": "queue"}},
        "isolated": {"price": GAP, "margin": {"kind": "isolated"}, "insurance_fund": 20.0},
        "short": {"price": {"kind": "scripted", "shocks": [{"step": 2, "size": 0.35}]}},
    }[request.param]
    return finished(one_market([*population, short], **changes))


def raw(model):
    return model.exchange.desk.log.events


@pytest.mark.parametrize("name", METRICS)
def test_the_docstring_of_every_metric_names_its_unit_and_its_denominator(name):
    assert UNITS.search((METRICS[name].__doc__ or "").strip()), METRICS[name].__doc__


def test_the_waterfall_metrics_are_sums_over_the_bankruptcies(case):
    model, values = case
    cases = model.exchange.waterfall.bankruptcies
    for name, field in (
        ("bad_debt", "deficit"),
        ("insurance_draw", "insurance"),
        ("adl_haircut", "adl"),
        ("socialised_loss", "socialised"),
        ("unpaid", "unpaid"),
    ):
        assert values[name] == math.fsum(getattr(each, field) for each in cases)


def test_every_dollar_of_bad_debt_has_a_payer(case):
    _, values = case
    paid = values["insurance_draw"] + values["adl_haircut"] + values["socialised_loss"] + values["unpaid"]
    assert values["bad_debt"] == paid


def test_insolvent_is_whether_anybody_but_the_fund_paid(case):
    _, values = case
    assert values["insolvent"] == float(values["bad_debt"] > values["insurance_draw"])


def test_liquidated_notional_is_units_times_the_mark_before_trade_by_trade(case):
    model, values = case
    events = raw(model)
    total = math.fsum(abs(q) * p for q, p in zip(events.quantity, events.mark_before, strict=True))
    assert values["liquidated_notional"] == pytest.approx(total, rel=1e-12)
    assert total > 0.0


def test_deleveraged_notional_is_that_of_the_trades_the_winners_took(case):
    model, values = case
    events = raw(model)
    adl = events.taker == TAKERS.index("adl")
    assert values["adl_notional"] == pytest.approx(float((np.abs(events.quantity) * events.mark_before)[adl].sum()))


def test_accounts_hit_are_counted_once_and_only_traders(case):
    model, values = case
    rows = {int(row) for row in raw(model).row if row >= SYSTEM_ROWS}
    assert values["liquidated_accounts"] == len(rows & set(model.traders.tolist()))
    held = [row for row in model.traders.tolist() if row in set(model.opening.cohort.tolist())]
    assert values["liquidated_share"] == pytest.approx(len(rows & set(held)) / len(held))


def test_shares_of_what_was_closed_are_weighted_by_notional(case):
    model, values = case
    events = raw(model)
    notional = np.abs(events.quantity) * events.mark_before
    healthy = sum(n for n, alone in zip(notional, events.healthy_alone, strict=True) if alone)
    assert values["healthy_closed_share"] == pytest.approx(healthy / notional.sum())
    calm = sum(n for n, exogenous in zip(notional, events.exogenous, strict=True) if exogenous <= 2 * QUANTUM)
    assert values["unshocked_share"] == pytest.approx(calm / notional.sum())


def test_amplification_is_the_deepest_fall_of_the_mark_over_that_of_the_index(case):
    model, values = case
    index, mark = (model.market.history[name][:, 0].tolist() for name in ("index", "mark"))
    if min(index) < index[0]:
        assert values["price_amplification"] == pytest.approx((mark[0] - min(mark)) / (index[0] - min(index)))
    else:
        assert math.isnan(values["price_amplification"])


def test_capital_is_measured_before_the_first_step(case):
    _, values = case
    assert values["open_interest"] == pytest.approx(7 * 100.0)
    assert values["initial_margin"] == pytest.approx(9 * 100.0 * 0.1)
    assert values["capital_efficiency"] == pytest.approx(7.0 / 0.9)


def test_end_equity_is_cash_and_positions_at_the_mark(case):
    model, values = case
    accounts, mark = model.accounts, model.market.mark_price
    rows = model.traders
    total = accounts.cash[rows].sum() + (accounts.position[rows] * mark).sum()
    assert values["end_equity"] == pytest.approx(total, rel=1e-12)


def test_the_fund_at_the_end_is_the_cash_of_its_account(case):
    model, values = case
    assert values["end_fund"] == model.accounts.cash[INSURANCE].sum()


def test_the_order_of_the_population_changes_no_metric_of_a_book_of_equals():
    people = [holder_of(1.0, price, f"t{i}") for i, price in enumerate((97.0, 96.2, 95.8, 90.0))]
    first, second = (run(one_market(order)).metrics for order in (people, people[::-1]))
    assert first == pytest.approx(second, nan_ok=True)


def test_doubling_every_amount_doubles_dollars_and_leaves_shares_and_counts():
    small = run(by_hand()).metrics
    double = [
        holder_of(2.0 * units, price, name) for units, price, name in ((4, 97, "A"), (2, 95.5, "B"), (1, 90, "C"))
    ]
    large = run(one_market(double, impact={"kind": "linear_units", "dollars_per_unit": 0.25})).metrics
    for name in ("liquidated_notional", "open_interest", "initial_margin"):
        assert large[name] == pytest.approx(2.0 * small[name])
    for name in ("liquidated_share", "cascade_size", "cascade_depth", "branching_ratio", "price_amplification"):
        assert large[name] == pytest.approx(small[name])


def test_amplification_is_that_of_the_market_where_it_is_largest():
    # X falls by 2 % and one unit is sold into it; Y falls by 4 % and nothing is sold.
    holder = {"kind": "book", "name": "H", "count": 1, "units": {"X": 2.0}, "deposit": 11.0}
    other = {"kind": "book", "name": "O", "count": 1, "units": {"Y": 1.0}, "deposit": 90.0}
    markets = [{"name": name, "price": 100.0} for name in "XY"]
    falls = [{"step": 1, "market": "X", "size": -0.02}, {"step": 1, "market": "Y", "size": -0.04}]
    for listed in (markets, markets[::-1]):
        changes = {"markets": listed, "price": {"kind": "scripted", "shocks": falls}}
        model, values = finished(one_market([holder, other], **changes))
        history = model.market.history
        ratios = (100.0 - history["mark"].min(axis=0)) / (100.0 - history["index"].min(axis=0))
        assert sorted(ratios)[0] == pytest.approx(1.0)
        assert max(ratios) > 1.1
        assert values["price_amplification"] == pytest.approx(max(ratios))


def test_only_those_who_held_something_at_the_start_count_in_the_share_of_accounts():
    idle = {"kind": "book", "name": "idle", "count": 5, "deposit": 10.0, "units": {}}
    people = [holder_of(4.0, 97.0, "A"), holder_of(1.0, 50.0, "B"), idle]
    model, values = finished(one_market(people))
    assert len(model.traders) == 7
    assert values["liquidated_accounts"] == 1
    assert values["liquidated_share"] == 0.5


@given(storms())
@settings(max_examples=8)
def test_the_forest_in_the_metrics_is_that_of_the_graph(scenario):
    try:
        result = run(scenario)
    except CapacityError:
        return
    graph = contagion_graph(result)
    nodes = {name: about for name, about in graph.nodes(data=True) if about["kind"] == "closing"}
    tree = nx.Graph()
    tree.add_nodes_from(nodes)
    tree.add_edges_from((a, b) for a, b, about in graph.edges(data=True) if about.get("tree"))
    trees = [[(nodes[n]["account"], nodes[n]["pool"]) for n in part] for part in nx.connected_components(tree)]
    assert result.metrics["cascade_size"] == max((len(set(part)) for part in trees), default=0)
    deepest = max((about["generation"] for about in nodes.values()), default=0)
    assert result.metrics["cascade_depth"] == deepest
    assert len(trees) == sum(about["root"] for about in nodes.values())
