"""Losses of forced trades: by hand, against the account's own lines, and exact under every grouping."""

import math

import numpy as np
import pandas as pd
import pytest

from experiments.causes.attribution import split_losses
from experiments.causes.explain import explain
from experiments.causes.folder import aggregates
from experiments.causes.forced_trades import KEYS, PARTS, by_round, forced_trades, totals_by
from experiments.scenarios import load
from simulation.accounts import QUANTUM
from tests.experiments.causes.test_attribution import traced
from tests.experiments.storms import by_hand, holder_of, one_market


def table_of(scenario):
    model = traced(scenario)
    split = split_losses(model)
    return forced_trades(model, split), split


@pytest.fixture(scope="module")
def venue():
    return table_of(load("venue", ["steps=125"]))


def test_the_chain_by_hand() -> None:
    table = table_of(by_hand())[0].set_index("account")
    first, second = table.loc["A[0]"], table.loc["B[0]"]
    assert first[list(PARTS)].to_dict() == {
        **dict.fromkeys(PARTS, 0.0),
        "exogenous": pytest.approx(4 * 3.5, abs=QUANTUM),
        "fill": pytest.approx(4 * 1.0, abs=1e-3),
        "penalty": pytest.approx(0.005 * 4 * 94.5, abs=1e-3),
    }
    weight = 2 * 5.5 / math.log(100.0 / 94.5)  # two units from 100 to 94.50
    assert second["exogenous"] == pytest.approx(weight * math.log(100.0 / 96.5), abs=1e-3)
    assert second["forced"] == pytest.approx(weight * math.log(96.5 / 94.5), abs=1e-3)
    assert by_round(table)["loss"].tolist() == [first["loss"], second["loss"]]
    assert by_round(table).index.tolist() == [(1, 0), (1, 1)]


def test_funding_since_the_position_changed_is_charged_by_the_fraction_closed() -> None:
    # 2 units at 100 pay 0.05 %, the end of the dead band, in step 2; the fall comes in step 3, where a part is closed
    dear = {"kind": "premium", "interval_steps": 2, "interest_rate": 0.01, "cap_rate": 0.1}
    fall = {"kind": "scripted", "shocks": [{"step": 3, "size": -0.05}]}
    scenario = one_market([holder_of(2.0, 97.0, "A")], funding=dear, price=fall, steps=3)
    closes = {"full": 1.0, "fraction": 0.4}
    for kind, closed in closes.items():
        rule = {"kind": kind} if kind == "full" else {"kind": kind, "share": closed, "minimum_notional": 0.0}
        table, split = table_of(scenario.with_(liquidation=rule))
        paid = split.accounts.set_index("account").loc["A[0]", "funding"]
        assert paid == pytest.approx(2 * 100.0 * 0.0005, abs=2 * QUANTUM)
        assert table["funding"].iloc[0] == pytest.approx(closed * paid, abs=QUANTUM)


def test_a_venue_pays_fills_and_penalties_once(venue) -> None:
    table, split = venue
    accounts = split.accounts.iloc[table["row"].unique()]
    assert len(table) > 20
    assert table["penalty"].sum() == accounts["penalty"].sum()
    near = 2 * QUANTUM * len(table)
    assert table["fill"].sum() == pytest.approx(accounts[["liquidation", "adl"]].sum(axis=None), abs=near)
    assert table["funding"].any()


@pytest.mark.parametrize("keys", [(key,) for key in KEYS] + [("kind", "market"), ("step", "round")])
def test_every_grouping_adds_up_exactly(venue, keys) -> None:
    table = venue[0]
    found = totals_by(table, *keys)
    for part in (*PARTS, "loss"):
        assert found[part].sum() == table[part].sum()
    assert (found[list(PARTS)].sum(axis=1) == found["loss"]).all()


def test_where_nothing_was_closed_there_is_nothing_to_share() -> None:
    table, _ = table_of(one_market([holder_of(1.0, 50.0, "A")]))
    assert len(table) == 0
    assert list(table.columns[-9:]) == [*PARTS, "loss"]
    assert len(by_round(table)) == 0


def test_an_explanation_carries_the_sums_of_the_whole_run() -> None:
    told = explain(by_hand(), "B[0]", causes=())
    tables = aggregates(told)
    people = told.split.accounts[told.split.accounts["kind"] == "book"]
    for name in ("by_market", "by_trader_type"):
        assert tables[name]["loss"].sum() == people["loss"].sum()
    assert tables["by_round"]["loss"].sum() == told.trades["loss"].sum()
    assert isinstance(tables["forced_losses"], pd.DataFrame)
    assert np.isfinite(tables["by_round"].to_numpy(float)).all()
