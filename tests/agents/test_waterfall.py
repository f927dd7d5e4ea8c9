"""Bankruptcies worked out by hand: fund, deleveraging, shared loss."""

from typing import Any

import pytest

from simulation.accounts import INSURANCE, QUANTUM, SHARED
from simulation.causes import TAKERS
from simulation.model import MarketModel
from tests.venues import book, positions, rows, storm, venue

NO_PENALTY = {"kind": "full", "penalty_rate": 0.0}
FALL = storm(100.0, 80.0)  # a long of 100 units with 1,000 dollars is 1,000 dollars short


def crash(*others: dict[str, Any], fund: float = 0.0, adl: str = "queue", **more: Any) -> MarketModel:
    population = [book("bankrupt", {"A": 100.0}, 1000.0), *others]
    rules: dict[str, Any] = {"liquidation": NO_PENALTY, "deleveraging": {"kind": adl}, "price": FALL, **more}
    model = venue(population, insurance_fund=fund, **rules)
    model.run()
    return model


def layers(model: MarketModel) -> list[float]:
    """Paid by fund, winners, everybody, nobody."""
    cases = model.exchange.waterfall.bankruptcies
    return [sum(getattr(case, name) for case in cases) for name in ("insurance", "adl", "socialised", "unpaid")]


def test_a_rich_fund_pays_everything() -> None:
    model = crash(fund=5000.0)
    assert layers(model) == [1000.0, 0.0, 0.0, 0.0]
    assert model.exchange.waterfall.fund == 4000.0


def test_what_the_fund_cannot_pay_the_winner_pays_at_the_bankruptcy_price() -> None:
    """x = 600 / 8,000: the long is closed at 80 * 1.075 = 86 instead of 80."""
    model = crash(book("winner", {"A": -100.0}, 2000.0), fund=400.0)
    assert layers(model) == [400.0, 600.0, 0.0, 0.0]
    events = model.exchange.desk.log.events
    assert [TAKERS[int(taker)] for taker in events.taker] == ["adl"]
    assert events.fill.tolist() == [86.0]
    assert model.accounts.cash[rows(model, 1), SHARED].tolist() == [2000.0 + 2000.0 - 600.0]
    assert model.accounts.cash[rows(model), SHARED].tolist() == [0.0]
    assert not positions(model, 1).any()


def test_where_nobody_wins_everybody_with_equity_pays_pro_rata() -> None:
    model = crash(book("rich", {}, 3000.0), book("poor", {}, 1000.0))
    assert layers(model) == [0.0, 0.0, 1000.0, 0.0]
    assert model.accounts.cash[rows(model, 1), SHARED].tolist() == [2250.0]
    assert model.accounts.cash[rows(model, 2), SHARED].tolist() == [750.0]


def test_without_deleveraging_winners_keep_their_positions_and_share_the_loss() -> None:
    model = crash(book("winner", {"A": -100.0}, 2000.0), adl="off")
    assert layers(model) == [0.0, 0.0, 1000.0, 0.0]
    assert positions(model, 1).tolist() == [[-100.0]]


def test_what_nobody_can_pay_is_lost_by_the_outside_market() -> None:
    model = crash(book("poor", {}, 300.0))
    assert layers(model) == [0.0, 0.0, 300.0, 700.0]
    assert model.accounts.cash[INSURANCE, SHARED] == 0.0


def test_winners_are_closed_in_the_order_of_profit_times_leverage() -> None:
    model = crash(book("careful", {"A": -60.0}, 9000.0), book("bold", {"A": -60.0}, 1000.0))
    assert positions(model, 2).tolist() == [[0.0]]
    assert positions(model, 1).tolist() == [[-20.0]]


def test_a_winner_too_thin_to_bear_the_haircut_is_passed_over() -> None:
    """After the fall the thin one has less equity per dollar of position than the haircut of an eighth."""
    model = crash(book("thin", {"A": -100.0, "B": 90.0}, 900.0), listed=2, price=storm([100, 100], [80, 79]))
    assert model.exchange.waterfall.skipped >= 1
    assert layers(model)[1] == 0.0


def test_the_rounding_of_a_fill_never_stays_in_a_pool_that_the_fill_emptied() -> None:
    """Uneven prices make each fill round; the winners' isolated pools are closed and must end at exactly nothing."""
    for cents in range(12):
        path = storm(100.0, 80.0 - cents / 97.0)
        winners = [book(f"w{i}", {"A": -100.0 / 3.0}, 4000.0, isolated=["A"]) for i in range(3)]
        model = crash(*winners, price=path)
        for group in (1, 2, 3):
            flat = model.accounts.position[rows(model, group)[0], 0] == 0.0
            assert not flat or model.accounts.cash[rows(model, group)[0], 1] == 0.0
        assert len(model.exchange.waterfall.bankruptcies) <= 2


def test_a_winner_with_another_position_still_carries_it_afterwards() -> None:
    """Its leverage would not rise, but its second position needs more margin than what would be left."""
    markets = [
        {"name": "A", "price": 128.0, "tiers": [{"maintenance_rate": 0.015625, "initial_rate": 0.03125}]},
        {"name": "B", "price": 100.0, "tiers": [{"maintenance_rate": 0.25, "initial_rate": 0.25}]},
    ]
    population = [book("long", {"A": 64.0}, 819.0), book("winner", {"A": -64.0, "B": 100.0}, 1352.0)]
    model = venue(population, markets=markets, price=storm([128, 100], [96, 100]), liquidation=NO_PENALTY)
    model.run()
    assert model.exchange.waterfall.skipped >= 1
    events = model.exchange.desk.log.events
    assert not any(TAKERS[int(taker)] == "adl" for taker in events.taker)


def test_a_penalty_is_taken_from_what_is_left_and_goes_to_the_fund() -> None:
    model = venue(
        [book("one", {"A": 100.0}, 1000.0)],
        price=storm(100.0, 94.0),
        liquidation={"kind": "full", "penalty_rate": 0.01},
    )
    model.run()
    assert model.exchange.waterfall.fund == 94.0
    assert model.accounts.cash[rows(model), SHARED].tolist() == [400.0 - 94.0]


@pytest.mark.parametrize("close", ["full", "fraction", "to_target"])
def test_exactly_at_maintenance_nobody_is_closed_and_a_quantum_below_somebody_is(close: str) -> None:
    for short, closed in ((0.0, 0), (QUANTUM, 1)):
        model = venue([book("one", {"A": 100.0}, 500.0 - short)], liquidation={"kind": close})
        model.step()
        assert len(model.exchange.desk.log.events) == closed
