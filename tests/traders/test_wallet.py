"""The wallet of an account: what it posts to isolated pools, what it takes back, and modes mixed in one account."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulation.accounts import QUANTUM
from simulation.arrays import Array
from simulation.model import MarketModel
from tests.venues import book, equity, positions, rows, storm, venue

ISOLATED = {"margin": {"kind": "isolated"}}


def account(*prices: float, deposit: float = 1_000.0, **more: Any) -> MarketModel:
    """One isolated account without a position; 10 % initial, 5 % maintenance margin."""
    path = {"price": storm(100.0, *prices)} if prices else {}
    return venue([book("me", {}, deposit, posted_share=0.0)], **path, **{**ISOLATED, **more})


def buy(model: MarketModel, *units: float) -> None:
    model.exchange.clearing.match(rows(model), np.array([units]))


def pools(model: MarketModel) -> Array:
    """Equity of each pool of the account."""
    return model.engine.health(rows(model)).equity[0]


def cash(model: MarketModel) -> Array:
    return model.accounts.cash[rows(model)[0]]


# Posting and releasing ------------------------------------------------------------------------------------------


def test_opening_posts_the_initial_margin_out_of_the_wallet() -> None:
    model = account()
    buy(model, 10.0)
    np.testing.assert_array_equal(pools(model), [900.0, 100.0])
    np.testing.assert_array_equal(cash(model), [900.0, -900.0])


def test_growing_posts_the_growth_of_the_requirement() -> None:
    model = account(110.0)
    buy(model, 10.0)
    model.market.advance()
    buy(model, 5.0)  # 10 % of 15 x 110 less 10 % of 10 x 110
    np.testing.assert_allclose(pools(model), [900.0 - 55.0, 200.0 + 55.0], atol=1e-4)


def test_closing_half_in_profit_releases_half_of_the_equity() -> None:
    model = account(110.0)
    buy(model, 10.0)
    model.market.advance()
    buy(model, -5.0)
    np.testing.assert_allclose(pools(model), [1_000.0, 100.0], atol=1e-4)


def test_closing_half_in_loss_leaves_the_initial_margin_of_what_is_open() -> None:
    model = account(95.0)
    buy(model, 10.0)
    model.market.advance()
    buy(model, -5.0)  # the pool is worth 50, the rest needs 47.5
    np.testing.assert_allclose(pools(model), [902.5, 47.5], atol=1e-4)
    buy(model, -5.0)
    np.testing.assert_allclose(pools(model), [950.0, 0.0], atol=1e-4)
    assert cash(model)[1] == 0.0


def test_turning_round_releases_everything_and_posts_for_the_new_side() -> None:
    model = account(110.0)
    buy(model, 10.0)
    model.market.advance()
    buy(model, -15.0)
    np.testing.assert_allclose(pools(model), [1_100.0 - 55.0, 55.0], atol=1e-4)
    assert positions(model)[0, 0] == -5.0


def test_turning_round_to_a_larger_position_takes_the_profit_of_the_old_one_out_too() -> None:
    """200 dollars are in the pool at 110, fifteen units short need 165 of them."""
    model = account(110.0)
    buy(model, 10.0)
    model.market.advance()
    buy(model, -25.0)
    np.testing.assert_allclose(pools(model), [1_100.0 - 165.0, 165.0], atol=1e-4)


def test_turning_round_a_ruined_position_posts_the_new_requirement_and_not_the_old_loss() -> None:
    """At 85 the pool is 50 dollars short; ten units the other way need 85, and no more is posted."""
    model = account(85.0)
    buy(model, 10.0)
    model.market.advance()
    buy(model, -20.0)
    np.testing.assert_allclose(pools(model), [900.0 - 85.0, 85.0 - 50.0], atol=1e-4)


def test_an_opening_posts_no_more_than_the_wallet_has() -> None:
    model = venue([book("me", {"A": 10.0}, 60.0, posted_share=0.0)], margin={"kind": "isolated"})
    np.testing.assert_array_equal(pools(model), [0.0, 60.0])


def test_an_opening_leaves_the_wallet_what_shared_positions_need() -> None:
    """150 dollars, of which ten units in the shared pool need 100."""
    model = venue([book("me", {"A": 10.0, "B": 10.0}, 150.0, isolated=["B"], posted_share=0.0)], 2)
    np.testing.assert_array_equal(pools(model), [100.0, 0.0, 50.0])


def test_an_order_the_wallet_cannot_post_for_is_refused_whatever_other_pools_hold() -> None:
    model = account(200.0, deposit=100.0)
    buy(model, 10.0)
    model.market.advance()  # the pool is worth 1,100 dollars now, the wallet nothing
    buy(model, 1.0)
    assert positions(model)[0, 0] == 10.0
    buy(model, -1.0)
    assert positions(model)[0, 0] == 9.0


def test_orders_in_several_markets_post_to_several_pools() -> None:
    model = venue([book("me", {}, 1_000.0)], 2, **ISOLATED)
    buy(model, 10.0, -20.0)
    np.testing.assert_array_equal(pools(model), [700.0, 100.0, 200.0])


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, [800.0, 100.0, 100.0]), (0.5, [400.0, 300.0, 300.0]), (1.0, [0.0, 500.0, 500.0])]
)
def test_a_share_of_the_wallet_is_posted_at_the_start(share: float, expected: list[float]) -> None:
    model = venue([book("me", {"A": 10.0, "B": -10.0}, 1_000.0, posted_share=share)], 2, **ISOLATED)
    np.testing.assert_allclose(pools(model), expected, atol=1e-4)


@pytest.mark.parametrize("quanta", range(6))
def test_a_share_that_rounds_up_in_every_pool_takes_no_more_than_the_wallet_has(quanta: int) -> None:
    """Three pools of 100 dollars each; what is left over is odd quanta, a third of which may round up three times."""
    units = {"A": 10.0, "B": 10.0, "C": 10.0}
    model = venue([book("me", units, 300.0 + quanta * QUANTUM)], 3, **ISOLATED)
    assert cash(model)[0] >= 0.0
    assert pools(model).sum() == 300.0 + quanta * QUANTUM
    assert (pools(model)[1:] >= 100.0).all()


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_who_also_stands_in_the_shared_pool_posts_no_share_of_what_that_needs(side: float) -> None:
    """The proceeds of a shared short are cash too, but not to be posted."""
    model = venue([book("me", {"A": 10.0 * side, "B": 10.0}, 1_000.0, isolated=["B"], posted_share=1.0)], 2)
    np.testing.assert_array_equal(pools(model), [900.0, 0.0, 100.0])


@settings(max_examples=40)
@example([(1.0, -1), (1.0625, 0), (1.0625, 1)])  # bought back after the margin is gone
@given(st.lists(st.tuples(st.floats(0.9, 1.1), st.integers(-30, 30)), min_size=1, max_size=12))
def test_the_wallet_moves_money_and_makes_none(plan: list[tuple[float, int]]) -> None:
    path = 100.0 * np.cumprod([factor for factor, _ in plan])
    model = account(*path)
    for _, units in plan:
        model.market.advance()
        before = equity(model)[0]
        buy(model, float(units))
        assert equity(model)[0] == pytest.approx(before, abs=1e-4)  # no fee, no impact
        assert cash(model)[0] >= 0.0
        # What is closed leaves nothing behind but a deficit, which here nobody is asked to pay.
        assert positions(model)[0, 0] or cash(model)[1] == min(cash(model)[1], 0.0)
    model.accounts.check()


# Mixed modes ----------------------------------------------------------------------------------------------------

# A core of 10 A in the shared pool, and a lottery ticket of 10 B in a pool of its own, 1,000 dollars in all.
MIXED = [book("mixed", {"A": 10.0, "B": 10.0}, 1_000.0, isolated=["B"])]
POOLED = [book("pooled", {"A": 10.0, "B": 10.0}, 1_000.0)]


def stormy(people: list[dict[str, Any]], a: float, b: float) -> MarketModel:
    free = {"kind": "full", "penalty_rate": 0.0}
    path = storm([100.0, 100.0], [a, b])
    return venue(people, 2, price=path, liquidation=free, insurance_fund=10_000.0)


def test_the_ticket_gets_its_initial_margin_and_the_core_keeps_the_rest() -> None:
    model = stormy(MIXED, 100.0, 100.0)
    np.testing.assert_array_equal(pools(model), [900.0, 0.0, 100.0])
    np.testing.assert_array_equal(model.accounts.pool[rows(model)], [[0, 2]])


def test_a_ticket_that_expires_worthless_costs_what_was_posted_and_not_a_cent_more() -> None:
    model = stormy(MIXED, 100.0, 60.0)
    model.run()
    np.testing.assert_array_equal(positions(model), [[10.0, 0.0]])
    np.testing.assert_array_equal(pools(model), [900.0, 0.0, 0.0])
    assert [case.deficit for case in model.exchange.waterfall.bankruptcies] == [300.0]
    assert model.exchange.waterfall.fund == 9_700.0


def test_in_one_pool_the_core_would_have_paid_for_it() -> None:
    model = stormy(POOLED, 100.0, 60.0)
    model.run()
    np.testing.assert_array_equal(positions(model), [[10.0, 10.0]])
    assert equity(model)[0] == 600.0


def test_the_ticket_outlives_the_core() -> None:
    model = stormy(MIXED, 5.0, 120.0)
    model.run()
    np.testing.assert_array_equal(positions(model), [[0.0, 10.0]])
    np.testing.assert_array_equal(pools(model), [0.0, 0.0, 300.0])


def test_pairs_can_share_a_pool_of_their_own() -> None:
    people = [book("pair", {"A": 10.0, "B": -10.0, "C": 5.0}, 1_000.0, pools={"A": 1, "B": 1, "C": 2})]
    path = storm([100.0] * 3, [50.0, 50.0, 100.0])
    model = venue(people, 3, price=path, margin={"kind": "portfolio", "correlation": 0.9})
    np.testing.assert_array_equal(model.accounts.pool[rows(model)], [[1, 1, 2]])
    before = pools(model)[1]
    model.run()
    assert pools(model)[1] == before  # what A lost, B won, in the same pool
    assert not len(model.exchange.desk.log.events)
