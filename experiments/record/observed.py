"""A model that is watched: what it started with, and a few totals of every step."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from experiments.record.blame import Ledger
from experiments.record.closings import closings_of
from experiments.record.forest import Forest, grow
from experiments.record.frames import event_frame, moment_steps, push_frame
from simulation.arrays import Array, Index
from simulation.model import Cast, MarketModel
from simulation.scenario import Scenario


@dataclass(frozen=True)
class Opening:
    """The book before the first step.

    cohort (c,): rows of the traders who hold a position, fixed here for every share of accounts that is reported;
    open_interest: contracts held long at the mark, dollars (tokens are no contracts); initial_margin: requirement of
    all traders, dollars.
    """

    cohort: Index
    open_interest: float
    initial_margin: float


class Observed(MarketModel):
    """The market model, plus what metrics need to know about the past.

    Attributes:
        opening: the book before the first step.
        totals: one list a step: insurance fund (dollars), units held long (m,). Step 0 comes first.
    """

    def __init__(self, scenario: Scenario, cast: Cast, journal: bool = False) -> None:
        """Set the model up and note the opening."""
        super().__init__(scenario, cast, journal)
        self.opening = self._opening()
        self.totals: list[tuple[float, Array]] = []
        self.note()

    def step(self) -> None:
        """Take one step and note its totals."""
        super().step()
        self.note()

    def note(self) -> None:
        """Note the totals of this moment."""
        self.totals.append((self.exchange.waterfall.fund, self.accounts.open_interest.copy()))

    def _opening(self) -> Opening:
        rows = self.traders
        mark = self.market.mark_price
        initial = self.engine.health(rows).initial.sum()
        cohort = rows[self.accounts.position[rows].any(axis=1)]
        contracts = (self.accounts.open_interest * mark)[~self.market.listed.spot]
        return Opening(cohort, float(contracts.sum()), float(initial))

    # What follows is worked out once, when the run is over.

    @cached_property
    def events(self) -> pd.DataFrame:
        """Return the forced trades, see `frames.event_frame`."""
        return event_frame(self)

    @cached_property
    def forest(self) -> Forest:
        """Return who pulled whom down."""
        closings = closings_of(self.events, push_frame(self), self.market.names)
        return grow(Ledger(closings, moment_steps(self), self.rules.impact.half_life_steps), self.rules.rounds_per_step)

    @property
    def equity(self) -> Array:
        """Return the equity of every account over all its pools (n,), dollars."""
        rows = np.arange(len(self.accounts))
        held = self.engine.holdings(rows)
        return self.engine.equity(rows, held, self.market.mark_price).sum(axis=1)
