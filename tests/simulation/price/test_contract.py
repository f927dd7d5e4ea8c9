"""What every price process promises, whichever it is: new ones are discovered and need one example here."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.errors import ScenarioError
from simulation.price.base import PriceProcess, World
from simulation.random import Streams
from simulation.rule import load_rules
from tests.simulation.price.worlds import SEED, world

load_rules("simulation.price")

JUMPS = {"own_rate": 400.0, "own_std": 0.05, "common_rate": 300.0, "common_mean": -0.1, "participation": 0.7}
NO_SEED = {"replay", "flat"}

rho = st.floats(-0.3, 1.0)
scale = st.floats(0.0, 5.0)
tails = st.floats(2.5, 50.0)
STATE = st.fixed_dictionaries(
    {"volatility_scale": scale, "correlation": rho, "mean_duration_hours": st.floats(0.1, 1e3)}
)
ROWS = tuple(tuple(100.0 * (i + 1) * (1.0 + 0.001 * t) for i in range(3)) for t in range(200))
EXAMPLES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "gbm": st.fixed_dictionaries({"correlation": rho, "volatility_scale": scale, "drift": st.floats(-5, 5)}),
    "student_t": st.fixed_dictionaries({"correlation": rho, "volatility_scale": scale, "tail_index": tails}),
    "jump_diffusion": st.fixed_dictionaries({"correlation": rho, "jumps": st.just(JUMPS)}),
    "regime": st.fixed_dictionaries(
        {
            "calm": STATE,
            "stress": STATE,
            "tail_index": st.none() | tails,
            "jumps": st.none() | st.just(JUMPS),
            "start": st.sampled_from(["calm", "stress", "stationary"]),
        }
    ),
    "scripted": st.fixed_dictionaries(
        {
            "base": st.sampled_from([{"kind": "gbm"}, {"kind": "student_t", "tail_index": 4.0}]),
            "shocks": st.just(
                [
                    {"step": 1, "size": -0.5},
                    {"step": 1, "size": 1.0, "shape": "recovers", "half_life_steps": 3},
                ]
            ),
        }
    ),
    "bridge": st.fixed_dictionaries(
        {"waypoints": st.just({"M0": [[1, 90.0]]}), "correlation": rho, "volatility_scale": scale}
    ),
    "garch": st.fixed_dictionaries({"correlation": rho, "volatility_scale": scale, "tail_index": st.none() | tails}),
    "dcc": st.fixed_dictionaries({"correlation": rho, "correlation_reaction": st.floats(0.0, 0.06)}),
    "heston": st.fixed_dictionaries(
        {
            "correlation": rho,
            "volatility_of_volatility": st.floats(0.01, 5.0),
            "price_volatility_correlation": st.floats(-1.0, 1.0),
            "initial_scale": st.floats(0.0, 3.0),
        }
    ),
    "t_copula": st.fixed_dictionaries({"correlation": rho, "tail_index": tails, "copula_tail_index": tails}),
    "ornstein_uhlenbeck": st.fixed_dictionaries({"correlation": rho, "reversion_rate": st.floats(1e-3, 1e5)}),
    "flat": st.just({}),
    "replay": st.just({"prices": ROWS}),
}
KINDS = sorted(EXAMPLES)
processes = st.sampled_from(KINDS).flatmap(
    lambda kind: EXAMPLES[kind].map(lambda fields: PriceProcess.parse({"kind": kind, **fields}))
)
seeded = processes.filter(lambda process: process.kind not in NO_SEED)
seeds = st.integers(0, 2**128 - 1)
lengths = st.integers(1, 60)


def path_bytes(process: PriceProcess, place: World, seed: int = SEED) -> bytes:
    return process.draw(place, Streams(seed)).tobytes()


def test_every_process_has_an_example_here() -> None:
    shipped = {kind for kind, rule in PriceProcess.kinds().items() if rule.__module__.startswith("simulation.")}
    assert shipped == set(EXAMPLES), "add an example to EXAMPLES, and every test below covers the new process"


@given(processes, seeds, lengths)
def test_prices_are_positive_and_finite_and_start_at_the_initial_ones(
    process: PriceProcess, seed: int, steps: int
) -> None:
    place = world(steps=steps)
    path = process.draw(place, Streams(seed))
    assert path.shape == (steps + 1, 3)
    assert path.dtype == np.float64
    assert np.isfinite(path).all()
    assert (path > 0.0).all()
    np.testing.assert_array_equal(path[0], place.price)


@given(processes, lengths, lengths)
def test_a_longer_run_has_the_same_beginning_to_the_bit(process: PriceProcess, few: int, more: int) -> None:
    few, more = sorted((few, more))
    long = process.draw(world(steps=more), Streams(SEED))
    assert long[: few + 1].tobytes() == path_bytes(process, world(steps=few))


@given(processes, seeds)
def test_the_same_seed_gives_the_same_bytes(process: PriceProcess, seed: int) -> None:
    assert path_bytes(process, world(), seed) == path_bytes(process, world(), seed)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - NO_SEED))
def test_another_seed_gives_another_path(kind: str) -> None:
    process = PriceProcess.parse({"kind": kind, **_simplest(kind)})
    assert len({path_bytes(process, world(), seed) for seed in range(5)}) == 5


@pytest.mark.parametrize("kind", sorted(NO_SEED))
def test_what_draws_nothing_ignores_the_seed(kind: str) -> None:
    process = PriceProcess.parse({"kind": kind, **_simplest(kind)})
    digests = set()
    for seed in range(3):
        streams = Streams(seed)
        process.draw(world(), streams)
        digests.add(streams.digest())
    assert len(digests) == 1


@given(processes.filter(lambda process: process.kind != "replay"))
def test_an_appended_market_leaves_the_paths_of_the_others_unchanged(process: PriceProcess) -> None:
    three, four = (process.draw(world(markets), Streams(SEED)) for markets in (3, 4))
    assert four[:, :3].tobytes() == three.tobytes()


@given(processes, st.integers(1, 30))
def test_other_draws_leave_path_and_digest_unchanged(process: PriceProcess, count: int) -> None:
    alone, busy = Streams(SEED), Streams(SEED)
    expected = process.draw(world(), alone)
    busy.normal("traders/noise", 3, count)
    path = process.draw(world(), busy)
    busy.uniform("keepers/latency", 0, count)
    assert path.tobytes() == expected.tobytes()
    assert busy.digest() == alone.digest()


@given(seeded)
def test_another_volatility_gives_another_digest_unless_the_path_is_the_same(process: PriceProcess) -> None:
    outcomes = set()
    for volatility in (0.8, 0.9):
        streams = Streams(SEED)
        path = process.draw(world(volatility=volatility), streams)
        outcomes.add((path.tobytes(), streams.digest()))
    assert len({path for path, _ in outcomes}) == len({digest for _, digest in outcomes})


@given(processes)
def test_what_is_written_can_be_read_again(process: PriceProcess) -> None:
    for mode in ("python", "json"):
        written = process.model_dump(mode=mode)
        assert written["kind"] == process.kind
        assert PriceProcess.parse(written) == process


@given(processes)
def test_a_process_cannot_be_changed_and_knows_no_other_field(process: PriceProcess) -> None:
    with pytest.raises(ValueError, match="frozen"):
        process.kindness = 1  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="wobble"):
        PriceProcess.parse({**process.model_dump(), "wobble": 1})


@pytest.mark.parametrize("kind", KINDS)
def test_its_docstring_carries_an_equation(kind: str) -> None:
    assert "S(t" in (PriceProcess.kinds()[kind].__doc__ or "")


@pytest.mark.parametrize(
    "process",
    [
        {"kind": "gbm", "drift": 100.0},
        {"kind": "gbm", "volatility_scale": 1000.0},
        {"kind": "jump_diffusion", "jumps": {"own_rate": 36.5, "own_mean": 10.0, "compensated": False}},
    ],
)
def test_a_price_beyond_float64_is_refused_with_market_and_step(process: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=r"^price: \w+ takes M\d to (inf|0\.0) at step \d+; prices must stay"):
        PriceProcess.parse(process).draw(world(steps=800, step_seconds=10 * 86_400.0), Streams(SEED))


PROBE = """
import hashlib
from simulation.price.base import PriceProcess
from simulation.random import Streams
from simulation.rule import load_rules
from tests.simulation.price.test_contract import _simplest, KINDS
from tests.simulation.price.worlds import world
for kind in KINDS:
    streams = Streams(7)
    path = PriceProcess.parse({"kind": kind, **_simplest(kind)}).draw(world(), streams)
    print(kind, hashlib.sha256(path.tobytes()).hexdigest(), streams.digest())
"""


def test_hash_seed_and_processor_features_leave_every_path_unchanged() -> None:
    from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatch  # what numpy may switch off
    from numpy._core._multiarray_umath import __cpu_features__ as features

    fast = " ".join(name for name in dispatch if features[name])
    outputs = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROBE],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([".", *sys.path]), **change},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for change in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "NPY_DISABLE_CPU_FEATURES": fast})
    }
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) == len(KINDS)


def _simplest(kind: str) -> dict[str, Any]:
    """The fields a process cannot do without, and those that make all of its code draw."""
    needed: dict[str, dict[str, Any]] = {
        "replay": {"prices": ROWS},
        "bridge": {"waypoints": {"M0": [[40, 90.0]]}, "correlation": 0.5},
        "scripted": {"base": {"kind": "gbm"}, "shocks": [{"step": 3, "size": -0.3}]},
        "jump_diffusion": {"jumps": JUMPS, "correlation": 0.5},
        "regime": {"jumps": JUMPS, "tail_index": 4.0, "stress": {"mean_duration_hours": 10.0}},
    }
    return needed.get(kind, {})
