"""Clearing by rounds of defaults and at a falling price, against numbers worked by hand and against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.theory.clearing import ClearingPrice
from experiments.theory.clearing_at_price import CapitalRule
from experiments.theory.clearing_vector import Claims, fictitious_default
from experiments.theory.suite import run_target, targets
from simulation.errors import InputError


def alone(cash=-0.12, debt=1.7, units=2.0, ratio=0.1, impact=0.02):
    return CapitalRule(
        np.array([[0.0, debt], [0.0, 0.0]]), np.array([cash, 0.0]), np.array([units, 0.0]), ratio, impact
    )


def banks(seed, n=4):
    rng = np.random.default_rng(seed)
    debts = rng.uniform(0.0, 1.0, (n, n)) * (1.0 - np.eye(n))
    return CapitalRule(debts, rng.uniform(-0.5, 0.5, n), rng.uniform(0.0, 2.0, n), 0.1, 0.05)


@pytest.mark.parametrize("name", ["T14.defaults", "T14.price"])
def test_the_target_passes(name):
    result = run_target(targets()[name])
    assert result.passed, result


def test_one_bank_has_the_price_of_its_equation():
    assert alone().greatest.price == pytest.approx(0.993719, abs=5e-7)


@pytest.mark.parametrize(
    "changes", [{"cash": 0.5}, {"cash": -1.0}, {"impact": 0.3}, {"ratio_rate": 0.3}, {"impact": 0.0}]
)
def test_the_price_target_passes_at_other_parameters(changes):
    assert run_target(ClearingPrice, changes).passed


def test_a_wrong_impact_moves_the_price_out_of_the_tolerance():
    assert abs(alone(impact=0.0204).greatest.price - alone().greatest.price) > 1e-5


def test_a_bank_with_capital_to_spare_sells_nothing():
    found = alone(cash=1.0).greatest
    assert found.price == 1.0
    assert found.sold[0] == 0.0


def test_a_bank_without_equity_sells_everything_and_pays_what_it_has():
    found = alone(cash=-1.5).greatest
    assert found.sold[0] == 2.0
    assert found.price == pytest.approx(np.exp(-0.04))
    assert found.paid[0] == pytest.approx(2.0 * np.exp(-0.04) - 1.5)


@given(st.integers(0, 10_000))
def test_both_solutions_solve_the_equations_and_are_ordered(seed):
    rule = banks(seed)
    shares = Claims(rule.debts, np.zeros(4)).shares
    for found in (rule.greatest, rule.least):
        received = found.paid @ shares
        assert found.price == pytest.approx(np.exp(-0.05 * found.sold.sum()), abs=1e-12)
        wealth = rule.cash + found.price * rule.units + received
        assert found.paid == pytest.approx(np.clip(wealth, 0.0, rule.debts.sum(axis=1)), abs=1e-11)
        equity = wealth - rule.debts.sum(axis=1)
        at_risk = found.price * (rule.units - found.sold) + received
        assert ((equity >= 0.1 * at_risk - 1e-9) | (found.sold >= rule.units - 1e-12)).all()
    assert rule.greatest.price >= rule.least.price - 1e-12
    assert (rule.greatest.paid >= rule.least.paid - 1e-11).all()


@given(st.integers(0, 10_000), st.integers(1, 7))
def test_rounds_of_defaults_reach_what_iteration_reaches(seed, n):
    rng = np.random.default_rng(seed)
    debts = rng.uniform(0.0, 1.0, (n, n)) * (rng.uniform(size=(n, n)) < 0.5) * (1.0 - np.eye(n))
    claims = Claims(debts, rng.uniform(0.01, 0.6, n))
    paid, rounds = fictitious_default(claims)
    assert paid == pytest.approx(claims.greatest, abs=1e-9)
    assert rounds <= n


def test_a_chain_of_defaults_takes_one_round_a_link():
    """The first is short at once; each next one only when it is known what the one before it pays."""
    claims = Claims(np.diag([1.0, 0.9, 0.8], 1), np.array([0.5, 0.1, 0.0, 0.0]))
    paid, rounds = fictitious_default(claims)
    assert paid == pytest.approx([0.5, 0.6, 0.6, 0.0])
    assert rounds == 3


def test_default_costs_are_refused_where_the_rounds_do_not_hold():
    with pytest.raises(InputError, match="default costs"):
        fictitious_default(Claims(np.zeros((2, 2)), np.ones(2), 0.5, 0.5))


@pytest.mark.parametrize(
    "changes", [{"ratio": 0.0}, {"ratio": 1.5}, {"impact": -0.1}, {"units": -1.0}, {"cash": np.nan}]
)
def test_impossible_banks_are_refused(changes):
    with pytest.raises(InputError):
        alone(**changes)
