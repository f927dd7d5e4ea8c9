"""Rounds of trading within a step: how many, among whom, to which price, and what is said when there is no rest."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulation.errors import ScenarioError
from simulation.model import MarketModel
from tests.properties.fingerprint import STORMY, fingerprint, played
from tests.venues import equity, positions, scenario, storm, venue

LOW = [{"maintenance_rate": 1e-6, "initial_rate": 1e-6}]
OWNER = {"kind": "leverage_targeter", "count": 1, "deposit": 1e8, "leverage": 8.0, "leverage_setting": 1000.0}


def owned(radius: float, move: float = -1e-6, **rules: Any) -> MarketModel:
    """One owner with debt of 7 times its equity, whose sales of a dollar cost it radius / 7 dollars, after a move."""
    model = venue(
        [OWNER],
        markets=[{"name": "A", "price": 100.0, "depth": 7.0 * 8e8 / radius, "lot": 2.0**-24, "tiers": LOW}],
        impact={"kind": "linear"},
        fill_at="before",
        price={"kind": "scripted", "shocks": [{"step": 1, "size": move}]},
        **rules,
    )
    model.step()
    return model


def fallen(model: MarketModel) -> float:
    return float(model.market.mid[0] / 100.0 - 1.0)


# Continuous -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_each_round_is_one_more_term_of_the_geometric_series(radius: float, rounds: int):
    found = fallen(owned(radius, trading_rounds=rounds)) / -1e-6
    assert found == pytest.approx(sum(radius**k for k in range(rounds + 1)), rel=1e-3)


@settings(max_examples=10)
@given(st.floats(0.05, 0.95), st.sampled_from((-1e-6, 1e-6)))
def test_rounds_to_rest_add_up_to_the_whole_series_both_ways(radius: float, move: float):
    model = owned(radius, move, trading_rounds=0)
    assert fallen(model) / move == pytest.approx(1.0 / (1.0 - radius), rel=2e-3)
    assert "trading_cap" not in model.exchange.desk.flagged


def test_at_rest_the_owner_has_its_leverage_again():
    model = owned(0.6, -1e-3, trading_rounds=0)
    assert positions(model)[0, 0] * model.market.mid[0] / equity(model)[0] == pytest.approx(8.0, rel=1e-6)


def test_what_comes_to_no_rest_is_flagged(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("agents.trading.MOST_ROUNDS", 20)
    model = owned(1.1, trading_rounds=0)
    assert model.exchange.desk.flagged["trading_cap"] == 1
    assert "trading_cap" not in owned(1.1, trading_rounds=20).exchange.desk.flagged  # that is what was asked for
    assert fallen(model) == fallen(owned(1.1, trading_rounds=20))


def test_rounds_beyond_rest_change_nothing():
    assert fallen(owned(0.3, trading_rounds=900)) == fallen(owned(0.3, trading_rounds=0))


@pytest.mark.parametrize("rounds", [2, 0])
def test_where_nobody_reacts_rounds_change_no_byte(rounds: int):
    assert fingerprint(played({**STORMY, "trading_rounds": rounds})) == fingerprint(played(STORMY))


def test_who_does_not_react_trades_once_beside_those_who_do():
    crowd = [{**OWNER, "name": "owner"}, {"kind": "noise", "count": 4, "deposit": 1e5, "name": "noise"}]

    def noise(rounds: int) -> Any:
        model = venue(crowd, steps=1, impact={"kind": "none"}, trading_rounds=rounds)
        model.run()
        return positions(model, 1)

    np.testing.assert_array_equal(noise(5), noise(1))


@pytest.mark.parametrize("rules", [{"trading_rounds": 0}, {"trading_rounds": 4, "trading": "call", "fill_at": "after"}])
def test_the_order_of_the_population_changes_no_byte(rules: dict[str, Any]):
    crowd = [
        {"kind": "leverage_targeter", "name": "owners", "count": 3, "leverage": 4.0, "buy_share": 0.5},
        {"kind": "margin_constrained", "name": "constrained", "count": 2, "margin_rate": 0.4},
        {"kind": "distressed_seller", "name": "fund", "count": 1, "units": {"A": 50.0}, "begins": 1.0, "ends": 0.8},
        {"kind": "noise", "name": "noise", "count": 5},
    ]
    path = storm(100.0, 97.0, 101.0, 92.0, 95.0)

    def run(population: list[dict[str, Any]]) -> str:
        model = venue(population, price=path, impact={"kind": "linear"}, **rules)
        model.run()
        assert model.exchange.clearing.volume[0] > 1e4
        return fingerprint(model)

    assert run(crowd) == run(crowd[::-1]) == run([crowd[i] for i in (2, 0, 3, 1)])


# Call -----------------------------------------------------------------------------------------------------------


def called(units: float, equity_at_start: float, slope: float, **rules: Any) -> MarketModel:
    """One margin-constrained trader of 10 dollars a unit who comes in with `units`; the price moves `slope` a unit."""
    one = {"kind": "margin_constrained", "count": 1, "deposit": equity_at_start, "margin_rate": 0.1}
    start = units / (equity_at_start / 10.0)
    model = venue(
        [{**one, "start": start, "leverage_setting": 1000.0}],
        markets=[{"name": "A", "price": 100.0, "lot": 2.0**-20, "tiers": LOW}],
        impact={"kind": "linear_units", "dollars_per_unit": slope},
        fill_at="after",
        trading="call",
        **{"trading_rounds": 0, **rules},
    )
    model.step()
    return model


@settings(max_examples=30)
@given(st.floats(10.0, 100.0), st.floats(500.0, 1500.0), st.floats(0.001, 0.08))
def test_a_call_ends_at_the_price_at_which_capital_margins_the_position(units: float, money: float, slope: float):
    """10 x = money + units (p - 100), p = 100 + slope (x - units), solved by hand.

    An answer is `shrink` = units slope / 10 times the one before, and a call rests when it changes by less than a
    cent's worth: what is then still to come is at most that times shrink / (1 - shrink).
    """
    units = float(np.floor(units))
    assume(money > 1.01 * units * units * slope)  # who sells all and still owes is no longer margined but closed
    model = called(units, money, slope)
    shrink = units * slope / 10.0
    left = 0.01 / 90.0 / (1.0 - shrink) + 2.0**-20
    expected = (money - units * units * slope) / (10.0 - units * slope)
    assert positions(model)[0, 0] == pytest.approx(expected, abs=left)
    assert model.market.mid[0] == pytest.approx(100.0 + slope * (expected - units), abs=slope * left)
    assert equity(model)[0] == pytest.approx(10.0 * expected, abs=10.0 * left)


def test_one_round_of_a_call_is_an_order_at_the_old_price():
    assert positions(called(100.0, 800.0, 0.05, trading_rounds=1))[0, 0] == pytest.approx(80.0)
    # The second round sees the price of the first, 99: equity 700.
    assert positions(called(100.0, 800.0, 0.05, trading_rounds=2))[0, 0] == pytest.approx(70.0)


def test_a_call_without_a_price_is_flagged(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("agents.trading.MOST_ROUNDS", 3)
    assert called(100.0, 800.0, 0.09).exchange.desk.flagged["trading_cap"] == 1


def test_looking_for_a_price_trades_nothing_and_leaves_no_trace():
    model = owned(0.5)
    market, before = model.market, fallen(model)
    kept = market.mark_price.copy(), market.permanent.copy(), market.moments.last, len(market.pushes)
    with market.supposing(np.array([-1000.0])):
        assert market.mid[0] < kept[0][0]
        assert market.mark_price[0] == market.mid[0]
        supposed = market.mid[0]
    assert (market.moments.last, len(market.pushes)) == kept[2:]
    np.testing.assert_array_equal(market.permanent, kept[1])
    np.testing.assert_array_equal(market.mark_price, kept[0])
    assert fallen(model) == before
    market.absorb(np.array([-1000.0]), forced=False)
    assert market.mid[0] == pytest.approx(supposed, rel=1e-15)


def test_a_call_of_traders_who_do_not_react_is_continuous_trading():
    crowd = [{"kind": "noise", "count": 5}, {"kind": "momentum", "count": 5, "name": "trend"}]
    rules: dict[str, Any] = {"price": storm(100.0, 97.0, 101.0, 103.0), "fill_at": "after"}
    rules["impact"] = {"kind": "linear"}
    once = venue(crowd, **rules)
    call = venue(crowd, **rules, trading="call", trading_rounds=0)
    for model in (once, call):
        model.run()
    np.testing.assert_array_equal(once.accounts.cash, call.accounts.cash)


# Bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ({"trading": "call"}, "fill_at"),
        ({"trading": "auction"}, "trading"),
        ({"trading_rounds": -1}, "trading_rounds"),
        ({"trading_rounds": 1_001}, "trading_rounds"),
    ],
)
def test_rules_that_are_none_are_refused(rules: dict[str, Any], word: str):
    with pytest.raises(ScenarioError, match=word):
        scenario([OWNER], **rules)
