"""The watch over accounts: whoever it skips is above the level it was told to watch for, by brute force and by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.accounts import BACKSTOP, SYSTEM_ROWS
from simulation.model import MarketModel
from simulation.watch import Watch
from tests.venues import book, rows, venue

factors = st.floats(0.4, 2.2)
moves = st.lists(st.tuples(factors, factors), min_size=2, max_size=10)
positions = st.tuples(st.integers(-20, 20), st.integers(-20, 20), st.floats(20.0, 2_500.0))


def put(model: MarketModel, *mark: float) -> None:
    """Marks are replaced, never changed in place."""
    model.market.mark_price = np.array(mark)


def look(watch: Watch) -> list[int]:
    """Check the suspects as the venue does: whoever is above the level gets a radius; return who was looked at."""
    found, engine = watch.suspects(), watch.engine
    health = engine.health(found)
    excess = health.equity - watch.trigger * health.maintenance
    safe = np.flatnonzero((excess >= 0.0).all(axis=1))
    watch.release(found[safe], engine.holdings(found).part(safe), excess[safe])
    return found.tolist()


def under(watch: Watch) -> list[int]:
    """Everybody below the level, looked at one by one."""
    everybody = np.arange(BACKSTOP, len(watch.engine.accounts))
    health = watch.engine.health(everybody)
    return everybody[(health.equity < watch.trigger * health.maintenance).any(axis=1)].tolist()


@pytest.mark.parametrize("margin", ["cross", "isolated"])
@given(st.lists(positions, min_size=1, max_size=6), moves, st.lists(st.floats(0.3, 3.0), min_size=2, max_size=2))
@settings(max_examples=60)
def test_nobody_below_the_level_is_skipped_whatever_level_is_watched_for(
    margin: str, held: list[tuple[int, int, float]], path: list[tuple[float, float]], triggers: list[float]
) -> None:
    books = [book(f"g{i}", {"A": float(a), "B": float(b)}, d) for i, (a, b, d) in enumerate(held)]
    model = venue(books, 2, margin={"kind": margin})
    watch = Watch(model.engine)
    half = len(path) // 2
    for trigger, part in zip(triggers, (path[:half], path[half:]), strict=True):
        watch.set_trigger(trigger)
        for one, other in part:
            put(model, 100.0 * one, 100.0 * other)
            expected = under(watch)
            assert set(expected) <= set(look(watch))


def test_a_higher_level_is_reached_earlier() -> None:
    """Long 10 from 100 with 500 dollars, 5 % maintenance and a level of twice that: 10 p - 500 < p at 55.6."""
    model = venue([book("long", {"A": 10.0}, 500.0)])
    rate = model.rules.markets[0].tiers[0].maintenance_rate
    watch, row = Watch(model.engine), int(model.traders[0])
    watch.set_trigger(2.0)
    look(watch)
    # Excess 500 - 2 r 1000, slope 1000 (1 + 2 r): the radius around 100.
    radius = (500.0 - 2_000.0 * rate) / (1_000.0 * (1.0 + 2.0 * rate))
    assert watch.radius[row] == pytest.approx(radius, rel=1e-6)
    put(model, 100.0 * (1.0 - radius * 0.999))
    assert row not in watch.suspects()
    put(model, 100.0 * (1.0 - radius * 1.001))
    assert row in watch.suspects()


def test_the_same_level_again_changes_nothing_and_another_one_asks_everybody() -> None:
    model = venue([book("long", {"A": 10.0}, 900.0)])
    watch, row = Watch(model.engine), int(model.traders[0])
    look(watch)
    watch.set_trigger(1.0)
    assert row not in watch.suspects()
    watch.set_trigger(1.5)
    assert row in watch.suspects()
    look(watch)
    watch.restart()
    assert row in watch.suspects(), "the rule may ask for something else now"


def test_an_account_exactly_at_the_level_stays_a_suspect() -> None:
    """Rules that close at the threshold itself must see it: no excess is no radius."""
    model = venue([book("long", {"A": 10.0}, 500.0)])
    watch, row = Watch(model.engine), model.traders
    watch.release(row, model.engine.holdings(row), np.zeros((1, 1)))
    assert row[0] in watch.suspects()


def test_who_holds_nothing_is_left_alone_unless_it_owes() -> None:
    model = venue([book("idle", {}, 500.0), book("debtor", {}, 0.0)])
    idle, debtor = (int(rows(model, group)[0]) for group in (0, 1))
    model.accounts.transfer((np.array([debtor]), 0), (np.array([idle]), 0), np.array([50.0]), "loan")
    watch = Watch(model.engine)
    look(watch)
    for mark in (200.0, 1.0, 1e9):  # at 200 the distance is exactly 1
        put(model, mark)
        found = watch.suspects().tolist()
        assert idle not in found
        assert debtor in found


def test_the_venue_s_own_accounts_are_never_suspects_and_the_backstop_always_may_be() -> None:
    model = venue([book("long", {"A": 10.0}, 500.0)])
    watch = Watch(model.engine)
    assert watch.suspects().tolist() == [BACKSTOP, *model.traders.tolist()]
    watch.touch(np.arange(len(model.accounts)))
    put(model, 1e6)
    assert min(watch.suspects()) == BACKSTOP


def test_who_is_touched_or_new_is_looked_at_again_and_nobody_else() -> None:
    model = venue([{**book("long", {"A": 1.0}, 900.0), "count": 3}])
    watch, longs = Watch(model.engine), model.traders
    look(watch)
    assert watch.suspects().tolist() == []
    watch.touch(longs[1:2])
    assert watch.suspects().tolist() == [longs[1]]
    new = model.accounts.add(1)
    assert watch.suspects().tolist() == [longs[1], new[0]]


def test_a_pool_is_as_safe_as_its_weakest_position_and_an_account_as_its_weakest_pool() -> None:
    """Isolated: A has 300 dollars behind 1,000, B 600 behind 1,000; A decides, however rich the rest is."""
    model = venue([book("both", {"A": 10.0, "B": 10.0}, 5_000.0)], 2, margin={"kind": "isolated"})
    watch, row = Watch(model.engine), model.traders
    held, rate = model.engine.holdings(row), model.rules.markets[0].tiers[0].maintenance_rate
    excess = np.full((1, model.accounts.pools), 4_000.0)
    excess[0, held.pool[0]] = 300.0 - 1_000.0 * rate, 600.0 - 1_000.0 * rate
    watch.release(row, held, excess)
    assert watch.radius[row[0]] == pytest.approx((300.0 - 1_000.0 * rate) / (1_000.0 * (1.0 + rate)), rel=1e-6)


def test_without_a_bound_on_requirements_everybody_is_always_looked_at() -> None:
    terms = {"kind": "option", "underlying": "A", "expiry_days": 30.0, "strike": 100.0}
    option = {"name": "C", "instrument": terms}
    known: dict[str, Any] = {"markets": [{"name": "A", "price": 100.0}, option]}
    model = venue([book("long", {"A": 1.0}, 900.0)], **known)
    watch = Watch(model.engine)
    look(watch)
    assert set(model.traders.tolist()) <= set(look(watch))
    assert len(model.accounts) > SYSTEM_ROWS
