"""Contracts: which column follows which, what it is worth, and when it ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.contracts import Clock, Contracts
from simulation.errors import ScenarioError
from simulation.instrument.base import Instrument
from simulation.instrument.black_scholes import Vanilla, black76
from simulation.scenario import Scenario
from simulation.volatility.base import VolatilityProcess

HOUR = 1.0 / 8760.0
NAMES = ("BTC", "COIN", "FUT", "CALL", "PUT")
KINDS = (
    {"kind": "perpetual"},
    {"kind": "spot", "underlying": "BTC"},
    {"kind": "future", "underlying": "BTC", "expiry_days": 2.0, "rate": 0.1, "settlement_minutes": 0.0},
    {"kind": "option", "underlying": "BTC", "expiry_days": 2.0, "strike": 101.0, "settlement_minutes": 240.0},
    {"kind": "option", "underlying": "BTC", "expiry_days": 1.0, "strike": 90.0, "side": "put"},
)


def listed(steps: int = 72) -> Contracts:
    instruments = tuple(Instrument.parse(dict(table)) for table in KINDS)
    return Contracts(NAMES, instruments, Clock(steps, HOUR), VolatilityProcess.parse({"kind": "flat"}))


def valued(drawn: np.ndarray, volatility: float = 0.8) -> tuple[Contracts, np.ndarray]:
    contracts = listed(len(drawn) - 1)
    return contracts, contracts.path(drawn, np.full_like(drawn, volatility))


def walk(seed: int = 3, steps: int = 72) -> np.ndarray:
    moves = np.sin(np.arange(steps) * (1.7 + seed)) * 0.02
    return 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))[:, None]


def test_a_token_shares_the_index_of_its_perpetual() -> None:
    _, path = valued(walk())
    np.testing.assert_array_equal(path[:, 1], path[:, 0])


def test_a_future_carries_interest_until_its_end() -> None:
    _, path = valued(walk())
    years = np.maximum(48 - np.arange(49), 0) * HOUR
    np.testing.assert_allclose(path[:48, 2], path[:48, 0] * np.exp(0.1 * years[:48]), rtol=1e-12)
    assert path[48, 2] == pytest.approx(path[48, 0], rel=1e-12)


def test_an_option_is_worth_black_76_before_its_settlement_window_opens() -> None:
    _, path = valued(walk())
    for step in (0, 10, 43):
        want = black76(Vanilla(1.0, 101.0, (48 - step) * HOUR), path[step, 0], 0.8)
        assert path[step, 3] == pytest.approx(float(want), rel=1e-9)


def test_in_the_settlement_window_half_of_an_average_that_is_known_moves_no_more() -> None:
    contracts, path = valued(walk(), 4.0)
    known = path[45:47, 0].mean()  # two of the four hours have passed at step 46
    remaining = 0.5 * path[46, 0]
    forward = 0.5 * known + remaining
    want = black76(Vanilla(1.0, 101.0, 2 * HOUR), forward, 4.0 * remaining / forward)
    assert path[46, 3] == pytest.approx(float(want), rel=1e-9)
    bumped = contracts.value(3, np.array([path[46, 0] * 1.01]), np.array([46]))[0]
    moved = 0.5 * known + remaining * 1.01
    want = black76(Vanilla(1.0, 101.0, 2 * HOUR), moved, 4.0 * remaining * 1.01 / moved)
    assert bumped == pytest.approx(float(want), rel=1e-9)


def test_everybody_is_settled_at_the_payoff_of_the_average() -> None:
    drawn = walk() * np.linspace(1.0, 1.5, 73)[:, None]
    contracts, path = valued(drawn)
    columns, price = contracts.settlement(48)
    assert columns.tolist() == [2, 3]
    assert price[0] == path[48, 0]
    assert price[1] == pytest.approx(path[45:49, 0].mean() - 101.0, rel=1e-12)
    assert contracts.settlement(47)[0].size == 0


def test_what_ends_out_of_the_money_is_settled_at_exactly_nothing() -> None:
    contracts, path = valued(walk() * 0.5)
    assert contracts.settlement(48)[1][1] == 0.0
    assert (path > 0.0).all(), "prices stay positive, so that logs exist"


def test_an_ended_column_trades_no_more_and_its_price_stands_still() -> None:
    contracts, path = valued(walk())
    assert contracts.open(47).tolist() == [True, True, True, True, False]
    assert contracts.open(48).tolist() == [True, True, False, False, False]
    assert np.ptp(path[48:, 3]) == 0.0


@given(st.floats(-0.5, 0.5), st.integers(0, 40))
def test_the_lift_of_a_derived_column_is_its_value_at_the_displaced_underlying(moved: float, step: int) -> None:
    contracts, path = valued(walk())
    mid = path[step].copy()
    mid[0] *= np.exp(moved)
    lift, lever = contracts.lift(mid, path[step], step)
    assert lift[0] == lift[1] == 0.0
    want = np.log(contracts.value(2, mid[:1], np.array([step]))[0] / path[step, 2])
    assert lift[2] == pytest.approx(want, abs=2e-6)
    np.testing.assert_allclose(lift, lever * np.log(mid[0] / path[step, 0]), atol=1e-12)


def test_without_displacement_the_lever_is_the_elasticity_of_the_option() -> None:
    contracts, path = valued(walk())
    lever = contracts.lift(path[0], path[0], 0)[1]
    up, down = (contracts.value(3, path[0, :1] * (1 + h), np.array([0]))[0] for h in (1e-5, -1e-5))
    assert lever[3] == pytest.approx((up - down) / 2e-5 / path[0, 3], rel=1e-4)
    assert lever[2] == pytest.approx(1.0, rel=1e-6)
    assert lever[4] < 0.0, "a put falls when its underlying rises"


def test_the_board_tells_strike_time_and_volatility() -> None:
    contracts, path = valued(walk())
    facts = contracts.facts(path[10, contracts.source], 10)
    assert facts["spot"].tolist() == [path[10, 0]] * 5
    assert facts["volatility"].tolist() == [0.0, 0.0, 0.0, 0.8, 0.8]
    assert facts["years"][3] == pytest.approx(38 * HOUR)
    assert np.isinf(facts["years"][0])
    assert facts["forward"][2] == pytest.approx(path[10, 2])
    assert contracts.listed.asset.tolist() == [0, 0, 0, 0, 0]
    assert contracts.listed.side.tolist() == [0.0, 0.0, 0.0, 1.0, -1.0]


# In scenario files ----------------------------------------------------------------------------------------------


def table(*markets: dict) -> dict:
    return {
        "markets": list(markets),
        "price": {"kind": "flat"},
        "population": [{"kind": "book", "count": 1}],
    }


BTC = {"name": "BTC", "price": 100.0}


def test_a_market_that_follows_another_needs_no_price() -> None:
    coin = {"name": "COIN", "instrument": {"kind": "spot", "underlying": "BTC"}}
    scenario = Scenario.from_dict(table(BTC, coin))
    assert scenario.markets[1].price == 100.0
    assert scenario.world().names == ("BTC",)
    assert Scenario.from_dict(scenario.to_dict()) == scenario


@pytest.mark.parametrize(
    ("market", "line"),
    [
        ({"instrument": {"kind": "spot", "underlying": "ETH"}, "price": 1.0}, '"ETH" is not defined; known: BTC, X'),
        ({"instrument": {"kind": "spot", "underlying": "X"}, "price": 1.0}, "follows another market itself"),
        ({"instrument": {"kind": "spot", "underlying": "BTC"}, "price": 99.0}, "must be that of BTC, 100"),
        ({"instrument": {"kind": "option", "underlying": "BTC", "expiry_days": 1.0}}, "strike"),
        ({"instrument": {"kind": "option", "strike": 1.0, "expiry_days": 1.0}, "price": 1.0}, "underlying"),
        ({"instrument": {"kind": "swap"}, "price": 1.0}, "must be one of future, inverse_perpetual, option"),
    ],
)
def test_a_contract_that_makes_no_sense_is_refused_in_one_line(market: dict, line: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        Scenario.from_dict(table(BTC, {"name": "X", **market}))
    assert any(line in problem and "\n" not in problem for problem in refused.value.problems), refused.value.problems


def test_only_tokens_can_be_brought_in_as_collateral() -> None:
    entry = {"kind": "book", "count": 1, "collateral": {"BTC": 10.0}}
    with pytest.raises(ScenarioError, match="BTC is no token; tokens: none"):
        Scenario.from_dict({**table(BTC), "population": [entry]})


# At the ends ---------------------------------------------------------------------------------------------------


def alone(steps: int, *tables: dict) -> Contracts:
    instruments = tuple(Instrument.parse({**table}) for table in ({"kind": "perpetual"}, *tables))
    names = ("BTC", *(f"X{i}" for i in range(len(tables))))
    return Contracts(names, instruments, Clock(steps, HOUR), VolatilityProcess.parse({"kind": "flat"}))


def test_only_columns_with_an_index_of_their_own_are_simple() -> None:
    assert alone(10, {"kind": "perpetual"}).simple
    assert not alone(10, {"kind": "spot", "underlying": "BTC"}).simple


def test_what_ends_within_the_first_step_ends_after_it() -> None:
    """Six minutes of hourly steps; half an hour is rounded to the even step, two; nothing ends at the start."""
    tables = [{"kind": "future", "underlying": "BTC", "expiry_days": days} for days in (0.1 / 24.0, 1.6 / 24.0, 400.0)]
    contracts = alone(10, *tables)
    assert contracts.expiry.tolist() == [np.inf, 1.0, 2.0, 9600.0]
    path = contracts.path(np.arange(100.0, 111.0)[:, None], np.zeros((11, 1)))
    assert path[:, 1].tolist() == [100.0] + [101.0] * 10
    assert path[:, 2].tolist() == [100.0, 101.0] + [102.0] * 9
    assert path[:, 3].tolist() == path[:, 0].tolist(), "what ends after the run has no window in it"


def test_time_to_expiry_runs_down_to_nothing_and_stays_there() -> None:
    contracts = alone(10, {"kind": "future", "underlying": "BTC", "expiry_days": 4.0 / 24.0})
    left = [float(contracts.years(step)[1]) for step in (0, 3, 4, 5, 10)]
    assert left == pytest.approx([4 * HOUR, HOUR, 0.0, 0.0, 0.0])


def test_the_average_of_the_window_by_hand_before_in_and_after_it() -> None:
    """Three hours before the end at step 5: 103, 104 and 105 count; the board says so step by step."""
    terms = {"kind": "future", "underlying": "BTC", "expiry_days": 5.0 / 24.0, "settlement_minutes": 180.0}
    contracts = alone(8, terms)
    path = contracts.path(np.arange(100.0, 109.0)[:, None], np.zeros((9, 1)))
    facts = [contracts.facts(path[step, contracts.source], step) for step in range(9)]
    share = [float(known["averaged"][1]) for known in facts]
    assert share == pytest.approx([0.0, 0.0, 0.0, 1 / 3, 2 / 3, 1.0, 1.0, 1.0, 1.0])
    assert [float(known["average"][1]) for known in facts[3:]] == pytest.approx([103.0, 103.5, 104.0] + [104.0] * 3)
    assert path[:, 1].tolist() == pytest.approx([100.0, 101.0, 102.0, 103.0, 2 / 3 * 103.5 + 104 / 3] + [104.0] * 4)
    columns, price = contracts.settlement(5)
    assert (columns.tolist(), price.tolist()) == ([1], [104.0])


def test_a_window_longer_than_the_life_of_a_contract_begins_with_it() -> None:
    terms = {"kind": "future", "underlying": "BTC", "expiry_days": 2.0 / 24.0, "settlement_minutes": 600.0}
    contracts = alone(4, terms)
    path = contracts.path(np.array([[100.0], [110.0], [120.0], [130.0], [140.0]]), np.zeros((5, 1)))
    assert path[:, 1].tolist() == pytest.approx([100.0, 110.0, 115.0, 115.0, 115.0])


def test_a_worthless_option_costs_a_billionth_of_what_its_underlying_cost_and_so_can_be_lifted() -> None:
    call = {"kind": "option", "underlying": "BTC", "expiry_days": 4.0 / 24.0, "strike": 1e6}
    contracts = alone(8, call)
    path = contracts.path(np.full((9, 1), 250.0), np.full((9, 1), 0.1))
    np.testing.assert_allclose(path[:, 1], 250e-9, rtol=1e-12)
    lift, lever = contracts.lift(np.array([500.0, path[0, 1]]), path[0], 0)
    assert (lift[1], lever[1]) == (0.0, 0.0)


def test_a_strike_has_the_volatility_of_its_moneyness_against_the_forward_and_of_the_time_that_is_left() -> None:
    """A call at 120 with 8 % interest, 30 hours before its end, on a smile."""
    smile = VolatilityProcess.parse({"kind": "flat", "curvature": 1.2, "skew": -0.4})
    terms = {"kind": "option", "underlying": "BTC", "expiry_days": 40.0 / 24.0, "strike": 120.0, "rate": 0.08}
    instruments = (Instrument.parse({"kind": "perpetual"}), Instrument.parse(terms))
    contracts = Contracts(("BTC", "C"), instruments, Clock(60, HOUR), smile)
    path = contracts.path(np.linspace(90.0, 110.0, 61)[:, None], np.linspace(0.5, 0.9, 61)[:, None])
    spot, level = path[10, 0], 0.5 + 0.4 * 10 / 60
    forward = spot * np.exp(0.08 * 30 * HOUR)
    want = float(smile.implied(np.array([level]), np.log(np.array([120.0]) / forward), np.array([30 * HOUR]))[0])
    assert want != pytest.approx(level, rel=0.05), "the smile matters here"
    assert contracts.facts(path[10, contracts.source], 10)["volatility"].tolist() == pytest.approx([0.0, want])
    assert path[10, 1] == pytest.approx(float(black76(Vanilla(1.0, 120.0, 30 * HOUR), forward, want, spot / forward)))
