"""The figures: each is a readable picture with a caption that says n; equal results give equal bytes."""

import struct

import numpy as np
import pytest

from experiments.arms import Arm
from experiments.drawing import Picture, canvas, from_zero, look, png
from experiments.figures import figures
from experiments.figures_paths import forced_volume, hardest_market
from tests.experiments.comparisons import tiny_comparison

NAMES = ["verdict", "reuse", "waterfall", "exceedance", "who_hits_whom", "paths_worst", "paths_median"]


@pytest.fixture(scope="module")
def pictures() -> dict[str, Picture]:
    return {picture.name: picture for picture in figures(tiny_comparison())}


def size_of(picture):
    assert picture.png.startswith(b"\x89PNG\r\n")
    return struct.unpack(">II", picture.png[16:24])


def test_every_figure_is_a_png_of_a_size_that_fits_a_page_and_is_not_blank(pictures):
    assert list(pictures) == [*NAMES, "contagion_worst", "contagion_median"]
    for picture in pictures.values():
        width, height = size_of(picture)
        assert 700 <= width <= 1100
        assert 150 <= height <= 1100
        assert 4_000 < len(picture.png) < 200_000


def test_captions_say_how_many_storms_and_which_interval(pictures):
    for name in NAMES[:5]:
        assert "4 storms" in pictures[name].caption
    assert "95 %" in pictures["verdict"].caption and "95 %" in pictures["who_hits_whom"].caption
    for name in NAMES[5:]:
        assert "One run is an illustration, not an estimate" in pictures[name].caption


def test_equal_results_give_equal_bytes(pictures):
    again = {picture.name: picture.png for picture in figures(tiny_comparison())}
    assert again == {name: picture.png for name, picture in pictures.items()}


def test_regimes_differ_in_more_than_colour():
    looks = [look(regime) for regime in ("isolated", "cross", "portfolio")]
    for part in ("colour", "marker", "line", "hatch"):
        assert len({getattr(each, part) for each in looks}) == 3
    assert look("mine", ("cross", "mine")) not in looks


def test_axes_of_amounts_start_at_zero():
    with canvas(2.0, 2.0) as figure:
        axis = figure.subplots()
        axis.plot([5.0, 9.0], [3.0, 4.0])
        from_zero(axis, "x")
        from_zero(axis, "y")
        assert axis.get_xlim()[0] == axis.get_ylim()[0] == 0.0
        assert axis.get_xlim()[1] > 9.0
        assert png(figure) == png(figure)


def test_forced_volume_of_all_markets_adds_up_to_the_liquidated_notional():
    run = tiny_comparison().gallery.worst.run
    markets = run.scenario.names
    total = sum(forced_volume(run, market).sum() for market in markets)
    assert total == pytest.approx(run.metrics["liquidated_notional"], rel=1e-12)
    volumes = {market: forced_volume(run, market).sum() for market in markets}
    assert volumes[hardest_market(run)] == max(volumes.values())


def test_the_layers_of_the_waterfall_add_up_to_the_bad_debt():
    outcomes = tiny_comparison().outcomes
    layers = ("insurance_draw", "adl_haircut", "socialised_loss", "unpaid")
    for arm in (Arm("isolated"), Arm("cross"), Arm("portfolio", 1.0)):
        paid = sum(outcomes.of(arm, layer) for layer in layers)
        assert np.array_equal(paid, outcomes.of(arm, "bad_debt"))
