"""The market: four prices that are never mixed, and a displacement that remembers who caused it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.errors import CapacityError
from tests.simulation.markets import DEPTH, flat, market, units
from tests.venues import book, storm, venue

volumes = st.lists(st.floats(-2_000.0, 2_000.0), min_size=1, max_size=8)


def test_the_mid_is_the_index_times_the_exponential_of_the_displacement() -> None:
    place = market([100.0, 90.0], impact={"kind": "linear"})
    place.absorb(units(1_000.0), forced=False)  # 100,000 dollars against a depth of 1,000,000: log move .1
    assert place.mid == pytest.approx(100.0 * np.exp(0.1), rel=1e-14)
    place.absorb(units(-2_000.0), forced=True)
    np.testing.assert_allclose(place.displacement[:, 0], [0.1, -0.2], rtol=1e-14)
    place.advance()
    assert place.mid == pytest.approx(90.0 * np.exp(-0.1), rel=1e-14)


@given(volumes)
def test_the_index_never_moves_with_trades(traded: list[float]) -> None:
    place = market(flat())
    for volume in traded:
        place.absorb(units(volume), forced=volume < 0)
    assert place.index_price == place.oracle_price == 100.0
    place.advance()
    assert place.index_price == place.oracle_price == 100.0


@pytest.mark.parametrize(("fill_at", "log_fill"), [("before", 0.0), ("average", 0.05), ("after", 0.1)])
def test_a_trade_fills_before_amid_or_after_its_own_impact(fill_at: str, log_fill: float) -> None:
    place = market(flat(), fill_at=fill_at)
    fill = place.absorb(units(1_000.0), forced=False)
    assert fill == pytest.approx(100.0 * np.exp(log_fill), rel=1e-14)
    assert place.fill_price == fill
    assert place.mid == pytest.approx(100.0 * np.exp(0.1), rel=1e-14)


def test_a_quote_is_the_fill_it_promises_and_changes_nothing() -> None:
    place = market(flat())
    quoted = place.quote(units(-700.0))
    assert place.mid == 100.0
    assert place.moments.last == 0
    assert place.absorb(units(-700.0), forced=True) == quoted


def test_a_market_without_volume_keeps_its_last_fill_price() -> None:
    place = market(flat(markets=2))
    place.absorb(units(500.0, 0.0), forced=False)
    first = place.fill_price[0]
    place.absorb(units(0.0, 500.0), forced=False)
    assert place.fill_price[0] == first
    assert place.fill_price[1] > 100.0


@given(st.floats(0.5, 50.0), st.integers(1, 20), st.floats(0.0, 1.0))
def test_the_transient_part_halves_every_half_life_and_the_permanent_part_stays(
    half_life: float, steps: int, permanent: float
) -> None:
    impact = {"kind": "linear", "half_life_steps": half_life, "permanent_share": permanent}
    place = market(flat(steps), impact=impact)
    place.absorb(units(-1_000.0), forced=True)
    for _ in range(steps):
        place.advance()
    left = permanent + (1.0 - permanent) * 2.0 ** (-steps / half_life)
    np.testing.assert_allclose(place.displacement[:, 0], [0.0, -0.1 * left], rtol=1e-12, atol=1e-17)
    np.testing.assert_allclose(place.remaining(place.pushes[0], steps), -0.1 * left, rtol=1e-12)


def test_a_half_life_of_one_step_leaves_exactly_half() -> None:
    place = market(flat(), impact={"kind": "linear", "half_life_steps": 1.0, "permanent_share": 0.0})
    place.absorb(units(1_000.0), forced=False)
    start = place.displacement[0, 0]
    for step in range(1, 6):
        place.advance()
        assert place.displacement[0, 0] == start / 2.0**step


@given(st.lists(st.tuples(st.floats(-500.0, 500.0), st.integers(0, 2)), min_size=1, max_size=6), st.floats(0.0, 1.0))
def test_what_remains_of_all_pushes_is_the_forced_displacement(plan: list[tuple[float, int]], permanent: float) -> None:
    impact = {"kind": "square_root", "half_life_steps": 2.0, "permanent_share": permanent}
    place = market(flat(20, 2), impact=impact)
    for volume, waits in plan:
        place.absorb(units(volume, -volume), forced=True)
        for _ in range(waits):
            place.advance()
    left = sum(place.remaining(push, place.step) for push in place.pushes)
    np.testing.assert_allclose(left, place.displacement[1], rtol=1e-9, atol=1e-12)


def test_only_forced_volume_leaves_a_push_and_every_change_leaves_a_moment() -> None:
    place = market(flat())
    place.absorb(units(10.0), forced=False)
    place.absorb(units(-20.0), forced=True)
    place.advance()
    place.absorb(units(-30.0), forced=True)
    assert place.moments.last == 4
    assert [(push.moment, push.step, push.volume[0]) for push in place.pushes] == [(2, 0, -20.0), (4, 1, -30.0)]
    assert place.moments.step[:5].tolist() == [0, 0, 0, 1, 1]


def test_the_parts_of_a_moment_add_up_to_the_log_mark() -> None:
    path = 100.0 * np.exp(np.cumsum(np.linspace(-0.05, 0.04, 201)))
    place = market(path, mark={"kind": "smoothed", "half_life_steps": 3.0})
    for step in range(200):  # more moments than the columns start with
        place.advance()
        place.absorb(units(100.0 - step), forced=step % 2 == 0)
        parts = place.moments.parts[place.moments.last].sum(axis=0)
        np.testing.assert_allclose(parts, np.log(place.mark_price), rtol=0, atol=1e-12)


def test_the_history_is_complete_and_holds_the_end_of_each_step() -> None:
    model = venue([{"kind": "noise", "count": 5}], 2, price={"kind": "gbm"}, impact={"kind": "linear"})
    ends = [np.array(model.market.prices())]
    model.run(lambda: ends.append(np.array(model.market.prices())))
    for number, (name, column) in enumerate(model.market.history.items()):
        assert np.isfinite(column).all(), name
        np.testing.assert_array_equal(column, np.array(ends)[:, number], name)
    assert [*model.market.history] == ["index", "oracle", "mark", "fill"]


def test_an_absurd_volume_is_refused_and_says_what_to_change() -> None:
    place = market(flat(), impact={"kind": "linear"})
    with pytest.raises(CapacityError, match=r"step 0: .* e\*\*1e\+06; raise markets.depth or lower impact.scale"):
        place.absorb(units(1e10), forced=False)
    assert place.mid == 100.0
    assert np.isfinite(place.mark_price).all()


def test_a_wick_moves_fills_of_its_step_and_no_other_price() -> None:
    wicks = np.ones((3, 1))
    wicks[1] = 0.5
    place = market(flat(2), impact={"kind": "none"}, wicks=wicks)
    fills = []
    for _ in range(2):
        place.advance()
        fills.append(float(place.absorb(units(1.0), forced=False)[0]))
        assert place.index_price == place.oracle_price == place.mark_price == place.mid == 100.0
    assert fills == [50.0, 100.0]


def test_the_price_after_a_volume_is_the_wick_of_the_step_and_the_whole_move() -> None:
    """100 dollars halved, and 100,000 dollars of volume against a depth of 1,000,000: log 50 + .1."""
    place = market(flat(2), wicks=np.full((3, 1), 0.5))
    for lots, move in ((1_000.0, 0.1), (-1_000.0, -0.1), (1e10, 25.0), (-1e10, -25.0)):
        assert place.log_price_after(units(lots)) == pytest.approx(np.log(50.0) + move, abs=1e-12)
    assert place.mid == 100.0


def test_a_wick_in_fills_alone_liquidates_nobody() -> None:
    people = [book("long", {"A": 10.0}, 100.0), {"kind": "noise", "count": 3, "leverage": 0.1}]  # long goes at 94.7
    wick = [{"market": "A", "step": 3, "factor": 0.1}]
    model = venue(people, wicks=wick)
    model.run()
    assert model.market.history["fill"][3, 0] == pytest.approx(10.0)
    assert len(model.exchange.desk.log.events) == 0
    assert model.accounts.position[model.groups[0].rows, 0] == 10.0


def test_the_same_move_in_the_mark_does_liquidate() -> None:
    model = venue([book("long", {"A": 10.0}, 100.0)], steps=1, price=storm(100.0, 94.0))
    model.run()
    assert len(model.exchange.desk.log.events) == 1


def test_an_oracle_mark_does_not_see_forced_sales() -> None:
    place = market(flat(), mark={"kind": "oracle"})
    place.absorb(units(-3_000.0), forced=True)
    assert place.mid < 80.0
    assert place.mark_price == place.oracle_price == 100.0


def test_depth_thins_when_the_venues_own_mid_moves_even_by_forced_sales_alone() -> None:
    calm = market(flat(), depth={"elasticity": 1.0, "half_life_steps": 1.0})
    for _ in range(3):
        calm.advance()
    assert calm.depth == DEPTH
    sold = market(flat(), depth={"elasticity": 1.0, "half_life_steps": 1.0, "floor": 0.01})
    sold.absorb(units(-1_000.0), forced=True)  # a log move of -.1; half of its square enters the variance
    sold.advance()
    assert sold.variance == pytest.approx((1e-6 + 0.01) / 2.0)
    assert sold.depth == pytest.approx(DEPTH * (1e-6 / sold.variance[0]) ** 0.5)
