"""Losses charged by rule: who pays what fund and deleveraging leave, exact and never more than there is."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.accounts import QUANTUM
from simulation.loss.base import LossRule, Payers
from simulation.model import MarketModel
from tests.simulation.markets import units
from tests.venues import book, equity, storm, venue

KINDS = sorted(LossRule.kinds())


def played(people: list[dict[str, Any]], path: list[Any], **rules: Any) -> MarketModel:
    model = venue(people, price=storm(*path), **{"deleveraging": {"kind": "off"}, **rules})
    model.run()
    return model


LOSER = book("loser", {"A": 10.0}, 100.0)  # owes 100 at 80
PEOPLE = [LOSER, book("short", {"A": -5.0}, 1_000.0), book("tall", {"A": 5.0}, 4_000.0), book("rich", {}, 5_000.0)]


def paid(kind: str) -> list[float]:
    """What short, tall and rich are charged: equities of 1,100, 3,900 and 5,000, and only short has gained."""
    model = played(PEOPLE, [100.0, 80.0], loss={"kind": kind})
    sharing = model.exchange.waterfall.losses
    charged = np.zeros(len(model.accounts))
    charged[: len(sharing.charged)] = sharing.charged
    (case,) = model.exchange.waterfall.bankruptcies
    assert case.socialised == charged.sum()
    assert case.socialised + case.unpaid == case.deficit == 100.0
    model.accounts.check()
    return [float(charged[model.groups[i].rows].sum()) for i in (1, 2, 3)]


def test_equity_pays_pro_rata() -> None:
    assert paid("equity") == pytest.approx([11.0, 39.0, 50.0], abs=QUANTUM)


def test_gains_pay_only_out_of_gains() -> None:
    assert paid("gains") == pytest.approx([100.0, 0.0, 0.0], abs=QUANTUM)


def test_both_sides_pay_by_the_unit() -> None:
    """Five short and five long; the bankrupt's own ten are gone."""
    assert paid("both_sides") == pytest.approx([50.0, 50.0, 0.0], abs=QUANTUM)


def test_depositors_pay_by_what_they_brought_in_not_by_what_they_won() -> None:
    assert paid("depositors") == pytest.approx([10.0, 40.0, 50.0], abs=QUANTUM)


def test_a_market_pays_for_its_own_losses_only() -> None:
    """The loss is made in A; the short of B, who has gained nothing there, is not asked."""
    people = [LOSER, book("a", {"A": -5.0}, 1_000.0), book("b", {"B": -5.0}, 1_000.0)]
    path = [[100.0, 100.0], [80.0, 100.0]]
    model = venue(people, 2, price=storm(*path), deleveraging={"kind": "off"}, loss={"kind": "both_sides"})
    model.run()
    assert model.exchange.waterfall.losses.charged[model.groups[1].rows].tolist() == [100.0]


def test_who_cannot_pay_its_part_leaves_it_to_the_others() -> None:
    people = [LOSER, book("poor", {"A": 5.0}, 130.0), book("short", {"A": -5.0}, 1_000.0)]  # poor has 30 left
    low = {"kind": "ratio", "liquidation": 0.1, "release": 0.1}
    model = played(people, [100.0, 80.0], loss={"kind": "both_sides"}, state=low)
    charged = model.exchange.waterfall.losses.charged
    assert [float(charged[model.groups[i].rows].sum()) for i in (1, 2)] == [30.0, 70.0]


def test_none_pays_nothing() -> None:
    assert paid("none") == [0.0, 0.0, 0.0]


def test_gains_smaller_than_the_loss_leave_the_rest_unpaid() -> None:
    people = [LOSER, book("short", {"A": -2.0}, 1_000.0)]
    (case,) = played(people, [100.0, 80.0], loss={"kind": "gains"}).exchange.waterfall.bankruptcies
    assert (case.socialised, case.unpaid) == (40.0, 60.0)


def test_only_the_gain_of_this_step_counts() -> None:
    """The short has gained 2 x 10 in the first step and 2 x 10 in the second, in which the loss falls."""
    people = [LOSER, book("short", {"A": -2.0}, 1_000.0)]
    early = {"kind": "ratio", "liquidation": 0.1, "release": 0.1}
    model = played(people, [100.0, 90.5, 80.0], loss={"kind": "gains"}, state=early)
    (case,) = model.exchange.waterfall.bankruptcies
    assert case.step == 2
    assert case.socialised == 21.0


def test_a_switched_off_sharing_leaves_losses_unpaid_whatever_the_rule() -> None:
    model = played(PEOPLE, [100.0, 80.0], loss={"kind": "equity"}, socialise_losses=False)
    assert model.exchange.waterfall.bankruptcies[0].unpaid == 100.0


def test_the_fund_comes_before_any_rule() -> None:
    for kind in KINDS:
        model = played(PEOPLE, [100.0, 80.0], loss={"kind": kind}, insurance_fund=60.0)
        (case,) = model.exchange.waterfall.bankruptcies
        assert case.insurance == 60.0


whole = st.integers(0, 10_000)


@given(
    st.lists(st.tuples(whole, st.integers(-500, 500), whole), min_size=1, max_size=7),
    st.lists(whole, min_size=2, max_size=2),
)
@settings(max_examples=60)
@pytest.mark.parametrize("kind", KINDS)
def test_charges_are_whole_bounded_by_equity_and_no_more_than_the_loss(
    kind: str, rows: list[tuple[int, int, int]], loss: list[int]
) -> None:
    equity, gain, cash = (np.array(column, float) for column in zip(*rows, strict=True))
    lots = np.stack([gain, -gain], axis=1)
    payers = Payers(equity, gain, cash, lots, units(3.0, 7.0), np.array([False, False]))
    charge = LossRule.parse({"kind": kind}).charge(np.array(loss, float), payers)
    assert (charge == np.rint(charge)).all()
    assert (charge >= 0.0).all()
    assert (charge <= payers.units).all()
    assert charge.sum() <= sum(loss)


@given(
    st.lists(st.tuples(st.floats(-20.0, 20.0), st.floats(30.0, 3_000.0)), min_size=2, max_size=7),
    st.floats(60.0, 150.0),
)
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("kind", KINDS)
def test_every_dollar_has_one_payer_and_money_is_conserved(
    kind: str, people: list[tuple[float, float]], price: float
) -> None:
    books = [book(f"p{i}", {"A": held}, deposit) for i, (held, deposit) in enumerate(people)]
    model = played(books, [100.0, price], loss={"kind": kind}, insurance_fund=5.0)
    waterfall = model.exchange.waterfall
    for case in waterfall.bankruptcies:
        assert case.deficit == case.insurance + case.adl + case.socialised + case.unpaid
    assert sum(case.socialised for case in waterfall.bankruptcies) == waterfall.losses.charged.sum()
    assert (equity(model) >= 0.0).all()
    model.accounts.check()
