"""At which price winners are deleveraged: bankruptcy by notional or by maintenance, the mark, the mark before."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.deleveraging.base import Bankrupt
from simulation.deleveraging.queue import QueueDeleveraging
from simulation.model import MarketModel
from tests.simulation.markets import units
from tests.venues import book, storm, venue

LOSER = book("loser", {"A": 10.0}, 100.0)
WINNER = book("winner", {"A": -10.0}, 1_000.0)


def crashed(*path: float, **rule: Any) -> MarketModel:
    model = venue([LOSER, WINNER], price=storm(*path), deleveraging={"kind": "queue", **rule})
    model.run()
    return model


def fills(model: MarketModel) -> list[float]:
    return model.exchange.desk.log.events.fill.tolist()


def test_by_default_winners_pay_the_whole_deficit() -> None:
    model = crashed(100.0, 80.0)
    (case,) = model.exchange.waterfall.bankruptcies
    assert fills(model) == [90.0]
    assert (case.adl, case.socialised) == (100.0, 0.0)


def test_at_the_mark_winners_pay_nothing_and_the_loss_is_shared() -> None:
    model = crashed(100.0, 80.0, price="mark")
    cases = model.exchange.waterfall.bankruptcies
    assert fills(model) == [80.0]
    assert sum(case.adl for case in cases) == 0.0
    assert sum(case.socialised for case in cases) == 100.0
    model.accounts.check()


def test_at_the_previous_mark_winners_never_pay_more_than_the_deficit() -> None:
    """A pool that was solvent at the mark before is worth more than nothing there: its bankruptcy price comes first."""
    model = crashed(100.0, 97.0, 80.0, price="previous_mark")
    (case,) = model.exchange.waterfall.bankruptcies
    assert fills(model) == [90.0]
    assert case.adl == case.deficit == 100.0
    model.accounts.check()


def test_at_the_previous_mark_what_no_last_move_explains_is_shared() -> None:
    """A falls, B stands still: winners of B are handed nothing, those of A no more than its share of the deficit."""
    people = [book("loser", {"A": 10.0, "B": -10.0}, 130.0), book("winner", {"A": -10.0, "B": 10.0}, 3_000.0)]
    late = {"kind": "ratio", "liquidation": 0.1, "release": 0.1}
    rule = {"kind": "queue", "price": "previous_mark"}
    path = storm([100.0, 100.0], [88.5, 100.0], [80.0, 100.0])
    model = venue(people, 2, price=path, deleveraging=rule, state=late)
    model.run()
    cases = model.exchange.waterfall.bankruptcies
    x = 70.0 / 1_800.0  # the deficit over the notional
    assert fills(model) == pytest.approx([80.0 * (1 + x), 100.0])  # B has not moved
    assert sum(case.adl for case in cases) == pytest.approx(800.0 * x, abs=1e-3)
    assert sum(case.socialised for case in cases) == pytest.approx(70.0 - 800.0 * x, abs=1e-3)
    model.accounts.check()


def two(**rule: Any) -> Bankrupt:
    return Bankrupt(units(900.0, -300.0), units(9.0, 15.0), units(90.0, 30.0), units(100.0, 29.0))


def test_by_notional_all_prices_move_by_the_same_rate() -> None:
    assert QueueDeleveraging().haircuts(24.0, two()).tolist() == pytest.approx([0.02, 0.02])


def test_by_maintenance_the_riskier_position_bears_more() -> None:
    """24 dollars in shares 9 : 15 are 9 dollars on 900 and 15 dollars on 300."""
    rates = QueueDeleveraging(attribution="maintenance").haircuts(24.0, two())
    assert rates.tolist() == pytest.approx([0.01, 0.05])


def test_the_previous_mark_counts_only_where_it_is_better_for_the_bankrupt() -> None:
    rates = QueueDeleveraging(price="previous_mark").haircuts(240.0, two())
    assert rates.tolist() == pytest.approx([100.0 / 90.0 - 1.0, 1.0 - 29.0 / 30.0])
    capped = QueueDeleveraging(price="previous_mark").haircuts(24.0, two())
    assert capped.tolist() == pytest.approx([0.02, 0.02])


amounts = st.floats(1.0, 1e6)


@given(st.lists(st.tuples(amounts, st.booleans(), amounts), min_size=1, max_size=5), st.floats(0.0, 1e5))
def test_at_the_bankruptcy_prices_the_pool_is_worth_nothing_by_either_attribution(
    held: list[tuple[float, bool, float]], deficit: float
) -> None:
    value = np.array([size if long else -size for size, long, _ in held])
    needed, one = np.array([need for _, _, need in held]), np.ones(len(held))
    for attribution in ("notional", "maintenance"):
        rule = QueueDeleveraging.model_validate({"attribution": attribution})
        rates = rule.haircuts(deficit, Bankrupt(value, needed, one, one))
        assert (rates >= 0.0).all()
        assert float((np.abs(value) * rates).sum()) == pytest.approx(deficit, rel=1e-9)


def test_a_pool_of_two_positions_is_emptied_exactly_by_either_attribution() -> None:
    people = [book("loser", {"A": 10.0, "B": 10.0}, 200.0), book("winner", {"A": -10.0, "B": -10.0}, 3_000.0)]
    path = storm([100.0, 100.0], [75.0, 90.0])
    prices = {}
    for attribution in ("notional", "maintenance"):
        tiers = [{"floor": 0.0, "maintenance_rate": rate, "initial_rate": 0.2} for rate in (0.02, 0.1)]
        listed = [{"name": n, "price": 100.0, "depth": 1e7, "tiers": [t]} for n, t in zip("AB", tiers, strict=True)]
        rule = {"kind": "queue", "attribution": attribution}
        model = venue(people, 2, price=path, markets=listed, deleveraging=rule)
        model.run()
        (case,) = model.exchange.waterfall.bankruptcies
        assert case.adl == case.deficit == 150.0
        prices[attribution] = fills(model)
        model.accounts.check()
    x = 150.0 / 1_650.0
    assert prices["notional"] == pytest.approx([75.0 * (1 + x), 90.0 * (1 + x)])
    # Requirements of 15 and 90: 150 / 7 dollars on A, 900 / 7 on B.
    assert prices["maintenance"] == pytest.approx([75.0 + 15.0 / 7.0, 90.0 + 90.0 / 7.0])
