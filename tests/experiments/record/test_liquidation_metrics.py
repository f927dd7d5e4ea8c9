"""The liquidation metrics once more, by a plain reading of each definition from the raw log."""

import math

import numpy as np
import pytest

from agents.cast import StandardCast
from experiments.record.liquidation_metrics import overshoot_benchmark
from experiments.record.metrics import measure
from experiments.record.observed import Observed
from simulation.accounts import QUANTUM
from tests.experiments.record.metric_cases import CASES, FALL_OF_X, TWO, closings_of, finished, played, rows_of, same
from tests.experiments.storms import TIER, holder_of, one_market


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return played(request.param)


def test_shares_of_positions_are_counts(case):
    model, values, _ = case
    rows = rows_of(model)
    assert same(values["collateral_damage"], sum(r["healthy_alone"] for r in rows) / len(rows))
    calm = sum(r["exogenous"] <= 2 * QUANTUM for r in rows)
    assert same(values["cross_asset_contagion_share"], calm / len(rows))
    start = _opened(model.rules).accounts.position
    held = [(int(row), j) for row in model.traders for j in range(start.shape[1]) if start[row, j] != 0.0]
    hit = {(int(r["row"]), int(r["market"])) for r in rows}
    assert same(values["liquidated_positions_share"], sum(one in hit for one in held) / len(held))


def _opened(scenario):
    return Observed(scenario, StandardCast())


def test_slippage_is_the_price_against_the_mark_before(case):
    model, values, _ = case
    rows = rows_of(model)
    weight = [abs(r["quantity"]) * r["mark_before"] for r in rows]
    worse = [math.copysign(1.0, r["quantity"]) * (r["fill"] / r["mark_before"] - 1.0) for r in rows]
    total = math.fsum(w * s for w, s in zip(weight, worse, strict=True))
    assert same(values["liquidation_slippage"], total / math.fsum(weight))


def test_slippage_of_a_sale_into_a_falling_book_is_a_cost():
    # Four units are sold at 96.50 before: the average fill is one dollar lower.
    _, values, _ = finished(one_market([holder_of(4.0, 97.0, "A")], fill_at="average"))
    assert values["liquidation_slippage"] == pytest.approx(1.0 / 96.5)


def test_toxic_closings_are_those_that_cost_more_a_dollar_than_the_margin_ratio(case):
    model, values, _ = case
    toxic = []
    for closing in closings_of(model):
        equity, held = closing[0]["equity"], closing[0]["pool_notional"]
        closed = sum(abs(r["quantity"]) * r["mark_before"] for r in closing)
        slip = sum(r["quantity"] * (r["fill"] - r["mark_before"]) for r in closing)
        penalty = model.rules.liquidation.penalty_rate * closed if equity > 0.0 else 0.0
        after, left = equity - slip - penalty, held - closed
        toxic.append(after < -1e-6 if left < 1e-6 else after / left < equity / held - 1e-12)
    assert same(values["toxic_share"], sum(toxic) / len(toxic))


@pytest.mark.parametrize(("deposit", "toxic"), [(25.2, 1.0), (25.23, 0.0)])
def test_a_close_with_a_penalty_above_the_margin_ratio_is_toxic(deposit, toxic):
    # 4 units fall to 96: 384 dollars of notional, equity = deposit - 16; the penalty of 2.4 % is 9.216 dollars.
    book = {"kind": "book", "name": "A", "count": 1, "units": {"X": 4.0}, "deposit": deposit}
    rule = {"kind": "fraction", "share": 0.25, "penalty_rate": 0.024, "minimum_notional": 0.0}
    price = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.04}]}
    model = Observed(
        one_market([book], liquidation=rule, price=price, impact={"kind": "none"}, rounds_per_step=1, steps=1),
        StandardCast(),
    )
    model.run()
    assert measure(model)[0]["toxic_share"] == toxic
    before, after = (deposit - 16.0) / 384.0, model.equity[model.traders[0]] / 288.0
    assert (after < before) == bool(toxic)


def test_overshoot_is_the_distance_of_the_mark_from_the_liquidation_price():
    for units, size, threshold in ((2.0, -0.06, 97.0), (-2.0, 0.07, 103.0)):
        deposit = units * (100.0 - 0.95 * threshold) if units > 0 else -units * (1.05 * threshold - 100.0)
        book = {"kind": "book", "name": "A", "count": 1, "units": {"X": units}, "deposit": deposit}
        price = {"kind": "scripted", "shocks": [{"step": 1, "size": size}]}
        _, values, _ = finished(one_market([book], price=price, impact={"kind": "none"}))
        mark = 100.0 * (1.0 + size)
        assert values["liquidation_overshoot"] == pytest.approx(abs(mark - threshold) / threshold, rel=1e-6)


def test_pools_closed_on_both_sides_have_no_liquidation_price():
    pair = {"kind": "book", "name": "pair", "count": 1, "units": {"X": 4.0, "Y": -4.0}, "deposit": 80.0}
    changes = {"markets": TWO, "price": FALL_OF_X, "impact": {"kind": "none"}, "insurance_fund": 1e3}
    _, values, reasons = finished(one_market([pair], **changes))
    assert math.isnan(values["liquidation_overshoot"])
    assert reasons["liquidation_overshoot"] == "no pool was closed on one side only"


def test_under_a_diffusion_overshoot_is_the_benchmark():
    """Forty isolated longs, one a market, looked at every hour; the constant is .5826 s sqrt(dt), P_liq above."""
    markets = [{"name": f"M{k}", "price": 100.0, "volatility": 0.8, "tiers": [TIER]} for k in range(40)]
    units = {f"M{k}": 1.0 for k in range(40)}
    book = {"kind": "book", "name": "L", "count": 1, "units": units, "deposit": 40 * 10.0}
    found = []
    for seed in range(1, 13):
        scenario = one_market(
            [book],
            markets=markets,
            price={"kind": "gbm"},
            steps=400,
            step_seconds=3600.0,
            impact={"kind": "none"},
            margin={"kind": "isolated"},
            insurance_fund=1e6,
            seed=seed,
        )
        found.append(finished(scenario)[1]["liquidation_overshoot"])
    expected = overshoot_benchmark(0.8, 3600.0)
    assert expected == pytest.approx(0.5825971579 * 0.8 * math.sqrt(1.0 / 8760.0))
    assert np.mean(found) == pytest.approx(expected, abs=4.0 * np.std(found, ddof=1) / math.sqrt(len(found)) + 0.02e-2)


def test_netting_is_what_positions_need_alone_over_what_pools_need():
    offset = {"kind": "book", "name": "pair", "count": 2, "units": {"X": 1.0, "Y": -1.0}, "deposit": 100.0}
    for margin, netted in (({"kind": "cross"}, False), ({"kind": "isolated"}, False), ({"kind": "portfolio"}, True)):
        model, values, _ = finished(one_market([offset], markets=TWO, margin=margin, price={"kind": "flat"}))
        rows = model.traders
        opened = _opened(model.rules)
        held = opened.engine.holdings(rows)
        alone = np.abs(opened.engine.signed_initial(held, opened.market.mark_price)).sum()
        pooled = opened.engine.health(rows).initial.sum()
        assert values["netting_ratio"] == pytest.approx(alone / pooled)
        assert (values["netting_ratio"] > 1.05) == netted


def test_loss_of_traders_is_what_is_missing_of_their_deposits(case):
    model, values, _ = case
    lost = 0.0
    for group in model.groups:
        for member, row in enumerate(group.rows):
            worth = model.accounts.cash[row].sum() + (model.accounts.position[row] * model.market.mark_price).sum()
            lost += max(group.deposited[member] - worth, 0.0)
    assert values["trader_loss"] == pytest.approx(lost, abs=4 * QUANTUM)  # deposits are rounded to whole quanta
