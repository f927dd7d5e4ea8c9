"""The event log: what each forced trade says of itself, against the accounts and the market."""

from typing import Any

import numpy as np
import pytest

from agents.recording import healthy_alone
from agents.seizure import Seizure
from simulation.causes import Events
from simulation.model import MarketModel
from tests.venues import book, storm, venue

NO_PENALTY = {"kind": "full", "penalty_rate": 0.0}


def at(path: Any, units: dict[str, float], deposit: float, **more: Any) -> tuple[MarketModel, Seizure]:
    model = venue([book("one", units, deposit)], 2, price=storm(*path), liquidation=NO_PENALTY, **more)
    model.market.advance()
    return model, model.exchange.desk.find()


def alone(path: Any, units: dict[str, float], deposit: float) -> list[list[float]]:
    model, seizure = at(path, units, deposit)
    assert len(seizure) == 1
    return healthy_alone(model.engine, seizure).tolist()


def test_the_leg_that_lost_nothing_was_healthy_alone_and_the_one_that_lost_was_not() -> None:
    """150 dollars shared 90 to 100: A has 71 less the 100 it lost, B has 79 and needs 50."""
    assert alone([[100, 100], [90, 100]], {"A": 10.0, "B": 10.0}, 150.0) == [[0.0, 1.0]]


def test_collateral_is_shared_in_proportion_to_initial_margin() -> None:
    """Of 190 dollars B gets 100 and needs 50; of 55 dollars, after a smaller fall, it gets 28."""
    assert alone([[100, 100], [90, 100]], {"A": 10.0, "B": 10.0}, 190.0) == [[0.0, 1.0]]
    assert alone([[100, 100], [97, 100]], {"A": 10.0, "B": 10.0}, 55.0) == [[0.0, 0.0]]


def test_a_winning_leg_keeps_its_profit() -> None:
    """Of 150 dollars A gets 71 and lost 120; B, short, gets 79 and won 20."""
    assert alone([[100, 100], [88, 98]], {"A": 10.0, "B": -10.0}, 150.0) == [[0.0, 1.0]]


def test_a_pool_with_one_position_was_never_healthy_alone() -> None:
    assert alone([[100, 100], [94, 100]], {"A": 10.0}, 100.0) == [[0.0, 0.0]]


def test_in_isolated_pools_nothing_healthy_is_closed() -> None:
    model = venue(
        [book("one", {"A": 10.0, "B": 10.0}, 300.0)],
        2,
        price=storm([100, 100], [80, 100]),
        margin={"kind": "isolated"},
    )
    model.run()
    events = model.exchange.desk.log.events
    assert events.market.tolist() == [0.0]
    assert events.healthy_alone.tolist() == [0.0]


@pytest.fixture(scope="module")
def stormy() -> MarketModel:
    """A whole run with impact, partial closes, isolated and shared pools, a keeper, a vault, and bankruptcies."""
    population = [
        {"kind": "holder", "name": "crowd", "count": 60, "leverage": 8.0, "long_share": 0.9},
        {"kind": "holder", "name": "mixed", "count": 30, "leverage": 6.0, "isolated": ["A"]},
    ]
    model = venue(
        population,
        3,
        price=storm([100, 100, 100], [93, 95, 99], [85, 88, 97], [80, 86, 94], [82, 70, 91]),
        impact={"kind": "square_root", "scale": 0.5, "permanent_share": 0.4, "half_life_steps": 2.0},
        liquidation={"kind": "fraction", "share": 0.5, "penalty_rate": 0.005},
        liquidators=[{"capital": 20_000.0}],
        backstop={"capital": 5_000.0},
        insurance_fund=2_000.0,
        mark={"kind": "smoothed"},
    )
    model.run()
    return model


def events_of(model: MarketModel) -> Events:
    events = model.exchange.desk.log.events
    assert len(events) > 50
    return events


def test_every_entry_has_every_column_and_no_hole(stormy: MarketModel) -> None:
    events = events_of(stormy)
    for name in Events.__dataclass_fields__:
        column = getattr(events, name)
        assert column.shape == (len(events),)
        assert np.isfinite(column).all()


def test_causes_add_up_to_the_loss_to_the_last_quantum(stormy: MarketModel) -> None:
    events = events_of(stormy)
    assert (events.exogenous + events.flow + events.forced + events.mark_gap == events.loss).all()


def test_time_only_goes_forward(stormy: MarketModel) -> None:
    events = events_of(stormy)
    assert (np.diff(events.moment) >= 0).all()
    assert (np.diff(events.step) >= 0).all()
    assert (events.reference <= events.moment).all()


def test_only_what_reached_the_book_names_a_push_and_each_push_is_the_sum_of_its_trades(stormy: MarketModel) -> None:
    events, pushes = events_of(stormy), stormy.market.pushes
    booked = events.taker == 0
    assert ((events.push >= 0) == booked).all()
    assert set(events.taker) > {0.0}
    volume = np.zeros((len(pushes), 3))
    np.add.at(volume, (events.push[booked].astype(int), events.market[booked].astype(int)), events.quantity[booked])
    assert volume.tolist() == [push.volume.tolist() for push in pushes]


def test_whoever_was_seized_was_below_maintenance_and_held_what_was_closed(stormy: MarketModel) -> None:
    events = events_of(stormy)
    assert (events.equity < events.maintenance).all()
    closed = np.abs(events.quantity) * events.mark_before
    assert (closed <= events.pool_notional * (1 + 1e-12)).all()


def test_exposure_has_the_sign_of_what_is_sold(stormy: MarketModel) -> None:
    """A long that is closed (quantity < 0) loses when the price falls: negative dollars per log price."""
    events = events_of(stormy)
    assert (np.sign(events.exposure) == np.sign(events.quantity)).all()


def test_keepers_and_vault_trade_at_prices_around_the_mark_and_the_book_at_its_fill(stormy: MarketModel) -> None:
    events = events_of(stormy)
    keeper, vault = events.taker == 1, events.taker == 2
    ratio = events.fill / events.mark_before
    assert ratio[keeper].tolist() == pytest.approx((1.0 + np.sign(events.quantity[keeper]) * 0.02).tolist())
    assert (ratio[vault] == 1.0).all()
    assert keeper.any() or vault.any()


# Alone --------------------------------------------------------------------------------------------------------------


def standing_alone(units: dict[str, float], deposit: float, *marks: float, **rules: Any) -> list[float]:
    """Which positions of the one seized pool would be healthy with their own share of its collateral."""
    tiers = [{"floor": 0.0, "maintenance_rate": 0.0625, "initial_rate": 0.125}]
    listed = [{"name": name, "price": 100.0, "depth": 1e7, "tiers": tiers} for name in "AB"]
    model = venue([book("one", units, deposit)], markets=listed, price=storm([100.0, 100.0], marks), **rules)
    model.market.advance()
    (found,) = healthy_alone(model.engine, model.exchange.desk.find())
    return found.tolist()


def test_what_the_other_position_lost_is_what_a_healthy_one_dies_of() -> None:
    """Ten at 80 and ten at 100 share 300 dollars as 4 : 5. B has 166.67 of 62.50 needed; A has 133.33 - 200."""
    assert standing_alone({"A": 10.0, "B": 10.0}, 300.0, 80.0, 100.0) == [0.0, 1.0]


@pytest.mark.parametrize(("deposit", "healthy"), [(100.0, 1.0), (100.0 - 2.0**-10, 0.0)])
def test_exactly_at_its_requirement_a_position_is_healthy_alone(deposit: float, healthy: float) -> None:
    """A still stands at 1,000 dollars, B at 600: of 100 dollars A has 62.50, just what it needs."""
    assert standing_alone({"A": 10.0, "B": 10.0}, deposit, 100.0, 60.0) == [healthy, 0.0]


def test_a_single_position_is_never_healthy_alone_even_where_a_venue_closes_early() -> None:
    """90 dollars of 58.75 needed, closed at twice that: what it died of is itself."""
    early = {"kind": "ratio", "liquidation": 2.0, "release": 2.0}
    assert standing_alone({"A": 10.0}, 150.0, 94.0, 100.0, state=early) == [0.0, 0.0]
