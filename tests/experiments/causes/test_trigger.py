"""What a margin rule that rises costs: by hand, against the debts of those it closed, and nothing where it stands."""

from functools import cache
from statistics import NormalDist

import numpy as np
import pytest

from experiments.causes import trigger
from experiments.causes.attribution import CAUSES, Split, split_losses
from experiments.causes.culprits import culprits
from experiments.causes.explain import explain
from experiments.causes.trace import Spells, Traced, units_held
from experiments.scenarios import load
from simulation.accounts import QUANTUM
from simulation.scenario import Scenario
from tests.experiments.causes.test_attribution import of, traced
from tests.experiments.storms import one_market

SWINGS = {"kind": "replay", "prices": [[100.0], [103.0]] * 10}
LEARNING = {"kind": "value_at_risk", "update": {"kind": "ewma"}}
FIXED = "margin.update={kind='fixed'}"


def swinging(**changes) -> Scenario:
    """Nobody is in trouble by the price alone; L's four dollars are too few when the rule has seen it swing."""
    lone = {"kind": "book", "name": "L", "count": 1, "units": {"X": 1.0}, "deposit": 4.0}
    rich = {"kind": "book", "name": "R", "count": 1, "units": {"X": 2.0}, "deposit": 500.0}
    return one_market([lone, rich], **{"price": SWINGS, "steps": 19, "margin": LEARNING, **changes})


@cache
def loops(*overrides: str) -> tuple[Traced, Split]:
    model = traced(load("loops", ["steps=24", *overrides]))
    return model, split_losses(model)


def test_a_sale_that_only_a_risen_requirement_made_is_charged_to_the_rule() -> None:
    model = traced(swinging())
    split = split_losses(model)
    told = of(split, "R[0]")
    assert split.raised.tolist() == [True]
    # L's unit lowered the price by half a dollar for good; R holds two, whose price moved back and forth otherwise
    assert told["margin_rule"] == pytest.approx(2 * 0.5, rel=0.02)
    assert told["forced"] == 0.0
    assert split.accounts[list(CAUSES)].sum(axis=1).equals(split.accounts["loss"])


def test_without_impact_a_risen_requirement_closes_and_costs_nobody_anything() -> None:
    split = split_losses(traced(swinging(impact={"kind": "none"})))
    assert split.raised.tolist() == [True]
    assert not split.accounts["margin_rule"].any()


def test_a_pool_that_the_opening_would_have_closed_too_is_no_matter_of_the_rule() -> None:
    fall = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.039}]}
    split = split_losses(traced(swinging(price=fall)))
    assert split.raised.tolist() == [False]
    told = of(split, "R[0]")
    assert told["margin_rule"] == 0.0
    assert told["forced"] > 0.0


@pytest.mark.parametrize("margin", [{"kind": "cross"}, {"kind": "value_at_risk"}, {"kind": "portfolio"}])
def test_rules_that_stand_still_cost_nothing(margin) -> None:
    model = traced(swinging(margin=margin))
    split = split_losses(model)
    assert trigger.knowledge(model) == "fixed"
    assert not split.raised.any()
    assert np.isnan(split.needed).all()
    assert not split.accounts["margin_rule"].any()


def test_positions_found_again_need_what_the_log_says_they_needed() -> None:
    model, split = loops(FIXED)  # the rule of the opening is the rule of every moment
    log = model.exchange.desk.log.events.maintenance[model.closings.first]
    assert len(log) > 50
    assert trigger.requirements(model, split.spells) == pytest.approx(log, rel=1e-9)


def test_what_the_rule_cost_is_what_those_it_closed_owe() -> None:
    model, split = loops()
    assert split.raised.any()
    assert not split.raised.all()
    for row in np.unique(model.closings.row)[:8].tolist():
        owed, account = culprits(model, split, model.closings, row), split.accounts.iloc[row]
        near = QUANTUM * (split.spells.row == row).sum() + QUANTUM * len(owed)
        assert owed["dollars"][owed["raised"]].sum() == pytest.approx(account["margin_rule"], abs=near)
        assert owed["dollars"].sum() == account["forced"] + account["margin_rule"]


def test_a_rise_that_is_switched_off_moves_nothing_but_the_rule_line() -> None:
    split = loops()[1]
    assert split.accounts[list(CAUSES)].sum(axis=1).equals(split.accounts["loss"])
    assert split.accounts["margin_rule"].abs().sum() > 0.0
    assert loops(FIXED)[1].accounts["margin_rule"].abs().sum() == 0.0


def test_with_options_the_cost_of_the_rule_is_not_known_and_stays_with_forced_sales() -> None:
    data = swinging().to_dict()
    data["markets"] += [{**data["markets"][0], "name": "C", "price": None}]
    del data["markets"][1]["price"]
    data["markets"][1]["instrument"] = {"kind": "option", "underlying": "X", "expiry_days": 1.0, "strike": 104.0}
    model = traced(Scenario.from_dict(data))
    split = split_losses(model)
    assert trigger.knowledge(model) == "unknown"
    assert not split.raised.any()
    assert "cannot be told" in str(explain(Scenario.from_dict(data), "R[0]", causes=()))


def test_the_story_names_the_rule_and_those_who_fell_by_it() -> None:
    text = str(explain(swinging(), "R[0]", causes=()))
    assert "forced sales that only a risen margin requirement made moved the price" in text
    assert "(only because its requirement had risen)" in text
    assert "never changed" in str(explain(swinging(margin={"kind": "cross"}), "R[0]", causes=()))


def test_units_held_are_those_of_the_spell_that_a_moment_ends() -> None:
    spells = Spells(
        row=np.array([0, 0, 1]),
        market=np.array([0, 0, 1]),
        units=np.array([5.0, 2.0, -3.0]),
        since=np.array([0, 4, 2]),
        until=np.array([4, 9, 6]),
    )
    row, market, moment = (np.array(column) for column in zip((0, 0, 4), (0, 0, 5), (0, 0, 0), (1, 1, 7), strict=True))
    assert units_held(spells, row, market, moment).tolist() == [5.0, 2.0, 0.0, 0.0]
    assert units_held(spells, np.array([1, 1]), np.array([1, 0]), np.array([3, 3])).tolist() == [-3.0, 0.0]
    nobody = Spells(*(np.empty(0, kind) for kind in (np.intp, np.intp, float, np.intp, np.intp)))
    assert units_held(nobody, np.array([0, 1]), np.array([0, 0]), np.array([0, 5])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("where", "asked"),
    [({}, [("shared", 800.0, 400.0)]), ({"isolated": ("X",)}, [("X", 800.0, 0.0), ("shared", 0.0, 400.0)])],
)
def test_the_opening_asks_of_a_pool_for_what_stands_in_that_pool_alone(where, asked) -> None:
    """z(99 %) times the spread of an hour: of X and Y, correlation 0.6, in one pool, and of either where X is apart."""
    account = {"kind": "book", "name": "L", "count": 1, "units": {"X": 10.0, "Y": 4.0}, "deposit": 100.0, **where}
    markets = [{"name": name, "price": 100.0, "volatility": 0.8} for name in "XY"]
    fall = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.2, "market": "X"}]}
    scenario = one_market(
        [account], markets=markets, step_seconds=3600.0, impact={"kind": "none"}, price=fall, margin=LEARNING
    )
    model = traced(scenario)
    split = split_losses(model)
    hourly = 0.8 * (3600.0 / 31_536_000.0) ** 0.5
    z = NormalDist().inv_cdf(0.99)
    expected = [z * hourly * (x * x + 2 * 0.6 * x * y + y * y) ** 0.5 for _, x, y in asked]
    assert model.closings.pool.tolist() == [{"shared": 0, "X": 1}[pool] for pool, _, _ in asked]
    assert split.needed == pytest.approx(expected, rel=1e-9)
