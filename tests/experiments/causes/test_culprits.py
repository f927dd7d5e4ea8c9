"""Who owes what to an account: by hand, against plain loops over pushes, and to the last quantum."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from experiments.causes.attribution import split_losses
from experiments.causes.culprits import closings_in, culprits
from simulation.accounts import QUANTUM
from tests.experiments.causes.test_attribution import of, traced
from tests.experiments.storms import by_hand, holder_of, one_market, storms


def owed_to(model, name):
    split = split_losses(model)
    return culprits(model, split, closings_in(model), int(of(split, name)["row"]))


def test_each_push_owes_its_own_part_of_the_fall() -> None:
    table = owed_to(traced(by_hand()), "C[0]").set_index("account")["dollars"]
    weight = 6.5 / math.log(100.0 / 93.5)
    assert table["A[0]"] == pytest.approx(weight * math.log(96.5 / 94.5), abs=1e-3)
    assert table["B[0]"] == pytest.approx(weight * math.log(94.5 / 93.5), abs=1e-3)
    assert list(table.index) == ["A[0]", "B[0]"]  # the largest first


def test_the_first_victim_owes_nothing_to_anybody() -> None:
    assert not len(owed_to(traced(by_hand()), "A[0]"))


def test_two_closed_in_one_round_share_the_push_by_volume() -> None:
    scenario = one_market([holder_of(3.0, 97.0, "A"), holder_of(1.0, 97.0, "B"), holder_of(1.0, 80.0, "C")])
    table = owed_to(traced(scenario), "C[0]").set_index("account")["dollars"]
    assert table["A[0]"] == pytest.approx(3.0 * table["B[0]"], abs=4 * QUANTUM)


def test_nobody_owes_anything_where_the_mark_does_not_show_the_book() -> None:
    model = traced(by_hand(mark={"kind": "oracle"}))
    assert len(model.market.pushes) > 0
    assert not len(owed_to(model, "C[0]"))


def test_what_the_backstop_takes_owes_nothing_for_it_never_reached_the_book() -> None:
    model = traced(by_hand(backstop={"capital": 1e6, "trigger": 1.0}))
    assert len(closings_in(model)) == 1  # A alone: no sale, no second victim
    assert not len(model.market.pushes)
    assert not len(owed_to(model, "A[0]"))


def by_plain_loops(model, split, closings, row):
    """Dollars owed by each closing, one spell, one push and one closing at a time."""
    market, spells, causes = model.market, split.spells, split.causes
    owed = defaultdict(float)
    for i in np.flatnonzero(spells.row == row):
        for number, push in enumerate(market.pushes):
            left = [0.0, 0.0]
            for k, moment in enumerate((spells.since[i], spells.until[i])):
                if push.moment <= moment:
                    left[k] = market.remaining(push, int(market.moments.step[moment]))[spells.market[i]]
            for closing in np.flatnonzero(closings.push == number):
                part = closings.share[closing, spells.market[i]]
                owed[closing] += causes.exposure[i] * (left[1] - left[0]) * part
    return owed


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(storms())
def test_debts_are_those_of_plain_loops_and_add_up_exactly(scenario) -> None:
    model = traced(scenario)
    split, closings = split_losses(model), closings_in(model)
    for row in np.unique(closings.row)[:4].tolist():
        table = culprits(model, split, closings, row)
        assert table["dollars"].sum() == split.accounts[["forced", "margin_rule"]].iloc[row].sum()
        slow = by_plain_loops(model, split, closings, row)
        for closing, dollars in zip(table["closing"], table["dollars"], strict=True):
            assert dollars == pytest.approx(slow[closing], abs=1e-3)
        missing = set(slow) - set(table["closing"])
        assert all(abs(slow[closing]) < 1e-3 for closing in missing)
