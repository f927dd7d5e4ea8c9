"""Who hits whom under each regime, on the same storms: does pooled collateral carry losses from market to market?

Question: how many dollars of loss did forced sales in one market cause in what pools had to close in another?
Method: the matrix of `graph.hits.who_hits_whom` of every run; means over storms with their intervals, and differences
to the reference regime paired by storm. Expected: under isolated margin nothing crosses from one market to another,
unless losses are shared; pooled margin leads across.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.graph.hits import crossed
from experiments.paired import paired_difference
from experiments.statistics import Estimate, bootstrap_mean
from experiments.verdict import Outcomes
from simulation.arrays import Array

ACROSS = ""  # `from` and `to` of the row that holds all that crossed from one market to another


def hits_table(outcomes: Outcomes) -> pd.DataFrame:
    """Return one row a regime, design and pair of markets: dollars a storm, and the difference to the reference.

    Columns: regime, design; from (market of the forced sales), to (market that harmed pools had to close; both empty:
    all that crossed); mean, low, high (95 %, BCa bootstrap, Student's t under eight storms; NaN for one storm);
    difference, difference_low, difference_high (paired by storm, NaN for the reference itself); storms.
    """
    rows = [
        {"regime": regime, "design": design, **row}
        for design in outcomes.plan.designs
        for regime in outcomes.plan.regimes
        for row in _rows(outcomes, regime, design)
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(("regime", "design", "from", "to"), "str"))


def _rows(outcomes: Outcomes, regime: str, design: str) -> list[dict[str, Any]]:
    names, reference = outcomes.scenario.names, outcomes.plan.reference
    own = _columns(outcomes.hits[outcomes.arm(regime, design)])
    other = _columns(outcomes.hits[outcomes.arm(reference, design)]) if regime != reference else None
    pairs = [*((a, b) for a in names for b in names), (ACROSS, ACROSS)]
    return [_row(pair, own[i], None if other is None else other[i]) for i, pair in enumerate(pairs)]


def _columns(hits: Array) -> Sequence[Array]:
    """Return the dollars (n,) of every pair, row by row, and last of all that crossed."""
    return [*hits.reshape(len(hits), -1).T, crossed(hits)]


def _row(pair: tuple[str, str], own: Array, other: Array | None) -> dict[str, Any]:
    level = bootstrap_mean(own)
    gap = None if other is None else paired_difference(own, other)
    named = {"from": pair[0], "to": pair[1], **_ends("mean", "", level)}
    return {**named, **_ends("difference", "difference_", gap), "storms": len(own)}


def _ends(value: str, prefix: str, found: Estimate | None) -> dict[str, float]:
    if found is None:
        return {value: np.nan, f"{prefix}low": np.nan, f"{prefix}high": np.nan}
    return {value: found.value, f"{prefix}low": found.low, f"{prefix}high": found.high}
