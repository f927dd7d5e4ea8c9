"""Two arms on the same storms: pairing narrows intervals; a crossing is found or its absence explained."""

import math

import numpy as np
import pandas as pd
import pytest

from experiments import paired
from experiments.paired import crossing, paired_difference, unpaired_difference
from simulation.errors import InputError

PHI = np.linspace(0, 1, 6)


def arms(rng, runs=20, gap=0.5, correlation=0.9):
    """Two arms of one storm: a common part and an own part each."""
    common, own = rng.normal(size=runs), rng.normal(size=(2, runs))
    first, second = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own
    return first + gap, second


def test_the_paired_interval_is_three_times_narrower_at_correlation_nine_tenths():
    ratios = []
    for i in range(40):
        a, b = arms(np.random.default_rng(i), runs=40)
        paired, unpaired = paired_difference(a, b), unpaired_difference(a, b)
        ratios.append((unpaired.high - unpaired.low) / (paired.high - paired.low))
    assert np.median(ratios) > 2.9  # sqrt(10) = 3.16 in the limit


def test_pairing_gains_nothing_without_correlation():
    a, b = arms(np.random.default_rng(3), runs=400, correlation=0)
    paired, unpaired = paired_difference(a, b), unpaired_difference(a, b)
    assert (unpaired.high - unpaired.low) / (paired.high - paired.low) == pytest.approx(1, abs=0.15)


def test_paired_and_unpaired_intervals_cover_95_percent():
    hits = {paired_difference: 0, unpaired_difference: 0}
    for i in range(400):
        a, b = arms(np.random.default_rng(i), correlation=0)
        for estimate in hits:
            result = estimate(a, b)
            hits[estimate] += result.low <= 0.5 <= result.high
    assert all(abs(count / 400 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 400) for count in hits.values())


def test_runs_are_matched_by_key_and_not_by_place():
    a = {3: 30.0, 1: 10.0, 2: 20.0}
    b = {1: 9.0, 2: 18.0, 3: 27.0}
    assert paired_difference(a, b).value == 2.0
    assert paired_difference(pd.Series(a), pd.Series(b)) == paired_difference(a, b)


def test_the_order_of_the_runs_changes_no_bit():
    rng = np.random.default_rng(4)
    a, b = arms(rng)
    order = rng.permutation(len(a))
    assert paired_difference(a[order], b[order]) == paired_difference(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1.0, 2.0], [1.0]),
        ({1: 1.0}, {2: 1.0}),
        ({1: 1.0}, [1.0]),
        (pd.Series([1.0, 2.0], index=[1, 1]), pd.Series([1.0, 2.0], index=[1, 1])),
    ],
)
def test_arms_that_did_not_meet_the_same_storms_are_refused(a, b):
    with pytest.raises(InputError, match=r"same|keyed"):
        paired_difference(a, b)


def test_identical_arms_differ_by_exactly_zero_and_it_is_said():
    a = np.random.default_rng(5).normal(size=20)
    result = paired_difference(a, a)
    assert (result.value, result.low, result.high) == (0, 0, 0)
    assert result.reason == "all 20 values are equal"
    assert not result.excludes_zero


def test_an_undefined_run_makes_the_difference_undefined_unless_skipped():
    a, b = np.arange(12.0) ** 2, np.zeros(12)
    b[4] = math.nan
    assert paired_difference(a, b).reason == "1 of 12 values are not finite"
    skipped = paired_difference(a, b, skip_undefined=True)
    assert skipped.n == 11
    assert "over 11 of 12 runs" in skipped.method


def test_infinite_in_both_arms_is_not_a_difference():
    assert not paired_difference([math.inf] * 9, [math.inf] * 9).defined


def test_unpaired_refuses_and_explains():
    assert unpaired_difference([1.0, math.nan], [1.0, 2.0]).reason == "1 of 2 values are not finite"
    assert math.isnan(unpaired_difference([1.0], [2.0]).low)
    assert unpaired_difference([1.0, 1.0], [1.0, 1.0]).value == 0.0


# Crossing ---------------------------------------------------------------------------------------------------


def curves(rng, meeting=0.62, runs=20):
    storm = rng.normal(size=(runs, 1))
    flat = 2 + storm[:, 0]
    rising = 2 + storm + 3 * (PHI - meeting) + 0.3 * rng.normal(size=(runs, len(PHI)))
    return rising, flat


def test_the_crossing_of_two_lines_is_exact():
    found = crossing(PHI, np.tile(PHI, (9, 1)), np.full(9, 0.37))
    assert found.value == pytest.approx(0.37, abs=1e-12)


def test_the_interval_of_the_crossing_covers_about_95_percent():
    found = [crossing(PHI, *curves(np.random.default_rng(i)), seed=i) for i in range(60)]
    share = np.mean([e.low <= 0.62 <= e.high for e in found])
    assert abs(share - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 60)


def test_pairing_over_storms_narrows_the_crossing():
    rng = np.random.default_rng(7)
    rising, flat = curves(rng)
    paired, shuffled = crossing(PHI, rising, flat), crossing(PHI, rising, rng.permutation(flat))
    assert paired.high - paired.low < 0.5 * (shuffled.high - shuffled.low)


def test_a_falling_difference_crosses_at_the_same_place():
    rising, flat = curves(np.random.default_rng(8))
    table = np.tile(flat[:, None], (1, len(PHI)))
    there, back = crossing(PHI, rising, flat), crossing(PHI, table, rising)
    assert (there.value, there.low, there.high) == (back.value, back.low, back.high)


def test_order_of_storms_changes_no_bit_of_the_crossing():
    rng = np.random.default_rng(9)
    rising, flat = curves(rng)
    order = rng.permutation(len(flat))
    assert crossing(PHI, rising[order], flat[order]) == crossing(PHI, rising, flat)


@pytest.mark.parametrize(
    ("difference", "reason"),
    [
        ([1, 2, 3], "no crossing: the first curve stays above; the smallest gap is 1 at 0"),
        ([-3, -2, -1], "no crossing: the first curve stays below; the smallest gap is 1 at 1"),
        ([0, 0, 0], "the curves are identical at every point"),
        ([0, 1, 2], "the curves touch at 0 but do not cross; the first stays above"),
        ([-1, 1, -1], "the curves cross 2 times, at 0.25, 0.75"),
    ],
)
def test_curves_that_do_not_cross_once_have_no_crossing_and_say_why(difference, reason):
    a = np.tile(np.array(difference, float), (10, 1))
    result = crossing([0, 0.5, 1], a, np.zeros(10))
    assert math.isnan(result.value)
    assert math.isnan(result.low)
    assert result.reason == reason


def test_a_stretch_of_equality_counts_by_its_middle():
    a = np.tile(np.array([-1.0, 0, 0, 2]), (5, 1))
    assert crossing([0, 1, 2, 3], a, np.zeros(5)).value == 1.5
    assert crossing([0, 1, 2], np.tile(np.array([-1.0, 0, 2]), (5, 1)), np.zeros(5)).value == 1


def test_an_end_of_the_interval_beyond_the_points_tried_is_open():
    storm = np.random.default_rng(10).standard_normal((20, 1))
    near = 3 * PHI - 0.05 + 0.5 * (storm - storm.mean())
    result = crossing(PHI, near, np.zeros(20))
    assert result.defined
    assert math.isnan(result.low)
    assert result.high > result.value
    assert "open below" in result.reason
    mirrored = crossing(PHI, -near[:, ::-1], np.zeros(20))
    assert math.isnan(mirrored.high)
    assert "open above" in mirrored.reason


def test_noise_that_crosses_both_ways_gives_no_interval():
    rng = np.random.default_rng(12)
    noise = rng.normal(size=(10, 1)) * np.array([[1.0, -1.0]])
    result = crossing([0, 1], noise, np.zeros(10))
    assert "cross the other way" in result.reason
    assert math.isnan(result.low)
    assert math.isnan(result.high)


def test_no_runs_one_run_and_undefined_values_are_explained():
    assert crossing([0, 1], np.zeros((0, 2)), np.zeros(0)).reason == "no runs"
    assert crossing([0, 1], np.array([[math.nan, 1]]), np.zeros(1)).reason == "some values are not finite"
    alone = crossing([0, 1], np.array([[-1.0, 1]]), np.zeros(1))
    assert alone.value == 0.5
    assert math.isnan(alone.low)


@pytest.mark.parametrize(
    ("x", "a", "b"),
    [
        ([1, 0], np.zeros((5, 2)), np.zeros(5)),
        ([0], np.zeros((5, 1)), np.zeros(5)),
        ([0, 1], np.zeros((5, 3)), np.zeros(5)),
        ([0, 1], np.zeros((5, 2)), np.zeros(4)),
        ([0, 1], np.zeros(2), np.zeros(2)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(x, a, b):
    with pytest.raises(InputError, match=r"^(x|a|b): must be"):
        crossing(x, a, b)


@pytest.mark.parametrize(
    ("hits", "text"), [(0, "0 %"), (1, "0.1 %"), (35, "3.5 %"), (350, "35 %"), (996, "100 %"), (1000, "100 %")]
)
def test_shares_of_resamples_are_written_without_exponents(hits: int, text: str) -> None:
    assert paired._share(np.arange(1000) < hits) == text
