"""Branching ratios of small storms, each road worked out on paper, with its interval by another way."""

import math

import numpy as np
import pytest

from agents.cast import StandardCast
from experiments.contagion.ratios import by_counts, event_times, mean_of_fits, radius_before, ratios
from experiments.contagion.study import contagion
from experiments.graph.hits import who_hits_whom
from experiments.record.observed import Observed
from experiments.run import run
from experiments.warning.early_warning import WINDOW, LiveBook
from tests.experiments.graph.test_hits import two_markets
from tests.experiments.storms import by_hand, holder_of, one_market


def scripted(*sizes):
    return {"kind": "scripted", "shocks": [{"step": i, "size": size} for i, size in enumerate(sizes, 1)]}


def both(scenarios):
    runs = [run(scenario) for scenario in scenarios]
    twins = [run(scenario.with_(impact={"kind": "none"})) for scenario in scenarios]
    return ratios(runs, twins, [0.3] * len(runs))


def test_generations_blame_sales_for_who_would_have_fallen_a_step_later_and_amplification_does_not():
    """A pulls B down in step 1; without impact B falls by itself in step 2, at 95 against 95.50."""
    people = [holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.5, "B"), holder_of(1.0, 80.0, "C")]
    late, never = scripted(-0.035, 95.0 / 96.5 - 1.0), scripted(-0.035)
    found = both([one_market(people, price=price) for price in (late, never)])
    assert found.generational.value == pytest.approx(1.0 - 2.0 / 4.0)
    assert found.amplification.value == pytest.approx(1.0 - (2.0 + 1.0) / 4.0)
    assert found.structural.value == pytest.approx(0.3)


def test_the_larger_of_the_two_radii_counts():
    """Only shorts: a fall forces nobody out, a rise the three that are near."""
    shorts = [{"kind": "book", "name": f"s{i}", "count": 1, "units": {"X": -1.0}, "deposit": 5.5 + i} for i in range(3)]
    result = run(one_market(shorts, price={"kind": "flat"}))
    live = LiveBook(Observed(result.scenario, StandardCast()))
    assert live.warning(WINDOW, "down").radius == 0.0
    assert radius_before(result) == live.warning(WINDOW, "up").radius > 0.0


def test_the_book_is_that_at_the_end_of_the_step_before_the_first_forced_trade():
    # Within a per cent of the mark there is nobody at 100, A at 97, and B at 91 when A has been sold.
    people = [holder_of(4.0, 96.5, "A"), holder_of(3.0, 90.8, "B"), holder_of(2.0, 80.0, "C")]
    result = run(one_market(people, price=scripted(-0.03, -0.0, -0.04), steps=4))
    assert result.events["step"].iloc[0] == 3
    radii = []
    for steps in (0, 2, 3):
        model = Observed(result.scenario, StandardCast())
        for _ in range(steps):
            model.step()
        radii.append(max(LiveBook(model).warning(WINDOW, way).radius for way in ("down", "up")))
    assert len(set(radii)) == 3
    assert radius_before(result) == radii[1]


def test_rounds_divide_their_step_and_pools_their_round():
    people = [holder_of(2.0, 97.0, "A"), holder_of(2.0, 96.9, "A2"), holder_of(2.0, 95.5, "B")]
    assert event_times(run(one_market(people))).tolist() == pytest.approx([0.125, 0.375, 0.75])
    assert event_times(run(by_hand())).tolist() == pytest.approx([0.25, 0.75])
    alone = run(one_market([holder_of(1.0, 97.0, "A")], price=scripted(0.0, -0.035)))
    assert event_times(alone).tolist() == pytest.approx([1.5])
    assert event_times(run(by_hand(price={"kind": "flat"}))).shape == (0,)


def test_a_further_close_of_a_pool_is_no_event_of_its_own():
    half = {"kind": "fraction", "share": 0.5, "minimum_notional": 0.0, "penalty_rate": 0.0}
    falls = scripted(-0.035, 90.0 / 96.5 - 1.0)
    result = run(one_market([holder_of(4.0, 97.0, "A")], price=falls, liquidation=half, impact={"kind": "none"}))
    assert len(result.events) > 1
    assert len(event_times(result)) == 1


def test_the_interval_of_counts_holds_the_middle_95_per_cent_of_resamples():
    sizes = np.array([3, 9, 1, 14, 6, 2, 30, 8, 5, 11, 4, 19, 7, 3, 22, 10, 2, 6, 13, 5], float)
    found = by_counts(sizes)
    assert found.value == pytest.approx(1.0 - math.sqrt(sizes.mean() / sizes.var(ddof=1)))
    draws = np.random.default_rng(5).choice(sizes, (40_000, len(sizes)))
    ratio = 1.0 - np.sqrt(draws.mean(axis=1) / draws.var(axis=1, ddof=1))
    for level, end in ((0.025, found.low), (0.975, found.high)):
        near = np.quantile(ratio, [level - 0.006, level + 0.006])
        assert near[0] <= end <= near[1]


def test_counts_that_never_differ_or_of_one_storm_have_no_ratio():
    for sizes in ([3.0, 3.0, 3.0], [0.0, 0.0], [5.0]):
        found = by_counts(np.array(sizes))
        assert math.isnan(found.value) and found.reason and found.n == len(sizes)


def test_fits_are_averaged_over_the_storms_that_have_one():
    found = mean_of_fits([(0.4, ""), (math.nan, "too few"), (0.6, "")])
    assert found.value == pytest.approx(0.5)
    none = mean_of_fits([(math.nan, "too few"), (math.nan, "other")])
    assert math.isnan(none.value) and none.reason == "too few"
    assert mean_of_fits([]).reason == "no runs"


def test_storms_are_counted_from_the_seed_and_the_worst_is_told_of():
    found = contagion(two_markets("cross", 4), 3)
    assert [one.scenario.seed for one in found.runs] == [4, 5, 6]
    dollars = [one.metrics["liquidated_notional"] for one in found.runs]
    assert len(set(dollars)) == 3
    assert found.seen.run is found.runs[int(np.argmax(dollars))]


def test_the_printed_matrix_has_the_mean_of_all_storms_with_sellers_in_rows():
    found = contagion(two_markets("cross", 4), 2)
    mean = sum(who_hits_whom(one).to_numpy() for one in found.runs) / 2.0
    assert mean[0, 1] != mean[1, 0]
    lines = str(found).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("dollars of loss that forced sales"))
    assert lines[start + 1].split() == ["X", "Y"]
    printed = [[int(cell) for cell in lines[start + 2 + i].split()[1:]] for i in range(2)]
    assert np.abs(np.array(printed) - mean).max() <= 0.5
