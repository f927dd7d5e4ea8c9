"""Whose forced sales took how much from one account, over its whole life.

Question: of the dollars an account lost to forced displacement, how many does each earlier liquidation owe? Method: as
`record.blame` does for one closing, but over all spells in which the account held something: a spell that lost
`exposure` dollars per unit of log price owes to a push what was left of it at the end of the spell less what was left
at its beginning, and to each closing in the push the closing's fraction. Expected: the debts add up to what was lost to
forced sales, `forced` and `margin_rule` together; those of closings that only a risen requirement made are the latter
up to the rounding of spells.
"""

import numpy as np
import pandas as pd

from experiments.causes.attribution import Split
from experiments.causes.trace import Traced
from experiments.graph.contagion import exact_shares
from experiments.record.blame import Blame
from experiments.record.closings import Closings
from experiments.record.frames import account_names
from simulation.arrays import Array, Index

_BLOCK = 2_000_000  # cells of a working array


def closings_in(model: Traced) -> Closings:
    """Return the closings of a finished run."""
    return model.closings


def culprits(model: Traced, split: Split, closings: Closings, row: int) -> pd.DataFrame:
    """Return what every closing owes to the loss of account `row`, largest first.

    Columns: closing (number), step, round, row, account, group, notional (dollars closed), raised (only the rise of the
    margin rule made it), dollars (whole quanta; they add up to the account's loss to forced sales; negative where a
    push that wore off helped). An account can owe to itself: what it still held fell with what had been sold of it.
    """
    owed = _by_push(model, split, closings, row)
    share, sold = np.zeros(len(closings)), np.flatnonzero(closings.push >= 0)  # others never reached the book
    share[sold] = (owed[closings.push[sold]] * closings.share[sold, : owed.shape[1]]).sum(axis=1)
    found = np.flatnonzero(share)
    forced = split.accounts.loc[[row], ["forced", "margin_rule"]].sum(axis=1).to_numpy(float)
    exact = exact_shares(Blame(found, np.zeros(len(found), np.intp), share[found], np.ones(1, bool)), forced)[0]
    names, groups, _ = account_names(model)
    order = np.lexsort((found, -exact))
    found, exact = found[order][exact[order] != 0.0], exact[order][exact[order] != 0.0]
    rows = closings.row[found]
    return pd.DataFrame(
        {
            "closing": found,
            "step": closings.step[found],
            "round": closings.round[found],
            "row": rows,
            "account": np.array(names, object)[rows],
            "group": np.array(groups, object)[rows],
            "notional": closings.notional[found],
            "raised": split.raised[found],
            "dollars": exact,
        }
    )


def _by_push(model: Traced, split: Split, closings: Closings, row: int) -> Array:
    """Return the dollars (p, m) that each push took from account `row` through each market."""
    pushes, spells, causes = model.market.pushes, split.spells, split.causes
    mine = np.flatnonzero(spells.row == row)
    owed = np.zeros((len(pushes), len(model.market.names)))
    if not len(pushes):
        return owed
    permanent, transient = (np.array([getattr(push, key) for push in pushes]) for key in ("permanent", "transient"))
    market, source = spells.market[mine], model.market.listed.asset[spells.market[mine]]
    size = max(1, _BLOCK // len(pushes))
    for start in range(0, len(mine), size):
        part = slice(start, start + size)
        here = mine[part]
        (kept, fading), (known, faded) = _left(model, spells.until[here]), _left(model, spells.since[here])
        for column, dollars in ((market[part], causes.exposure[here]), (source[part], causes.through[here])):
            lasting = (kept - known) * permanent[:, column] + (fading - faded) * transient[:, column]
            np.add.at(owed.T, column, (lasting * dollars).T)
    return owed


def _left(model: Traced, moment: Index) -> tuple[Array, Array]:
    """Return how much is left (p, s) of the permanent and of the transient part of each push at each moment."""
    pushes, step = model.market.pushes, model.market.moments.step
    begun = np.array([push.moment for push in pushes])[:, None] <= moment
    age = np.maximum(step[moment] - np.array([push.step for push in pushes])[:, None], 0)
    decay = 0.5 ** (1.0 / model.rules.impact.half_life_steps)
    return begun.astype(float), np.asarray(begun * decay**age, float)
