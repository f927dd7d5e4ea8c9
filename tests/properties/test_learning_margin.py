"""Every invariant holds in random scenarios under a margin rule that learns, whichever law and update it has."""

from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from simulation.errors import CapacityError
from simulation.scenario import Scenario
from tests.properties import causes, deleveraging, invariants
from tests.properties.audit import Audit
from tests.properties.scenarios import scenarios

REGISTERED = (invariants, deleveraging, causes)
RULES: tuple[dict[str, Any], ...] = (
    {"update": {"kind": "ewma", "decay": 0.8}, "anti_procyclical": {"buffer_share": 0.25, "floor_share": 0.5}},
    {"update": {"kind": "garch"}, "update_steps": 3, "correlation_decay": 0.9, "correlation_stress": 0.4},
    {"law": {"kind": "historical"}, "window_steps": 30, "measure": "es"},
    {"law": {"kind": "filtered_historical"}, "window_steps": 30, "update": {"kind": "ewma"}},
    {"law": {"kind": "t_copula", "draws": 100}, "correlation_decay": 0.9},
    {"law": {"kind": "student_t"}, "liquidity": {"rate": 1.0}},
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(scenarios(), st.sampled_from(RULES), st.integers(1, 50))
def test_invariants_hold_whatever_the_margin_rule_learns(table: dict, fields: dict, horizon: int) -> None:
    table["margin"] = {"kind": "value_at_risk", "horizon_steps": horizon, **fields}
    note(repr(table))
    with suppress(CapacityError):  # an impact law far outside its range, said so
        Audit(Scenario.from_dict(table), Counter()).run()
