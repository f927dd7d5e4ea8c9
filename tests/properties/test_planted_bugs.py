"""Each invariant has been seen to fail: a realistic bug in the real code, and the invariant that notices it."""

import pytest

from simulation.scenario import Scenario
from tests.properties import causes, deleveraging, invariants, planted_losses
from tests.properties.audit import CHECKS, Audit, InvariantBroken
from tests.properties.corners import CORNERS
from tests.properties.planted import PLANTED

REGISTERED = (causes, deleveraging, invariants, planted_losses)


def alarm_of(name: str) -> str:
    """Run the corners with only the invariant `name` on, until it breaks."""
    for table in CORNERS.values():
        try:
            Audit(Scenario.from_dict({"name": "corner", **table}), only=name + "_").run()
        except InvariantBroken as alarm:
            return str(alarm)
    return ""


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_noticed(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names, plant = PLANTED[bug]
    plant(monkeypatch)
    for name in names:
        assert alarm_of(name).startswith(f"{name}:"), f"{name} does not notice that {bug.replace('_', ' ')}"


def test_every_invariant_has_a_bug_that_it_notices() -> None:
    named = {check.__name__.split("_")[0].upper() for checks in CHECKS.values() for check in checks}
    assert named == {name for names, _ in PLANTED.values() for name in names}
