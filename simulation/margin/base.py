"""The margin rule: what one pool must hold against the positions that stand in it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Level, Listed
from simulation.margin.tiers import TierSchedule
from simulation.rule import Rule


@dataclass(frozen=True)
class Opening:
    """What a margin rule may know of a venue's markets when it opens.

    price: (m,) dollars, of the underlying for options. depth: (m,) dollars. variance: (m,) normal variance of the
    return of a step.
    """

    listed: Listed
    price: Array
    depth: Array
    variance: Array


class MarginRule(Rule):
    """How requirements of positions become the requirement of a pool.

    `segregated` says where new positions stand: in pools of their own (isolated) or in the shared pool. A rule of
    your own overrides `pooled`, or `initial` and `maintenance`, or all three.
    """

    segregated: ClassVar[bool] = False

    def opened(self, venue: "Opening") -> "MarginRule":
        """Return the rule as it stands when a venue opens; one that learns returns a copy with a memory of its own."""
        return self

    def observe(self, price: Array) -> bool:
        """See the prices (m,) of this step; tell whether requirements changed by it. A rule without memory looks away.

        An option's column shows the price of its underlying.
        """
        return False

    @property
    def additive(self) -> bool:
        """Tell whether the requirement of a pool is the sum of its positions' requirements."""
        return type(self).pooled is MarginRule.pooled

    def initial(self, notional: Array, tiers: TierSchedule) -> Array:
        """Return the stand-alone initial requirement (r, m) of positions of `notional` (r, m), dollars."""
        return tiers.initial(notional)

    def maintenance(self, notional: Array, tiers: TierSchedule) -> Array:
        """Return the stand-alone maintenance requirement (r, m) of positions of `notional` (r, m), dollars."""
        return tiers.maintenance(notional)

    def pooled(self, signed: Array) -> Array:
        """Return the requirement (r,) of pools whose positions have the signed stand-alone requirements (r, m)."""
        return column_sum(np.abs(signed))

    def steepness(self, tiers: TierSchedule) -> Array:
        """Return a bound (m,) on how fast a pool's maintenance requirement can grow per dollar of notional.

        With it, accounts that cannot be in trouble are skipped, exactly. A rule that changes the requirement and does
        not state a bound gets none (infinity): everybody is checked every time, slower and just as right.
        """
        own = type(self)
        known = own.pooled is MarginRule.pooled and own.maintenance is MarginRule.maintenance
        return tiers.steepest if known else np.full_like(tiers.steepest, np.inf)


class BookMargin(MarginRule):
    """A margin rule that reads the whole book of a pool: tokens, options, expiries, the public board.

    It states one number, the dollars by which the pool's raw equity must exceed zero:

    requirement = equity - margin balance,  equity = cash + sum_j position_j price_j,

    where the margin balance is what the venue calls health, margin balance, or collateral less requirement: haircuts
    on tokens, caps on unrealised profit and penalties on debt are therefore part of the requirement, and the pool is
    under margin exactly when equity < requirement.
    """

    @property
    def additive(self) -> bool:
        """Return False: what a pool needs is no sum over its positions."""
        return False

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, of the pools in `book`."""
        raise NotImplementedError

    def balance(self, book: Book, board: Board, level: Level) -> Array:
        """Return the margin balance (r,), dollars: equity less requirement; negative means under margin."""
        return book.equity(board.price) - self.requirement(book, board, level)

    def steepness(self, tiers: TierSchedule) -> Array:
        """Return infinity (m,): nobody is skipped, because the requirement is no sum over positions."""
        return np.full_like(tiers.steepest, np.inf)
