"""Comparing answers: numbers within a tolerance, everything else exactly, nothing missing."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.conformance.comparison import Tolerance, findings, plain

EXACT = Tolerance(0.0, 0.0)
numbers = st.floats(-1e12, 1e12)


def problems(expected: Any, answer: Any, tolerance: Tolerance = EXACT) -> list[str]:
    return [str(finding) for finding in findings(expected, answer, tolerance) if finding.problem]


@given(numbers, numbers, st.floats(0.0, 1.0), st.floats(0.0, 1e3))
def test_a_number_passes_exactly_when_it_is_near_enough(
    expected: float, answer: float, relative: float, absolute: float
) -> None:
    near = abs(expected - answer) <= absolute + relative * abs(expected)
    assert (problems(expected, answer, Tolerance(relative, absolute)) == []) == near


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (1, 1.0),
        (True, np.True_),
        (None, None),
        ("long", "long"),
        ([1, 2], np.array([1.0, 2.0])),
        ([1, 2], (1, 2)),
        ([], []),
        ({"a": {"b": [1]}}, {"a": {"b": [1.0], "c": 2}, "d": 3}),
        ({"2": 10}, {2: 10}),
        (math.inf, math.inf),
        (5, np.int64(5)),
    ],
)
def test_equal_answers_pass(expected: Any, answer: Any) -> None:
    assert problems(expected, answer) == []


@pytest.mark.parametrize(
    ("expected", "answer", "problem"),
    [
        (1, 2, ": expected 1.0, got 2.0, off by 1 where 0 is allowed"),
        (1, True, ": expected 1, got true"),
        (True, 1, ": expected true, got 1"),
        (False, None, ": expected false, got nothing"),
        (None, 0, ": expected nothing, got 0"),
        (1, None, ": expected 1, got nothing"),
        (1, math.nan, ": expected 1.0, got nan, off by nan where 0 is allowed"),
        (math.inf, 3, ": expected inf, got 3.0, off by inf where nan is allowed"),
        ("long", "short", ': expected "long", got "short"'),
        ([1, 2], [1], ": expected a list of 2, got a list of 1"),
        ([1], 1, ": expected a list of 1, got 1"),
        ({"a": 1}, 1, ": expected a table, got 1"),
        ({"a": [{"b": 1}]}, {"a": [{}]}, "a[0].b: is missing from the answer"),
        ({"a": [1, 2]}, {"a": [1, 5]}, "a[1]: expected 2.0, got 5.0, off by 3 where 0 is allowed"),
    ],
)
def test_what_is_wrong_is_named(expected: Any, answer: Any, problem: str) -> None:
    assert problems(expected, answer) == [problem.removeprefix(": ")]


def test_errors_are_relative_for_large_numbers_and_absolute_for_small_ones() -> None:
    errors = {f.path: f.error for f in findings({"big": 200.0, "small": 0.0}, {"big": 202.0, "small": 0.5}, EXACT)}
    assert errors == {"big": pytest.approx(0.01), "small": 0.5}


def test_a_table_overrides_the_tolerance_it_names_and_keeps_the_rest() -> None:
    base = Tolerance(1e-3, 5.0)
    assert Tolerance.of({"rel": 0}, base) == Tolerance(0.0, 5.0)
    assert Tolerance.of(None, base) == base
    assert Tolerance.of({"rel": 0, "abs": 0.01}, base) == Tolerance(0.0, 0.01)


def test_arrays_and_their_numbers_become_plain() -> None:
    assert plain(np.float64(2.5)) == 2.5 and type(plain(np.int64(2))) is int
    assert plain(np.array([[1, 2]])) == [[1, 2]]
