"""Metrics: numbers worked out by hand, bounds, and what is undefined."""

import math

import pytest
from hypothesis import given, settings

from agents.cast import StandardCast
from experiments.record.metrics import METRICS, Undefined, evaluate, measure, metric, reason
from experiments.record.observed import Observed
from experiments.run import run
from simulation.scenario import Scenario
from tests.experiments.storms import by_hand, holder_of, one_market, run_or_skip, storms

SHARES = ("insolvent", "liquidated_share", "healthy_closed_share", "unshocked_share", "branching_ratio")


def finished(scenario: Scenario) -> Observed:
    model = Observed(scenario, StandardCast())
    model.run()
    return model


def calm(**changes) -> Scenario:
    return by_hand(price={"kind": "flat"}, **changes)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_is_and_gives_a_plain_number(name):
    assert METRICS[name].__name__ == name
    assert len(METRICS[name].__doc__ or "") > 20
    assert type(METRICS[name](finished(by_hand()))) is float


def test_the_numbers_of_the_case_worked_by_hand():
    values = run(by_hand()).metrics
    assert values["liquidated_notional"] == pytest.approx(4 * 96.5 + 2 * 94.5)
    assert values["liquidated_accounts"] == 2
    assert values["liquidated_share"] == pytest.approx(2 / 3)
    assert values["cascade_size"] == 2
    assert values["cascade_depth"] == 2
    assert values["branching_ratio"] == pytest.approx(1 / 2)
    assert values["price_amplification"] == pytest.approx((100 - 93.5) / (100 - 96.5))
    assert values["open_interest"] == pytest.approx(700.0)
    assert values["initial_margin"] == pytest.approx(70.0)
    assert values["capital_efficiency"] == pytest.approx(10.0)
    assert values["bad_debt"] == values["insolvent"] == values["unshocked_share"] == 0.0


def test_bad_debt_is_what_the_waterfall_shares_out():
    # 4 units, threshold 97, deposit 31.40; a gap to 80 leaves 4 * (79 - 100) + 31.40 = -52.60 at the fill.
    gap = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.2}]}
    rich = holder_of(1.0, 10.0, "rich")
    values = run(one_market([holder_of(4.0, 97.0, "A"), rich], price=gap, deleveraging={"kind": "off"})).metrics
    assert values["bad_debt"] == pytest.approx(52.6, abs=1e-3)
    assert values["socialised_loss"] == values["bad_debt"]
    assert values["insolvent"] == 1.0
    funded = run(
        one_market([holder_of(4.0, 97.0, "A"), rich], price=gap, deleveraging={"kind": "off"}, insurance_fund=40.0)
    ).metrics
    assert funded["insurance_draw"] == 40.0
    assert funded["socialised_loss"] == pytest.approx(12.6, abs=1e-3)


def test_a_fund_that_pays_everything_is_no_insolvency():
    gap = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.2}]}
    values = run(by_hand(price=gap, insurance_fund=1e6)).metrics
    assert values["bad_debt"] == values["insurance_draw"] > 0.0
    assert values["insolvent"] == values["adl_notional"] == values["unpaid"] == 0.0


def test_without_liquidations_shares_of_them_are_undefined_and_say_why():
    model = finished(calm())
    values, reasons = measure(model)
    for name in ("healthy_closed_share", "unshocked_share", "branching_ratio"):
        assert math.isnan(values[name])
        assert reasons[name] == reason(name, model) == "nothing was liquidated"
    assert values["liquidated_notional"] == values["cascade_size"] == values["cascade_depth"] == 0.0
    assert values["liquidated_share"] == 0.0


def test_amplification_is_undefined_where_the_index_never_fell():
    assert reason("price_amplification", finished(calm())) == "the index of no market fell below its start"
    assert reason("price_amplification", finished(by_hand())) == ""


def test_a_share_of_nobody_is_undefined():
    idle = one_market([{"kind": "book", "name": "idle", "count": 3, "units": {}}])
    values, reasons = measure(finished(idle))
    assert math.isnan(values["liquidated_share"])
    assert "nobody held a position" in reasons["liquidated_share"]
    assert "no margin" in reasons["capital_efficiency"]


def test_without_impact_nothing_is_amplified():
    values = run(by_hand(impact={"kind": "none"})).metrics
    assert values["price_amplification"] == pytest.approx(1.0)
    assert values["branching_ratio"] == 0.0
    assert values["cascade_depth"] == values["cascade_size"] == 1.0


def test_a_market_that_nobody_shocked_counts_as_unshocked():
    # Cross margin: the fall of X takes the position in Y along, whose index never moved.
    both = {"kind": "book", "name": "both", "count": 1, "units": {"X": 4.0, "Y": 4.0}, "deposit": 80.0}
    markets = [{"name": name, "price": 100.0} for name in "XY"]
    shock = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.12, "market": "X"}]}
    scenario = one_market([both], markets=markets, price=shock, impact={"kind": "none"}, insurance_fund=1e3)
    values = run(scenario).metrics
    assert values["unshocked_share"] == pytest.approx(100.0 / 188.0)
    assert values["healthy_closed_share"] == pytest.approx(100.0 / 188.0)
    apart = run(scenario.with_(margin={"kind": "isolated"})).metrics
    assert apart["unshocked_share"] == apart["healthy_closed_share"] == 0.0


def test_a_registered_metric_is_measured_from_then_on():
    @metric
    def half(model: Observed) -> float:
        """Half of the number of traders, for a test."""
        if not len(model.traders):
            raise Undefined("nobody trades")
        return len(model.traders) / 2

    try:
        assert run(by_hand()).metrics["half"] == 1.5
    finally:
        del METRICS["half"]


def test_a_metric_that_returns_nan_is_reported_as_such():
    assert evaluate(lambda _: float("nan"), None)[1] == "the metric returned no number"


@settings(max_examples=20)
@given(storms())
def test_metrics_stay_within_their_bounds(scenario):
    result = run_or_skip(scenario)
    values = result.metrics
    for name in SHARES:
        assert math.isnan(values[name]) or 0.0 <= values[name] <= 1.0 + 1e-12, name
    for name, value in values.items():
        assert math.isfinite(value) != (name in result.reasons), name
    payers = ("insurance_draw", "adl_haircut", "socialised_loss", "unpaid")
    assert values["bad_debt"] == pytest.approx(sum(values[name] for name in payers))
    assert values["cascade_depth"] <= values["cascade_size"]
    assert values["end_fund"] >= 0.0
    assert values["insolvent"] == float(values["bad_debt"] > values["insurance_draw"])
