"""From a validator's complaint to one line a person can act on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from simulation.problems import LIMIT, at_most, path, problem_lines
from tests.simulation.test_scenario import problems


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ((), ""),
        (("seed",), "seed"),
        (("population", 0, "count"), "population[0].count"),
        (("markets", 2, "tiers", 1, "floor"), "markets[2].tiers[1].floor"),
        (("population", 0, "deposit", "(law)", "low"), "population[0].deposit.low"),
        (("population", 0, "parameters", "leverage", "(number)"), "population[0].leverage"),
        (("population", 0, "parameters"), "population[0].parameters"),
        (("a b",), '"a b"'),
        (("é",), '"\\xe9"'),
        (("x\n",), '"x\\n"'),
    ],
)
def test_a_location_is_a_dotted_path_as_the_file_would_say_it(location: tuple[Any, ...], text: str) -> None:
    assert path(location) == text


@given(st.lists(st.one_of(st.integers(0, 9), st.text(max_size=90)), max_size=5))
def test_a_path_is_always_printable_ascii(location: list[int | str]) -> None:
    text = path(tuple(location))
    assert text.isascii()
    assert text.isprintable()


def test_at_most_twenty_distinct_lines_and_a_word_about_the_rest() -> None:
    assert at_most(["a", "b", "a"]) == ["a", "b"]
    lines = [f"line {i}" for i in range(LIMIT)]
    assert at_most(lines) == lines
    assert at_most([*lines, "one", "two"]) == [*lines, "and 2 more problems"]
    assert at_most(lines, unread=3) == [*lines, "and 3 more problems"]
    assert at_most(["a"], unread=-5) == ["a"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seed": 2**128}, f"seed: must be less than {float(2**128):.15g} (got {2**128})"),
        ({"seed": -1}, "seed: must be at least 0 (got -1)"),
        ({"seed": 1.5}, "seed: must be a whole number (got 1.5)"),
        ({"step_seconds": 0.0}, "step_seconds: must be greater than 0 (got 0.0)"),
        ({"reuse_share": 1.01}, "reuse_share: must be at most 1 (got 1.01)"),
        ({"insurance_fund": float("nan")}, "insurance_fund: must be a finite number (got nan)"),
        ({"insurance_fund": [1.0]}, "insurance_fund: must be a number (got a list of 1)"),
        ({"markets": []}, "markets: must have at least 1 entries (got 0)"),
        ({"markets": {}}, "markets: must be a list (got a table)"),
        ({"fees": []}, "fees: must be a table (got a list of 0)"),
        ({"fill_at": "mid"}, 'fill_at: must be one of before, average, after (got "mid")'),
        (
            {"fill_at": "befor"},
            "fill_at: must be one of before, average, after (got \"befor\"); did you mean 'before'?",
        ),
        ({"about": "x" * 2001}, "about: must have at most 2000 characters (got 2,001 characters)"),
        ({"name": 5}, "name: must be text (got 5)"),
        (
            {"name": "a b"},
            "name: only letters, digits, '_', '.', '-', first a letter or digit, at most 64 in all (got \"a b\")",
        ),
        ({"name": "CON"}, 'name: reserved by some file systems (got "CON")'),
        ({"name": "nul.txt"}, 'name: reserved by some file systems (got "nul.txt")'),
        ({"name": "storm."}, 'name: reserved by some file systems (got "storm.")'),
        ({"stepps": 3}, "stepps: unknown field; did you mean 'steps'?"),
        ({"volatility": 1.0}, "volatility: unknown field here; it belongs to markets[].volatility"),
        ({"fees": {"taker_rat": 0.1}}, "fees.taker_rat: unknown field; did you mean 'taker_rate'?"),
        ({"qqqq": 1}, "qqqq: unknown field"),
        (
            {"liquidation": {"kind": "full", "share": 0.5}},
            "liquidation.share: unknown field of this kind; it belongs to kind close_factor, fraction, staged_notional",
        ),
        ({"price": {}}, None),
        (
            {"population": [{"count": 1}]},
            "population[0].kind: required, but missing",
        ),
        (
            {"population": [{"kind": "holder", "count": 1, "deposit": "lots"}]},
            'population[0].deposit: must be a number (got text "lots")',
        ),
    ],
)
def test_a_complaint_becomes_one_line(changes: dict[str, Any], line: str | None) -> None:
    found = problems(**changes)
    assert len(found) == 1
    if line is None:
        assert found[0].startswith("price.kind: must be one of bridge, dcc, flat, garch, gbm")
    else:
        assert found == [line]


def test_a_hundred_problems_are_twenty_lines_and_a_count() -> None:
    found = problems(markets=[{"name": f"M{i}", "price": -1.0} for i in range(100)])
    assert len(found) == LIMIT + 1
    assert found[-1] == "and 80 more problems"
    assert found[0] == "markets[0].price: must be greater than 0 (got -1.0)"


def test_beyond_a_hundred_the_count_is_still_right() -> None:
    found = problems(markets=[{"name": f"M{i}", "price": -1.0} for i in range(150)])
    assert found[-1] == "and 130 more problems"


def test_any_model_will_do() -> None:
    class Form(BaseModel, extra="forbid"):
        width: float

    with pytest.raises(ValidationError) as caught:
        Form.model_validate({"widht": 1.0})
    lines = problem_lines(caught.value, Form)
    assert "width: required, but missing" in lines
    assert "widht: unknown field; did you mean 'width'?" in lines
