"""Deleveraging fills to the last quantum: both sides, roundings, emptied pools, and who is looked at again."""

from typing import Any

import numpy as np
import pytest

from agents.cast import StandardCast
from simulation.accounts import QUANTUM, SHARED
from simulation.causes import TAKERS
from simulation.model import MarketModel
from tests.venues import TIERS, book, equity, positions, rows, scenario, storm, venue

NO_PENALTY = {"kind": "full", "penalty_rate": 0.0}
UNEVEN = [1000.0 + cents / 97.0 for cents in range(1, 13)]  # deposits that make the bankruptcy price uneven


def crashed(end: float, *others: dict[str, Any], units: float = 100.0, deposit: float = 1000.0) -> MarketModel:
    population = [book("bankrupt", {"A": units}, deposit), *others]
    built = scenario(population, price=storm(100.0, end), liquidation=NO_PENALTY)
    model = MarketModel(built, StandardCast(), journal=True)
    model.run()
    return model


def roundings(model: MarketModel) -> int:
    return sum(posting.reason == "adl rounding" for posting in model.accounts.journal or [])


def test_a_bankrupt_short_is_closed_below_the_mark_and_the_winning_long_pays() -> None:
    """Short 100 with 1,000 dollars at 120 lacks 1,000: x = 1,000 / 12,000, so it is closed at 110."""
    model = crashed(120.0, book("winner", {"A": 100.0}, 2000.0), units=-100.0)
    events = model.exchange.desk.log.events
    assert [TAKERS[int(taker)] for taker in events.taker] == ["adl"]
    assert events.fill.tolist() == pytest.approx([110.0])
    (case,) = model.exchange.waterfall.bankruptcies
    assert (case.deficit, case.adl) == (1000.0, 1000.0)
    assert model.accounts.cash[rows(model, 1), SHARED].tolist() == [2000.0 + 1000.0]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_mirrored_storm_has_mirrored_losses(side: float) -> None:
    model = crashed(100.0 - 20.0 * side, book("winner", {"A": -100.0 * side}, 2000.0), units=100.0 * side)
    assert sum(case.adl for case in model.exchange.waterfall.bankruptcies) == 1000.0
    assert model.accounts.cash[rows(model, 1), SHARED].tolist() == [3000.0]
    assert not positions(model, 1).any()


def test_whatever_was_deposited_a_wholly_closed_pool_ends_at_exactly_nothing_with_one_bankruptcy() -> None:
    moved = 0
    for deposit in UNEVEN:
        winners = [book(f"w{i}", {"A": -units}, 4000.0) for i, units in enumerate((40.0, 35.0, 40.0))]
        model = crashed(80.0, *winners, deposit=deposit)
        assert model.accounts.cash[rows(model), SHARED].tolist() == [0.0]
        (case,) = model.exchange.waterfall.bankruptcies
        assert case.adl == case.deficit > 0.0
        assert model.exchange.waterfall.skipped == 0
        moved += roundings(model)
    assert moved > 0  # otherwise this test would see no rounding at all


def test_a_rounding_never_stays_in_an_isolated_pool_that_the_fill_emptied() -> None:
    moved = 0
    for deposit in UNEVEN:
        winners = [book(f"w{i}", {"A": -50.0}, 4000.0, isolated=["A"]) for i in range(2)]
        model = crashed(80.0, *winners, deposit=deposit)
        for group in (1, 2):
            assert not positions(model, group).any()
            assert model.accounts.cash[rows(model, group)[0], 1] == 0.0
        moved += roundings(model)
    assert moved > 0


def test_a_winner_of_two_bankruptcies_is_looked_at_again_between_them() -> None:
    """Two longs of 100 against one short of 150: 100 for the first and what is left for the other."""
    second = book("other", {"A": 100.0}, 1000.0)
    model = crashed(80.0, second, book("winner", {"A": -150.0}, 9000.0))
    events = model.exchange.desk.log.events
    taken = [TAKERS[int(taker)] for taker in events.taker]
    assert taken == ["adl", "adl", "book"]
    assert events.quantity.tolist() == [-100.0, -50.0, -50.0]
    assert not positions(model, 2).any()


def test_winners_pay_the_deficit_and_nothing_more_up_to_a_quantum_a_fill() -> None:
    for deposit in UNEVEN:
        model = crashed(80.0, book("w1", {"A": -60.0}, 4000.0), book("w2", {"A": -60.0}, 4000.0), deposit=deposit)
        (case,) = model.exchange.waterfall.bankruptcies
        worth = sum(float(model.engine.health(rows(model, i)).equity.sum()) for i in (1, 2))
        unharmed = 2 * (4000.0 + 60.0 * 20.0)
        assert unharmed - worth == pytest.approx(case.deficit, abs=8 * QUANTUM)


@pytest.mark.parametrize("shorts", [10.0, 6.0])
def test_winners_take_a_pool_over_without_a_penalty_and_the_book_takes_its_rest_for_one(shorts: float) -> None:
    """Ten units bought at 100 with 100 dollars leave 10 at 91, and less than nothing where all are sold in this book.

    So they go to winners at the mark: all ten, or six of them, and the other four to the book at half a per cent.
    """
    model = venue(
        [book("long", {"A": 10.0}, 100.0), book("small", {"A": -shorts}, 1000.0), book("rich", {}, 9000.0)],
        price=storm(100.0, 91.0),
        markets=[{"name": "A", "price": 100.0, "depth": 1e4, "tiers": TIERS}],
        impact={"kind": "linear", "scale": 1.0},
        liquidation={"kind": "full", "penalty_rate": 0.005},
    )
    model.run()
    sold = 10.0 - shorts
    taken = [TAKERS[int(taker)] for taker in model.exchange.desk.log.events.taker]
    assert taken == ["adl", "book"][: 1 + (sold > 0.0)]
    push = sold * 91.0 / 1e4
    penalty = 0.005 * sold * 91.0 * np.exp(-push)  # at the mark after the sale, 87.75
    assert model.exchange.desk.penalties == pytest.approx(penalty, abs=1e-4)
    assert model.exchange.waterfall.fund == pytest.approx(penalty, abs=1e-4)
    assert equity(model)[0] == pytest.approx(10.0 - sold * 91.0 * (1.0 - np.exp(-push / 2.0)) - penalty, abs=1e-3)
    assert not model.exchange.waterfall.bankruptcies
