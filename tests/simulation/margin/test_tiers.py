"""Leverage tiers: hand numbers, and the brackets a large venue publishes."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.margin.tiers import TierSchedule
from tests.simulation.markets import units

FLOORS, INITIAL, MAINTENANCE = [0.0, 1_000.0, 5_000.0], [0.1, 0.2, 0.5], [0.05, 0.1, 0.25]
BY_HAND = TierSchedule([FLOORS], [INITIAL], [MAINTENANCE])
notionals = st.floats(0.0, 1e9)
FOLDER = Path(os.environ.get("CROSSMARGIN_DATA", Path(__file__).parents[4] / "shared" / "data"))
PUBLISHED = FOLDER / "binance_leverage_tiers.csv"


@pytest.mark.parametrize(
    ("notional", "maintenance", "initial"),
    [
        (0.0, 0.0, 0.0),
        (500.0, 25.0, 50.0),
        (1_000.0, 50.0, 100.0),
        (2_000.0, 150.0, 300.0),  # 1,000 at 5 % and 1,000 at 10 %
        (5_000.0, 450.0, 900.0),
        (6_000.0, 700.0, 1_400.0),  # the last thousand at 25 %
    ],
)
def test_each_slice_of_notional_is_charged_its_own_rate(notional: float, maintenance: float, initial: float) -> None:
    position = units(notional)[None, :]
    assert BY_HAND.maintenance(position)[0, 0] == pytest.approx(maintenance, abs=1e-12)
    assert BY_HAND.initial(position)[0, 0] == pytest.approx(initial, abs=1e-12)


@given(notionals, notionals)
def test_requirements_rise_never_faster_than_the_steepest_rate(one: float, other: float) -> None:
    low, high = sorted((one, other))
    needed = BY_HAND.maintenance(np.array([[low], [high]]))[:, 0]
    slack = 1e-9 * high
    assert -slack <= needed[1] - needed[0] <= BY_HAND.steepest[0] * (high - low) + slack


@given(notionals, st.floats(0.0, 1.0))
def test_a_divided_position_never_needs_more_than_the_whole(notional: float, share: float) -> None:
    parts = BY_HAND.maintenance(np.array([[notional * share], [notional * (1.0 - share)]])).sum()
    assert parts <= BY_HAND.maintenance(np.array([[notional]]))[0, 0] * (1.0 + 1e-9)


@given(notionals)
def test_maintenance_never_exceeds_initial(notional: float) -> None:
    position = np.array([[notional]])
    assert 0.0 <= BY_HAND.maintenance(position)[0, 0] <= BY_HAND.initial(position)[0, 0]


def test_markets_with_fewer_tiers_keep_their_last_one() -> None:
    both = TierSchedule([FLOORS, [0.0]], [INITIAL, [0.3]], [MAINTENANCE, [0.2]])
    needed = both.maintenance(np.array([[6_000.0, 6_000.0]]))[0]
    np.testing.assert_allclose(needed, [700.0, 1_200.0])
    np.testing.assert_array_equal(both.steepest, [0.25, 0.2])


@pytest.mark.data
@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"no {PUBLISHED.name} in CROSSMARGIN_DATA or ../shared/data")
def test_the_published_cumulative_amounts_are_our_deductions() -> None:
    with PUBLISHED.open() as lines:
        brackets = list(csv.DictReader(lines))
    symbols = sorted({row["symbol"] for row in brackets})
    assert len(symbols) >= 10
    for symbol in symbols:
        mine = [{k: float(v) for k, v in row.items() if k != "symbol"} for row in brackets if row["symbol"] == symbol]
        floors = [row["min_notional_usdt"] for row in mine]
        rates = [row["maint_margin_rate"] for row in mine]
        schedule = TierSchedule([floors], [[1.0 / row["max_leverage"] for row in mine]], [rates])
        for row in mine:
            for notional in (row["min_notional_usdt"], 0.5 * (row["min_notional_usdt"] + row["max_notional_usdt"])):
                published = notional * row["maint_margin_rate"] - row["cum_maint_amount_usdt"]
                found = schedule.maintenance(np.array([[notional]]))[0, 0]
                assert found == pytest.approx(published, rel=1e-9, abs=1.0), (symbol, row["tier"])
