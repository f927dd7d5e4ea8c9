"""Who hits whom as a heat map: every cell its dollars and its share, so that nothing hangs on shades of grey."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from experiments.drawing import Picture, canvas, png
from experiments.graph.hits import By, hits_over, who_hits_whom
from experiments.heat_map import ruled
from experiments.run import Run
from experiments.wording import dollar_scale, dollars, round_down
from simulation.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 10
OTHERS = "others"
_WHAT = {"market": "market", "group": "account group", "kind": "trader type"}


def hits_picture(runs: Sequence[Run], by: By = "market") -> Picture:
    """Return the heat map of one run, or of the mean over several with 95 % intervals in the cells."""
    matrices = [who_hits_whom(run, by) for run in runs]
    mean = sum(matrices[1:], matrices[0]) / len(runs)
    kept = _kept(mean)
    value = _merged(mean, kept)
    cells = _cells(value, _bounds(runs, by, kept) if len(runs) > 1 and OTHERS not in kept else None)
    size = max(len(kept), 2)
    with canvas(2.6 + (1.15 if len(runs) == 1 else 1.35) * size, 1.9 + 0.62 * size) as figure:
        axes = figure.subplots()
        _draw(axes, value, kept, cells)
        hurt = f"{_WHAT[by]} whose pools lost" if by != "market" else "market that harmed pools had to close"
        axes.set_xlabel("; ".join([hurt, *_legend(cells)]))
        axes.set_ylabel(f"{_WHAT[by]} of forced sales" if by != "market" else "market of forced sales")
        image = png(figure)
    return Picture(f"who_hits_whom_{by}", f"Who hits whom, by {_WHAT[by]}", _caption(runs, mean, kept, by), image)


def _kept(mean: pd.DataFrame) -> list[str]:
    """Return the classes shown, in their order: those with the most dollars given and taken; the rest are one.

    Classes that neither gave nor took any are left out, unless nobody did.
    """
    names, moved = [str(name) for name in mean.index], np.abs(mean.to_numpy(float))
    busy = moved.sum(axis=0) + moved.sum(axis=1)
    there = [i for i in range(len(names)) if busy[i] > 0.0] or list(range(len(names)))[:MOST_CLASSES]
    if len(there) <= MOST_CLASSES:
        return [names[i] for i in there]
    busiest = sorted(there, key=lambda i: -busy[i])[: MOST_CLASSES - 1]
    return [*(names[i] for i in sorted(busiest)), OTHERS]


def _merged(mean: pd.DataFrame, kept: list[str]) -> Array:
    """Return the matrix (k, k) of the classes shown."""
    place = {name: i for i, name in enumerate(kept)}
    at = np.array([place.get(str(name), len(kept) - 1) for name in mean.index], np.intp)  # idle classes add zeros
    value = np.zeros((len(kept), len(kept)))
    np.add.at(value, (at[:, None], at[None, :]), mean.to_numpy(float))
    return value


def _bounds(runs: Sequence[Run], by: By, kept: list[str]) -> Array:
    """Return the ends (2, k, k) of the intervals."""
    table = hits_over(runs, by)
    known = {(row["from"], row["to"]): (row["low"], row["high"]) for row in table.to_dict("records")}
    return np.array([[known[one, other] for other in kept] for one in kept]).transpose(2, 0, 1)


def _cells(value: Array, bounds: Array | None) -> list[list[str]]:
    """Return the text of every cell: dollars, and below them the interval or the share of all that hit the column."""
    scale, _ = dollar_scale([float(np.abs(value).max(initial=0.0))])
    hit = value.sum(axis=0)
    rows = []
    for i in range(len(value)):
        row = []
        for j in range(len(value)):
            text = _number(value[i, j] / scale)
            if value[i, j] and bounds is not None:
                text += f"\n[{_number(bounds[0, i, j] / scale)}, {_number(bounds[1, i, j] / scale)}]"
            if value[i, j] and (value[:, j] >= 0.0).all():  # where some sales helped, shares would mislead
                text += "\n" + _percent(value[i, j] / hit[j])
            row.append(text)
        rows.append(row)
    return rows


def _legend(cells: list[list[str]]) -> list[str]:
    """Return what the second and third lines of the cells are, where there are any."""
    text = "".join(cell for row in cells for cell in row)
    return [said for sign, said in (("[", "[ ]: 95 % interval"), ("%", "%: of the column")) if sign in text]


def _number(value: float) -> str:
    """Return three digits that matter; `0` is nothing at all, `0.000` less than is shown."""
    if value == 0.0 or abs(value) >= 100.0:
        return f"{value:,.0f}"
    return f"{value:.3f}".replace("-0.000", "0.000") if abs(value) < 0.1 else f"{value:.3g}"


def _percent(share: float) -> str:
    return "< 1 %" if 0.0 < share < 0.01 else f"{100.0 * share:.0f} %"


def _draw(axes: "Axes", value: Array, names: list[str], cells: list[list[str]]) -> None:
    most = float(np.abs(value).max(initial=0.0)) or 1.0
    # The root spreads the greys over cells that differ by orders of magnitude.
    shade = np.sqrt(np.abs(value) / most)
    drawn = axes.imshow(shade, cmap="Greys", vmin=0.0, vmax=2.0, aspect="auto")  # at most mid-grey below the text
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8, "color": "black"}
    for i, row in enumerate(cells):
        for j, text in enumerate(row):
            axes.text(j, i, text, **style)
    ruled(axes, names)
    scale, unit = dollar_scale([most])
    bar = axes.figure.colorbar(drawn, ax=axes, label=f"loss caused, {unit}", shrink=0.9)
    marks = [0.0, round_down(most / 10.0), round_down(most / 2.0), most]
    bar.set_ticks(np.sqrt(np.array(marks) / most).tolist(), labels=[_number(mark / scale) for mark in marks])
    bar.ax.set_ylim(0.0, 1.0)


def _caption(runs: Sequence[Run], mean: pd.DataFrame, kept: list[str], by: By) -> str:
    value = mean.to_numpy(float)
    total, crossed = float(value.sum()), float(value.sum() - np.trace(value))
    over = "One run." if len(runs) == 1 else f"Mean over {len(runs)} storms, in brackets its 95 % interval."
    share = f"{100.0 * crossed / total:.1f} % of it across classes" if total else "nothing was lost to forced sales"
    idle = len(mean) - len(kept)
    shown = f" Classes that neither gave nor took: {idle}, not shown." if idle else ""
    if OTHERS in kept:
        shown = f" Shown: {len(kept) - 1} of {len(mean)} classes, the rest as one."
    spread = " The loss of a pool is spread over the markets it had to close." if by == "market" else ""
    return (
        f"{over} Loss that forced sales of the row caused in the column, all causes counted: {dollars(total)} "
        f"in all, {share}. Percentages: of all that hit the column, where no sale helped it. Frames: hit by its own "
        f"class. 0 is nothing at all, 0.000 less than is shown.{spread}{shown}"
    )
