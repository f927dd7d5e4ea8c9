"""One account, many modes: isolated and shared positions, pools by pair, top-ups from a finite reserve, withdrawals."""

from typing import Any

import numpy as np
import pytest

from agents.cast import StandardCast
from experiments import run
from simulation.model import MarketModel
from tests.venues import book, equity, positions, rows, scenario, storm, venue

REGIMES = ("isolated", "cross", "portfolio")
PLAIN = {"kind": "full", "penalty_rate": 0.0}


def crashed(entry: dict[str, Any], *path: Any, **changes: Any) -> MarketModel:
    """One account on the given path; losses are provided for."""
    model = venue([entry], 3, price=storm(*path), liquidation=PLAIN, insurance_fund=1e6, **changes)
    model.run()
    return model


# Modes in one account -------------------------------------------------------------------------------------------


def test_an_isolated_position_beside_shared_ones_loses_no_more_than_was_posted() -> None:
    """300 dollars stand behind 30 B; the crash of B costs 900, and A and C do not hear of it."""
    entry = book("me", {"A": 10.0, "B": 30.0, "C": 10.0}, 3_300.0, isolated=["B"], posted_share=0.0)
    model = crashed(entry, [100, 100, 100], [100, 70, 100])
    assert positions(model)[0].tolist() == [10.0, 0.0, 10.0]
    assert equity(model)[0] == 3_000.0
    (case,) = model.exchange.waterfall.bankruptcies
    assert (case.deficit, case.insurance) == (600.0, 600.0)


def test_the_same_book_all_shared_carries_the_loss_itself() -> None:
    model = crashed(book("me", {"A": 10.0, "B": 30.0, "C": 10.0}, 3_300.0), [100, 100, 100], [100, 70, 100])
    assert positions(model)[0].tolist() == [10.0, 30.0, 10.0]
    assert equity(model)[0] == 2_400.0
    assert not model.exchange.waterfall.bankruptcies


def test_a_crash_of_the_shared_positions_leaves_the_isolated_one_alone() -> None:
    entry = book("me", {"A": 10.0, "B": 10.0, "C": 10.0}, 400.0, isolated=["B"], posted_share=0.0)
    model = crashed(entry, [100, 100, 100], [60, 100, 100])
    assert positions(model)[0].tolist() == [0.0, 10.0, 0.0]
    assert equity(model)[0] == 100.0


@pytest.mark.parametrize("margin", ["cross", "portfolio"])
def test_a_pair_in_a_pool_of_its_own_is_margined_together_and_apart_from_the_rest(margin: str) -> None:
    """A long, B short in pool 1: a common move is no loss. C in pool 2 crashes alone."""
    pools = {"A": 1, "B": 1, "C": 2}
    entry = book("me", {"A": 20.0, "B": -20.0, "C": 20.0}, 900.0, pools=pools)
    model = crashed(entry, [100, 100, 100], [60, 60, 50], margin={"kind": margin})
    assert positions(model)[0].tolist() == [20.0, -20.0, 0.0]
    assert model.exchange.waterfall.bankruptcies[0].pool == 2


@pytest.mark.parametrize("pools", [{"A": 1, "B": 2, "C": 3}, {"A": 3, "B": 1, "C": 2}])
def test_one_pool_a_market_under_cross_margin_is_isolated_margin(pools: dict[str, int]) -> None:
    units = {"A": 20.0, "B": -30.0, "C": 25.0}
    path = [100, 100, 100], [97, 104, 99], [88, 109, 96], [92, 95, 91]
    apart = crashed(book("me", units, 900.0, pools=pools), *path)
    isolated = crashed(book("me", units, 900.0), *path, margin={"kind": "isolated"})
    assert equity(apart)[0] == equity(isolated)[0]
    np.testing.assert_array_equal(positions(apart), positions(isolated))
    events = [model.exchange.desk.log.events for model in (apart, isolated)]
    assert sorted(events[0].market) == sorted(events[1].market) != []


# Orders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", REGIMES)
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_an_order_that_reduces_passes_when_one_that_grows_does_not(margin: str, share: float) -> None:
    """Between maintenance and initial margin: 600 dollars on 100 units at 96."""
    model = venue([book("me", {"A": 100.0}, 1_000.0)], price=storm(100, 96), margin={"kind": margin})
    model.step()
    me, held = rows(model), positions(model)[0, 0]
    assert held == 100.0
    model.exchange.clearing.match(me, np.array([[1.0]]))
    assert positions(model)[0, 0] == held
    order = -np.floor(share * 100.0)
    model.exchange.clearing.match(me, np.array([[order]]))
    assert positions(model)[0, 0] == held + order


@pytest.mark.parametrize("margin", REGIMES)
def test_of_an_order_that_turns_round_the_closing_part_passes_and_the_new_side_needs_margin(margin: str) -> None:
    model = venue([book("me", {"A": 100.0}, 1_000.0)], price=storm(100, 96), margin={"kind": margin})
    model.step()
    model.exchange.clearing.match(rows(model), np.array([[-250.0]]))  # 600 dollars are too few for 150 short
    assert positions(model)[0, 0] == 0.0
    model.exchange.clearing.match(rows(model), np.array([[-40.0]]))
    assert positions(model)[0, 0] == -40.0


# Money in and out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "paid"), [(100.0, 100.0), (500.0, 500.0), (9_999.0, 500.0)])
def test_a_withdrawal_takes_what_is_free_and_no_more(wanted: float, paid: float) -> None:
    """1,500 dollars, 100 units at 100: 1,000 must stay."""
    model = venue([book("me", {"A": 100.0}, 1_500.0)])
    model.groups[0].members(slice(None)).withdraw(np.array([wanted]))
    model.step()
    assert equity(model)[0] in (1_500.0 - paid, 1_500.0)
    assert equity(model)[0] >= 1_000.0
    if wanted <= 500.0:
        assert equity(model)[0] == 1_500.0 - paid
    model.run()
    assert len(model.exchange.desk.log.events) == 0


@pytest.mark.parametrize("margin", REGIMES)
@pytest.mark.parametrize("reserve", [0.0, 50.0, 400.0, 1e5])
def test_top_ups_come_out_of_a_finite_reserve(margin: str, reserve: float) -> None:
    people = [{"kind": "holder", "count": 20, "deposit": 1_000.0, "reserve": reserve, "leverage": 8.0}]
    path = storm(*([100 - 1.5 * i, 100 - 1.0 * i] for i in range(12)))
    model = MarketModel(scenario(people, 2, price=path, margin={"kind": margin}, insurance_fund=1e6), StandardCast())
    group = model.groups[0]
    before = reserve
    for _ in range(model.rules.steps):
        model.step()
        np.testing.assert_allclose(group.deposited + group.reserve, 1_000.0 + reserve)
        assert (group.reserve >= 0.0).all()
        assert group.reserve.max() <= before
    if reserve:
        assert (group.deposited > 1_000.0).any()


def test_a_larger_reserve_saves_more_holders() -> None:
    counts = []
    for reserve in (0.0, 100.0, 400.0, 1_600.0):
        people = [{"kind": "holder", "count": 30, "deposit": 1_000.0, "reserve": reserve, "leverage": 6.0}]
        path = storm(*(100 - i for i in range(16)))
        result = run(scenario(people, price=path, insurance_fund=1e6))
        counts.append(result.metrics["liquidated_accounts"])
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]
