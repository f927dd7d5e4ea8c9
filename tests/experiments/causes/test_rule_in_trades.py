"""What a risen requirement cost each forced trade, against the debts of the closings it made, one pair at a time."""

import numpy as np
import pytest

from experiments.causes.attribution import Split
from experiments.causes.forced_trades import PARTS, forced_trades, totals_by
from experiments.causes.trace import Traced
from experiments.causes.trigger import displacement
from experiments.record.blame import Ledger
from experiments.record.frames import moment_steps
from simulation.accounts import QUANTUM
from tests.experiments.causes.test_trigger import loops


@pytest.fixture(scope="module")
def run_() -> tuple[Traced, Split]:
    return loops()


@pytest.fixture(scope="module")
def trades(run_):
    return forced_trades(*run_)


def test_a_trade_loses_what_the_log_says_and_its_funding_fill_and_penalty(run_, trades) -> None:
    """Moving dollars from forced sales to the rule that made them changes no loss."""
    events = run_[0].events
    assert (trades["margin_rule"] != 0.0).any()
    rest = trades[["funding", "fill", "penalty"]].sum(axis=1)
    assert (trades["loss"] == events["loss"] + rest).all()
    assert (trades["exogenous"] == events["exogenous"]).all()
    assert (trades["flow"] == events["flow"]).all()
    displaced = trades["forced"] + trades["margin_rule"] + trades["mark_gap"]
    assert (displaced == events["forced"] + events["mark_gap"]).all()


def test_the_part_of_the_rule_is_what_the_closings_it_made_owe(run_, trades) -> None:
    model, split = run_
    ledger = Ledger(model.closings, moment_steps(model), model.rules.impact.half_life_steps)
    guilty = np.flatnonzero(split.raised)
    found = np.bincount(model.numbers, trades["margin_rule"], len(model.closings))
    parts = np.bincount(model.numbers, minlength=len(model.closings))
    for effect in range(len(model.closings)):
        owed = ledger.shares(np.full(len(guilty), effect), guilty).sum()
        assert found[effect] == pytest.approx(owed, rel=1e-9, abs=QUANTUM * (1 + parts[effect]))
    assert np.abs(found).max() > 1.0


def test_own_sales_are_no_part_of_what_a_closing_lost_before_them(run_, trades) -> None:
    """The first closing that only the rule made has nobody of its kind before it."""
    model, split = run_
    first = int(np.flatnonzero(split.raised)[0])
    mine = model.numbers == first
    assert not trades.loc[mine, "margin_rule"].any()
    assert trades.loc[mine, "loss"].any()


def test_the_displacement_by_all_closings_is_that_of_the_pushes(run_) -> None:
    model, _ = run_
    moved, steps = displacement(model, np.ones(len(model.closings), bool)), moment_steps(model)
    for moment in range(0, len(steps), 7):
        left = np.zeros(moved.shape[1])
        for push in model.market.pushes:
            if push.moment <= moment:
                left += model.market.remaining(push, int(steps[moment]))
        sold = np.array([push.volume for push in model.market.pushes]).any(axis=0)
        assert moved[moment][sold] == pytest.approx(left[sold], abs=1e-12)


@pytest.mark.parametrize("keys", [("account",), ("kind", "market"), ("step", "round")])
def test_no_grouping_loses_a_dollar_of_the_rule(trades, keys) -> None:
    found = totals_by(trades, *keys)
    for part in (*PARTS, "loss"):
        assert found[part].sum() == trades[part].sum()
    assert (found[list(PARTS)].sum(axis=1) == found["loss"]).all()
