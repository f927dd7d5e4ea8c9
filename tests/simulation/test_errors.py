"""Errors: one family, each also a builtin; how values are shown; hints."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation import errors
from simulation.errors import CrossMarginError, InputError, ScenarioError, described, nearest, shown

BUILTIN = {
    errors.InputError: ValueError,
    errors.ScenarioError: ValueError,
    errors.PriceDataError: ValueError,
    errors.StoreError: ValueError,
    errors.ConservationError: ArithmeticError,
    errors.CapacityError: OverflowError,
    errors.RunFailed: RuntimeError,
}


@pytest.mark.parametrize("error", BUILTIN, ids=lambda error: error.__name__)
def test_every_deliberate_error_is_of_the_family_and_a_builtin(error: type[Exception]) -> None:
    assert issubclass(error, CrossMarginError)
    assert issubclass(error, BUILTIN[error])


def test_no_error_is_missing_from_that_list() -> None:
    found = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, CrossMarginError)}
    assert found - {CrossMarginError} == set(BUILTIN)


def test_a_refusal_has_one_line_a_problem_each_with_its_source() -> None:
    refusal = ScenarioError(["seed: bad", "steps: worse"], "storm.toml")
    assert refusal.problems == ["storm.toml: seed: bad", "storm.toml: steps: worse"]
    assert str(refusal) == "storm.toml: seed: bad\nstorm.toml: steps: worse"


def test_a_single_problem_may_be_plain_text_and_the_source_left_out() -> None:
    assert InputError("seed: bad").problems == ["seed: bad"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("abc", '"abc"'),
        ("a\nb", '"a\\nb"'),
        ("\u202eevil", '"\\u202eevil"'),
        ("\x1b[31m", '"\\x1b[31m"'),
        (1.5, "1.5"),
        (True, "True"),
        (10**400, "401 digits"),
        (-(10**400), "401 digits"),
        (2**999, str(2**999)[:57] + "..."),
    ],
)
def test_values_are_shown_printable_and_short(value: object, text: str) -> None:
    if isinstance(value, int) and abs(value) > 2**1000:
        text = f"{value.bit_length() * 0.30103:,.0f} digits"
    assert shown(value) == text


@given(value=st.one_of(st.text(), st.integers(), st.floats(), st.binary(), st.lists(st.text())))
def test_whatever_is_shown_is_ascii_one_line_and_within_its_limit(value: object) -> None:
    text = shown(value)
    assert len(text) <= 60
    assert text.isascii()
    assert text.isprintable()


def test_sixty_characters_are_shown_whole_and_sixty_one_are_cut() -> None:
    assert shown("x" * 58) == '"' + "x" * 58 + '"'
    assert shown("x" * 59) == '"' + "x" * 56 + "..."
    assert shown("abcdefgh", limit=6) == '"ab...'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        ([1, 2, 3], "a list of 3"),
        ((), "a list of 0"),
        ({"a": 1}, "a table"),
        (None, "nothing"),
        (datetime.date(2025, 10, 10), "2025-10-10"),
        ("text", '"text"'),
        (7, "7"),
    ],
)
def test_values_are_described_as_a_scenario_file_would_say_it(value: object, text: str) -> None:
    assert described(value) == text


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("leverge", "; did you mean 'leverage'?"),
        (" LEVERAGE ", "; did you mean 'leverage'?"),
        ("btc", "; did you mean 'BTC'?"),
        ("zebra", ""),
        ("leverage" * 9, ""),
        (7, ""),
    ],
)
def test_a_name_close_to_a_known_one_gets_a_hint(name: object, hint: str) -> None:
    assert nearest(name, ["leverage", "deposit", "BTC"]) == hint


def test_where_nothing_is_known_there_is_no_hint() -> None:
    assert nearest("x", []) == ""
