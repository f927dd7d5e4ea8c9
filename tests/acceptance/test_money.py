"""Money under every combination of rules: nothing is lost, nothing is made, every dollar of bad debt has a payer."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from agents.cast import StandardCast
from experiments import load, run
from simulation.accounts import INSURANCE, QUANTUM
from simulation.deleveraging.base import DeleveragingRule
from simulation.impact.base import ImpactRule
from simulation.liquidation.base import LiquidationRule
from simulation.model import MarketModel
from tests.venues import FRICTIONLESS, book, scenario, storm

REGIMES = ("isolated", "cross", "portfolio")
SIZES: dict[str, dict[str, Any]] = {
    "linear_units": {"dollars_per_unit": 0.05},
    "linear": {"permanent_share": 0.5},
    "square_root": {"scale": 0.2, "permanent_share": 0.3},
}
LOTS = {"minimum_notional": 100.0, "share": 0.4}
KINDS = list(
    itertools.product(REGIMES, DeleveragingRule.kinds(), LiquidationRule.kinds(), ImpactRule.kinds()),
)
PEOPLE: list[dict[str, Any]] = [
    {"kind": "holder", "name": "bulls", "count": 8, "deposit": 900.0, "leverage": 8.0, "long_share": 0.9},
    {"kind": "holder", "name": "bears", "count": 5, "deposit": 1_100.0, "leverage": 6.0, "long_share": 0.1},
    {"kind": "noise", "name": "noise", "count": 3, "leverage": 2.0, "decision_steps": 2},
    {"kind": "holder", "name": "mixed", "count": 3, "deposit": 700.0, "leverage": 7.0, "isolated": ["B"]},
]
TURBULENT = storm([100, 100], [97, 104], [84, 96], [91, 120], [70, 140], [88, 104], [60, 88], [95, 120])
PAYERS = ["insurance", "adl", "socialised", "unpaid"]


def turbulent(margin: str = "cross", **changes: Any) -> Any:
    """Nineteen accounts in two markets that swing by tens of per cent, with fees, penalties and a small fund."""
    usual: dict[str, Any] = {"fees": {"taker_rate": 0.001, "insurance_share": 0.3}, "insurance_fund": 150.0}
    usual |= {"impact": {"kind": "linear"}, "price": TURBULENT, "margin": {"kind": margin}}
    return scenario(PEOPLE, 2, **{**usual, **changes})


def ruled(margin: str, adl: str, close: str, impact: str) -> Any:
    closing = {"kind": close, **(LOTS if close == "fraction" else {})}
    return turbulent(
        margin, deleveraging={"kind": adl}, liquidation=closing, impact={"kind": impact, **SIZES.get(impact, {})}
    )


def outside_money(model: MarketModel) -> float:
    """Dollars brought in: traders' deposits (top-ups included) and the venue's own capital."""
    return float(sum(group.deposited.sum() for group in model.groups)) + model.rules.insurance_fund


@pytest.mark.parametrize(("margin", "adl", "close", "impact"), KINDS, ids="-".join)
def test_money_is_conserved_after_each_step_under_every_combination_of_rules(
    margin: str, adl: str, close: str, impact: str
) -> None:
    model = MarketModel(ruled(margin, adl, close, impact), StandardCast())
    accounts = model.accounts
    for _ in range(model.rules.steps):
        model.step()
        assert math.fsum(accounts.cash.ravel()) == 0.0
        assert [math.fsum(column) for column in accounts.position.T] == [0.0, 0.0]
        np.testing.assert_array_equal(accounts.cash / QUANTUM, np.rint(accounts.cash / QUANTUM))
        assert accounts.cash[INSURANCE].min() >= 0.0
    cases = model.exchange.waterfall.bankruptcies
    assert len(model.exchange.desk.log.events) > 3
    assert all(case.deficit == case.insurance + case.adl + case.socialised + case.unpaid for case in cases)


@pytest.mark.parametrize("margin", REGIMES)
@pytest.mark.parametrize("adl", DeleveragingRule.kinds())
def test_the_tables_of_a_run_name_a_payer_for_every_dollar_of_bad_debt(margin: str, adl: str) -> None:
    result = run(turbulent(margin, deleveraging={"kind": adl}, insurance_fund=40.0))
    cases, metrics = result.bankruptcies, result.metrics
    assert len(cases)
    np.testing.assert_array_equal(cases["deficit"], cases[PAYERS].sum(axis=1))
    assert metrics["bad_debt"] == cases["deficit"].sum() == result.series["deficit"].sum()
    assert metrics["insurance_draw"] == cases["insurance"].sum() == result.series["insurance"].sum()
    assert metrics["adl_haircut"] == cases["adl"].sum()
    assert metrics["socialised_loss"] == cases["socialised"].sum()
    assert metrics["insolvent"] == float((cases[["adl", "socialised", "unpaid"]].sum(axis=1) > 0.0).any())


@pytest.mark.parametrize("margin", REGIMES)
def test_the_classroom_names_a_payer_for_every_dollar(margin: str) -> None:
    result = run(load("classroom").with_(seed=4, steps=90, margin={"kind": margin}))
    cases = result.bankruptcies
    assert len(cases)
    np.testing.assert_array_equal(cases["deficit"], cases[PAYERS].sum(axis=1))
    assert result.metrics["bad_debt"] == math.fsum(cases["deficit"])
    assert (result.series["fund"] >= 0.0).all()


@pytest.mark.parametrize("margin", REGIMES)
def test_the_journal_of_a_run_adds_up_posting_by_posting(margin: str) -> None:
    journal = run(turbulent(margin), journal=True).journal
    assert journal is not None
    assert (journal.groupby("posting")["cash"].sum() == 0.0).all()
    assert (journal.groupby(["posting", "market"])["quantity"].sum() == 0.0).all()


@pytest.mark.parametrize("margin", REGIMES)
def test_the_equity_of_all_accounts_is_zero_with_the_outside_market(margin: str) -> None:
    """Equity is cash + position x mark, so what one side gains another loses, at any mark."""
    accounts = run(turbulent(margin)).accounts
    assert accounts["equity"].sum() == pytest.approx(0.0, abs=1e-6)
    assert [accounts[f"position_{name}"].sum() for name in "AB"] == [0.0, 0.0]


def test_nobody_is_charged_for_losses_when_sharing_and_deleveraging_are_off() -> None:
    changes: dict[str, Any] = {"deleveraging": {"kind": "off"}, "socialise_losses": False, "insurance_fund": 0.0}
    result = run(turbulent(**changes, fees=FRICTIONLESS, liquidation={"kind": "full", "penalty_rate": 0.0}))
    cases = result.bankruptcies
    assert len(cases)
    np.testing.assert_array_equal(cases["unpaid"], cases["deficit"])
    assert (cases[["insurance", "adl", "socialised"]] == 0.0).all(axis=None)


def test_the_fund_pays_first_then_winners_then_everybody() -> None:
    """A long of 100 units with 1,000 dollars meets 80: it owes 1,000. The winner is short 100 units."""
    people = [book("long", {"A": 100.0}, 1_000.0), book("short", {"A": -100.0}, 4_000.0)]
    usual = {"price": storm(100, 80), "liquidation": {"kind": "full", "penalty_rate": 0.0}}
    expected = {0.0: (0.0, 1_000.0), 400.0: (400.0, 600.0), 1_000.0: (1_000.0, 0.0), 5_000.0: (1_000.0, 0.0)}
    for fund, (insurance, adl) in expected.items():
        (case,) = run(scenario(people, insurance_fund=fund, **usual)).bankruptcies[PAYERS].to_numpy().tolist()
        assert case == [insurance, adl, 0.0, 0.0]
        off = run(scenario(people, insurance_fund=fund, deleveraging={"kind": "off"}, **usual)).bankruptcies
        assert off[PAYERS].to_numpy().tolist() == [[insurance, 0.0, adl, 0.0]]


def test_what_traders_end_with_is_what_they_brought_less_fees_and_losses_at_flat_prices() -> None:
    people = [{"kind": "noise", "count": 12, "deposit": 1_000.0, "leverage": 2.0}]
    model = MarketModel(scenario(people, 2, fees={"taker_rate": 0.001, "insurance_share": 0.25}), StandardCast())
    brought = outside_money(model)
    model.run()
    fees = model.exchange.clearing.fees_paid
    assert fees > 0.0
    left = model.engine.health(model.traders).equity.sum()
    assert left == pytest.approx(brought - fees, abs=12 * model.rules.steps * QUANTUM)
    assert model.exchange.waterfall.fund == pytest.approx(0.25 * fees, rel=1e-3)
