"""A model that is watched: what it started with, and a few totals of every step."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from experiments.record.blame import Ledger
from experiments.record.closings import Closings, closings_of
from experiments.record.forest import Forest, grow
from experiments.record.frames import event_frame, moment_steps, pools_of, push_frame
from experiments.record.takings import Takings, takings_of
from simulation.arrays import Array, Index, Mask
from simulation.margin.base import BookMargin
from simulation.model import Cast, MarketModel
from simulation.scenario import Scenario

_MOST_ALONE = 200_000  # traders times markets squared; a rule that reads whole books is asked once a market


@dataclass(frozen=True)
class Opening:
    """The book before the first step.

    cohort (c,): rows of the traders who hold a position, fixed here for every share of accounts that is reported;
    held (c, m): which positions they hold; open_interest: contracts held long at the mark, dollars (tokens are no
    contracts); initial_margin: requirement of all traders, dollars; alone: sum of what each position would require
    by itself, dollars, NaN where that takes too long (see `_MOST_ALONE`).
    """

    cohort: Index
    held: Mask
    open_interest: float
    initial_margin: float
    alone: float


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
        held = self.accounts.position[rows] != 0.0
        contracts = (self.accounts.open_interest * mark)[~self.market.listed.spot]
        some = held.any(axis=1)
        return Opening(rows[some], held[some], float(contracts.sum()), float(initial), self._alone(rows, initial))

    def _alone(self, rows: Index, initial: float) -> float:
        rule = self.engine.rule
        if not isinstance(rule, BookMargin) and rule.additive:
            return float(initial)
        if isinstance(rule, BookMargin) and len(rows) * len(self.market.names) ** 2 > _MOST_ALONE:
            return np.nan
        return float(np.abs(self.engine.signed_initial(self.engine.holdings(rows), self.market.mark_price)).sum())

    # What follows is worked out once, when the run is over.

    @cached_property
    def events(self) -> pd.DataFrame:
        """Return the forced trades, see `frames.event_frame`."""
        return event_frame(self)

    @cached_property
    def numbers(self) -> Index:
        """Return for each forced trade (e,) the number of its closing."""
        return pools_of(self.events)

    @cached_property
    def closings(self) -> Closings:
        """Return the forced trades merged by pool and round."""
        return closings_of(self.events, push_frame(self), self.market.names)

    @cached_property
    def forest(self) -> Forest:
        """Return who pulled whom down."""
        ledger = Ledger(self.closings, moment_steps(self), self.rules.impact.half_life_steps)
        return grow(ledger, self.rules.rounds_per_step)

    @cached_property
    def takings(self) -> Takings:
        """Return what winners gave up in auto-deleveraging."""
        return takings_of(self.exchange.waterfall.deleveragings)

    @cached_property
    def returns(self) -> Array:
        """Return the log returns (steps, k) of the marks of the markets whose mark stays above 0."""
        mark = self.market.history["mark"]
        return np.diff(np.log(mark[:, (mark > 0.0).all(axis=0)]), axis=0)

    @property
    def equity(self) -> Array:
        """Return the equity of every account over all its pools (n,), dollars."""
        rows = np.arange(len(self.accounts))
        held = self.engine.holdings(rows)
        return self.engine.equity(rows, held, self.market.mark_price).sum(axis=1)
