"""What stands in the figures: labels with units, axes from zero, intervals, and heights that are the numbers."""

import math
import re

import matplotlib.colors
import numpy as np
import pytest

from experiments import figures, figures_paths, run_folder
from experiments.arms import DESIGNS
from experiments.drawing import canvas, look
from experiments.statistics import Estimate
from experiments.wording import dollar_scale
from tests.experiments.comparisons import tiny_comparison

UNIT = re.compile(
    r"\$|%|pools|generations|impact-free twin|initial margin|none in|phi|hours|minutes|days|bad debt", re.I
)


def drawn(module, draw):
    """The figure that `draw()` makes, seen just before it becomes a PNG."""
    seen = []
    real = module.png

    def look_at(figure):
        picture = real(figure)
        seen.append(figure)
        return picture

    module.png = look_at
    try:
        draw()
    finally:
        module.png = real
    return seen


@pytest.fixture(scope="module")
def comparison():
    return tiny_comparison()


@pytest.fixture(scope="module")
def all_figures(comparison):
    own = {name: drawn(figures, lambda name=name: getattr(figures, name)(comparison))[0] for name in OWN}
    worst, median = drawn(figures_paths, lambda: figures_paths.paths(comparison))
    return {**own, "worst": worst, "median": median}


OWN = ("verdict", "reuse", "waterfall", "exceedance")


def visible(figure):
    return [axis for axis in figure.axes if axis.get_visible()]


def test_every_lowest_panel_has_a_label_that_names_its_unit(all_figures):
    for name, figure in all_figures.items():
        labels = [axis.get_xlabel() for axis in visible(figure)]
        lower = labels[len(labels) // 2 :] if name in {"worst", "median"} else labels
        for label in lower:
            assert UNIT.search(label), (name, labels)


def test_every_amount_starts_at_zero(all_figures):
    for axis in visible(all_figures["verdict"]):
        assert axis.get_xlim()[0] == 0.0
    for axis in visible(all_figures["reuse"]):
        assert axis.get_ylim()[0] == 0.0
        assert "$" in axis.get_ylabel() or "%" in axis.get_ylabel()
    for axis in visible(all_figures["waterfall"]) + visible(all_figures["exceedance"]):
        assert axis.get_xlim()[0] == 0.0
    for axis in visible(all_figures["exceedance"]):
        assert axis.get_ylim() == (0.0, 1.02)
    for name in ("worst", "median"):
        panels = visible(all_figures[name])
        assert all(axis.get_ylim()[0] == 0.0 for axis in panels[len(panels) // 2 :])


def test_the_dots_of_the_verdict_stand_at_the_estimates_inside_their_intervals(all_figures, comparison):
    axis = visible(all_figures["verdict"])[0]
    cells = [cell for cell in comparison.cells if cell.measure.name == "bad_debt"]
    scale, unit = dollar_scale(x for c in cells for x in (c.estimate.value, c.estimate.low, c.estimate.high))
    assert unit in axis.get_xlabel()
    lines = [np.atleast_1d(np.asarray(line.get_xdata(), float)) for line in axis.lines]
    dots = sorted(line[0] for line in lines if len(line) == 1)
    assert dots == pytest.approx(sorted(cell.estimate.value / scale for cell in cells))
    whiskers = {tuple(np.round(line, 9)) for line in lines if len(line) == 2}
    for cell in cells:
        level = cell.estimate
        if math.isfinite(level.low) and level.high > level.low:
            assert tuple(np.round([max(level.low, 0.0) / scale, level.high / scale], 9)) in whiskers


def test_the_layers_of_the_waterfall_end_at_the_mean_bad_debt(all_figures, comparison):
    axis = visible(all_figures["waterfall"])[0]
    ends = {}
    for bar in axis.patches:
        place = round(bar.get_y() + bar.get_height() / 2, 6)
        ends[place] = max(ends.get(place, 0.0), bar.get_x() + bar.get_width())
    labels = {
        round(place, 6): text.get_text() for place, text in zip(axis.get_yticks(), axis.get_yticklabels(), strict=True)
    }
    outcomes = comparison.outcomes
    _, unit = re.search(r"(a storm, )(\$[a-z ]*?) \(mean", axis.get_xlabel()).groups()
    scale = {"$": 1.0, "$ thousand": 1e3, "$ million": 1e6, "$ bn": 1e9}[unit]
    for place, end in ends.items():
        regime, design = labels[place].split(", ")
        debt = outcomes.of(outcomes.arm(regime, design), "bad_debt").mean() / scale
        assert end == pytest.approx(debt, rel=1e-9, abs=1e-12)


def test_the_survival_curve_is_the_share_of_storms_with_more(all_figures, comparison):
    outcomes = comparison.outcomes
    for axis, design in zip(visible(all_figures["exceedance"]), outcomes.plan.designs, strict=True):
        for line in axis.lines:
            regime = line.get_label()
            if regime not in outcomes.plan.regimes:
                continue
            values = outcomes.of(outcomes.arm(regime, design), "bad_debt")
            share = np.asarray(line.get_ydata(), float)
            assert share[0] == pytest.approx((values > 0.0).mean())
            assert share[-1] == 0.0
            assert (np.diff(share) <= 0.0).all()


def test_bands_of_the_survival_curve_hold_it(all_figures):
    for axis in visible(all_figures["exceedance"]):
        assert len(axis.collections) >= 3


def test_the_price_panels_begin_at_a_hundred_and_share_the_index(all_figures, comparison):
    for name in ("worst", "median"):
        chosen = getattr(comparison.gallery, name)
        panels = visible(all_figures[name])[: len(chosen.runs)]
        first = [np.asarray(axis.lines[0].get_ydata()) for axis in panels]
        for index in first:
            assert index[0] == pytest.approx(100.0)
            assert np.array_equal(index, first[0])
        market = figures_paths.hardest_market(chosen.run)
        for axis, each in zip(panels, chosen.runs.values(), strict=True):
            mine = each.prices[each.prices["market"] == market]
            marks = 100.0 * mine["mark"].to_numpy() / mine["index"].to_numpy()[0]
            assert np.asarray(axis.lines[1].get_ydata()) == pytest.approx(marks)


def test_the_bars_of_forced_volume_add_up(all_figures, comparison):
    chosen = comparison.gallery.worst
    market = figures_paths.hardest_market(chosen.run)
    panels = visible(all_figures["worst"])
    bars = dict(zip(chosen.runs, panels[len(chosen.runs) :], strict=True))
    volumes = {regime: figures_paths.forced_volume(each, market) for regime, each in chosen.runs.items()}
    scale, unit = dollar_scale(volume.max() for volume in volumes.values())
    for regime, axis in bars.items():
        assert sum(bar.get_height() for bar in axis.patches) == pytest.approx(volumes[regime].sum() / scale)
    assert f"{unit} a step" in panels[len(chosen.runs)].get_ylabel()


def test_the_reuse_curve_goes_through_the_means_of_the_grid(all_figures, comparison):
    axis = visible(all_figures["reuse"])[1]
    outcomes = comparison.outcomes
    line = next(line for line in axis.lines if len(np.atleast_1d(line.get_xdata())) == len(outcomes.plan.reuse_grid))
    means = figures.grid_values(outcomes, "bad_debt").mean(axis=0)
    ratio = np.asarray(line.get_ydata(), float)[-1] / means[-1]
    assert np.asarray(line.get_ydata(), float) == pytest.approx(means * ratio)
    assert list(line.get_xdata()) == list(outcomes.plan.reuse_grid)
    assert 1.0 / ratio == pytest.approx(10.0 ** round(math.log10(1.0 / ratio)))


def test_phi_star_is_marked_with_its_interval_where_there_is_one():
    with canvas(3.0, 3.0) as figure:
        axis = figure.subplots()
        figures._mark_star(axis, Estimate(0.4, 0.25, math.nan, 10, "crossing"))
        assert [text.get_text() for text in axis.texts] == ["phi* = 0.40"]
        left, right = axis.patches[0].get_x(), axis.patches[0].get_x() + axis.patches[0].get_width()
        assert (left, right) == pytest.approx((0.25, 1.0))
        assert axis.lines[0].get_xdata()[0] == 0.4


def test_an_undefined_level_is_not_drawn():
    with canvas(3.0, 3.0) as figure:
        axis = figure.subplots()
        nothing = Estimate(math.nan, math.nan, math.nan, 4, "mean", "why")
        figures._level(axis, nothing, look("isolated"), 1.0, "isolated")
        figures._whisker(axis, nothing, 0.0, 1.0, "k")
        figures._whisker(axis, Estimate(1.0, 1.0, 1.0, 4, "mean"), 0.0, 1.0, "k")
        assert not axis.lines
        assert not axis.patches


def test_regimes_keep_their_colour_in_every_figure(all_figures):
    colours = {regime: matplotlib.colors.to_hex(look(regime).colour) for regime in ("isolated", "cross", "portfolio")}
    for axis in visible(all_figures["exceedance"]):
        for line in axis.lines:
            if line.get_label() in colours:
                assert matplotlib.colors.to_hex(line.get_color()) == colours[line.get_label()]


def test_designs_are_titles_of_the_panels_they_fill(all_figures):
    titles = [axis.get_title(loc="left") for axis in visible(all_figures["exceedance"])]
    assert titles == list(DESIGNS)


def test_the_picture_of_one_run_shows_index_and_mark_of_every_market(comparison):
    result = comparison.gallery.worst.run
    (figure,) = drawn(run_folder, lambda: run_folder.price_picture(result))
    panels = visible(figure)
    assert [axis.get_title(loc="left") for axis in panels] == list(result.scenario.names)
    assert figure.get_supxlabel() == "time, hours"
    assert figure.get_supylabel() == "price, % of start"
    for axis in panels:
        assert [line.get_label() for line in axis.lines] == ["index", "mark"]
        assert axis.lines[0].get_xdata()[-1] == pytest.approx(24 * 900 / 3600)


@pytest.mark.parametrize(
    ("seconds", "clock"),
    [
        (10.0, (1.0, "seconds")),
        (600.0, (60.0, "minutes")),
        (7_200.0, (3_600.0, "hours")),
        (172_800.0, (86_400.0, "days")),
    ],
)
def test_time_is_told_in_units_that_give_small_numbers(seconds, clock):
    assert figures_paths._clock(seconds) == clock
