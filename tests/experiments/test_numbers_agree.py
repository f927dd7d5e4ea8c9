"""One number, one value: runs, tidy table, summary, verdict, report and figures all say the same."""

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from experiments.arms import DESIGNS, Arm
from experiments.figures import figures
from experiments.gallery import ranking
from experiments.measures import AXES, MEASURES, METRICS, measure_named
from experiments.report import report
from experiments.run import run
from experiments.statistics import bootstrap_mean, wilson_interval
from experiments.tables import read_table
from experiments.verdict import Outcomes, crossings, grid_values, summary_table
from experiments.wording import cell_scale, difference_text, level_text
from tests.experiments.comparisons import by_hand, tiny_comparison

KEYS = ["regime", "design", "impact_free", "seed", "metric"]


class Table(HTMLParser):
    """The text of every table row of a page."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in {"td", "th"}

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def comparison():
    return tiny_comparison()


@pytest.fixture(scope="module")
def pictures(comparison):
    return figures(comparison)


@pytest.fixture(scope="module")
def page(comparison, pictures):
    return report(comparison, pictures)


def test_every_run_in_the_tidy_table_is_the_run_of_its_arm_and_seed(comparison):
    plan, scenario, table = comparison.outcomes.plan, comparison.scenario, comparison.runs
    for arm in (Arm("isolated"), Arm("portfolio", 1.0), Arm("portfolio", 0.5), Arm("cross", 0.0, True)):
        seed = comparison.seeds[1]
        again = run(plan.variant(scenario, arm).seeded(seed))
        same = (table["regime"] == arm.regime) & (table["reuse_share"] == arm.reuse_share)
        mine = table[same & (table["impact_free"] == arm.impact_free) & (table["seed"] == seed)]
        told = dict(zip(mine["metric"], mine["value"], strict=True))
        assert told == pytest.approx(again.metrics, rel=0, abs=0, nan_ok=True)
        assert comparison.digests[seed] == again.digest


def test_every_run_and_metric_is_there_once(comparison):
    table, n = comparison.runs, len(comparison.seeds)
    assert not table.duplicated([*KEYS, "reuse_share"]).any()
    arms = table[["regime", "reuse_share", "impact_free"]].drop_duplicates()
    metrics = table["metric"].unique()
    assert len(table) == len(arms) * n * len(metrics)
    assert set(METRICS) <= set(metrics)


def test_rows_that_show_the_same_run_carry_the_same_number_and_values(comparison):
    table = comparison.runs
    for _, rows in table.groupby(["run", "metric"]):
        assert rows["value"].nunique(dropna=False) == 1
        assert rows["seed"].nunique() == rows["regime"].nunique() == rows["impact_free"].nunique() == 1
    isolated = table[(table["regime"] == "isolated") & ~table["impact_free"].astype(bool)]
    by_design = isolated.groupby("design")["run"].apply(set)
    assert by_design["equal positions"] == by_design["equal utilisation"]


def test_the_summary_is_recomputed_from_the_tidy_table(comparison):
    table = comparison.runs
    for cell in comparison.cells:
        if cell.measure.twin:
            continue
        rows = table[(table["regime"] == cell.regime) & (table["design"] == cell.design)]
        rows = rows[(rows["metric"] == cell.measure.metric) & ~rows["impact_free"].astype(bool)]
        values = rows["value"].to_numpy()
        assert len(values) == len(comparison.seeds)
        percent = 100.0 if cell.measure.unit in {"%", "probability"} else 1.0
        assert cell.estimate.value == pytest.approx(percent * np.nanmean(values), nan_ok=True)
        assert cell.events == np.count_nonzero(np.nan_to_num(values))
        if cell.measure.unit == "probability":
            share = wilson_interval(int(values.sum()), len(values))
            assert (cell.estimate.low, cell.estimate.high) == (100 * share.low, 100 * share.high)
        elif cell.measure.unit == "$":
            assert cell.estimate.high == bootstrap_mean(values).high


def test_amplification_is_totals_over_totals_of_the_twins(comparison):
    table = comparison.runs
    for cell in comparison.cells:
        if not cell.measure.twin or not cell.estimate.defined:
            continue
        rows = table[(table["regime"] == cell.regime) & (table["design"] == cell.design)]
        sums = rows[rows["metric"] == cell.measure.metric].groupby("impact_free")["value"].sum()
        assert cell.estimate.value == pytest.approx(sums[True] and sums[False] / sums[True])


def test_differences_are_means_of_differences_storm_by_storm(comparison):
    table = comparison.runs
    table = table[~table["impact_free"].astype(bool) & (table["metric"] == "bad_debt")]
    for cell in comparison.cells:
        if cell.measure.name != "bad_debt" or cell.difference is None:
            continue
        by_seed = [
            table[(table["regime"] == regime) & (table["design"] == cell.design)].set_index("seed")["value"]
            for regime in (cell.regime, "isolated")
        ]
        assert cell.difference.value == pytest.approx((by_seed[0] - by_seed[1]).mean())


def test_the_summary_table_has_every_cell_with_both_intervals(comparison):
    table = summary_table(comparison.cells)
    assert len(table) == len(MEASURES) * 3 * len(DESIGNS)
    finite = table.dropna(subset=["low", "high"])
    assert (finite["low"] <= finite["estimate"] + 1e-9).all()
    assert (finite["estimate"] <= finite["high"] + 1e-9).all()
    assert table.loc[table["regime"] == "isolated", "difference"].isna().all()
    undefined = table[table["estimate"].isna()]
    assert (undefined["note"] != "").all()
    assert (table["storms"] == len(comparison.seeds)).all()


def test_the_report_prints_every_estimate_of_the_summary(comparison, page):
    told = {cell.strip() for row in Table(page).rows for cell in row}
    for measure in MEASURES:
        found = [cell for cell in comparison.cells if cell.measure == measure]
        scale, _ = cell_scale(measure, found)
        for cell in found:
            assert level_text(cell, scale) in told
            assert difference_text(cell, scale) in told


def test_the_verdict_table_prints_every_estimate_of_the_summary(comparison):
    told = str(comparison).replace(", ", ",")
    for axis, measures in AXES.items():
        assert axis.upper() in told
        for measure in measures:
            found = [cell for cell in comparison.cells if cell.measure == measure]
            scale, _ = cell_scale(measure, found)
            for cell in found:
                assert level_text(cell, scale).replace(", ", ",")[:16] in told


def test_what_is_saved_is_what_was_found(comparison, tmp_path):
    folder = comparison.save(tmp_path / "out")
    runs, summary = read_table(folder / "runs"), read_table(folder / "summary")
    assert np.array_equal(runs["value"].to_numpy(), comparison.runs["value"].to_numpy(), equal_nan=True)
    assert np.array_equal(summary["estimate"].to_numpy(), comparison.summary["estimate"].to_numpy(), equal_nan=True)
    assert (folder / "verdict.txt").read_text("utf-8") == str(comparison)
    assert (folder / "report.html").read_text("utf-8").count("<img") == len(list((folder / "figures").glob("*.png")))


def test_the_worst_run_has_the_most_bad_debt_and_the_median_is_in_the_middle(comparison):
    outcomes = comparison.outcomes
    ranked = ranking(outcomes)
    debts = [outcomes.of(arm, "bad_debt")[list(outcomes.seeds).index(seed)] for seed, arm in ranked]
    assert debts == sorted(debts)
    assert len(ranked) == 4 * len(outcomes.seeds)
    worst, median = comparison.gallery.worst, comparison.gallery.median
    assert (worst.seed, worst.arm) == ranked[-1]
    assert (median.seed, median.arm) == ranked[(len(ranked) - 1) // 2]
    assert worst.run.metrics["bad_debt"] == max(debts)


def test_runs_shown_side_by_side_met_the_same_storm(comparison):
    for shown in (comparison.gallery.worst, comparison.gallery.median):
        assert set(shown.runs) == {"isolated", "cross", "portfolio"}
        assert {each.digest for each in shown.runs.values()} == {comparison.digests[shown.seed]}
        for regime, each in shown.runs.items():
            assert each.scenario.margin.kind == regime
            assert each.scenario.seed == shown.seed


def test_the_pictures_in_the_report_are_those_drawn(pictures, page):
    links = re.findall(r'src="(data:image/png;base64,[^"]+)"', page)
    assert sorted(links) == sorted(picture.data_uri for picture in pictures)


def test_ties_in_the_ranking_are_broken_by_volume_then_seed():
    outcomes = by_hand(
        {("isolated", 0.0, False): {"bad_debt": [5.0, 5.0, 5.0], "liquidated_notional": [2.0, 1.0, 2.0]}}, 3
    )
    mine = [seed for seed, arm in ranking(outcomes) if arm == Arm("isolated")]
    assert mine == [2, 1, 3]


def test_phi_star_is_sought_on_the_grid_against_isolated_margin():
    curve = {("portfolio", phi, False): {"bad_debt": np.full(10, 10 * phi)} for phi in (0.0, 0.25, 0.5, 0.75, 1.0)}
    curve["isolated", 0.0, False] = {"bad_debt": np.full(10, 6.0)}
    outcomes = by_hand(curve)
    assert grid_values(outcomes, "bad_debt")[0].tolist() == [0.0, 2.5, 5.0, 7.5, 10.0]
    star = crossings(outcomes)["bad_debt"]
    assert star.value == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({"regimes": ("cross", "portfolio")}, "isolated margin was not run"),
        ({"regimes": ("isolated", "cross")}, "portfolio margin was not run"),
        ({"reuse_grid": (0.5,)}, "needs at least two re-use shares"),
    ],
)
def test_without_both_curves_there_is_no_phi_star_and_it_is_said_why(plan, reason):
    outcomes = by_hand()
    other = Outcomes(outcomes.scenario, type(outcomes.plan)(**plan), outcomes.seeds, outcomes.values)
    for star in crossings(other).values():
        assert math.isnan(star.value)
        assert star.reason == reason


def test_every_measure_has_a_unit_and_an_axis_and_a_name_of_its_own():
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert all(measure.unit and measure.about and measure.title for measure in MEASURES)
    assert measure_named("amplification_liquidated_notional").twin
