"""What a run leaves behind: plain tables that agree with each other, travel, and are the same every time."""

import gc
import importlib
import pickle
import weakref

import mesa
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from experiments.parallel import run_jobs
from experiments.record.observed import Observed
from experiments.run import run
from simulation.errors import ScenarioError
from tests.experiments.storms import by_hand, holder_of, one_market, run_or_skip, storms

TABLES = ("prices", "events", "bankruptcies", "accounts", "series", "pushes")


def test_the_same_scenario_gives_the_same_fingerprint_and_another_seed_another():
    noisy = by_hand(price={"kind": "gbm", "correlation": 0.0})
    first, again, other = run(noisy), run(noisy), run(noisy.with_(seed=2))
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint
    assert first.digest != other.digest


def test_the_digest_names_the_storm_and_not_the_rules():
    storm = by_hand(price={"kind": "gbm", "correlation": 0.0})
    digests = {run(storm.with_(margin={"kind": kind})).digest for kind in ("isolated", "cross", "portfolio")}
    digests.add(run(storm.with_(impact={"kind": "none"}, insurance_fund=1e6)).digest)
    assert len(digests) == 1


def test_a_change_of_the_rules_changes_the_fingerprint():
    assert run(by_hand()).fingerprint != run(by_hand(impact={"kind": "none"})).fingerprint


def test_a_run_survives_pickling():
    whole = run(by_hand(), journal=True)
    copy = pickle.loads(pickle.dumps(whole))
    assert copy.scenario == whole.scenario
    assert copy.metrics == pytest.approx(whole.metrics, nan_ok=True)
    for name in (*TABLES, "journal"):
        pd.testing.assert_frame_equal(getattr(copy, name), getattr(whole, name))


def test_runs_in_other_processes_give_the_same_bytes():
    scenarios = [by_hand(), by_hand(margin={"kind": "isolated"})]
    here = [run(scenario).fingerprint for scenario in scenarios]
    assert [result.fingerprint for result in run_jobs(run, scenarios, workers=2)] == here


def test_the_journal_does_not_change_the_results():
    plain, kept = run(by_hand()), run(by_hand(), journal=True)
    assert plain.journal is None
    assert plain.fingerprint == kept.fingerprint


def test_the_journal_moves_nothing_out_of_nowhere_and_ends_at_the_accounts():
    kept = run(by_hand(), journal=True)
    assert kept.journal["cash"].sum() == 0.0
    assert (kept.journal.groupby("market")["quantity"].sum() == 0.0).all()
    held = kept.journal[kept.journal["market"] == "X"].groupby("row")["quantity"].sum()
    expected = kept.accounts.set_index("row")["position_X"]
    assert (held.reindex(expected.index, fill_value=0.0) == expected).all()


def test_progress_is_told_after_every_step():
    told: list[tuple[int, int]] = []
    run(by_hand(), progress=lambda step, steps: told.append((step, steps)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_metric_of_the_users_own_becomes_a_column():
    def trades_of_the_book(model: Observed) -> float:
        return float(len(model.market.pushes))

    found = run(by_hand(), metrics=[trades_of_the_book])
    assert found.metrics["trades_of_the_book"] == 2.0


def test_an_unknown_trader_is_refused_before_anything_runs():
    wrong = one_market([{"kind": "boook", "name": "A", "count": 1}])
    with pytest.raises(ScenarioError, match=r"population\[0\].kind"):
        run(wrong)


def test_a_finished_model_is_forgotten(monkeypatch):
    born: list[weakref.ref] = []

    class Tracked(Observed):
        def __init__(self, *arguments):
            born.append(weakref.ref(self))
            super().__init__(*arguments)

    monkeypatch.setattr(importlib.import_module("experiments.run"), "Observed", Tracked)
    run(by_hand())
    gc.collect()
    assert born[0]() is None
    assert not any(isinstance(model, Tracked) for model in getattr(mesa.Agent, "_ids", {}))


def test_accounts_are_named_by_group_and_member():
    accounts = run(by_hand(liquidators=[{"count": 2, "capital": 1e3}])).accounts
    assert accounts["account"].tolist()[:4] == ["outside", "insurance", "treasury", "backstop"]
    assert accounts["account"].tolist()[4:] == ["keeper[0]", "keeper[1]", "A[0]", "B[0]", "C[0]"]
    assert accounts["kind"].tolist()[4:] == ["liquidator"] * 2 + ["book"] * 3
    assert accounts["deposited"].tolist()[6:] == pytest.approx([31.4, 18.55, 14.5])


def test_names_stay_with_their_rows_whatever_the_order_of_the_population():
    population = [holder_of(1.0, 50.0, "Z"), {**holder_of(2.0, 97.0, "A"), "count": 2}]
    forwards, backwards = run(one_market(population)), run(one_market(population[::-1]))
    for result in (forwards, backwards):
        paid = dict(zip(result.accounts["account"], result.accounts["deposited"], strict=True))
        assert paid["Z[0]"] == pytest.approx(52.5)
        assert paid["A[0]"] == paid["A[1]"] == pytest.approx(15.7)
        assert result.events["account"].tolist() == ["A[0]", "A[1]"]
    assert forwards.fingerprint == backwards.fingerprint


def test_events_say_who_what_when_and_at_what_price():
    first, second = run(by_hand()).events.to_dict("records")
    assert (first["step"], first["round"], first["account"], first["market"]) == (1, 0, "A[0]", "X")
    assert (second["step"], second["round"], second["account"], second["side"]) == (1, 1, "B[0]", "long")
    assert first["quantity"] == -4.0
    assert [first["mark_before"], first["fill"], first["mark_after"]] == pytest.approx([96.5, 95.5, 94.5])
    assert [first["notional"], second["notional"]] == pytest.approx([4 * 96.5, 2 * 94.5])
    assert first["taker"] == second["taker"] == "book"


def test_without_the_other_sale_the_second_pool_would_have_lived():
    first, second = run(by_hand()).events.to_dict("records")
    assert first["unforced_equity"] < first["unforced_maintenance"]
    assert second["unforced_equity"] == pytest.approx(18.55 - 2 * 3.5)
    assert second["unforced_maintenance"] == pytest.approx(0.05 * 2 * 96.5)


@settings(max_examples=15)
@given(storms())
def test_the_tables_of_a_run_agree_with_each_other(scenario):
    result = run_or_skip(scenario)
    series, events, metrics = result.series, result.events, result.metrics
    assert len(result.prices) == (scenario.steps + 1) * len(scenario.names)
    assert np.isfinite(result.prices[["index", "oracle", "mark", "fill"]].to_numpy()).all()
    assert series["step"].tolist() == list(range(scenario.steps + 1))
    assert series["liquidated_notional"].sum() == pytest.approx(events["notional"].sum())
    assert series["deficit"].sum() == pytest.approx(metrics["bad_debt"])
    assert series["fund"].iloc[-1] == metrics["end_fund"]
    assert result.accounts["equity"].sum() == pytest.approx(0.0, abs=1e-3)
    payers = result.bankruptcies[["insurance", "adl", "socialised", "unpaid"]].sum(axis=1)
    assert (payers == result.bankruptcies["deficit"]).all()
    assert (events[["exogenous", "flow", "forced", "mark_gap"]].sum(axis=1) == events["loss"]).all()


@settings(max_examples=15)
@given(storms())
def test_what_pushed_the_price_is_what_was_sold(scenario):
    result = run_or_skip(scenario)
    sold = result.events[result.events["taker"] == "book"].groupby(["push", "market"])["quantity"].sum()
    pushed = result.pushes.set_index(["push", "market"])["volume"]
    assert (sold.reindex(pushed.index, fill_value=0.0) == pushed).all()
