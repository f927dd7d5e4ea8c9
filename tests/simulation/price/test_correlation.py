"""Correlation matrices: refused with their reason, factored exactly, semi-definite ones included."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.errors import ScenarioError
from simulation.factoring import mix
from simulation.price.base import PriceProcess
from simulation.price.correlation import SIZE_LIMIT, correlated
from simulation.price.gbm import Gbm
from simulation.random import Streams
from tests.simulation.price.worlds import world

loadings = st.lists(
    st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=2).filter(lambda row: math.hypot(*row) > 0.1),
    min_size=1,
    max_size=6,
)


@given(loadings)
def test_the_factor_gives_back_any_matrix_even_of_low_rank(rows: list[list[float]]) -> None:
    unit = np.array([[x / math.hypot(*row) for x in row] for row in rows])
    matrix = np.clip(unit @ unit.T, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    lower = correlated(tuple(map(tuple, matrix.tolist())), len(rows))
    np.testing.assert_allclose(lower @ lower.T, matrix, atol=1e-4)
    np.testing.assert_array_equal(lower, np.tril(lower))


@given(st.integers(1, 8), st.floats(0.0, 1.0))
def test_one_number_means_every_pair(markets: int, share: float) -> None:
    lowest = -1.0 / (markets - 1) if markets > 1 else -1.0
    rho = lowest + share * (1.0 - lowest)
    lower = correlated(rho, markets)
    expected = np.full((markets, markets), rho)
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(lower @ lower.T, expected, atol=1e-6)


def test_a_perfectly_correlated_pair_moves_as_one_and_an_opposite_pair_mirrors() -> None:
    path = Gbm(correlation=1.0).draw(world(2), Streams(1))
    np.testing.assert_allclose(path[:, 1], 2.0 * path[:, 0], rtol=1e-12)
    up, down = np.diff(np.log(Gbm(correlation=-1.0).draw(world(2), Streams(1))), axis=0).T
    sigma2_dt = 0.8**2 / 8760
    np.testing.assert_allclose(up + down, -sigma2_dt, atol=1e-12)


def test_adding_columns_equals_the_matrix_product() -> None:
    noise = Streams(1).normal("x", 0, 40).reshape(10, 4)
    lower = correlated(0.4, 4)
    np.testing.assert_allclose(mix(noise, lower), noise @ lower.T, rtol=1e-12, atol=1e-15)


def test_the_factor_cannot_be_changed_by_whoever_holds_it() -> None:
    with pytest.raises(ValueError, match="read-only"):
        correlated(0.5, 3)[0, 0] = 2.0


NOT_DEFINITE = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.2, "must be from -1 to 1 (got 1.2)"),
        ("high", 'must be one number, or a square matrix as a list of rows (got "high")'),
        (True, "must be one number, or a square matrix as a list of rows (got True)"),
        (float("nan"), "must be one number, or a square matrix as a list of rows (got nan)"),
        ([0.5, 0.5], "must be one number, or a square matrix as a list of rows (got [0.5, 0.5])"),
        ([], f"must have 1 to {SIZE_LIMIT} rows (got 0)"),
        ([[1, 0.5], [0.5, 1], [0, 0]], "must be square: row 0 has 2 entries, the matrix has 3 rows"),
        ([[1, 0.5], [0.5]], "must be square: row 1 has 1 entries, the matrix has 2 rows"),
        ([[1, 0.3], [0.2, 1]], "[1][0]=0.2 differs from [0][1]=0.3; must be symmetric"),
        ([[1, 0.3], [0.3, 0.9]], "[1][1] must be 1 (got 0.9)"),
        ([[1, 1.3], [1.3, 1]], "[0][1] must be a number from -1 to 1 (got 1.3)"),
        ([[1, "x"], ["x", 1]], '[0][1] must be a number from -1 to 1 (got "x")'),
        ([[1, math.inf], [math.inf, 1]], "[0][1] must be a number from -1 to 1 (got inf)"),
        (NOT_DEFINITE, "not positive semi-definite (smallest eigenvalue -0.8)"),
    ],
)
def test_a_bad_correlation_is_refused_where_it_is_written(value: Any, message: str) -> None:
    for parse in (
        lambda: PriceProcess.parse({"kind": "gbm", "correlation": value}),
        lambda: PriceProcess.parse({"kind": "bridge", "waypoints": {}, "correlation": value}),
    ):
        with pytest.raises(ValidationError) as refusal:
            parse()
        (error,) = refusal.value.errors()
        assert error["loc"] == ("correlation",)
        assert error["msg"] == message
    with pytest.raises(ScenarioError, match=r"^correlation: "):
        correlated(value, 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1, 0.5], [0.5, 1]], "price.correlation: must be 3x3 to match the markets (got 2x2)"),
        (-0.6, "price.correlation: one correlation for 3 markets must be from -0.5 to 1 (got -0.6)"),
    ],
)
def test_a_correlation_for_other_markets_is_refused_when_the_path_is_drawn(value: Any, message: str) -> None:
    process = PriceProcess.parse({"kind": "gbm", "correlation": value})
    with pytest.raises(ScenarioError) as refusal:
        process.draw(world(3), Streams(1))
    assert refusal.value.problems == [message]


def test_all_fields_that_do_not_fit_are_named_at_once() -> None:
    process = Gbm(drift=(0.1, 0.2), volatility_scale=(1.0,) * 4, correlation=((1.0,),))
    with pytest.raises(ScenarioError) as refusal:
        process.draw(world(3), Streams(1))
    assert [line.split(":")[0] for line in refusal.value.problems] == [
        "price.drift",
        "price.volatility_scale",
        "price.correlation",
    ]
