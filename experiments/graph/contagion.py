"""The contagion graph of a run: who pulled whom down, and by how many dollars.

Nodes are closings (all that was closed of one pool in one round) and point to later closings that their price impact
harmed. Shares are whole quanta, and for every closing

    exogenous + flow + mark_gap + sum of `share` over its incoming edges = loss, exactly.

Causes come before effects, so the graph has no cycle. Only the `most_causes` largest causes of a closing get an edge of
their own; the rest comes from a *wave*, a node that stands for everything liquidated up to some moment.
"""

import networkx as nx
import numpy as np
import pandas as pd

from experiments.graph.files import write_graph
from experiments.record.blame import Blame, Ledger
from experiments.record.closings import Closings, closings_of
from experiments.record.forest import Forest, grow
from experiments.run import Run
from simulation.accounts import QUANTUM
from simulation.arrays import Array, Index

__all__ = ["cascade_forest", "contagion_graph", "exact_shares", "ledger_of", "write_graph"]

MOST_CAUSES = 8  # edges into a closing; five thousand closings then make a file that Gephi opens at once


def contagion_graph(run: Run, most_causes: int = MOST_CAUSES, forest: Forest | None = None) -> nx.DiGraph:
    """Return the contagion graph of a run; `forest` saves growing it again.

    Node attributes: kind ("closing" or "wave"), label, step, round; of closings also order, account, group, pool,
    market (the largest), markets, side, taker, notional, equity, maintenance, healthy_share (of the notional), loss
    and its parts exogenous, flow, mark_gap and forced, root, generation, tree (order of its root); of waves how many
    closings they stand for and their notional. Edge attributes: share (dollars of loss; negative where an earlier push
    wearing off helped), weight (its amount), tree (from the parent in the cascade forest), kind: "loss"; "part" leads
    a closing, or an earlier wave, into a wave; "again" leads to a further close of the same pool. Only "loss" edges
    carry dollars. Graph attributes: the scenario's name, markets and seed, and the digest of its exogenous draws.
    """
    ledger = ledger_of(run)
    forest = forest or grow(ledger, run.scenario.rounds_per_step)
    graph = nx.DiGraph(name=run.scenario.name, seed=str(run.scenario.seed), digest=run.digest)
    graph.graph["markets"] = " ".join(run.scenario.names)
    ids = _add_closings(graph, run.events, ledger.closings, forest)
    blame = _with_parents(ledger, forest, ledger.largest(np.arange(len(forest)), most_causes))
    share, rest = exact_shares(blame, ledger.closings.forced)
    _add_losses(graph, ids, blame, share, forest)
    _add_waves(graph, ids, ledger.closings, rest)
    for i in np.flatnonzero(forest.continues):
        if not graph.has_edge(ids[forest.parent[i]], ids[i]):
            graph.add_edge(ids[forest.parent[i]], ids[i], share=0.0, tree=True, kind="again")
    return graph


def ledger_of(run: Run) -> Ledger:
    """Return who owes whom in a run."""
    closings = closings_of(run.events, run.pushes, run.scenario.names)
    return Ledger(closings, run.moment_step, run.scenario.impact.half_life_steps)


def cascade_forest(run: Run) -> Forest:
    """Return the cascade forest of a run: sizes, depths, generations."""
    return grow(ledger_of(run), run.scenario.rounds_per_step)


def exact_shares(blame: Blame, forced: Array) -> tuple[Array, Array]:
    """Round shares (e,) to whole quanta; return them and what is left of each forced loss (n,) for the waves.

    Where all causes are listed, the largest-remainder rule leaves nothing.
    """
    share, effect = blame.share / QUANTUM, blame.effect
    listed = blame.complete[effect]
    rounded = np.where(listed, np.floor(share), np.rint(share))
    left = np.rint(forced / QUANTUM)
    np.subtract.at(left, effect, rounded)
    count = np.bincount(effect, minlength=len(forced))
    order = np.lexsort((np.floor(share) - share, effect))  # by effect, the largest remainder first
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order)) - np.searchsorted(effect[order], effect[order])
    each, more = np.divmod(left[effect], np.maximum(count[effect], 1))
    rounded += np.where(listed, each + (rank < more), 0.0)
    left[blame.complete & (count > 0)] = 0.0
    return rounded * QUANTUM, left * QUANTUM


def _with_parents(ledger: Ledger, forest: Forest, blame: Blame) -> Blame:
    """Add the edges from parents that are not among the largest causes."""
    n = len(forest)
    child = np.flatnonzero((forest.parent >= 0) & ~forest.continues)
    missing = ~np.isin(child * n + forest.parent[child], blame.effect * n + blame.cause)
    child, parent = child[missing], forest.parent[child[missing]]
    cause, effect = np.concatenate([blame.cause, parent]), np.concatenate([blame.effect, child])
    share = np.concatenate([blame.share, ledger.shares(child, parent)])
    order = np.lexsort((-np.abs(share), effect))
    return Blame(cause[order], effect[order], share[order], blame.complete)


def _add_closings(graph: nx.DiGraph, events: pd.DataFrame, closings: Closings, forest: Forest) -> list[str]:
    seized = events.iloc[closings.first]
    ends = np.append(closings.first, len(events))[1:]
    columns = {key: seized[key].tolist() for key in ("account", "group", "taker", "equity", "maintenance")}
    columns |= {key: getattr(closings, key).tolist() for key in ("step", "round", "pool", "notional")}
    columns |= {key: getattr(closings, key).tolist() for key in ("loss", "exogenous", "flow", "mark_gap", "forced")}
    columns |= {key: getattr(forest, key).tolist() for key in ("generation", "tree")}
    columns["root"] = (forest.parent < 0).tolist()
    columns["order"] = list(range(len(forest)))
    columns["label"] = columns["account"]
    columns |= _merged(events, closings, ends)
    ids = []
    for values in zip(*columns.values(), strict=True):
        node = dict(zip(columns, values, strict=True))
        ids.append(f"{node['step']}.{node['round']} {node['account']} pool {node['pool']}")
        graph.add_node(ids[-1], kind="closing", **node)
    return ids


def _merged(events: pd.DataFrame, closings: Closings, ends: Index) -> dict[str, list]:
    """Return what a closing's trades have together: markets, side, share of the notional that was healthy alone."""
    market, side = events["market"].to_numpy(object), events["side"].to_numpy(object)
    healthy = events["notional"].to_numpy(float) * events["healthy_alone"].to_numpy(float)
    sums = np.append(0.0, np.cumsum(healthy))
    share = (sums[ends] - sums[closings.first]) / np.maximum(closings.notional, 1e-300)
    spans = list(zip(closings.first.tolist(), ends.tolist(), strict=True))
    notional = events["notional"].to_numpy(float)
    sides = [dict.fromkeys(side[a:b]) for a, b in spans]
    return {
        "market": [market[a + int(notional[a:b].argmax())] for a, b in spans],
        "markets": ["+".join(dict.fromkeys(market[a:b])) for a, b in spans],
        "side": [next(iter(found)) if len(found) == 1 else "both" for found in sides],
        "healthy_share": np.clip(share, 0.0, 1.0).tolist(),
    }


def _add_losses(graph: nx.DiGraph, ids: list[str], blame: Blame, share: Array, forest: Forest) -> None:
    tree = forest.parent[blame.effect] == blame.cause
    keep = (share != 0.0) | tree
    edges = zip(*(column[keep].tolist() for column in (blame.cause, blame.effect, share, tree)), strict=True)
    graph.add_edges_from(
        (ids[one], ids[other], {"share": dollars, "weight": abs(dollars), "tree": parent, "kind": "loss"})
        for one, other, dollars, parent in edges
    )


def _add_waves(graph: nx.DiGraph, ids: list[str], closings: Closings, rest: Array) -> None:
    """Add one wave for every push after which some closing's loss has causes too small to list.

    The wave takes in all closings of earlier pushes, by way of the wave before it.
    """
    harmed = np.flatnonzero(rest)
    last = np.searchsorted(closings.pushes.moment, closings.before[harmed], side="right") - 1
    sellers = np.flatnonzero(closings.push >= 0)
    before, notional, count, previous = -1, 0.0, 0, ""
    for push in np.unique(last):
        parts = sellers[(closings.push[sellers] > before) & (closings.push[sellers] <= push)]
        notional, count, before = notional + float(closings.notional[parts].sum()), count + len(parts), push
        end = parts[-1]
        name = f"wave up to {closings.step[end]}.{closings.round[end]} (push {push})"
        about = {"step": int(closings.step[end]), "round": int(closings.round[end]), "label": "wave"}
        graph.add_node(name, kind="wave", closings=count, notional=notional, **about)
        sources = [ids[i] for i in parts] + ([previous] if previous else [])
        graph.add_edges_from((source, name, {"share": 0.0, "tree": False, "kind": "part"}) for source in sources)
        for i in harmed[last == push]:
            share = float(rest[i])
            graph.add_edge(name, ids[i], share=share, weight=abs(share), tree=False, kind="loss")
        previous = name
