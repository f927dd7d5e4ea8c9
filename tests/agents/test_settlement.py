"""Options, tokens and inverse contracts in accounts: brought in, margined, settled, liquidated, and nothing lost."""

from typing import Any

import numpy as np
import pytest

from agents.cast import StandardCast
from experiments.graph.contagion import contagion_graph, ledger_of
from experiments.run import run
from simulation.model import MarketModel
from simulation.scenario import Scenario
from tests.venues import book, equity, positions, rows, storm, venue

TIERS = [{"floor": 0.0, "maintenance_rate": 0.05, "initial_rate": 0.1}]
A = {"name": "A", "price": 100.0, "depth": 1e7, "tiers": TIERS}


def market(name: str, kind: str, **terms: Any) -> dict[str, Any]:
    return {"name": name, "depth": 1e7, "tiers": TIERS, "instrument": {"kind": kind, "underlying": "A", **terms}}


def option(name: str, strike: float, side: str = "call", days: float = 5 / 24) -> dict[str, Any]:
    return market(name, "option", strike=strike, side=side, expiry_days=days, settlement_minutes=0.0)


def listed(population: list[dict[str, Any]], *markets: dict[str, Any], **changes: Any) -> MarketModel:
    return venue(population, markets=[A, *markets], **changes)


def test_tokens_brought_in_are_collateral_and_not_cash() -> None:
    model = listed([book("x", {}, 50.0, collateral={"COIN": 1000.0})], market("COIN", "spot"))
    row = rows(model)[0]
    assert model.accounts.position[row].tolist() == [0.0, 10.0]
    assert model.accounts.cash[row, 0] == 50.0
    assert equity(model).tolist() == [1050.0]
    assert model.engine.health(rows(model)).maintenance[0, 0] == 50.0, "5 % of the token's value does not count"


def test_a_token_that_falls_liquidates_the_debt_it_carries() -> None:
    falls = storm(100.0, 80.0, 50.0, 50.0)
    model = listed([book("x", {}, 0.0, collateral={"COIN": 1000.0})], market("COIN", "spot"), price=falls)
    row = int(rows(model)[0])
    model.accounts.transfer((np.array([row]), 0), (np.array([0]), 0), np.array([700.0]), "withdrawal")
    model.exchange.watch.touch(np.array([row]))
    model.step()
    assert positions(model)[0, 1] == 10.0, "worth 800 against a debt of 700"
    model.step()
    assert positions(model)[0, 1] == 0.0
    assert model.exchange.waterfall.bankruptcies[0].deficit == pytest.approx(200.0)


def test_an_option_in_the_money_pays_its_holder_and_one_out_of_it_pays_nothing() -> None:
    rises = storm(100.0, 102.0, 104.0, 106.0, 108.0, 112.0, 112.0)
    units = {"CALL": 2.0, "PUT": 3.0}
    model = listed([book("x", units, 1000.0)], option("CALL", 100.0), option("PUT", 90.0, "put"), price=rises)
    paid = 1000.0 - model.accounts.cash[rows(model)[0], 0]
    assert paid > 0.0, "premiums are paid in cash"
    model.run()
    assert not positions(model).any()
    assert equity(model)[0] == pytest.approx(1000.0 - paid + 2.0 * 12.0, abs=1e-4)


def test_a_writer_who_cannot_pay_at_expiry_leaves_a_deficit_with_a_payer() -> None:
    jumps = storm(*[100.0] * 5, 200.0, 200.0)
    model = listed([book("x", {"CALL": -20.0}, 1000.0)], option("CALL", 100.0), price=jumps, insurance_fund=5000.0)
    premium = model.accounts.cash[rows(model)[0], 0] - 1000.0
    model.run()
    (case,) = model.exchange.waterfall.bankruptcies
    assert case.deficit == case.insurance == pytest.approx(20.0 * 100.0 - 1000.0 - premium, abs=1e-3)
    assert equity(model).tolist() == [0.0]


def test_a_short_option_needs_margin_on_its_underlying_and_a_long_one_lends_none() -> None:
    short = listed([book("x", {"CALL": -1.0}, 1000.0)], option("CALL", 100.0, days=30.0))
    assert short.engine.health(rows(short)).maintenance[0, 0] == pytest.approx(0.05 * 100.0)
    long = listed([book("x", {"CALL": 1.0}, 1000.0)], option("CALL", 100.0, days=30.0))
    health = long.engine.health(rows(long))
    assert health.equity[0, 0] - health.maintenance[0, 0] == pytest.approx(long.accounts.cash[rows(long)[0], 0])


def test_an_inverse_contract_needs_the_same_margin_at_every_price_and_pays_in_coin() -> None:
    moves = storm(100.0, 150.0, 150.0)
    markets = (market("COIN", "spot"), market("INV", "inverse_perpetual"))
    trader = {"kind": "fundamental", "count": 1}
    model = listed([book("x", {"INV": 10.0}, 500.0), trader], *markets, price=moves)
    assert model.engine.health(rows(model)).maintenance[0, 0] == 50.0
    model.market.advance()
    assert model.engine.health(rows(model)).maintenance[0, 0] == 50.0, "of the face of 1,000 dollars"
    row = rows(model)
    model.exchange.clearing.execute(row, np.array([[0.0, 0.0, -10.0]]), model.market.mark_price)
    coins = 1000.0 * (1 / 100.0 - 1 / 150.0)
    lot = model.accounts.lot[1]
    assert model.accounts.position[row[0]].tolist() == [0.0, np.floor(coins / lot) * lot, 0.0]
    assert equity(model)[0] == pytest.approx(500.0 + 10.0 * 50.0)
    model.accounts.check()


def test_traders_of_perpetuals_neither_sell_their_collateral_nor_write_options() -> None:
    groups = [
        {"kind": kind, "count": 20, "deposit": 1000.0, "collateral": {"COIN": 500.0}}
        for kind in ("momentum", "noise", "holder", "fundamental", "market_maker")
    ]
    markets = (market("COIN", "spot"), option("CALL", 100.0, days=1.0))
    moves = storm(*(100.0 * (1.0 + 0.01 * np.sin(np.arange(12)))))
    model = listed(groups, *markets, price=moves, mark={"kind": "mid"})
    before = model.accounts.position[model.traders, 1].copy()
    while model.market.step < 4:
        model.step()
    np.testing.assert_array_equal(model.accounts.position[model.traders, 1], before)
    assert not model.accounts.position[model.traders, 2].any()
    assert model.accounts.position[model.traders, 0].any()


def test_a_dislocated_book_moves_the_mark_and_not_the_index() -> None:
    shift = [{"market": "A", "start_step": 1, "end_step": 3, "factor": 0.65}]
    model = venue([book("x", {"A": 1.0}, 50.0)], dislocations=shift)
    marks = []
    for _ in range(3):
        model.step()
        marks.append((model.market.index_price[0], model.market.oracle_price[0], model.market.mark_price[0]))
    assert marks == [(100.0, 100.0, 65.0), (100.0, 100.0, 65.0), (100.0, 100.0, 100.0)]


# Causes -----------------------------------------------------------------------------------------------------------


def crowded() -> Scenario:
    """Holders, writers of options and momentum traders in a market that liquidations move."""
    return Scenario.from_dict(
        {
            "steps": 150,
            "step_seconds": 3600,
            "markets": [
                {"name": "A", "price": 100.0, "volatility": 0.9, "depth": 1e6},
                {**market("COIN", "spot"), "depth": 1e6},
                {**market("FUT", "future", expiry_days=4.0), "depth": 1e6},
                {**option("CALL", 105.0, days=5.0), "depth": 1e5},
                {**option("PUT", 95.0, "put", days=7.0), "depth": 1e5},
            ],
            "price": {"kind": "gbm"},
            "population": [
                {"kind": "holder", "name": "h", "count": 120, "deposit": 1000, "collateral": {"COIN": 500.0}}
                | {"leverage": 8, "markets_held": 2, "long_share": 0.7},
                {"kind": "book", "name": "w", "count": 15, "deposit": 3000}
                | {"units": {"CALL": -100, "PUT": -100, "A": 20}},
                {"kind": "momentum", "name": "m", "count": 40, "deposit": 1000, "leverage": 4},
            ],
        }
    )


def test_losses_of_options_are_traced_through_their_underlying_to_the_last_quantum() -> None:
    result = run(crowded())
    events = result.events
    assert set(events.loc[events["underlying"] != "", "market"]) >= {"CALL", "FUT"}
    parts = events["exogenous"] + events["flow"] + events["forced"] + events["mark_gap"]
    assert (parts == events["loss"]).all()
    ledger = ledger_of(result)
    closings, sellers = ledger.closings, np.flatnonzero(ledger.closings.push >= 0)
    owed = [ledger.shares(np.full(len(sellers), i), sellers).sum() for i in range(len(closings))]
    np.testing.assert_allclose(owed, closings.forced, atol=1e-3)
    graph = contagion_graph(result)
    into: dict[str, float] = {}
    for _, effect, edge in graph.edges(data=True):
        into[effect] = into.get(effect, 0.0) + edge["share"] * (edge["kind"] == "loss")
    closed = {name: node for name, node in graph.nodes(data=True) if node["kind"] == "closing" and name in into}
    assert closed
    assert all(node["forced"] == into[name] for name, node in closed.items())


def test_without_impact_the_underlying_passes_nothing_on() -> None:
    calm = run(crowded().with_(impact={"kind": "none"}, step_seconds=28800.0))
    assert len(calm.events)
    assert not calm.events["forced"].any()
    assert not calm.events["flow"].any()


def test_the_journal_rebuilds_every_balance_with_tokens_options_and_expiry() -> None:
    model = MarketModel(crowded(), StandardCast(), journal=True)
    model.run()
    cash, position = model.accounts.fold()
    np.testing.assert_array_equal(cash, model.accounts.cash)
    np.testing.assert_array_equal(position, model.accounts.position)
