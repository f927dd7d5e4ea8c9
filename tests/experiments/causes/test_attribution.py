"""Where the money went: by hand, against plain loops over the journal, and exact whatever happens."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from experiments.causes.attribution import CAUSES, PRICE, split_losses
from experiments.causes.trace import Traced
from experiments.run import run
from simulation.accounts import OUTSIDE, QUANTUM
from simulation.errors import CapacityError
from tests.experiments.storms import by_hand, holder_of, one_market, storms
from tests.venues import book, scenario, storm


def traced(scenario, absent=()):
    model = Traced(scenario, absent)
    try:
        model.run()
    except CapacityError:
        assume(False)  # an impact law outside its range
    return model


def of(split, name):
    return split.accounts.set_index("account").loc[name]


def test_the_loss_of_one_unit_held_is_the_fall_of_its_price() -> None:
    told = of(split_losses(traced(by_hand())), "C[0]")
    assert told["loss"] == pytest.approx(6.5, abs=QUANTUM)  # from 100 to 93.50, one unit
    assert told["exogenous"] + told["forced"] == told["loss"]
    weight = 6.5 / math.log(100.0 / 93.5)
    assert told["exogenous"] == pytest.approx(weight * math.log(100.0 / 96.5), abs=1e-3)
    assert told["forced"] == pytest.approx(weight * math.log(96.5 / 93.5), abs=1e-3)


def test_the_first_to_be_liquidated_owes_its_fill_to_nobody() -> None:
    told = of(split_losses(traced(by_hand())), "A[0]")
    assert told["forced"] == 0.0
    assert told["exogenous"] == pytest.approx(4 * 3.5, abs=QUANTUM)
    assert told["liquidation"] == pytest.approx(4 * 1.0, abs=1e-3)  # sold from 96.50 down to 94.50, on average at 95.50
    # 4 units with a deposit of 4 * (100 - 0.95 * 97) = 31.40 dollars
    assert told["brought"] == pytest.approx(31.4, abs=1e-3)
    assert told["penalty"] == pytest.approx(0.005 * 4 * 94.5, abs=1e-3)
    assert told["loss"] == told["exogenous"] + told["liquidation"] + told["penalty"]


def test_nothing_happens_to_people_who_hold_nothing() -> None:
    idle = {"kind": "book", "name": "idle", "count": 1, "units": {"X": 0.0}, "deposit": 50.0}
    told = of(split_losses(traced(one_market([holder_of(4.0, 97.0, "A"), idle]))), "idle[0]")
    assert told["loss"] == 0.0
    assert not any(told[cause] for cause in CAUSES)
    assert told["brought"] == told["equity"] == 50.0


def test_without_a_shock_nothing_is_lost() -> None:
    calm = by_hand(price={"kind": "scripted", "shocks": []})
    split = split_losses(traced(calm))
    assert not split.accounts[["loss", *CAUSES]].to_numpy().any()
    assert not len(split.lines)


def test_without_impact_nothing_is_forced() -> None:
    split = split_losses(traced(by_hand(impact={"kind": "none"})))
    assert not split.accounts["forced"].any()
    assert of(split, "A[0]")["exogenous"] == pytest.approx(14.0, abs=QUANTUM)


def by_plain_loops(model):
    """Loss and parts of every account from the journal, posting by posting, in the simplest words."""
    market, found = model.market, defaultdict(lambda: defaultdict(float))
    moments = market.moments
    price = np.exp(moments.parts[: moments.last + 1].sum(axis=1))

    def hold(row, column, units, since, until):
        before, after = price[since, column], price[until, column]
        logs = moments.parts[until, :, column] - moments.parts[since, :, column]
        change = math.log(after / before)
        weight = (after - before) / change if abs(change) > 1e-9 else before  # 0 / 0 where the mark stands still
        for name, change in zip(PRICE, logs, strict=True):
            found[row][name] -= units * weight * change

    held = defaultdict(lambda: (0.0, 0))
    for posting, moment in zip(model.diary, model.diary.moment, strict=True):
        book = len(posting.holder) and posting.row[-1] == OUTSIDE and posting.quantity.any()
        at = moment - bool(book and moment and posting.reason in ("trade", "liquidation"))
        for row, column, quantity in zip(posting.holder, posting.market, posting.quantity, strict=True):
            if quantity:
                units, since = held[row, column]
                hold(row, column, units, since, at)
                held[row, column] = units + quantity, at
                found[row][posting.reason] -= quantity * price[at, column]
        for row, cash in zip(posting.row, posting.cash, strict=True):
            found[row][posting.reason] -= cash
    for (row, column), (units, since) in held.items():
        hold(row, column, units, since, moments.last)
    return found


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(storms())
def test_the_split_is_that_of_plain_loops_over_the_journal(scenario) -> None:
    model = traced(scenario)
    assume(not model.market.moments.lifts)  # the loops know nothing of contracts that move with another one
    split, slow = split_losses(model), by_plain_loops(model)
    near = 1e-3 + QUANTUM * len(model.diary) * len(model.market.names)  # each posting and each spell is rounded once
    reasons = {"fees": ("fee", "fee share"), "trading": ("trade",), "adl": ("adl", "adl rounding")}
    reasons |= {cause: (cause,) for cause in ("exogenous", "flow", "funding", "penalty", "liquidation")}
    for row, told in split.accounts.iterrows():
        for cause, posted in reasons.items():
            expected = sum(slow[row][reason] for reason in posted)
            assert told[cause] == pytest.approx(expected, abs=near), (row, cause)
        displaced = slow[row]["forced"] + slow[row]["mark_gap"]
        assert told["forced"] + told["mark_gap"] == pytest.approx(displaced, abs=near)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(storms())
def test_causes_add_up_exactly_and_what_one_loses_another_gains(scenario) -> None:
    split = split_losses(traced(scenario))
    table = split.accounts
    assert (table[list(CAUSES)].sum(axis=1) == table["loss"]).all()
    assert (table["loss"] / QUANTUM == np.rint(table["loss"] / QUANTUM)).all()
    assert np.abs((table["brought"] - table["equity"]) - table["loss"]).max() <= QUANTUM
    assert abs(table["loss"].sum()) <= QUANTUM * len(table) + 1e-9 * np.abs(table["equity"]).max()
    for cause in ("liquidation", "fees", "funding", "penalty", "insurance", "socialised"):
        assert table[cause].sum() == pytest.approx(0.0, abs=1e-3), cause


def test_totals_by_group_kind_and_market_are_the_sums_of_accounts() -> None:
    split = split_losses(traced(by_hand()))
    people = split.accounts[split.accounts["kind"] == "book"]
    for keys in (("group",), ("kind",), ("market",), ("kind", "market")):
        table = split.by(*keys)
        assert table["loss"].sum() == people["loss"].sum()
        assert table["forced"].sum() == people["forced"].sum()
    assert list(split.by("group").index) == ["A", "B", "C"]


def test_a_diary_changes_no_result() -> None:
    scenario = by_hand()
    model, plain = traced(scenario), run(scenario)
    assert model.events.equals(plain.events)
    assert np.array_equal(model.equity, plain.accounts["equity"].to_numpy())


def test_cash_and_positions_are_what_the_diary_says() -> None:
    model = traced(by_hand())
    cash, position = model.accounts.fold()
    assert np.array_equal(cash, model.accounts.cash)
    assert np.array_equal(position, model.accounts.position)


def test_the_absent_keep_their_money_and_their_rows() -> None:
    scenario = by_hand()
    row = int(of(split_losses(traced(scenario)), "A[0]")["row"])
    split = split_losses(traced(scenario, [row]))
    assert of(split, "A[0]")["loss"] == 0.0
    assert of(split, "B[0]")["row"] == row + 1
    assert of(split, "B[0]")["loss"] == pytest.approx(7.0, abs=QUANTUM)  # 96.50 is above its threshold of 95.50


def test_what_others_did_not_pay_back_is_a_cause_of_its_own() -> None:
    """a lends b 60; b loses 70 on one unit and pays back 30: a has lost 30, b all of its own 40."""
    claims = {"kind": "given", "debts_owed": [{"debtor": "b", "creditor": "a", "dollars": 60.0}]}
    population = [book("a", {}, 100.0), book("b", {"A": 1.0}, 40.0)]
    split = split_losses(traced(scenario(population, price=storm(100.0, 30.0), claims=claims)))
    lender, borrower = of(split, "a[0]"), of(split, "b[0]")
    assert (lender["loss"], lender["claims"]) == (30.0, 30.0)
    assert (borrower["claims"], borrower["exogenous"]) == (-30.0, 70.0)
    for account in (lender, borrower):
        assert sum(account[cause] for cause in CAUSES) == account["loss"]
