"""Losses over a grid of scenarios: the short way of a single column is the long way, byte for byte."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulation.arrays import Array
from simulation.board import Board, Book, InstrumentKind, Listed
from simulation.margin.revaluation import book_profits, worst_losses

amounts = st.floats(-1e6, 1e6)


def grid_of(assets: list[int], position: Array, unit: Array, kind: InstrumentKind = "option") -> Array:
    names = tuple(f"M{j}" for j in range(len(assets)))
    nothing = np.full(len(assets), np.nan)
    listed = Listed(names, (kind,) * len(assets), np.array(assets), nothing, np.zeros(len(assets)))
    board = Board.at(listed, np.ones(len(assets)))
    return worst_losses(Book.of(np.zeros(len(position)), position, board.price), board, unit)


@given(arrays(float, (5, 1), elements=amounts), arrays(float, (7, 1), elements=amounts))
def test_of_one_column_only_the_extreme_scenarios_matter(position: Array, unit: Array) -> None:
    long_way = np.maximum(-book_profits(position.T, unit).min(axis=0), 0.0)
    np.testing.assert_array_equal(grid_of([0], position, unit), long_way)


@given(arrays(float, (4, 3), elements=amounts), arrays(float, (6, 3), elements=amounts))
def test_assets_are_judged_one_by_one(position: Array, unit: Array) -> None:
    apart = grid_of([0, 1, 2], position, unit)
    alone = sum(grid_of([0], position[:, [j]], unit[:, [j]]) for j in range(3))
    np.testing.assert_allclose(apart, alone, rtol=1e-12)
    together = grid_of([0, 0, 0], position, unit)
    assert (together <= apart * (1 + 1e-12) + 1e-6).all(), "within one asset losses in different scenarios offset"
    brute = [max(0.0, *(-sum(q * u for q, u in zip(row, one, strict=True)) for one in unit)) for row in position]
    np.testing.assert_allclose(together, brute, rtol=1e-9, atol=1e-3)


@given(st.integers(1, 1500))
def test_bytes_do_not_depend_on_the_number_of_rows(rows: int) -> None:
    position = np.sin(np.arange(1500 * 2)).reshape(1500, 2)
    unit = np.cos(np.arange(12.0)).reshape(6, 2)
    whole = grid_of([0, 0], position, unit)
    np.testing.assert_array_equal(grid_of([0, 0], position[:rows], unit), whole[:rows])


@given(
    arrays(float, (4, 3), elements=amounts),
    arrays(float, 7, elements=st.floats(-1.0, 1.0)),
    arrays(float, 3, elements=st.floats(0.1, 1e4)),
)
def test_without_options_the_extreme_moves_are_the_worst(position: Array, move: Array, price: Array) -> None:
    unit = move[:, None] * price
    short_way = grid_of([0, 0, 0], position, unit, "perpetual")
    np.testing.assert_allclose(short_way, grid_of([0, 0, 0], position, unit), rtol=1e-9, atol=1e-3)
