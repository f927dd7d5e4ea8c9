"""Rules: chosen by kind, written with their kind, closed, frozen, compared by value; subclassing is registering."""

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, SerializeAsAny, ValidationError

from simulation.impact.base import ImpactRule
from simulation.impact.linear import LinearImpact
from simulation.rule import Rule, load_rules


class Tariff(Rule):
    """A family of its own."""


class Flat(Tariff):
    """A flat tariff."""

    kind: ClassVar[str] = "flat_tariff"
    dollars: float = 1.0


class Stepped(Flat):
    """A tariff that refines another one."""

    kind: ClassVar[str] = "a_stepped_tariff"
    step: int = 1


class Bill(BaseModel):
    """Something that holds a rule."""

    tariff: SerializeAsAny[Tariff]


def test_a_family_knows_its_rules_by_kind_sorted_grandchildren_included() -> None:
    assert list(Tariff.kinds()) == ["a_stepped_tariff", "flat_tariff"]
    assert Tariff.kinds()["a_stepped_tariff"] is Stepped


def test_families_do_not_know_each_others_rules() -> None:
    assert not set(Tariff.kinds()) & set(ImpactRule.kinds())


def test_the_kind_picks_the_class_and_the_rest_are_its_fields() -> None:
    assert Tariff.parse({"kind": "flat_tariff", "dollars": 3}) == Flat(dollars=3.0)
    assert type(Tariff.parse({"kind": "a_stepped_tariff", "step": 2})) is Stepped


def test_wherever_a_family_is_expected_a_table_will_do() -> None:
    assert Bill.model_validate({"tariff": {"kind": "flat_tariff", "dollars": 2.0}}).tariff == Flat(dollars=2.0)
    assert Bill(tariff=Stepped()).tariff == Stepped()


@pytest.mark.parametrize("rule", [Flat(dollars=2.5), Stepped(dollars=1.0, step=4), LinearImpact(scale=0.1)])
def test_what_is_written_starts_with_its_kind_and_reads_back_equal(rule: Rule) -> None:
    written = rule.model_dump(mode="json")
    assert next(iter(written)) == "kind"
    family = Tariff if isinstance(rule, Tariff) else ImpactRule
    assert family.parse(written) == rule


def test_rules_are_values_equal_if_their_numbers_are() -> None:
    assert Flat(dollars=2.0) == Flat(dollars=2)
    assert Flat(dollars=2.0) != Flat(dollars=3.0)
    assert Flat() != Stepped()
    assert hash(Flat(dollars=2.0)) == hash(Flat(dollars=2.0))


def problem(value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Bill.model_validate({"tariff": value})
    return str(caught.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "kind: must be one of a_stepped_tariff, flat_tariff (it is missing)"),
        ({"kind": 5}, "kind: must be one of a_stepped_tariff, flat_tariff (got 5)"),
        (
            {"kind": "flat_tarif"},
            "kind: must be one of a_stepped_tariff, flat_tariff (got \"flat_tarif\"); did you mean 'flat_tariff'?",
        ),
        ("flat_tariff", "must be a table with a 'kind' (got \"flat_tariff\")"),
        ([1, 2], "must be a table with a 'kind' (got a list of 2)"),
        (None, "must be a table with a 'kind' (got nothing)"),
    ],
)
def test_what_names_no_rule_is_refused_with_what_is_known(value: Any, message: str) -> None:
    assert problem(value) == message


def test_a_rule_is_closed_and_frozen() -> None:
    assert "Extra inputs" in problem({"kind": "flat_tariff", "cents": 1.0})
    with pytest.raises(ValidationError, match="frozen"):
        Flat().dollars = 2.0  # type: ignore[misc]


def test_loading_a_folder_makes_all_its_rules_known() -> None:
    load_rules("simulation.impact")
    assert {"none", "linear", "linear_units", "square_root"} <= set(ImpactRule.kinds())
    with pytest.raises(ModuleNotFoundError):
        load_rules("simulation.nowhere")
