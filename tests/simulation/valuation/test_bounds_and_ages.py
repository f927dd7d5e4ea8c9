"""Slow prices between their bounds, and how old an oracle price is in a running market."""

from typing import Any

import numpy as np
import pytest

from simulation.rule import load_rules
from simulation.valuation.base import Seen, ValuationRule
from tests.venues import book, storm, venue

load_rules("simulation.valuation")


def average(mark: float, oracle: float = 1.0, past: float = 1.0, seconds: float = 60.0, **rule: Any) -> float:
    columns = (np.array([x]) for x in (mark, oracle, past, 0.0, 1.0))
    found = ValuationRule.parse({"kind": "average", **rule}).price(Seen(("USDX",), *columns, seconds))
    return float(found[0])


FREE = {"half_life_seconds": 60.0, "growth_rate": 1e6}


@pytest.mark.parametrize(("mark", "expected"), [(2.0, 1.05), (0.1, 0.95), (1.06, 1.03), (0.96, 0.98)])
def test_the_slow_price_stays_within_its_distance_of_the_oracle_above_and_below(mark: float, expected: float) -> None:
    assert average(mark, within_rate=0.05, **FREE) == pytest.approx(expected)


def test_the_bound_follows_the_oracle_and_not_the_past() -> None:
    assert average(1.0, oracle=2.0, within_rate=0.1, **FREE) == pytest.approx(1.8)
    assert average(1.0, oracle=0.5, within_rate=0.1, **FREE) == pytest.approx(0.55)


@pytest.mark.parametrize(("mark", "sign"), [(100.0, 1.0), (0.001, -1.0)])
def test_moves_are_bounded_by_time_upwards_and_downwards(mark: float, sign: float) -> None:
    """60 % an hour over 60 seconds: 1 - exp(-.01)."""
    found = average(mark, half_life_seconds=1.0, growth_rate=0.6)
    assert found == pytest.approx(1.0 + sign * (1.0 - np.exp(-0.01)))


def test_after_two_half_lives_a_quarter_of_the_distance_is_left() -> None:
    assert average(2.0, past=1.0, seconds=120.0, **FREE) == pytest.approx(1.75)
    assert average(4.0, past=2.0, seconds=120.0, **FREE) == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("confidence", "age", "expected"),
    [(1.0, 0.0, 2.0), (0.5, 0.0, 2.0), (0.4, 0.0, 2.0 * 0.84), (0.25, 0.0, 1.2), (0.0, 0.0, 0.4),
     (0.4, 5_400.0, 2.0 * 0.84 * 0.95), (0.25, 7_200.0, 1.2 * 0.9), (1.0, 1e8, 1.4)],
)  # fmt: skip
def test_cuts_for_doubt_and_for_silence_multiply(confidence: float, age: float, expected: float) -> None:
    """Doubt: .8 (.5 - c) / .5; silence: a tenth an hour beyond the first, .3 at most."""
    rule = {"kind": "index", "confidence_haircut": 0.8, "stale_rate": 0.1, "largest_cut": 0.3}
    columns = (np.array([x]) for x in (9.0, 2.0, 9.0, age, confidence))
    assert ValuationRule.parse(rule).price(Seen(("USDX",), *columns, 60.0))[0] == pytest.approx(expected)


def test_an_oracle_that_knows_nothing_leaves_a_price_above_nothing() -> None:
    columns = (np.array([x]) for x in (9.0, 2.0, 9.0, 0.0, 0.0))
    assert ValuationRule.parse({"kind": "index"}).price(Seen(("USDX",), *columns, 60.0))[0] == pytest.approx(2e-6)


def test_what_is_redeemed_for_nothing_listed_counts_a_dollar_a_unit_and_other_tokens_the_oracle() -> None:
    promises = {"USDX": {"rate": 0.97}, "wX": {"rate": 1.1, "into": "X"}, "ABSENT": {"rate": 5.0, "into": "X"}}
    rule = ValuationRule.parse({"kind": "redemption", "tokens": {**promises, "lost": {"rate": 2.0, "into": "gone"}}})
    oracle = np.array([0.4, 50.0, 60.0, 7.0, 3.0])
    seen = Seen(("USDX", "X", "wX", "other", "lost"), oracle * 9.0, oracle, oracle, oracle, oracle, 60.0)
    assert rule.price(seen).tolist() == pytest.approx([0.97, 50.0, 55.0, 7.0, 2.0])
    assert oracle.tolist() == [0.4, 50.0, 60.0, 7.0, 3.0], "the oracle itself stays what it is"


def test_an_oracle_grows_old_step_by_step_and_is_young_again_when_it_moves() -> None:
    """An hour a step: the second hour of silence and each after it cost a tenth; a move ends the silence."""
    usdx = {"name": "USDX", "price": 2.0, "instrument": {"kind": "spot"}}
    path = storm(*([100.0, price] for price in (2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0)))
    model = venue(
        [book("x", {"A": 1.0}, 100.0, collateral={"USDX": 10.0})],
        markets=[{"name": "A", "price": 100.0}, usdx],
        price=path,
        valuation={"kind": "index", "stale_rate": 0.1},
    )
    seen = []
    for _ in range(6):
        model.step()
        seen.append(float(model.market.mark_price[1]))
    assert seen == pytest.approx([2.0, 2.0 * 0.9, 2.0 * 0.8, 3.0, 3.0, 3.0 * 0.9])
