"""What the margin regimes must have in common, and what must tell them apart."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cast import StandardCast
from simulation.errors import CapacityError
from simulation.margin.base import MarginRule
from simulation.margin.tiers import TierSchedule
from simulation.model import MarketModel
from simulation.scenario import Scenario
from tests.properties.corners import CORNERS
from tests.properties.fingerprint import fingerprint, played
from tests.properties.scenarios import scenarios

KINDS = sorted(MarginRule.kinds())
TIERS = TierSchedule([[0.0]] * 3, [[0.1]] * 3, [[0.05]] * 3)

CLOSE = {"kind": "fraction", "share": 0.5, "minimum_notional": 10.0}
ONE: dict[str, Any] = {
    "steps": 40,
    "step_seconds": 3600.0,
    "markets": [{"name": "A", "price": 100.0, "volatility": 3.0, "depth": 3e5}],
    "price": {"kind": "gbm"},
    "impact": {"kind": "linear"},
    "funding": {"kind": "premium", "interval_steps": 2},
    "insurance_fund": 50.0,
    "population": [
        {"kind": "holder", "count": 30, "long_share": 0.6, "leverage": {"kind": "uniform", "low": 3, "high": 9.9}},
    ],
}


def journal(table: dict[str, Any], margin: str) -> list[tuple[Any, ...]]:
    """Every posting between accounts, as (reason, legs, units); moves between pools of one account drop out."""
    model = MarketModel(Scenario.from_dict({**table, "margin": {"kind": margin}}), StandardCast(), journal=True)
    model.run()
    lines = []
    for posting in model.accounts.journal or []:
        if posting.reason in ("post", "release"):
            continue
        moved = posting.cash != 0.0
        legs = zip(posting.row[moved].tolist(), posting.cash[moved].tolist(), strict=True)
        units = zip(posting.holder.tolist(), posting.market.tolist(), posting.quantity.tolist(), strict=True)
        lines.append((posting.reason, tuple(legs), tuple(unit for unit in units if unit[2])))
    losses = [(case.step, case.row, *astuple(case)[3:]) for case in model.exchange.waterfall.bankruptcies]
    return [*lines, *losses]


@pytest.mark.parametrize("close", [{"kind": "full"}, CLOSE, {"kind": "to_target"}], ids=lambda close: close["kind"])
@pytest.mark.parametrize("adl", ["queue", "pro_rata", "off"])
def test_one_market_and_one_position_make_the_same_journal_in_every_regime(close: dict[str, Any], adl: str) -> None:
    """Nobody trades again, so the whole wallet stands behind the one position in each of them."""
    table = {**ONE, "liquidation": close, "deleveraging": {"kind": adl}}
    isolated, *others = (journal(table, kind) for kind in ("isolated", "cross", "portfolio"))
    assert {"liquidation", "adl"} & {line[0] for line in isolated}
    assert all(other == isolated for other in others)


def test_the_corners_with_one_market_make_the_same_journal_in_every_regime() -> None:
    for name in ("equal ranks", "loss shared by everybody", "a fund that pays a part", "a long cascade"):
        entries = [{**entry, "isolated": []} for entry in CORNERS[name]["population"]]
        table = {**CORNERS[name], "population": entries}
        assert len({str(journal(table, kind)) for kind in ("isolated", "cross", "portfolio")}) == 1, name


@given(scenarios())
@settings(max_examples=25)
def test_one_market_is_the_same_under_cross_and_portfolio_margin(table: dict[str, Any]) -> None:
    names = {table["markets"][0]["name"]}
    one = {**table, "markets": table["markets"][:1], "price": {"kind": "gbm"}}
    one |= {"liquidators": [], "wicks": [], "dislocations": []}
    one["insurance_funds"] = {}
    one["population"] = [
        {**entry, "isolated": [n for n in entry["isolated"] if n in names], "pools": {}, "collateral": {}}
        for entry in table["population"]
        if entry["kind"] != "hedged_pair" and entry["name"] != "contracts"
    ]
    for entry in one["population"]:
        entry.update({key: "A" for key, value in entry.items() if value in ("B", "C")})
        for setting in ("units", "weights", "value"):
            if setting in entry:
                entry[setting] = {name: x for name, x in entry[setting].items() if name == "A"}
    if not one["population"]:
        return
    try:
        cross, portfolio = (played({**one, "margin": {"kind": kind}}) for kind in ("cross", "portfolio"))
    except CapacityError:
        return
    assert fingerprint(cross) == fingerprint(portfolio)


def test_an_isolated_pool_keeps_its_neighbours_out_of_its_loss() -> None:
    """Market A falls by half: the pool in A is lost, the pool in B and the wallet are as they were."""
    table = {
        **ONE,
        "steps": 1,
        "funding": {"kind": "none"},
        "fees": {"taker_rate": 0.0},
        "markets": [{"name": name, "price": 100.0} for name in "AB"],
        "price": {"kind": "scripted", "shocks": [{"step": 1, "size": -0.5, "market": "A"}]},
        "deleveraging": {"kind": "off"},
        "margin": {"kind": "isolated"},
        "insurance_fund": 1e6,
        "population": [
            {"kind": "book", "count": 1, "deposit": 5000.0, "units": {"A": 100.0, "B": 100.0}, "posted_share": 0.5}
        ],
    }
    model = MarketModel(Scenario.from_dict(table), StandardCast())
    row = model.groups[0].first_row
    before = model.accounts.cash[row].copy()
    model.run()
    after = model.accounts.cash[row]
    assert model.accounts.position[row].tolist() == [0.0, 100.0]
    assert after[1] == 0.0
    assert after[[0, 2]].tolist() == before[[0, 2]].tolist()
    cross = played({**table, "margin": {"kind": "cross"}})
    assert cross.accounts.position[row].tolist() == [0.0, 0.0], "in cross margin the same loss takes everything"


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_only_portfolio_margin_offsets(kind: str, values: list[float]) -> None:
    signed = np.array([values]) * 0.05
    total, pooled = np.abs(signed).sum(), float(MarginRule.parse({"kind": kind}).pooled(signed)[0])
    if kind == "portfolio":
        assert 0.0 <= pooled <= total * (1 + 1e-12)
    else:
        assert pooled == pytest.approx(total, rel=1e-12)


def test_a_hedge_needs_less_only_under_portfolio_margin() -> None:
    hedge = np.array([[100.0, -100.0, 0.0]])
    needed = {kind: float(MarginRule.parse({"kind": kind}).pooled(hedge)[0]) for kind in KINDS}
    assert needed["portfolio"] < needed["cross"] == needed["isolated"] == 200.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), st.permutations(range(3)))
def test_portfolio_margin_does_not_depend_on_the_order_of_the_markets(values: list[float], order: list[int]) -> None:
    rule, signed = MarginRule.parse({"kind": "portfolio"}), np.array([values])
    assert rule.pooled(signed[:, order]) == pytest.approx(rule.pooled(signed), rel=1e-9, abs=1e-9)


def test_a_larger_assumed_correlation_never_makes_a_perfect_pair_dearer() -> None:
    pair = np.array([[1.0, -1.0]])
    needs = [
        float(MarginRule.parse({"kind": "portfolio", "correlation": c}).pooled(pair)[0]) for c in (0.0, 0.5, 0.9, 1.0)
    ]
    assert needs == sorted(needs, reverse=True)
    assert needs[-1] == pytest.approx(0.0, abs=1e-7)
