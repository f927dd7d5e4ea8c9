"""Why did this account die? One account's loss told through its causes.

Question: where did the money of an account go, whose liquidations took part in it, and what would have saved it?
Method: the run is repeated with a diary of its postings (same scenario, same seed, same storm); its loss is split
exactly (`attribution`), forced displacement is charged to earlier closings (`culprits`), and the storm is run again
with one thing changed at a time (`what_if`). Expected: in a storm with impact part of the loss is owed to earlier
liquidations, named, and without impact that part is gone.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from agents.handles import forget
from experiments.causes.amounts import records
from experiments.causes.attribution import Split, split_losses
from experiments.causes.culprits import closings_in, culprits
from experiments.causes.forced_trades import forced_trades
from experiments.causes.source import check_storm, source_of
from experiments.causes.story import Facts, plain, story
from experiments.causes.trace import Traced
from experiments.causes.trigger import knowledge
from experiments.causes.what_if import CAUSES, ask, outcome_of
from simulation.accounts import SYSTEM_ROWS
from simulation.arrays import Index
from simulation.errors import InputError, nearest, shown

TOGETHER = ("impact", "pooling", "delay")  # of which Shapley shares are taken: eight runs at most


class Explanation(Facts):
    """What became of one account and why. `print` it for the story."""

    @cached_property
    def markdown(self) -> str:
        """Return the story as Markdown."""
        return story(self)

    def __str__(self) -> str:
        """Return the story as plain text."""
        return plain(self.markdown)


def explain(
    run: Any, account: str | None = None, *, causes: Sequence[str] = TOGETHER, without: Iterable[str] = ()
) -> Explanation:
    """Explain what became of `account` ("group[number]"), or of the liquidated account with the largest loss.

    `run` is a results folder, a scenario (name, file, data) or a `Run`; it is repeated. Shapley shares are taken of
    those of `causes` (see `what_if.CAUSES`) that the scenario has, by 2 ** k reruns. `without` names accounts to count
    out one at a time; if there are none, the account that owes most. Raises `InputError` for what does not exist.
    """
    unknown = [name for name in causes if name not in CAUSES]
    if unknown:
        raise InputError(f"causes: must be among {', '.join(CAUSES)} (got {shown(unknown[0])})")
    if len(set(causes)) != len(causes):
        raise InputError("causes: each must be named once")
    scenario, digest = source_of(run)
    model = Traced(scenario)
    try:
        model.run()
        check_storm(run, digest, model.streams.digest())
        return _explained(model, account, causes, list(without))
    finally:
        forget(model)


def row_of(split: Split, account: str | None, closed: Iterable[int]) -> int:
    """Return the row of `account`; of nobody named, the one with the largest loss among `closed`, or else of all."""
    names, kinds = split.accounts["account"].tolist(), split.accounts["kind"].to_numpy()
    people = np.flatnonzero((kinds != "system") & (kinds != "liquidator"))
    if account is None:
        hit = np.intersect1d(people, list(closed))
        chosen = hit if len(hit) else people
        return int(chosen[np.argmax(split.accounts["loss"].to_numpy()[chosen])])
    if account in names:
        return names.index(account)
    raise InputError(f"account: there is no {shown(account)}{_hint(account, [names[row] for row in people])}")


def _counted_out(split: Split, name: str, row: int) -> int:
    """Return the row of an account to count out: a trader, and not the one that is explained."""
    other = row_of(split, name, ())
    if other == row:
        raise InputError(f"without: {shown(name)} is the account that is explained; name another")
    if str(split.accounts["kind"].iloc[other]) == "system":
        raise InputError(f"without: {shown(name)} is part of the venue, not a trader")
    return other


def _hint(account: str, people: list[str]) -> str:
    """Return the nearest account name: the members of the group, if only the number is wrong."""
    group = account.partition("[")[0]
    groups = [name.partition("[")[0] for name in people]
    if group in groups:
        return f"; {group} has the members {group}[0] to {group}[{groups.count(group) - 1}]"
    known = list(dict.fromkeys(groups))
    return nearest(account, people) or nearest(group, known) or f"; groups: {', '.join(known)}"


def _explained(model: Traced, account: str | None, causes: Sequence[str], without: list[str]) -> Explanation:
    split, closings = split_losses(model), closings_in(model)
    row = row_of(split, account, np.unique(closings.row).tolist())
    owed = culprits(model, split, closings, row)
    names = split.accounts["account"].tolist()
    others = [_counted_out(split, name, row) for name in without] or _worst(owed, row)
    answers = ask(model.rules, row, outcome_of(model, row), causes, others)
    lines = split.lines.iloc[np.flatnonzero(split.lines["row"].to_numpy() == row)].drop(columns="row")
    events, mine = model.events, np.flatnonzero(model.events["row"].to_numpy() == row)
    return Explanation(
        scenario=model.rules,
        account=records(split.accounts.iloc[row : row + 1])[0],
        lines=lines.reset_index(drop=True),
        culprits=owed,
        seizures=events.iloc[mine].reset_index(drop=True),
        answers=answers,
        others={other: names[other] for other in others},
        split=split,
        trades=forced_trades(model, split),
        rule_known=knowledge(model),
        digest=model.streams.digest(),
        needed_at_opening=_needed(split, np.flatnonzero(closings.row == row)),
    )


def _needed(split: Split, mine: Index) -> float | None:
    """Return what the opening's rule would have asked for when the first of the closings `mine` was made."""
    return None if not len(mine) or np.isnan(split.needed[mine[0]]) else float(split.needed[mine[0]])


def _worst(owed: pd.DataFrame, row: int) -> list[int]:
    """Return the one other account that owes most, if any does."""
    other, dollars = owed["row"].to_numpy(np.intp), owed["dollars"].to_numpy(float)
    total = np.bincount(other, np.where((other != row) & (other >= SYSTEM_ROWS), dollars, 0.0))
    return [int(total.argmax())] if total.max(initial=0.0) > 0.0 else []
