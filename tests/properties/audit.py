"""Watching a run: every posting, every search for distressed pools, every loss that is shared out, every step.

An invariant is a function in `tests.properties.invariants`, registered for the moment at which it must hold. The
audit replays the journal posting by posting, so invariants see the state between any two of them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.cast import StandardCast, check_population
from simulation.accounts import INSURANCE, SHARED, Accounts, Side
from simulation.arrays import Array
from simulation.journal import Posting
from simulation.model import MarketModel
from simulation.scenario import Scenario

CHECKS: dict[str, list[Callable[..., None]]] = {
    name: [] for name in ("posting", "find", "cover", "deleverage", "fill", "step", "run")
}


class InvariantBroken(AssertionError):
    """An invariant does not hold; the message starts with its name."""


def invariant(moment: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as an invariant to be checked at `moment`."""

    def register(check: Callable[..., None]) -> Callable[..., None]:
        CHECKS[moment].append(check)
        return check

    return register


def require(holds: Any, message: str) -> None:
    if not bool(holds):
        raise InvariantBroken(message)


@dataclass
class Picture:
    """The balances at one moment."""

    cash: Array
    position: Array
    entry_price: Array
    mark: Array

    @classmethod
    def of(cls, model: MarketModel) -> "Picture":
        a = model.accounts
        return cls(a.cash.copy(), a.position.copy(), a.entry_price.copy(), model.market.mark_price.copy())


class Audit:
    """A model whose every moment is checked. `reached` counts what came up."""

    def __init__(self, scenario: Scenario, reached: Counter[str] | None = None, only: str = "") -> None:
        """Check all invariants, or `only` those of one number."""
        check_population(scenario)
        self.only = only.lower()
        self.model = MarketModel(scenario, StandardCast(), journal=True)
        self.reached = Counter() if reached is None else reached
        self.accounts: Accounts = self.model.accounts
        self.desk, self.waterfall = self.model.exchange.desk, self.model.exchange.waterfall
        self.replayed = 0
        self.cash, self.position = np.zeros_like(self.accounts.cash), np.zeros_like(self.accounts.position)
        self.events_seen = 0
        self.seized: set[tuple[int, int]] = set()
        self._watch()
        self._replay()

    def run(self) -> "Audit":
        """Step to the end, checking."""
        while self.model.market.step < self.model.rules.steps:
            self.step()
        self._check("run", self)
        return self

    def step(self) -> None:
        self.seized = set()
        self.step_start = self.replayed
        self.model.step()
        self._replay()
        self._check("step", self)
        self.reached["partial"] += self._partial()
        self.events_seen = len(self.desk.log.events)
        self.reached["long cascade"] += self.desk.round >= 5

    def _partial(self) -> int:
        """Forced trades of this step after which something of the position was left."""
        return sum(
            int((self.accounts.position[posting.holder, posting.market] != 0.0)[posting.quantity != 0.0][:-1].any())
            for posting in self.postings()
            if posting.reason == "liquidation"
        )

    def postings(self) -> list[Posting]:
        """The journal of this step."""
        assert self.accounts.journal is not None
        return self.accounts.journal[self.step_start :]

    @property
    def fund(self) -> float:
        return float(self.accounts.cash[INSURANCE, SHARED])

    def pays(self, units: Array) -> float:
        """What the fund that answers for a pool of `units` (m,) may still pay."""
        funds = self.waterfall.insurance
        return funds.available(int(funds.places(units[None, :])[0]))

    # Watching ---------------------------------------------------------------------------------------------

    def _check(self, moment: str, *what: Any) -> None:
        for check in CHECKS[moment]:
            if check.__name__.startswith(self.only):
                check(*what)

    def _replay(self) -> None:
        assert self.accounts.journal is not None
        for posting in self.accounts.journal[self.replayed :]:
            self._check("posting", self, posting)
            np.add.at(self.cash, (posting.row, posting.pool), posting.cash)
            np.add.at(self.position, (posting.holder, posting.market), posting.quantity)
        self.replayed = len(self.accounts.journal)

    def _watch(self) -> None:
        """Put the audit between the desk and the waterfall and their callers."""
        find, cover, deleverage = self.desk.find, self.waterfall.cover, self.waterfall.deleverage
        close = self.waterfall._close

        def found() -> Any:
            seizure = find()
            self.seized |= set(zip(seizure.rows.tolist(), seizure.pools.tolist(), strict=True))
            self._check("find", self, seizure)
            return seizure

        def covered(rows: Any, pools: Any, *closed: Any) -> None:
            before, known = Picture.of(self.model), len(self.waterfall.bankruptcies)
            cover(rows, pools, *closed)
            self._check("cover", self, before, (rows, pools), self.waterfall.bankruptcies[known:])

        def deleveraged(row: int, pool: int) -> Any:
            before, known = Picture.of(self.model), len(self.waterfall.bankruptcies)
            fills = deleverage(row, pool)
            self._check("deleverage", self, before, (Side(row, pool), fills), self.waterfall.bankruptcies[known:])
            return fills

        def closed(side: Side, market: int, quantity: float, rate: float) -> Any:
            before = Picture.of(self.model)
            fill = close(side, market, quantity, rate)
            self._check("fill", self, before, (side, quantity, rate), fill)
            return fill

        self.desk.find, self.waterfall.cover = found, covered  # type: ignore[method-assign]
        self.waterfall.deleverage, self.waterfall._close = deleveraged, closed  # type: ignore[method-assign]
