"""Every shipped trader, asked one by one through a whole run of the classroom, does what it does in its group."""

from typing import Any

import numpy as np
import pytest

from agents.cast import StandardCast, trader_types
from experiments import load
from simulation.arrays import Array
from simulation.model import MarketModel
from simulation.scenario import Scenario

SHIPPED = sorted(kind for kind, trader in trader_types().items() if trader.__module__.startswith("agents."))


REACTING = ("distressed_seller", "leverage_targeter", "margin_constrained", "value_fund")


class OneByOne:
    """Asks the members of a group in turn, each for its own row only."""

    reacts = scheduled = False  # one round of orders a step here

    def __init__(self, group: Any) -> None:
        self.group = group
        self.asked = 0

    def decide(self, members: Any, view: Any) -> Array:
        self.asked += len(members)
        return np.array([self.group.agent(int(row) - self.group.first_row).step() for row in members.rows])


def classroom() -> Scenario:
    """The preset with options and a small book added, so that every shipped type is there, until after the shock."""
    preset = load("classroom").to_dict()
    option = {"kind": "option", "underlying": "SOL", "expiry_days": 1.0}
    listed = [
        {"name": "CALL", "depth": 1e6, "instrument": {**option, "strike": 215.0}},
        {"name": "PUT", "depth": 1e6, "instrument": {**option, "strike": 190.0, "side": "put"}},
    ]
    extra = [
        {"kind": "book", "name": "books", "count": 3, "units": {"SOL": 90.0}},
        {"kind": "option_writer", "name": "writers", "count": 5},
        {"kind": "insured_holder", "name": "insured", "count": 5},
        {"kind": "arbitrageur", "name": "arbitrageurs", "count": 5, "parameters": {"flow_sensitivity": 0.5}},
        {"kind": "hedger", "name": "hedgers", "count": 5, "parameters": {"window": 10, "half_life": 4.0}},
        *({"kind": kind, "name": kind.replace("_", "-"), "count": 5} for kind in REACTING),
    ]
    changes = {"markets": [*preset["markets"], *listed], "population": [*preset["population"], *extra]}
    return Scenario.from_dict({**preset, **changes, "seed": 4, "steps": 80})


def played(alone: set[str]) -> tuple[MarketModel, int]:
    """Run with the groups of the kinds `alone` asked one by one; return how many questions that took."""
    model = MarketModel(classroom(), StandardCast())
    askers = []
    for group in model.groups:
        if group.trader.kind in alone:
            group.rule = OneByOne(group)
            askers.append(group.rule)
    model.run()
    return model, sum(asker.asked for asker in askers)


@pytest.fixture(scope="module")
def together() -> MarketModel:
    return played(set())[0]


def assert_same(one: MarketModel, other: MarketModel) -> None:
    for column in ("cash", "position", "entry_price", "pool"):
        assert getattr(one.accounts, column).tobytes() == getattr(other.accounts, column).tobytes(), column
    for name, prices in one.market.history.items():
        assert prices.tobytes() == other.market.history[name].tobytes(), name
    for mine, theirs in zip(one.groups, other.groups, strict=True):
        np.testing.assert_array_equal(mine.reserve, theirs.reserve)
        np.testing.assert_array_equal(mine.deposited, theirs.deposited)


def test_the_classroom_with_a_book_has_every_shipped_type() -> None:
    assert {group.kind for group in classroom().population} == set(SHIPPED)


@pytest.mark.parametrize("kind", SHIPPED)
def test_a_type_asked_one_by_one_leaves_the_bytes_of_the_run_unchanged(together: MarketModel, kind: str) -> None:
    alone, questions = played({kind})
    assert questions > 0
    assert_same(alone, together)


def test_everybody_asked_one_by_one_leaves_the_bytes_of_the_run_unchanged(together: MarketModel) -> None:
    assert len(together.exchange.desk.log.events) > 10
    alone, questions = played(set(SHIPPED))
    assert questions > 1_000
    assert_same(alone, together)
