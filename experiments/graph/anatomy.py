"""All that the graph tools know of a run: the graph, centralities, communities, who hits whom; and how to keep it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import networkx as nx
import pandas as pd

from experiments.graph.centrality import by_account, centralities
from experiments.graph.communities import communities
from experiments.graph.contagion import cascade_forest, contagion_graph, ledger_of
from experiments.graph.files import write_graph
from experiments.graph.hits import By, long_table, who_hits_whom
from experiments.graph.tables import write_parquet
from experiments.record.forest import Forest
from experiments.run import Run
from experiments.tables import write_table

CLASSES: tuple[By, ...] = ("market", "group", "kind")


@dataclass(frozen=True)
class Anatomy:
    """One run seen as a network.

    graph: the contagion graph (see `contagion`) whose closings also have caused, downstream, pagerank, betweenness
    (see `centrality`) and community. closings: the same attributes as a table, one row a closing, in order of time.
    forest: its cascade trees.
    """

    run: Run
    graph: nx.DiGraph
    forest: Forest
    closings: pd.DataFrame

    @cached_property
    def hits(self) -> dict[By, pd.DataFrame]:
        """Return who hits whom, dollars, by market, group and trader type."""
        return {by: who_hits_whom(self.run, by) for by in CLASSES}

    @property
    def accounts(self) -> pd.DataFrame:
        """Return one row an account that was closed out: sums over its closings, the most harmful first."""
        return by_account(self.closings)

    @property
    def width(self) -> int:
        """Return the largest generation, pools: max G_g; 0 without any."""
        return int(self.forest.generations.max(initial=0))


def anatomy(run: Run) -> Anatomy:
    """Return a run as a network, centralities and communities included."""
    ledger, forest = ledger_of(run), cascade_forest(run)
    graph = contagion_graph(run, forest=forest)
    found = centralities(ledger, forest, graph)
    found["community"] = communities(ledger, run.scenario.seed)
    nodes = [node for node, about in graph.nodes(data=True) if about["kind"] == "closing"]
    columns = {name: found[name].astype(object).where(found[name].notna(), None).tolist() for name in found.columns}
    for i, node in enumerate(nodes):
        graph.nodes[node].update({name: cells[i] for name, cells in columns.items() if cells[i] is not None})
    known = pd.DataFrame([{"node": node, **graph.nodes[node]} for node in nodes]).drop(columns="kind", errors="ignore")
    closings = known.reindex(columns=list(dict.fromkeys([*_FIRST, *known.columns, *found.columns])))
    return Anatomy(run, graph, forest, closings)


_FIRST = ("node", "account", "group", "step", "round", "market", "notional", "loss")


def write_anatomy(seen: Anatomy, folder: Path, gexf: bool = False) -> None:
    """Write the graph (GraphML, two Parquet tables and, if asked for, GEXF) and the tables to an open results folder.

    Tables: who_hits_whom (class, from, to, dollars, own_share of all that hit `to`, total_share), centralities (one
    row an account).
    """
    write_graph(seen.graph, folder / "contagion.graphml")
    if gexf:
        write_graph(seen.graph, folder / "contagion.gexf")
    write_parquet(seen.graph, folder)
    tables = [long_table(matrix) for matrix in seen.hits.values()]
    for by, table in zip(seen.hits, tables, strict=True):
        table.insert(0, "class", by)
    write_table(pd.concat(tables, ignore_index=True).astype({"class": "str"}), folder / "who_hits_whom")
    write_table(seen.accounts, folder / "centralities")
