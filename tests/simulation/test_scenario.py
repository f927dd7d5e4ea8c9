"""Scenarios: plain data that reads back equal, variants that are checked again, and what models read off them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.deleveraging.base import DeleveragingRule
from simulation.errors import ScenarioError
from simulation.funding.base import FundingRule
from simulation.impact.base import ImpactRule
from simulation.liquidation.base import LiquidationRule
from simulation.margin.base import MarginRule
from simulation.mark.base import MarkRule
from simulation.scenario import SECONDS_PER_YEAR, Scenario

PLAIN: dict[str, Any] = {
    "steps": 4,
    "markets": [{"name": "BTC", "price": 100.0}, {"name": "ETH", "price": 10.0, "volatility": 1.2, "depth": 5e6}],
    "price": {"kind": "gbm"},
    "population": [{"kind": "holder", "name": "crowd", "count": 3, "leverage": 4.0}],
}


def plain(**changes: Any) -> Scenario:
    return Scenario.from_dict({**PLAIN, **changes})


def problems(**changes: Any) -> list[str]:
    with pytest.raises(ScenarioError) as refusal:
        plain(**changes)
    return refusal.value.problems


def kinds(family: type) -> st.SearchStrategy[dict[str, str]]:
    return st.sampled_from(sorted(family.kinds())).map(lambda kind: {"kind": kind})


@given(
    margin=kinds(MarginRule),
    impact=kinds(ImpactRule),
    mark=kinds(MarkRule),
    liquidation=kinds(LiquidationRule),
    deleveraging=kinds(DeleveragingRule),
    funding=kinds(FundingRule),
    seed=st.integers(0, 2**128 - 1),
    fund=st.floats(0.0, 1e12),
    reuse=st.floats(0.0, 1.0),
    deposit=st.one_of(
        st.floats(0.0, 1e6),
        st.just({"kind": "pareto", "minimum": 100.0, "tail_index": 1.2}),
        st.just({"kind": "choice", "values": [1.0, 2.0], "weights": [0.5, 0.5]}),
    ),
)
@settings(max_examples=60)
def test_what_is_written_reads_back_equal_whatever_the_rules(**drawn: Any) -> None:
    population = [{**PLAIN["population"][0], "deposit": drawn.pop("deposit")}]
    fund, reuse = drawn.pop("fund"), drawn.pop("reuse")
    scenario = plain(population=population, insurance_fund=fund, reuse_share=reuse, **drawn)
    written = scenario.to_dict()
    assert Scenario.from_dict(written) == scenario
    assert Scenario.from_dict(written).to_dict() == written


def test_defaults_are_filled_in_when_written() -> None:
    written = plain().to_dict()
    assert written["margin"] == {"kind": "cross"}
    assert written["markets"][0]["tiers"] == [{"floor": 0.0, "maintenance_rate": 0.05, "initial_rate": 0.1}]
    assert written["population"][0]["parameters"] == {"leverage": 4.0}
    assert "lot" not in written["markets"][0]


def test_a_variant_changes_what_it_names_and_nothing_else() -> None:
    scenario = plain(insurance_fund=5.0)
    variant = scenario.with_(margin={"kind": "portfolio", "correlation": 0.5}, seed=9)
    assert variant.margin.kind == "portfolio"
    assert (variant.seed, variant.insurance_fund) == (9, 5.0)
    changed = {key for key, value in variant.to_dict().items() if scenario.to_dict()[key] != value}
    assert changed == {"margin", "seed"}
    assert scenario.margin.kind == "cross"


def test_a_variant_may_be_given_as_a_rule() -> None:
    rule = MarginRule.parse({"kind": "portfolio", "correlation": 0.25})
    assert plain().with_(margin=rule).margin == rule


def test_a_variant_is_checked_again() -> None:
    with pytest.raises(ScenarioError, match="steps: must be at least 1"):
        plain().with_(steps=0)
    with pytest.raises(ScenarioError, match="sead: unknown field"):
        plain().with_(sead=3)


def test_a_scenario_is_frozen_and_a_value() -> None:
    assert plain() == plain()
    assert plain() != plain(seed=2)
    with pytest.raises(ValidationError, match="frozen"):
        plain().seed = 2  # type: ignore[misc]


def test_every_problem_is_told_with_its_source() -> None:
    with pytest.raises(ScenarioError) as refusal:
        Scenario.from_dict({**PLAIN, "seed": -1, "steps": 0}, "storm.toml")
    assert refusal.value.problems == [
        "storm.toml: seed: must be at least 0 (got -1)",
        "storm.toml: steps: must be at least 1 (got 0)",
    ]


def test_columns_follow_the_order_of_the_markets() -> None:
    scenario = plain()
    assert scenario.names == ("BTC", "ETH")
    assert scenario.column("price").tolist() == [100.0, 10.0]
    assert scenario.column("depth").tolist() == [1e9, 5e6]
    assert scenario.column("price").dtype == np.float64


def test_a_price_process_is_told_names_prices_volatilities_and_time() -> None:
    world = plain(step_seconds=3600.0).world()
    assert (world.names, world.steps, world.markets) == (("BTC", "ETH"), 4, 2)
    assert world.volatility.tolist() == [0.8, 1.2]
    assert world.step_years == 1.0 / (365 * 24)
    assert SECONDS_PER_YEAR == 31_536_000.0


def test_tiers_are_read_market_by_market() -> None:
    steep = [
        {"floor": 0.0, "maintenance_rate": 0.01, "initial_rate": 0.02},
        {"floor": 1000.0, "maintenance_rate": 0.05, "initial_rate": 0.1},
    ]
    markets = [{"name": "BTC", "price": 100.0, "tiers": steep}, PLAIN["markets"][1]]
    notional = np.array([[2000.0, 2000.0]])
    tiers = plain(markets=markets).tiers()
    assert tiers.maintenance(notional)[0].tolist() == pytest.approx([10.0 + 50.0, 100.0])
    assert tiers.initial(notional)[0].tolist() == pytest.approx([20.0 + 100.0, 200.0])


@pytest.mark.parametrize(
    ("price", "lot"), [(100.0, 2.0**-14), (0.01, 1.0), (1.0, 2.0**-7), (60_000.0, 2.0**-23), (1e-6, 2.0**13)]
)
def test_the_usual_lot_is_the_power_of_two_below_a_cents_worth(price: float, lot: float) -> None:
    market = plain(markets=[{"name": "X", "price": price}]).markets[0]
    assert market.lot_size == lot
    assert 0.005 < market.lot_size * price <= 0.01


def test_a_lot_may_be_given() -> None:
    assert plain(markets=[{"name": "X", "price": 3.0, "lot": 0.25}]).markets[0].lot_size == 0.25
    assert problems(markets=[{"name": "X", "price": 3.0, "lot": 0.3}]) == [
        "markets[0].lot: must be a power of two (got 0.3)"
    ]


def test_fields_a_group_does_not_know_are_parameters_of_its_type() -> None:
    group = plain().population[0]
    assert group.parameters == {"leverage": 4.0}
    nested = plain(population=[{"kind": "holder", "count": 1, "parameters": {"leverage": 4.0}, "stop_loss": 0.5}])
    assert nested.population[0].parameters == {"leverage": 4.0, "stop_loss": 0.5}


def test_a_group_is_called_after_its_kind_unless_it_has_a_name() -> None:
    assert plain(population=[{"kind": "holder", "count": 1}]).population[0].name == "holder"
    assert plain(population=[{"kind": "my trader!", "count": 1}]).population[0].name == "unnamed"


def test_a_law_for_a_deposit_may_not_reach_below_nothing() -> None:
    law = {"kind": "uniform", "low": -5.0, "high": 10.0}
    lines = problems(population=[{"kind": "holder", "count": 1, "deposit": law}])
    assert lines == ["population[0].deposit: must be at least 0 (got -5)"]
