"""The tables of a run against the arrays they come from, and against each other."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agents.cast import StandardCast
from experiments.record import frames
from experiments.record.observed import Observed
from experiments.run import run
from simulation.accounts import SYSTEM_ROWS
from simulation.causes import TAKERS
from tests.experiments.storms import TIER, branching, by_hand, holder_of, one_market

GAP = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.2}]}
FLOATS = st.floats(-1e6, 1e6)


@pytest.fixture(scope="module")
def model():
    keeper = [{"name": "keeper", "capital": 1e5, "count": 2}]
    built = Observed(branching(4, price=GAP, liquidators=keeper, deleveraging={"kind": "queue"}), StandardCast())
    built.run()
    return built


def test_every_account_has_a_name_of_its_own_a_group_and_a_kind(model):
    names, groups, kinds = frames.account_names(model)
    assert len(names) == len(groups) == len(kinds) == len(model.accounts)
    assert len(set(names)) == len(names)
    assert names[:SYSTEM_ROWS] == list(frames.SYSTEM)
    assert set(kinds) == {"system", "liquidator", "book"}
    assert [name for name, kind in zip(names, kinds, strict=True) if kind == "liquidator"] == ["keeper[0]", "keeper[1]"]
    assert names[model.groups[0].rows[0]] == f"{model.groups[0].name}[0]"


def test_the_account_table_repeats_the_arrays(model):
    table = frames.account_frame(model)
    assert table["row"].tolist() == list(range(len(model.accounts)))
    assert np.array_equal(table["position_X"].to_numpy(), model.accounts.position[:, 0])
    assert np.array_equal(table["equity"].to_numpy(), model.equity)
    marked = np.abs(model.accounts.position[:, 0]) * model.market.mark_price[0]
    assert np.allclose(table["notional"].to_numpy(), marked)
    traders = table[table["kind"] == "book"]
    assert (traders["deposited"] > 0.0).all()
    assert table.loc[table["kind"] != "book", "deposited"].eq(0.0).all()


def test_positions_and_cash_of_all_accounts_add_up_to_nothing_created(model):
    table = frames.account_frame(model)
    assert table["position_X"].sum() == 0.0


def test_the_event_table_repeats_the_log_with_names_for_numbers(model):
    table, events = frames.event_frame(model), model.exchange.desk.log.events
    assert len(table) == len(events.step) > 0
    assert table["market"].unique().tolist() == ["X"]
    assert table["taker"].tolist() == [TAKERS[int(taker)] for taker in events.taker]
    for key in ("step", "round", "row", "pool", "quantity", "fill", "loss", "forced", "equity", "maintenance"):
        assert np.array_equal(table[key].to_numpy(float), getattr(events, key).astype(float))
    assert np.array_equal(table["notional"].to_numpy(), np.abs(events.quantity * events.mark_before))


def test_selling_closes_a_long_and_buying_a_short(model):
    table = frames.event_frame(model)
    assert ((table["quantity"] < 0.0) == (table["side"] == "long")).all()


def test_losses_in_the_event_table_are_the_sum_of_their_parts_exactly(model):
    table = frames.event_frame(model)
    assert (table["exogenous"] + table["flow"] + table["forced"] + table["mark_gap"] == table["loss"]).all()


def test_pools_seized_were_under_maintenance(model):
    table = frames.event_frame(model)
    seized = table[table["taker"] != "adl"]
    assert (seized["equity"] < seized["maintenance"]).all()


def test_the_price_table_is_the_history_row_by_row(model):
    table = frames.price_frame(model)
    assert list(table.columns) == ["step", "market", "index", "oracle", "mark", "fill"]
    for name, prices in model.market.history.items():
        assert np.array_equal(table[name].to_numpy().reshape(prices.shape), prices)
    assert len(table) == (model.rules.steps + 1) * len(model.market.names)


def test_the_push_table_holds_what_was_sold_to_the_book(model):
    table = frames.push_frame(model)
    events = model.exchange.desk.log.events
    book = events.taker == TAKERS.index("book")
    sold = np.bincount(events.push[book].astype(np.intp), events.quantity[book], len(model.market.pushes))
    assert np.allclose(table["volume"].to_numpy(), sold)


def test_the_bankruptcy_table_is_the_list_of_cases(model):
    table, cases = frames.bankruptcy_frame(model), model.exchange.waterfall.bankruptcies
    assert len(table) == len(cases) > 0
    assert table["deficit"].tolist() == [case.deficit for case in cases]
    assert (table["insurance"] + table["adl"] + table["socialised"] + table["unpaid"] == table["deficit"]).all()


def test_the_series_are_the_events_and_cases_by_step(model):
    events, cases = frames.event_frame(model), frames.bankruptcy_frame(model)
    series = frames.series_frame(model, events, cases).set_index("step")
    for step in series.index:
        of_step = events[events["step"] == step]
        assert series["liquidated_notional"][step] == pytest.approx(of_step["notional"].sum())
        adl = of_step.loc[of_step["taker"] == "adl", "notional"]
        assert series["adl_notional"][step] == pytest.approx(adl.sum())
        pools = of_step[["round", "row", "pool"]].drop_duplicates()
        assert series["liquidated_pools"][step] == len(pools)
        assert series["rounds"][step] == (of_step["round"].max() + 1 if len(of_step) else 0)
        assert series["deficit"][step] == pytest.approx(cases.loc[cases["step"] == step, "deficit"].sum())


def test_the_series_end_at_the_fund_and_the_open_interest_of_the_model(model):
    series = frames.series_frame(model, frames.event_frame(model), frames.bankruptcy_frame(model))
    assert series["fund"].iloc[-1] == model.exchange.waterfall.fund
    assert series["open_interest"].iloc[0] == model.opening.open_interest
    at_the_end = float((model.accounts.open_interest * model.market.mark_price).sum())
    assert series["open_interest"].iloc[-1] == pytest.approx(at_the_end)


def test_a_run_in_which_nothing_happens_has_empty_tables_with_all_their_columns():
    calm, wild = (Observed(by_hand(price=price), StandardCast()) for price in ({"kind": "flat"}, GAP))
    for built in (calm, wild):
        built.run()
    for frame in (frames.event_frame, frames.push_frame, frames.bankruptcy_frame):
        empty, full = frame(calm), frame(wild)
        assert len(empty) == 0 < len(full)
        assert list(empty.columns) == list(full.columns)
        assert empty.dtypes.equals(full.dtypes)
    series = frames.series_frame(calm, frames.event_frame(calm), frames.bankruptcy_frame(calm))
    assert series["liquidated_notional"].eq(0.0).all()


def test_without_the_sale_of_another_the_pool_would_still_have_its_money():
    # A sells 4 units, which moves the price from 96.50 to 94.50; B, long 2, loses 4 dollars by that alone.
    built = Observed(by_hand(), StandardCast())
    built.run()
    table = frames.event_frame(built)
    first, second = table.iloc[0], table.iloc[1]
    assert first["unforced_equity"] == pytest.approx(first["equity"])
    assert second["unforced_equity"] - second["equity"] == pytest.approx(4.0, abs=1e-3)
    assert second["unforced_maintenance"] == pytest.approx(2 * 96.5 * 0.05, abs=1e-3)


def test_a_pool_closed_in_several_markets_and_rounds_gets_a_number_per_round():
    events = pd.DataFrame({"step": [1, 1, 1, 1], "round": [0, 0, 0, 1], "row": [9, 9, 4, 9], "pool": [0, 0, 0, 0]})
    assert frames.pools_of(events).tolist() == [0, 0, 1, 2]
    assert len(frames.pools_of(events.iloc[:0])) == 0


@given(arrays(float, 6, elements=FLOATS), arrays(float, 6, elements=FLOATS))
def test_what_the_gap_hides_is_opposite_to_it_and_never_more_than_there_is(displaced, gap):
    hidden = frames.hidden(displaced, gap)
    assert (np.abs(hidden) <= np.abs(displaced)).all()
    assert (np.abs(hidden) <= np.abs(gap)).all()
    assert (hidden * gap <= 0.0).all()
    assert (hidden * displaced >= 0.0).all()
    opposed = displaced * gap < 0.0
    assert np.array_equal(np.abs(hidden[opposed]), np.minimum(np.abs(displaced), np.abs(gap))[opposed])


def test_a_short_is_hurt_by_a_rise_and_named_so():
    short = {"kind": "book", "name": "S", "count": 1, "units": {"X": -1.0}, "deposit": 30.0}
    rise = {"kind": "scripted", "shocks": [{"step": 1, "size": 0.35}]}
    built = Observed(one_market([short, holder_of(1.0, 10.0, "rich")], price=rise), StandardCast())
    built.run()
    (event,) = frames.event_frame(built).to_dict("records")
    assert (event["side"], event["quantity"], event["account"]) == ("short", 1.0, "S[0]")
    assert event["loss"] == pytest.approx(35.0, abs=1e-3)
    assert event["exogenous"] == pytest.approx(35.0, abs=1e-3)


def test_what_the_mark_hides_of_a_sale_carries_nobody():
    """The mark follows the oracle: A's sale moves the book to 94.50, but D falls by the index, 95 against 95.50."""
    shocks = [{"step": 1, "size": -0.035}, {"step": 2, "size": 95.0 / 96.5 - 1.0}]
    people = [holder_of(4.0, 97.0, "A"), holder_of(1.0, 95.5, "D")]
    found = run(one_market(people, price={"kind": "scripted", "shocks": shocks}, mark={"kind": "oracle"})).events
    late = found.set_index("account").loc["D[0]"]
    assert late["unforced_equity"] == pytest.approx(late["equity"], abs=1e-6)
    assert late["unforced_equity"] < late["unforced_maintenance"]


def test_without_the_sales_of_others_a_pool_has_the_money_of_all_its_markets_back():
    """A sells 4 X and B 4 Y: both fall from 96.50 to 94.50. D, one of each, is asked what it had without either."""
    two = [{"name": name, "price": 100.0, "tiers": [TIER]} for name in "XY"]
    people = [holder_of(4.0, 97.0, "A"), {**holder_of(4.0, 97.0, "B"), "units": {"Y": 4.0}}]
    people.append({"kind": "book", "name": "D", "count": 1, "units": {"X": 1.0, "Y": 1.0}, "deposit": 18.0})
    found = run(one_market(people, markets=two)).events
    late = found[found["account"] == "D[0]"]
    assert len(late) == 2 and late["round"].tolist() == [1, 1]
    assert late["equity"].tolist() == pytest.approx([18.0 - 2 * 5.5] * 2, abs=1e-4)
    assert late["unforced_equity"].tolist() == pytest.approx([18.0 - 2 * 3.5] * 2, abs=1e-4)
    assert late["unforced_maintenance"].tolist() == pytest.approx([0.05 * 2 * 96.5] * 2, abs=1e-6)
