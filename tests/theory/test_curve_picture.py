"""Curves of theory beside simulated points."""

import io

import numpy as np
import pytest
from PIL import Image

from experiments.theory.curve_picture import Curve, curve_picture
from experiments.theory.distress import DistressedSelling, DistressToRest
from experiments.theory.fire_sales import FireSaleMatrix
from experiments.theory.spirals import Spirals

AT = np.linspace(0.0, 1.0, 11)
CURVES = [Curve("one", AT, AT, [0.5], [0.5]), Curve("two", AT, AT**2, [0.2, 0.8], [0.04, 0.64])]


def greys(picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("L"))


def test_a_picture_is_the_same_bytes_twice_and_says_what_is_in_it():
    one, other = (curve_picture("name", "title", ("x", "y"), CURVES) for _ in range(2))
    assert one.png == other.png
    assert "2 points a case" in one.caption


def test_a_simulated_point_elsewhere_is_seen_in_black_and_white():
    moved = [CURVES[0], Curve("two", AT, AT**2, [0.2, 0.8], [0.04, 0.8])]
    one, other = (greys(curve_picture("name", "title", ("x", "y"), curves)) for curves in (CURVES, moved))
    assert one.shape == other.shape
    assert (np.abs(one.astype(int) - other) > 40).sum() > 20


@pytest.mark.parametrize("target", [DistressedSelling(), FireSaleMatrix(leverage=3.0), Spirals(shock=-5.0)])
def test_targets_draw_theory_and_simulation(target):
    picture = target.picture()
    assert picture.name.startswith(f"theory_{target.name}_")
    assert greys(picture).std() > 5.0


def test_what_two_targets_would_draw_is_drawn_once():
    assert DistressToRest().picture() is None
