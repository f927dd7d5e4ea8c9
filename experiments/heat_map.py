"""The ruling of a square heat map whose rows and columns are the same things."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.drawing import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def ruled(axes: "Axes", names: list[str]) -> None:
    """Rule the cells (k, k), frame the diagonal (something and itself), and name rows and columns."""
    from matplotlib.patches import Rectangle

    edges = np.arange(len(names) + 1) - 0.5
    axes.vlines(edges, edges[0], edges[-1], color=GREY, lw=0.6)
    axes.hlines(edges, edges[0], edges[-1], color=GREY, lw=0.6)
    for i in range(len(names)):
        axes.add_patch(Rectangle((i - 0.48, i - 0.48), 0.96, 0.96, fill=False, edgecolor="black", lw=1.4, zorder=3))
    axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) * len(names) < 60 else 35)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
