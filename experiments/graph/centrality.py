"""How important each closing was: four centralities, as columns of a table and attributes of the graph's nodes.

caused      weighted out-strength: dollars of loss caused in all later closings, every cause counted, not only listed
            ones; the sum over closings is the forced loss. Negative where a sale helped on balance.
downstream  Katz's centrality (1953) on dollars, attenuation 1: caused, and of what the victims caused in turn the
            fraction in which the closing had part in their gross loss; see `flows.caused`.
pagerank    of S. Brin & L. Page, Computer Networks 30 (1998) 107-117, damping 0.85, on the graph as exported with its
            arrows turned round, so that weight runs from victim to cause: where does a walker end who asks at every
            loss for a cause, in proportion to dollars? A wave passes on to its closings, and to the wave before it, in
            proportion to notional. No unit; 1 over all nodes, waves included.
betweenness share of ordered pairs of other closings whose path in the cascade forest leads through this one: ancestors
            times descendants over (n - 1)(n - 2). In a forest every path is the shortest, so this is L. C. Freeman's,
            Sociometry 40 (1977) 35-41. NaN under three closings.
"""

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from experiments.graph.flows import caused
from experiments.record.blame import Ledger
from experiments.record.forest import Forest
from simulation.arrays import Array, Index

DAMPING = 0.85
_TOLERANCE, _ROUNDS = 1e-12, 1_000
COLUMNS = ("caused", "downstream", "pagerank", "betweenness")


def centralities(ledger: Ledger, forest: Forest, graph: nx.DiGraph) -> pd.DataFrame:
    """Return caused, downstream (dollars), pagerank, betweenness of every closing (n rows), in order of time."""
    closing = np.array([about["kind"] == "closing" for _, about in graph.nodes(data=True)], bool)
    rank = pagerank(len(graph), *arrows(graph))
    columns = {
        "caused": caused(ledger),
        "downstream": caused(ledger, onward=True),
        "pagerank": rank[closing],
        "betweenness": betweenness(forest.parent),
    }
    return pd.DataFrame(columns)


def arrows(graph: nx.DiGraph) -> tuple[Index, Index, Array]:
    """Return cause, effect (numbers of nodes) and weight of all arrows: dollars of loss, notional into waves.

    Arrows of losses that were made smaller are left out.
    """
    number = {node: i for i, node in enumerate(graph)}
    size = [about["notional"] for _, about in graph.nodes(data=True)]
    found = [
        (number[one], number[other], about["share"] if about["kind"] == "loss" else size[number[one]])
        for one, other, about in graph.edges(data=True)
        if about["kind"] == "part" or about["share"] > 0.0
    ]
    cause, effect, weight = zip(*found, strict=True) if found else ((), (), ())
    return np.array(cause, np.intp), np.array(effect, np.intp), np.array(weight, float)


def pagerank(count: int, cause: Index, effect: Index, weight: Array) -> Array:
    """Return the PageRank (count,) of a walk from effects to causes; who has no cause starts again anywhere.

    The same numbers as networkx's pagerank of the reversed graph, in a fraction of the time.
    """
    from scipy.sparse import csr_array

    if not count:
        return np.zeros(0)
    out = np.bincount(effect, weight, count)
    step = csr_array((weight / out[effect], (cause, effect)), shape=(count, count))
    ends = out == 0.0
    rank = np.full(count, 1.0 / count)
    for _ in range(_ROUNDS):
        after = DAMPING * (step @ rank + rank[ends].sum() / count) + (1.0 - DAMPING) / count
        change = float(np.abs(after - rank).sum())
        rank = after
        if change < _TOLERANCE:
            break
    return rank


def betweenness(parent: Index) -> Array:
    """Return the betweenness (n,) in a forest whose parents (n,) come before their children, -1 at roots."""
    n = len(parent)
    if n < 3:
        return np.full(n, np.nan)
    above, below = np.zeros((2, n))
    inner = np.flatnonzero(parent >= 0)
    for i in inner.tolist():
        above[i] = above[parent[i]] + 1.0
    for i in inner[::-1].tolist():
        below[parent[i]] += below[i] + 1.0
    return above * below / ((n - 1.0) * (n - 2.0))


def by_account(closings: pd.DataFrame) -> pd.DataFrame:
    """Return one row an account, the most harmful first: account, group, closings, notional, loss, the centralities.

    `closings` has these columns and `community`; sums over the account's closings, its community that of the largest.
    """
    name = np.asarray(closings["account"], object)
    code, first = pd.factorize(name)
    at = np.full(len(first), -1)
    order = np.argsort(np.asarray(closings["notional"], float), kind="stable")
    at[code[order]] = order  # the largest closing of each account
    columns: dict[str, Any] = {"account": first, "group": np.asarray(closings["group"], object)[at]}
    columns["closings"] = np.bincount(code, minlength=len(first))
    for key in ("notional", "loss", *COLUMNS):
        columns[key] = np.bincount(code, np.asarray(closings[key], float), len(first))
    columns["community"] = np.asarray(closings["community"], np.intp)[at]
    table = pd.DataFrame(columns).astype({"account": "str", "group": "str"})
    return table.iloc[np.argsort(-columns["caused"], kind="stable")].reset_index(drop=True)
