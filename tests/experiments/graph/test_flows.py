"""Dollars from causes to effects: sums over all pairs without listing them, held against the list of all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings

from experiments.graph.contagion import ledger_of
from experiments.graph.flows import caused, suffered
from experiments.run import run
from simulation.accounts import QUANTUM
from tests.experiments.storms import branching, by_hand, run_or_skip, storms

EVERY = 10**6


def pairs(ledger):
    """All dollars (n, n) that the row's closing took from the column's, pair by pair."""
    blame = ledger.largest(np.arange(len(ledger.closings)), EVERY)
    table = np.zeros((len(ledger.closings),) * 2)
    table[blame.cause, blame.effect] = blame.share
    return table


def close(found, expected):
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-6 * (1.0 + np.abs(expected).max(initial=0.0)))


@settings(max_examples=20)
@given(storms())
def test_sums_by_class_and_by_cause_are_those_of_all_pairs(scenario):
    ledger = ledger_of(run_or_skip(scenario.with_(steps=min(scenario.steps, 12))))
    table, c = pairs(ledger), ledger.closings
    label = np.arange(len(c)) % 3
    by_class = np.stack([table[label == k].sum(axis=0) for k in range(3)], axis=1)
    close(suffered(ledger, label, 3, np.arange(len(c))), by_class)
    close(caused(ledger), table.sum(axis=1))
    gross = np.abs(c.exogenous) + np.abs(c.flow) + np.abs(c.mark_gap) + np.abs(c.forced)
    onward = np.linalg.solve(np.eye(len(c)) - table / np.where(gross > 0.0, gross, np.inf), table.sum(axis=1))
    close(caused(ledger, onward=True), onward)


@settings(max_examples=10)
@given(storms())
def test_what_all_causes_took_is_the_forced_loss(scenario):
    ledger = ledger_of(run_or_skip(scenario))
    n = len(ledger.closings)
    total = suffered(ledger, np.zeros(n, np.intp), 1, np.arange(n))[:, 0]
    assert total == pytest.approx(ledger.closings.forced, rel=1e-7, abs=QUANTUM)


def test_some_effects_are_answered_as_among_all():
    ledger = ledger_of(run(branching(1)))
    n = len(ledger.closings)
    everyone = suffered(ledger, np.arange(n), n, np.arange(n))
    assert (suffered(ledger, np.arange(n), n, np.array([3, 1])) == everyone[[3, 1]]).all()


def test_the_last_link_of_a_chain_harmed_nobody_and_the_first_one_all_onward():
    ledger = ledger_of(run(by_hand()))
    direct, onward = caused(ledger), caused(ledger, onward=True)
    assert direct[0] == onward[0] == pytest.approx(ledger.closings.forced[1], abs=1e-4)
    assert direct[1] == onward[1] == 0.0


def test_without_closings_there_is_nothing_to_add_up():
    ledger = ledger_of(run(by_hand(price={"kind": "flat"})))
    assert caused(ledger).shape == (0,)
    assert suffered(ledger, np.empty(0, np.intp), 2, np.empty(0, np.intp)).shape == (0, 2)
