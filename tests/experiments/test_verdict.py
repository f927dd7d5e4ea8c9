"""The verdict: estimates, paired differences and phi* from outcomes made by hand, and the table word for word."""

import math
from pathlib import Path

import numpy as np
import pytest

from experiments.findings import findings, headline
from experiments.measures import measure_named
from experiments.statistics import Estimate
from experiments.verdict import cells, crossings, summary_table
from experiments.verdict_table import WIDTH, seeds_text, star_text, verdict_table
from experiments.wording import difference_text, dollars, level_text, number
from tests.experiments.comparisons import by_hand, tiny_comparison

GOLDEN = Path(__file__).with_name("golden_verdict.txt")
TEN = np.array([4.0, 6.0, 5.0, 7.0, 3.0, 5.0, 6.0, 4.0, 5.0, 5.0])
HEALTHY = [0.5, math.nan, 0.6, 0.7, 0.5, 0.6, 0.4, 0.5, 0.6, 0.6]
TOLD = {
    ("isolated", 0.0, False): {
        "bad_debt": 1e5 * TEN,
        "liquidated_notional": 1e6 * TEN,
        "healthy_closed_share": np.zeros(10),
    },
    ("isolated", 0.0, True): {"liquidated_notional": 5e5 * TEN},
    ("cross", 0.0, False): {
        "bad_debt": np.zeros(10),
        "liquidated_notional": 6e5 * TEN,
        "healthy_closed_share": HEALTHY,
    },
    ("cross", 0.0, True): {"liquidated_notional": np.zeros(10)},
    ("portfolio", 0.0, False): {"bad_debt": 1e4 * TEN, "liquidated_notional": 6e5 * TEN},
    ("portfolio", 0.0, True): {"liquidated_notional": 3e5 * TEN},
    ("portfolio", 0.25, False): {"bad_debt": 5e4 * TEN},
    ("portfolio", 0.5, False): {"bad_debt": 8e4 * TEN + np.arange(10.0) * 1e3},
    ("portfolio", 0.75, False): {"bad_debt": 2e5 * TEN},
    ("portfolio", 1.0, False): {
        "bad_debt": 1e6 * TEN,
        "insolvent": [1, 0, 1, 1, 0, 1, 0, 1, 1, 0],
        "liquidated_notional": 4e6 * TEN,
    },
    ("portfolio", 1.0, True): {"liquidated_notional": 1e6 * TEN + np.arange(10.0) * 1e5},
}


@pytest.fixture(scope="module")
def told():
    outcomes = by_hand(TOLD)
    return outcomes, cells(outcomes), crossings(outcomes)


def cell(found, name, regime, design="equal positions"):
    return next(c for c in found if (c.measure.name, c.regime, c.design) == (name, regime, design))


def test_the_table_reads_word_for_word_as_agreed(told):
    assert verdict_table(*told) == GOLDEN.read_text("utf-8")


def test_no_line_is_wider_than_the_page_and_none_is_cut(told):
    for text in (verdict_table(*told), str(tiny_comparison())):
        assert max(map(len, text.splitlines())) <= WIDTH
        assert "~" not in text


def test_an_event_that_never_came_is_less_than_three_over_n_and_never_zero_percent(told):
    _, found, _ = told
    assert level_text(cell(found, "insolvent", "isolated")) == "< 3/10 (< 30 %)"
    table = verdict_table(*told)
    assert "0 %]" not in table.replace("30 %", "").replace("10 %", "")
    always = by_hand({("cross", 0.0, False): {"insolvent": np.ones(10)}})
    assert level_text(cell(cells(always), "insolvent", "cross")) == "> 1-3/10 (> 70 %)"
    few = by_hand(seeds=3)
    assert level_text(cell(cells(few), "insolvent", "cross")) == "0 of 3: too few"


def test_an_amount_that_never_came_is_none_and_an_equal_one_is_the_same(told):
    _, found, _ = told
    assert level_text(cell(found, "bad_debt", "cross")) == "none in 10"
    assert difference_text(cell(found, "insolvent", "cross")) == "same in all 10"
    assert difference_text(cell(found, "bad_debt", "isolated")) == "reference"


def test_differences_are_paired_by_storm(told):
    _, found, _ = told
    gap = cell(found, "bad_debt", "portfolio", "equal utilisation").difference
    assert gap.value == pytest.approx(9e5 * TEN.mean())
    assert gap.method.startswith("paired")
    assert gap.excludes_zero


def test_a_measure_undefined_in_one_storm_says_so_and_is_taken_over_the_others(told):
    _, found, _ = told
    healthy = cell(found, "healthy_closed_share", "cross")
    assert healthy.estimate.n == 9
    assert healthy.difference.n == 9
    assert level_text(healthy).endswith("*")
    table = summary_table(found).set_index(["measure", "regime", "design"])
    row = table.loc[("healthy_closed_share", "cross", "equal positions")]
    assert (row["runs"], row["storms"]) == (9, 10)


def test_amplification_without_a_denominator_is_undefined_with_its_reason(told):
    _, found, _ = told
    assert cell(found, "amplification_liquidated_notional", "isolated").estimate.value == 2.0
    assert "nothing happened" in cell(found, "amplification_liquidated_notional", "cross").estimate.reason


def test_phi_star_is_where_the_mean_curves_meet(told):
    _, _, stars = told
    at_half, at_three_quarters = 8e4 * 5 + 4500, 2e5 * 5
    assert stars["bad_debt"].value == pytest.approx(0.5 + 0.25 * (5e5 - at_half) / (at_three_quarters - at_half))
    assert math.isnan(stars["insolvent"].value)
    assert "portfolio margin stays above" in star_text("insolvent", stars["insolvent"])


def test_without_a_crossing_the_gap_is_told_in_dollars_or_points():
    low = {("portfolio", phi, False): {"bad_debt": 1e4 * TEN} for phi in (0.0, 0.25, 0.5, 0.75, 1.0)}
    stars = crossings(by_hand({**low, ("isolated", 0.0, False): {"bad_debt": 1e6 * TEN}}))
    expected = "no phi*: portfolio margin stays below; the smallest gap is $4.95 million at phi = 0"
    assert star_text("bad_debt", stars["bad_debt"]) == expected


def test_intervals_stay_within_what_the_quantity_can_be(told):
    _, found, _ = told
    for each in found:
        if each.estimate.defined and each.measure.unit in ("%", "probability"):
            assert each.estimate.low >= 0.0
            assert each.estimate.high <= 100.0


def test_the_headline_says_who_leaves_more_bad_debt(told):
    text = headline(*told)
    assert text == (
        "Bad debt against isolated margin. Equal positions: less under cross, less under portfolio; "
        "equal utilisation: less under cross, more under portfolio. "
        "Portfolio and isolated margin break even when traders re-use 54 % of the margin set free."
    )


def test_findings_name_the_axis_the_design_the_size_and_the_unit(told):
    said = findings(*told)
    assert list(said) == ["Solvency", "Liquidation volume", "Contagion", "Re-use of freed margin"]
    solvency = "\n".join(said["Solvency"])
    sentence = "Either design: cross margin leaves less bad debt than isolated margin: -500 [-580, -420] $ thousand"
    assert sentence in solvency
    assert "Either design: cross and isolated margin have the same insolvencies in all 10 storms." in solvency
    assert "Equal utilisation: portfolio margin has more insolvencies" in solvency
    assert "percentage points of storms" in solvency


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "$0"), (950.0, "$950"), (1234.0, "$1.23 thousand"), (-5e6, "-$5 million"), (2.5e10, "$25 bn")],
)
def test_dollars_come_in_sensible_units(value, text):
    assert dollars(value) == text


def test_numbers_are_never_in_exponent_form():
    assert [number(x) for x in (1234567.0, 12.345, 0.5, 0.0, -0.0)] == ["1,234,567", "12.3", "0.500", "0", "0"]
    assert number(-0.0001, digits=2) == "0.00"
    assert number(math.nan) == "?"


def test_long_lists_of_seeds_are_shortened():
    assert seeds_text([1, 2, 3, 4]) == "1-4"
    assert seeds_text([9, 3, 4]) == "3-4, 9"
    assert seeds_text(range(0, 100, 2)) == "0, 2, 4, 6, 8, 10, ... 98"


def test_a_phi_star_with_an_open_end_says_so():
    star = Estimate(0.4, 0.1, math.nan, 9, "m", "open above: 4 % of the resamples meet at or after 1")
    assert star_text("bad_debt", star) == "phi* = 0.40 [0.10, ?] (open above: 4 % of the resamples meet at or after 1)"


def test_every_measure_can_be_found_by_its_name(told):
    for name in summary_table(told[1])["measure"].unique():
        assert measure_named(name).name == name
