"""Collateral rules: hand-worked haircuts, caps and profit cuts; what more of a token never does; order of sale."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.board import Board, Book, Listed
from simulation.collateral.base import CollateralRule
from simulation.collateral.sale import closed_shares
from simulation.rule import load_rules

load_rules("simulation.collateral")
KINDS = sorted(CollateralRule.kinds())
NAMES, PRICE = ("PERP", "COIN", "STABLE"), np.array([100.0, 50.0, 1.0])
LISTED = Listed(NAMES, ("perpetual", "spot", "spot"), np.arange(3), np.full(3, np.nan), np.zeros(3))
amounts = st.floats(-1e4, 1e4)


def book(cash: float = 0.0, perp: float = 0.0, coin: float = 0.0, stable: float = 0.0, entry: float = 100.0) -> Book:
    position = np.array([[perp, coin, stable]])
    return Book(np.array([cash]), position, position * np.array([entry, 50.0, 1.0]))


def board(**known: Any) -> Board:
    return Board.at(LISTED, PRICE, **known)


def counts(rule: dict[str, Any], held: Book, level: Any = "maintenance", at: Board | None = None) -> float:
    return float(CollateralRule.parse(rule).value(held, at or board(), level)[0])


def test_a_flat_haircut_is_on_assets_and_none_on_debts() -> None:
    terms = {"kind": "flat", "default": {"haircut": 0.2}}
    assert counts(terms, book(coin=2.0)) == 80.0
    assert counts(terms, book(cash=200.0, coin=-2.0)) == 100.0
    dear = {"kind": "flat", "default": {"debt_premium": 0.1}}
    assert counts(dear, book(cash=200.0, coin=-2.0)) == pytest.approx(90.0)
    more = {"kind": "flat", "default": {"haircut": 0.2, "initial_extra": 0.1}}
    assert counts(more, book(coin=2.0), "initial") == pytest.approx(70.0)


def test_a_cap_is_what_a_token_counts_for_at_most_and_cash_has_none() -> None:
    terms = {"kind": "flat", "default": {"haircut": 0.0, "cap": 60.0}}
    assert counts(terms, book(coin=2.0)) == 60.0
    assert counts(terms, book(cash=1000.0)) == 1000.0


def test_tiers_are_cut_at_the_margin() -> None:
    ladder = {"tiers": [{"haircut": 0.1}, {"floor": 100.0, "haircut": 0.5}, {"floor": 300.0, "haircut": 1.0}]}
    terms = {"kind": "tiered", "default": ladder}
    assert [counts(terms, book(stable=x)) for x in (50.0, 100.0, 200.0, 1000.0)] == [45.0, 90.0, 140.0, 190.0]


def test_a_debt_has_no_tiers_but_its_premium() -> None:
    terms = {"kind": "tiered", "default": {"tiers": [{"haircut": 0.1}], "debt_premium": 0.25}}
    assert counts(terms, book(cash=500.0, stable=-200.0)) == 250.0
    assert counts(terms, book(cash=500.0, stable=-0.5)) == pytest.approx(499.375)
    own = {
        "kind": "tiered",
        "default": {"tiers": [{"haircut": 0.1}]},
        "markets": {"COIN": {"tiers": [{"haircut": 0.6}]}},
    }
    assert counts(own, book(coin=2.0, stable=100.0)) == pytest.approx(40.0 + 90.0)


@pytest.mark.parametrize(
    ("tiers", "named"),
    [
        ([(1.0, 0.1)], "tiers[0].floor: the first tier must start at 0 (got 1)"),
        ([(0.0, 0.1), (5.0, 0.2), (5.0, 0.3)], "tiers[2]: floors must rise"),
        ([(0.0, 0.1), (7.0, 0.2), (5.0, 0.3)], "tiers[2]: floors must rise"),
        ([(0.0, 0.2), (5.0, 0.1)], "tiers[1]: floors must rise, haircuts must not fall"),
    ],
)
def test_a_ladder_that_does_not_rise_is_refused_by_its_step(tiers: list[tuple[float, float]], named: str) -> None:
    ladder = [{"floor": floor, "haircut": haircut} for floor, haircut in tiers]
    with pytest.raises(ValueError, match=re.escape(named)):
        CollateralRule.parse({"kind": "tiered", "default": {"tiers": ladder}})


def test_two_tiers_with_one_haircut_are_one() -> None:
    flat = {"tiers": [{"haircut": 0.1}, {"floor": 100.0, "haircut": 0.1}]}
    assert counts({"kind": "tiered", "default": flat}, book(stable=300.0)) == pytest.approx(270.0)


def test_a_large_holding_counts_for_less_and_so_does_what_everybody_pledges() -> None:
    terms = {"kind": "concentration", "default": {"haircut": 0.2, "size_factor": 0.01, "deposit_start": 1000.0}}
    small, large = counts(terms, book(stable=100.0)) / 100.0, counts(terms, book(stable=1e4)) / 1e4
    assert small == 0.8
    assert large == pytest.approx(1.1 / (1.0 + 0.01 * 100.0))
    crowded = board(deposits=np.array([0.0, 0.0, 4000.0]))
    assert counts(terms, book(stable=100.0), "initial", crowded) == pytest.approx(20.0)
    assert counts(terms, book(stable=100.0), "maintenance", crowded) == pytest.approx(80.0), "not yours"


def test_profit_that_is_not_realised_counts_with_a_haircut_and_up_to_a_cap() -> None:
    winner = book(cash=-1000.0, perp=10.0, entry=90.0)  # bought at 90, worth 100: 100 of profit
    winner = Book(winner.cash + 100.0 + 50.0, winner.position, winner.cost)
    assert counts({"kind": "flat"}, winner) == 150.0
    assert counts({"kind": "flat", "profit_haircut": 0.4}, winner) == 110.0
    assert counts({"kind": "flat", "profit_cap": 30.0}, winner) == 80.0
    loser = book(cash=1000.0 - 200.0, perp=-10.0, entry=80.0)
    assert counts({"kind": "flat", "profit_cap": 0.0}, loser) == -200.0, "losses count whole"
    assert counts({"kind": "flat", "profit_haircut": 0.4}, loser) == -200.0, "and no part of them is left out"


def test_profits_and_losses_of_contracts_are_netted_and_those_of_tokens_are_no_profit() -> None:
    """10 bought at 90 and worth 100; coins bought at 20 and worth 50 count at their haircut, whatever they have won."""
    position = np.array([[10.0, 4.0, 0.0]])
    held = Book(np.array([-900.0]), position, position * np.array([90.0, 20.0, 1.0]))
    terms = {"kind": "flat", "profit_cap": 30.0, "default": {"haircut": 0.1}}
    assert counts(terms, held) == pytest.approx(-900.0 + 1000.0 - 70.0 + 180.0)
    two = Listed(("A", "B"), ("perpetual", "future"), np.arange(2), np.full(2, np.nan), np.zeros(2))
    at, pair = Board.at(two, np.array([100.0, 50.0])), np.array([[10.0, -2.0]])
    both = Book(np.zeros(1), pair, pair * np.array([90.0, 20.0]))  # 100 won with A, 60 lost with B
    left_out = CollateralRule.parse({"kind": "flat", "profit_haircut": 0.25}).requirement(both, at, "maintenance")
    assert left_out.tolist() == [10.0]


def test_the_haircut_of_the_first_dollar_is_a_share_whatever_a_token_costs() -> None:
    flat = {"kind": "flat", "markets": {"COIN": {"haircut": 0.3}, "STABLE": {"haircut": 0.05}}}
    assert CollateralRule.parse(flat).haircuts(board()).tolist() == pytest.approx([0.0, 0.3, 0.05])
    ladder = {"tiers": [{"haircut": 0.1}, {"floor": 10.0, "haircut": 0.5}]}  # one coin of 50 would be cut by half
    assert CollateralRule.parse({"kind": "tiered", "default": ladder}).haircuts(board()).tolist() == pytest.approx(
        [0.0, 0.1, 0.1]
    )


def test_a_token_that_falls_with_the_book_is_cut_more_than_one_that_hedges_it() -> None:
    rule = {"kind": "wrong_way", "correlation": 0.8, "least_haircut": 0.0}
    long, short = (counts(rule, book(cash=-100.0 * q, perp=q, coin=4.0)) for q in (10.0, -10.0))
    alone = counts(rule, book(coin=4.0))
    assert alone <= long < 200.0, "beside another risk a token adds at most its own"
    assert short == 200.0, "it hedges: no haircut at all"


@pytest.mark.parametrize("kind", KINDS)
@given(cash=amounts, perp=amounts, coin=st.floats(0.0, 1e4), more=st.floats(0.0, 1e3))
def test_another_token_never_makes_collateral_worth_less_unless_direction_matters(
    kind: str, cash: float, perp: float, coin: float, more: float
) -> None:
    rule = {"kind": kind}
    less, much = counts(rule, book(cash, perp, coin)), counts(rule, book(cash, perp, coin + more))
    if kind != "wrong_way":
        assert much >= less - 1e-6 * abs(less) - 1e-6


@pytest.mark.parametrize("kind", KINDS)
@given(cash=amounts, coin=amounts, stable=amounts)
def test_collateral_is_never_worth_more_than_equity_and_cash_counts_whole(
    kind: str, cash: float, coin: float, stable: float
) -> None:
    held = book(cash, 0.0, coin, stable)
    assert counts({"kind": kind}, held) <= float(held.equity(PRICE)[0]) + 1e-6
    assert counts({"kind": kind}, book(cash)) == cash


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_do_not_depend_on_the_company(kind: str) -> None:
    rule = CollateralRule.parse({"kind": kind})
    position = np.sin(np.arange(300.0)).reshape(100, 3) * 100.0
    crowd = Book.of(np.cos(np.arange(100.0)) * 1e4, position, PRICE)
    whole = rule.requirement(crowd, board(), "initial")
    ones = [Book.of(crowd.cash[[i]], position[[i]], PRICE) for i in range(100)]
    np.testing.assert_array_equal(whole, [rule.requirement(one, board(), "initial")[0] for one in ones])


# The order of sale ----------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.0, 1e5), min_size=3, max_size=3), st.floats(0.0, 1.0), st.permutations([0.0, 1.0, 1.0]))
def test_the_dollars_asked_for_are_closed_and_no_rank_before_its_turn(
    value: list[float], fraction: float, ranks: list[float]
) -> None:
    held, order = np.array([value]), np.array(ranks)
    share = closed_shares(held, np.array([fraction]), order)
    assert ((share >= 0.0) & (share <= 1.0)).all()
    assert (share * held).sum() == pytest.approx(fraction * sum(value), rel=1e-9, abs=1e-6)
    if (share[:, (order == 1.0) & (held[0] > 0.0)] > 1e-9).any() and fraction < 1.0:
        assert (share[:, (order == 0.0) & (held[0] > 0.0)] > 1.0 - 1e-9).all()


def test_the_order_of_sale_by_hand_with_shorts_among_longs() -> None:
    """300, -100 and 600 dollars are 1,000 of gross: 45 % is 450. First the coin (100), then 350 of 900 of the rest."""
    value, ranks = np.array([[300.0, -100.0, 600.0], [-300.0, 100.0, 0.0]]), np.array([1.0, 0.0, 1.0])
    shares = closed_shares(value, np.array([0.45, 0.25]), ranks)
    assert shares[0].tolist() == pytest.approx([350.0 / 900.0, 1.0, 350.0 / 900.0])
    assert shares[1, :2].tolist() == pytest.approx([0.0, 1.0])
    assert closed_shares(value, np.array([1.0, 0.0]), ranks)[0].tolist() == [1.0, 1.0, 1.0]
    assert not (closed_shares(value, np.array([1.0, 0.0]), ranks)[1] * value[1]).any()


@pytest.mark.parametrize(
    ("sale", "order"),
    [
        ("together", [0, 0, 0]),
        ("derivatives_first", [0, 1, 1]),
        ("largest_haircut_first", [2, 0, 1]),
        ("deepest_first", [2, 1, 0]),
    ],
)
def test_the_order_of_sale_is_what_it_is_called(sale: str, order: list[int]) -> None:
    markets = {"COIN": {"haircut": 0.3}, "STABLE": {"haircut": 0.05}}
    rule = CollateralRule.parse({"kind": "flat", "sale": sale, "markets": markets})
    ranks: Array = rule.ranks(board(), np.array([1e6, 1e5, 1e7]))
    assert np.unique(ranks, return_inverse=True)[1].tolist() == order
