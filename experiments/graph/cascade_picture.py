"""The picture of a contagion graph: who carried whom across the threshold, round by round.

Small graphs show every closing in the round in which it happened. Large ones show, for each generation of the cascade
and each market, one disc for all closings.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from experiments.drawing import DARK, GREY, Picture, canvas, png
from experiments.graph.cascade_layout import About, Disc, Layout, by_generation, by_round
from experiments.wording import counted, dollars, round_down

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLOSINGS, MOST_ROUNDS = 120, 16  # up to here every closing is drawn
WIDEST, NARROWEST = 24.0, 4.0  # points across, of the largest disc and of one of no size
LINE = "#6e6e6e"


@dataclass(frozen=True)
class Mark:
    """How one market is drawn: colour and shape differ, and the colours differ in brightness as well."""

    colour: str
    shape: str


# Okabe & Ito (2008), ordered so that neighbours differ in brightness.
_MARKS = tuple(
    Mark(colour, shape)
    for colour, shape in zip(
        ("#0072B2", "#F0E442", "#D55E00", "#FFFFFF", "#000000", "#56B4E9", "#CC79A7", "#009E73", "#E69F00", "#BBBBBB"),
        ("o", "s", "^", "D", "v", "P", "h", "X", "p", "8"),
        strict=True,
    )
)


def cascade_picture(graph: nx.DiGraph, name: str = "contagion") -> Picture:
    """Return the picture of a contagion graph (see `contagion.contagion_graph`)."""
    closings = {node: about for node, about in graph.nodes(data=True) if about["kind"] == "closing"}
    single = one_by_one(closings)
    layout = (by_round if single else by_generation)(graph, closings)
    with canvas(7.4, layout.height) as figure:
        if closings:
            draw_cascade(figure, layout, layout)
        else:
            figure.text(0.5, 0.5, "nothing was liquidated", ha="center", va="center")
        return Picture(name, "Who pulled whom down", caption(graph, single) + drawn(graph, layout), png(figure))


def one_by_one(closings: About) -> bool:
    """Tell whether every closing is drawn: up to 120 closings in up to 16 rounds."""
    rounds = {(about["step"], about["round"]) for about in closings.values()}
    return len(closings) <= MOST_CLOSINGS and len(rounds) <= MOST_ROUNDS


def caption(graph: nx.DiGraph, single: bool) -> str:
    """Return what is shown, with counts."""
    closings = [about for _, about in graph.nodes(data=True) if about["kind"] == "closing"]
    if not closings:
        return "Nothing was liquidated in this run."
    trees: dict[int, set[tuple[str, int]]] = {}
    for about in closings:
        trees.setdefault(about["tree"], set()).add((about["account"], about["pool"]))
    pools = len({(about["account"], about["pool"]) for about in closings})
    roots = sum(about["root"] for about in closings)
    deepest, total = max(about["generation"] for about in closings), sum(about["notional"] for about in closings)
    counts = (
        f"{counted(len(closings), 'closing')} of {counted(pools, 'pool')}, {dollars(total)} in all, "
        f"{counted(roots, 'root')} (under margin without any forced sale before; thick rim); the largest cascade has "
        f"{counted(max(map(len, trees.values())), 'pool')}, the deepest {counted(deepest, 'generation')}."
    )
    shapes = "Area is closed notional, shape and colour the market (the largest, where several were closed)."
    if single:
        lines = "A line leads, from left to right, from the closing that carried a pool across its threshold"
        return f"{counts} {shapes} {lines}; its width is the dollars of loss."
    return (
        f"{counts} Each disc is all closings of one generation (or of those named) in one market. {shapes} A line "
        "leads from the closings that carried the next ones across their thresholds; its width is the dollars of loss."
    )


def drawn(graph: nx.DiGraph, layout: Layout) -> str:
    """Return what is drawn of what."""
    if not layout.discs:
        return ""
    count = sum(disc.count for disc in layout.discs)
    links = sum(about["tree"] for _, _, about in graph.edges(data=True))
    if not layout.counted:
        return f" Drawn: all {counted(count, 'closing')}, {counted(len(layout.lines), 'link')} to parents of {links:,}."
    return (
        f" Drawn: all {counted(count, 'closing')} as {counted(len(layout.discs), 'disc')}, {counted(links, 'link')} to "
        f"parents as {counted(len(layout.lines), 'line')}, without those inside a disc."
    )


def draw_cascade(figure: "Figure", layout: Layout, whole: Layout) -> "Axes":
    """Draw `layout`, a part of `whole`, at the places and to the scale of `whole`; return the axes."""
    axes = figure.subplots()
    _lines(axes, layout, max((line.share for line in whole.lines), default=1.0) or 1.0)
    for market, mark in zip(layout.markets, _MARKS, strict=False):
        _discs(axes, [disc for disc in layout.discs if disc.market == market], mark, whole)
    if layout.counted:
        _numbers(axes, layout, whole)
    _frame(axes, whole)
    _legend(figure, whole)
    return axes


def _numbers(axes: "Axes", layout: Layout, whole: Layout) -> None:
    """Write below each disc how many closings it is; lines run behind the numbers, not through them."""
    from matplotlib.patheffects import Normal, Stroke

    for disc in layout.discs:
        below = (0.0, -_across(disc.notional, whole) / 2.0 - 2.0)
        number = axes.annotate(f"{disc.count:,}", (disc.x, disc.y), below, va="top", **_SMALL)
        number.set_path_effects([Stroke(linewidth=2.0, foreground="white"), Normal()])


def _frame(axes: "Axes", layout: Layout) -> None:
    axes.set_xticks(*layout.ticks, rotation=90 if max(map(len, layout.ticks[1])) * len(layout.ticks[1]) > 50 else 0)
    axes.set_xlabel(layout.axis)
    axes.set_yticks(*layout.rows)
    axes.set_ylabel("market (the largest that was closed)" if layout.rows[0] else "")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    places = [disc.x for disc in layout.discs] + layout.ticks[0]
    axes.set_xlim(min(places) - 0.6, max(places) + 0.6)
    lowest, highest = min([disc.y for disc in layout.discs] + layout.rows[0]), max(disc.y for disc in layout.discs)
    axes.set_ylim(lowest - 0.6, max([highest, *layout.rows[0]]) + 0.45)


_SMALL: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 7, "color": DARK}


def _across(notional: float, layout: Layout) -> float:
    """Return the diameter in points; the area is proportional to dollars, with a least size that can be seen."""
    return max(WIDEST * float(np.sqrt(notional / layout.largest)), NARROWEST)


def _discs(axes: "Axes", discs: list[Disc], mark: Mark, whole: Layout) -> None:
    for root in (False, True):
        these = [disc for disc in discs if disc.root == root]
        axes.scatter(
            [disc.x for disc in these],
            [disc.y for disc in these],
            s=[_across(disc.notional, whole) ** 2 for disc in these],
            c=mark.colour,
            marker=mark.shape,
            edgecolors="black" if root else GREY,
            linewidths=2.0 if root else 0.8,
            zorder=4 if root else 3,
        )


def _lines(axes: "Axes", layout: Layout, most: float) -> None:
    from matplotlib.patches import FancyArrowPatch

    for line in layout.lines:
        one, other = layout.discs[line.start], layout.discs[line.end]
        bend = 0.0 if one.x != other.x else 0.35
        axes.add_patch(
            FancyArrowPatch(
                (one.x, one.y),
                (other.x, other.y),
                arrowstyle="-",
                connectionstyle=f"arc3,rad={bend}",
                linestyle=":" if line.again else "-",
                linewidth=0.6 + 2.8 * line.share / most,
                color=LINE,
                alpha=0.6,
                zorder=1,
            )
        )


def _legend(figure: "Figure", layout: Layout) -> None:
    from matplotlib.lines import Line2D

    def handle(mark: Mark, label: str, rim: float = 0.8, size: float = 8.0) -> Line2D:
        edge = "black" if rim > 1.0 else GREY
        style: dict[str, Any] = {"marker": mark.shape, "markerfacecolor": mark.colour, "markeredgecolor": edge}
        return Line2D([], [], linestyle="", markeredgewidth=rim, markersize=size, label=label, **style)

    handles = [handle(mark, market) for market, mark in zip(layout.markets, _MARKS, strict=False)]
    empty = Mark("#FFFFFF", "o")
    handles.append(handle(empty, "root", 2.0))
    for notional in (round_down(layout.largest), round_down(layout.largest / 10.0)):
        handles.append(handle(empty, dollars(notional), size=_across(notional, layout)))
    figure.legend(handles=handles, loc="outside right upper", labelspacing=1.2, handletextpad=1.0, borderpad=0.8)
