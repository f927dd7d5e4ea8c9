"""The benchmark of requirements, and the speed that is promised."""

import re

import pytest

from experiments.bench_margin import VALUE_AT_RISK, lines, requirement_cost
from simulation.margin.base import BookMargin, MarginRule
from simulation.rule import load_rules

load_rules("simulation.margin")


@pytest.mark.parametrize("name", VALUE_AT_RISK)
def test_value_at_risk_with_a_covariance_matrix_costs_at_most_150_nanoseconds(name: str) -> None:
    rule = MarginRule.parse(VALUE_AT_RISK[name])
    assert isinstance(rule, BookMargin)
    least = min(requirement_cost(rule, repeats=7) for _ in range(5))  # the least disturbed of five
    assert 0.0 < least <= 150.0


def test_every_rule_has_its_line() -> None:
    found = lines()
    assert len(found) == len(VALUE_AT_RISK)
    for line, name in zip(found, VALUE_AT_RISK, strict=True):
        assert re.fullmatch(rf"{name}, 10,000 books of 8 markets: \d+ ns an account", line)
