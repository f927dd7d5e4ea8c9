"""Distributions: quantiles by hand, their laws by counting, and what they refuse."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.distribution import Choice, Distribution, Lognormal, Pareto, Uniform
from simulation.random import Streams

U = Streams(7).uniform("trader/test", 0, 40_000)
unit = st.floats(1e-9, 1.0 - 1e-9)


def at(law: Distribution, *u: float) -> list[float]:
    return law.quantile(np.array(u)).tolist()


def test_a_uniform_law_runs_straight_from_low_to_high() -> None:
    assert at(Uniform(low=2.0, high=10.0), 0.0, 0.25, 0.5, 1.0) == [2.0, 4.0, 6.0, 10.0]


def test_a_uniform_law_may_be_a_single_point() -> None:
    assert at(Uniform(low=3.0, high=3.0), 0.1, 0.9) == [3.0, 3.0]


def test_the_median_of_a_lognormal_is_its_median_and_one_deviation_is_a_factor_e_to_the_sigma() -> None:
    above, below = 0.8413447460685429, 0.15865525393145707
    low, middle, high = at(Lognormal(median=1000.0, sigma=1.5), below, 0.5, above)
    assert middle == 1000.0
    assert high == pytest.approx(1000.0 * math.exp(1.5))
    assert low == pytest.approx(1000.0 * math.exp(-1.5))


def test_a_lognormal_without_spread_is_a_number() -> None:
    assert at(Lognormal(median=5.0, sigma=0.0), 0.01, 0.99) == [5.0, 5.0]


@given(x=st.floats(1.0, 1e6), tail=st.floats(0.2, 5.0))
def test_a_pareto_exceeds_x_with_the_probability_it_promises(x: float, tail: float) -> None:
    law = Pareto(minimum=1.0, tail_index=tail)
    exceeded = x**-tail
    if exceeded > 1e-6:  # 1 - u keeps too few digits beyond
        assert at(law, 1.0 - exceeded)[0] == pytest.approx(x, rel=1e-6)


def test_heavy_tails_are_cut_at_their_maximum() -> None:
    assert at(Pareto(minimum=10.0, tail_index=1.0, maximum=50.0), 0.5, 0.8, 0.9, 0.999) == pytest.approx(
        [20.0, 50.0, 50.0, 50.0]
    )
    assert at(Lognormal(median=10.0, sigma=2.0, maximum=11.0), 0.5, 0.99) == [10.0, 11.0]


def test_without_a_maximum_nothing_is_cut() -> None:
    assert at(Pareto(minimum=1.0, tail_index=0.5), 0.999)[0] == pytest.approx(1e6)


def test_a_choice_takes_the_value_whose_cumulated_weight_first_reaches_u() -> None:
    law = Choice(values=(5.0, 10.0, 50.0), weights=(0.25, 0.5, 0.25))
    assert at(law, 0.01, 0.25, 0.2501, 0.75, 0.7501, 0.99) == [5.0, 5.0, 10.0, 10.0, 50.0, 50.0]


def test_a_choice_without_weights_is_fair() -> None:
    values, counts = np.unique(Choice(values=(1.0, 2.0, 4.0)).quantile(U), return_counts=True)
    assert values.tolist() == [1.0, 2.0, 4.0]
    assert np.abs(counts / len(U) - 1.0 / 3.0).max() < 0.01


def test_weights_that_fall_short_of_one_by_rounding_leave_no_hole_at_the_top() -> None:
    law = Choice(values=(1.0, 2.0, 3.0), weights=(0.3, 0.3, 0.4 - 5e-10))
    assert at(law, 1.0 - 1e-12) == [3.0]


def test_a_weight_of_zero_is_never_drawn() -> None:
    assert set(Choice(values=(1.0, 2.0, 3.0), weights=(0.5, 0.0, 0.5)).quantile(U)) == {1.0, 3.0}


@given(low=st.integers(-1000, 1000), width=st.integers(0, 1000), u=unit)
def test_uniform_values_stay_between_their_ends(low: int, width: int, u: float) -> None:
    assert low <= at(Uniform(low=low, high=low + width), u)[0] <= low + width


def test_draws_have_the_moments_of_their_laws() -> None:
    """Means within four standard errors: uniform 6; lognormal exp(0.125); Pareto of index 4, 4 / 3."""
    for law, mean, deviation in (
        (Uniform(low=2.0, high=10.0), 6.0, 8.0 / math.sqrt(12.0)),
        (Lognormal(median=1.0, sigma=0.5), math.exp(0.125), 0.604),
        (Pareto(minimum=1.0, tail_index=4.0), 4.0 / 3.0, 0.4714),
    ):
        assert abs(law.quantile(U).mean() - mean) < 4.0 * deviation / math.sqrt(len(U))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"kind": "uniform", "low": 2.0, "high": 1.0}, "low must not exceed high (2.0 > 1.0)"),
        ({"kind": "lognormal", "median": 0.0, "sigma": 1.0}, "greater than 0"),
        ({"kind": "lognormal", "median": 1.0, "sigma": 11.0}, "less than or equal to 10"),
        ({"kind": "pareto", "minimum": 1.0, "tail_index": 0.1}, "greater than 0.1"),
        ({"kind": "pareto", "minimum": 1.0, "tail_index": 1.0, "maximum": 0.0}, "greater than 0"),
        ({"kind": "choice", "values": []}, "at least 1 item"),
        ({"kind": "choice", "values": [1.0, 2.0], "weights": [1.0]}, "weights must be 2 numbers, one a value (got 1)"),
        ({"kind": "choice", "values": [1.0, 2.0], "weights": [0.5, 0.6]}, "sum to 1 (got 1.1)"),
        ({"kind": "choice", "values": [1.0, 2.0], "weights": [0.5, 0.4]}, "sum to 1 (got 0.9)"),
        ({"kind": "choice", "values": [1.0, 2.0], "weights": [1.5, -0.5]}, "at least 0 and sum to 1"),
        ({"kind": "gaussian", "mean": 1.0}, "kind: must be one of choice, lognormal, pareto, uniform"),
    ],
)
def test_what_is_no_law_is_refused_in_words(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Distribution.model_validate(table)
    assert words in str(refusal.value)


def test_a_law_must_say_which_one_it_is() -> None:
    with pytest.raises(ValidationError, match="it is missing"):
        Distribution()
