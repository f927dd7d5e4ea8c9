"""The deleveraging metrics once more, by a plain reading of each definition from the raw log."""

import itertools
import math
from collections import Counter

import pytest

from agents.cast import StandardCast
from experiments.record.metrics import measure
from experiments.record.observed import Observed
from tests.experiments.record.metric_cases import CASES, GAP, PEOPLE, SHORT, finished, played, rows_of, same
from tests.experiments.storms import holder_of, one_market


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return played(request.param)


def test_deleveraging_is_read_off_the_journal():
    """What winners gave up, from the postings alone: cash they paid less the value of the units at the mark."""
    for kind in ("queue", "pro_rata"):
        wide = {**SHORT, "units": {"X": -3.0}, "deposit": 60.0}
        scenario = one_market([*PEOPLE, wide], price=GAP, deleveraging={"kind": kind}, insurance_fund=10.0)
        model = Observed(scenario, StandardCast(), journal=True)
        model.run()
        values = measure(model)[0]
        mark, given = 80.0, Counter()
        for entry in model.accounts.journal:
            if entry.reason == "adl":
                for row, cash in zip(entry.row, entry.cash, strict=True):
                    given[int(row)] += cash
                for row, units in zip(entry.holder, entry.quantity, strict=True):
                    given[int(row)] += units * mark
        winners = {row: -amount for row, amount in given.items() if amount < -1e-9}
        total = math.fsum(winners.values())
        assert total > 10.0
        assert values["adl_winners"] == len(winners)
        assert values["adl_executed"] == pytest.approx(total)
        assert values["adl_needed"] == pytest.approx(total)
        assert values["adl_deficit"] == pytest.approx(total + 10.0)
        assert values["adl_capacity"] == pytest.approx(3 * 3.0 * 20.0)
        assert values["adl_max_haircut"] == pytest.approx(max(winners.values()) / 60.0, rel=1e-3)
        shares = sorted(amount / total for amount in winners.values())
        assert values["adl_hhi"] == pytest.approx(sum(share**2 for share in shares))
        apart = sum(abs(a - b) for a, b in itertools.product(shares, shares))
        assert values["adl_gini"] == pytest.approx(apart / (2 * len(shares)), abs=1e-5)
        assert values["adl_overshoot"] == values["adl_undershoot"] == 0.0
        if kind == "pro_rata":
            assert values["adl_max_haircut"] == pytest.approx(total / (3 * 60.0), rel=1e-3)


def test_winners_closed_at_the_mark_give_nothing_up_and_leave_the_need_to_others():
    changes = {"price": GAP, "deleveraging": {"kind": "queue", "price": "mark"}}
    _, values, reasons = finished(one_market([*PEOPLE, SHORT], **changes))
    assert values["adl_executed"] == values["adl_overshoot"] == values["adl_max_haircut"] == 0.0
    assert values["adl_undershoot"] == pytest.approx(values["adl_needed"])
    assert values["adl_needed"] > 0.0
    assert "closed at the mark" in reasons["adl_gini"]
    assert reasons["adl_hhi"] == reasons["adl_gini"]


def test_the_share_and_latency_of_deleveraging(case):
    model, values, reasons = case
    rows = rows_of(model)
    adl = [row for row in rows if row["taker"] == 3]
    closed = {True: math.fsum(abs(r["quantity"]) * r["mark_before"] for r in adl)}
    total = math.fsum(abs(r["quantity"]) * r["mark_before"] for r in rows)
    assert same(values["adl_share"], closed[True] / total)
    if adl:
        assert values["adl_latency"] == (min(r["step"] for r in adl) - min(r["step"] for r in rows)) * 600.0
    else:
        assert reasons["adl_latency"] == "nobody was deleveraged"


def test_deleveraging_after_the_first_liquidation_is_late():
    shocks = [{"step": 1, "size": -0.035}, {"step": 3, "size": -0.25}]
    last = holder_of(1.0, 90.0, "late")
    changes = {"price": {"kind": "scripted", "shocks": shocks}, "deleveraging": {"kind": "queue"}, "steps": 4}
    people = [holder_of(2.0, 97.0, "A"), last, {**SHORT, "count": 1}]
    _, values, _ = finished(one_market(people, step_seconds=30.0, impact={"kind": "none"}, **changes))
    assert values["adl_latency"] == 60.0
