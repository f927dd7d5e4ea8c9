"""Cells of the verdict on paper: signs, bounds of shares, decimals, and what is undefined."""

import math

import numpy as np
import pytest

from experiments.measures import measure_named
from experiments.verdict import cells, estimate, summary_table
from experiments.wording import difference_text, interval_text
from tests.experiments.comparisons import by_hand

T5 = 2.7764451  # 97.5 % quantile of Student's t with four degrees of freedom
Z = 1.9599640


def cell(found, name, regime, design="equal positions"):
    return next(c for c in found if (c.measure.name, c.regime, c.design) == (name, regime, design))


# Estimates --------------------------------------------------------------------------------------------------------


def test_a_probability_is_wilsons_share_in_percent() -> None:
    """3 of 12: the middle is (p + z^2 / 2n) / (1 + z^2 / n)."""
    found = estimate(measure_named("insolvent"), np.array([1.0] * 3 + [0.0] * 9))
    spread = Z * Z / 12
    middle = (0.25 + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (0.25 * 0.75 + spread / 4)) / (1 + spread)
    assert (found.value, found.n) == (25.0, 12)
    assert (found.low, found.high) == pytest.approx((100 * (middle - half), 100 * (middle + half)), rel=1e-6)


def test_a_probability_with_a_storm_that_is_not_known_is_undefined_and_a_mean_goes_on_without_it() -> None:
    storms = np.array([1.0, math.nan, 0.0, 1.0])
    probability = estimate(measure_named("insolvent"), storms)
    assert math.isnan(probability.value)
    assert probability.reason == "some values are not finite"
    mean = estimate(measure_named("bad_debt"), storms)
    assert (mean.value, mean.n) == (pytest.approx(2.0 / 3.0), 3)


def test_intervals_end_where_the_quantity_does() -> None:
    """Of five storms: 98 % on average and half-widths beyond 100 % and below 0 dollars."""
    share = estimate(measure_named("liquidated_share"), np.array([0.9, 1.0, 1.0, 1.0, 1.0]))
    half = T5 * 100 * np.std([0.9, 1.0, 1.0, 1.0, 1.0], ddof=1) / math.sqrt(5)
    assert (share.value, share.low, share.high) == (pytest.approx(98.0), pytest.approx(98.0 - half), 100.0)
    assert half > 2.0
    debt = estimate(measure_named("bad_debt"), np.array([0.0, 0.0, 0.0, 0.0, 10.0]))
    half = T5 * np.std([0.0, 0.0, 0.0, 0.0, 10.0], ddof=1) / math.sqrt(5)
    assert (debt.value, debt.low, debt.high) == (2.0, 0.0, pytest.approx(2.0 + half))
    ratio = estimate(measure_named("capital_efficiency"), np.array([90.0, 110.0, 100.0, 105.0, 95.0]))
    assert ratio.high > 100.0, "times are no share"


# Differences ------------------------------------------------------------------------------------------------------


def test_a_difference_is_the_regime_less_isolated_storm_by_storm() -> None:
    """7, 4 and 4 less 5, 5 and 2: 2, -1 and 2, mean 1, standard deviation sqrt(3)."""
    changes = {
        ("cross", 0.0, False): {"bad_debt": [7.0, 4.0, 4.0]},
        ("isolated", 0.0, False): {"bad_debt": [5.0, 5.0, 2.0]},
    }
    found = cells(by_hand(changes, seeds=3))
    gap = cell(found, "bad_debt", "cross").difference
    half = 4.3026527 * math.sqrt(3.0) / math.sqrt(3.0)
    assert (gap.value, gap.low, gap.high) == pytest.approx((1.0, 1.0 - half, 1.0 + half), rel=1e-6)
    assert cell(found, "bad_debt", "isolated").difference is None
    assert cell(found, "bad_debt", "isolated").estimate.value == 4.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_two_shares_differ_by_a_hundred_points_at_most(sign: float) -> None:
    """1, 1, 1, 1, 0 against 0: 80 points with half-width T5 100 / sqrt(25) = 55.5."""
    hit, safe = [1.0, 1.0, 1.0, 1.0, 0.0], np.zeros(5)
    first, second = (hit, safe) if sign > 0.0 else (safe, hit)
    changes = {
        ("cross", 0.0, False): {"insolvent": first, "bad_debt": 100.0 * np.asarray(first)},
        ("isolated", 0.0, False): {"insolvent": second, "bad_debt": 100.0 * np.asarray(second)},
    }
    found = cells(by_hand(changes, seeds=5))
    gap, debt = (cell(found, name, "cross").difference for name in ("insolvent", "bad_debt"))
    half = T5 * 100.0 * math.sqrt(0.2) / math.sqrt(5.0)
    ends = sorted([sign * (80.0 - half), sign * 100.0])
    assert (gap.value, gap.low, gap.high) == pytest.approx((sign * 80.0, *ends), rel=1e-6)
    assert max(abs(debt.low), abs(debt.high)) == pytest.approx(80.0 + half, rel=1e-6), "dollars have no such bound"


def test_the_last_bits_of_a_quotient_are_no_difference() -> None:
    third = np.full(5, 1.0 / 3.0)
    changes = {
        ("cross", 0.0, False): {"capital_efficiency": third * (1.0 + 1e-15)},
        ("isolated", 0.0, False): {"capital_efficiency": third},
    }
    found = cell(cells(by_hand(changes, seeds=5)), "capital_efficiency", "cross")
    assert difference_text(found) == "same in all 5"


def test_amplification_is_total_over_total_and_its_difference_that_of_the_ratios() -> None:
    """Cross: (8 + 4) / (2 + 2) = 3; isolated: (6 + 6) / (4 + 2) = 2."""
    changes = {
        ("cross", 0.0, False): {"liquidated_notional": [8.0, 4.0]},
        ("cross", 0.0, True): {"liquidated_notional": [2.0, 2.0]},
        ("isolated", 0.0, False): {"liquidated_notional": [6.0, 6.0]},
        ("isolated", 0.0, True): {"liquidated_notional": [4.0, 2.0]},
    }
    table = summary_table(cells(by_hand(changes, seeds=2))).set_index(["measure", "regime", "design"])
    row = table.loc[("amplification_liquidated_notional", "cross", "equal positions")]
    assert (row["estimate"], row["difference"]) == (3.0, 1.0)
    reference = table.loc[("amplification_liquidated_notional", "isolated", "equal positions")]
    assert math.isnan(reference["difference"])
    assert reference["difference_note"] == "this is the reference"
    assert reference["difference_runs"] == 2


def test_storms_with_an_event_are_those_whose_value_is_known_and_not_zero() -> None:
    changes = {("cross", 0.0, False): {"adl_notional": [0.0, 3.0, math.nan, -1.0]}}
    found = cell(cells(by_hand(changes, seeds=4)), "adl_notional", "cross")
    assert (found.events, found.storms, found.estimate.n) == (2, 4, 3)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1234.0, 1230.0, 1238.0], "1,234 [1,224, 1,244]"),
        ([0.5, 0.51, 0.49], "0.50 [0.48, 0.52]"),
        ([3.0, 3.001, 2.999], "3.00 [3.00, 3.00]"),
    ],
)
def test_an_interval_has_the_decimals_that_fit_its_width(values: list[float], text: str) -> None:
    """Half-widths are 4.3027 s / sqrt(3)."""
    assert interval_text(estimate(measure_named("capital_efficiency"), np.array(values))) == text
