"""Groups: columns of parameters, whose turn it is, constants of members, wishes noted for the exchange."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.book import BookTrader
from agents.group import GroupSpec, TraderGroup, parameters_of, settings_of
from agents.holder import Holder
from simulation.accounts import SHARED, SYSTEM_ROWS
from simulation.distribution import Choice, Lognormal, Uniform
from simulation.errors import ScenarioError
from simulation.model import MarketModel
from tests.venues import book, venue


def crowd(count: int = 6, listed: int = 1, **more: Any) -> TraderGroup:
    return model_of(count, listed, **more).groups[0]


def model_of(count: int = 6, listed: int = 1, **more: Any) -> MarketModel:
    return venue([{"kind": "holder", "name": "crowd", "count": count, **more}], listed)


def spec(**parameters: Any) -> GroupSpec:
    return GroupSpec("holder", "crowd", 2, parameters=parameters)


def test_members_hold_consecutive_rows_after_the_system_rows_groups_by_name() -> None:
    model = venue([book("b", {}, 1.0), {"kind": "holder", "name": "a", "count": 3}])
    b, a = model.groups
    assert a.rows.tolist() == [SYSTEM_ROWS, SYSTEM_ROWS + 1, SYSTEM_ROWS + 2]
    assert b.rows.tolist() == [SYSTEM_ROWS + 3]
    assert [group.name for group in model.turns] == ["a", "b"]


def test_each_agent_is_a_handle_on_its_row() -> None:
    group = crowd(4)
    assert [agent.row for agent in group.agents] == group.rows.tolist()
    assert all(group.agent(i).member == i for i in range(4))
    assert group.rule is group.agents[0]


def test_a_number_is_everybodys_and_a_law_is_drawn_member_by_member() -> None:
    group = crowd(50, leverage=3.0, long_share={"kind": "uniform", "low": 0.2, "high": 0.4})
    assert (group.columns["leverage"] == 3.0).all()
    assert len(set(group.columns["long_share"].tolist())) == 50
    assert group.columns["long_share"].min() >= 0.2
    assert group.columns["long_share"].max() <= 0.4


def test_a_members_draw_does_not_depend_on_how_many_follow() -> None:
    law = {"kind": "lognormal", "median": 1000.0, "sigma": 1.0}
    few, many = crowd(3, deposit=law), crowd(30, deposit=law)
    assert few.deposited.tolist() == many.deposited[:3].tolist()


def test_a_law_is_drawn_from_a_stream_of_its_group_and_field() -> None:
    group = crowd(5, deposit={"kind": "uniform", "low": 0.0, "high": 1000.0})
    expected = group.streams.uniform("population/crowd/deposit", 0, 5) * 1000.0
    assert group.deposited.tolist() == expected.tolist()


def test_deposits_are_paid_in_and_reserves_are_not() -> None:
    model = model_of(2, deposit=700.0, reserve=300.0, leverage=0.0)
    group = model.groups[0]
    assert model.accounts.cash[group.rows, SHARED].tolist() == [700.0, 700.0]
    assert group.reserve.tolist() == [300.0, 300.0]


def test_a_leverage_setting_is_written_to_the_accounts() -> None:
    model = model_of(2, leverage_setting=20.0)
    assert model.accounts.leverage[model.groups[0].rows].tolist() == [20.0, 20.0]


@pytest.mark.parametrize(
    ("margin", "more", "pools"),
    [
        ("cross", {}, [0, 0, 0]),
        ("isolated", {}, [1, 2, 3]),
        ("cross", {"isolated": ["B"]}, [0, 2, 0]),
        ("isolated", {"pools": {"A": 0, "C": 2}}, [0, 2, 2]),
        ("cross", {"isolated": ["A"], "pools": {"A": 3}}, [3, 0, 0]),
    ],
)
def test_positions_stand_where_rule_and_group_say(margin: str, more: dict[str, Any], pools: list[int]) -> None:
    population = [{"kind": "holder", "count": 1, **more}]
    model = venue(population, 3, margin={"kind": margin})
    assert model.accounts.pool[model.traders[0]].tolist() == pools


def test_with_one_cohort_everybody_decides_together_once_a_period() -> None:
    group = crowd(decision_steps=5)
    turns = [group._turn(step) for step in range(1, 16)]
    assert turns.count(0) == 3
    assert set(turns) == {0, None}
    first = turns.index(0)
    assert turns[first + 5] == turns[first + 10] == 0


@given(period=st.integers(1, 40), parts=st.integers(1, 60))
@settings(max_examples=25)
def test_cohorts_take_turns_evenly_and_each_has_exactly_one_a_period(period: int, parts: int) -> None:
    group = crowd(3, decision_steps=period, cohorts=parts)
    turns = [group._turn(step) for step in range(period)]
    asked = [turn for turn in turns if turn is not None]
    assert sorted(asked) == list(range(min(period, parts)))
    moments = sorted(i for i, turn in enumerate(turns) if turn is not None)
    gaps = np.diff([*moments, moments[0] + period])
    assert gaps.max() - gaps.min() <= 1


def test_a_groups_name_shifts_its_timetable() -> None:
    population = [{"kind": "holder", "name": f"g{i}", "count": 1, "decision_steps": 100} for i in range(10)]
    moments = {group._timetable.index(0) for group in venue(population).groups}
    assert len(moments) > 5


def test_more_cohorts_than_members_leave_some_turns_to_nobody() -> None:
    group = crowd(2, decision_steps=4, cohorts=4, stop_loss=0.5)
    assert all(group.decide(step) is None for step in range(8))


def test_who_wants_nothing_sends_no_orders_and_who_wants_something_sends_its_rows() -> None:
    model = model_of(4, stop_loss=0.1, decision_steps=2, cohorts=2, leverage=2.0)
    group = model.groups[0]
    assert [group.decide(step) for step in (1, 2)] == [None, None]
    model.market.mark_price = model.market.mark_price * (1.0 - 0.2 * np.sign(model.accounts.position[group.rows][0]))
    sent = [group.decide(step) for step in (1, 2)]
    rows = np.concatenate([orders[0] for orders in sent if orders is not None])
    assert set(rows.tolist()) <= set(group.rows.tolist())
    for decided in sent:
        assert decided is not None
        assert len(decided[0]) == len(decided[1]) == 2


def test_constants_belong_to_a_member_for_the_whole_run() -> None:
    model = model_of(5)
    group = model.groups[0]
    before = group.constant("normal", "taste", 2).copy()
    model.run()
    assert group.constant("normal", "taste", 2).tolist() == before.tolist()
    assert before.shape == (5, 2)
    assert group.constant("uniform", "taste", 2).tolist() != before.tolist()


def test_a_constant_is_keyed_by_group_and_purpose() -> None:
    group = crowd(3)
    expected = group.streams.uniform("trader/crowd/luck/constant", 0, 3)
    assert group.constant("uniform", "luck", 1)[:, 0].tolist() == expected.tolist()


def test_a_top_up_is_granted_as_far_as_the_reserve_goes_pro_rata_over_pools() -> None:
    group = crowd(3, reserve=100.0)
    wishes = np.array([[30.0, 30.0], [300.0, 100.0], [-5.0, 0.0]])
    group.request_top_up(slice(None), group.rows, wishes)
    ((rows, paid),) = group.top_ups
    assert rows.tolist() == group.rows.tolist()
    assert paid.tolist() == [[30.0, 30.0], [75.0, 25.0], [0.0, 0.0]]
    assert group.reserve.tolist() == [40.0, 0.0, 100.0]
    assert group.deposited.tolist() == [10_060.0, 10_100.0, 10_000.0]


def test_a_negative_withdrawal_is_none() -> None:
    group = crowd(2)
    group.request_withdrawal(group.rows, np.array([-5.0, 5.0]))
    assert group.withdrawals[0][1].tolist() == [0.0, 5.0]


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"leverage": 201.0}, "leverage: must be between 0 and 200 (got 201.0)"),
        ({"leverage": float("nan")}, "leverage: must be finite (got nan)"),
        ({"leverage": np.array([1.0, -1.0])}, "leverage: must be between 0 and 200 (got -1.0)"),
        ({"markets_held": 1.5}, "markets_held: must be a whole number (got 1.5)"),
        ({"long_share": Uniform(low=0.0, high=1.5)}, "long_share: must be between 0 and 1 (got"),
        ({"levrage": 1.0}, "levrage: unknown field of trader 'holder'; known: cohorts, decision_steps, leverage,"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(parameters: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        parameters_of(Holder, spec(**parameters))
    assert len(refusal.value.problems) == 1
    assert refusal.value.problems[0].startswith(line)


def test_laws_and_arrays_are_parameters_and_defaults_fill_the_rest() -> None:
    laws = {"leverage": Lognormal(median=3.0, sigma=1.0), "stop_loss": np.array([0.1, 0.2])}
    values = parameters_of(Holder, spec(**laws))
    assert values["leverage"] is laws["leverage"]
    assert (values["long_share"], values["markets_held"]) == (0.8, 3)
    assert parameters_of(Holder, spec(long_share=Choice(values=(0.0, 1.0))))


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"units": {"X": 1.0}}, 'units.X: market "X" is not defined; known: A, B'),
        ({"cohorts": 0}, "cohorts: must be a number between 1 and 1e+06 (got 0)"),
        ({"cohorts": True}, "cohorts: must be a number between 1 and 1e+06 (got True)"),
        ({"decision_steps": "5"}, 'decision_steps: must be a number between 1 and 1e+06 (got "5")'),
    ],
)
def test_a_bad_setting_is_refused_by_name(parameters: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        settings_of(BookTrader, spec(**parameters), ("A", "B"))
    assert refusal.value.problems == [line]


def test_numbers_by_market_become_a_row_in_the_order_of_the_markets() -> None:
    assert settings_of(BookTrader, spec(units={"B": 2}), ("A", "B"))["units"].tolist() == [0.0, 2.0]
