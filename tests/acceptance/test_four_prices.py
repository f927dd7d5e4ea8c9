"""Index, oracle, mark and fill are four prices: each does its own work and none stands in for another."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments import load, run
from simulation.mark.base import MarkRule
from tests.venues import book, scenario, storm

RECKLESS = [book(f"long-{cents}", {"A": 100.0}, 500.0 + cents) for cents in (1, 20, 200)]
BUSY = {"kind": "noise", "name": "busy", "count": 5, "deposit": 10_000.0, "leverage": 0.5}
FALLING = storm(100, 99, 96, 90, 93, 85, 85)
PUSHED = {"kind": "linear"}


def column(result: Any, price: str, market: str = "A") -> np.ndarray:
    prices: pd.DataFrame = result.prices
    return prices.loc[prices["market"] == market, price].to_numpy()


@pytest.mark.parametrize("factor", [0.2, 0.9, 1.5])
@pytest.mark.parametrize("mark", MarkRule.kinds())
def test_a_wick_in_fills_alone_liquidates_nobody(factor: float, mark: str) -> None:
    usual: dict[str, Any] = {"mark": {"kind": mark}, "impact": {"kind": "none"}}
    calm = run(scenario([*RECKLESS, BUSY], **usual))
    wick = run(scenario([*RECKLESS, BUSY], wicks=[{"market": "A", "step": 4, "factor": factor}], **usual))
    assert column(wick, "fill")[4] == 100.0 * factor
    assert column(calm, "fill")[4] == 100.0
    assert wick.events.empty
    for price in ("index", "oracle", "mark"):
        np.testing.assert_array_equal(column(wick, price), column(calm, price))


@pytest.mark.parametrize("market", ["BTC", "ETH", "SOL"])
def test_a_wick_in_the_classroom_leaves_the_liquidations_before_it_alone(market: str) -> None:
    before = load("classroom").with_(steps=80, seed=4)
    wicked = before.with_(wicks=[{"market": market, "step": 78, "factor": 0.5}])
    first, second = run(before), run(wicked)
    assert len(first.events)
    early = [result.events[result.events["step"] < 78] for result in (first, second)]
    pd.testing.assert_frame_equal(*early)
    assert first.digest == second.digest


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_a_late_oracle_shows_the_index_of_some_steps_ago(delay: int) -> None:
    result = run(scenario(RECKLESS, price=FALLING, oracle={"kind": "lagged", "delay_steps": delay}))
    index = column(result, "index")
    expected = np.concatenate([np.full(delay, index[0]), index])[: len(index)]
    np.testing.assert_array_equal(column(result, "oracle"), expected)


@pytest.mark.parametrize("delay", [0, 1, 2])
def test_margin_on_the_oracle_liquidates_as_late_as_the_oracle_is(delay: int) -> None:
    """The middle account has 520 dollars on 100 units: it is under maintenance below 99.79, as is the first."""
    oracle = {"kind": "lagged", "delay_steps": delay}  # the fund pays for fills at the lower index
    venue = {"oracle": oracle, "mark": {"kind": "oracle"}, "insurance_fund": 1e6}
    result = run(scenario(RECKLESS, price=FALLING, **venue))
    first = result.events.groupby("group")["step"].min().to_dict()
    assert first == {"long-1": 1 + delay, "long-20": 1 + delay, "long-200": 2 + delay}


def test_an_oracle_with_a_threshold_posts_only_moves_beyond_it() -> None:
    path = storm(100, 100.5, 101.5, 101, 99, 99.5)
    result = run(scenario([book("me", {}, 1.0)], price=path, oracle={"kind": "lagged", "deviation_rate": 0.01}))
    assert column(result, "oracle").tolist() == [100.0, 100.0, 101.5, 101.5, 99.0, 99.0]


@pytest.mark.parametrize("fill_at", ["before", "average", "after"])
def test_fills_are_taken_before_during_or_after_their_own_impact(fill_at: str) -> None:
    """One forced sale of 300 units into a linear book: the mid moves by q P / D in logs, and the fill by its share."""
    people = [book("long", {"A": 300.0}, 1_600.0)]
    markets = [{"name": "A", "price": 100.0, "depth": 1e6}]
    usual: dict[str, Any] = {"price": storm(100, 99), "impact": PUSHED, "markets": markets}
    result = run(scenario(people, fill_at=fill_at, **usual))
    start = column(result, "mark")[0]  # the opening is booked at the outside price
    move = 300.0 * 99.0 / 1e6
    share = {"before": 0.0, "average": 0.5, "after": 1.0}[fill_at]
    assert start == 100.0
    assert column(result, "fill")[1] == pytest.approx(99.0 * np.exp(-share * move))
    assert column(result, "mark")[1] == pytest.approx(99.0 * np.exp(-move))


@pytest.mark.parametrize("margin", ["isolated", "cross", "portfolio"])
def test_without_impact_the_mark_is_the_index_and_so_is_every_fill(margin: str) -> None:
    prices = run(load("classroom").with_(steps=90, impact={"kind": "none"}, margin={"kind": margin})).prices
    np.testing.assert_array_equal(prices["mark"], prices["index"])
    np.testing.assert_array_equal(prices["oracle"], prices["index"])


def test_forced_sales_move_the_mark_and_never_the_index_or_the_oracle() -> None:
    classroom = load("classroom").with_(steps=90, seed=4)
    pushed, free = run(classroom), run(classroom.with_(impact={"kind": "none"}))
    for price in ("index", "oracle"):
        np.testing.assert_array_equal(pushed.prices[price], free.prices[price])
    assert (pushed.prices["mark"] != free.prices["mark"]).any()


@pytest.mark.parametrize("name", ["oracle", "smoothed"])
def test_a_mark_that_waits_lets_no_liquidation_cause_another_in_the_same_step(name: str) -> None:
    """300 units owned by accounts of rising strength: at the mid they fall one after another, at these marks not."""
    ladder = [book(f"l{i}", {"A": 100.0}, 505.0 + 40.0 * i) for i in range(6)]
    markets = [{"name": "A", "price": 100.0, "depth": 1e6}]
    usual: dict[str, Any] = {"price": storm(100, 99.9), "markets": markets, "impact": PUSHED}
    chain = run(scenario(ladder, **usual))
    waits = run(scenario(ladder, mark={"kind": name}, **usual))
    assert chain.events["round"].max() >= 2
    assert waits.events["round"].max() == 0
    assert len(waits.events) < len(chain.events)
