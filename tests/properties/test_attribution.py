"""Shares sum to the loss exactly in random scenarios of all rules; no shock, no event; no impact, no debt."""

import os
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, note, settings

from experiments.causes.attribution import CAUSES, split_losses
from experiments.causes.culprits import closings_in, culprits
from experiments.causes.forced_trades import PARTS, by_round, forced_trades
from experiments.causes.trace import Traced
from simulation.accounts import QUANTUM
from simulation.errors import CapacityError
from simulation.scenario import Scenario
from tests.properties.scenarios import scenarios

SCENARIOS = int(os.environ.get("CROSSMARGIN_ATTRIBUTIONS", "50"))
RANDOM = settings(max_examples=SCENARIOS, deadline=None, suppress_health_check=list(HealthCheck))


def finished(table: dict[str, Any]) -> Traced | None:
    note(repr(table))
    model = Traced(Scenario.from_dict(table))
    try:
        model.run()
    except CapacityError:
        return None
    return model


@RANDOM
@given(scenarios())
def test_shares_sum_to_the_loss_in_random_scenarios_of_all_rules(table: dict[str, Any]) -> None:
    model = finished(table)
    if model is None:
        return
    split, closings = split_losses(model), closings_in(model)
    accounts = split.accounts
    causes = accounts[list(CAUSES)]
    assert (causes.sum(axis=1) == accounts["loss"]).all()
    assert (causes / QUANTUM == np.rint(causes / QUANTUM)).all(axis=None)
    assert not accounts["other"].any()
    for row in np.unique(closings.row)[:3].tolist():
        owed = culprits(model, split, closings, row)
        assert owed["dollars"].sum() == (accounts["forced"] + accounts["margin_rule"]).iloc[row]
    trades = forced_trades(model, split)
    assert (trades[list(PARTS)].sum(axis=1) == trades["loss"]).all()
    assert (trades[list(PARTS)] / QUANTUM == np.rint(trades[list(PARTS)] / QUANTUM)).all(axis=None)
    assert by_round(trades)["loss"].sum() == trades["loss"].sum()


@settings(RANDOM, max_examples=max(SCENARIOS // 5, 5))
@given(scenarios())
def test_without_impact_nobody_owes_anything_in_random_scenarios(table: dict[str, Any]) -> None:
    model = finished({**table, "impact": {"kind": "none"}})
    if model is None:
        return
    split, closings = split_losses(model), closings_in(model)
    assert not split.accounts[["forced", "margin_rule"]].any(axis=None)
    for row in np.unique(closings.row)[:3].tolist():
        assert not len(culprits(model, split, closings, row))
