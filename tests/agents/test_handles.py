"""Creating many agents: as Mesa's own constructor would, whichever way is taken."""

import gc
import weakref
from types import SimpleNamespace
from typing import Any

import mesa
import pytest

from agents import handles


class Dot(mesa.Agent):
    """An agent without behaviour."""

    def step(self) -> str:
        return "asked"


class Circle(mesa.Agent):
    """Another one."""


def known(model: mesa.Model) -> list[int]:
    return [agent.unique_id for agent in model.agents]


def test_the_fast_way_is_taken_with_the_mesa_that_is_installed() -> None:
    assert handles._known(mesa.Model())


@pytest.mark.parametrize("fast", [True, False])
def test_agents_know_their_model_group_and_number(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handles, "_known", lambda model: fast)
    model, group = mesa.Model(), object()
    made = handles.create(Dot, model, group, 5)
    assert [agent.member for agent in made] == [0, 1, 2, 3, 4]
    assert all(agent.model is model and agent.group is group and agent.pos is None for agent in made)
    assert [type(agent) for agent in made] == [Dot] * 5


@pytest.mark.parametrize("fast", [True, False])
def test_mesa_finds_them_by_type_and_numbers_go_on(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handles, "_known", lambda model: fast)
    model = mesa.Model()
    first = Dot(model)
    handles.create(Dot, model, None, 3)
    handles.create(Circle, model, None, 2)
    last = Circle(model)
    assert len(model.agents) == 7
    assert len(model.agents_by_type[Dot]) == 4
    assert len(model.agents_by_type[Circle]) == 3
    assert known(model) == list(range(first.unique_id, first.unique_id + 7))
    assert last.unique_id == first.unique_id + 6


def test_both_ways_leave_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def built(fast: bool) -> tuple[Any, ...]:
        monkeypatch.setattr(handles, "_known", lambda model: fast)
        model = mesa.Model()
        handles.create(Dot, model, None, 4)
        return known(model), [type(a) for a in model.agents], list(model.agents_by_type)

    assert built(True) == built(False)


def test_an_agent_can_leave_and_mesa_forgets_it() -> None:
    model = mesa.Model()
    made = handles.create(Dot, model, None, 3)
    made[1].remove()
    assert list(model.agents) == [made[0], made[2]]
    assert list(model.agents_by_type[Dot]) == [made[0], made[2]]


def test_where_the_model_counts_its_agents_itself_numbers_are_taken_from_there() -> None:
    """As Mesa does from 3.4 on."""
    model = SimpleNamespace(agent_id_counter=5)
    assert handles._unique_ids(model, 3) == [5, 6, 7]
    assert handles._unique_ids(model, 2) == [8, 9]


def test_no_agents_at_all_are_no_trouble() -> None:
    model = mesa.Model()
    assert handles.create(Dot, model, None, 0) == []
    assert known(model) == []


@pytest.mark.parametrize("collecting", [True, False])
def test_the_garbage_collector_is_left_as_it_was(collecting: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        handles.create(Dot, mesa.Model(), None, 2)
        assert gc.isenabled() == collecting
    finally:
        (gc.enable if was else gc.disable)()


def test_the_garbage_collector_comes_back_even_when_a_constructor_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(mesa.Agent):
        def __init__(self, model: mesa.Model) -> None:
            raise ZeroDivisionError

    monkeypatch.setattr(handles, "_known", lambda model: False)
    with pytest.raises(ZeroDivisionError):
        handles.create(Broken, mesa.Model(), None, 1)
    assert gc.isenabled()


def test_a_forgotten_model_can_be_freed_and_forgetting_twice_is_harmless() -> None:
    model = mesa.Model()
    handles.create(Dot, model, None, 10)
    watched = weakref.ref(model)
    handles.forget(model)
    handles.forget(model)
    del model
    gc.collect()
    assert watched() is None
