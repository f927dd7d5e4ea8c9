"""What a comparison found: outcomes of all arms, estimates, phi*, and the runs that are shown."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from experiments.compared_hits import hits_table
from experiments.gallery import Gallery
from experiments.statistics import Estimate
from experiments.store import scenario_hash
from experiments.verdict import Cell, Outcomes, cells, crossings, summary_table
from experiments.verdict_table import verdict_table
from simulation.scenario import Scenario


@dataclass(frozen=True)
class Compared:
    """What a comparison found, as data. `print` it for the verdict table.

    runs: tidy table, one row a run and metric. outcomes: the same numbers as arrays. digests: the name of each
    storm's exogenous draws, by seed. gallery: the worst and the median run, whole.
    """

    scenario: Scenario
    outcomes: Outcomes
    runs: pd.DataFrame
    digests: Mapping[int, str]
    gallery: Gallery
    workers: int

    @property
    def seeds(self) -> Sequence[int]:
        """Return the seeds, one a storm."""
        return self.outcomes.seeds

    @cached_property
    def cells(self) -> list[Cell]:
        """Return the estimates of the verdict."""
        return cells(self.outcomes)

    @cached_property
    def reuse_star(self) -> dict[str, Estimate]:
        """Return phi* by metric ("insolvent", "bad_debt"); undefined with its reason where there is none."""
        return crossings(self.outcomes)

    @property
    def summary(self) -> pd.DataFrame:
        """Return the verdict as a table: one row a measure, regime and design."""
        return summary_table(self.cells)

    @cached_property
    def hits(self) -> pd.DataFrame:
        """Return who hits whom by regime and design, with intervals: one row a pair of markets."""
        return hits_table(self.outcomes)

    @property
    def scenario_hash(self) -> str:
        """Return the SHA-256 of the scenario that was compared."""
        return scenario_hash(self.scenario.to_dict())

    def __str__(self) -> str:
        """Return the verdict table."""
        return verdict_table(self.outcomes, self.cells, self.reuse_star)

    def _repr_html_(self) -> str:
        """Show the verdict table in a notebook."""
        return f"<pre style='line-height:1.25'>{html.escape(str(self))}</pre>"
