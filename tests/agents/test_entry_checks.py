"""What a population entry may say to a trader type: every problem at once, each in one exact line."""

from typing import Any

import pytest

from agents.book import BookTrader
from agents.cast import check_population, trader_types
from agents.entry_checks import entry_problems
from agents.hedged_pair import HedgedPair
from agents.holder import Holder
from agents.parameter import Parameter, Setting, declared
from simulation.distribution import Choice, Lognormal, Pareto, Uniform
from simulation.errors import ScenarioError
from simulation.scenario import Scenario
from tests.simulation.test_scenario import PLAIN, plain

MARKETS = ("A", "B")
BOUNDS = "must be between 0 and 200"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"leverage": 200.5}, f"leverage: {BOUNDS} (got 200.5)"),
        ({"leverage": -1}, f"leverage: {BOUNDS} (got -1.0)"),
        ({"leverage": "five"}, 'leverage: must be a number or a law (got "five")'),
        ({"leverage": True}, "leverage: must be a number or a law (got true)"),
        ({"leverage": {"A": 1.0}}, "leverage: must be a number or a law (got a table)"),
        ({"markets_held": 2.5}, "markets_held: must be a whole number (got 2.5)"),
        ({"markets_held": 0}, "markets_held: must be between 1 and 200 (got 0.0)"),
        ({"leverage": Uniform(low=-1.0, high=5.0)}, f"leverage: {BOUNDS} (got -0.999999999994), which the law reaches"),
        ({"leverage": Choice(values=(1.0, 300.0))}, f"leverage: {BOUNDS} (got 300.0), which the law reaches"),
        (
            {"leverage": Pareto(minimum=1.0, tail_index=1.0, maximum=500.0)},
            f"leverage: {BOUNDS} (got 500.0), which the law reaches",
        ),
        ({"weights": 0.5}, "weights: must be a table market = number (got 0.5)"),
        ({"weights": {"X": 1.0}}, "weights.X: market is not defined; known: A, B"),
        ({"weights": {"x y": 1.0}}, 'weights."x y": market is not defined; known: A, B'),
        ({"cohorts": 2.5}, "cohorts: must be a whole number (got 2.5)"),
        ({"cohorts": 0}, "cohorts: must be between 1 and 1e+06 (got 0)"),
        ({"cohorts": "two"}, 'cohorts: must be a number (got "two")'),
        ({"cohorts": False}, "cohorts: must be a number (got false)"),
    ],
)
def test_a_bad_entry_is_one_line_that_starts_with_its_field(given: dict[str, Any], problem: str) -> None:
    assert entry_problems(Holder, given, MARKETS) == [problem]


def test_an_unknown_field_comes_with_a_hint_and_with_what_is_known() -> None:
    (line,) = entry_problems(Holder, {"levrage": 3.0}, MARKETS)
    assert line.startswith("levrage: unknown field of trader 'holder'; did you mean 'leverage'?; known: cohorts,")
    (line,) = entry_problems(Holder, {"a\nb": 3.0}, MARKETS)
    assert line.startswith('"a\\nb": unknown field')


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"leverage": 0},
        {"leverage": 200.0},
        {"markets_held": 2.0},
        {"leverage": Lognormal(median=3.0, sigma=2.0)},
        {"leverage": Pareto(minimum=1.0, tail_index=0.5)},
        {"leverage": Choice(values=(0.0, 200.0))},
        {"weights": {"A": 0.5, "B": 0.5}},
        {"cohorts": 3, "decision_steps": 1_000_000},
    ],
)
def test_what_is_within_bounds_is_no_problem(given: dict[str, Any]) -> None:
    assert entry_problems(Holder, given, MARKETS) == []


def test_all_problems_of_an_entry_come_together() -> None:
    found = entry_problems(Holder, {"leverage": -1.0, "cohorts": 0, "colour": 1.0}, MARKETS)
    assert [line.split(":")[0] for line in found] == ["leverage", "cohorts", "colour"]


def test_a_market_may_be_named_or_numbered_and_defaults_are_checked_too() -> None:
    settings = [name for name, item in declared(HedgedPair, Setting).items() if item.form == "market"]
    first, second = settings[:2]
    assert entry_problems(HedgedPair, {first: "A", second: "B"}, MARKETS) == []
    assert entry_problems(HedgedPair, {first: 0, second: 1}, MARKETS) == []
    assert entry_problems(HedgedPair, {first: "C", second: "B"}, MARKETS) == [
        f'{first}: market "C" is not defined; known: A, B'
    ]
    assert entry_problems(HedgedPair, {first: 2, second: True}, MARKETS) == [
        f"{first}: market 2 is not defined; known: A, B",
        f"{second}: market true is not defined; known: A, B",
    ]
    assert len(entry_problems(HedgedPair, {}, ("A",))) == 1  # two legs need two markets


def refused(*population: dict[str, Any]) -> list[str]:
    with pytest.raises(ScenarioError) as refusal:
        check_population(Scenario.from_dict({**PLAIN, "population": list(population)}))
    return refusal.value.problems


def test_an_unknown_kind_gets_a_hint_and_the_others_are_still_checked() -> None:
    first, second = refused({"kind": "holdr", "count": 1}, {"kind": "holder", "count": 1, "leverage": -3.0})
    assert first.startswith(f'population[0].kind: must be one of {", ".join(trader_types())} (got "holdr")')
    assert first.endswith("; did you mean 'holder'?")
    assert second == f"population[1].leverage: {BOUNDS} (got -3.0)"


def test_a_good_population_passes_without_a_word() -> None:
    check_population(plain())


def test_what_passes_the_check_can_be_built_and_every_kind_is_found_once() -> None:
    kinds = trader_types()
    assert list(kinds) == sorted(kinds)
    assert {"book", "holder", "hedged_pair", "releverager", "market_maker", "momentum", "noise"} <= set(kinds)
    assert all(cls.kind == kind for kind, cls in kinds.items())


def test_a_parameter_says_which_end_was_passed() -> None:
    item = Parameter(1.0, 0.0, 2.0, "a test")
    assert item.problem(0.0, 2.0) == ""
    assert item.problem(-0.5, 3.0) == "must be between 0 and 2 (got -0.5)"
    assert item.problem(0.5, 3.0) == "must be between 0 and 2 (got 3.0)"


def test_declarations_are_inherited_and_may_be_overridden() -> None:
    assert list(declared(BookTrader, Parameter))[:2] == ["leverage", "leverage_setting"]
    assert declared(Holder, Parameter)["leverage"].name == "leverage"
    assert set(declared(BookTrader, Setting)) == {"cohorts", "decision_steps", "units"}
    assert isinstance(Holder.stop_loss, Parameter)
