"""Small runs for the tests of metrics, and their raw log as plain data."""

from collections import defaultdict
from typing import Any

import pytest

from agents.cast import StandardCast
from experiments.record.metrics import measure
from experiments.record.observed import Observed
from simulation.scenario import Scenario
from tests.experiments.storms import TIER, holder_of, one_market

GAP = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.2}]}
PEOPLE = [holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.5, "B"), holder_of(1.0, 10.0, "rich")]
SHORT = {"kind": "book", "name": "S", "count": 3, "units": {"X": -1.5}, "deposit": 30.0}
TWO = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
BOTH = {"kind": "book", "name": "both", "count": 2, "units": {"X": 4.0, "Y": 4.0}, "deposit": 80.0}
FALL_OF_X = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.12, "market": "X"}]}
HALF = {"kind": "fraction", "share": 0.5, "penalty_rate": 0.02, "minimum_notional": 0.0}
CASES = {
    "book": {},
    "adl": {"price": GAP, "deleveraging": {"kind": "queue"}, "insurance_fund": 10.0},
    "pro rata": {"price": GAP, "deleveraging": {"kind": "pro_rata"}},
    "at the mark": {"price": GAP, "deleveraging": {"kind": "queue", "price": "mark"}},
    "fund": {"price": GAP, "deleveraging": {"kind": "off"}, "insurance_fund": 20.0},
    "rise": {"price": {"kind": "scripted", "shocks": [{"step": 2, "size": 0.35}]}},
    "part": {"liquidation": HALF, "rounds_per_step": 1},
    "two": {"markets": TWO, "population": [BOTH, SHORT], "price": FALL_OF_X, "insurance_fund": 1e3},
}


def finished(scenario: Scenario) -> tuple[Observed, dict[str, float], dict[str, str]]:
    model = Observed(scenario, StandardCast())
    model.run()
    return model, *measure(model)


def played(name: str):
    """The finished model of one of the cases, its metrics and reasons."""
    changes: dict[str, Any] = dict(CASES[name])
    people = changes.pop("population", [*PEOPLE, SHORT])
    return finished(one_market(people, step_seconds=600.0, **changes))


def rows_of(model):
    """The forced trades as plain dictionaries."""
    events = model.exchange.desk.log.events
    names = list(events.__dataclass_fields__)
    return [dict(zip(names, values, strict=True)) for values in zip(*(getattr(events, n) for n in names), strict=True)]


def closings_of(model):
    """The forced trades by pool and round, in order."""
    found = defaultdict(list)
    for row in rows_of(model):
        found[row["step"], row["round"], row["row"], row["pool"]].append(row)
    return list(found.values())


def same(value, expected):
    return value == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)

