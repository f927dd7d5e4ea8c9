"""Ratios of totals: amplification with an interval, and undefined where nothing happened without impact."""

import math

import numpy as np
import pytest

from experiments.ratios import total_ratio, total_ratio_difference

QUIET, STORMY = np.array([1.0, 2.0, 0.0, 4.0, 1.0, 0.0, 3.0, 1.0]), np.array([2.0, 5.0, 0.0, 9.0, 2.0, 1.0, 5.0, 2.0])


def test_the_ratio_is_of_totals_and_keeps_storms_in_which_nothing_happened():
    found = total_ratio(STORMY, QUIET)
    assert found.value == STORMY.sum() / QUIET.sum()
    assert 1.0 < found.low < found.value < found.high
    assert found.n == 8


def test_equal_totals_in_every_storm_give_exactly_one():
    found = total_ratio(QUIET, QUIET)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("top", [QUIET, np.zeros(8)])
def test_nothing_without_impact_makes_it_undefined_with_its_reason(top):
    found = total_ratio(top, np.zeros(8))
    assert math.isnan(found.value)
    assert "nothing happened in the impact-free twins" in found.reason


def test_an_interval_is_refused_where_too_many_resamples_are_empty():
    once = np.array([0.0, 0.0, 3.0])
    found = total_ratio(2 * once, once)
    assert found.value == 2.0
    assert math.isnan(found.low)
    assert "no interval" in found.reason


def test_the_order_of_storms_does_not_matter_and_one_storm_has_no_interval():
    turned = np.array([3, 0, 7, 5, 1, 2, 6, 4])
    assert total_ratio(STORMY, QUIET) == total_ratio(STORMY[turned], QUIET[turned])
    alone = total_ratio(STORMY[:1], QUIET[:1])
    assert alone.value == 2.0
    assert math.isnan(alone.high)


def test_the_difference_of_an_arm_to_itself_is_exactly_zero():
    pair = np.column_stack([STORMY, QUIET])
    found = total_ratio_difference(pair, pair)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    other = np.column_stack([QUIET, QUIET])
    assert total_ratio_difference(pair, other).value == total_ratio(STORMY, QUIET).value - 1.0
