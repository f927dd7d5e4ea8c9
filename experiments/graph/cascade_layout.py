"""Where the discs of a cascade picture stand: every closing in its round, or one disc a generation and market."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx

About = Mapping[str, Mapping[str, Any]]  # node -> its attributes

MOST_MARKETS, MOST_GENERATIONS, TALLEST = 10, 12, 16
OTHERS = "others"


@dataclass(frozen=True)
class Disc:
    """One closing, or several: place, dollars, how many, the market, and whether they are roots."""

    x: float
    y: float
    notional: float
    count: int
    market: str
    root: bool


@dataclass(frozen=True)
class Line:
    """A line between the discs numbered `start` and `end`: dollars of loss; `again` to a further close of the pool."""

    start: int
    end: int
    share: float
    again: bool = False


@dataclass(frozen=True)
class Layout:
    """Everything a cascade picture shows; height in inches; ticks and rows are (places, labels) of the two axes.

    `counted`: discs stand for several closings, whose number is written below them.
    """

    discs: list[Disc]
    lines: list[Line]
    markets: list[str]
    ticks: tuple[list[float], list[str]]
    rows: tuple[list[float], list[str]]
    axis: str
    height: float
    counted: bool

    @property
    def largest(self) -> float:
        """Return the notional of the largest disc, dollars."""
        return max((disc.notional for disc in self.discs), default=0.0)


def by_round(graph: nx.DiGraph, closings: About) -> Layout:
    """Place every closing in the column of its round; columns with many closings are several abreast."""
    markets, market = _markets(graph, closings)
    columns: dict[tuple[int, int], list[str]] = {}
    for node, about in closings.items():
        columns.setdefault((about["step"], about["round"]), []).append(node)
    place: dict[str, tuple[float, float]] = {}
    ticks: tuple[list[float], list[str]] = ([], [])
    left = 0.0
    for (step, round_), nodes in sorted(columns.items()):
        ordered = sorted(nodes, key=lambda node: (_parent_height(graph, node, place), -closings[node]["notional"]))
        abreast = -(-len(ordered) // TALLEST)
        rows = -(-len(ordered) // abreast)
        for i, node in enumerate(ordered):
            inside = min(rows, len(ordered) - i // rows * rows)
            # Neighbours abreast stand half a row apart, so that large discs overlap less.
            shift = 0.5 * (i // rows % 2) if abreast > 1 else 0.0
            place[node] = (left + 0.8 * (i // rows), (inside - 1) / 2.0 - i % rows + shift)
        ticks[0].append(left + 0.4 * (abreast - 1))
        ticks[1].append(f"{step}.{round_ + 1}")
        left += 0.8 * (abreast - 1) + 1.4
    nodes = list(closings)
    number = {node: i for i, node in enumerate(nodes)}
    discs = [Disc(*place[n], closings[n]["notional"], 1, market[n], bool(closings[n]["root"])) for n in nodes]
    lines = [
        Line(number[one], number[other], max(about["share"], 0.0), about["kind"] == "again")
        for one, other, about in graph.edges(data=True)
        if about["tree"]
    ]
    tallest = max((min(len(nodes), TALLEST) for nodes in columns.values()), default=1)
    height = max(2.6, 1.1 + 0.32 * tallest, 0.4 + 0.31 * (len(markets) + 3))  # the last: inches of the legend
    return Layout(discs, lines, markets, ticks, ([], []), "step.round of liquidation", height, counted=False)


def by_generation(graph: nx.DiGraph, closings: About, shown: About | None = None) -> Layout:
    """Place one disc for all closings of a generation and market: columns are generations, rows are markets.

    Deep cascades have columns of several generations each, all but the first equally many. Of the `closings` only
    those `shown` are counted, all if left out.
    """
    shown = closings if shown is None else shown
    markets, market = _markets(graph, closings)
    deepest = max(about["generation"] for about in closings.values())
    span = generations_abreast(deepest)
    group = {node: (2 + (about["generation"] - 2) // span, market[node]) for node, about in shown.items()}
    members: dict[tuple[int, str], list[str]] = {}
    for node in shown:
        members.setdefault(group[node], []).append(node)
    number = {key: i for i, key in enumerate(members)}
    discs = [
        Disc(
            float(column),
            -float(markets.index(name)),
            sum(closings[node]["notional"] for node in nodes),
            len(nodes),
            name,
            column == 1,
        )
        for (column, name), nodes in members.items()
    ]
    shares: dict[tuple[int, int], float] = {}
    for one, other, about in graph.edges(data=True):
        pair = (number[group[one]], number[group[other]]) if about["tree"] and other in shown else (0, 0)
        if pair[0] != pair[1]:
            shares[pair] = shares.get(pair, 0.0) + max(about["share"], 0.0)
    last = 1 if deepest == 1 else 2 + (deepest - 2) // span
    firsts = range(2, 2 + span * (last - 1), span)
    labels = ["1", *(str(g) if span == 1 else f"{g}–{min(g + span - 1, deepest)}" for g in firsts)]
    return Layout(
        discs=discs,
        lines=[Line(*pair, share) for pair, share in shares.items()],
        markets=markets,
        ticks=([float(column) for column in range(1, last + 1)], labels),
        rows=([-float(i) for i in range(len(markets))], markets),
        axis="generation (1: liquidated by the market alone); numbers: closings",
        height=1.1 + 0.6 * max(len(markets), 3),
        counted=True,
    )


def generations_abreast(deepest: int) -> int:
    """Return how many generations share a column so that at most `MOST_GENERATIONS` columns are drawn."""
    return max(1, -(-(deepest - 1) // (MOST_GENERATIONS - 1)))


def _markets(graph: nx.DiGraph, closings: About) -> tuple[list[str], dict[str, str]]:
    """Return the markets to tell apart, in the scenario's order, and the one each closing is shown as."""
    first = {node: about["market"] for node, about in closings.items()}
    known = str(graph.graph.get("markets", "")).split()
    names = known or sorted(set(first.values()))
    if len(names) > MOST_MARKETS:
        dollars = dict.fromkeys(names, 0.0)
        for node, name in first.items():
            dollars[name] += closings[node]["notional"]
        largest = sorted(names, key=lambda name: -dollars[name])[: MOST_MARKETS - 1]
        names = [*(name for name in names if name in largest), OTHERS]
    return names, {node: name if name in names else OTHERS for node, name in first.items()}


def _parent_height(graph: nx.DiGraph, node: str, place: Mapping[str, tuple[float, float]]) -> float:
    """Return minus the height of the parent, so that children stand beside it; closings without one come last."""
    heights = [-place[one][1] for one, _, about in graph.in_edges(node, data=True) if about["tree"] and one in place]
    return heights[0] if heights else 1e9
