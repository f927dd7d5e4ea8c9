"""What the loop switchboard leaves in its results folder: a picture of the effects, and the numbers behind it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.drawing import DARK, Picture, canvas, look, png
from experiments.loops.loops import UNITS, Switchboard
from experiments.loops.switches import LOOPS
from experiments.results import scenario_toml
from experiments.statistics import Estimate
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table
from simulation.arrays import Array
from simulation.scenario import Scenario

_BAR = 0.38  # of the distance between two loops
_PARTS = ("alone", "Shapley share")
_SEVERAL, _MOST_SETS = 2, 12
_MARKERS = "osD^v<>"  # by the number of loops in a set
_LOOKS = ("isolated", "cross")  # plain and hatched, dark and light: told apart in grey


def save_loops(
    found: Switchboard, scenario: Scenario, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()
) -> Path:
    """Write text, effects, Moebius terms, outcomes, pictures and the scenario to the folder `out`, all or nothing.

    Raises `StoreError` if it cannot.
    """
    provenance = Provenance(scenario.to_dict(), list(found.seeds), command, {"loops": " ".join(found.names)})
    with results_folder(out, provenance, overwrite) as folder:
        write_bytes(folder / "scenario.toml", scenario_toml(scenario).encode())
        write_bytes(folder / "loops.txt", f"{found}\n".encode())
        write_bytes(folder / "loops.png", loops_picture(found).png)
        write_bytes(folder / "interactions.png", interactions_picture(found).png)
        write_table(found.effects(), folder / "effects")
        write_table(found.table(), folder / "outcomes")
        for metric in found.outcomes:
            write_table(found.moebius(metric), folder / f"interactions_{metric}")
    return Path(out)


def loops_picture(found: Switchboard) -> Picture:
    """Draw each loop alone and its Shapley share, all together, and the part that only exists together."""
    with canvas(4.0 * len(found.outcomes) + 1.5, 0.5 * len(found.names) + 2.2) as figure:
        axes = np.atleast_1d(figure.subplots(1, len(found.outcomes), sharey=True))
        for axis, metric in zip(axes, found.outcomes, strict=True):
            _draw(axis, found, metric)
        titles = [*(LOOPS[name].title for name in found.names), "all together", "only together"]
        axes[0].set_yticks(range(len(titles)), titles)
        axes[0].invert_yaxis()
        figure.legend(
            *axes[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=4,
            title=_said(found),
            title_fontsize=8,
        )
        picture = png(figure)
    caption = f"Means over {len(found.seeds)} storms with 95 % paired intervals; effects are against no loop at all."
    return Picture("loops", "What each feedback loop does alone, and what only all of them do", caption, picture)


def interactions_picture(found: Switchboard) -> Picture:
    """Draw the largest Moebius terms of sets of several loops: what no smaller set of them explains."""
    with canvas(4.6 * len(found.outcomes) + 1.0, 5.0) as figure:
        axes = np.atleast_1d(figure.subplots(1, len(found.outcomes)))
        for axis, metric in zip(axes, found.outcomes, strict=True):
            _draw_interactions(axis, found, metric)
        sizes = range(_SEVERAL, len(found.names) + 1)
        if sizes:
            marks = [_mark(f"{size} loops", size, DARK) for size in sizes]
            marks.append(_mark("hollow: the interval contains 0", _SEVERAL, "white"))
            figure.legend(
                handles=marks, loc="outside lower center", ncols=len(marks), title=_said(found), title_fontsize=8
            )
        picture = png(figure)
    caption = (
        f"The {_MOST_SETS} largest parts that only a whole set of loops explains (Moebius terms), means over "
        f"{len(found.seeds)} storms with 95 % paired intervals; hollow where the interval contains 0."
    )
    return Picture("interactions", "Which feedback loops need each other", caption, picture)


def _said(found: Switchboard) -> str:
    return f"means over {len(found.seeds)} storms; black lines: 95 % paired intervals"


def _mark(label: str, size: int, face: str) -> Any:
    from matplotlib.lines import Line2D

    marker = _MARKERS[size % len(_MARKERS)]
    return Line2D([], [], linestyle="none", marker=marker, color=DARK, markerfacecolor=face, label=label)


def _draw_interactions(axis: Any, found: Switchboard, metric: str) -> None:
    terms = found.moebius(metric)
    terms = terms.iloc[np.flatnonzero((terms["size"] >= _SEVERAL) & terms["term"].notna() & (terms["term"] != 0.0))]
    order = np.argsort(-np.abs(terms["term"].to_numpy()), kind="stable")[:_MOST_SETS]
    scale, unit = _scaled(metric, np.abs(terms["term"].to_numpy(float)))
    for place, one in enumerate(terms.iloc[order].itertuples(index=False)):
        value, low, high = (np.array([one.term, one.low, one.high], float) / scale).tolist()
        sure = low > 0.0 or high < 0.0
        style = {
            "marker": _MARKERS[one.size % len(_MARKERS)],
            "color": DARK,
            "markerfacecolor": DARK if sure else "white",
        }
        axis.plot([low, high], [place, place], color="black", linewidth=1.4)
        axis.plot(value, place, linestyle="none", **style)
    axis.set_yticks(range(len(order)), [" + ".join(str(name).split()) for name in terms["loops"].iloc[order]])
    axis.tick_params(axis="y", labelsize=7)
    axis.invert_yaxis()
    axis.axvline(0.0, color=DARK, linewidth=0.8)
    axis.set_xlabel(f"{metric.replace('_', ' ')},\n{unit}")


def _scaled(metric: str, values: Array) -> tuple[float, str]:
    """Return by what to divide `values` for an axis, and the unit they then have."""
    unit, most = UNITS.get(metric, ""), float(np.nanmax(values, initial=0.0))
    if unit != "dollars" or most < 1e3:
        return 1.0, unit
    return (1e6, "million dollars") if most >= 1e6 else (1e3, "thousand dollars")


def _draw(axis: Any, found: Switchboard, metric: str) -> None:
    k, (scale, unit) = len(found.names), _scaled(metric, np.abs(found.outcomes[metric]).ravel())
    ways = (found.single, found.shapley)
    for i, (part, way) in enumerate(zip(_PARTS, ways, strict=True)):
        style = look(_LOOKS[i])
        for place, name in enumerate(found.names):
            bar = (place + (i - 0.5) * _BAR, _BAR, part if place == 0 else "_")
            _bar(axis, _over(way(metric, name), scale), bar, (style.colour, style.hatch))
    _bar(axis, _over(found.together(metric), scale), (k, 2 * _BAR, "all together"), ("#dddddd", ""))
    _bar(axis, _over(found.super_additive(metric), scale), (k + 1, 2 * _BAR, "only together"), ("white", "xxxx"))
    axis.axvline(0.0, color=DARK, linewidth=0.8)
    axis.set_xlabel(f"{metric.replace('_', ' ')}, {unit}")


def _over(value: Estimate, scale: float) -> Estimate:
    return replace(value, value=value.value / scale, low=value.low / scale, high=value.high / scale)


def _bar(axis: Any, value: Estimate, bar: tuple[float, float, str], style: tuple[str, str]) -> None:
    place, height, label = bar
    if not value.defined:
        axis.text(0.0, place, " undefined", va="center", fontsize=7)
        return
    axis.barh(place, value.value, height, label=label, color=style[0], hatch=style[1], edgecolor=DARK, linewidth=0.6)
    axis.plot([value.low, value.high], [place, place], color="black", linewidth=1.4)
