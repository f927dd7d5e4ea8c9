"""The contagion matrix of a book of five accounts, every entry worked out on paper.

Marks stand at 100 dollars and move by 2 % (log); a unit of either market needs 5 dollars of maintenance. P holds 10 A
and 4 B with 80 dollars: a fall of A leaves it 60.20 against 69.01 needed, a fall of B 72.16 against 69.60. Q holds 20 B
with 130: 90.40 against 98.02. S holds 10 A and is short 5 B with 90: 70.20 against 74.01 where A falls, more where B
does. R is short 3 A with 18 dollars and falls where A rises: 11.94 against 15.30. T, one A with 4 dollars, is under
maintenance already.
"""

import math

import numpy as np
import pytest

from experiments.warning.early_warning import LiveBook, impact_slope, shifted
from tests.venues import book, venue

H = 0.02
PEOPLE = [
    book("P", {"A": 10.0, "B": 4.0}, 80.0),
    book("Q", {"B": 20.0}, 130.0),
    book("R", {"A": -3.0}, 18.0),
    book("S", {"A": 10.0, "B": -5.0}, 90.0),
    book("T", {"A": 1.0}, 4.0),
]
TIERS = [{"floor": 0.0, "maintenance_rate": 0.05, "initial_rate": 0.1}]
LINEAR = {"kind": "linear", "scale": 1.0}


def markets(*depth):
    return [{"name": "AB"[i], "price": 100.0, "depth": d, "tiers": TIERS} for i, d in enumerate(depth)]


def read(people=PEOPLE, depth=(4e5, 2e5), **changes):
    """The book with slopes of 1 / 400,000 and 1 / 200,000 a dollar, unless the test says otherwise."""
    return LiveBook(venue(people, 2, markets=markets(*depth), **{"impact": LINEAR} | changes))


def test_dollars_forced_out_are_those_of_the_accounts_that_fall_and_of_no_others() -> None:
    warning = read().warning(H)
    # A falls: P sells 1,000 A and 400 B, S sells 1,000 A and buys 500 B back. B falls: Q sells 2,000.
    assert warning.triggered == pytest.approx(np.array([[2_000.0, -100.0], [0.0, 2_000.0]]), abs=1e-6)


def test_the_row_sells_and_the_column_is_forced_out() -> None:
    warning = read().warning(H)
    per_dollar = np.array([[2_000.0 / 4e5, -100.0 / 4e5], [0.0, 2_000.0 / 2e5]])
    assert warning.slope == pytest.approx([1 / 4e5, 1 / 2e5])
    assert warning.matrix == pytest.approx(per_dollar / H, abs=1e-12)
    assert warning.local_r0 == pytest.approx([0.25, 0.5])
    assert warning.radius == pytest.approx(0.5)


def test_a_rise_forces_shorts_to_buy() -> None:
    warning = read().warning(H, "up")
    assert warning.triggered == pytest.approx(np.array([[300.0, 0.0], [0.0, 0.0]]), abs=1e-6)
    assert warning.matrix[0, 0] == pytest.approx(300.0 / 4e5 / H)


def test_dollars_per_one_per_cent_do_not_net_sales_against_purchases() -> None:
    for window in (H, 0.021):
        warning = read().warning(window)
        assert warning.per_percent == pytest.approx(np.array([2_100.0, 2_000.0]) * 0.01 / window)


def test_who_is_under_maintenance_already_does_not_fall_again() -> None:
    live = read([PEOPLE[4]])
    assert not live.sales(np.array([-0.5, 0.0])).any()
    assert live.warning(H).per_percent.tolist() == [0.0, 0.0]


def test_a_prediction_sends_the_dollars_of_the_row_on_to_the_column() -> None:
    found = read().warning(H).predict(np.array([100.0, 0.0]))
    # 100 dollars of A grow to 100 / (1 - .25); each of them has .0125 dollars of B bought, which grow by 1 / (1 - .5).
    bought = -0.0125 * (400.0 / 3.0) / 0.5
    assert found.total == pytest.approx([400.0 / 3.0, bought])
    assert found.amplification == pytest.approx((400.0 / 3.0 - bought) / 100.0)
    assert found.moves == pytest.approx([-400.0 / 3.0 / 4e5, -bought / 2e5]), "sales move a mark down, purchases up"


def test_purchases_in_a_rise_move_marks_up() -> None:
    found = read().warning(H, "up").predict(np.array([300.0, 0.0]))
    assert found.total[0] == pytest.approx(300.0 / (1.0 - 300.0 / 4e5 / H))
    assert found.moves[0] == pytest.approx(found.total[0] / 4e5)


def test_the_reach_counts_the_shock_and_what_follows_it() -> None:
    warning = read().warning(H)
    for sold, shock, inside in ((4_000.0, 0.0, True), (4_000.0, -0.006, True), (4_000.0, -0.007, False)):
        # 4,000 dollars of A grow to 5,333, a move of 1.33 %: room for .67 %.
        assert warning.predict(np.array([sold, 0.0]), shock).in_reach is inside
    assert not warning.predict(np.array([6_100.0, 0.0])).in_reach


def test_the_first_round_is_that_of_the_shock_in_its_own_direction() -> None:
    live = read()
    assert live.foresee(np.array([-H, 0.0]), H).first == pytest.approx([2_000.0, -100.0])
    assert live.foresee(np.array([H, 0.0]), H).first == pytest.approx([300.0, 0.0])
    both = live.foresee(np.array([-H, -H]), H)
    # With both down P and Q fall; S loses 19.80 on A and wins 9.90 on B: 80.10 against 73.51.
    assert both.first == pytest.approx([1_000.0, 2_400.0])
    assert both.total == pytest.approx(np.array([1_000.0, 2_400.0]) @ np.linalg.inv(np.eye(2) - live.warning(H).matrix))


def test_where_one_market_falls_and_another_rises_there_is_a_first_round_and_no_prediction() -> None:
    live = read()
    mixed = live.foresee(np.array([-H, H]), H)
    assert mixed.first == pytest.approx(live.sales(np.array([-H, H])).sum(axis=0))
    assert mixed.first[0] > 0.0  # longs of what falls are sold
    assert np.isnan(mixed.total).all() and np.isnan(mixed.moves).all() and np.isnan(mixed.amplification)
    assert not mixed.in_reach and mixed.reason == "some marks fall and others rise: predicted for one direction"
    for alike in ([-H, 0.0], [0.0, H], [0.0, 0.0]):
        assert live.foresee(np.array(alike), H).reason == ""


def test_by_class_a_dollar_is_spread_as_the_class_sells() -> None:
    matrix = read().by_class(np.arange(5), H)
    by_a, by_b = 1.0 / 4e5 / H, 1.0 / 2e5 / H  # what a dollar of either market moves its mark, in windows
    p, s = (1_000.0 / 1_400.0, 400.0 / 1_400.0), (1_000.0 / 1_500.0, 500.0 / 1_500.0)
    expected = np.zeros((5, 5))
    # A falling forces 1,400 dollars out of P and 1,000 - 500 out of S, B falling 2,000 out of Q.
    for row, (of_a, of_b) in {0: p, 1: (0.0, 1.0), 3: s}.items():
        expected[row] = [of_a * by_a * 1_400.0, of_b * by_b * 2_000.0, 0.0, of_a * by_a * 500.0, 0.0]
    assert matrix == pytest.approx(expected, abs=1e-12)


def test_classes_without_members_and_with_several_are_told_apart() -> None:
    matrix = read().by_class(np.array([0, 2, 2, 0, 0]), H)
    assert matrix.shape == (3, 3)
    assert not matrix[1].any() and not matrix[:, 1].any()
    alone = read().by_class(np.arange(5), H)
    assert matrix[2, 2] == pytest.approx(alone[1, 1])


def test_in_isolated_margin_only_the_position_that_fell_is_closed() -> None:
    # 100 dollars behind each 1,000; a fall by 6 % (log) leaves one alone 41.76 against 47.09, pooled 141.76.
    even = [book("E", {"A": 10.0, "B": 10.0}, 200.0)]
    apart, pooled = (read(even, margin={"kind": kind}).warning(0.06).triggered for kind in ("isolated", "cross"))
    assert apart == pytest.approx(np.diag([1_000.0, 1_000.0]))
    assert not pooled.any()


def test_the_reach_of_an_unlike_shock_is_that_of_its_largest_part() -> None:
    """B falls by .1 % and A by 1.9 or 2.1 %, of a window of 2 %; nobody sells anything of A at .1 %."""
    calm = [book("P", {"A": 10.0}, 500.0)]
    for a, inside in ((-0.019, True), (-0.021, False)):
        assert read(calm).foresee(np.array([a, -0.001]), H).in_reach is inside
        assert read(calm).foresee(np.array([-0.001, a]), H).in_reach is inside


def test_a_mark_that_does_not_show_the_book_has_no_contagion() -> None:
    live = read(mark={"kind": "oracle"})
    assert live.warning(H).slope.tolist() == [0.0, 0.0]
    assert live.warning(H).radius == 0.0
    assert live.warning(H).triggered[0, 0] == pytest.approx(2_000.0)


def test_a_smoothed_mark_shows_at_once_what_its_rule_says() -> None:
    model = venue(PEOPLE, 2, markets=markets(4e5, 2e5), impact=LINEAR, mark={"kind": "smoothed"})
    moved = model.market.mid * np.exp(-1e-3 * np.ones(2))
    shown = model.rules.mark.within_step(moved, model.market.mark_price)
    seen = np.log(shown / model.rules.mark.within_step(model.market.mid, model.market.mark_price)) / -1e-3
    assert (seen < 0.999).all(), "it lags"
    assert impact_slope(model.market) == pytest.approx(seen * np.array([1 / 4e5, 1 / 2e5]), rel=1e-3)


def test_of_a_concave_law_the_slope_is_the_chord_of_what_is_forced_out() -> None:
    live = read(impact={"kind": "square_root", "permanent_share": 1.0}, depth=(1e6, 1e6))
    once, four = (live.slope(np.diag([k * 1e4, k * 1e4])) for k in (1.0, 4.0))
    assert four == pytest.approx(once / 2.0, rel=1e-6)
    unlike = live.slope(np.array([[4e4, 9e9], [9e9, 1e4]]))
    assert unlike == pytest.approx([four[0], once[1]], rel=1e-6), "what is forced out of others does not count"


def test_where_next_to_nothing_is_forced_out_the_slope_is_that_of_one_per_cent_of_what_is_held() -> None:
    live = read(impact={"kind": "square_root", "permanent_share": 1.0}, depth=(1e9, 1e9))
    held = np.abs(live.value).sum(axis=0)
    assert held == pytest.approx([2_400.0, 2_900.0])
    assert live.slope(np.zeros((2, 2))) == pytest.approx(live.slope(np.diag(0.01 * held)), rel=1e-12)


def test_an_option_follows_the_market_it_is_written_on_and_no_other() -> None:
    call = {"kind": "option", "underlying": "A", "strike": 100.0, "side": "call", "expiry_days": 30.0}
    listed = [*markets(1e6, 1e6), {"name": "CALL", "depth": 1e6, "tiers": TIERS, "instrument": call}]
    market = venue([book("x", {"A": 1.0}, 1_000.0)], markets=listed, impact=LINEAR).market
    up, other = (shifted(market, np.array(move)) for move in ([H, 0.0, 0.0], [0.0, H, 0.0]))
    assert up[:2] == pytest.approx([100.0 * math.exp(H), 100.0])
    assert other == pytest.approx([100.0, 100.0 * math.exp(H), market.mark_price[2]])
    contracts = market.listing.contracts
    assert contracts is not None
    years, money = 30.0 / 365.0, math.exp(H)
    low, high = (float(contracts.value(2, np.array([100.0 * by]), np.array([0]))[0]) for by in (1.0, money))
    assert up[2] / market.mark_price[2] == pytest.approx(high / low, rel=1e-9)
    # An option near the money moves by several times its underlying, at most as many times as it is cheaper.
    assert 5.0 * H < math.log(up[2] / market.mark_price[2]) < 100.0 * (money - 1.0) / low
    assert years == pytest.approx(float(contracts.years(0)[2]))
