"""The insurance funds: one for all, funds of single markets, and the limits on what they pay."""

from typing import Any

import numpy as np
import pytest

from agents.fund import InsuranceFund
from simulation.accounts import INSURANCE, OUTSIDE, QUANTUM, SHARED, Accounts
from simulation.arrays import Mask
from simulation.errors import ScenarioError
from simulation.loss.insurance import InsuranceLimits
from simulation.model import MarketModel
from tests.simulation.markets import units
from tests.venues import book, equity, scenario, storm, venue

OFF = {"kind": "off"}
RICH = book("rich", {}, 5_000.0)


def loser(name: str, market: str = "A", deposit: float = 100.0) -> dict[str, Any]:
    """Ten units: at 80 it owes 100 dollars."""
    return book(name, {market: 10.0}, deposit)


def played(people: list[dict[str, Any]], *path: Any, listed: int = 1, **rules: Any) -> MarketModel:
    model = venue(people, listed, price=storm(*path), **{"deleveraging": OFF, **rules})
    model.run()
    return model


def cases(model: MarketModel) -> list[tuple[float, float, float]]:
    return [(c.deficit, c.insurance, c.socialised) for c in model.exchange.waterfall.bankruptcies]


def fund(balance: float, **limits: Any) -> InsuranceFund:
    accounts = Accounts(np.ones(2), 3)
    accounts.transfer((np.array([OUTSIDE]), SHARED), (np.array([INSURANCE]), SHARED), units(balance), "deposit")
    return InsuranceFund(accounts, InsuranceLimits.model_validate(limits), np.array([False, True]))


# Limits --------------------------------------------------------------------------------------------------------


def test_without_limits_everything_is_available() -> None:
    full = fund(100.0)
    full.begin()
    assert full.available() == full.balance == 100.0


def test_a_step_pays_no_more_than_its_limit() -> None:
    limited = fund(100.0, step_limit=30.0)
    limited.begin()
    assert limited.available() == 30.0
    limited.paid(SHARED, 20.0)
    assert limited.available() == 10.0
    limited.begin()
    assert limited.available() == 30.0


def test_a_fund_may_fall_by_a_share_of_its_peak_of_the_window_only() -> None:
    limited = fund(100.0, drawdown_limit=0.3, drawdown_window_steps=2)
    limited.begin()
    assert limited.available() == 30.0
    limited.accounts.cash[INSURANCE, SHARED] = 70.0
    limited.begin()
    assert limited.available() == 0.0
    limited.begin()  # the peak of 100 has left the window
    assert limited.available() == 21.0


def test_a_single_markets_loss_belongs_to_its_own_fund_and_everything_else_to_the_shared_one() -> None:
    held = np.array([[1.0, 0.0], [0.0, -2.0], [1.0, 1.0], [0.0, 0.0]])
    assert fund(1.0).places(held).tolist() == [SHARED, 2, SHARED, SHARED]


def test_deficits_are_counted_fund_by_fund() -> None:
    both = fund(100.0)
    both.accounts.cash[INSURANCE, 2] = 50.0
    beyond = both.exceeded(units(60.0, 60.0, 50.0, 1.0), np.array([0, 0, 2, 2]))
    assert beyond.tolist() == [False, True, False, True]


def test_every_fund_has_a_peak_of_its_own() -> None:
    """30 % of 100 dollars may go here, 30 % of 50 there."""
    both = fund(100.0, drawdown_limit=0.3)
    both.accounts.cash[INSURANCE, 2] = 50.0
    both.begin()
    assert (both.available(), both.available(2)) == (30.0, 15.0)
    both.accounts.cash[INSURANCE] = units(60.0, 0.0, 40.0)  # below the floor, and above it
    assert (both.available(), both.available(2)) == (0.0, 5.0)


def test_payments_of_a_step_add_up_fund_by_fund() -> None:
    both = fund(100.0, step_limit=30.0)
    both.accounts.cash[INSURANCE, 2] = 100.0
    both.begin()
    for amount in (20.0, 5.0):
        both.paid(SHARED, amount)
    assert (both.available(), both.available(2)) == (5.0, 30.0)


@pytest.mark.parametrize(
    ("limits", "quanta"),
    [({"step_limit": 1.5 * QUANTUM}, 1), ({"drawdown_limit": 0.5}, 1), ({"drawdown_limit": 0.7}, 2)],
)
def test_limits_are_rounded_so_that_no_more_than_allowed_is_paid(limits: dict[str, float], quanta: int) -> None:
    """Of three quanta a half are 1.5 and seven tenths 2.1."""
    small = fund(3.0 * QUANTUM, **limits)
    small.begin()
    assert small.available() == quanta * QUANTUM


def test_a_pool_in_two_markets_belongs_to_the_shared_fund_whichever_of_them_has_its_own() -> None:
    accounts = Accounts(np.ones(2), 3)
    for own in ([True, False], [False, True], [True, True]):
        found = InsuranceFund(accounts, InsuranceLimits.model_validate({}), np.array(own))
        assert found.places(np.array([[1.0, -1.0], [1.0, 0.0]])).tolist() == [SHARED, 1 if own[0] else SHARED]


@pytest.mark.parametrize("own", [None, np.array([False, True])])
def test_what_a_fund_can_just_pay_does_not_exceed_it(own: Mask | None) -> None:
    accounts = Accounts(np.ones(2), 3)
    accounts.cash[INSURANCE, SHARED] = 100.0
    found = InsuranceFund(accounts, InsuranceLimits.model_validate({}), own)
    assert found.exceeded(units(60.0, 40.0, 0.0), np.zeros(3, np.intp)).tolist() == [False, False, False]
    assert found.exceeded(units(60.0, 40.0 + QUANTUM, 0.0), np.zeros(3, np.intp)).tolist() == [False, True, True]


# Live ----------------------------------------------------------------------------------------------------------


def test_the_step_limit_leaves_the_rest_to_everybody() -> None:
    model = played([loser("a"), RICH], 100.0, 80.0, insurance_fund=1_000.0, insurance={"step_limit": 30.0})
    assert cases(model) == [(100.0, 30.0, 70.0)]
    assert model.exchange.waterfall.fund == 970.0


def test_the_drawdown_limit_starts_deleveraging_while_the_fund_has_money() -> None:
    """A fund of 200 may fall by 30 %: 60 of the 100, the winner pays 40."""
    winner = book("winner", {"A": -10.0}, 1_000.0)
    limits = {"drawdown_limit": 0.3}
    rules: dict[str, Any] = {"insurance_fund": 200.0, "insurance": limits, "deleveraging": {"kind": "queue"}}
    model = played([loser("a"), winner], 100.0, 80.0, **rules)
    (case,) = model.exchange.waterfall.bankruptcies
    assert (case.insurance, case.adl) == (60.0, 40.0)
    assert model.exchange.waterfall.fund == 140.0


def test_an_isolated_market_has_its_fund_to_itself() -> None:
    people = [loser("a"), loser("b", "B"), RICH]
    model = played(people, [100.0, 100.0], [80.0, 80.0], listed=2, insurance_funds={"B": 40.0}, insurance_fund=500.0)
    assert cases(model) == [(100.0, 100.0, 0.0), (100.0, 40.0, 60.0)]
    assert model.accounts.cash[INSURANCE].tolist() == [400.0, 0.0, 0.0]
    model.accounts.check()


def test_the_balance_of_the_fund_is_that_of_all_funds_together() -> None:
    model = venue([RICH], 2, insurance_funds={"B": 40.0}, insurance_fund=500.0)
    assert model.exchange.waterfall.fund == 540.0


def test_penalties_go_to_the_fund_of_the_market() -> None:
    rule = {"kind": "full", "penalty_rate": 0.01}
    people = [loser("a"), loser("b", "B")]
    path = [100.0, 100.0], [94.0, 94.0]
    model = played(people, *path, listed=2, insurance_funds={"B": 1.0}, liquidation=rule)
    shared, _, own = model.accounts.cash[INSURANCE]
    assert shared == pytest.approx(9.4, abs=1e-4)
    assert own == pytest.approx(10.4, abs=1e-4)


def test_a_fund_of_an_unknown_market_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"insurance_funds\.Z"):
        scenario([RICH], insurance_funds={"Z": 1.0})


# The gate ------------------------------------------------------------------------------------------------------


def withdrawn(at: int, **rules: Any) -> float:
    """What the bystander gets out of 1,000 dollars asked for at step `at`; the loser is bankrupt at step 1."""
    model = venue([loser("a"), RICH], price=storm(100.0, *[80.0] * 6), **{"deleveraging": OFF, **rules})
    for _ in range(at):
        model.step()
    before = float(equity(model, 1)[0])
    model.exchange._withdraw(model.groups[1].rows, units(1_000.0))
    return before - float(equity(model, 1)[0])


@pytest.mark.parametrize(("at", "paid"), [(0, 1_000.0), (1, 0.0), (3, 0.0), (4, 1_000.0)])
def test_withdrawals_are_held_back_for_some_steps_after_an_uninsured_loss(at: int, paid: float) -> None:
    assert withdrawn(at, insurance={"gate_steps": 2}) == paid


def test_a_loss_the_fund_pays_holds_nobody_back_unless_that_is_asked_for() -> None:
    rules: dict[str, Any] = {"insurance_fund": 1e4}
    assert withdrawn(2, **rules, insurance={"gate_steps": 2}) == 1_000.0
    assert withdrawn(2, **rules, insurance={"gate_steps": 2, "gate_at": "bankruptcy"}) == 0.0
    assert withdrawn(2, **rules) == 1_000.0
