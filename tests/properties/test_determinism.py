"""Equal data, equal bytes: in any process, in any order of entry; and the storm does not depend on the venue."""

import multiprocessing
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from simulation.random import Streams
from simulation.scenario import Scenario
from tests.properties.fingerprint import STORMY, fingerprint, played, stormy_fingerprint

# What the outside world is, what the venue and its traders make of it, and what is only a label.
EXOGENOUS: dict[str, Any] = {
    "seed": 8,
    "steps": 13,
    "step_seconds": 1800.0,
    "price": {"kind": "gbm"},
    "markets": [*STORMY["markets"], {"name": "C", "price": 5.0}],
}
POLICY: dict[str, Any] = {
    "rounds_per_step": 1,
    "fill_at": "after",
    "trading": "continuous",  # a call fills after, and is tested there
    "trading_rounds": 3,
    "impact": {"kind": "none"},
    "depth": {"elasticity": 1.0},
    "mark": {"kind": "smoothed"},
    "oracle": {"kind": "lagged", "delay_steps": 2},
    "funding": {"kind": "none"},
    "dislocations": [{"market": "A", "start_step": 2, "end_step": 4, "factor": 0.9}],
    "implied_volatility": {"kind": "flat"},  # of options, of which there are none here
    "margin": {"kind": "portfolio"},
    "liquidation": {"kind": "to_target", "capacity": 500.0},
    "deleveraging": {"kind": "off"},
    "insurance_fund": 0.0,
    "socialise_losses": False,
    "loss": {"kind": "none"},
    "insurance_funds": {"A": 50.0},
    "insurance": {"step_limit": 10.0, "gate_steps": 3},
    "state": {"kind": "ratio"},
    "collateral": {"kind": "flat"},
    "valuation": {"kind": "index"},
    "interest": {"kind": "flat"},
    "claims": {"kind": "random_network", "mean_degree": 2.0},  # who owes whom is the population's business
    "fees": {"taker_rate": 0.01},
    "population": [{"kind": "noise", "count": 3}],
    "liquidators": [],
    "backstop": {"capital": 0.0},
    "reuse_share": 1.0,
    "wicks": [{"market": "A", "step": 2, "factor": 0.9}],
}
LABELS = {"name": "other", "about": "something else"}
MARGINS = ("isolated", "cross", "portfolio")


def storm_of(**changes: Any) -> str:
    return played({**STORMY, **changes}).streams.digest()


def test_every_field_of_a_scenario_is_the_world_the_venue_or_a_label() -> None:
    assert EXOGENOUS.keys() | POLICY.keys() | LABELS.keys() == set(Scenario.model_fields)


def test_the_storm_is_one_that_matters() -> None:
    model = played(STORMY)
    assert len(model.exchange.desk.log.events) > 10
    assert model.exchange.waterfall.bankruptcies


@pytest.mark.parametrize("field", sorted({**POLICY, **LABELS}))
def test_the_venue_does_not_change_the_storm(field: str) -> None:
    assert storm_of(**{field: {**POLICY, **LABELS}[field]}) == storm_of()


@pytest.mark.parametrize("field", sorted(EXOGENOUS))
def test_the_world_changes_the_storm(field: str) -> None:
    assert storm_of(**{field: EXOGENOUS[field]}) != storm_of()


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_the_hash_seed_of_the_process_changes_no_byte(hash_seed: str) -> None:
    command = [sys.executable, "-W", "error::RuntimeWarning", "-m", "tests.properties.fingerprint"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == stormy_fingerprint()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_changes_no_byte(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(stormy_fingerprint, [7, 8]) == [stormy_fingerprint(7), stormy_fingerprint(8)]


@pytest.mark.parametrize("margin", MARGINS)
def test_the_order_of_the_population_changes_no_byte(margin: str) -> None:
    table = {**STORMY, "margin": {"kind": margin}}
    reference = fingerprint(played(table))
    entries = STORMY["population"]
    for order in ([3, 2, 1, 0], [1, 3, 0, 2]):
        assert fingerprint(played({**table, "population": [entries[i] for i in order]})) == reference


def test_a_journal_changes_no_byte() -> None:
    assert fingerprint(played(STORMY, journal=True)) == fingerprint(played(STORMY))


class Draws:
    """Everything drawn in a run, by stream and step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: dict[tuple[str, int], bytes] = {}
        bits = Streams.bits

        def remembered(streams: Streams, stream: str, step: int, count: int) -> Any:
            words = bits(streams, stream, step, count)
            self.seen[stream, step] = words.tobytes()
            return words

        monkeypatch.setattr(Streams, "bits", remembered)

    def of(self, population: list[dict[str, Any]]) -> dict[tuple[str, int], bytes]:
        self.seen = {}
        played({**STORMY, "population": population})
        return self.seen


def test_adding_a_group_leaves_all_other_draws_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    draws, entries = Draws(monkeypatch), STORMY["population"]
    before = draws.of(entries)
    after = draws.of([{"kind": "noise", "name": "aaa", "count": 5}, *entries])
    assert {key: after[key] for key in before} == before
    added = {stream for stream, _ in after.keys() - before.keys()}
    assert added
    assert all("/aaa/" in stream for stream in added)


def test_more_members_leave_the_draws_of_the_first_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    draws, entries = Draws(monkeypatch), STORMY["population"]
    before = draws.of(entries)
    after = draws.of([{**entries[0], "count": 20}, *entries[1:]])
    assert before.keys() == after.keys()
    assert all(after[key].startswith(before[key]) for key in before)


def test_without_interaction_an_added_group_changes_no_other_account() -> None:
    calm = {**STORMY, "impact": {"kind": "none"}, "insurance_fund": 1e9, "liquidators": [], "backstop": {}}
    alone = played({**calm, "population": STORMY["population"][:2]})
    joined = played({**calm, "population": STORMY["population"]})
    for group, same in zip(alone.groups, joined.groups, strict=False):
        for column in ("cash", "position", "entry_price"):
            mine, theirs = getattr(alone.accounts, column), getattr(joined.accounts, column)
            pools = mine.shape[1]
            assert np.array_equal(mine[group.rows], theirs[same.rows][:, :pools])
