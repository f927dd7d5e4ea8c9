"""GARCH and DCC: the recursions by hand, and what they promise about volatility and correlation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.price.base import PriceProcess
from simulation.price.dcc import Dcc
from simulation.price.garch import Garch, conditional_variance
from simulation.price.gbm import Gbm
from simulation.random import Streams
from tests.simulation.price.worlds import SEED, batch_score, log_returns, world

VARIANCE = 0.8**2 / 8_760


def test_the_variance_follows_the_recursion_by_hand() -> None:
    shocks = np.array([[1.0], [-2.0], [0.0]])
    # v1 = 4; v2 = .05 * 4 + .1 * 4 * 1 + .85 * 4 = 4; v3 = .2 + .1 * 4 * 4 + 3.4 = 5.2
    found = conditional_variance(np.array([4.0]), shocks, 0.1, 0.85)
    np.testing.assert_allclose(found[:, 0], [4.0, 4.0, 5.2], rtol=1e-15)


@given(st.floats(0.0, 0.4), st.floats(0.0, 0.5), st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=20))
def test_the_variance_never_falls_below_what_is_added_each_step(a: float, b: float, shocks: list[float]) -> None:
    found = conditional_variance(np.array([1.0]), np.array(shocks)[:, None], a, b)
    assert (found >= (1.0 - a - b) - 1e-12).all()


def test_without_reaction_and_persistence_it_is_geometric_brownian_motion() -> None:
    plain = log_returns(Gbm(correlation=0.4), world(2, 500))
    np.testing.assert_allclose(log_returns(Garch(reaction=0.0, persistence=0.0, correlation=0.4), world(2, 500)), plain)


@pytest.mark.parametrize("tail_index", [None, 8.0])
def test_variance_averages_that_of_the_listing(tail_index: float | None) -> None:
    returns = log_returns(Garch(tail_index=tail_index), world(1, 200_000))[:, 0]
    assert abs(batch_score(returns.reshape(100, -1).var(axis=1, ddof=1), VARIANCE)) < 4.5


def test_the_expected_price_grows_by_the_drift() -> None:
    short = world(1, 200_000)
    returns = np.exp(log_returns(Garch(drift=2.0), short)[:, 0])
    assert abs(batch_score(returns.reshape(100, -1).mean(axis=1), float(np.exp(2.0 / 8_760)))) < 4.5


def test_large_moves_come_in_clusters_under_garch_only() -> None:
    def clustering(process: PriceProcess) -> float:
        square = log_returns(process, world(1, 50_000))[:, 0] ** 2
        return float(np.corrcoef(square[1:], square[:-1])[0, 1])

    assert clustering(Garch()) > 0.1
    assert abs(clustering(Gbm())) < 4.0 / 50_000**0.5


def test_shocks_keep_the_constant_correlation_whatever_the_variance() -> None:
    returns = log_returns(Garch(correlation=0.6), world(2, 100_000))
    shocks = returns / np.sqrt(VARIANCE)
    batches = np.array([np.corrcoef(batch.T)[0, 1] for batch in shocks.reshape(100, -1, 2)])
    assert abs(float(batches.mean()) - 0.6) < 0.02


@pytest.mark.parametrize("fields", [{"reaction": 0.5, "persistence": 0.5}, {"reaction": -0.1}, {"persistence": 1.0}])
def test_variance_that_never_comes_back_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PriceProcess.parse({"kind": "garch", **fields})


# Dynamic correlation --------------------------------------------------------------------------------------------


def test_the_correlation_follows_the_recursion_step_by_step() -> None:
    process = Dcc(correlation=0.4, correlation_reaction=0.1, correlation_persistence=0.8)
    shocks, matrices = process.joint(world(2, 30), Streams(SEED))
    normal = np.array([[1.0, 0.4], [0.4, 1.0]])
    moment = normal.copy()
    for shock, matrix in zip(shocks, matrices, strict=True):
        size = np.sqrt(np.diag(moment))
        np.testing.assert_allclose(matrix, moment / np.outer(size, size), rtol=1e-12)
        moment = 0.1 * normal + 0.1 * np.outer(shock, shock) + 0.8 * moment


def test_every_correlation_matrix_is_one() -> None:
    process = Dcc(correlation=0.5, correlation_reaction=0.3, correlation_persistence=0.6)
    _, matrices = process.joint(world(4, 300), Streams(SEED))
    assert np.abs(matrices).max() <= 1.0 + 1e-12
    np.testing.assert_allclose(np.einsum("tii->ti", matrices), 1.0, rtol=1e-12)
    assert np.linalg.eigvalsh(matrices).min() > -1e-9


def test_without_dynamics_it_is_garch() -> None:
    still = Dcc(correlation=0.4, correlation_reaction=0.0, correlation_persistence=0.0)
    np.testing.assert_allclose(
        log_returns(still, world(3, 200)), log_returns(Garch(correlation=0.4), world(3, 200)), rtol=1e-9
    )


@pytest.mark.parametrize("fields", [{"correlation_reaction": 0.1}, {"correlation_persistence": 0.96}])
def test_a_correlation_that_never_comes_back_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PriceProcess.parse({"kind": "dcc", **fields})
