"""Impact laws against their closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from simulation.arrays import Array
from simulation.impact.base import Book, ImpactRule
from tests.simulation.markets import flat, market, units

BOOK = Book(price=units(80.0), index=units(100.0), depth=units(1e6))
LAWS = [
    {"kind": "none"},
    {"kind": "linear", "scale": 0.7},
    {"kind": "linear_units", "dollars_per_unit": 0.01},
    {"kind": "square_root", "scale": 0.3},
    {"kind": "square_root", "exponent": 0.8},
    {"kind": "outside_wealth", "supply": 50_000.0},
]
volumes = st.floats(-2_000.0, 2_000.0).filter(lambda x: x == 0.0 or abs(x) > 1e-3)
laws = st.sampled_from(LAWS)


def moves(law: dict, done: float, volume: float, book: Book = BOOK) -> tuple[float, float]:
    move = ImpactRule.parse(law).move(units(done), units(volume), book)
    return float(move.average[0]), float(move.final[0])


def test_linear_impact_moves_the_log_price_by_money_over_depth() -> None:
    assert moves({"kind": "linear"}, 0.0, 500.0) == pytest.approx((0.025, 0.05))  # 50,000 of 1,000,000 dollars
    assert moves({"kind": "linear", "scale": 3.0}, 0.0, -500.0) == pytest.approx((-0.075, -0.15))


def test_linear_impact_in_units_moves_the_price_by_dollars_per_unit() -> None:
    average, final = moves({"kind": "linear_units", "dollars_per_unit": 0.01}, 0.0, -500.0)
    assert 80.0 * np.exp(final) == pytest.approx(75.0)
    assert 80.0 * np.exp(average) == pytest.approx(77.5)


@given(st.floats(50.0, 150.0), st.floats(-900.0, 900.0), st.floats(-0.9, 0.9))
def test_outsiders_spend_the_same_money_on_what_is_left_to_them(index: float, held: float, share: float) -> None:
    """p (N - X) = N index before and after: X units are with traders, who buy `share` of the rest."""
    supply = 1_000.0
    book = Book(units(index * supply / (supply - held)), units(index), units(1e6))
    volume = share * (supply - held)
    average, final = moves({"kind": "outside_wealth", "supply": supply}, 0.0, volume, book)
    assert float(book.price[0]) * np.exp(final) * (supply - held - volume) == pytest.approx(supply * index)
    if abs(share) > 1e-3:
        paid = quad(lambda x: supply * index / (supply - held - x), 0.0, volume)[0]
        assert float(book.price[0]) * np.exp(average) * volume == pytest.approx(paid, rel=1e-7)


def test_outsiders_never_sell_their_last_unit() -> None:
    average, final = moves({"kind": "outside_wealth", "supply": 100.0}, 0.0, 1e6)
    assert 0.0 < average < final < 25.0


@given(st.floats(-1e-5, 1e-5), st.sampled_from((-1.0, 1.0)))
def test_a_small_trade_with_outsiders_fills_half_way(share: float, side: float) -> None:
    average, final = moves({"kind": "outside_wealth", "supply": 125.0}, 0.0, side * share * 100.0 * 125.0 / 80.0)
    assert average == pytest.approx(final / 2.0, rel=1e-5, abs=1e-15)


def test_linear_impact_in_units_never_takes_the_price_to_zero() -> None:
    _, final = moves({"kind": "linear_units", "dollars_per_unit": 1.0}, 0.0, -1e6)
    assert np.isfinite(final)


def test_the_square_root_of_the_share_of_depth_is_the_displacement() -> None:
    average, final = moves({"kind": "square_root"}, 0.0, 400.0)  # 4 % of depth
    assert final == pytest.approx(0.2)
    assert average == pytest.approx(0.2 * 2.0 / 3.0)


@given(st.floats(0.1, 2.0), volumes)
def test_a_power_law_fills_at_one_over_one_plus_the_exponent_of_its_move(exponent: float, volume: float) -> None:
    average, final = moves({"kind": "square_root", "exponent": exponent}, 0.0, volume)
    assert average == pytest.approx(final / (1.0 + exponent), rel=1e-9)


@given(laws, volumes)
def test_moves_have_the_sign_of_the_volume(law: dict, volume: float) -> None:
    average, final = moves(law, 0.0, volume)
    assert (final == 0.0) == (volume == 0.0 or law["kind"] == "none")
    assert final * volume >= 0.0
    assert average * volume >= 0.0


@given(laws, volumes, volumes, volumes)
def test_more_volume_moves_the_price_at_least_as_far(law: dict, done: float, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert moves(law, done, less)[1] <= moves(law, done, more)[1] + 1e-15


@given(st.sampled_from(LAWS[3:5]), volumes, volumes)
def test_the_average_is_the_integral_of_the_law_along_the_volume(law: dict, done: float, volume: float) -> None:
    average, _ = moves(law, done, volume)
    if volume:
        points = [x for x in (-done / volume,) if 0.0 < x < 1.0]  # the kink where the metaorder is undone
        exact = quad(lambda x: moves(law, done, x * volume)[1], 0.0, 1.0, points=points or None, limit=200)[0]
        assert average == pytest.approx(exact, rel=1e-5, abs=1e-9)


@given(st.sampled_from(LAWS[3:5]), st.floats(-1e6, 1e6), st.floats(-1e-9, 1e-9))
def test_dust_after_a_large_metaorder_fills_between_nothing_and_its_move(law: dict, done: float, dust: float) -> None:
    average, final = moves(law, done, dust)
    assert min(final, 0.0) <= average <= max(final, 0.0)


@given(laws, st.lists(volumes, min_size=1, max_size=10))
def test_slices_move_the_price_exactly_as_far_as_one_order(law: dict, slices: list[float]) -> None:
    whole, sliced = market(flat(), impact=law), market(flat(), impact=law)
    whole.absorb(units(sum(slices)), forced=False)
    for volume in slices:
        sliced.absorb(units(volume), forced=False)
    assert sliced.mid == pytest.approx(whole.mid, rel=1e-9)


@pytest.mark.parametrize("law", LAWS[1:4])
def test_slices_pay_what_one_order_pays_up_to_the_curvature_of_the_logarithm(law: dict) -> None:
    whole, sliced = market(flat(), impact=law), market(flat(), impact=law)
    one = whole.absorb(units(-400.0), forced=True)[0]
    many = np.mean([sliced.absorb(units(-0.4), forced=True)[0] for _ in range(1_000)])
    assert many == pytest.approx(one, rel=1e-3)


def test_without_memory_slices_would_cost_the_square_root_of_their_number_more() -> None:
    fresh = sum(moves({"kind": "square_root"}, 0.0, 4.0)[1] for _ in range(100))
    assert fresh == pytest.approx(10.0 * moves({"kind": "square_root"}, 0.0, 400.0)[1])


@given(st.sampled_from(LAWS[:3]), volumes, st.floats(50.0, 200.0))
def test_a_round_trip_under_permanent_linear_impact_costs_nothing(law: dict, volume: float, price: float) -> None:
    place = market(flat(price=price), impact=law)
    out = place.absorb(units(volume), forced=False)
    back = place.absorb(units(-volume), forced=False)
    assert back == pytest.approx(out, rel=1e-12)
    assert place.mid == pytest.approx(price, rel=1e-12)


def test_the_memory_of_a_metaorder_halves_with_its_transient_impact() -> None:
    place = market(flat(), impact={"kind": "square_root", "half_life_steps": 1.0, "permanent_share": 0.0})
    place.absorb(units(-400.0), forced=True)
    place.advance()
    assert place.metaorder == -200.0
    assert place.displacement[1, 0] == pytest.approx(-0.1)


def test_thin_depth_makes_the_same_volume_move_the_price_further() -> None:
    thin = Book(BOOK.price, BOOK.index, BOOK.depth / 4.0)
    assert moves({"kind": "linear"}, 0.0, 100.0, thin)[1] == pytest.approx(
        4.0 * moves({"kind": "linear"}, 0.0, 100.0)[1]
    )
    root = {"kind": "square_root"}
    assert moves(root, 0.0, 100.0, thin)[1] == pytest.approx(2.0 * moves(root, 0.0, 100.0)[1])


@given(laws, volumes)
def test_the_mirror_of_a_volume_moves_the_mirror_of_the_log_price(law: dict, volume: float) -> None:
    up, down = moves(law, 0.0, volume), moves(law, 0.0, -volume)
    if law["kind"] not in ("linear_units", "outside_wealth"):  # laws in dollars are not symmetric in logs
        assert up == pytest.approx(tuple(-x for x in down), abs=1e-18)


def test_markets_do_not_move_each_other() -> None:
    place = market(flat(markets=3), impact={"kind": "square_root"})
    place.absorb(units(0.0, -500.0, 0.0), forced=True)
    moved: Array = place.mid != 100.0
    assert moved.tolist() == [False, True, False]
