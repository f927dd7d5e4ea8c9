"""What would have saved an account: reruns of the same storm with one thing changed, and fair shares of several.

Question: would it have survived without price impact, without shared collateral, without late prices, with more
insurance, without another account? Method: the scenario is run again with the same seed; exogenous draws are named by
their purpose, so the storm is the same whatever else changes. The Shapley share of a cause is its effect on the loss,
averaged over all orders in which the causes can be switched on (L. S. Shapley, in Contributions to the Theory of Games
II, 1953). Expected: the shares add up to the loss with all causes on less the loss with all of them off, exactly.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from agents.handles import forget
from experiments.causes.trace import Traced
from experiments.parallel import run_jobs
from simulation.accounts import QUANTUM, SYSTEM_ROWS, to_quanta
from simulation.scenario import Scenario

LEVERAGE = "leverage"  # of the others: no field of the scenario
NEVER = -1  # the step of something that did not happen


@dataclass(frozen=True)
class Cause:
    """Something that can be switched off: `without` reads on from "without" or "with"; `changes` of the scenario.

    `changes` gives None where the scenario has nothing of the kind.
    """

    name: str
    phrase: str
    changes: Callable[[Scenario], dict[str, Any] | None]


def _impact(scenario: Scenario) -> dict[str, Any] | None:
    return None if type(scenario.impact).kind == "none" else {"impact": {"kind": "none"}}


def _pooling(scenario: Scenario) -> dict[str, Any] | None:
    alone = scenario.margin.segregated or len(scenario.markets) == 1
    return None if alone else {"margin": {"kind": "isolated"}, "reuse_share": 0.0}


def _delay(scenario: Scenario) -> dict[str, Any] | None:
    oracle, found = scenario.oracle.model_dump(mode="json"), {}
    late = {"delay_steps": 0, "deviation_rate": 0.0}
    if any(oracle.get(key) for key in late):
        found["oracle"] = {**oracle, **late}
    if type(scenario.mark).kind == "smoothed":
        found["mark"] = {"kind": "mid"}
    return found or None


def _insurance(scenario: Scenario) -> dict[str, Any] | None:
    depth = sum(market.depth for market in scenario.markets)
    return {"insurance_fund": scenario.insurance_fund + depth, "insurance_funds": {}, "insurance": {}}


def _margin(scenario: Scenario) -> dict[str, Any] | None:
    margin = scenario.margin.model_dump(mode="json")
    update = margin.get("update", {})
    learns = update.get("kind", "fixed") != "fixed" or margin.get("correlation_decay", 1.0) != 1.0
    return {"margin": {**margin, "update": {"kind": "fixed"}, "correlation_decay": 1.0}} if learns else None


def _leverage(scenario: Scenario) -> dict[str, Any] | None:
    return {} if sum(group.count for group in scenario.population) > 1 else None  # no field: see `cautious` in `Traced`


CAUSES = {
    "impact": Cause("impact", "without price impact", _impact),
    "pooling": Cause("pooling", "with every position in a pool of its own (isolated margin)", _pooling),
    "delay": Cause("delay", "without delay of oracle and mark", _delay),
    "insurance": Cause("insurance", "with an insurance fund as large as the depth of all markets", _insurance),
    "margin": Cause("margin", "with requirements that stay as they were at the opening", _margin),
    LEVERAGE: Cause(LEVERAGE, "with everybody else at half the leverage", _leverage),
}


@dataclass(frozen=True)
class Rerun:
    """One variant of a scenario: the causes switched `off`, the rows counted out."""

    off: frozenset[str] = frozenset()
    absent: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one account: loss, dollars (whole quanta); the step at which it was first closed by force.

    `closed` is the dollars of its positions closed by force.
    """

    loss: float
    died: int = NEVER
    closed: float = 0.0

    @property
    def survived(self) -> bool:
        """Tell whether nothing of it was closed by force."""
        return self.died == NEVER


@dataclass(frozen=True)
class Answers:
    """Outcomes of one account by rerun, and the causes that were tried together."""

    outcomes: dict[Rerun, Outcome]
    causes: tuple[str, ...]
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def difference(self) -> float:
        """Return the loss with all causes on less the loss with all of them off, dollars."""
        return self.outcomes[Rerun()].loss - self.outcomes[Rerun(frozenset(self.causes))].loss


def applicable(scenario: Scenario, names: Iterable[str] = tuple(CAUSES)) -> tuple[str, ...]:
    """Return which of the causes `names` a scenario has."""
    return tuple(name for name in names if CAUSES[name].changes(scenario) is not None)


def variant(scenario: Scenario, off: frozenset[str]) -> Scenario:
    """Return the scenario with some causes switched off; those it does not have change nothing."""
    changes: dict[str, Any] = {}
    for name in sorted(off):
        changes |= CAUSES[name].changes(scenario) or {}
    return scenario.with_(**changes) if changes else scenario


def outcome_of(model: Traced, row: int) -> Outcome:
    """Return what became of account `row` in a finished run."""
    events = model.exchange.desk.log.events
    mine = events.row == row
    died = int(events.step[mine].min()) if mine.any() else NEVER
    closed = float(np.abs(events.quantity * events.mark_before)[mine].sum())
    brought = 0.0
    for posting in model.diary:
        if posting.reason in ("deposit", "top up", "withdrawal"):
            brought += float(posting.cash[posting.row == row].sum())
    return Outcome(float(to_quanta(brought - model.equity[row])), died, closed)


def ask(scenario: Scenario, row: int, known: Outcome, names: Sequence[str], others: Sequence[int] = ()) -> Answers:
    """Rerun the storm of `scenario` for account `row`: every subset of the causes `names` off, and without `others`.

    `known` is the outcome as it was. Every single cause a scenario has is switched off as well, in `names` or not,
    but the leverage of others, which only counts if it is named.
    """
    together = applicable(scenario, names)
    alone = applicable(scenario, [name for name in CAUSES if name in names or name != LEVERAGE])
    wanted = [Rerun(frozenset(off)) for off in subsets(together)]
    wanted += [Rerun(frozenset([name])) for name in alone]
    wanted += [Rerun(absent=(other,)) for other in others]
    jobs = [rerun for rerun in dict.fromkeys(wanted) if rerun != Rerun()]
    jobs.sort(key=lambda rerun: ("pooling" not in rerun.off, bool(rerun.off)))  # the longest first
    workers = min(os.cpu_count() or 1, len(jobs)) if len(jobs) * _size(scenario) > _LARGE else 1
    found = run_jobs(_rerun, [(scenario, rerun, row) for rerun in jobs], max(workers, 1), False, _START)
    outcomes = {Rerun(): known, **dict(zip(jobs, found, strict=True))}
    losses = {off.off: outcomes[off].loss for off in outcomes if not off.absent}
    return Answers(outcomes, together, shapley(together, losses))


_LARGE = 200_000  # account-steps above which processes of their own are worth their start
_START = "fork" if hasattr(os, "fork") else "spawn"


def _size(scenario: Scenario) -> int:
    return scenario.steps * sum(group.count for group in scenario.population)


def _rerun(job: tuple[Scenario, Rerun, int]) -> Outcome:
    scenario, rerun, row = job
    model = Traced(variant(scenario, rerun.off), rerun.absent, _others(scenario, row) if LEVERAGE in rerun.off else ())
    try:
        while model.market.step < scenario.steps and not _over(model, row):
            model.step()
        return outcome_of(model, row)
    finally:
        forget(model)


def _others(scenario: Scenario, row: int) -> list[int]:
    """Return the rows of all traders but one: they follow the system rows and the liquidators."""
    first = SYSTEM_ROWS + sum(group.count for group in scenario.liquidators)
    traders = sum(group.count for group in scenario.population)
    return [other for other in range(first, first + traders) if other != row]


def _over(model: Traced, row: int) -> bool:
    """Tell whether account `row` was liquidated and has nothing left, here or outside: its loss is final."""
    accounts = model.accounts
    if accounts.cash[row].any() or accounts.position[row].any():
        return False
    reserves = [group.reserve[row - group.first_row] for group in model.groups if row in group.rows]
    return not any(reserves) and bool((model.exchange.desk.log.events.row == row).any())


def subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return all subsets of `names`, the smallest first."""
    return [chosen for size in range(len(names) + 1) for chosen in combinations(names, size)]


def shapley(names: Sequence[str], losses: dict[frozenset[str], float]) -> dict[str, float]:
    """Return each cause's share of loss(all on) - loss(all off), dollars; `losses` by the set that is off.

    share_i = sum over S without i of |S|! (k - |S| - 1)! / k! * (loss(S off) - loss(S and i off)), whole quanta: all
    shares are rounded down, the quanta left over go to the largest remainders. Exact, because it is done in integers.
    """
    k, scaled = len(names), dict.fromkeys(names, 0)
    quanta = {off: round(loss / QUANTUM) for off, loss in losses.items()}
    for off in map(frozenset, subsets(names)):
        for name in names:
            if name not in off:
                weight = factorial(len(off)) * factorial(k - len(off) - 1)
                scaled[name] += weight * (quanta[off] - quanta[off | {name}])
    whole = {name: value // factorial(k) for name, value in scaled.items()}
    total = (quanta[frozenset()] - quanta[frozenset(names)]) if names else 0
    by_remainder = sorted(names, key=lambda name: -(scaled[name] % factorial(k)))
    for name in by_remainder[: total - sum(whole.values())]:
        whole[name] += 1
    return {name: value * QUANTUM for name, value in whole.items()}
