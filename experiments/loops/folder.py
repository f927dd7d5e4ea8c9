"""What the loop switchboard leaves in its results folder: a picture of the effects, and the numbers behind it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.drawing import DARK, Picture, canvas, look, png
from experiments.loops.loops import LOOPS, UNITS, Switchboard
from experiments.statistics import Estimate
from experiments.store import Provenance, results_folder, write_bytes
from experiments.tables import write_table
from simulation.scenario import Scenario

_BAR = 0.38  # of the distance between two loops
_PARTS = ("alone", "Shapley share")
_LOOKS = ("isolated", "cross")  # plain and hatched, dark and light: told apart in grey


def save_loops(
    found: Switchboard, scenario: Scenario, out: str | Path, overwrite: bool = False, command: Sequence[str] = ()
) -> Path:
    """Write effects, Moebius terms, outcomes and picture to the folder `out`; raises `StoreError` if it cannot."""
    provenance = Provenance(scenario.to_dict(), list(found.seeds), command, {"loops": " ".join(found.names)})
    with results_folder(out, provenance, overwrite) as folder:
        write_bytes(folder / "loops.png", loops_picture(found).png)
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
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        picture = png(figure)
    caption = f"Means over {len(found.seeds)} storms with 95 % paired intervals; effects are against no loop at all."
    return Picture("loops", "What each feedback loop does alone, and what only all of them do", caption, picture)


def _draw(axis: Any, found: Switchboard, metric: str) -> None:
    k = len(found.names)
    ways = (found.single, found.shapley)
    for i, (part, way) in enumerate(zip(_PARTS, ways, strict=True)):
        style = look(_LOOKS[i])
        for place, name in enumerate(found.names):
            bar = (place + (i - 0.5) * _BAR, _BAR, part if place == 0 else "_")
            _bar(axis, way(metric, name), bar, (style.colour, style.hatch))
    _bar(axis, found.together(metric), (k, 2 * _BAR, "all together"), ("#dddddd", ""))
    _bar(axis, found.super_additive(metric), (k + 1, 2 * _BAR, "only together"), ("white", "xxxx"))
    axis.axvline(0.0, color=DARK, linewidth=0.8)
    axis.set_xlabel(f"{metric.replace('_', ' ')}, {UNITS.get(metric, '')}")
    axis.ticklabel_format(axis="x", scilimits=(-3, 4))


def _bar(axis: Any, value: Estimate, bar: tuple[float, float, str], style: tuple[str, str]) -> None:
    place, height, label = bar
    if not value.defined:
        axis.text(0.0, place, " undefined", va="center", fontsize=7)
        return
    axis.barh(place, value.value, height, label=label, color=style[0], hatch=style[1], edgecolor=DARK, linewidth=0.6)
    axis.plot([value.low, value.high], [place, place], color="black", linewidth=1.4)
