"""The forest of defaults: whose failure to pay made whom fail to pay.

Question: who pulled whom down through claims alone? Method: accounts that cannot pay although everybody pays them are
roots; whoever cannot pay because of defaults of the round before hangs on the one of them that left most unpaid to it.
Expected: a forest with as many nodes as there are defaults, and nothing where everybody pays.
"""

from collections.abc import Sequence

import networkx as nx
import pandas as pd

from agents.claims import Default

COLUMNS = ("step", "row", "round", "owed", "received", "paid", "unpaid", "cost", "cause")


def default_frame(defaults: Sequence[Default]) -> pd.DataFrame:
    """Return one row a default, in the order in which they were found; dollars; `cause` is a row of accounts or -1."""
    return pd.DataFrame([[getattr(one, name) for name in COLUMNS] for one in defaults], columns=list(COLUMNS))


def default_forest(defaults: Sequence[Default]) -> "nx.DiGraph[int]":
    """Return the forest: a node a default (row; round, owed, paid, unpaid), an edge from each cause to its effect."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for one in defaults:
        graph.add_node(one.row, round=one.round, owed=one.owed, paid=one.paid, unpaid=one.unpaid)
    graph.add_edges_from((one.cause, one.row) for one in defaults if one.cause >= 0)
    return graph
