"""The picture of warnings and outcomes: drawn the same twice, and honest about what it leaves out."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from experiments.warning.outcome import Outcome, WarnedBook, outcome
from experiments.warning.picture import beside, outcome_picture

SMALL = WarnedBook(accounts=400, markets=2, types=4)


def found(radius: float, count: int = 3) -> list[Outcome]:
    return [outcome(replace(SMALL, population=p).at_radius(radius)) for p in range(count)]


def test_the_picture_is_the_same_bytes_twice():
    groups = [found(0.3), found(0.6)]
    first, second = outcome_picture(groups), outcome_picture(groups)
    assert first.png == second.png
    assert first.png.startswith(b"\x89PNG")


def test_what_has_no_ratio_is_counted_and_not_drawn():
    groups = [found(0.3), found(1.2)]
    caption = outcome_picture(groups).caption
    assert "6 books" in caption
    assert "3 without a ratio are not drawn" in caption
    assert all(np.isnan(one.ratio) for one in groups[1])


def test_the_caption_says_what_the_marks_are():
    caption = outcome_picture([found(0.3)]).caption
    assert "95 %" in caption
    assert "means over populations" in caption


@given(st.integers(0, 40), st.lists(st.floats(0.05, 1.5), min_size=1, max_size=6))
def test_marks_of_populations_stand_on_both_sides_of_their_radius_and_of_no_other(count, radii):
    aside = beside(count, radii)
    assert aside.shape == (count,) and len(set(aside.tolist())) == count
    assert (np.abs(aside) > 0.0).all(), "the middle is the mean's"
    assert abs(int((aside > 0.0).sum()) - int((aside < 0.0).sum())) <= 1
    gaps = [gap for gap in np.diff(np.unique(radii)).tolist() if gap > 1e-9]
    assert all(np.abs(aside).max(initial=0.0) < 0.5 * gap for gap in gaps)
