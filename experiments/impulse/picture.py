"""Impulse responses as pictures: the matrix of every margin rule, and the responses step by step."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.arms import spoken
from experiments.drawing import GREY, Picture, canvas, look, png
from experiments.heat_map import ruled
from experiments.impulse.impulse import Impulse, others_of, own_of, short, within
from experiments.statistics import Estimate, bootstrap_mean
from simulation.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DARKEST = 0.45  # of the grey scale, so that black text stays readable
_FULL = 1.5  # response at which a cell has its darkest grey


def matrix_picture(found: Impulse) -> Picture:
    """Draw C of every regime as a heat map, every cell its number and, over several storms, its interval."""
    k, several = len(found.markets), len(found.seeds) > 1
    with canvas(2.0 + (1.0 if several else 0.75) * max(k, 3), (1.0 + 0.52 * k) * len(found.responses) + 0.4) as figure:
        panels = np.atleast_1d(figure.subplots(len(found.responses), 1))
        for axes, regime in zip(panels, found.responses, strict=True):
            _draw(axes, found, regime)
        panels[-1].set_xlabel("market that answers")
        image = png(figure)
    over = "One storm." if not several else f"Mean over {len(found.seeds)} storms, in brackets its 95 % interval."
    caption = (
        f"{over} Each row: {100.0 * found.shock.size:+g} % in that market alone; each cell: the largest move of the "
        f"column's mark within {within(found.shock)} per unit of the shock, in logs, against the same storm without "
        "it. Framed: the shocked market itself, 1 is the shock without any answer. 0 is nothing at all, 0.00 less than "
        "is shown."
    )
    return Picture("impulse_matrix", "What a shock to one market does to the others", caption, image)


def path_picture(found: Impulse) -> Picture:
    """Draw the mean response of the shocked market and of all others together, step by step, with intervals."""
    regimes = tuple(found.paths)
    with canvas(9.0, 3.6) as figure:
        left, right = figure.subplots(1, 2)
        for regime in regimes:
            path = found.paths[regime].swapaxes(1, 2)  # (n, h, k shocked, k)
            for axes, part in ((left, own_of(path)), (right, others_of(path))):
                _line(axes, regime, regimes, part)
        for axes, title in ((left, "the shocked market"), (right, "all other markets together")):
            axes.set_title(title, fontsize=9)
            axes.set_xlabel("steps since the shock")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.axhline(0.0, color=GREY, linewidth=0.8)
        left.axhline(1.0, color=GREY, linewidth=0.8, linestyle=":")
        left.set_ylabel("log move per unit of the shock")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(regimes))
        image = png(figure)
    several = f"Mean over {len(found.seeds)} storms and shocked markets, bands: 95 % intervals over storms."
    caption = (
        f"{several if len(found.seeds) > 1 else 'One storm, mean over shocked markets.'} Dotted: the shock itself."
    )
    return Picture("impulse_paths", "How the answer builds up and fades", caption, image)


def _draw(axes: "Axes", found: Impulse, regime: str) -> None:
    names = list(found.markets)
    cells = [[found.cell(regime, one, other) for other in names] for one in names]
    value = np.array([[cell.value for cell in row] for row in cells])
    axes.imshow(np.clip(np.abs(value), 0.0, _FULL), cmap="Greys", vmin=0.0, vmax=_FULL / _DARKEST, aspect="auto")
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            axes.text(j, i, _text(cell), ha="center", va="center", fontsize=7.5, color="black")
    ruled(axes, names)
    axes.set_ylabel("market shocked")
    axes.set_title(spoken(regime), fontsize=9)


def _text(cell: Estimate) -> str:
    shown = {short(number).replace("0.00", "0") for number in (cell.value, cell.low, cell.high)}
    if shown == {"0"} or not np.isfinite([cell.low, cell.high]).all():
        return short(cell.value)  # an interval that shows nothing but zeros only hides those that show something
    return f"{short(cell.value)}\n[{short(cell.low)}, {short(cell.high)}]"


def _line(axes: "Axes", regime: str, regimes: tuple[str, ...], path: Array) -> None:
    """Draw the mean of paths (n, h) with its interval."""
    style, found = look(regime, regimes), [bootstrap_mean(column) for column in path.T]
    steps = np.arange(path.shape[1])
    axes.plot(steps, [one.value for one in found], color=style.colour, linestyle=style.line, label=spoken(regime))
    low, high = (np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
    if np.isfinite(low).all():
        axes.fill_between(steps, low, high, color=style.colour, alpha=0.25, linewidth=0.0)
