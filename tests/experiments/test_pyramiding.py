"""Gains that are put to work, against closed forms and the recursion; the engine's wallet and desk by themselves."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.pyramiding import DEFAULT, SHARES, Rally, plot, run
from experiments.run import run as run_scenario

SHORT = Rally(fall_steps=100)


@pytest.fixture(scope="module")
def table():
    return run()


def test_the_published_distance_of_full_re_use():
    """10 % initial and 5 % maintenance margin: 5.26 % below the peak, whatever was gained before."""
    for gain in (0.0, 0.3, 2.0):
        assert replace(DEFAULT, gain=gain).limits()[1] == pytest.approx(0.0526, abs=5e-5)


def test_without_re_use_the_gain_is_buffer_by_hand():
    """10 units' worth of 100 with 100: liquidated at 900 / (10 * .95) = 94.74, which is 27.1 % below 130."""
    assert DEFAULT.limits()[0] == pytest.approx(1.0 - (900.0 / 9.5) / 130.0)


def test_the_engine_liquidates_at_the_step_and_the_size_of_the_recursion(table):
    assert table["phi"].tolist() == list(SHARES)
    assert table["distance"].tolist() == pytest.approx(table["distance_expected"].tolist(), abs=1e-12)
    assert table["sold"].tolist() == pytest.approx(table["sold_expected"].tolist(), rel=1e-6)  # whole lots


def test_both_ends_are_the_closed_forms_to_a_step_of_the_fall(table):
    step = np.diff(DEFAULT.path)[-1] / DEFAULT.peak
    for found, known in zip((table["distance"].iloc[0], table["distance"].iloc[-1]), DEFAULT.limits(), strict=True):
        assert known <= found <= known - step + 1e-9


def test_the_distance_shrinks_and_what_is_liquidated_grows_with_what_is_spent(table):
    assert table["distance"].is_monotonic_decreasing and table["distance"].is_unique
    assert table["sold"].is_monotonic_increasing and table["sold"].is_unique


@settings(max_examples=15)
@given(
    st.floats(0.0, 0.5),
    st.integers(1, 8),
    st.floats(0.05, 0.3),
    st.floats(0.2, 0.9),
    st.sampled_from([0.0, 0.05, 0.5, 1.0]),
)
def test_any_rally_ends_as_the_recursion_says(gain, moves, initial, part, share):
    rally = Rally(gain, moves, 0.6, 50, initial, part * initial)
    found = run(rally, (share,)).iloc[0]
    assert found["sold"] == pytest.approx(found["sold_expected"], rel=1e-5)
    assert found["distance"] == pytest.approx(found["distance_expected"], abs=1e-12, nan_ok=True)


def test_who_outlives_the_fall_has_no_distance():
    found = run(replace(SHORT, bottom=1.2), (0.0, 1.0))
    assert math.isnan(found["distance"].iloc[0]) and found["sold"].iloc[0] == 0.0
    assert found["distance"].iloc[1] == pytest.approx(0.0526, abs=2e-3)


def test_what_is_free_is_spent_in_the_share_that_was_asked_for():
    """One move by 20 % makes 30,000 of 10,000, of which 12,000 are used; half of the rest more makes 1,000 units 1,750.

    They use 21,000; a step later half of the 9,000 that are free adds 9,000 / 2 / 12 units.
    """
    rally = Rally(gain=0.2, moves=1, bottom=1.2, fall_steps=1)
    position = run_scenario(rally.scenario((0.5,))).accounts.set_index("group")["position_X"]
    assert position["spends-50-percent"] == pytest.approx(1_750.0 + 4_500.0 / 12.0, rel=1e-9)


def test_the_picture_is_drawn():
    picture = plot(SHORT, (0.0, 1.0))
    assert picture.png.startswith(b"\x89PNG") and "leverage 10" in picture.caption and "30 %" in picture.caption
