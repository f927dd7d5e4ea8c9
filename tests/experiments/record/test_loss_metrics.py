"""The loss metrics once more, by a plain reading of each definition from the raw log."""

import math
from collections import Counter

import pytest

from tests.experiments.record.metric_cases import CASES, GAP, PEOPLE, finished, played, rows_of, same
from tests.experiments.storms import one_market


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return played(request.param)


def test_bad_debt_is_told_gross_and_net_and_per_what_was_closed_and_open(case):
    model, values, reasons = case
    cases = model.exchange.waterfall.bankruptcies
    gross = math.fsum(one.deficit for one in cases)
    left = math.fsum(one.deficit - one.insurance for one in cases)
    assert same(values["bad_debt_net_of_fund"], left)
    assert same(values["bad_debt_net_of_adl"], left - math.fsum(one.adl for one in cases))
    closed = math.fsum(abs(row["quantity"]) * row["mark_before"] for row in rows_of(model))
    assert same(values["bad_debt_per_liquidated_notional"], gross / closed)
    assert same(values["bad_debt_per_open_interest"], gross / model.opening.open_interest)
    by_account = Counter()
    for one in cases:
        by_account[one.row] += one.deficit
    if gross:
        assert same(values["largest_account_share_of_bad_debt"], max(by_account.values()) / gross)
    else:
        assert reasons["largest_account_share_of_bad_debt"] == "there was no bad debt"


def test_the_fund_is_followed_step_by_step(case):
    model, values, reasons = case
    short, worst, peak, drawdown, first = 0.0, 0.0, 0.0, math.nan, None
    for step, (fund, _) in enumerate(model.totals):
        now = sum(c.deficit - c.insurance for c in model.exchange.waterfall.bankruptcies if c.step == step)
        short += now
        if now > 0.0 and first is None:
            first = (step, now)
        peak = max(peak, fund)
        if peak:
            drawdown = max((peak - fund) / peak, 0.0 if math.isnan(drawdown) else drawdown)
        worst = max(worst, model.totals[0][0] - fund + short)
    assert same(values["fund_needed"], worst)
    assert same(values["fund_drawdown"], drawdown)
    assert values["fund_depleted"] == float(first is not None)
    if first is None:
        assert "right-censored at 1800 seconds" in reasons["fund_seconds_to_depletion"]
        assert reasons["fund_deficit_at_depletion"] == "the fund was not depleted"
    else:
        assert values["fund_seconds_to_depletion"] == first[0] * 600.0
        assert same(values["fund_deficit_at_depletion"], first[1])


def test_the_fund_that_is_needed_is_the_least_that_is_not_depleted():
    plain = {"price": GAP, "deleveraging": {"kind": "off"}, "socialise_losses": False}
    needed = finished(one_market(PEOPLE, **plain))[1]["fund_needed"]
    assert needed > 10.0
    for fund, depleted in ((needed, 0.0), (needed - 1.0, 1.0)):
        assert finished(one_market(PEOPLE, **plain, insurance_fund=fund))[1]["fund_depleted"] == depleted


def test_what_nobody_left_or_held_is_undefined_with_its_reason():
    idle = one_market([{"kind": "book", "name": "idle", "count": 3, "units": {}}], insurance_fund=0.0)
    _, values, reasons = finished(idle)
    expected = {
        "bad_debt_per_liquidated_notional": "nothing was liquidated",
        "bad_debt_per_open_interest": "there was no open interest at the start",
        "largest_account_share_of_bad_debt": "there was no bad debt",
        "fund_drawdown": "the fund never held anything",
        "fund_deficit_at_depletion": "the fund was not depleted",
        "mean_cascade_size": "nothing was liquidated",
        "cascade_seconds": "nothing was liquidated",
        "adl_max_haircut": "nobody was deleveraged",
        "adl_gini": "nobody was deleveraged",
        "adl_hhi": "nobody was deleveraged",
        "adl_share": "nothing was liquidated",
        "adl_latency": "nobody was deleveraged",
        "liquidated_positions_share": "nobody held a position",
        "collateral_damage": "nothing was liquidated",
        "cross_asset_contagion_share": "nothing was liquidated",
        "toxic_share": "nothing was liquidated",
        "liquidation_slippage": "nothing was liquidated",
        "liquidation_overshoot": "nothing was liquidated",
        "netting_ratio": "no margin was required at the start",
        "stress_volatility": "needs at least 2 returns (got 0)",
        "stress_correlation": "needs at least 2 returns (got 0)",
        "realised_correlation": "fewer than two markets moved",
        "lower_tail_dependence": "needs at least 500 returns at q = 0.01 (got 3)",
    }
    for name, why in expected.items():
        assert math.isnan(values[name]), name
        assert reasons[name] == why, name
