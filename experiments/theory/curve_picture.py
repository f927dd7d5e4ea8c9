"""Curves of a theory beside what was simulated at some of their points."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.drawing import Picture, canvas, look, png
from simulation.arrays import Array


@dataclass(frozen=True)
class Curve:
    """One case: what theory says, `expected` (n,) over `at` (n,), and what was `seen` (p,) at `tried` (p,)."""

    name: str
    at: Array
    expected: Array
    tried: Sequence[float]
    seen: Sequence[float]


def curve_picture(name: str, title: str, axes: tuple[str, str], curves: Sequence[Curve]) -> Picture:
    """Return the curves as lines and the simulated numbers as markers; `axes` are the labels of x and y."""
    names = tuple(curve.name for curve in curves)
    with canvas(6.5, 3.4) as figure:
        axis = figure.subplots()
        for curve in curves:
            style = look(curve.name, names)
            axis.plot(curve.at, curve.expected, color=style.colour, linestyle=style.line, label=f"{curve.name}, theory")
            points = {"marker": style.marker, "markerfacecolor": "#ffffff", "markersize": 6, "label": "simulated"}
            axis.plot(curve.tried, curve.seen, color=style.colour, linestyle="none", **points)
        axis.set(xlabel=axes[0], ylabel=axes[1])
        axis.legend()
        picture = png(figure)
    points = max(len(curve.tried) for curve in curves)
    caption = f"Lines: theory. Markers: simulated, {points} points a case; every run gives the same."
    return Picture(name, title, caption, picture)
