"""Replaying a user's own prices: the file decides start, length and spacing; choices stand in the name."""

from pathlib import Path

import numpy as np
import pytest

from experiments import load, run
from experiments.replay import with_prices
from simulation.errors import PriceDataError

ROWS = np.array([[100.0, 10.0], [90.0, 11.0], [80.0, 12.0], [85.0, 11.5]])
SCENARIO = {
    "steps": 2,
    "markets": [{"name": "B", "price": 1.0}, {"name": "A", "price": 1.0}],
    "price": {"kind": "flat"},
    "population": [{"kind": "book", "count": 1}],
}


def panel(folder: Path) -> Path:
    """Four hours of closes of A and B, and of C, which has a hole."""
    lines = ["time,A,B,C"]
    lines += [f"2025-10-10 0{i}:00,{a:g},{b:g},{'' if i == 1 else 5}" for i, (a, b) in enumerate(ROWS)]
    path = folder / "panel.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_file_decides_start_spacing_and_length(tmp_path: Path) -> None:
    data = with_prices(SCENARIO, panel(tmp_path))
    assert [market["price"] for market in data["markets"]] == [10.0, 100.0]
    assert data["step_seconds"] == 3600.0
    assert data["steps"] == 3
    assert np.array_equal(data["price"]["prices"], ROWS[:, ::-1])


def test_markets_the_scenario_does_not_have_may_have_holes(tmp_path: Path) -> None:
    result = run(load(SCENARIO, prices=panel(tmp_path)))
    index = result.prices.pivot(index="step", columns="market", values="index")
    assert np.array_equal(index[["A", "B"]], ROWS)


def test_rows_are_chosen_in_the_name_of_the_file(tmp_path: Path) -> None:
    name = f"{panel(tmp_path)}?start=2025-10-10 01:00&end=2025-10-10 02:00"
    data = with_prices(SCENARIO, name)
    assert data["steps"] == 1
    assert np.array_equal(data["price"]["prices"], ROWS[1:3, ::-1])


def test_fewer_steps_can_be_asked_for(tmp_path: Path) -> None:
    scenario = load(SCENARIO, ["steps=1"], panel(tmp_path))
    assert scenario.steps == 1


def test_more_steps_than_rows_are_refused_with_the_number_that_works(tmp_path: Path) -> None:
    with pytest.raises(PriceDataError, match=r"has 4 rows; steps needs 10; hint: --set steps=3"):
        load(SCENARIO, ["steps=9"], panel(tmp_path))


def test_a_market_without_a_column_is_named(tmp_path: Path) -> None:
    other = {**SCENARIO, "markets": [{"name": "D", "price": 1.0}]}
    with pytest.raises(PriceDataError, match=r'must be among A, B, C \(got "D"\)'):
        with_prices(other, panel(tmp_path))


def test_an_unknown_choice_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(PriceDataError, match=r"\?ends: unknown choice; did you mean 'end'\?"):
        with_prices(SCENARIO, f"{panel(tmp_path)}?ends=2025-10-11")
