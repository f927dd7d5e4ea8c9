"""Keepers and the vault: what they take, at which price, and that their own losses have causes."""

from typing import Any

import numpy as np
import pytest

from simulation.accounts import BACKSTOP, SHARED
from simulation.causes import KEEPER, VAULT
from simulation.model import MarketModel
from tests.venues import book, positions, storm, venue

KEEPERS = [{"count": 1, "capital": 10_000.0, "discount_rate": 0.02, "cost": 0.0, "unwind_share": 0.5}]
ONE = {"kind": "full", "penalty_rate": 0.0}


def fallen(*path: float, **more: Any) -> MarketModel:
    """A long of 100 units with 1,000 dollars, in trouble from 94.7 down."""
    model = venue([book("long", {"A": 100.0}, 1000.0)], price=storm(100.0, *path), liquidation=ONE, **more)
    model.run()
    return model


def test_a_keeper_takes_a_pool_at_its_discount() -> None:
    model = fallen(94.0, liquidators=KEEPERS)
    events = model.exchange.desk.log.events
    assert events.taker.tolist() == [KEEPER]
    assert events.fill == pytest.approx([94.0 * 0.98])
    assert model.accounts.position[model.exchange.liquidators[0].row].tolist() == [100.0]
    assert not positions(model).any()


def test_a_keeper_leaves_what_would_make_bad_debt() -> None:
    model = fallen(91.0, liquidators=KEEPERS)  # 100 dollars are left, the discount would be 182
    assert KEEPER not in model.exchange.desk.log.events.taker


def test_a_keeper_takes_no_more_than_its_capital_carries() -> None:
    model = fallen(94.0, liquidators=[{**KEEPERS[0], "capital": 1000.0, "leverage": 5.0}])
    assert KEEPER not in model.exchange.desk.log.events.taker


def test_a_keeper_unwinds_through_ordinary_orders() -> None:
    model = fallen(94.0, 94.0, 94.0, liquidators=KEEPERS)
    assert model.accounts.position[model.exchange.liquidators[0].row].tolist() == [25.0]


def test_the_vault_takes_the_whole_pool_with_what_is_left_of_its_margin() -> None:
    model = fallen(93.0, backstop={"capital": 10_000.0, "trigger": 0.67})
    assert model.exchange.desk.log.events.taker.tolist() == [VAULT]
    assert model.accounts.position[BACKSTOP].tolist() == [100.0]
    row = model.traders[0]
    assert not model.accounts.cash[row].any()
    assert model.engine.health(np.array([BACKSTOP])).equity[0, SHARED] == 10_000.0 + 300.0


def test_the_vault_leaves_insolvent_pools_to_the_waterfall() -> None:
    model = fallen(85.0, backstop={"capital": 10_000.0})
    assert VAULT not in model.exchange.desk.log.events.taker


def test_the_loss_of_a_taker_counts_from_when_it_took_over() -> None:
    """The keeper buys 100 units at 94 and keeps them; when it is liquidated, its loss is what happened after."""
    keen = [{**KEEPERS[0], "capital": 2000.0, "leverage": 100.0, "unwind_share": 1e-7}]
    model = fallen(94.0, 74.0, liquidators=keen)
    events = model.exchange.desk.log.events
    own = events.row == model.exchange.liquidators[0].row
    assert own.any()
    assert events.loss[own].sum() == pytest.approx(-events.quantity[own].sum() * (94.0 - 74.0))
