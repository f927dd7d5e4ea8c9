"""Who hits whom, regime beside regime: one heat map of the dollars that went from market to market."""

import math
from typing import Any

import numpy as np

from experiments.comparison import Compared
from experiments.drawing import Picture, canvas, png
from experiments.graph.hits import crossed
from experiments.heat_map import ruled
from experiments.statistics import Estimate, bootstrap_mean
from experiments.verdict import Outcomes
from experiments.wording import counted, dollar_scale, short
from simulation.arrays import Array, Index

MOST_MARKETS, COLUMNS = 5, 3
OTHERS = "others"
_PANEL = 3.0  # inches


def hits(comparison: Compared) -> Picture:
    """Draw the matrix of every regime and design on one scale: mean dollars a storm, below it the 95 % interval."""
    outcomes = comparison.outcomes
    regimes, designs = outcomes.plan.regimes, outcomes.plan.designs
    names, place = _shown(outcomes)
    found = {(r, d): _merged(outcomes.hits[outcomes.arm(r, d)], place) for d in designs for r in regimes}
    most = max(float(np.abs(value.mean(axis=0)).max()) for value in found.values())
    scale, unit = dollar_scale([most])
    columns = min(COLUMNS, len(regimes))
    deep = math.ceil(len(regimes) / columns)
    with canvas(_PANEL * columns, 0.9 * _PANEL * deep * len(designs) + 0.3) as figure:
        panels = figure.subplots(deep * len(designs), columns, squeeze=False)
        for i, axis in enumerate(panels.flat):
            row, regime = divmod(i, columns * deep)
            if regime >= len(regimes):
                axis.set_axis_off()
                continue
            arm = regimes[regime], designs[row]
            _panel(axis, found[arm] / scale, names, most / scale)
            across = crossed(outcomes.hits[outcomes.arm(*arm)]) / scale
            axis.set_title(f"{', '.join(arm)}\n{_across(across)}", loc="left", fontsize=8)
        what = f"cells: loss, {unit} a storm [95 % interval]"
        figure.supxlabel(f"market that harmed pools had to close; {what}", fontsize=9)
        figure.supylabel("market of the forced sales", fontsize=9)
        picture = png(figure)
    return Picture("who_hits_whom", "Who hits whom", _caption(comparison, len(names), unit), picture)


def _shown(outcomes: Outcomes) -> tuple[list[str], Index]:
    """Return the names of the rows, and the row (m,) of every market; beyond the busiest, one row for the rest."""
    names = list(outcomes.scenario.names)
    if len(names) <= MOST_MARKETS:
        return names, np.arange(len(names))
    moved = np.sum([np.abs(value).sum(axis=0) for value in outcomes.hits.values()], axis=0)
    busy = moved.sum(axis=0) + moved.sum(axis=1)
    kept = sorted(np.argsort(-busy, kind="stable")[: MOST_MARKETS - 1])
    place = np.full(len(names), len(kept))
    place[kept] = np.arange(len(kept))
    return [*(names[i] for i in kept), OTHERS], place


def _merged(hits: Array, place: Index) -> Array:
    """Return the matrices (n, k, k) of the rows shown."""
    row = np.eye(int(place.max()) + 1)[place]
    return np.einsum("nab,ai,bj->nij", hits, row, row)


def _panel(axis: Any, value: Array, names: list[str], most: float) -> None:
    """Draw one matrix; the root spreads the greys over cells that differ by orders of magnitude."""
    shade = np.sqrt(np.abs(value.mean(axis=0)) / (most or 1.0))
    axis.imshow(shade, cmap="Greys", vmin=0.0, vmax=2.0, aspect="auto")  # at most mid-grey below the text
    for i, j in np.ndindex(*shade.shape):
        axis.text(j, i, _cell(bootstrap_mean(value[:, i, j])), ha="center", va="center", fontsize=6)
    ruled(axis, names)
    axis.tick_params(labelsize=7)


def _cell(found: Estimate) -> str:
    """Return a mean and its interval in two lines, `0` alone where there was never anything."""
    if found.value == found.low == found.high == 0.0:
        return "0"
    return f"{_number(found.value)}\n[{_number(found.low)},\n{_number(found.high)}]"


def _number(value: float) -> str:
    if math.isnan(value):
        return "?"
    if 0.0 < abs(value) < 0.005:
        return "0.00"
    return short(float(f"{value:.2g}")) if abs(value) < 100.0 else f"{value:,.0f}"


def _across(value: Array) -> str:
    over = bootstrap_mean(value)
    said = "0" if not value.any() else f"{_number(over.value)} [{_number(over.low)}, {_number(over.high)}]"
    return f"across markets: {said}"


def _caption(comparison: Compared, shown: int, unit: str) -> str:
    markets, n = len(comparison.scenario.names), len(comparison.seeds)
    rest = f" Shown: the {shown - 1} busiest of {markets} markets, the rest as one." if markets > shown else ""
    return (
        f"Dollars of loss ({unit} a storm) that forced sales in the row's market caused in what pools had to close in "
        f"the column's: mean over {counted(n, 'storm')} and 95 % interval; less than 0 where a push that wore off "
        "helped, 0 is nothing at all, 0.00 less than is shown. Framed: a market and itself. What shared losses carry "
        "is no push of a price and is not in it."
        f"{rest} All pairs, and differences between regimes storm by storm: who_hits_whom.csv."
    )
