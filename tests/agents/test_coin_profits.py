"""Profit of inverse contracts in their coin: q (fill - entry) dollars are face (1 / entry - 1 / fill) coins."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from simulation.instrument.inverse_perpetual import InversePerpetual
from simulation.model import MarketModel
from tests.simulation.markets import units
from tests.venues import TIERS, book, equity, positions, rows, storm, venue

MARKET = {"name": "A", "price": 100.0, "depth": 1e7, "tiers": TIERS}
COIN = {**MARKET, "name": "COIN", "instrument": {"kind": "spot", "underlying": "A"}}
INVERSE = {**MARKET, "name": "INV", "instrument": {"kind": "inverse_perpetual", "underlying": "A"}}


def holding(inverse: float, coins: float = 0.0, coin_lot: float = 2.0**-14, **more: Any) -> MarketModel:
    """One account with 1,000 dollars, `coins` and `inverse` contracts, both from 100."""
    people = [book("one", {"INV": inverse, "COIN": coins}, 1000.0)]
    return venue(people, markets=[MARKET, {**COIN, "lot": coin_lot}, INVERSE], **more)


def trade(model: MarketModel, inverse: float, fill: float) -> float:
    """The coins that trading so many contracts at `fill` brings or costs."""
    before = positions(model)[0, 1]
    model.exchange.clearing.execute(rows(model), np.array([[0.0, 0.0, inverse]]), units(90.0, 110.0, fill))
    model.accounts.check()
    return float(positions(model)[0, 1] - before)


@pytest.mark.parametrize(
    ("held", "order", "fill", "coins"),
    [
        (10.0, -4.0, 125.0, 0.8),  # 4 x 25 dollars
        (10.0, -10.0, 125.0, 2.0),
        (10.0, -16.0, 125.0, 2.0),  # turned round: only ten are closed
        (10.0, 5.0, 125.0, 0.0),  # grown: nothing is realised
        (0.0, 5.0, 125.0, 0.0),
        (-10.0, 10.0, 80.0, 2.5),  # a short that won 200 dollars
        (-10.0, 20.0, 80.0, 2.5),
        (-10.0, -5.0, 80.0, 0.0),
        (10.0, -10.0, 80.0, -2.5),  # a long that lost as much
        (-10.0, 5.0, 125.0, -1.0),
    ],
)
def test_what_is_closed_pays_its_profit_in_coins_at_the_price_of_the_fill(
    held: float, order: float, fill: float, coins: float
) -> None:
    model = holding(held, coins=4.0)
    assert trade(model, order, fill) == pytest.approx(coins, abs=2.0**-14)
    assert positions(model)[0, 2] == held + order


@pytest.mark.parametrize(("held", "fill"), [(10.0, 125.0), (10.0, 80.0), (-8.0, 160.0), (-8.0, 64.0)])
def test_the_coins_are_those_of_the_contract_specification(held: float, fill: float) -> None:
    """Face 100 dollars times the contracts: the standard formula, with another sign for shorts."""
    paid = InversePerpetual.profit_in_coin(*(units(x) for x in (100.0 * held, 100.0, fill)))[0]
    assert trade(holding(held, coins=50.0), -held, fill) == pytest.approx(paid, abs=2.0**-14)


@pytest.mark.parametrize("fill", [80.0, 99.5, 103.0, 125.0])
def test_coins_are_bought_for_the_profit_so_that_wealth_is_what_it_was(fill: float) -> None:
    """After the fill everything is worth the same as just before, coins counted at the fill."""
    model = holding(10.0, coins=4.0)
    trade(model, -10.0, fill)
    coins, cash = positions(model)[0, 1], model.accounts.cash[rows(model)[0], 0]
    assert cash + coins * fill == pytest.approx(1000.0 - 400.0 + 4.0 * fill + 10.0 * (fill - 100.0), abs=1e-4)


def test_a_loss_takes_coins_only_as_far_as_they_reach_and_the_rest_from_cash() -> None:
    """200 dollars are lost, a coin at 80 is there: 120 dollars are left to cash."""
    model = holding(10.0, coins=1.0)
    cash = model.accounts.cash[rows(model)[0], 0]
    assert trade(model, -10.0, 80.0) == -1.0
    assert positions(model)[0].tolist() == [0.0, 0.0, 0.0]
    assert model.accounts.cash[rows(model)[0], 0] - cash == 10.0 * 80.0 + 80.0  # both were sold
    assert equity(model).tolist() == [1000.0 - 100.0 + 80.0 - 200.0]


def test_who_owes_coins_neither_owes_more_of_them_nor_fewer_by_a_loss() -> None:
    model = holding(10.0, coins=-1.0)
    trade(model, -10.0, 80.0)
    assert positions(model)[0].tolist() == [0.0, -1.0, 0.0]


def test_who_owes_coins_pays_them_back_out_of_a_profit() -> None:
    assert trade(holding(10.0, coins=-1.0), -10.0, 125.0) == 2.0


@pytest.mark.parametrize("fill", [80.3, 90.7, 101.1, 117.9, 133.3])
def test_coins_come_and_go_in_whole_lots_of_the_coin_and_never_more_than_the_profit(fill: float) -> None:
    """Lots of an eighth, in exact arithmetic: the next lot would be worth more than what was made or lost."""
    model, eighth = holding(10.0, coins=8.0, coin_lot=0.125), Fraction(1, 8)
    moved = Fraction(trade(model, -10.0, fill))
    profit = 10 * (Fraction(fill) - 100)
    assert moved % eighth == 0
    assert abs(moved) * Fraction(fill) <= abs(profit) < (abs(moved) + eighth) * Fraction(fill)
    assert moved * profit >= 0


def test_a_profit_of_less_than_a_lot_stays_in_dollars_and_leaves_the_coins_as_they_were() -> None:
    for fill, cash in ((101.0, 10.0), (99.0, -10.0)):
        model = holding(10.0, coins=2.0, coin_lot=1.0)
        dated = model.accounts.reference[rows(model)[0], 1]
        model.market.advance()
        before = model.accounts.cash[rows(model)[0], 0]
        assert trade(model, -10.0, fill) == 0.0
        assert model.accounts.cash[rows(model)[0], 0] - before == 1000.0 + cash
        assert model.accounts.reference[rows(model)[0], 1] == dated


def test_coins_that_moved_are_dated_like_any_trade_and_those_of_others_are_not() -> None:
    people = [book(name, {"INV": 10.0}, 1000.0) for name in ("sells", "grows")]
    model = venue(people, markets=[MARKET, COIN, INVERSE], price=storm(100.0, 125.0))
    both = np.concatenate([rows(model, 0), rows(model, 1)])
    before = model.accounts.reference[both, 1].copy()
    model.market.advance()
    model.exchange.clearing.execute(both, np.array([[0.0, 0.0, -10.0], [0.0, 0.0, 1.0]]), model.market.mark_price)
    assert positions(model, 0)[0, 1] == 2.0
    assert positions(model, 1)[0, 1] == 0.0
    assert model.accounts.reference[both, 1].tolist() == [model.market.moments.last, before[1]]


def test_without_a_token_of_the_coin_the_profit_is_paid_in_dollars() -> None:
    model = venue([book("one", {"INV": 10.0}, 1000.0)], markets=[MARKET, INVERSE])
    model.exchange.clearing.execute(rows(model), np.array([[0.0, -10.0]]), units(100.0, 125.0))
    assert model.accounts.cash[rows(model)[0], 0] == 1250.0


def test_the_coins_of_another_asset_are_not_touched() -> None:
    other = {**MARKET, "name": "B"}
    token = {**COIN, "name": "BCOIN", "instrument": {"kind": "spot", "underlying": "B"}}
    listed = [MARKET, other, token, COIN, INVERSE]
    model = venue([book("one", {"INV": 10.0, "BCOIN": 3.0}, 1000.0)], markets=listed)
    model.exchange.clearing.execute(rows(model), np.array([[0.0, 0.0, 0.0, 0.0, -10.0]]), units(*[125.0] * 5))
    assert positions(model)[0].tolist() == [0.0, 0.0, 3.0, 2.0, 0.0]
