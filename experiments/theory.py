"""Validation targets: published results that are special cases of the simulator, each run through ordinary scenarios.

`validate()` runs them all and returns one table; each target has a function of its own that takes other parameters.
"""

from dataclasses import replace

import pandas as pd

from experiments.target import Check, table, verdict
from experiments.theory_adl import GapVenue, deleveraging_target, queue_regret
from experiments.theory_cascade import CascadeLaw, CascadeVenue, cascade_target
from experiments.theory_exit import ExitVenue, exit_target
from experiments.theory_passage import PassageVenue, passage_target
from experiments.theory_ruin import FundVenue, ruin_target
from experiments.theory_types import TypesVenue, types_target
from experiments.vega_risk import VegaBook, hedge_target, understatement_target

__all__ = [
    "CascadeLaw",
    "CascadeVenue",
    "Check",
    "ExitVenue",
    "FundVenue",
    "GapVenue",
    "PassageVenue",
    "TypesVenue",
    "VegaBook",
    "cascade_target",
    "deleveraging_target",
    "exit_target",
    "hedge_target",
    "passage_target",
    "queue_regret",
    "ruin_target",
    "table",
    "types_target",
    "understatement_target",
    "validate",
    "verdict",
]


def validate(effort: float = 0.02, seed: int = 1) -> pd.DataFrame:
    """Run every target and return expected, simulated, standard error, tolerance and verdict, one row a check.

    `effort` 1 is what the tolerances of the literature ask for: 200,000 cascades, 400,000 price paths, 1,500 books, and
    1,000,000 minutes of implied volatilities.
    """
    types = TypesVenue()
    found = {
        "T1 cascade": cascade_target(CascadeVenue(), round(200_000 * effort), seed),
        "T7 first passage": passage_target(PassageVenue(), round(400_000 * effort), seed),
        "T11 pro rata": deleveraging_target(GapVenue()),
        "T11 queue": [*deleveraging_target(GapVenue(policy="queue")), queue_regret()],
        "T5 critical leverage": exit_target(),
        "T8 ruin of the fund": ruin_target(FundVenue(), max(20, round(20_000 * effort)), seed),
    }
    for regime in ("cross", "isolated"):
        for radius in (0.3, 0.7):
            venue = replace(types.at_radius(radius), regime=regime)
            found[f"T4 {regime}, rho(cross) {radius:g}"] = types_target(venue, max(20, round(1_500 * effort)), seed)
    minutes = max(2_000, round(1_000_000 * effort))
    found["A20 vega hedge"] = hedge_target(VegaBook(), minutes, seed)
    for assets in (2, 4):
        found[f"A21 vega risk, K={assets}"] = understatement_target(VegaBook(assets), minutes, seed)
    return pd.concat([table(checks).assign(target=name) for name, checks in found.items()], ignore_index=True)
