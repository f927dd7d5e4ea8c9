"""Mango cases of our own: names that published cases leave out, fees, and what stands beside what is asked."""

from collections.abc import Mapping
from typing import Any

import pytest

from experiments.conformance.case import Case
from experiments.conformance.mango import ADAPTERS

EVEN = {"init_asset_weight": 1.0, "init_liab_weight": 1.0, "maint_asset_weight": 1.0, "maint_liab_weight": 1.0}
SPREAD = {"init_asset_weight": 0.8, "init_liab_weight": 1.2, "maint_asset_weight": 0.9, "maint_liab_weight": 1.1}


def answer(file: str, kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return dict(ADAPTERS[file, kind](Case("own", kind, inputs, {}, {})))


def health(**inputs: Any) -> float:
    return float(answer("mango_health", "init_health", inputs)["init_health"])


def token(balance: float, price: float = 1.0, weights: Mapping[str, float] = SPREAD, **more: Any) -> dict[str, Any]:
    return {"balance": balance, "oracle_price": price, **weights, **more}


def test_an_account_of_tokens_needs_no_lists_of_orders_and_perpetuals() -> None:
    assert health(tokens={"A": token(10.0, 5.0), "B": token(-10.0)}) == pytest.approx(40.0 - 12.0)


@pytest.mark.parametrize(
    ("limits", "base", "quote"),
    [
        ({}, 10.0, 20.0),
        ({"highest_placed_bid_inv": 1.0 / 8.0}, 5.0 + 20.0 / 8.0, 20.0),
        ({"highest_bid": 8.0}, 5.0 + 20.0 / 8.0, 20.0),
        ({"highest_placed_bid": 2.0}, 5.0 + 20.0 / 4.0, 20.0),
        ({"lowest_placed_ask": 3.0}, 10.0, 20.0),
        ({"lowest_placed_ask": None, "highest_placed_bid": None}, 10.0, 20.0),
    ],
)
def test_the_extreme_orders_limit_what_is_reserved(limits: dict[str, Any], base: float, quote: float) -> None:
    """5 base and 20 quote at a price of 4: all base, since 0.8 * 4 * base is less than the quote debt repaid."""
    order = {"base": "A", "quote": "B", "reserved_base": 5.0, "reserved_quote": 20.0, **limits}
    found = health(tokens={"A": token(0.0, 4.0), "B": token(-100.0)}, spot_orders=[order])
    as_quote = quote + 5.0 * min(4.0, limits.get("lowest_placed_ask") or 4.0)
    assert found == pytest.approx(-120.0 + min(0.8 * 4.0 * base, 1.2 * as_quote))


def test_tokens_that_orders_may_bring_count_among_the_deposits_of_everybody() -> None:
    scaled = token(
        10.0, bank_total_deposits=60.0, bank_potential_serum_tokens=40.0, deposit_weight_scale_start_quote=50.0
    )
    assert health(tokens={"A": scaled}) == pytest.approx(10.0 * 0.8 * 50.0 / 100.0)


def test_the_slow_price_of_a_perpetual_is_the_stable_one() -> None:
    perp = {
        "settle_token": "USDC", "oracle_price": 5.0, "stable_price": 4.0, "lot_size": 10, "base_lots": 2,
        "quote": -60.0, "init_base_asset_weight": 0.8, "init_base_liab_weight": 1.2, "init_overall_asset_weight": 0.5,
    }  # fmt: skip
    given = {"tokens": {"USDC": token(0.0, weights=EVEN)}, "perps": [perp]}
    levels = answer("mango_health", "three_health_types", given)
    assert levels == pytest.approx({"init": 0.5 * (64.0 - 60.0), "liq_end": 0.5 * (80.0 - 60.0), "maint": 10.0})


def test_a_swap_pays_the_fees_of_both_tokens() -> None:
    """11 * 0.8 - 8 * 1.2 = -0.8; a unit repaid brings 1.2 - 1.1 * 1.1 * 0.8 = 0.232."""
    account = {"tokens": {"A": token(11.0), "L": token(-8.0)}}
    asked = {"account": account, "asset": "A", "liability": "L", "max_liab_transfer": 100, "liquidation_fees": 0.1}
    found = answer("mango_liquidation", "collateral_for_borrow_liquidation", asked)
    repaid = 0.8 / 0.232
    assert found == pytest.approx({"accepted": True, "asset_after": 11.0 - 1.21 * repaid, "liab_after": repaid - 8.0})


def test_a_perpetual_is_closed_at_the_price_less_the_fee() -> None:
    """u = 10 * 5 - 60 = -10 and health -5 at 0.5; a lot at 10 brings 9 - 5 = 4, so 2 lots (rounded up) of 18."""
    perp = {
        "base": 10, "quote": -60.0, "oracle_price": 10.0, "init_base_asset_weight": 0.5, "init_base_liab_weight": 1.5,
        "init_overall_asset_weight": 0.5, "base_liquidation_fee": 0.1, "positive_pnl_liquidation_fee": 0.0,
    }  # fmt: skip
    given = {"settle_token_balance": 5.0, "perp": perp, "max_base_transfer": 9, "max_pnl_transfer": 9}
    found = answer("mango_liquidation", "perp_liquidation_base_and_positive_pnl", given)
    assert found == pytest.approx({"settle_token_after": 5.0, "base_after": 8.0, "quote_after": -42.0})
