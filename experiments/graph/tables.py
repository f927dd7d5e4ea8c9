"""The contagion graph as two tables, one row a node and one row an edge: for Parquet, pandas and sparse matrices."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import networkx as nx
import pandas as pd

from experiments.store import write_bytes

NODES, EDGES = "contagion_nodes.parquet", "contagion_edges.parquet"
_OF_EDGES = {"share": "Float64", "weight": "Float64", "tree": "boolean", "kind": "str"}  # whatever the graph holds


def node_frame(graph: nx.DiGraph) -> pd.DataFrame:
    """Return one row a node, in order: node (its name), then every attribute; missing where a node has none."""
    found = graph.nodes(data=True)
    columns = {"node": [str(node) for node, _ in found]}
    return _table(columns, [about for _, about in found])


def edge_frame(graph: nx.DiGraph) -> pd.DataFrame:
    """Return one row an edge, in order: source, target (names), share (dollars), weight, tree, kind.

    The columns and their types are the same for every graph, one without edges too.
    """
    found = graph.edges(data=True)
    columns = {"source": [str(one) for one, _, _ in found], "target": [str(other) for _, other, _ in found]}
    return _table(columns, [about for _, _, about in found], _OF_EDGES)


def write_parquet(graph: nx.DiGraph, folder: Path) -> None:
    """Write `contagion_nodes.parquet` and `contagion_edges.parquet`; `read_parquet` gives the same graph back."""
    for name, table in ((NODES, node_frame(graph)), (EDGES, edge_frame(graph))):
        write_bytes(folder / name, table.to_parquet(None, engine="pyarrow", index=False))


def read_parquet(folder: Path) -> nx.DiGraph:
    """Return the graph behind the two tables that `write_parquet` wrote to `folder`."""
    nodes, edges = (pd.read_parquet(folder / name) for name in (NODES, EDGES))
    graph = nx.DiGraph()
    graph.add_nodes_from((about.pop("node"), about) for about in _records(nodes))
    graph.add_edges_from((about.pop("source"), about.pop("target"), about) for about in _records(edges))
    return graph


def _records(table: pd.DataFrame) -> list[dict]:
    """Return the rows as dictionaries of plain values, without what is missing."""
    columns = {name: table[name].astype(object).where(table[name].notna(), None).tolist() for name in table.columns}
    rows = zip(*columns.values(), strict=True)
    return [{key: cell for key, cell in zip(columns, row, strict=True) if cell is not None} for row in rows]


def _table(
    names: dict[str, list[str]], abouts: list[dict[str, Any]], known: Mapping[str, str] = MappingProxyType({})
) -> pd.DataFrame:
    """Return the columns `names`, those `known` (name -> type), and one for every other attribute."""
    columns: dict[str, list] = dict(names)
    for key in [*known, *dict.fromkeys(key for about in abouts for key in about if key not in known)]:
        columns[key] = [about.get(key) for about in abouts]
    typed = {key: pd.array(cells, known.get(key) or _kind(cells)) for key, cells in columns.items()}  # type: ignore[call-overload]
    return pd.DataFrame(typed)


def _kind(cells: list) -> str:
    """Return a type that holds all `cells` and knows gaps, so that whole numbers stay whole."""
    kinds = set(map(type, cells)) - {type(None)}
    if kinds in ({int}, {bool}):
        return "Int64" if kinds == {int} else "boolean"
    return "Float64" if kinds and kinds <= {int, float} else "str"
