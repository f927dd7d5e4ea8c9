"""The forest of defaults: whose failure to pay made whom fail to pay.

Question: who pulled whom down through claims alone? Method: accounts that cannot pay although everybody pays them are
roots; whoever cannot pay because of defaults of the round before hangs on the one of them that left most unpaid to it.
Expected: a forest with as many nodes as there are defaults, and nothing where everybody pays.
"""

import networkx as nx
import pandas as pd


def default_forest(defaults: pd.DataFrame) -> "nx.DiGraph[int]":
    """Return the forest of `Run.defaults`: a node a default (row; round and dollars), an edge from cause to effect."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for one in defaults.to_dict("records"):
        graph.add_node(one["row"], **{name: one[name] for name in ("round", "owed", "paid", "unpaid")})
    caused = defaults[defaults["cause"] >= 0]
    graph.add_edges_from(zip(caused["cause"], caused["row"], strict=True))
    return graph
