"""The benchmark of requirements. How fast they are is for the benchmark to say, not for a test."""

import re

import pytest

from experiments.bench.requirement import RULES, lines, requirement_cost
from simulation.margin.base import BookMargin, MarginRule
from simulation.rule import load_rules

load_rules("simulation.margin")


@pytest.mark.parametrize("name", RULES)
def test_the_cost_of_a_requirement_is_measured_per_account(name: str) -> None:
    rule = MarginRule.parse(RULES[name])
    assert isinstance(rule, BookMargin)
    assert 0.0 < requirement_cost(rule, accounts=1000, repeats=3) < 1e6


def test_every_rule_has_its_line() -> None:
    found = lines()
    assert len(found) == len(RULES)
    for line, name in zip(found, RULES, strict=True):
        assert re.fullmatch(rf"{name}, 10,000 books of 8 markets: \d+ ns an account", line)
