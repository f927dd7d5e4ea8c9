"""dYdX margin: by hand, against whole-number arithmetic, and what open interest may not do."""

from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.board import Board, Book, Listed
from simulation.margin.dydx import DydxMargin
from tests.simulation.perpetuals import account, board

CAPS = {"initial_rate": 0.1, "maintenance_share": 0.5, "lower_cap": 1_000.0, "upper_cap": 3_000.0}
MILLION = 10**6
rates = st.integers(1, MILLION)
sizes = st.integers(-(10**9), 10**9)


def rule(**terms: Any) -> DydxMargin:
    return DydxMargin.model_validate({"default": terms})


@pytest.mark.parametrize(
    ("units", "rate"),
    [(0.0, 0.1), (10.0, 0.1), (20.0, 0.55), (15.0, 0.325), (30.0, 1.0), (500.0, 1.0)],  # at 100 dollars
)
def test_the_initial_rate_rises_in_a_line_between_the_caps(units: float, rate: float) -> None:
    market = board(100.0, open_interest=[units])
    assert rule(**CAPS).initial_rate(market)[0] == pytest.approx(rate, abs=1e-12)
    assert rule(**CAPS).requirement(account(0.0, -2.0), market, "initial")[0] == pytest.approx(200.0 * rate)


def test_without_an_upper_cap_nothing_is_scaled() -> None:
    market = board(100.0, open_interest=[1e9])
    assert rule(**{**CAPS, "upper_cap": 0.0, "lower_cap": 0.0}).initial_rate(market)[0] == 0.1


def test_caps_that_coincide_are_a_step() -> None:
    step = rule(**{**CAPS, "lower_cap": 2_000.0, "upper_cap": 2_000.0})
    assert [step.initial_rate(board(100.0, open_interest=[u]))[0] for u in (19.0, 20.0, 21.0)] == [0.1, 0.1, 1.0]


def test_caps_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="upper_cap"):
        rule(**{**CAPS, "upper_cap": 10.0})


def test_a_rate_between_two_parts_per_million_is_cut() -> None:
    terms = {**CAPS, "initial_rate": 0.2, "lower_cap": 1e7, "upper_cap": 2e7}
    market = board(36_750.0, open_interest=[408.163265])
    assert rule(**terms).initial_rate(market)[0] == 0.599999


@given(sizes, rates, rates, st.integers(1, 10**7))
def test_requirements_are_those_of_whole_number_arithmetic(size: int, rate: int, share: int, price: int) -> None:
    """Sizes in thousandths, prices in hundredths, rates in parts per million; amounts in millionths of a dollar."""
    terms = {"initial_rate": rate / MILLION, "maintenance_share": share / MILLION}
    market = board(price / 100)
    found = [
        rule(**terms).requirement(account(0.0, size / 1000), market, level)[0] for level in ("initial", "maintenance")
    ]
    notional = floor(Fraction(abs(size) * price * 10))
    base = ceil(Fraction(notional * rate, MILLION))
    wanted = [base, ceil(Fraction(base * share, MILLION))]
    assert found == pytest.approx(
        [units / MILLION for units in wanted], rel=1e-13, abs=1e-6 if notional > 10**15 else 1e-12
    )


@given(st.lists(st.floats(-50.0, 50.0), min_size=3, max_size=3), st.floats(0.0, 1e4), st.floats(0.0, 1e4))
def test_open_interest_raises_initial_margin_only(size: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    boards = [board(100.0, 30.0, 5.0, open_interest=[units] * 3) for units in (low, high)]
    book = account(1e5, *size)
    before, after = (rule(**CAPS).requirement(book, b, "initial")[0] for b in boards)
    assert before <= after <= book.notional(boards[0].price)[0] + 1e-5
    maintenance = {float(rule(**CAPS).requirement(book, b, "maintenance")[0]) for b in boards}
    assert len(maintenance) == 1
    assert maintenance.pop() <= before + 1e-5


def test_markets_do_not_offset_each_other_and_may_have_terms_of_their_own() -> None:
    margin = DydxMargin.model_validate(
        {"default": CAPS, "markets": {"B": {"initial_rate": 0.2, "maintenance_share": 1.0}}}
    )
    market = board(100.0, 10.0)
    found = margin.requirements(account(0.0, 3.0, -30.0), market, "maintenance")
    assert found.tolist() == [[15.0, 60.0]]
    assert margin.requirement(account(0.0, 3.0, -30.0), market, "maintenance")[0] == 75.0


def test_a_token_held_is_no_collateral_and_a_token_owed_counts_in_full() -> None:
    listed = Listed(("A", "T"), ("perpetual", "spot"), np.arange(2), np.full(2, np.nan), np.zeros(2))
    market = Board.at(listed, np.array([100.0, 7.0]))
    for units, balance in ((5.0, 50.0), (-5.0, 15.0)):
        book = Book(np.array([50.0]), np.array([[0.0, units]]), np.zeros((1, 2)))
        assert rule(**CAPS).balance(book, market, "maintenance")[0] == balance


def test_every_row_is_margined_as_if_it_were_alone() -> None:
    rng = np.random.default_rng(3)
    size = rng.normal(0.0, 20.0, (7, 3))
    market = board(100.0, 30.0, 5.0, open_interest=[12.0, 50.0, 9.0])
    together = rule(**CAPS).requirement(Book(np.zeros(7), size, size), market, "initial")
    alone = [rule(**CAPS).requirement(account(0.0, *row), market, "initial")[0] for row in size]
    assert together.tolist() == alone
