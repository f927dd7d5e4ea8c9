"""The venues' own rankings: who is closed first, against hand-worked numbers and plain sorting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.deleveraging.base import Winners
from simulation.deleveraging.binance import BinanceDeleveraging
from simulation.deleveraging.bitmex import BitmexDeleveraging
from simulation.deleveraging.hyperliquid import HyperliquidDeleveraging
from simulation.deleveraging.min_max import MinMaxDeleveraging
from simulation.deleveraging.queue import QueueDeleveraging
from simulation.deleveraging.ranking import percentiles, ranked_fills

RANKED = [QueueDeleveraging(), BinanceDeleveraging(), BitmexDeleveraging(), HyperliquidDeleveraging()]
counts = st.lists(st.integers(1, 50), min_size=1, max_size=8)


def array(*numbers: float) -> Array:
    return np.array(numbers, float)


def pair(side: float = 1.0) -> Winners:
    """Two winners: one far in profit and hardly levered, one a little in profit and highly levered."""
    # Long: bought at 50 and at 90, the mark is 100; short: sold at 150 and at 110.
    return Winners(
        lots=array(4, 2),
        profit=array(200.0, 20.0),
        notional=array(400.0, 200.0),
        equity=array(1000.0, 40.0),
        leverage=array(0.4, 5.0),
        maintenance=array(20.0, 10.0),
        wallet=array(800.0, 20.0),
        side=side,
    )


def test_binance_multiplies_profit_over_wallet_by_the_margin_ratio() -> None:
    # 200/800 x 20/1000 = .005; 20/20 x 10/40 = .25
    np.testing.assert_allclose(BinanceDeleveraging().score(pair()), [0.005, 0.25])
    assert BinanceDeleveraging().allocate(3.0, pair()).tolist() == [1.0, 2.0]


def test_binance_counts_a_wallet_below_a_dollar_as_a_dollar_and_no_equity_as_no_rank() -> None:
    rule = BinanceDeleveraging()
    np.testing.assert_allclose(rule.profit_rate(array(30.0, -5.0), array(0.2, -7.0)), [30.0, 0.0])
    np.testing.assert_allclose(rule.margin_ratio(array(3.0, 3.0, 3.0), array(12.0, 0.0, -1.0)), [0.25, 0.0, 0.0])
    np.testing.assert_allclose(rule.margin_ratio(array(0.1), array(0.5)), [0.2])
    higher = BinanceDeleveraging(least_wallet=50.0)  # 200/800 x 20/1000, and 20/50 x 10/40
    np.testing.assert_allclose(higher.score(pair()), [0.005, 0.1])


def test_bitmex_multiplies_the_return_on_entry_by_leverage_and_divides_losses_by_it() -> None:
    # Long: 200/200 x .4 = .4; 20/180 x 5 = .5556
    np.testing.assert_allclose(BitmexDeleveraging().score(pair()), [0.4, 5.0 / 9.0])
    # Short: 200/600 x .4; 20/220 x 5
    np.testing.assert_allclose(BitmexDeleveraging().score(pair(-1.0)), [0.4 / 3.0, 5.0 / 11.0])
    assert BitmexDeleveraging.rank(array(-0.5), array(2.0)).tolist() == [-0.25]


def test_hyperliquid_multiplies_the_price_gain_by_notional_over_equity() -> None:
    # Long: 100/50 x 400/1000; 100/90 x 200/40. Short: 150/100 x .4; 110/100 x 5.
    np.testing.assert_allclose(HyperliquidDeleveraging().score(pair()), [0.8, 5.0 / 0.9])
    np.testing.assert_allclose(HyperliquidDeleveraging().score(pair(-1.0)), [0.6, 5.5])


def test_min_max_takes_the_same_share_of_everybodys_equity_while_it_can() -> None:
    equal = Winners(array(100, 100, 1), *(array(10.0, 10.0, 10.0),) * 2, array(300.0, 100.0, 400.0), array(1, 1, 1))
    # 4 : 1 : (3) by equity 300 : 100 : 400; the third has one lot only, the rest is shared 3 : 1.
    assert MinMaxDeleveraging().allocate(41.0, equal).tolist() == [30.0, 10.0, 1.0]


@given(st.integers(1, 200), st.lists(st.tuples(st.integers(1, 40), st.integers(1, 10**6)), min_size=1, max_size=6))
def test_no_split_has_a_smaller_largest_haircut_of_equity(lots: int, rows: list[tuple[int, int]]) -> None:
    held, equity = np.array(rows, float).T
    crowd = Winners(held, equity, equity, equity, np.ones_like(held))
    shares = MinMaxDeleveraging().allocate(float(lots), crowd)
    wanted = min(lots, held.sum())
    # The least c with sum min(held, c E) = wanted, by bisection.
    low, high = 0.0, float((held / equity).max())
    for _ in range(200):
        middle = (low + high) / 2.0
        low, high = (middle, high) if np.minimum(held, middle * equity).sum() < wanted else (low, middle)
    assert (shares / equity).max() <= high + (1.0 / equity).max() + 1e-9
    assert shares.sum() == wanted


@pytest.mark.parametrize("rule", RANKED, ids=lambda rule: rule.kind)
@given(lots=st.integers(0, 300), held=counts, seed=st.integers(0, 99), side=st.sampled_from((-1.0, 1.0)))
def test_each_ranking_is_filled_from_the_top(
    rule: QueueDeleveraging, lots: int, held: list[int], seed: int, side: float
) -> None:
    draw = np.random.default_rng(seed)
    notional, equity, maintenance = (draw.uniform(1.0, 100.0, len(held)) for _ in range(3))
    profit = notional * draw.uniform(0.01, 0.9, len(held))
    crowd = Winners(np.array(held, float), profit, notional, equity, notional / equity, maintenance, equity, side)
    score, fills, left = rule.score(crowd), rule.allocate(float(lots), crowd), float(lots)
    for place in sorted(range(len(held)), key=lambda i: (-score[i], i)):
        expected = min(left, held[place])
        assert fills[place] == expected
        left -= expected


@pytest.mark.parametrize("rule", RANKED, ids=lambda rule: rule.kind)
def test_more_profit_ranks_no_lower(rule: QueueDeleveraging) -> None:
    base = Winners(array(1, 1), array(10.0, 20.0), *(array(100.0, 100.0),) * 2, array(1, 1), array(5.0, 5.0))
    worse, better = rule.score(base)
    assert better > worse


@settings(max_examples=60)
@given(
    st.sampled_from([1_023, 1_024, 1_025, 3_000]),
    st.sampled_from([3, 40, 10**9]),
    st.floats(0.0, 1.0),
    st.integers(0, 10**6),
)
def test_of_thousands_the_same_are_closed_as_by_sorting_them_all(n: int, distinct: int, part: float, seed: int) -> None:
    """Few different scores make ties across any place at which a ranking might be cut short."""
    draw = np.random.default_rng(seed)
    score, held = draw.integers(0, distinct, n).astype(float) - distinct / 2.0, draw.integers(1, 50, n).astype(float)
    few = float(np.sort(held)[-5:].sum())
    for lots in (float(round(part * held.sum())), float(round(part * few)), held.sum()):
        fills, left = ranked_fills(score, held, lots), lots
        for place in sorted(range(n), key=lambda i: (-score[i], i)):
            expected = min(left, held[place])
            assert fills[place] == expected
            left -= expected


def test_percentiles_are_cumulative_shares_rounded_up_to_fifths() -> None:
    # By rank: 10 of 100, 30, 60, 70, 80, 100.
    score, held = array(3, 6, 1, 4, 5, 2), array(10, 10, 20, 30, 20, 10)
    assert percentiles(score, held).tolist() == [80.0, 20.0, 100.0, 60.0, 40.0, 80.0]
    assert ranked_fills(score, held, 20.0).tolist() == [0.0, 10.0, 0.0, 0.0, 10.0, 0.0]


def test_a_share_on_a_step_stays_on_it() -> None:
    assert percentiles(array(5, 4, 3, 2, 1), np.full(5, 0.1)).tolist() == [20.0, 40.0, 60.0, 80.0, 100.0]
    assert percentiles(array(1.0), array(7.0)).tolist() == [100.0]


@given(counts, st.integers(0, 99))
def test_the_last_in_the_ranking_stands_at_one_hundred_percent(held: list[int], seed: int) -> None:
    score = np.random.default_rng(seed).permutation(len(held)).astype(float)
    found = percentiles(score, np.array(held, float))
    assert found[np.argmin(score)] == 100.0
    assert (np.diff(found[np.argsort(-score)]) >= 0.0).all()


def test_winners_know_what_they_paid() -> None:
    np.testing.assert_allclose(pair().entry_notional, [200.0, 180.0])
    np.testing.assert_allclose(pair(-1.0).entry_notional, [600.0, 220.0])


def test_wallet_and_maintenance_may_be_left_out() -> None:
    short = Winners(array(1), array(3.0), array(10.0), array(5.0), array(2.0))
    assert (short.wallet.tolist(), short.maintenance.tolist()) == ([2.0], [0.0])
