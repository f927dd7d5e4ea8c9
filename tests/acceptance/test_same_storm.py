"""Equal seeds meet the same storm whatever the venue does, and equal scenarios leave equal bytes."""

from typing import Any

import numpy as np
import pytest

from experiments import compare, load, run
from simulation.deleveraging.base import DeleveragingRule
from simulation.impact.base import ImpactRule
from simulation.liquidation.base import LiquidationRule
from simulation.margin.base import MarginRule
from simulation.mark.base import MarkRule
from simulation.scenario import Scenario

FAMILIES = {
    "impact": ImpactRule,
    "mark": MarkRule,
    "margin": MarginRule,
    "liquidation": LiquidationRule,
    "deleveraging": DeleveragingRule,
}
SHIPPED = [
    (field, {"kind": kind})
    for field, family in FAMILIES.items()
    for kind, rule in family.kinds().items()
    if rule.__module__.startswith("simulation.")
]
OTHERS: list[tuple[str, Any]] = [
    ("rounds_per_step", 1),
    ("fill_at", "after"),
    ("fill_at", "before"),
    ("trading_rounds", 0),
    ("depth", {"elasticity": 1.0}),
    ("oracle", {"kind": "lagged", "delay_steps": 3}),
    ("funding", {"kind": "premium", "interval_steps": 6}),
    ("insurance_fund", 0.0),
    ("insurance_fund", 1e7),
    ("socialise_losses", False),
    ("fees", {"taker_rate": 0.01}),
    ("liquidators", [{"count": 2, "capital": 50_000.0}]),
    ("backstop", {"capital": 1e5}),
    ("reuse_share", 1.0),
    ("population", [{"kind": "noise", "count": 2}]),
]


def classroom(**changes: Any) -> Scenario:
    """The preset up to a while after its shock."""
    return load("classroom").with_(**{"steps": 80, "seed": 4, **changes})


@pytest.fixture(scope="module")
def reference() -> Any:
    return run(classroom())


@pytest.mark.parametrize(("field", "value"), [*SHIPPED, *OTHERS])
def test_every_policy_meets_the_same_storm(reference: Any, field: str, value: Any) -> None:
    result = run(classroom(**{field: value}))
    assert result.digest == reference.digest
    assert result.prices["index"].to_numpy().tobytes() == reference.prices["index"].to_numpy().tobytes()


def test_the_same_scenario_leaves_the_same_bytes_twice(reference: Any) -> None:
    again = run(classroom())
    assert again.fingerprint == reference.fingerprint
    for table in ("prices", "events", "bankruptcies", "accounts", "series", "pushes"):
        assert getattr(again, table).equals(getattr(reference, table)), table


def test_a_scenario_written_out_and_read_back_leaves_the_same_bytes(reference: Any) -> None:
    again = Scenario.from_dict(classroom().to_dict())
    assert run(again).fingerprint == reference.fingerprint


def test_keeping_a_journal_or_watching_the_progress_changes_no_byte(reference: Any) -> None:
    seen: list[tuple[int, int]] = []
    watched = run(classroom(), journal=True, progress=lambda step, steps: seen.append((step, steps)))
    assert watched.fingerprint == reference.fingerprint
    assert seen == [(step, 80) for step in range(1, 81)]


def test_different_seeds_meet_different_storms() -> None:
    results = [run(classroom(seed=seed, steps=73)) for seed in range(6)]
    assert len({result.digest for result in results}) == len({result.fingerprint for result in results}) == 6
    ends = np.array([result.prices["index"].to_numpy()[-3:] for result in results])
    assert all(len(np.unique(column)) == 6 for column in ends.T)


def test_a_longer_run_begins_with_the_same_prices_and_the_same_liquidations(reference: Any) -> None:
    longer = run(classroom(steps=95))
    rows = len(reference.prices)
    assert longer.prices.iloc[:rows].equals(reference.prices)
    early = longer.events[longer.events["step"] <= 80].reset_index(drop=True)
    assert len(early)
    for column in ("step", "account", "market", "quantity", "fill", "equity"):
        assert early[column].equals(reference.events[column]), column


def test_a_comparison_gives_what_its_runs_give_one_by_one() -> None:
    scenario = classroom()
    compared = compare(scenario, seeds=[4, 5], workers=1, designs=["equal positions"]).runs
    plain = compared[~compared["impact_free"] & (compared["reuse_share"] == 0.0)]
    for regime in ("isolated", "cross", "portfolio"):
        for seed in (4, 5):
            alone = run(scenario.with_(seed=seed, margin={"kind": regime})).metrics
            values = plain[(plain["regime"] == regime) & (plain["seed"] == seed)].set_index("metric")["value"]
            for metric in ("bad_debt", "liquidated_notional", "liquidated_accounts", "insurance_draw"):
                assert set(values[[metric]]) == {alone[metric]}, (regime, seed, metric)
