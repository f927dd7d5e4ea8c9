"""Skew margin: a whole account by hand, the keeper inside the requirement, and what size does."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Book
from simulation.impact.skew import skew_fill_price
from simulation.margin.skew import KeeperTerms, SkewMargin
from tests.simulation.perpetuals import account, board

TERMS = {"skew_scale": 100.0, "size_rate": 2.0, "smallest_rate": 0.01, "maintenance_share": 0.5, "reward_rate": 0.05}
money = st.floats(0.0, 1e6)


def rule(keeper: dict[str, float] | None = None, **terms: float) -> SkewMargin:
    return SkewMargin.model_validate({"default": {**TERMS, **terms}, "keeper": keeper or {}})


def keeper(**terms: float) -> KeeperTerms:
    return KeeperTerms.model_validate(terms)


def reward(flagged: float, cost: float, collateral: float, **terms: float) -> float:
    return float(keeper(**terms).reward(np.array([flagged]), cost, np.array([collateral]))[0])


def test_margin_by_hand() -> None:
    """One unit short of a scale of 100 at 30,000: 30,000 * (1 % * 2 + 1 %) = 900."""
    market, book = board(30_000.0), account(0.0, -1.0)
    assert rule().margins(book, market, "initial")[0, 0] == pytest.approx(900.0)
    assert rule().margins(book, market, "maintenance")[0, 0] == pytest.approx(450.0)
    assert rule().requirement(book, market, "maintenance")[0] == pytest.approx(450.0 + 0.05 * 30_000.0)


def test_the_reward_of_the_keeper_is_part_of_the_requirement() -> None:
    market = board(30_000.0)
    book = Book.opened(np.array([20_000.0]), np.array([[-1.0]]), market.price)
    assert rule().requirement(book, market, "maintenance")[0] == pytest.approx(450.0 + 1_500.0)
    fitting = 1_950.0
    for margin, due in ((fitting - 0.01, True), (fitting, False)):
        poor = Book.opened(np.array([margin]), np.array([[-1.0]]), market.price)
        assert rule().liquidatable(poor, market).tolist() == [due]


def test_nobody_without_a_position_is_flagged_or_owes_margin() -> None:
    terms = {"smallest_margin": 25.0, "least_reward": 0.0}
    margin = rule({"least_reward": 10.0}, smallest_margin=terms["smallest_margin"])
    market = board(100.0, 50.0)
    assert margin.requirement(account(-5.0, 0.0, 0.0), market, "initial")[0] == 0.0
    assert not margin.liquidatable(account(-5.0, 0.0, 0.0), market)[0]
    assert margin.margins(account(0.0, 1.0, 0.0), market, "initial")[0].tolist() == [100.0 * 0.03 + 25.0, 0.0]


def test_every_window_after_the_first_needs_a_keeper() -> None:
    market, fees = board(10.0), {"flag_cost": 3.0, "close_cost": 5.0, "least_reward": 1.0}
    book = Book.opened(np.array([1_000.0]), np.array([[25.0]]), market.price)
    found = [rule(fees, reward_rate=0.0, window_size=w).liquidation_reward(book, market)[0] for w in (0.0, 25.0, 10.0)]
    assert found == [4.0, 4.0, 4.0 + 2 * 6.0]
    assert rule(fees, window_size=10.0).windows(book, market)[0] == 3


@pytest.mark.parametrize(
    ("flagged", "cost", "collateral", "terms", "expected"),
    [
        (0.0, 8_888.0, 1e9, {"least_reward": 1.0, "least_profit_rate": 0.005}, 8_932.44),
        (0.0, 8_888.0, 1e9, {"least_reward": 10_000.0, "least_profit_rate": 0.005}, 18_888.0),
        (500.0, 10.0, 1e9, {"least_reward": 1.0}, 510.0),
        (500.0, 10.0, 1e9, {"most_reward": 100.0}, 100.0),
        (500.0, 10.0, 1_000.0, {"most_share": 0.05}, 50.0),
        (500.0, 10.0, 0.0, {"most_share": 0.05, "most_reward": 400.0}, 400.0),  # flagged before: no share to take
        (1_080.0, 0.0, 24_000.0, {"least_reward": 10.0, "most_share": 0.5, "most_reward": 1_000.0}, 1_000.0),
    ],
)
def test_rewards_by_hand(
    flagged: float, cost: float, collateral: float, terms: dict[str, float], expected: float
) -> None:
    assert reward(flagged, cost, collateral, **terms) == pytest.approx(expected)


@given(money, money, st.floats(1.0, 1e6), money, st.floats(0.0, 1.0), money, st.floats(0.0, 1.0))
def test_a_reward_covers_cost_unless_a_cap_forbids_it(
    flagged: float, cost: float, collateral: float, least: float, profit: float, most: float, share: float
) -> None:
    found = reward(
        flagged, cost, collateral, least_reward=least, least_profit_rate=profit, most_reward=most, most_share=share
    )
    cap = min(most, collateral * share)
    assert found <= cap
    assert found == cap or found >= cost + least
    assert found <= reward(flagged + 1.0, cost, collateral, least_reward=least, least_profit_rate=profit)


@given(st.floats(0.01, 1e3), st.floats(1.0, 4.0))
def test_margin_grows_faster_than_size(size: float, times: float) -> None:
    small, large = (rule().margins(account(0.0, q), board(10.0), "initial")[0, 0] for q in (size, size * times))
    assert large >= small * times * (1 - 1e-12)


@given(st.lists(st.floats(-50.0, 50.0), min_size=2, max_size=2))
def test_markets_add_up_and_maintenance_is_below_initial(size: list[float]) -> None:
    market, book = board(10.0, 200.0), account(1e5, *size)
    levels: Any = [rule().margins(book, market, level) for level in ("maintenance", "initial")]  # type: ignore[arg-type]
    assert (levels[0] <= levels[1]).all()
    other = rule().margins(account(1e5, size[0], 0.0), market, "initial")[0, 0]
    assert levels[1][0, 0] == other


def test_without_a_scale_size_does_not_matter() -> None:
    assert rule(skew_scale=0.0).margins(account(0.0, 50.0), board(10.0), "initial")[0, 0] == pytest.approx(5.0)


def test_a_position_starts_with_the_loss_of_its_fill_at_skew() -> None:
    oracle, skew, scale = np.array([30_000.0, 2_000.0]), np.zeros(2), np.array([100.0, 1_000.0])
    size = np.array([-1.0, 20.0])
    book = Book.opened(np.array([20_000.0]), size[None], skew_fill_price(oracle, skew, size, scale))
    assert book.profit(oracle)[0] == pytest.approx([-150.0, -400.0])
    assert book.equity(oracle)[0] == pytest.approx(19_450.0)
    assert rule().collateral(book, board(*oracle))[0] == pytest.approx(20_000.0)
