"""A trader asked alone answers as it does in its group, and a plug-in of twenty lines is a full member of the venue."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.cast import trader_types
from tests.venues import venue

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(kind for kind, trader in trader_types().items() if trader.__module__.startswith("agents."))

PLUGIN = '''
import numpy as np

from agents.parameter import Parameter
from agents.trader import Trader
from simulation.margin.base import MarginRule


class Contrarian(Trader):
    """Sells what rose over the last `lookback` steps."""

    kind = "contrarian"
    lookback = Parameter(2, 1, 1000, "steps", whole=True)

    def decide(self, members, view):
        budget = members.leverage * np.maximum(members.equity, 0.0)
        side = -np.sign(view.log_return(members.lookback))
        return side * budget[:, None] / view.mark_price / len(view.names) - members.position


class ContrarianAlone(Trader):
    """The same, one trader at a time."""

    kind = "contrarian_alone"
    lookback = Parameter(2, 1, 1000, "steps", whole=True)

    def step(self):
        budget = self.leverage * max(self.equity, 0.0)
        side = -np.sign(self.view.log_return(np.array([self.lookback]))[0])
        return side * budget / self.view.mark_price / len(self.view.names) - self.position


class Silent(Trader):
    """Never trades."""

    kind = "silent"

    def step(self):
        return None


class FlatMargin(MarginRule):
    """A quarter of notional, whatever the tiers say; states no steepness."""

    kind = "flat_quarter"
    rate: float = 0.25

    def initial(self, notional, tiers):
        return 2.0 * self.rate * notional

    def maintenance(self, notional, tiers):
        return self.rate * notional
'''

SCRIPT = """
import numpy as np
import my_market
from tests.venues import scenario, storm, venue

prices = 100.0 * np.exp(np.cumsum(np.vstack([np.zeros(2), np.random.default_rng(1).normal(0, 0.03, (30, 2))]), axis=0))


def run(kind, margin):
    people = [{"kind": kind, "name": "mine", "count": 20, "leverage": {"kind": "uniform", "low": 0.5, "high": 2.0}},
              {"kind": "silent", "count": 2}, {"kind": "holder", "count": 20, "leverage": 3.8, "long_share": 1.0}]
    model = venue(people, 2, price=storm(*prices), margin={"kind": margin}, impact={"kind": "square_root"})
    model.run()
    return model


group, alone = run("contrarian", "flat_quarter"), run("contrarian_alone", "flat_quarter")
mine = next(found for found in group.groups if found.name == "mine")
assert np.abs(group.accounts.position[mine.rows]).max() > 0
assert group.accounts.cash.tobytes() == alone.accounts.cash.tobytes()
assert group.accounts.position.tobytes() == alone.accounts.position.tobytes()
events = group.exchange.desk.log.events
assert len(events) and np.allclose(events.maintenance, 0.25 * events.pool_notional)
assert (events.equity < events.maintenance).all()
assert scenario([{"kind": "silent", "count": 1}], margin={"kind": "flat_quarter", "rate": 0.1}).margin.rate == 0.1
assert group.rules.from_dict(group.rules.to_dict()) == group.rules
print("all right", len(events))
"""


@pytest.mark.parametrize("kind", SHIPPED)
def test_each_trader_asked_alone_orders_what_it_orders_in_its_group(kind: str) -> None:
    people = [{"kind": kind, "count": 6, "deposit": {"kind": "lognormal", "median": 5_000.0, "sigma": 0.5}}]
    model = venue(people, 2, price={"kind": "gbm"}, step_seconds=86_400.0, impact={"kind": "square_root"})
    for _ in range(4):
        model.step()
        model.market.advance()  # between the steps, as when traders decide
        twin = copy.deepcopy(model)
        group = model.groups[0]
        together = group.rule.decide(group.members(slice(None)), model.view)
        alone = np.array([agent.step() for agent in twin.groups[0].agents])
        assert together.tobytes() == alone.tobytes()
        np.testing.assert_array_equal(group.reserve, twin.groups[0].reserve)


def test_the_parameters_of_a_trader_are_its_own_row_of_the_columns() -> None:
    spread = {"kind": "uniform", "low": 1.0, "high": 3.0}
    model = venue([{"kind": "momentum", "count": 5, "leverage": spread, "lookback": 7}])
    columns = model.groups[0].columns
    assert [agent.leverage for agent in model.groups[0].agents] == columns["leverage"].tolist()
    assert {agent.lookback for agent in model.groups[0].agents} == {7}
    assert 1.0 <= columns["leverage"].min() < columns["leverage"].max() <= 3.0


def test_traders_and_rules_in_a_users_own_file_work_by_kind_once_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "my_market.py").write_text(PLUGIN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("all right")
