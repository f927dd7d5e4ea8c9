"""The t copula: margins and company set apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulation.errors import InputError
from simulation.price.copula import TCopula, copula_index_for, joint_crash_chance
from simulation.price.student_t import StudentT
from tests.simulation.price.test_student_t import joint_tail, measured_joint_tail
from tests.simulation.price.worlds import log_returns, world

SIGMA = 0.8 / 8_760**0.5


def test_equal_indices_are_multivariate_student_t() -> None:
    place = world(3, 2_000)
    joined = log_returns(TCopula(tail_index=4.0, copula_tail_index=4.0, correlation=0.5), place)
    np.testing.assert_allclose(joined, log_returns(StudentT(tail_index=4.0, correlation=0.5), place), rtol=1e-6)


@pytest.mark.parametrize("tail_index", [3.0, 12.0])
def test_margins_are_student_t_of_their_own_index(tail_index: float) -> None:
    returns = log_returns(TCopula(tail_index=tail_index, copula_tail_index=2.5, correlation=0.5), world(2, 40_000))
    unit = (returns + 0.5 * SIGMA**2) / SIGMA * (tail_index / (tail_index - 2.0)) ** 0.5
    for market in unit.T:
        assert stats.kstest(market, stats.t(tail_index).cdf).pvalue > 1e-3


def test_joint_crashes_follow_the_copula_and_not_the_margins() -> None:
    for tail_index in (3.0, 30.0):
        process = TCopula(tail_index=tail_index, copula_tail_index=4.0, correlation=0.5)
        share, error = measured_joint_tail(log_returns(process, world(2, 200_000)), 0.01)
        assert share == pytest.approx(joint_tail(4.0, 0.5, 0.01), abs=4.0 * error)


@given(st.floats(0.0, 0.95), st.floats(2.5, 100.0))
def test_the_index_of_a_chosen_chance_is_found(correlation: float, index: float) -> None:
    chance = joint_crash_chance(index, correlation)
    assert joint_crash_chance(copula_index_for(chance, correlation), correlation) == pytest.approx(chance, rel=1e-9)


@pytest.mark.parametrize("chance", [0.9, -0.1])
def test_a_chance_that_no_index_gives_is_refused(chance: float) -> None:
    with pytest.raises(InputError, match="chance"):
        copula_index_for(chance, 0.5)
