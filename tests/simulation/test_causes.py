"""Causes of a loss: shares that add up to the quantum, weights that are a path integral, a cascade by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.accounts import QUANTUM
from simulation.causes import BOOK, EventLog, attribute
from simulation.market import Market
from simulation.model import MarketModel
from tests.simulation.markets import market, units
from tests.venues import book, storm, venue

MARKS = ["mid", "smoothed", "oracle"]
returns = st.floats(-0.3, 0.3)
trades = st.tuples(st.floats(-3_000.0, 3_000.0), st.booleans())


def history(moves: list[tuple[float, tuple[float, bool]]], mark: str = "mid") -> Market:
    """A market whose index makes the given log moves, one trade after each."""
    path = 100.0 * np.exp(np.cumsum([0.0, *(move for move, _ in moves)]))
    place = market(path, mark={"kind": mark}, impact={"kind": "linear", "permanent_share": 0.5})
    for _, (volume, forced) in moves:
        place.advance()
        place.absorb(units(volume), forced)
    return place


def log_mean(before: float, after: float) -> float:
    return before if before == after else (after - before) / np.log(after / before)


def one(place: Market, reference: int, closing: float) -> Any:
    return attribute(place, np.array([reference]), np.array([0]), np.array([closing]))


@given(
    st.lists(st.tuples(returns, trades), min_size=1, max_size=6),
    st.sampled_from(MARKS),
    st.data(),
)
def test_the_four_shares_add_up_to_the_loss_to_the_last_quantum(moves: Any, mark: str, data: st.DataObject) -> None:
    place = history(moves, mark)
    references = np.arange(place.moments.last + 1)
    closing = np.array([data.draw(st.floats(-1e6, 1e6)) for _ in references])
    found = attribute(place, references, np.zeros_like(references), closing)
    total = found.exogenous + found.flow + found.forced + found.mark_gap
    np.testing.assert_array_equal(total, found.loss)
    parts = np.stack([found.exogenous, found.flow, found.forced, found.mark_gap])
    np.testing.assert_array_equal(parts, np.rint(parts / QUANTUM) * QUANTUM)
    start = np.exp(place.moments.parts[references, :, 0].sum(axis=1))
    np.testing.assert_allclose(found.loss, closing * (start - place.mark_price), rtol=1e-9, atol=1e-3)


@given(returns, st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.floats(-100.0, 100.0))
def test_the_weights_are_the_path_integral_along_the_straight_line_in_logs(
    index: float, flow: float, forced: float, closing: float
) -> None:
    place = market([100.0, 100.0 * np.exp(index)], impact={"kind": "linear"})
    place.advance()
    place.absorb(units(flow * 1e6 / place.index_price[0]), forced=False)
    place.absorb(units(forced * 1e6 / place.index_price[0]), forced=True)
    found = one(place, 0, closing)
    changes = np.array([index, flow, forced])
    middles = (np.arange(4_000) + 0.5) / 4_000  # along the way P moves from 100 to its end, each cause in proportion
    shares = -closing * changes * (100.0 * np.exp(changes.sum() * middles)).mean()
    ours = [float(x[0]) for x in (found.exogenous, found.flow, found.forced)]
    np.testing.assert_allclose(ours, shares, rtol=1e-6, atol=1e-3)


def test_a_position_without_a_move_since_its_reference_lost_nothing_to_anybody() -> None:
    place = market([100.0, 100.0])
    place.advance()
    found = one(place, 0, 5.0)
    assert [float(x[0]) for x in (found.loss, found.exogenous, found.flow, found.forced)] == [0.0] * 4
    assert found.exposure[0] == pytest.approx(-500.0, rel=1e-12)  # dollars lost per unit of log rise


def test_the_smoothed_mark_has_a_gap_that_is_a_cause_of_its_own() -> None:
    smoothed = {"kind": "smoothed", "half_life_steps": 1.0, "band_rate": 0.9}
    place = market([100.0, 100.0, 100.0], mark=smoothed, impact={"kind": "linear"})
    place.absorb(units(-2_000.0), forced=True)  # the mid falls by a log .2, the mark waits for the next step
    place.advance()
    mid = 100.0 * np.exp(-0.2)
    mark = (100.0 + mid) / 2.0  # half of the way after one half-life
    assert place.mark_price == pytest.approx(mark, rel=1e-12)
    found = one(place, 0, 1.0)
    weight = log_mean(100.0, mark)
    assert found.loss[0] == pytest.approx(100.0 - mark, abs=QUANTUM)
    assert found.forced[0] == pytest.approx(0.2 * weight, abs=QUANTUM)
    assert found.mark_gap[0] == pytest.approx(-np.log(mark / mid) * weight, abs=QUANTUM)  # it still protects
    assert found.exogenous[0] == pytest.approx(0.0, abs=3 * QUANTUM)


# Columns that follow another ------------------------------------------------------------------------------------

FUTURE = {"name": "F", "instrument": {"kind": "future", "underlying": "A", "expiry_days": 30.0}}
CALL = {"name": "C", "instrument": {"kind": "option", "underlying": "A", "expiry_days": 30.0, "strike": 100.0}}


def followed(*path: float, scale: float = 1.0) -> Market:
    """A, a future without interest and a call on it, at moment 0 of a path."""
    first = {"name": "A", "price": 100.0, "depth": 1e6}
    impact = {"kind": "linear", "scale": scale, "permanent_share": 0.5}
    return venue([book("x", {}, 10.0)], markets=[first, FUTURE, CALL], price=storm(*path), impact=impact).market


@given(st.lists(st.tuples(st.floats(80.0, 120.0), st.floats(-2e3, 2e3), st.booleans()), min_size=2, max_size=5))
def test_a_future_without_interest_has_the_causes_of_its_underlying_whenever_it_was_bought(moves: Any) -> None:
    place = followed(100.0, *(price for price, _, _ in moves))
    for _, volume, forced in moves:
        place.advance()
        place.absorb(units(volume, 0.0, 0.0), forced)
    moments = np.arange(place.moments.last + 1)
    for until in (None, np.full(len(moments), place.moments.last), np.maximum(place.moments.last - 1, moments)):
        own, future = (
            attribute(place, moments, np.full_like(moments, j), np.full(len(moments), 3.0), until) for j in (0, 1)
        )
        for name in ("loss", "exogenous", "flow", "forced", "mark_gap", "exposure"):
            np.testing.assert_allclose(getattr(future, name), getattr(own, name), rtol=1e-6, atol=2e-3)
        np.testing.assert_allclose(future.through, future.exposure, rtol=1e-5)
        assert not own.through.any()


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_call_that_only_forced_trades_have_moved_has_lost_by_forced_trades_but_for_its_curvature(side: float) -> None:
    """Of a move of 3 % curvature is less than a fiftieth of the loss, and half of that part in half of the move."""
    left = []
    for volume in (300.0, 150.0):
        place = followed(100.0, 100.0)
        before = float(place.mark_price[2])
        place.absorb(units(side * volume, 0.0, 0.0), forced=True)
        found = attribute(place, np.array([0]), np.array([2]), np.array([2.0]))
        lost = 2.0 * (before - float(place.mark_price[2]))
        assert found.loss[0] == pytest.approx(lost, abs=QUANTUM)
        assert found.flow[0] == found.mark_gap[0] == 0.0
        assert found.exogenous[0] + found.forced[0] == found.loss[0]
        left.append(abs(float(found.exogenous[0]) / lost))
    assert left[0] < 0.02
    assert left[1] == pytest.approx(left[0] / 2.0, rel=0.1)


def test_a_push_on_an_option_s_own_book_is_its_own() -> None:
    place = followed(100.0, 100.0)
    bought = place.moments.last
    depth = float(place.depth[2] / place.index_price[2])
    place.absorb(units(0.0, 0.0, -0.1 * depth), forced=False)
    own, other = (attribute(place, np.array([bought]), np.array([j]), np.array([2.0])) for j in (2, 0))
    assert own.loss[0] == pytest.approx(own.flow[0], abs=4 * QUANTUM)
    assert own.flow[0] > 0.0
    assert other.loss[0] == 0.0


# Two liquidations by hand --------------------------------------------------------------------------------------


# First is long 10 at 100 with 52 dollars: under 5 % maintenance below (1000 - 52) / 10 / .95 = 99.789.
# Second is long 10 at 100 with 90 dollars: under below 95.789. Selling 10 units lowers the price by 5 dollars.
# The index falls to 99. First goes: 99 -> 94. Second goes: 94 -> 89.
def two_longs(**changes: Any) -> MarketModel:
    people = [book("first", {"A": 10.0}, 52.0), book("second", {"A": 10.0}, 90.0)]
    by_five = {"kind": "linear_units", "dollars_per_unit": 0.5}
    made = venue(people, price=storm(100.0, 99.0), impact=by_five, insurance_fund=1e6, **changes)
    made.run()
    return made


def test_two_liquidations_by_hand() -> None:
    model = two_longs()
    events = model.exchange.desk.log.events
    assert len(events) == 2
    assert (events.row == [model.groups[0].rows[0], model.groups[1].rows[0]]).all()
    np.testing.assert_array_equal(events.round, [0.0, 1.0])
    np.testing.assert_array_equal(events.quantity, [-10.0, -10.0])
    np.testing.assert_allclose(events.mark_before, [99.0, 94.0], rtol=1e-12)
    np.testing.assert_allclose(events.fill, [96.5, 91.5], rtol=1e-12)  # the middle of 99 to 94, of 94 to 89
    np.testing.assert_allclose(events.mark_after, [94.0, 89.0], rtol=1e-12)
    np.testing.assert_allclose(events.equity, [42.0, 30.0], atol=1e-4)
    np.testing.assert_allclose(events.maintenance, [49.5, 47.0], atol=1e-9)
    assert (events.taker == BOOK).all()
    np.testing.assert_array_equal(events.push, [0.0, 1.0])
    np.testing.assert_array_equal(events.healthy_alone, [0.0, 0.0])


def test_their_causes_by_hand() -> None:
    events = two_longs().exchange.desk.log.events
    np.testing.assert_allclose(events.loss, [10.0, 60.0], atol=QUANTUM)  # to the mark that triggered each
    weight = log_mean(100.0, 94.0)  # 96.969
    by_index, by_first = -np.log(0.99) * weight * 10.0, np.log(99.0 / 94.0) * weight * 10.0
    assert by_index == pytest.approx(9.7457, abs=1e-4)
    np.testing.assert_allclose(events.exogenous, [10.0, by_index], atol=2 * QUANTUM)
    np.testing.assert_allclose(events.forced, [0.0, by_first], atol=2 * QUANTUM)
    np.testing.assert_array_equal(events.flow, 0.0)
    np.testing.assert_array_equal(events.mark_gap, 0.0)


def test_their_money_by_hand() -> None:
    model = two_longs(liquidation={"kind": "full", "penalty_rate": 0.0})
    cash = model.accounts.cash[[4, 5], 0]
    np.testing.assert_allclose(cash, [52.0 - 35.0, 90.0 - 85.0], atol=1e-9)
    assert not model.exchange.waterfall.bankruptcies


def test_without_impact_the_second_survives() -> None:
    people = [book("first", {"A": 10.0}, 52.0), book("second", {"A": 10.0}, 90.0)]
    model = venue(people, price=storm(100.0, 99.0))
    model.run()
    assert (model.exchange.desk.log.events.row == 4).all()


def test_a_trade_sets_the_point_from_which_a_loss_is_counted() -> None:
    people = [book("long", {"A": 10.0}, 60.0)]
    model = venue(people, price=storm(100.0, 102.0, 99.0, 98.0))
    model.step()
    model.exchange.clearing.match(model.groups[0].rows, np.array([[-1.0]]))  # at 102
    model.run()
    events = model.exchange.desk.log.events
    assert events.mark_before[0] == 98.0
    np.testing.assert_allclose(events.loss, 9.0 * 4.0, atol=QUANTUM)


def test_funding_takes_money_but_is_no_part_of_a_loss() -> None:
    funding = {"kind": "premium", "interval_steps": 1, "interest_rate": 0.0075, "clamp_rate": 0.1}
    model = venue([book("long", {"A": 10.0}, 65.0)], steps=5, funding=funding)
    model.run()
    events = model.exchange.desk.log.events
    assert events.step.tolist() == [3.0]  # 7.5 dollars a step; 65 - 3 x 7.5 is less than 50
    for column in (events.loss, events.exogenous, events.flow, events.forced, events.mark_gap):
        assert column.tolist() == [0.0]
    assert events.equity[0] == pytest.approx(42.5)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from(MARKS), st.sampled_from(["isolated", "portfolio"]))
def test_in_whole_runs_the_shares_of_every_event_add_up(seed: int, mark: str, margin: str) -> None:
    people = [{"kind": "holder", "count": 40, "leverage": {"kind": "uniform", "low": 3.0, "high": 9.5}}]
    people += [{"kind": "momentum", "count": 10}, {"kind": "noise", "count": 10}]
    model = venue(
        people, 3, seed=seed, price={"kind": "gbm"}, impact={"kind": "square_root"}, step_seconds=86_400.0,
        mark={"kind": mark}, margin={"kind": margin}, liquidators=[{"count": 1}], backstop={"capital": 1e5},
    )  # fmt: skip
    model.run()
    events = model.exchange.desk.log.events
    np.testing.assert_array_equal(events.exogenous + events.flow + events.forced + events.mark_gap, events.loss)


def test_a_log_that_has_been_read_goes_on() -> None:
    log, events = EventLog(), two_longs().exchange.desk.log.events
    for _ in range(3):
        log.add(events)
        assert len(log.events) % 2 == 0
    log.add(EventLog().events)
    assert len(log.events) == 6
    np.testing.assert_array_equal(log.events.loss, np.tile(events.loss, 3))


def test_an_empty_log_has_no_events_and_empty_columns() -> None:
    events = EventLog().events
    assert len(events) == 0
    assert events.loss.shape == (0,)
