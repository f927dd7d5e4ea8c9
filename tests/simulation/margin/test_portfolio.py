"""Portfolio margin: a brute-force grid, closed forms, and what it may never do."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from simulation.arrays import Array
from simulation.margin.cross import CrossMargin
from simulation.margin.portfolio import PortfolioMargin

sizes = st.floats(-1e6, 1e6).map(lambda x: round(x, 2))
books = st.integers(1, 6).flatmap(lambda m: arrays(np.float64, m, elements=sizes))
correlations = st.floats(-0.19, 1.0)


def factor_matrix(loadings: list[float]) -> tuple[tuple[float, ...], ...]:
    """A valid correlation matrix with unequal entries: one factor."""
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1.0)
    return tuple(map(tuple, matrix.tolist()))


def needed(book: Array, **fields: object) -> float:
    return float(PortfolioMargin(**fields).pooled(np.atleast_2d(book))[0])  # type: ignore[arg-type]


def saved(book: list[float], **fields: object) -> float:
    return 1.0 - needed(np.array(book), **fields) / np.abs(book).sum()


# Closed forms ---------------------------------------------------------------------------------------------------


def test_four_equal_longs_at_correlation_six_tenths_save_16_percent() -> None:
    assert saved([1.0] * 4, correlation=0.6) == pytest.approx(1.0 - np.sqrt(2.8 / 4.0), rel=1e-12)
    assert saved([1.0] * 4, correlation=0.6) == pytest.approx(0.163, abs=5e-4)


def test_a_hedged_pair_at_nine_tenths_saves_78_percent_and_62_under_the_cap() -> None:
    assert saved([1.0, -1.0], correlation=0.9) == pytest.approx(0.776, abs=5e-4)
    assert saved([1.0, -1.0], correlation=0.9, offset_cap=0.8) == pytest.approx(0.621, abs=5e-4)


@given(correlations, st.integers(1, 6))
def test_an_equal_long_book_of_everything_saves_what_diversification_is_worth(rho: float, k: int) -> None:
    share = np.sqrt(max(1.0 + (k - 1) * rho, 0.0) / k)
    assert saved([5.0] * k, correlation=rho) == pytest.approx(1.0 - share, abs=1e-9)


@given(correlations.filter(lambda rho: rho < 0.999), st.integers(2, 6), st.data())
def test_a_pair_needs_the_same_whichever_two_of_however_many_markets(rho: float, m: int, data: st.DataObject) -> None:
    one, other = data.draw(st.permutations(range(m)))[:2]
    for side in (1.0, -1.0):
        book = np.zeros(m)
        book[one], book[other] = 7.0, 7.0 * side
        assert needed(book, correlation=rho) == pytest.approx(7.0 * np.sqrt(2.0 + 2.0 * side * rho), rel=1e-9)


# The grid -------------------------------------------------------------------------------------------------------


@given(books, correlations, st.floats(0.0, 1.0))
def test_the_requirement_is_the_worst_loss_over_the_grid_by_brute_force(book: Array, rho: float, cap: float) -> None:
    grid = PortfolioMargin(correlation=rho).scenarios(len(book))
    worst = max(abs(sum(a * u for a, u in zip(book, move, strict=True))) for move in grid.tolist())
    total = np.abs(book).sum()
    assert needed(book, correlation=rho, offset_cap=cap) == pytest.approx(
        worst + (1.0 - cap) * (total - worst), rel=1e-9, abs=1e-9
    )


@given(st.lists(st.floats(-0.95, 0.95), min_size=2, max_size=6), st.data())
def test_the_order_of_the_markets_changes_nothing(loadings: list[float], data: st.DataObject) -> None:
    m = len(loadings)
    book = data.draw(arrays(np.float64, m, elements=sizes))
    order = list(data.draw(st.permutations(range(m))))
    shuffled = factor_matrix([loadings[i] for i in order])
    assert needed(book[order], correlation=shuffled) == pytest.approx(
        needed(book, correlation=factor_matrix(loadings)), rel=1e-9, abs=1e-9
    )


@given(st.lists(st.floats(-0.95, 0.95), min_size=1, max_size=6), st.data())
def test_it_is_at_most_the_sum_of_stand_alone_and_at_least_its_largest_conditional_loss(
    loadings: list[float], data: st.DataObject
) -> None:
    book = data.draw(arrays(np.float64, len(loadings), elements=sizes))
    matrix = factor_matrix(loadings)
    found = needed(book, correlation=matrix)
    assert found <= np.abs(book).sum()
    assert found >= np.abs(np.array(matrix) @ book).max() * (1.0 - 1e-9)
    assert found <= np.sqrt(max(book @ np.array(matrix) @ book, 0.0)) * (1.0 + 1e-9) + 1e-6 * np.abs(book).max()


@given(books, correlations)
def test_no_scenario_moves_a_market_beyond_its_own_range(book: Array, rho: float) -> None:
    assert np.abs(PortfolioMargin(correlation=rho).scenarios(len(book))).max() <= 1.0 + 1e-12


@given(books, correlations, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_tighter_cap_never_lowers_the_requirement(book: Array, rho: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert needed(book, correlation=rho, offset_cap=low) >= needed(book, correlation=rho, offset_cap=high) * (1 - 1e-12)


@given(books, correlations)
def test_a_cap_of_nothing_is_cross_margin(book: Array, rho: float) -> None:
    cross = CrossMargin().pooled(book[None, :])[0]
    assert needed(book, correlation=rho, offset_cap=0.0) == pytest.approx(cross, rel=1e-12)


@given(st.integers(1, 8), correlations.filter(lambda rho: rho >= -0.14), st.floats(0.0, 1.0), sizes)
def test_one_position_needs_what_cross_margin_asks_to_the_bit(m: int, rho: float, cap: float, size: float) -> None:
    for held in range(m):
        book = np.zeros(m)
        book[held] = size
        assert needed(book, correlation=rho, offset_cap=cap) == abs(size)


@given(books, correlations)
def test_a_row_needs_the_same_bytes_alone_and_among_others(book: Array, rho: float) -> None:
    rule, crowd = PortfolioMargin(correlation=rho), np.tile(book, (7, 1))
    crowd[3] = book[::-1] * 2.0
    assert rule.pooled(crowd)[5] == rule.pooled(book[None, :])[0]


def test_perfect_correlation_nets_and_zero_correlation_hardly_does() -> None:
    assert needed(np.array([10.0, -10.0]), correlation=1.0) == 0.0
    assert needed(np.array([10.0, -4.0]), correlation=1.0) == pytest.approx(6.0)
    assert needed(np.array([10.0, 10.0]), correlation=1.0) == pytest.approx(20.0)
    assert needed(np.array([10.0, -10.0]), correlation=0.0) == pytest.approx(np.sqrt(200.0))


def test_cross_margin_sums_and_knows_no_offset() -> None:
    for signs in itertools.product((1.0, -1.0), repeat=3):
        assert CrossMargin().pooled(np.array([[1.0, 2.0, 3.0]]) * signs)[0] == 6.0


@pytest.mark.parametrize(
    ("correlation", "text"),
    [
        (1.2, "must lie in"),
        (((1.0, 0.5), (0.4, 1.0)), "must be symmetric"),
        (((1.0, 0.5), (0.5, 0.9)), "ones on the diagonal"),
        (((1.0, 0.9, -0.9), (0.9, 1.0, 0.9), (-0.9, 0.9, 1.0)), "positive semi-definite"),
        (((1.0, 0.5),), "must be square"),
    ],
)
def test_what_is_no_correlation_is_refused(correlation: object, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        PortfolioMargin(correlation=correlation)  # type: ignore[arg-type]
