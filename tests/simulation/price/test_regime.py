"""Calm and stress: how long each lasts, and what the markets do in it."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from simulation.arrays import Array, Mask
from simulation.errors import ScenarioError
from simulation.price.base import PriceProcess, World
from simulation.price.gbm import Gbm
from simulation.price.jumps import Jumps
from simulation.price.regime import Regime, State
from simulation.price.student_t import StudentT
from simulation.random import Streams
from tests.simulation.price.worlds import HOUR, SEED, log_returns, world

CALM = State(volatility_scale=0.5, correlation=0.3, mean_duration_hours=60.0)
STRESS = State(volatility_scale=3.0, correlation=0.9, mean_duration_hours=20.0)
BOTH = Regime(calm=CALM, stress=STRESS)


def states(process: Regime, place: World) -> Mask:
    return process.states(place, Streams(SEED))


def run_lengths(stressed: Mask, state: bool) -> Array:
    edges = np.flatnonzero(np.diff(stressed.astype(int))) + 1
    runs = np.split(stressed, edges)[1:-1]
    return np.array([len(run) for run in runs if run[0] == state], dtype=float)


@pytest.mark.parametrize("step_seconds", [300.0, HOUR, 6 * HOUR])
def test_the_share_of_time_in_stress_does_not_depend_on_the_step(step_seconds: float) -> None:
    n = 100_000
    stressed = states(BOTH, world(1, n, step_seconds))
    memory = np.exp(-(1 / 60 + 1 / 20) * step_seconds / HOUR)
    error = (0.25 * 0.75 / n * (1 + memory) / (1 - memory)) ** 0.5
    assert stressed.mean() == pytest.approx(0.25, abs=4.0 * error)


def test_stays_have_their_mean_duration() -> None:
    stressed = states(BOTH, world(1, 400_000, 300.0))
    for state, hours in ((False, 60.0), (True, 20.0)):
        stays = run_lengths(stressed, state) / 12.0
        assert stays.mean() == pytest.approx(hours, abs=4.0 * stays.std() / len(stays) ** 0.5)


def test_each_state_has_its_volatility_and_correlation() -> None:
    place = world(2, 60_000)
    returns, stressed = log_returns(BOTH, place), states(BOTH, place)
    for state, mask in ((CALM, ~stressed), (STRESS, stressed)):
        n = mask.sum()
        sigma = 0.8 / 8_760**0.5 * np.asarray(state.volatility_scale)
        assert returns[mask].std(axis=0) / sigma == pytest.approx(1.0, abs=4.0 / (2 * n) ** 0.5)
        rho = float(np.asarray(state.correlation))
        assert np.corrcoef(returns[mask].T)[0, 1] == pytest.approx(rho, abs=4.0 * (1 - rho**2) / n**0.5)


def test_volatility_comes_in_clusters() -> None:
    moves = np.abs(log_returns(BOTH, world(1, 20_000))[:, 0])
    assert np.corrcoef(moves[1:], moves[:-1])[0, 1] > 0.2


def test_in_one_state_for_ever_it_is_gbm_or_student_t_to_the_bit() -> None:
    for index, single in ((None, Gbm(correlation=0.3)), (4.0, StudentT(correlation=0.3, tail_index=4.0))):
        state = State(correlation=0.3)
        process = Regime(calm=state, stress=state, tail_index=index)
        expected = single.draw(world(), Streams(SEED))
        np.testing.assert_allclose(process.draw(world(), Streams(SEED)), expected, rtol=1e-13)


@pytest.mark.parametrize(("start", "share"), [("calm", 0.0), ("stress", 1.0), ("stationary", 0.25)])
def test_the_first_state_is_as_asked(start: str, share: float) -> None:
    process = Regime.model_validate({**BOTH.model_dump(), "start": start})
    first = [process.states(world(1, 1), Streams(seed))[0] for seed in range(1_000)]
    assert np.mean(first) == pytest.approx(share, abs=4.0 * (share * (1 - share) / 1_000) ** 0.5)


def test_the_first_state_and_the_next_are_drawn_apart() -> None:
    fleeting = Regime(calm=State(mean_duration_hours=0.01), stress=State(mean_duration_hours=0.01))
    first, second = np.array([fleeting.states(world(1, 2), Streams(seed)) for seed in range(1_000)]).T
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.0 / 1_000**0.5


def test_jumps_come_faster_in_stress() -> None:
    calm, stress = (s.model_copy(update={"volatility_scale": 0.0}) for s in (CALM, STRESS))
    stress = stress.model_copy(update={"jump_rate_scale": 10.0})
    jumps = Jumps(own_rate=100.0, own_mean=-0.05, own_std=0.0, compensated=False)
    place = world(1, 50_000)
    process = Regime(calm=calm, stress=stress, jumps=jumps)
    jumped, stressed = log_returns(process, place)[:, 0] < -0.01, states(process, place)
    for mask, rate in ((~stressed, 100.0), (stressed, 1_000.0)):
        expected = mask.sum() * -np.expm1(-rate / 8_760)
        assert abs(jumped[mask].sum() - expected) < 4.0 * expected**0.5


def test_asking_for_the_states_leaves_path_and_digest_unchanged() -> None:
    asked, alone = Streams(SEED), Streams(SEED)
    BOTH.states(world(), asked)
    assert BOTH.draw(world(), asked).tobytes() == BOTH.draw(world(), alone).tobytes()
    assert asked.digest() == alone.digest()


def test_what_is_in_a_state_does_not_change_when_it_comes() -> None:
    wild = BOTH.model_copy(update={"stress": STRESS.model_copy(update={"volatility_scale": 9.0})})
    np.testing.assert_array_equal(states(wild, world(1, 500)), states(BOTH, world(1, 500)))


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"calm": {"mean_duration_hours": 0.0}}, ("calm", "mean_duration_hours")),
        ({"stress": {"correlation": 2.0}}, ("stress", "correlation")),
        ({"stress": {"volatility": 2.0}}, ("stress", "volatility")),
        ({"tail_index": 2.0}, ("tail_index",)),
        ({"start": "panic"}, ("start",)),
    ],
)
def test_a_bad_state_is_refused_where_it_is_written(fields: dict[str, Any], location: tuple) -> None:
    with pytest.raises(ValidationError) as refusal:
        PriceProcess.parse({"kind": "regime", **fields})
    assert refusal.value.errors()[0]["loc"] == location


def test_states_that_do_not_fit_the_markets_are_named() -> None:
    stress = State(correlation=((1.0, 0.5), (0.5, 1.0)), volatility_scale=(1.0, 2.0))
    with pytest.raises(ScenarioError) as refusal:
        Regime(stress=stress).draw(world(3), Streams(1))
    assert refusal.value.problems == [
        "price.stress.volatility_scale: must be one number, or 3 to match the markets (got 2)",
        "price.stress.correlation: must be 3x3 to match the markets (got 2x2)",
    ]


def test_jumps_are_counted_in_the_busier_state() -> None:
    """One jump an hour is allowed; 101 times as many in one state are 101 a step, and at most 100 are drawn."""
    jumps = Jumps(own_rate=8_760.0)
    assert not Regime(jumps=jumps).problems(world(1))
    for busy in ("calm", "stress"):
        process = Regime.model_validate({"jumps": jumps, busy: {"jump_rate_scale": 101.0}})
        assert process.problems(world(1)) == ["jumps.own_rate: means 101 jumps a step; at most 100"]
