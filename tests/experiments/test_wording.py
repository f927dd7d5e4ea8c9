"""Numbers as words: scales, signs, decimals, events that never came, and sentences with their reservations."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.arms import Plan
from experiments.findings import findings, headline
from experiments.limits import ALWAYS, not_modelled
from experiments.measures import DOLLARS, measure_named
from experiments.statistics import Estimate, undefined
from experiments.verdict import Cell, Outcomes, cells, crossings
from experiments.verdict_table import seeds_text, star_text, wrapped
from experiments.wording import (
    cell_scale,
    counted,
    difference_text,
    dollar_scale,
    dollars,
    interval_text,
    level_text,
    number,
    short,
)
from tests.experiments.comparisons import by_hand, tiny

MONEY = st.floats(-1e13, 1e13, allow_nan=False)


def cell(name, estimate, difference=None, events=1, storms=None):
    return Cell(
        "axis", measure_named(name), "cross", "equal positions", estimate, difference, storms or estimate.n, events
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "$0"),
        (999.0, "$999"),
        (1_000.0, "$1 thousand"),
        (1_234_567.0, "$1.23 million"),
        (-2.5e9, "-$2.5 bn"),
        (0.5, "$0.5"),
        (999.4, "$999"),
        (999.6, "$1 thousand"),
        (999_900.0, "$1 million"),
        (-999_600_000.0, "-$1 bn"),
        (1.2345e12, "$1,230 bn"),
    ],
)
def test_amounts_in_sentences(value, text):
    assert dollars(value) == text


@given(st.floats(-1e13, 1e13).filter(lambda value: value == 0.0 or abs(value) > 1e-3))
def test_an_amount_in_a_sentence_has_three_digits_and_no_exponent(value):
    text = dollars(value)
    digits, _, name = text.replace("-", "").replace("$", "").replace(",", "").partition(" ")
    assert "e" not in digits
    scale = {"": 1.0, "thousand": 1e3, "million": 1e6, "bn": 1e9}[name]
    assert float(digits) * scale == pytest.approx(abs(value), rel=6e-3)
    assert 1.0 <= float(digits) < 1_000.0 or name in ("", "bn")
    assert text.startswith("-$" if value < 0.0 else "$")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (12.34, "12.3"), (999.6, "1,000"), (1095.0, "1,100"), (1e-4, "0.0001"), (0.0, "0")],
)
def test_short_numbers_are_never_written_with_an_exponent_of_ten(value, text):
    assert short(value) == text


def test_one_thing_is_told_in_the_singular():
    assert [counted(n, "pool") for n in (0, 1, 2, 1_200)] == ["0 pools", "1 pool", "2 pools", "1,200 pools"]
    assert [counted(n, "community", "communities") for n in (1, 3)] == ["1 community", "3 communities"]


@given(st.lists(MONEY, min_size=1))
def test_the_scale_gives_the_largest_one_to_three_digits_before_the_point(values):
    scale, unit = dollar_scale([*values, math.nan, math.inf])
    largest = max(abs(value) for value in values) / scale
    assert unit.startswith("$")
    assert largest < 1_000.0 or scale == 1e9
    assert largest >= 1.0 or scale == 1.0


@given(MONEY)
def test_numbers_are_read_back_to_three_digits(value):
    text = number(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=6e-3, abs=1e-6)
    assert "e" not in text
    assert not re.fullmatch(r"-0(\.0*)?", text)


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (1234.5, {}, "1,234"),
        (0.012345, {}, "0.0123"),
        (2.0, {"sign": True}, "+2.00"),
        (-0.0001, {"digits": 2}, "0.00"),
        (math.nan, {}, "?"),
        (1.005, {"digits": 0}, "1"),
    ],
)
def test_numbers_one_by_one(value, options, text):
    assert number(value, **options) == text


@given(st.floats(-1e6, 1e6), st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_the_printed_value_lies_in_the_printed_interval(value, below, above):
    text = interval_text(Estimate(value, value - below, value + above, 9, "mean"))
    middle, low, high = (float(x.replace(",", "")) for x in re.findall(r"-?\d[\d,]*(?:\.\d+)?", text))
    assert low <= middle <= high


def test_an_open_end_of_an_interval_is_a_question_mark():
    assert interval_text(Estimate(1.0, math.nan, 2.0, 9, "mean")) == "1.00 [?, 2.00]"
    assert interval_text(Estimate(1.0, 0.5, math.inf, 9, "mean")).startswith("1.00 [0.50, ")


@pytest.mark.parametrize(
    ("events", "n", "text"),
    [
        (0, 3, "0 of 3: too few"),
        (3, 3, "3 of 3: too few"),
        (0, 20, "< 3/20 (< 15 %)"),
        (20, 20, "> 1-3/20 (> 85 %)"),
        (0, 300, "< 3/300 (< 1 %)"),
        (0, 7, "< 3/7 (< 42.9 %)"),
    ],
)
def test_a_share_of_none_or_all_is_a_bound_and_of_few_storms_nothing(events, n, text):
    share = 100.0 * events / n
    assert level_text(cell("insolvent", Estimate(share, 0.0, 100.0, n, "Wilson 95 %"), events=events)) == text


@given(st.integers(4, 5_000))
def test_no_share_of_storms_is_ever_printed_as_zero_percent(n):
    text = level_text(cell("insolvent", Estimate(0.0, 0.0, 1.0, n, "Wilson 95 %"), events=0))
    bound = float(re.search(r"< ([\d.]+) %", text)[1])
    assert bound >= 300.0 / n - 1e-9 or bound == pytest.approx(300.0 / n, rel=5e-3)
    assert bound > 0.0


def test_an_amount_that_never_came_says_in_how_many_storms():
    assert level_text(cell("bad_debt", Estimate(0.0, 0.0, 0.0, 12, "mean"))) == "none in 12"


def test_a_star_says_that_not_all_storms_have_a_value():
    assert level_text(cell("cascade_size", Estimate(2.0, 1.0, 3.0, 5, "mean"), storms=8)).endswith("*")
    assert not level_text(cell("cascade_size", Estimate(2.0, 1.0, 3.0, 8, "mean"))).endswith("*")


def test_differences_that_are_none_undefined_or_the_same_are_said_in_words():
    level = Estimate(1.0, 0.0, 2.0, 9, "mean")
    assert difference_text(cell("bad_debt", level)) == "reference"
    assert difference_text(cell("bad_debt", level, undefined(9, "", "why"))) == "undefined"
    assert difference_text(cell("bad_debt", level, Estimate(0.0, 0.0, 0.0, 9, "m"))) == "same in all 9"
    assert difference_text(cell("bad_debt", level, Estimate(5.0, 5.0, 5.0, 9, "m"))) == "+5.00 in all 9"
    assert difference_text(cell("bad_debt", level, Estimate(-5.0, -6.0, -4.0, 9, "m"))).startswith("-5.0")


def test_cells_of_one_measure_share_a_unit():
    small, large = (cell("bad_debt", Estimate(x, x, x, 9, "m")) for x in (5.0, 5e6))
    assert cell_scale(small.measure, [small, large]) == (1e6, "$ million")
    assert cell_scale(measure_named("liquidated_share"), []) == (1.0, "%")
    assert measure_named("bad_debt").unit == DOLLARS


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ([1, 2, 3], "1-3"),
        ([3, 7, 8], "3, 7-8"),
        ([5], "5"),
        ([9, 1], "1, 9"),
        (list(range(0, 40, 2)), "0, 2, 4, 6, 8, 10, ... 38"),
    ],
)
def test_seeds_are_told_in_runs(seeds, text):
    assert seeds_text(seeds) == text


@given(st.text("ab c", max_size=200), st.integers(30, 80))
def test_wrapped_lines_fit_and_lose_no_word(text, width):
    lines = wrapped(f"  {text}", width)
    assert all(len(line) <= max(width, max(map(len, text.split()), default=0) + 4) for line in lines)
    assert " ".join(lines).replace(" ", "") == text.replace(" ", "")


def test_why_there_is_no_phi_star_is_told_with_its_unit():
    reason = "no crossing: the first curve stays below; the smallest gap is 0.25 at 0.5"
    told = star_text("insolvent", undefined(9, "crossing", reason))
    assert told == "no phi*: portfolio margin stays below; the smallest gap is 25 percentage points at phi = 0.5"
    money = star_text("bad_debt", undefined(9, "crossing", reason.replace("0.25 at", "2.5e+06 at")))
    assert "gap is $2.5 million at phi = 0.5" in money


# Sentences ----------------------------------------------------------------------------------------------------


def told(outcomes):
    found, stars = cells(outcomes), crossings(outcomes)
    return headline(outcomes, found, stars), findings(outcomes, found, stars)


def with_debt(portfolio, isolated):
    arms = {("portfolio", phi, False): {"bad_debt": portfolio} for phi in (0.0, 0.25, 0.5, 0.75, 1.0)}
    return by_hand({**arms, ("isolated", 0.0, False): {"bad_debt": isolated}})


@pytest.mark.parametrize(
    ("portfolio", "words"),
    [
        (np.arange(10.0) + 2_000.0, "more under portfolio"),
        (np.zeros(10), "less under portfolio"),
        (np.arange(10.0) + 1_000.0, "the same under portfolio"),
        (1_003.0 + np.arange(10.0) + 50.0 * (-1.0) ** np.arange(10), "no difference that can be told under portfolio"),
    ],
)
def test_the_headline_goes_no_further_than_the_interval(portfolio, words):
    text, _ = told(with_debt(portfolio, np.arange(10.0) + 1_000.0))
    assert words in text
    assert text.startswith("Bad debt against isolated margin.")


def test_a_difference_that_may_be_zero_is_said_to_be_unknown():
    noisy = 1_003.0 + np.arange(10.0) + 50.0 * (-1.0) ** np.arange(10)
    _, lines = told(with_debt(noisy, np.arange(10.0) + 1_000.0))
    assert any("10 storms cannot tell portfolio from isolated margin by bad debt" in line for line in lines["Solvency"])


def test_equal_arms_are_said_to_be_the_same_in_all_storms():
    _, lines = told(by_hand())
    assert any("have the same bad debt in all 10 storms" in line for line in lines["Solvency"])


def test_a_difference_without_a_value_says_why():
    _, lines = told(by_hand({("cross", 0.0, False): {"bad_debt": np.full(10, np.nan)}}))
    assert any("bad debt of cross margin cannot be compared: " in line for line in lines["Solvency"])


def test_without_isolated_margin_the_first_regime_is_what_others_are_held_against():
    outcomes = by_hand()
    other = Outcomes(outcomes.scenario, Plan(regimes=("cross", "portfolio")), outcomes.seeds, outcomes.values)
    text, lines = told(other)
    assert text.startswith("Bad debt against cross margin. Equal positions: ")
    assert lines["Solvency"]
    assert not any("isolated" in line for line in lines["Solvency"])
    assert all("isolated margin was not run" in line for line in lines["Re-use of freed margin"])


def test_a_regime_that_frees_nothing_is_not_told_twice():
    _, lines = told(by_hand({("cross", 0.0, False): {"bad_debt": np.arange(10.0) + 50.0}}))
    cross = [line for line in lines["Solvency"] if "cross" in line and "bad debt" in line]
    assert len(cross) == 1
    assert cross[0].startswith("Either design: ")


# Limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price": {"kind": "replay", "prices": [[100.0, 50.0, 10.0]] * 25}}, "one path that happened"),
        ({"impact": {"kind": "none"}}, "Impact is off"),
        ({"depth": {"elasticity": 0.0}}, "Depth is constant"),
        ({"funding": {"kind": "none"}}, "No funding payments"),
        ({"liquidation": {"kind": "full"}}, "liquidates without limit"),
        ({"oracle": {"kind": "lagged", "delay_steps": 0}}, "The oracle has no delay"),
        ({"liquidators": []}, "No liquidators"),
    ],
)
def test_what_is_switched_off_is_said(changes, words):
    said = not_modelled(tiny(**changes))
    assert any(words in line for line in said)
    assert said[-len(ALWAYS) :] == list(ALWAYS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"impact": {"kind": "linear"}}, "Impact is off"),
        ({"depth": {"elasticity": 0.5}}, "Depth is constant"),
        ({"liquidation": {"kind": "full", "capacity": 1e6}}, "liquidates without limit"),
        ({"oracle": {"kind": "lagged", "delay_steps": 2}}, "The oracle has no delay"),
        ({"liquidators": [{"capital": 1e5}]}, "No liquidators"),
    ],
)
def test_what_is_switched_on_is_not_called_missing(changes, words):
    assert not any(words in line for line in not_modelled(tiny(**changes)))
