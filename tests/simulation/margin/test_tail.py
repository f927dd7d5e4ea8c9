"""VaR and ES: closed forms against integration and tables, samples against a slow reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from simulation.margin.tail import Tail

confidences = st.floats(0.5, 0.9999)
samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60).map(np.array)


def mean_beyond(law, confidence: float) -> float:
    """ES by definition: the mean of the quantiles beyond."""
    return integrate.quad(law.ppf, confidence, 1.0)[0] / (1.0 - confidence)


def slow_shortfall(losses: np.ndarray, confidence: float) -> float:
    """The mean of the worst n (1 - c) losses, the last one in part."""
    mass, total, left = len(losses) * (1.0 - confidence), 0.0, len(losses) * (1.0 - confidence)
    for loss in sorted(losses, reverse=True):
        total += min(left, 1.0) * loss
        left -= min(left, 1.0)
        if left <= 0.0:
            break
    return total / mass


def test_99_percent_of_the_normal_law_are_2_32635_and_2_66521() -> None:
    assert Tail("var", 0.99).normal() == pytest.approx(2.32635, abs=5e-6)
    assert Tail("es", 0.99).normal() == pytest.approx(2.66521, abs=5e-6)


def test_99_percent_of_student_t_with_4_degrees_are_3_74695_and_5_22058() -> None:
    assert Tail("var", 0.99).student(4.0) == pytest.approx(3.74695, abs=5e-6)
    assert Tail("es", 0.99).student(4.0) == pytest.approx(5.22058, abs=5e-6)


@given(st.floats(0.5, 0.999))
def test_expected_shortfall_is_the_mean_of_the_quantiles_beyond(confidence: float) -> None:
    assert Tail("es", confidence).normal() == pytest.approx(mean_beyond(stats.norm, confidence), rel=1e-6)
    assert Tail("es", confidence).student(5.0) == pytest.approx(mean_beyond(stats.t(5.0), confidence), rel=1e-5)


@given(confidences)
def test_many_degrees_of_freedom_are_normal(confidence: float) -> None:
    for measure in ("var", "es"):
        tail = Tail(measure, confidence)
        assert tail.student(1e6) == pytest.approx(tail.normal(), rel=1e-4, abs=1e-9)


@given(samples, confidences)
def test_the_quantile_of_a_sample_is_the_smallest_that_enough_do_not_exceed(losses: np.ndarray, c: float) -> None:
    found = float(Tail("var", c).of_sample(losses[None, :])[0])
    enough = [x for x in sorted(losses) if np.count_nonzero(losses <= x) >= len(losses) * c - 1e-6]
    assert found == enough[0]


@given(samples, confidences)
def test_the_shortfall_of_a_sample_weighs_the_edge_by_its_part(losses: np.ndarray, c: float) -> None:
    found = float(Tail("es", c).of_sample(losses[None, :])[0])
    assert found == pytest.approx(slow_shortfall(losses, c), rel=1e-5, abs=1e-3)


@given(samples, confidences)
def test_shortfall_is_at_least_value_at_risk(losses: np.ndarray, c: float) -> None:
    value, mean = (float(Tail(measure, c).of_sample(losses[None, :])[0]) for measure in ("var", "es"))
    assert mean >= value - 1e-9 * abs(value)


def test_a_row_does_not_depend_on_its_company() -> None:
    losses = np.random.default_rng(1).normal(size=(50, 333))
    for measure in ("var", "es"):
        tail = Tail(measure, 0.97)
        together = tail.of_sample(losses)
        alone = np.concatenate([tail.of_sample(row[None, :]) for row in losses])
        assert together.tobytes() == alone.tobytes()


def test_a_large_normal_sample_gives_the_closed_form() -> None:
    losses = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)[None, :]
    for measure in ("var", "es"):
        tail = Tail(measure, 0.99)
        assert float(tail.of_sample(losses)[0]) == pytest.approx(tail.normal(), rel=1e-3)
