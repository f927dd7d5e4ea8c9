"""A sale that the mark does not show has cost nobody anything yet: forced losses where marks ignore or lag the book."""

import math

import numpy as np
import pytest

from experiments.causes.attribution import CAUSES, _sums_by_key
from experiments.causes.forced_trades import PARTS
from simulation.accounts import QUANTUM
from tests.experiments.causes.test_attribution import of
from tests.experiments.causes.test_forced_trades import table_of
from tests.experiments.causes.test_trigger import LEARNING
from tests.experiments.storms import by_hand, one_market

# 100, 96.50, then 93.605: A falls at the first, B at the second even where nobody's sale moves its mark.
TWO_FALLS = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.035}, {"step": 2, "size": -0.03}]}
LONE = {"kind": "book", "name": "L", "count": 1, "units": {"X": 1.0}, "deposit": 4.0}
WEAK = {"kind": "book", "name": "W", "count": 1, "units": {"X": 2.0}, "deposit": 45.0}
SWINGS_THEN_FALL = {"kind": "replay", "prices": [*[[100.0], [103.0]] * 10, [80.0]]}


def test_where_the_mark_ignores_the_book_no_loss_is_forced_on_anybody() -> None:
    """A's four units leave the mid two dollars below the mark, which stays with the index."""
    trades, split = table_of(by_hand(mark={"kind": "oracle"}, price=TWO_FALLS))
    trades = trades.set_index("account")
    assert trades["step"].to_dict() == {"A[0]": 1, "B[0]": 2}
    assert trades["exogenous"].to_dict() == pytest.approx({"A[0]": 4 * 3.5, "B[0]": 2 * 6.395}, abs=2e-5)
    for part in ("flow", "forced", "margin_rule", "mark_gap"):
        assert not trades[part].any(), part
        assert not split.accounts[part].any(), part
    assert of(split, "C[0]")["exogenous"] == pytest.approx(6.395, abs=1e-5)


def test_what_the_mark_hid_is_paid_at_the_fill() -> None:
    """B sells two units from where A left the mid, at 93.605 (94.5 / 96.5), on average half a dollar lower."""
    trades = table_of(by_hand(mark={"kind": "oracle"}, price=TWO_FALLS))[0].set_index("account")
    fill = 93.605 * 94.5 / 96.5 - 0.5
    assert trades.loc["B[0]", "fill"] == pytest.approx(2 * (93.605 - fill), abs=1e-3)


def test_of_a_mark_that_lags_only_what_it_shows_is_forced() -> None:
    """Between a mark that follows the mid at once and one that never does."""
    shown = {}
    for kind in ("mid", "smoothed", "oracle"):
        trades, split = table_of(by_hand(mark={"kind": kind}, price=TWO_FALLS))
        told, trade = of(split, "B[0]"), trades.set_index("account").loc["B[0]"]
        assert trade["forced"] == pytest.approx(told["forced"], abs=QUANTUM)
        assert trade["loss"] == trade[list(PARTS)].sum()
        assert told["loss"] == told[list(CAUSES)].sum()
        shown[kind] = of(split, "C[0]")["forced"]
    assert shown["mid"] > 2.0 * shown["smoothed"] > 0.0 == shown["oracle"]


def test_a_sale_that_a_risen_requirement_made_costs_others_what_their_marks_show_of_it() -> None:
    """L's one unit, closed only because the rule had risen, left the mid half a dollar lower when W was closed at 80.

    The displacement is one of logarithms: half of 100 dollars then is 80 (1 - 99.5 / 100) now, on each of two units,
    spread over the whole fall by logs.
    """
    plain = {"price": SWINGS_THEN_FALL, "steps": 20, "margin": LEARNING}
    visible, split = table_of(one_market([LONE, WEAK], **plain))
    ignored, _ = table_of(one_market([LONE, WEAK], mark={"kind": "oracle"}, **plain))
    visible, ignored = visible.set_index("account"), ignored.set_index("account")
    assert split.raised.tolist() == [True, True]
    lower = 80.0 * (1.0 - 0.5 / 100.0)
    expected = 2.0 * (100.0 - lower) * math.log(80.0 / lower) / math.log(100.0 / lower)
    assert visible.loc["W[0]", "margin_rule"] == pytest.approx(expected, rel=1e-4)
    assert visible.loc["W[0]", "margin_rule"] == of(split, "W[0]")["margin_rule"]
    assert visible.loc["W[0]", "forced"] == 0.0
    assert ignored.loc["W[0]", "margin_rule"] == ignored.loc["W[0]", "mark_gap"] == 0.0
    assert ignored.loc["W[0]", "exogenous"] == pytest.approx(2.0 * 20.0, abs=QUANTUM)


def test_no_table_shows_a_minus_before_a_zero() -> None:
    trades, _ = table_of(one_market([LONE, WEAK], price=SWINGS_THEN_FALL, steps=20, margin=LEARNING))
    values = trades[[*PARTS, "loss"]].to_numpy()
    assert not np.signbit(values[values == 0.0]).any()


def test_sums_by_key_are_the_same_for_few_keys_and_for_keys_far_apart() -> None:
    key, dollars = np.array([7, 3, 7, 5, 3, 9]), np.array([1.0, -2.5, 2.0, 4.0, 2.5, 0.0])
    for far in (1, 10**9):  # keys as large as those of a venue of millions of accounts
        keys, sums = _sums_by_key(key * far, dollars)
        assert (keys // far).tolist() == [5, 7], "what cancels, or is nothing, has no line"
        assert sums.tolist() == [4.0, 3.0]
