"""What every trader type promises, whichever it is: new ones are discovered."""

import inspect
from typing import Any

import numpy as np
import pytest

from agents.cast import StandardCast, check_population, trader_types
from agents.parameter import Parameter, Setting, declared
from agents.trader import Trader
from simulation.accounts import OUTSIDE
from simulation.errors import ScenarioError
from simulation.model import MarketModel
from simulation.scenario import Scenario

TRADERS = trader_types()
EACH = pytest.mark.parametrize("kind", sorted(TRADERS))
STEPS = 6
SETTINGS: dict[str, dict[str, Any]] = {
    "book": {"units": {"A": 3.0, "B": -40.0}},
    "distressed_seller": {"units": {"A": 300.0, "B": 4000.0}, "begins": 1.01, "ends": 0.9},
}


def model_of(kind: str, count: int = 7, margin: str = "cross", impact: Any = None, **more: Any) -> MarketModel:
    table = {
        "impact": impact or {"kind": "square_root"},
        "steps": 20,
        "step_seconds": 3600.0,
        "markets": [{"name": n, "price": p, "volatility": 3.0, "depth": 1e7} for n, p in (("A", 100.0), ("B", 5.0))],
        "price": {"kind": "gbm", "correlation": 0.3},
        "oracle": {"kind": "lagged", "delay_steps": 2},
        "margin": {"kind": margin},
        "population": [{"kind": kind, "count": count, "reserve": 100.0, **SETTINGS.get(kind, {}), **more}],
    }
    scenario = Scenario.from_dict(table)
    check_population(scenario)
    return MarketModel(scenario, StandardCast())


def played(kind: str, **more: Any) -> MarketModel:
    model = model_of(kind, **more)
    for _ in range(STEPS):
        model.step()
    return model


@EACH
def test_a_trader_says_what_it_does_and_where_that_comes_from(kind: str) -> None:
    text = inspect.getdoc(TRADERS[kind]) or ""
    assert TRADERS[kind].__doc__
    assert "Source" in text or "book" in kind, f"{kind}: cite the source of the behaviour"


@EACH
def test_parameters_have_bounds_that_hold_their_default(kind: str) -> None:
    for name, item in declared(TRADERS[kind], Parameter).items():
        assert item.about, f"{kind}.{name} says not what it is"
        assert item.low <= item.default <= item.high
        assert np.isfinite([item.low, item.high]).all(), f"{kind}.{name}: a number without bounds"
    for name, item in declared(TRADERS[kind], Setting).items():
        assert item.about, f"{kind}.{name} says not what it is"


@EACH
def test_a_parameter_out_of_bounds_is_refused_by_name(kind: str) -> None:
    for name, item in declared(TRADERS[kind], Parameter).items():
        for wrong in (item.low - 1.0, item.high + 1.0):
            with pytest.raises(ScenarioError, match=rf"population\[0\]\.{name}"):
                model_of(kind, **{name: wrong})


@EACH
@pytest.mark.parametrize("margin", ["cross", "isolated"])
def test_orders_are_finite_and_have_one_row_a_member(kind: str, margin: str) -> None:
    model = model_of(kind, margin=margin)
    for _ in range(STEPS):
        model.market.advance()
        model.decide()
        for rows, orders in model.decisions:
            assert orders.shape == (len(rows), 2)
            assert np.isfinite(orders).all()
        model.exchange.step()
        model.market.record()


@EACH
def test_one_trader_asked_alone_orders_what_it_orders_in_its_group(kind: str) -> None:
    model = played(kind)
    group = model.groups[0]
    model.market.advance()
    together = group.rule.decide(group.members(slice(None)), group.view)
    alone = np.array([group.agent(member).step() for member in range(group.count)])
    np.testing.assert_array_equal(alone, together)


@EACH
def test_deciding_changes_nothing(kind: str) -> None:
    model = played(kind)
    group, a = model.groups[0], model.accounts
    before = a.cash.copy(), a.position.copy(), {name: column.copy() for name, column in group.columns.items()}
    model.market.advance()
    group.rule.decide(group.members(slice(None)), group.view)
    assert np.array_equal(a.cash, before[0])
    assert np.array_equal(a.position, before[1])
    assert all(np.array_equal(group.columns[name], column) for name, column in before[2].items())


@EACH
def test_a_group_of_one_does_what_the_first_of_many_does(kind: str) -> None:
    """Without impact nobody disturbs anybody."""

    def first(count: int) -> tuple[Any, Any]:
        model = played(kind, count=count, impact={"kind": "none"})
        row = model.groups[0].first_row
        return model.accounts.cash[row], model.accounts.position[row]

    for one, many in zip(first(1), first(9), strict=True):
        np.testing.assert_array_equal(one, many)


@EACH
def test_money_and_positions_have_another_side(kind: str) -> None:
    model = played(kind)
    rows = model.groups[0].rows
    assert np.array_equal(model.accounts.position[rows].sum(axis=0), -model.accounts.position[OUTSIDE])


@EACH
def test_cohorts_take_turns_and_everybody_gets_one(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(kind, decision_steps=4, cohorts=4)
    asked: list[int] = []
    group = model.groups[0]
    seen = type(group.rule).decide

    def noted(trader: Any, members: Any, view: Any) -> Any:
        asked.extend(members.rows.tolist())
        return seen(trader, members, view)

    monkeypatch.setattr(type(group.rule), "decide", noted)
    for step in range(1, 5):
        group.decide(step)
    assert sorted(asked) == group.rows.tolist()


def test_a_trader_written_for_one_is_asked_one_by_one() -> None:
    """`step` instead of `decide` is slower and allowed."""

    class Plain(Trader):
        """Buys one unit of the first market."""

        kind = ""

        def step(self) -> Any:
            """Return the order."""
            return np.eye(len(self.view.names))[0]

    model = model_of("book")
    Plain.create_agents(model, 3, name="plain")
    group = model.groups[-1]
    rows, orders = group.decide(1)
    assert rows.tolist() == group.rows.tolist()
    assert orders.tolist() == [[1.0, 0.0]] * 3
