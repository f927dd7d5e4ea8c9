"""The tree of causes of one account's loss: the account at the bottom, its causes above it, their causes above them.

The width of an edge is its dollars, on one scale for each row, which the picture states; dashed edges are money that
came back. Only so many boxes stand in a row as can be read; the rest is one box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.causes.amounts import Record, largest_of, records
from experiments.causes.attribution import CAUSES
from experiments.causes.story import Facts
from experiments.drawing import DARK, GREY, Picture, canvas, png
from experiments.wording import dollars

MOST_CAUSES, MOST_CULPRITS = 7, 8  # boxes in a row, beside one for the rest
_WIDEST, _THINNEST = 16.0, 0.7  # points
_HIGH, _MIDDLE, _LOW = 2.0, 1.0, 0.0  # rows
_BOX = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": DARK, "linewidth": 0.9}
FORCED, RISEN = "forced sales", "sales by risen\nrequirements"
_SALES = ("forced", "margin_rule")  # causes that have culprits
_SHORT = {
    "exogenous": "outside price",
    "flow": "ordinary trading",
    "forced": FORCED,
    "margin_rule": RISEN,
    "mark_gap": "mark beside\nthe book",
    "trading": "fills of its\norders",
    "liquidation": "fills of its\nforced trades",
    "adl": "deleveraging",
    "penalty": "penalties",
    "takeover": "taken by\nthe backstop",
    "insurance": "insurance",
    "socialised": "shared losses",
    "unpaid": "never paid",
}


@dataclass(frozen=True)
class Branch:
    """A box of the tree, the dollars on the edge below it, and the label of the box that edge leads to."""

    label: str
    dollars: float
    below: str = ""


def causal_tree(told: Facts) -> Picture:
    """Draw the tree of causes of the account."""
    causes, culprits = cause_branches(told), culprit_branches(told)
    width = max(6.5, 1.25 * max(len(causes), len(culprits)))
    with canvas(width, 5.0 if culprits else 3.2) as figure:
        panel = figure.subplots()
        panel.axis("off")
        panel.set_ylim(_LOW - 0.25, (_HIGH if culprits else _MIDDLE) + 0.2)
        panel.set_xlim(0.0, 1.0)
        feet = {branch.label: (place, _MIDDLE) for branch, place in _placed(causes)}
        _edges(panel, causes, {"": (0.5, _LOW)}, _MIDDLE)
        _edges(panel, culprits, feet, _HIGH)
        for row, high in ((culprits, _HIGH), (causes, _MIDDLE)):
            for branch, place in _placed(row):
                _box(panel, (place, high), _text(branch))
        loss = float(told.account["loss"])
        _box(panel, (0.5, _LOW), f"{told.name}\n{'lost' if loss >= 0.0 else 'gained'} {dollars(abs(loss))}", "bold")
        figure.supxlabel(_literal(_scales(causes, culprits)), fontsize=7.5)
        image = png(figure)
    return Picture("causes", f"What became of {told.name}", _CAPTION, image)


def _scales(causes: list[Branch], culprits: list[Branch]) -> str:
    rows = [("lower", causes), ("upper", culprits)]
    said = [f"{name} row: widest {dollars(_largest(row))}" for name, row in rows if row]
    return f"edges as wide as their dollars ({'; '.join(said)}); dashed: money that came back"


_CAPTION = (
    "The account at the bottom, what took its money above it, and above forced sales the earlier closings that caused "
    "them. Edges are as wide as their dollars, on one scale a row; dashed: money that came back."
)


def cause_branches(told: Facts) -> list[Branch]:
    """Return the causes of the loss, in the order of the table; the small ones together."""
    amounts = {cause: float(told.account[cause]) for cause in CAUSES if told.account[cause]}
    kept = sorted(amounts, key=lambda cause: (cause not in _SALES, -abs(amounts[cause])))[:MOST_CAUSES]
    found = [Branch(_SHORT.get(cause, cause), amount) for cause, amount in amounts.items() if cause in kept]
    return [*found, *_rest([amount for cause, amount in amounts.items() if cause not in kept], "small causes")]


def culprit_branches(told: Facts) -> list[Branch]:
    """Return the closings that owe most, in order of time above the cause they belong to; the others together."""
    owed, found = told.culprits, list[Branch]()
    top = np.isin(owed["closing"].to_numpy(), largest_of(owed, "dollars", MOST_CULPRITS)["closing"].to_numpy())
    for cause, raised in zip(_SALES, (False, True), strict=True):
        mine = owed["raised"].to_numpy(bool) == raised
        named = owed.iloc[np.flatnonzero(top & mine)].sort_values("closing")
        found += [Branch(_closing(told, one), one["dollars"], _SHORT[cause]) for one in records(named)]
        left = owed["dollars"].to_numpy(float)[~top & mine].tolist()
        found += [Branch(rest.label, rest.dollars, _SHORT[cause]) for rest in _rest(left, "others")]
    return found


def _closing(told: Facts, one: Record) -> str:
    name = "itself" if one["account"] == told.name else one["account"]
    return f"{name}\nstep {one['step']}, round {one['round'] + 1}"


def _rest(amounts: Sequence[float], label: str) -> list[Branch]:
    return [Branch(f"{len(amounts)} {label}", sum(amounts))] if amounts else []


def _placed(branches: list[Branch]) -> list[tuple[Branch, float]]:
    """Return the boxes of a row with where they stand."""
    return [(branch, (i + 0.5) / len(branches)) for i, branch in enumerate(branches)]


def _edges(panel: Any, branches: list[Branch], feet: dict[str, tuple[float, float]], high: float) -> None:
    """Draw the edges of a row of boxes at `high` down to the box below each, the widest first."""
    for branch, place in sorted(_placed(branches), key=lambda pair: -abs(pair[0].dollars)):
        foot = feet.get(branch.below)
        if foot is None:
            continue
        width = max(_WIDEST * abs(branch.dollars) / _largest(branches), _THINNEST)
        dashes = (2.0, 1.5) if width < 4.0 else (0.6, 0.4)
        style: Any = "-" if branch.dollars >= 0.0 else (0, dashes)
        panel.plot((foot[0], place), (foot[1], high), color=GREY, linewidth=width, linestyle=style, zorder=1)


def _largest(branches: list[Branch]) -> float:
    return max((abs(branch.dollars) for branch in branches), default=0.0) or 1.0


def _text(branch: Branch) -> str:
    return f"{branch.label}\n{dollars(branch.dollars)}"


def _box(panel: Any, where: tuple[float, float], text: str, weight: str = "normal") -> None:
    panel.text(*where, _literal(text), ha="center", va="center", fontsize=7.5, fontweight=weight, bbox=_BOX, zorder=3)


def _literal(text: str) -> str:
    """Return text in which a pair of dollar signs does not begin a formula."""
    return text.replace("$", r"\$")
