"""Communities: groups of closings that took more from each other than their sizes would explain.

Louvain's method on the dollars that closings took from each other, all causes counted, directions dropped (V. Blondel,
J.-L. Guillaume, R. Lambiotte & E. Lefebvre, J. Statistical Mechanics (2008) P10008), by networkx, with a seed drawn
from the scenario's own streams. Up to 400 closings each is a node; beyond, closings of one round that closed the same
markets on the same side are one node (they harm the same later ones in the same proportions), and where those are still
more than 400, equal spans of rounds are merged.
"""

from collections.abc import Sequence

import networkx as nx
import numpy as np

from experiments.graph.flows import suffered
from experiments.record.blame import Ledger
from simulation.arrays import Array, Index
from simulation.random import Streams

MOST_BLOCKS = 400
_ROWS = 10_000


def communities(ledger: Ledger, seed: int) -> Index:
    """Return the community (n,) of every closing, numbered from 0 by number of closings; a lone one is its own."""
    label = blocks(ledger)
    count = int(label.max(initial=-1)) + 1
    found = louvain(dollars_between(ledger, label, count), Streams(seed))
    sizes = np.bincount(label, minlength=count)
    ordered = sorted(found, key=lambda group: (-int(sizes[sorted(group)].sum()), min(group)))
    number = np.zeros(count, np.intp)
    for i, group in enumerate(ordered):
        number[sorted(group)] = i
    return number[label]


def louvain(dollars: Array, streams: Streams) -> Sequence[set[int]]:
    """Return Louvain's partition of the nodes of a matrix of dollars (b, b), directions dropped, helps left out."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(dollars)))
    harm = np.maximum(dollars, 0.0)
    both = np.triu(harm + harm.T - np.diag(harm.diagonal()))
    one, other = np.nonzero(both)
    graph.add_weighted_edges_from(zip(one.tolist(), other.tolist(), both[one, other].tolist(), strict=True))
    seed = int(streams.uniform("communities", 0, 1)[0] * 2**31)
    return nx.community.louvain_communities(graph, seed=seed) if len(dollars) else []


def dollars_between(ledger: Ledger, label: Index, count: int) -> Array:
    """Return the dollars (count, count) of loss that the row's closings caused in the column's."""
    total = np.zeros((count, count))
    for start in range(0, len(label), _ROWS):
        part = np.arange(start, min(start + _ROWS, len(label)))
        np.add.at(total.T, label[part], suffered(ledger, label, count, part))
    return total


def blocks(ledger: Ledger, most: int = MOST_BLOCKS) -> Index:
    """Return the block (n,) of every closing, numbered as they come; at most `most` unless one span has more."""
    c = ledger.closings
    if len(c) <= most:
        return np.arange(len(c))
    held = np.sign(c.exposure).astype(np.int64)
    kind = np.unique(held, axis=0, return_inverse=True)[1].ravel()
    moment = np.unique(np.stack([c.step, c.round]), axis=1, return_inverse=True)[1].ravel()
    while True:
        label = np.unique(moment * (kind.max() + 1) + kind, return_inverse=True)[1].ravel()
        if label.max() < most or not moment.max():
            return label
        moment //= 2
