"""Deltas of listed columns, against differences of the instruments' own values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.board import Board, Listed
from simulation.instrument.base import Instrument, State
from simulation.instrument.exposure import deltas
from simulation.rule import load_rules

load_rules("simulation.instrument")
DATED = {"underlying": "P", "expiry_days": 30.0, "rate": 0.05}
TABLES = (
    {"kind": "perpetual"},
    {"kind": "spot", "underlying": "P"},
    {"kind": "future", **DATED},
    {"kind": "option", "strike": 110.0, **DATED},
    {"kind": "option", "strike": 95.0, "side": "put", **DATED},
)
INSTRUMENTS = [Instrument.parse(dict(table)) for table in TABLES]
LISTED = Listed(
    ("P", "S", "F", "C", "U"),
    ("perpetual", "spot", "future", "option", "option"),
    np.zeros(5, np.intp),
    np.array([np.nan, np.nan, np.nan, 110.0, 95.0]),
    np.array([0.0, 0.0, 0.0, 1.0, -1.0]),
)


def board(spot: float, years: float, averaged: float = 0.0) -> Board:
    until = np.array([np.inf, np.inf, years, years, years])
    forward = np.array([i.forward(np.array([spot]), t)[0] for i, t in zip(INSTRUMENTS, until, strict=True)])
    rate, dated = np.full(5, 0.05), np.isfinite(until)
    known: dict[str, Array] = {
        "spot": np.full(5, spot), "forward": forward, "volatility": np.full(5, 0.8), "years": until,
        "rate": rate, "average": np.full(5, 104.0), "averaged": np.where(dated, averaged, 0.0),
    }  # fmt: skip
    return Board.at(LISTED, np.full(5, spot), **known)


def value(column: int, spot: float, years: float) -> float:
    return float(INSTRUMENTS[column].value(np.array([spot]), State(0.8, years))[0])


@given(st.floats(60.0, 200.0), st.floats(0.005, 2.0))
def test_a_delta_is_the_slope_of_the_value(spot: float, years: float) -> None:
    found = deltas(board(spot, years))
    for column in range(5):
        step = spot * 1e-4
        slope = (value(column, spot + step, years) - value(column, spot - step, years)) / (2 * step)
        assert found[column] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_calls_rise_and_puts_fall_with_their_underlying() -> None:
    found = deltas(board(100.0, 0.1))
    assert found[:2].tolist() == [1.0, 1.0]
    assert found[2] == pytest.approx(np.exp(0.005))
    assert 0.0 < found[3] < 0.5
    assert -0.5 < found[4] < 0.0


def test_what_is_averaged_already_moves_no_more() -> None:
    whole, rest = deltas(board(100.0, 1e-5)), deltas(board(100.0, 1e-5, averaged=0.75))
    np.testing.assert_allclose(rest[:2], [1.0, 1.0])
    assert rest[2] == pytest.approx(0.25 * whole[2])
    assert abs(rest[3]) <= 0.25 + 1e-12


@pytest.mark.parametrize("averaged", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("strike", [98.0, 101.0, 104.0])
def test_inside_the_window_a_delta_is_the_slope_of_what_is_still_floating(averaged: float, strike: float) -> None:
    """Twelve hours of a day's window, at 104 so far: the call and the put on what the average is expected to be."""
    spot, years = 100.0, 0.5 / 365.0
    tables = [{**DATED, "kind": "option", "strike": strike, "side": side} for side in ("call", "put")]
    at = board(spot, years, averaged)
    listed = replace(LISTED, strike=np.array([np.nan, np.nan, np.nan, strike, strike]))
    found = deltas(replace(at, listed=listed))[3:]
    for instrument, delta in zip(map(Instrument.parse, tables), found, strict=True):
        up, down = (
            float(instrument.value(np.array([spot + h]), State(0.8, years, 104.0, averaged))[0]) for h in (0.01, -0.01)
        )
        assert delta == pytest.approx((up - down) / 0.02, abs=0.01 * (1.0 - averaged)), "volatility held fixed"
    assert found[0] - found[1] == pytest.approx(1.0 - averaged, rel=1e-3), "call less put is the floating forward"


def test_what_has_expired_has_no_delta() -> None:
    assert deltas(board(100.0, 0.0)).tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_columns_without_volatility_are_no_trouble() -> None:
    still = replace(board(120.0, 0.1), volatility=np.zeros(5))
    np.testing.assert_allclose(deltas(still)[3:], [1.0, 0.0], atol=1e-12)
