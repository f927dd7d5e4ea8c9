"""The cascade as a film: frames that only add, in order of time, up to the whole."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from experiments.bench.graph import crash
from experiments.graph.animation import cascade_film
from experiments.graph.cascade_layout import MOST_GENERATIONS, by_generation, generations_abreast
from experiments.graph.cascade_picture import cascade_picture, one_by_one
from experiments.graph.contagion import contagion_graph
from experiments.run import run
from tests.experiments.storms import branching, by_hand, closings


@pytest.fixture(scope="module")
def large():
    return contagion_graph(run(crash(600)))


def dark(image):
    """How many pixels are not paper."""
    return int((np.asarray(image.convert("L")) < 250).sum())


def test_a_frame_a_round_of_one_size_each_showing_more():
    graph = contagion_graph(run(by_hand()))
    film = cascade_film(graph)
    with Image.open(BytesIO(film.gif)) as found:
        assert found.format == "GIF"
        assert found.n_frames == film.frames == 2
        found.seek(0)
        before = dark(found.crop((0, 30, found.width, found.height)))
        found.seek(1)
        assert dark(found.crop((0, 30, found.width, found.height))) > before
    assert "2 frames for 2 rounds" in film.caption


def test_many_rounds_share_frames_and_the_caption_says_so(large):
    rounds = len({(about["step"], about["round"]) for about in closings(large).values()})
    film = cascade_film(large, most_frames=4)
    assert film.frames <= 4 < rounds
    assert f"{film.frames} frames for {rounds} rounds; the last frame is the whole." in film.caption
    assert "Drawn: all 600 closings as " in film.caption


def test_equal_graphs_give_equal_films():
    one, other = (cascade_film(contagion_graph(run(branching(1))), 3).gif for _ in range(2))
    assert one == other


def test_nothing_to_show_is_one_frame_that_says_so():
    film = cascade_film(contagion_graph(run(by_hand(price={"kind": "flat"}))))
    assert film.frames == 1
    assert film.caption == "Nothing was liquidated in this run."


def test_parts_of_a_deep_cascade_stand_in_the_columns_of_the_whole(large):
    found = closings(large)
    assert not one_by_one(found)
    whole = by_generation(large, found)
    known = {node: about for node, about in found.items() if about["step"] <= 3}
    part = by_generation(large, found, known)
    assert part.ticks == whole.ticks and part.rows == whole.rows
    assert sum(disc.count for disc in part.discs) == len(known) < len(found)
    assert {(disc.x, disc.y) for disc in part.discs} <= {(disc.x, disc.y) for disc in whole.discs}


def test_deep_cascades_have_at_most_twelve_columns_that_name_their_generations(large):
    deepest = max(about["generation"] for about in closings(large).values())
    layout = by_generation(large, closings(large))
    assert deepest > MOST_GENERATIONS >= len(layout.ticks[0]) == max(disc.x for disc in layout.discs)
    assert layout.ticks[1][0] == "1" and layout.ticks[1][-1].endswith(f"{deepest}")
    assert [generations_abreast(g) for g in (1, 2, 12, 13, 23, 24)] == [1, 1, 1, 2, 2, 3]
    assert sum(disc.count for disc in layout.discs if disc.root) == sum(a["root"] for a in closings(large).values())


def test_the_caption_states_what_is_drawn_of_what(large):
    found = closings(large)
    links = sum(about["tree"] for _, _, about in large.edges(data=True))
    text = cascade_picture(large).caption
    discs = len(by_generation(large, found).discs)
    assert f"Drawn: all 600 closings as {discs} discs, {links} links to parents as " in text
    assert "Drawn: all 2 closings, 1 link to parents of 1." in cascade_picture(contagion_graph(run(by_hand()))).caption
