"""A law of whole numbers beside what was simulated."""

import numpy as np

from experiments.drawing import DARK, Picture, canvas, from_zero, look, png
from experiments.statistics import wilson_interval
from simulation.arrays import Array

_MOST = 40  # bars


def law_picture(name: str, title: str, quantity: str, law: Array, counts: Array) -> Picture:
    """Return P(X = x) of the `law` (n,) as bars and of the simulated `counts` (r,) as points with 95 % intervals."""
    shown = min(len(law), _MOST, int(np.searchsorted(np.cumsum(law), 0.995)) + 2)
    seen = np.bincount(counts.astype(np.intp), minlength=shown)[:shown]
    found = [wilson_interval(int(hits), len(counts)) for hits in seen]
    value, reach = np.array([one.value for one in found]), np.array([one.reach for one in found]).T
    with canvas(7.5, 3.4) as figure:
        axis = figure.subplots()
        style = look("isolated")
        axis.bar(range(shown), law[:shown], width=0.7, color="#ffffff", edgecolor=style.colour, label="theory")
        axis.errorbar(
            range(shown), value, yerr=reach, fmt="o", color=DARK, markersize=4, capsize=2, label="simulated, 95 %"
        )
        axis.set(xlabel=quantity, ylabel="probability")
        from_zero(axis, "y")
        axis.legend()
        picture = png(figure)
    caption = f"Bars: theory. Points: {len(counts):,} simulated runs with Wilson's 95 % intervals."
    return Picture(name, title, caption, picture)
