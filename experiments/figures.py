"""The figures of a comparison. Every estimate carries its interval, bars start at 0, n is stated."""

from dataclasses import replace
from typing import Any

import numpy as np

from experiments.arms import REUSING
from experiments.comparison import Compared
from experiments.drawing import DARK, GREY, Look, Picture, canvas, from_zero, look, png
from experiments.figures_hits import hits
from experiments.figures_paths import paths
from experiments.gallery import Shown
from experiments.graph.cascade_picture import cascade_picture
from experiments.graph.contagion import contagion_graph
from experiments.measures import DOLLARS, PROBABILITY, Measure, measure_named
from experiments.statistics import Estimate, bootstrap_mean, wilson_interval
from experiments.verdict import Cell, estimate, grid_values
from experiments.verdict_table import PHI_STAR, star_text
from experiments.wording import FEW, cell_scale, dollar_scale, level_text

_PANELS = {
    "Solvency": ("bad_debt", "insolvent", "adl_notional"),
    "Liquidation volume, capital": ("liquidated_notional", "liquidated_share", "capital_efficiency"),
    "Contagion": ("healthy_closed_share", "cascade_size", "amplification_liquidated_notional"),
}
_LAYERS = {
    "insurance_draw": ("insurance fund", "#BBBBBB", ""),
    "adl_haircut": ("winners (ADL)", "#E69F00", "////"),
    "socialised_loss": ("everybody (socialised)", "#0072B2", "...."),
    "unpaid": ("nobody (unpaid)", "#000000", ""),
}


def figures(comparison: Compared) -> list[Picture]:
    """Return all pictures of the report, in its order."""
    re_use = [reuse(comparison)] if REUSING in comparison.outcomes.plan.regimes else []
    drawn = [verdict(comparison), *re_use, waterfall(comparison), exceedance(comparison), hits(comparison)]
    chosen = (comparison.gallery.worst, comparison.gallery.median)
    return [*drawn, *paths(comparison), *map(contagion, chosen)]


def contagion(shown: Shown) -> Picture:
    """Draw who pulled whom down in a chosen run."""
    drawn = cascade_picture(contagion_graph(shown.run), f"contagion_{shown.title}")
    where = f"The {shown.title} run: {shown.arm.regime} margin, {shown.design}, storm {shown.seed}. "
    return replace(drawn, title=f"Who pulled whom down: the {shown.title} run", caption=where + drawn.caption)


def verdict(comparison: Compared) -> Picture:
    """Draw the three axes: one dot and interval for each measure, regime and design."""
    with canvas(9.0, 7.2) as figure:
        axes = figure.subplots(3, 3, sharey=True)
        for row, (title, names) in zip(axes, _PANELS.items(), strict=True):
            for axis, name in zip(row, names, strict=True):
                _dots(axis, comparison, measure_named(name))
            row[0].text(-0.42, 1.16, title, transform=row[0].transAxes, fontsize=10.5, fontweight="bold", color=DARK)
        picture = png(figure)
    n = len(comparison.seeds)
    caption = (
        f"Mean over {n} storms with its 95 % interval. Filled: equal positions; hollow: equal margin utilisation. "
        "All regimes met the same storms, so differences are surer than the overlap of intervals suggests: see the "
        "table for paired differences. An open arrow from 0 is the bound where no event was seen (< 3/n)."
    )
    return Picture("verdict", "The verdict on three axes", caption, picture)


def reuse(comparison: Compared) -> Picture:
    """Draw insolvency and bad debt of portfolio margin against phi, with isolated margin's level and phi*."""
    with canvas(9.0, 3.6) as figure:
        for axis, (metric, star) in zip(figure.subplots(1, 2), comparison.reuse_star.items(), strict=True):
            _reuse_panel(axis, comparison, measure_named(metric), star)
        picture = png(figure)
    found = comparison.reuse_star.items()
    stars = "; ".join(f"{PHI_STAR[metric]}: {star_text(metric, star)}" for metric, star in found)
    caption = (
        "phi is the share of freed margin that traders spend on larger positions: 0 is equal positions, 1 equal "
        f"utilisation. {len(comparison.seeds)} storms, 95 % intervals (bands: isolated margin). {stars}."
    )
    return Picture("reuse", "How much re-use is too much", caption, picture)


def waterfall(comparison: Compared) -> Picture:
    """Draw who pays the bad debt, layer by layer, stacked to its mean, with the interval of the total."""
    outcomes = comparison.outcomes
    arms = [(regime, design) for design in outcomes.plan.designs for regime in outcomes.plan.regimes]
    totals = [bootstrap_mean(outcomes.of(outcomes.arm(*arm), "bad_debt")) for arm in arms]
    scale, unit = dollar_scale(value for total in totals for value in (total.value, total.high))
    with canvas(9.0, 0.42 * len(arms) + 1.2) as figure:
        axis = figure.subplots()
        places, left = np.arange(len(arms))[::-1], np.zeros(len(arms))
        for layer, (title, colour, hatch) in _LAYERS.items():
            sizes = np.array([np.mean(outcomes.of(outcomes.arm(*arm), layer)) for arm in arms]) / scale
            style = {"facecolor": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0.5}
            axis.barh(places, sizes, left=left, height=0.62, label=title, **style)
            left = left + sizes
        for place, total in zip(places, totals, strict=True):
            _whisker(axis, total, place, scale, DARK)
        axis.set_yticks(places, [f"{regime}, {design}" for regime, design in arms])
        axis.set_xlabel(f"bad debt a storm, {unit} (mean; whisker: 95 % interval of the total)")
        from_zero(axis)
        figure.legend(loc="outside upper center", ncols=len(_LAYERS))
        picture = png(figure)
    caption = (
        f"Mean over {len(comparison.seeds)} storms of the losses beyond the traders' own collateral, by who paid: "
        "the insurance fund first, then winners by auto-deleveraging, then everybody. Every dollar has a payer."
    )
    return Picture("waterfall", "Who pays", caption, picture)


def exceedance(comparison: Compared) -> Picture:
    """Draw the share of storms whose bad debt exceeds x, with pointwise Wilson bands."""
    outcomes, n, designs = comparison.outcomes, len(comparison.seeds), comparison.outcomes.plan.designs
    arms = [outcomes.arm(regime, design) for design in designs for regime in outcomes.plan.regimes]
    largest = max(float(outcomes.of(arm, "bad_debt").max()) for arm in arms)
    scale, unit = dollar_scale([largest])
    with canvas(9.0, 3.6) as figure:
        panels = figure.subplots(1, len(designs), sharey=True, sharex=True, squeeze=False)[0]
        for axis, design in zip(panels, designs, strict=True):
            for regime in outcomes.plan.regimes:
                values = outcomes.of(outcomes.arm(regime, design), "bad_debt") / scale
                _survival(axis, values, look(regime, outcomes.plan.regimes), regime)
            axis.set_title(design, loc="left")
            axis.set_xlabel(f"x: bad debt, {unit}")
            axis.set_ylim(0.0, 1.02)
            axis.set_xscale("symlog", linthresh=max(largest / scale, 1e-9) / 100)
            axis.set_xlim(0.0, max(largest / scale, 1e-9) * 1.1)
        figure.axes[0].set_ylabel(f"share of {n} storms with more than x")
        figure.axes[-1].legend(loc="upper right")
        picture = png(figure)
    caption = (
        f"Share of {n} storms in which bad debt exceeds x; bands are pointwise 95 % Wilson intervals. The axis is "
        "linear up to a hundredth of its end, then logarithmic. "
        f"Nothing below 1/{n} can be seen with {n} storms."
    )
    return Picture("exceedance", "How bad it can get", caption, picture)


def _dots(axis: Any, comparison: Compared, measure: Measure) -> None:
    found = [cell for cell in comparison.cells if cell.measure == measure]
    regimes, designs = comparison.outcomes.plan.regimes, comparison.outcomes.plan.designs
    scale, unit = cell_scale(measure, found)
    for cell in found:
        place = -regimes.index(cell.regime) + (0.17 if designs.index(cell.design) == 0 else -0.17)
        _dot(axis, cell, place, scale, look(cell.regime, regimes))
    axis.set_title(measure.title, loc="left")
    axis.set_xlabel(f"{unit} {measure.about}".strip())
    axis.set_yticks([-i for i in range(len(regimes))], regimes)
    axis.set_ylim(-len(regimes) + 0.5, 0.5)
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    if any(cell.estimate.high > 0.0 or cell.estimate.value > 0.0 for cell in found):
        from_zero(axis)
    else:
        axis.set_xlim(0.0, 1.0)
        axis.set_xticks([0.0])
        axis.set_xlabel(f"none in {len(comparison.seeds)} storms")


def _dot(axis: Any, cell: Cell, place: float, scale: float, style: Look) -> None:
    hollow = cell.design != "equal positions"
    level = cell.estimate
    few = cell.measure.unit == PROBABILITY and level.n <= FEW
    if few or not level.defined:
        axis.text(0.0, place, f" {level_text(cell)}", va="center", fontsize=7.5, color=GREY)
        return
    if cell.measure.unit == PROBABILITY and cell.events == 0:
        bound = 300.0 / level.n  # percent; the rule of three
        arrow = {"arrowstyle": "-|>", "color": style.colour, "ls": ":"}
        axis.annotate("", (bound, place), (0.0, place), arrowprops=arrow)
        axis.plot([0.0, bound], [place, place], alpha=0.0)
        return
    _whisker(axis, level, place, scale, style.colour)
    dot = {"color": style.colour, "markerfacecolor": "white" if hollow else style.colour, "markersize": 6}
    axis.plot(level.value / scale, place, style.marker, clip_on=False, zorder=4, **dot)


def _whisker(axis: Any, level: Estimate, place: Any, scale: float, colour: str) -> None:
    if np.isfinite(level.low) and np.isfinite(level.high) and level.high > level.low:
        ends = np.array([max(level.low, 0.0), level.high]) / scale
        axis.plot(ends, [place, place], "|-", color=colour, linewidth=1.4, markersize=6, zorder=3)


def _reuse_panel(axis: Any, comparison: Compared, measure: Measure, star: Estimate) -> None:
    outcomes = comparison.outcomes
    grid, tried = np.array(outcomes.plan.reuse_grid, float), "portfolio" in outcomes.plan.regimes
    curve = [estimate(measure, column) for column in grid_values(outcomes, measure.metric).T] if tried else []
    levels = {
        regime: estimate(measure, outcomes.of(outcomes.plan.arm(outcomes.scenario, regime, 0.0), measure.metric))
        for regime in outcomes.plan.regimes
        if not outcomes.plan.frees_margin(outcomes.scenario, regime)
    }
    known = [*curve, *levels.values()]
    scale, unit = dollar_scale(x for e in known for x in (e.value, e.high)) if measure.unit == DOLLARS else (1.0, "%")
    for regime, level in levels.items():
        _level(axis, level, look(regime, outcomes.plan.regimes), scale, regime)
    if curve:
        _curve(axis, grid, curve, scale)
    if star.defined:
        _mark_star(axis, star)
    axis.set_title(measure.title if star.defined else f"{measure.title}: no phi*", loc="left")
    axis.set_xlabel("phi: share of freed margin that is re-used")
    axis.set_ylabel(f"{unit} {measure.about}")
    axis.set_xlim(-0.03, 1.03)
    from_zero(axis, "y")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper left")


def _level(axis: Any, level: Estimate, style: Look, scale: float, title: str) -> None:
    if level.defined:
        axis.axhline(level.value / scale, color=style.colour, linestyle=style.line, linewidth=1.4, label=title)
        if np.isfinite(level.low) and title == "isolated":
            axis.axhspan(level.low / scale, level.high / scale, color=style.colour, alpha=0.13, linewidth=0)


def _curve(axis: Any, grid: np.ndarray, curve: list[Estimate], scale: float) -> None:
    style = look("portfolio")
    values = np.array([point.value for point in curve]) / scale
    reach = np.array([point.reach for point in curve]).T / scale
    axis.errorbar(
        grid,
        values,
        yerr=np.maximum(np.nan_to_num(reach), 0.0),
        color=style.colour,
        marker=style.marker,
        linestyle=style.line,
        capsize=3,
        label="portfolio",
    )


def _mark_star(axis: Any, star: Estimate) -> None:
    axis.axvline(star.value, color=DARK, linewidth=1.2, linestyle=(0, (1, 1)))
    low = star.low if np.isfinite(star.low) else 0.0
    high = star.high if np.isfinite(star.high) else 1.0
    axis.axvspan(low, high, facecolor="none", edgecolor="#bbbbbb", hatch="\\\\\\", linewidth=0, zorder=0)
    where = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "va": "top"}
    axis.annotate(f"phi* = {star.value:.2f}", (star.value, 1.0), (4, -4), color=DARK, **where)


def _survival(axis: Any, values: np.ndarray, style: Look, title: str) -> None:
    ordered = np.sort(values)
    points = np.concatenate([[0.0], np.unique(ordered[ordered > 0.0])])
    counts = [int((ordered > point).sum()) for point in points]
    bands = [wilson_interval(count, len(ordered)) for count in counts]
    share = [band.value for band in bands]
    low, high = [band.low for band in bands], [band.high for band in bands]
    axis.fill_between(points, low, high, step="post", color=style.colour, alpha=0.12, linewidth=0)
    axis.step(points, share, where="post", color=style.colour, linestyle=style.line, linewidth=1.5)
    axis.plot(points, share, style.marker, color=style.colour, markersize=3.5, label=title)
