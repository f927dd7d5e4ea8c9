"""Replay: the rows as given, refused early and by name when they cannot serve."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.errors import ScenarioError
from simulation.price.base import PriceProcess
from simulation.price.replay import Replay
from simulation.random import Streams
from tests.simulation.price.worlds import world

price = st.floats(1e-12, 1e12)


def rows(count: int) -> tuple[tuple[float, float], ...]:
    return tuple((100.0 + t, 200.0 - t / 10.0) for t in range(count))


@given(st.lists(st.tuples(price, price), min_size=1, max_size=30))
def test_the_path_is_the_rows_to_the_bit(later: list[tuple[float, float]]) -> None:
    given_rows = ((100.0, 200.0), *later)
    path = Replay(prices=given_rows).draw(world(2, len(later)), Streams(1))
    assert path.tobytes() == np.array(given_rows).tobytes()


def test_rows_beyond_the_last_step_are_not_used() -> None:
    path = Replay(prices=rows(50)).draw(world(2, 9), Streams(1))
    np.testing.assert_array_equal(path, rows(10))


def test_the_digest_tells_one_file_from_another() -> None:
    digests = []
    for last in (90.0, 91.0):
        streams = Streams(1)
        Replay(prices=((100.0,), (last,))).draw(world(1, 1), streams)
        digests.append(streams.digest())
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ([], "must be at least 2 rows of prices, one price a market (got [])"),
        ([[1.0]], "must be at least 2 rows of prices, one price a market (got [[1.0]])"),
        ([[], []], "must be at least 2 rows of prices, one price a market (got [[], []])"),
        ([1.0, 2.0], "must be at least 2 rows of prices, one price a market (got [1.0, 2.0])"),
        ([[1.0, 2.0], [3.0]], "must be rows of numbers, all of one length (got [[1.0, 2.0], [3.0]])"),
        ([["a"], ["b"]], "must be rows of numbers, all of one length (got [['a'], ['b']])"),
        ("prices.csv", 'must be rows of numbers, all of one length (got "prices.csv")'),
        ([[1.0], [0.0]], "[1][0] must be a finite number greater than 0 (got 0.0)"),
        ([[1.0, 1.0], [2.0, -3.0]], "[1][1] must be a finite number greater than 0 (got -3.0)"),
        ([[1.0], [float("nan")]], "[1][0] must be a finite number greater than 0 (got nan)"),
        ([[1.0], [float("inf")]], "[1][0] must be a finite number greater than 0 (got inf)"),
        ([[1.0], [None]], "[1][0] must be a finite number greater than 0 (got nan)"),
    ],
)
def test_bad_rows_are_refused_with_their_place(prices: Any, message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        PriceProcess.parse({"kind": "replay", "prices": prices})
    (error,) = refusal.value.errors()
    assert (error["loc"], error["msg"]) == (("prices",), message)


@pytest.mark.parametrize(
    ("markets", "steps", "message"),
    [
        (2, 10, "10 rows are too few for 10 steps, which need 11; lower steps to 9 or give more rows"),
        (3, 5, "must have one column a market, 3 (got 2)"),
        (1, 5, "must have one column a market, 1 (got 2)"),
    ],
)
def test_rows_that_do_not_fit_the_run_are_refused(markets: int, steps: int, message: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        Replay(prices=rows(10)).draw(world(markets, steps), Streams(1))
    assert refusal.value.problems == [f"price.prices: {message}"]


def test_a_first_row_that_is_not_the_initial_price_is_refused() -> None:
    with pytest.raises(ScenarioError) as refusal:
        Replay(prices=((100.0, 201.0), (1.0, 1.0))).draw(world(2, 1), Streams(1))
    assert refusal.value.problems == [
        "price.prices: row 0 of M1 must be the market's initial price 200.0 (got 201.0)"
    ]


def test_a_hundred_thousand_rows_are_an_ordinary_input() -> None:
    table = np.full((100_001, 5), 100.0 * np.arange(1, 6)).tolist()
    drawn = PriceProcess.parse({"kind": "replay", "prices": table}).draw(world(5, 100_000), Streams(1))
    np.testing.assert_array_equal(drawn, table)
