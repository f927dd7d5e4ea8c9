"""Who hits whom: dollars of loss that the forced sales of one class caused in another, all causes counted.

Question: which markets, groups or types of traders pull the others down? Method: the forced loss of every closing is
split among the classes of its causes by the rule of `record.blame`, over all of them and not only those that the graph
lists. Expected: what forced sales took adds up to the forced losses to the last quantum; with segregated pools nothing
crosses from one market to another. Compare R. Cont & E. Schaanning, J. Banking & Finance 104 (2019) 85-102.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from experiments.graph.contagion import ledger_of
from experiments.graph.flows import suffered, suffered_through
from experiments.record.blame import Ledger
from experiments.record.frames import pools_of
from experiments.run import Run
from experiments.statistics import Estimate, bootstrap_mean
from simulation.accounts import QUANTUM
from simulation.arrays import Array, Index

By = Literal["market", "group", "kind"]


def who_hits_whom(run: Run, by: By = "market") -> pd.DataFrame:
    """Return the matrix of dollars of loss: forced sales of the row's class took them from the column's.

    by "group" or "kind" (trader type): classes of the accounts. By "market" the row is the market whose price the
    forced sales moved; the column is what the harmed pool then had to close, its loss spread over markets in
    proportion to the dollars closed. Pooled collateral thus leads from one market to another; where every position has
    its own pool everything off the diagonal is 0.

    Entries are whole quanta and add up to the sum of `forced` over all closings (what the mark showed, see
    `record.closings`), by group and kind also column by column; negative where a push that wore off helped.
    """
    ledger = ledger_of(run)
    if by == "market":
        return _by_market(run, ledger)
    names, label = _classes(run, by)
    label = label[ledger.closings.first]
    owed = suffered(ledger, label, len(names), np.arange(len(label)))
    total, forced = np.zeros((len(names), len(names))), np.zeros(len(names))
    np.add.at(total.T, label, owed)
    np.add.at(forced, label, ledger.closings.forced)
    exact = np.stack([whole(column, dollars) for column, dollars in zip(total.T, forced, strict=True)], axis=1)
    return _frame(exact, names, by)


def _by_market(run: Run, ledger: Ledger) -> pd.DataFrame:
    names, events, c = list(run.scenario.names), run.events, ledger.closings
    count, n = len(names), len(c)
    total = np.zeros((count, count))
    source = [*range(count), *_sources(run)]
    number = pools_of(events)
    column = pd.Index(names).get_indexer(pd.Index(events["market"]))
    part = events["notional"].to_numpy(float) / np.maximum(c.notional, 1e-300)[number]
    everyone, one = np.arange(n), (np.zeros(n, np.intp), 1)
    for market, row in enumerate(source):
        owed = suffered_through(ledger, market, one, everyone)[:, 0]
        total[row] += np.bincount(column, owed[number] * part, count)
    exact = whole(total.ravel(), float(c.forced.sum())).reshape(count, count)
    return _frame(exact, names, "market")


def _sources(run: Run) -> list[int]:
    """Return the market that moves each tied column of the closings, in their order."""
    tied = run.events.loc[run.events["underlying"] != "", ["market", "underlying"]].drop_duplicates()
    names = list(run.scenario.names)
    return [two for _, two in sorted((names.index(a), names.index(b)) for a, b in tied.itertuples(index=False))]


def _classes(run: Run, by: str) -> tuple[list[str], Index]:
    """Return the classes of accounts, and the class (e,) of the account of every event."""
    code, seen = pd.factorize(np.asarray(run.events["group"], object))
    accounts = zip(run.accounts["group"].tolist(), run.accounts["kind"].tolist(), strict=True)
    named = {group: (group if by == "group" else kind) for group, kind in accounts if kind != "system" or group in seen}
    number = {name: i for i, name in enumerate(dict.fromkeys(named.values()))}
    return list(number), np.array([number[named[group]] for group in seen], np.intp)[code]


def whole(dollars: Array, total: float) -> Array:
    """Round `dollars` (c,) to quanta that add up to `total` exactly, by the largest remainder; zeros stay zero."""
    share = dollars / QUANTUM
    there = np.flatnonzero(share)
    rounded = np.floor(share)
    if not len(there):
        return rounded
    left = round(total / QUANTUM) - int(rounded.sum())
    each, more = divmod(left, len(there))
    order = there[np.argsort((rounded - share)[there], kind="stable")]
    rounded[there] += each
    rounded[order[:more]] += 1.0
    return rounded * QUANTUM


def _frame(dollars: Array, names: list[str], by: str) -> pd.DataFrame:
    index = pd.Index(names, name=f"{by}_from", dtype="str")
    return pd.DataFrame(dollars, index, pd.Index(names, name=f"{by}_to", dtype="str"))


def long_table(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return a matrix as one row a pair: from, to, dollars, own_share (of all that hit `to`), total_share."""
    value, names = matrix.to_numpy(float), [str(name) for name in matrix.index]
    hit, total = value.sum(axis=0), value.sum()
    columns = {
        "from": np.repeat(np.array(names, object), len(names)),
        "to": np.tile(np.array(names, object), len(names)),
        "dollars": value.ravel(),
        "own_share": _over(value, hit[None, :]).ravel(),
        "total_share": _over(value, total).ravel(),
    }
    return pd.DataFrame(columns).astype({"from": "str", "to": "str"})


def _over(value: Array, by: Array | float) -> Array:
    """Return value / by, NaN where nothing was lost."""
    whole_ = np.broadcast_to(by, value.shape)
    return np.divide(value, whole_, out=np.full(value.shape, np.nan), where=whole_ != 0.0)


def crossed(hits: Array) -> Array:
    """Return the dollars (n,) off the diagonal of matrices (n, m, m): what went from one class to another.

    Of whole quanta, so exactly 0 where pools are segregated by market.
    """
    return hits.sum(axis=(1, 2)) - np.trace(hits, axis1=1, axis2=2)


def hits_over(runs: Sequence[Run], by: By = "market") -> pd.DataFrame:
    """Return mean dollars over several runs with their interval, one row a pair: from, to, mean, low, high, runs.

    The interval is the 95 % BCa bootstrap, Student's t under eight runs, NaN for one run. A last row, from and to both
    empty, holds all that crossed from one class to another.
    """
    matrices = [who_hits_whom(run, by) for run in runs]
    names = list(dict.fromkeys(name for matrix in matrices for name in matrix.index))
    same = [matrix.reindex(index=names, columns=names, fill_value=0.0) for matrix in matrices]
    value = np.stack([matrix.to_numpy(float) for matrix in same])
    rows = [("", "", bootstrap_mean(crossed(value)))]
    pairs = [(a, b, bootstrap_mean(value[:, i, j])) for i, a in enumerate(names) for j, b in enumerate(names)]
    return pd.DataFrame([_line(*row) for row in [*pairs, *rows]]).astype({"from": "str", "to": "str"})


def _line(one: str, other: str, found: Estimate) -> dict[str, object]:
    return {"from": one, "to": other, "mean": found.value, "low": found.low, "high": found.high, "runs": found.n}
