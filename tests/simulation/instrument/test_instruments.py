"""Instruments: what one unit is worth, what it pays, and how the settlement average is formed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.instrument.base import Instrument, State
from simulation.instrument.black_scholes import Vanilla, black_scholes
from simulation.instrument.inverse_perpetual import InversePerpetual
from simulation.rule import load_rules

load_rules("simulation.instrument")

SPOT = np.array([80.0, 100.0, 130.0])
prices = st.floats(10.0, 1000.0)
shares = st.floats(0.0, 1.0)


def option(side: str = "call", **more: Any) -> Instrument:
    table = {"kind": "option", "underlying": "BTC", "expiry_days": 30.0, "strike": 100.0, "side": side}
    return Instrument.parse({**table, **more})


def future(**more: Any) -> Instrument:
    return Instrument.parse({"kind": "future", "underlying": "BTC", "expiry_days": 30.0, **more})


@pytest.mark.parametrize("kind", ["spot", "perpetual", "inverse_perpetual"])
def test_what_has_no_end_is_worth_its_price(kind: str) -> None:
    instrument = Instrument.parse({"kind": kind})
    assert instrument.value(SPOT, State()).tolist() == SPOT.tolist()
    assert instrument.payoff(SPOT).tolist() == SPOT.tolist()
    assert instrument.forward(SPOT, np.inf).tolist() == SPOT.tolist()
    assert (instrument.sign, instrument.window_minutes, instrument.derived) == (0.0, 0.0, False)


def test_a_forward_grows_by_interest() -> None:
    grown = future(rate=0.08).forward(np.array([2243.3]), 20.0 / 365.0)
    assert grown[0] == pytest.approx(2253.155, abs=1e-3)
    assert future(rate=0.08).value(SPOT, State(years=20.0 / 365.0))[1] == pytest.approx(100.439, abs=1e-3)


def test_half_of_a_settlement_average_that_is_known_moves_a_future_by_half() -> None:
    halfway = State(years=0.0, average=90.0, averaged=0.5)
    assert future().value(SPOT, halfway).tolist() == [85.0, 95.0, 110.0]
    assert future().value(SPOT, State(years=0.0, average=90.0, averaged=1.0)).tolist() == [90.0, 90.0, 90.0]


@given(prices, prices, shares, st.sampled_from(("call", "put")))
def test_an_option_in_its_window_never_costs_less_than_what_it_is_expected_to_pay(
    spot: float, average: float, averaged: float, side: str
) -> None:
    state = State(volatility=0.9, years=1e-4, average=average, averaged=averaged)
    value = option(side).value(np.array([spot]), state)
    expected = future().value(np.array([spot]), state)
    assert value[0] >= option(side).payoff(expected)[0] - 1e-9 * (spot + average)


@given(prices, prices, st.sampled_from(("call", "put")))
def test_once_all_is_averaged_an_option_is_worth_its_payoff(spot: float, average: float, side: str) -> None:
    value = option(side).value(np.array([spot]), State(volatility=0.9, years=0.0, average=average, averaged=1.0))
    assert value[0] == pytest.approx(option(side).payoff(np.array([average]))[0], abs=1e-9)


@given(prices, st.floats(0.01, 2.0), st.floats(0.1, 2.0), st.floats(-0.1, 0.2), st.sampled_from(("call", "put")))
def test_before_its_window_an_option_is_worth_black_scholes(
    spot: float, years: float, volatility: float, rate: float, side: str
) -> None:
    value = option(side, rate=rate).value(np.array([spot]), State(volatility, years))
    want = black_scholes(Vanilla(1.0 if side == "call" else -1.0, 100.0, years), spot, volatility, rate)
    assert value[0] == pytest.approx(float(want), rel=1e-9, abs=1e-9)


def test_calls_pay_above_and_puts_below_the_strike() -> None:
    assert option("call").payoff(SPOT).tolist() == [0.0, 0.0, 30.0]
    assert option("put").payoff(SPOT).tolist() == [20.0, 0.0, 0.0]
    assert (option("call").sign, option("put").sign) == (1.0, -1.0)


def test_the_part_of_the_average_that_is_known_has_no_volatility() -> None:
    """Nine tenths known at the strike: the value is about a tenth of that of an option on the price itself."""
    whole = option().value(np.array([100.0]), State(0.8, 0.01))[0]
    tenth = option().value(np.array([100.0]), State(0.8, 0.01, 100.0, 0.9))[0]
    assert tenth == pytest.approx(whole / 10.0, rel=1e-3)


@given(prices, prices, st.floats(-1e6, 1e6).filter(lambda face: abs(face) > 1.0))
def test_an_inverse_contract_earns_in_coins_what_its_coins_gained_in_dollars(
    entry: float, mark: float, face: float
) -> None:
    """face / entry coins held from entry to mark gain that many times (mark - entry) dollars: at the mark, coins."""
    coins = InversePerpetual.profit_in_coin(np.array([face]), np.array([entry]), np.array([mark]))
    assert coins[0] * mark == pytest.approx(face / entry * (mark - entry), rel=1e-6, abs=1e-6)


def test_an_inverse_contract_worked_by_hand() -> None:
    """10,000 dollars long from 50,000 to 40,000 lose .05 coins: twice .25 - .2."""
    found = InversePerpetual.profit_in_coin(np.array([10_000.0]), np.array([50_000.0]), np.array([40_000.0]))
    assert found[0] == pytest.approx(-0.05)


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "option", "underlying": "BTC", "expiry_days": 30.0},
        {"kind": "option", "underlying": "BTC", "expiry_days": 30.0, "strike": 0.0},
        {"kind": "option", "underlying": "BTC", "expiry_days": 0.0, "strike": 1.0},
        {"kind": "option", "underlying": "BTC", "expiry_days": 1.0, "strike": 1.0, "side": "straddle"},
        {"kind": "future", "expiry_days": 30.0},
        {"kind": "future", "underlying": "BTC", "expiry_days": 30.0, "settlement_minutes": 2000.0},
        {"kind": "perpetual", "strike": 1.0},
    ],
)
def test_an_instrument_that_makes_no_sense_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Instrument.parse(table)
