"""Communities, blocks and films once more: by networkx without the shortcuts, by sides, and frame by frame."""

from io import BytesIO

import networkx as nx
import numpy as np
import pytest
from PIL import Image

from experiments.bench.graph import crash
from experiments.graph.animation import cascade_film
from experiments.graph.communities import MOST_BLOCKS, blocks, communities, louvain
from experiments.graph.contagion import cascade_forest, contagion_graph, ledger_of
from experiments.record.blame import Ledger
from experiments.run import run
from simulation.random import Streams
from tests.experiments.record.test_blame import closings
from tests.experiments.storms import branching, holder_of, one_market


@pytest.mark.parametrize("seed", range(12))
def test_the_partition_is_that_of_the_sums_both_ways_with_own_harm_counted_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dollars = rng.uniform(-2.0, 9.0, (9, 9)) * (rng.random((9, 9)) < 0.35) + np.diag(rng.uniform(0.0, 20.0, 9))
    plain = nx.Graph()
    plain.add_nodes_from(range(9))
    for i in range(9):
        for j in range(i, 9):
            both = max(dollars[i, j], 0.0) + (max(dollars[j, i], 0.0) if i != j else 0.0)
            if both:
                plain.add_edge(i, j, weight=both)
    drawn = int(Streams(seed).uniform("communities", 0, 1)[0] * 2**31)
    expected = nx.community.louvain_communities(plain, seed=drawn)
    assert sorted(map(sorted, louvain(dollars, Streams(seed)))) == sorted(map(sorted, expected))


def test_longs_and_shorts_of_one_round_are_two_blocks_and_rounds_are_merged_as_far_as_needed() -> None:
    rows = [
        {"step": 1, "round": k // 6, "before": 2 * (k // 6), "exposure": [-1.0 if k % 2 else 1.0]} for k in range(24)
    ]
    ledger = Ledger(closings(rows, [(1, 1, -1.0, -0.01, 0.0)]), np.ones(9, np.intp), 1.0)
    assert blocks(ledger, 24).tolist() == list(range(24)), "few enough to stand for themselves"
    side = np.arange(24) % 2
    for most, rounds_each in ((23, 1), (8, 1), (7, 2), (2, 4)):
        label = blocks(ledger, most)
        expected = {(k // 6 // rounds_each, int(side[k])) for k in range(24)}
        assert len(set(label.tolist())) == len(expected) <= most
        for k in range(24):
            alike = (np.arange(24) // 6 // rounds_each == k // 6 // rounds_each) & (side == side[k])
            assert (label[alike] == label[k]).all()


def test_of_many_closings_the_community_with_most_of_them_comes_first() -> None:
    ledger = ledger_of(run(crash(600)))
    assert len(ledger.closings) > MOST_BLOCKS
    sizes = np.bincount(communities(ledger, 1))
    assert sizes.sum() == len(ledger.closings)
    assert (np.diff(sizes) <= 0).all()


def frames(film) -> list[np.ndarray]:
    with Image.open(BytesIO(film.gif)) as found:
        images = []
        for i in range(found.n_frames):
            found.seek(i)
            images.append(np.asarray(found.convert("RGB")).copy())
    return images


def test_the_last_frame_is_the_whole_however_many_come_before_it() -> None:
    graph = contagion_graph(run(one_market([holder_of(1.0, 96.6 - 0.5 * i, f"link{i}") for i in range(5)])))
    one, two, all_ = (frames(cascade_film(graph, most)) for most in (1, 2, 30))
    assert (len(one), len(two), len(all_)) == (1, 2, 5)
    assert (one[-1] == two[-1]).all() and (two[-1] == all_[-1]).all()
    # Three rounds and then two: the first of two frames is the third of five.
    assert (two[0] == all_[2]).all()
    assert not any((all_[i] == all_[i + 1]).all() for i in range(4))


def test_the_first_frame_has_the_discs_of_the_first_round() -> None:
    """One closing a round, all of one size: every frame adds one disc, the first one included."""
    graph = contagion_graph(run(one_market([holder_of(1.0, 96.6 - 0.5 * i, f"link{i}") for i in range(3)])))
    shown = frames(cascade_film(graph))
    top = int(0.25 * shown[0].shape[0])  # below the title
    whole = (shown[-1][top:] < 200).any(axis=2)
    ink = [(image[top:] < 200).any(axis=2) & whole for image in shown]
    columns = [np.flatnonzero(part.any(axis=0)) for part in ink]
    added = [int((ink[i + 1] & ~ink[i]).sum()) for i in range(2)]
    empty = int(ink[0].sum()) - min(added)
    assert min(added) > 100, "a disc and its line"
    assert empty > 0 and len(columns[0]) > 0
    left = ink[0][:, : ink[0].shape[1] // 2].sum()
    right = ink[0][:, ink[0].shape[1] // 2 :].sum()
    assert left > right + 100, "the first disc stands on the left"


def test_trees_generations_and_pools_of_a_forest_are_counted_alike() -> None:
    for seed in range(3):
        forest = cascade_forest(run(branching(seed)))
        assert forest.sizes.sum() == forest.generations.sum() == len(set(forest.pool.tolist()))
        assert forest.depths.max() == len(forest.generations)
        assert (np.bincount(forest.tree[forest.generation == 1]) <= 1).all()
