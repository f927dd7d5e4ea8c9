"""Spending what is there and no more: keepers with many pools at once, re-leveragers who pay a fee."""

import numpy as np
import pytest

from agents.cast import StandardCast
from simulation.model import MarketModel
from simulation.scenario import Scenario


def falling(price: float, **rules: object) -> MarketModel:
    """One market at 100 that goes to `price` at step 1 and stays there."""
    population = rules.pop("population")
    return MarketModel(
        Scenario.from_dict(
            {
                "steps": 6,
                "markets": [{"name": "A", "price": 100.0, "depth": 1e7}],
                "price": {"kind": "scripted", "shocks": [{"step": 1, "market": "A", "size": price / 100.0 - 1.0}]},
                "population": population,
                **rules,
            }
        ),
        StandardCast(),
    )


def keeper_result(scale: float, pools: int = 50) -> tuple[int, float]:
    """How many of the pools one keeper takes, and what its capital of 100,000 dollars has become."""
    model = falling(
        95.0,
        population=[{"kind": "book", "count": pools, "deposit": 90.0, "units": {"A": 10.0}}],
        impact={"kind": "linear", "scale": scale},
        liquidation={"kind": "full", "penalty_rate": 0.0},
        fees={"taker_rate": 0.0},
        liquidators=[{"capital": 1e5, "discount_rate": 0.02, "cost": 0.0, "unwind_share": 1.0}],
    )
    model.run()
    keeper = model.exchange.liquidators[0]
    return keeper.takeovers, keeper.equity


@pytest.mark.parametrize("scale", [10.0, 30.0, 100.0])
def test_a_keeper_does_not_take_more_pools_than_it_can_sell_at_a_profit(scale: float) -> None:
    takeovers, _ = keeper_result(scale)
    assert 0 < takeovers < 50  # the others are sold in the book, which moves the mark of its inventory
    again, equity = keeper_result(scale, pools=takeovers)  # nobody but the keeper sells
    assert again == takeovers
    assert equity >= 1e5


def test_a_keeper_takes_fewer_pools_in_a_thinner_market() -> None:
    assert keeper_result(10.0)[0] > keeper_result(30.0)[0] > keeper_result(100.0)[0]


def test_a_keeper_takes_every_pool_that_a_deep_market_will_take_back() -> None:
    takeovers, equity = keeper_result(1e-6)
    assert takeovers == 50
    assert equity == pytest.approx(1e5 + 50 * 950.0 * 0.02, rel=1e-6)


def test_a_keeper_takes_nothing_where_the_discount_does_not_pay_for_one_pool() -> None:
    assert keeper_result(1000.0)[0] == 0


def grown(taker_rate: float, reuse: float) -> tuple[float, float]:
    """Units and equity of a re-leverager with 10,000 dollars at leverage 5 after the price went from 100 to 110."""
    model = falling(
        110.0,
        population=[{"kind": "releverager", "count": 1, "reuse": reuse, "slack": 0.0, "long_share": 1.0}],
        impact={"kind": "none"},
        fees={"taker_rate": taker_rate},
    )
    opened = float(model.accounts.position[model.traders[0], 0])
    model.step()
    return float(model.accounts.position[model.traders[0], 0]) / opened, float(model.groups[0].agents[0].equity)


@pytest.mark.parametrize("reuse", [0.25, 0.5, 1.0])
def test_a_releverager_keeps_the_fee_of_its_own_order_in_mind(reuse: float) -> None:
    free, _ = grown(0.0, reuse)
    paying, _ = grown(0.0005, reuse)
    assert 1.0 < paying < free
    assert paying == pytest.approx(1.0 + (free - 1.0) / (1.0 + 0.0005 / 0.1), rel=1e-6)  # initial rate 10 %


def test_full_reuse_at_no_fee_spends_all_free_margin() -> None:
    factor, equity = grown(0.0, 1.0)
    units = 500.0 * factor
    assert equity == pytest.approx(10_000.0 + 500.0 * 10.0)
    assert np.isclose(units * 110.0 * 0.1, equity, rtol=1e-6)
