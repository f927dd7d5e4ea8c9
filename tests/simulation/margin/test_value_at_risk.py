"""Value at Risk margin: matrix algebra by brute force, samples, add-ons, and what it may never do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from simulation.arrays import Array
from simulation.board import Board, Book, Listed
from simulation.errors import ScenarioError
from simulation.instrument.black_scholes import Vanilla, greeks
from simulation.margin.base import Opening
from simulation.margin.tail import Tail
from simulation.margin.value_at_risk import ValueAtRiskMargin
from tests import venues
from tests.simulation.margin.venues import VOLATILITY, asked, opened

MARKETS = 4
books = arrays(np.float64, MARKETS, elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 2)))
correlations = st.floats(-1.0 / (MARKETS - 1), 1.0)  # lower ones do not exist among this many
LAWS: tuple[dict, ...] = (
    {"kind": "normal"},
    {"kind": "student_t"},
    {"kind": "historical"},
    {"kind": "filtered_historical"},
    {"kind": "t_copula", "draws": 400},
)
each_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law["kind"])


def matrix(correlation: float, markets: int = MARKETS) -> Array:
    return correlation * np.ones((markets, markets)) + (1.0 - correlation) * np.eye(markets)


# The closed form ------------------------------------------------------------------------------------------------


@given(books, correlations, st.sampled_from(("var", "es")), st.floats(0.9, 0.999), st.integers(1, 30))
def test_the_requirement_is_a_multiple_of_the_root_of_the_quadratic_form(
    book: Array, rho: float, measure: str, confidence: float, horizon: int
) -> None:
    rule = opened(MARKETS, measure=measure, confidence=confidence, correlation=rho, horizon_steps=horizon)
    spread = np.sqrt(max(book @ matrix(rho) @ book, 0.0)) * VOLATILITY * np.sqrt(horizon)
    assert asked(rule, book)[0] == pytest.approx(Tail(measure, confidence).normal() * spread, rel=1e-9, abs=1e-3)


def test_a_correlation_that_so_many_markets_cannot_have_is_refused() -> None:
    assert asked(opened(2, correlation=-1.0), [[100.0, -100.0]])[0] == pytest.approx(asked(opened(1), [[200.0]])[0])
    with pytest.raises(ScenarioError, match=r"margin.correlation: -0.6 is too low for 3 columns"):
        opened(3, correlation=-0.6)


def test_a_single_position_needs_its_quantile_of_its_own_volatility() -> None:
    rule = opened(2, volatility=np.array([0.02, 0.05]))
    np.testing.assert_allclose(
        asked(rule, [[1000.0, 0.0], [0.0, -1000.0]]), [2.3263479 * 20, 2.3263479 * 50], rtol=1e-7
    )


def test_student_t_has_the_same_variance_and_a_heavier_tail() -> None:
    rule = opened(1, law={"kind": "student_t", "tail_index": 4.0})
    assert asked(rule, [1000.0])[0] == pytest.approx(3.74695 * np.sqrt(0.5) * 20.0, rel=1e-5)


def test_initial_margin_is_maintenance_times_its_ratio() -> None:
    rule = opened(2, initial_ratio=1.5)
    book = [700.0, -300.0]
    assert asked(rule, book, "initial")[0] == pytest.approx(1.5 * asked(rule, book)[0], rel=1e-12)


# What no law may do ---------------------------------------------------------------------------------------------


@each_law
@settings(max_examples=25, deadline=None)
@given(book=books, scale=st.floats(0.1, 10.0))
def test_it_scales_with_the_book_and_is_never_negative(law: dict, book: Array, scale: float) -> None:
    rule = opened(MARKETS, law=law)
    needed = asked(rule, book)[0]
    assert needed >= 0.0
    assert asked(rule, book * scale)[0] == pytest.approx(needed * scale, rel=1e-9, abs=1e-6)


@each_law
@settings(max_examples=25, deadline=None)
@given(one=books, other=books)
def test_shortfall_of_two_books_together_is_at_most_their_sum(law: dict, one: Array, other: Array) -> None:
    rule = opened(MARKETS, law=law, measure="es", correlation_stress=0.0)
    apart = asked(rule, one)[0] + asked(rule, other)[0]
    assert asked(rule, one + other)[0] <= apart * (1 + 1e-9) + 1e-6


@each_law
@settings(max_examples=25, deadline=None)
@given(book=books, change=arrays(np.float64, MARKETS, elements=st.floats(-0.05, 0.05)), stress=st.floats(0.0, 1.0))
def test_the_requirement_never_grows_faster_than_its_steepness(
    law: dict, book: Array, change: Array, stress: float
) -> None:
    rule = opened(MARKETS, law=law, correlation_stress=stress, liquidity={"rate": 0.4}, horizon_steps=3)
    before, after = asked(rule, [book, book * (1.0 + change)])
    most = (rule.steepness(None) * np.abs(book * change)).sum()
    assert abs(after - before) <= most * (1 + 1e-9) + 1e-6


@each_law
def test_a_row_does_not_depend_on_its_company(law: dict) -> None:
    rule = opened(MARKETS, law=law, correlation_stress=0.3, liquidity={"rate": 0.4})
    rows = np.random.default_rng(3).normal(size=(40, MARKETS)) * 1e5
    alone = np.concatenate([asked(rule, row) for row in rows])
    assert asked(rule, rows).tobytes() == alone.tobytes()


@given(books, correlations, st.permutations(range(MARKETS)))
def test_the_order_of_the_markets_changes_nothing(book: Array, rho: float, order: list[int]) -> None:
    rule = opened(MARKETS, correlation=rho, correlation_stress=0.2)
    assert asked(rule, book[order])[0] == pytest.approx(asked(rule, book)[0], rel=1e-9, abs=1e-4)


# Samples --------------------------------------------------------------------------------------------------------


@each_law
def test_before_anything_has_happened_every_law_is_near_the_assumed_one(law: dict) -> None:
    rule = opened(2, law=law, window_steps=4000, correlation=0.6)
    heavy = opened(
        2, law={"kind": "student_t" if law["kind"] in ("student_t", "t_copula") else "normal"}, correlation=0.6
    )
    for book in ([1e4, 1e4], [1e4, -1e4], [1e4, 0.0]):
        assert asked(rule, book)[0] == pytest.approx(asked(heavy, book)[0], rel=0.25)


@pytest.mark.parametrize(("law", "scaled"), [("historical", False), ("filtered_historical", True)])
def test_a_filled_window_is_the_past_itself_or_the_past_at_todays_volatility(law: str, scaled: bool) -> None:
    window, random = 40, np.random.default_rng(5)
    update = {"kind": "ewma", "decay": 0.9}
    rule = opened(2, law={"kind": law}, window_steps=window, update=update, confidence=0.9)
    moved = random.normal(size=(window, 2)) * 0.03
    price, variance, unit = np.full(2, 100.0), np.full(2, VOLATILITY**2), []
    for step in moved:
        price = price * (1.0 + step)
        rule.observe(price)
        unit.append(step / np.sqrt(variance))
        variance = 0.9 * variance + 0.1 * step**2
    past = np.array(unit) * np.sqrt(variance) if scaled else moved
    for book in (np.array([1e4, -5e3]), np.array([1e4, 2e4])):
        losses = np.sort(-(past @ book))
        assert asked(rule, book)[0] == pytest.approx(losses[window * 9 // 10 - 1], rel=1e-9)


def test_a_crash_enters_historical_margin_and_leaves_it_with_the_window() -> None:
    rule = opened(1, law={"kind": "historical"}, window_steps=50, confidence=0.98, measure="es")
    price = np.array([100.0])
    levels = []
    for step in range(120):
        price = price * (0.6 if step == 60 else 1.001 if step % 2 else 0.999)
        rule.observe(price)
        levels.append(asked(rule, [1000.0])[0])
    assert max(levels[:60][-5:]) < 100.0
    assert levels[60] == pytest.approx(400.0, rel=1e-9)
    assert levels[109] == pytest.approx(400.0, rel=1e-9)
    assert levels[110] < 100.0


def test_a_copula_of_joint_crashes_asks_more_of_diversified_books_only() -> None:
    loose, tight = (
        opened(4, law={"kind": "t_copula", "copula_tail_index": a, "draws": 40_000}, measure="es", correlation=0.3)
        for a in (1000.0, 2.2)
    )
    assert asked(tight, [1e4] * 4)[0] > 1.03 * asked(loose, [1e4] * 4)[0]
    assert asked(tight, [1e4, 0, 0, 0])[0] == pytest.approx(asked(loose, [1e4, 0, 0, 0])[0], rel=0.1)


def test_equal_indices_of_margins_and_copula_are_multivariate_student_t() -> None:
    drawn = opened(2, law={"kind": "t_copula", "draws": 100_000}, correlation=0.5, confidence=0.975)
    closed = opened(2, law={"kind": "student_t"}, correlation=0.5, confidence=0.975)
    for book in ([1e4, 1e4], [1e4, -1e4]):
        assert asked(drawn, book)[0] == pytest.approx(asked(closed, book)[0], rel=0.04)


# Add-ons --------------------------------------------------------------------------------------------------------


@given(books, correlations, st.floats(0.0, 1.0))
def test_correlation_stress_is_the_worst_of_three_matrices_by_brute_force(
    book: Array, rho: float, share: float
) -> None:
    rule = opened(MARKETS, correlation=rho, correlation_stress=share)
    assumed = matrix(rho)
    shifted = [assumed, *((1 - share) * assumed + share * end for end in (np.ones_like(assumed), np.eye(MARKETS)))]
    worst = max(max(book @ one @ book, 0.0) for one in shifted) ** 0.5
    assert asked(rule, book)[0] == pytest.approx(Tail("var", 0.99).normal() * VOLATILITY * worst, rel=1e-6, abs=1e-2)


@given(st.floats(1.0, 1e6), st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_closing_costs_a_growing_share_of_the_position_up_to_the_cap(size: float, rate: float, power: float) -> None:
    rule = opened(1, depth=1e5, liquidity={"rate": rate, "power": power, "cap_rate": 0.3})
    plain = opened(1)
    cost = asked(rule, [-size])[0] - asked(plain, [-size])[0]
    assert cost == pytest.approx(size * min(rate * (size / 1e5) ** power, 0.3), rel=1e-6, abs=1e-6)


def test_liquidity_cost_does_not_net_in_a_hedged_pair() -> None:
    liquidity = {"rate": 0.1, "power": 1.0}
    rule = opened(2, correlation=1.0, depth=1e5, liquidity=liquidity)
    assert asked(rule, [1e4, -1e4])[0] == pytest.approx(2 * 1e4 * 0.1 * 0.1, rel=1e-9)


# Options --------------------------------------------------------------------------------------------------------


def test_an_option_counts_at_its_delta_and_is_hedged_by_its_underlying() -> None:
    listed = Listed(
        ("P", "C"), ("perpetual", "option"), np.zeros(2, int), np.array([np.nan, 100.0]), np.array([0.0, 1.0])
    )
    board = Board.at(
        listed,
        np.array([100.0, 8.0]),
        spot=np.full(2, 100.0),
        volatility=np.full(2, 0.8),
        years=np.array([np.inf, 0.1]),
    )
    rule = ValueAtRiskMargin().opened(Opening(listed, np.full(2, 100.0), np.full(2, 1e6), np.full(2, VOLATILITY**2)))
    delta = float(greeks(Vanilla(1.0, 100.0, 0.1), 100.0, 0.8).delta)
    short_call = Book.of(np.zeros(1), np.array([[0.0, -10.0]]), board.price)
    assert rule.requirement(short_call, board, "maintenance")[0] == pytest.approx(
        Tail("var", 0.99).normal() * VOLATILITY * 10.0 * delta * 100.0, rel=1e-9
    )
    hedged = Book.of(np.zeros(1), np.array([[10.0 * delta, -10.0]]), board.price)
    assert rule.requirement(hedged, board, "maintenance")[0] == pytest.approx(0.0, abs=1e-4)


def test_requirements_cover_the_share_of_losses_they_promise() -> None:
    rule = opened(2, correlation=0.5, confidence=0.95)
    moves = stats.multivariate_normal([0, 0], matrix(0.5, 2) * VOLATILITY**2).rvs(100_000, random_state=1)
    book = np.array([1e4, -2e4])
    share = float((-(moves @ book) > asked(rule, book)[0]).mean())
    assert share == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 100_000) ** 0.5)


@pytest.mark.parametrize(("underlying", "volatility"), [("A", 0.5), ("B", 1.5)])
def test_an_option_in_a_venue_has_the_risk_of_its_own_underlying(underlying: str, volatility: float) -> None:
    """A call at the money over 30 days needs what its delta N(sigma sqrt(T) / 2) of the underlying perpetual needs."""
    plain = {"price": 100.0, "depth": 1e7, "tiers": venues.TIERS}
    option = {"kind": "option", "underlying": underlying, "strike": 100.0, "expiry_days": 30.0}
    markets = [
        {"name": "A", "volatility": 0.5, **plain},
        {"name": "B", "volatility": 1.5, **plain},
        {"name": "CALL", "depth": 1e7, "tiers": venues.TIERS, "instrument": option},
    ]
    rule = {"kind": "value_at_risk"}
    model = venues.venue(
        [venues.book("call", {"CALL": -10.0}, 5e3), venues.book("perp", {underlying: -10.0}, 5e3)],
        3,
        markets=markets,
        margin=rule,
    )
    needed = [float(model.engine.health(venues.rows(model, i)).maintenance.sum()) for i in range(2)]
    delta = stats.norm.cdf(volatility * np.sqrt(30.0 / 365.0) / 2.0)
    assert needed[0] == pytest.approx(delta * needed[1], rel=1e-3)
