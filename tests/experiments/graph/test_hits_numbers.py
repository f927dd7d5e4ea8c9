"""Numbers in the heat map of who hits whom: no exponents, and nothing at all is told from next to nothing."""

import re

import numpy as np
import pandas as pd
import pytest

from experiments.graph import hits_picture as module
from experiments.graph.hits import whole
from experiments.graph.hits_picture import hits_picture
from experiments.run import run
from simulation.accounts import QUANTUM
from tests.experiments.storms import branching


@pytest.fixture(scope="module")
def runs():
    return [run(branching(seed)) for seed in range(3)]


def cells_of(matrix: list[list[float]]) -> list[list[str]]:
    return module._cells(np.array(matrix), None)


def test_small_amounts_are_shown_as_small_and_never_with_exponents() -> None:
    cells = cells_of([[12_600.0, 0.003], [0.0, 44.0]])
    assert [[cell.split("\n")[0] for cell in row] for row in cells] == [["12.6", "0.000"], ["0", "0.044"]]
    assert not re.search(r"e[+-]?\d", "".join(map("".join, cells)))


def test_numbers_keep_three_digits_or_three_decimals() -> None:
    said = [module._number(value) for value in (0.0, 1e-9, -1e-9, 0.0004, 0.0006, 0.0949, 0.5, 12.34, 999.6, 12_345.6)]
    assert said == ["0", "0.000", "0.000", "0.000", "0.001", "0.095", "0.5", "12.3", "1,000", "12,346"]
    assert module._number(-0.02) == "-0.020"


def test_the_caption_says_what_nothing_is(runs) -> None:
    assert "0 is nothing at all, 0.000 less than is shown." in hits_picture(runs).caption
    assert isinstance(module.hits_over(runs), pd.DataFrame)


def test_rounded_dollars_add_up_and_the_largest_remainders_get_what_is_left() -> None:
    """0.4, 0.7 and 0.9 quanta make two, which the last two get; of nothing nothing is made."""
    parts = np.array([0.4, 0.7, 0.9, 0.0]) * QUANTUM
    assert (whole(parts, 2.0 * QUANTUM) / QUANTUM).tolist() == [0.0, 1.0, 1.0, 0.0]
    assert (whole(-parts, -2.0 * QUANTUM) / QUANTUM).tolist() == [0.0, -1.0, -1.0, 0.0]
    assert whole(np.zeros(3), 0.0).tolist() == [0.0, 0.0, 0.0]
    assert (whole(np.array([1.0, 1.0]) * QUANTUM, 5.0 * QUANTUM) / QUANTUM).tolist() == [3.0, 2.0]
