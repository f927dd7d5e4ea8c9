"""Valuation rules: what a token counts at when books, oracles and promises disagree."""

from typing import Any

import numpy as np
import pytest

from simulation.rule import load_rules
from simulation.valuation.base import Seen, ValuationRule
from tests.venues import book, rows, venue

load_rules("simulation.valuation")


def seen(**known: Any) -> Seen:
    usual = {"mark": [0.65], "oracle": [1.0], "past": [1.0], "age": [0.0], "confidence": [1.0]}
    facts = {key: np.array(known.get(key, value), float) for key, value in usual.items()}
    return Seen(("USDX",), seconds=float(known.get("seconds", 60.0)), **facts)


def price(rule: dict[str, Any], **known: Any) -> float:
    return float(ValuationRule.parse(rule).price(seen(**known))[0])


def test_the_four_rules_disagree_about_a_thin_book() -> None:
    assert price({"kind": "mark"}) == 0.65
    assert price({"kind": "index"}) == 1.0
    assert price({"kind": "redemption", "tokens": {"USDX": {"rate": 1.0}}}, oracle=[0.4]) == 1.0
    assert 0.65 < price({"kind": "average"}) < 1.0


def test_a_redemption_into_another_market_follows_it() -> None:
    rule = ValuationRule.parse({"kind": "redemption", "tokens": {"wETH": {"rate": 1.05, "into": "ETH"}}})
    columns = {key: np.array([3000.0, 400.0]) for key in ("mark", "oracle", "past")}
    facts = Seen(("ETH", "wETH"), **columns, age=np.zeros(2), confidence=np.ones(2), seconds=60.0)
    assert rule.price(facts).tolist() == [3000.0, 3150.0]


def test_an_average_moves_halfway_in_its_half_life_and_no_faster_than_its_bound() -> None:
    slow = {"kind": "average", "half_life_seconds": 60.0, "growth_rate": 1e6}
    assert price(slow, mark=[0.5]) == pytest.approx(0.75)
    bounded = {"kind": "average", "half_life_seconds": 1.0, "growth_rate": 0.6}
    assert price(bounded, mark=[0.1]) == pytest.approx(np.exp(-0.01))
    assert price({**slow, "within_rate": 0.05}, mark=[0.1]) == pytest.approx(0.95)


def test_an_unsure_or_silent_oracle_cuts_the_price() -> None:
    assert price({"kind": "index"}, confidence=[0.25]) == pytest.approx(0.5)
    stale = {"kind": "index", "stale_rate": 0.1}
    assert price(stale, age=[3600.0]) == 1.0
    assert price(stale, age=[3 * 3600.0]) == pytest.approx(0.8)
    assert price(stale, age=[1e6]) == pytest.approx(0.5), "the largest cut"


@pytest.mark.parametrize(("rule", "counted"), [("mark", 650.0), ("index", 1000.0)])
def test_in_the_live_market_only_the_value_of_tokens_follows_the_rule(rule: str, counted: float) -> None:
    usdx = {"name": "USDX", "price": 1.0, "instrument": {"kind": "spot"}}
    shift = [{"market": "USDX", "start_step": 1, "end_step": 4, "factor": 0.65}]
    perp = {"name": "A", "price": 100.0}
    model = venue(
        [book("x", {"A": 1.0}, 100.0, collateral={"USDX": 1000.0})],
        markets=[perp, usdx],
        dislocations=shift,
        valuation={"kind": rule},
    )
    model.step()
    assert model.market.mid[1] == pytest.approx(0.65), "what a sale would bring"
    assert model.engine.health(rows(model)).equity[0, 0] == pytest.approx(100.0 + counted, abs=0.01)
