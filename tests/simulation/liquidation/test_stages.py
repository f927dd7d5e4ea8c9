"""Liquidation in stages, by close factor, by windows and by auction: the rules alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.liquidation.base import Distressed, LiquidationRule
from simulation.liquidation.capacity_window import CapacityWindowClose
from simulation.liquidation.close_factor import CloseFactor
from simulation.liquidation.portfolio_auction import PortfolioAuction
from simulation.liquidation.staged_notional import StagedClose
from tests.simulation.markets import units


def pool(equity: float, maintenance: float, notional: float, **known: float) -> Distressed:
    """One pool, first seen `waited` steps of a minute ago; a part was closed `rested` steps ago."""
    now = 100.0
    rested = known.get("rested", np.inf)
    since = units(now - known.get("waited", 0.0))
    columns = units(equity), units(maintenance), units(notional), since
    return Distressed(*columns, now, known.get("seconds", 60.0), known.get("stop", 1.0), units(now - rested))


def share(rule: LiquidationRule, seen: Distressed) -> float:
    return float(rule.fraction(seen)[0])


# Stages --------------------------------------------------------------------------------------------------------


def test_a_fifth_of_a_large_position_goes_first() -> None:
    rule = StagedClose()
    assert share(rule, pool(1e4, 2e4, 100_001.0)) == 0.2
    assert share(rule, pool(1e4, 2e4, 100_000.0)) == 1.0
    assert share(rule, pool(-1.0, 2e4, 1e6)) == 1.0


@pytest.mark.parametrize(("rested", "expected"), [(0.0, 1.0), (3.0, 1.0), (4.0, 0.2)])
def test_within_the_cooldown_the_rest_goes_whole(rested: float, expected: float) -> None:
    assert share(StagedClose(), pool(1e4, 2e4, 1e6, rested=rested, seconds=10.0)) == expected


# Close factor --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("equity", "expected"), [(99.0, 0.5), (96.0, 0.5), (95.0, 1.0), (10.0, 1.0), (-5.0, 1.0)])
def test_half_is_closed_just_below_and_all_further_down(equity: float, expected: float) -> None:
    assert share(CloseFactor(), pool(equity, 100.0, 1e4)) == expected


def test_dust_is_closed_whole() -> None:
    assert share(CloseFactor(), pool(99.0, 100.0, 1_999.0)) == 1.0
    assert share(CloseFactor(), pool(99.0, 100.0, 2_000.0)) == 0.5
    assert share(CloseFactor(dust=0.0), pool(99.0, 100.0, 1_999.0)) == 0.5


# Windows -------------------------------------------------------------------------------------------------------


def test_what_was_closed_in_the_window_counts_against_the_depth() -> None:
    rule = CapacityWindowClose(depth_rate=0.01, window=60.0)
    assert rule.limit(units(1e6, 2e6), units(4_000.0, 3e4)).tolist() == [6_000.0, 0.0]
    assert rule.window_seconds == 60.0


def auction(buffer: float = 0.15) -> PortfolioAuction:
    return PortfolioAuction.model_validate({"terms": {"buffer": buffer}})


# Auction -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "price"), [(0.0, 1.0), (300.0, 0.9), (600.0, 0.8), (4_200.0, 0.4), (1e6, 0.0)])
def test_the_price_falls_fast_then_slowly_to_nothing(seconds: float, price: float) -> None:
    assert float(auction().terms.discount(np.array(seconds))) == pytest.approx(price)


def test_the_share_for_sale_by_hand() -> None:
    """Equity 80 against 100 with a buffer of 15: B = -35, so 35 / 115 at the mark, 35 / 99 at d = .8."""
    rule = auction()
    assert share(rule, pool(80.0, 100.0, 1e4)) == pytest.approx(35.0 / 115.0)
    assert share(rule, pool(80.0, 100.0, 1e4, waited=10.0)) == pytest.approx(35.0 / 99.0)
    given = rule.concession(pool(80.0, 100.0, 1e4, waited=10.0), units(0.5))
    assert float(given[0]) == pytest.approx(0.5 * 80.0 * 0.2)


def test_insolvent_pools_are_not_auctioned() -> None:
    rule, seen = auction(), pool(-10.0, 100.0, 1e4, waited=50.0)
    assert share(rule, seen) == 1.0
    assert float(rule.concession(seen, units(1.0))[0]) == 0.0


@given(st.floats(0.01, 0.999), st.floats(1.0, 1e8), st.floats(0.0, 200.0), st.floats(0.0, 1.0), st.floats(0.01, 0.5))
def test_an_auction_restores_the_buffer_and_never_takes_more_than_there_is(
    health: float, notional: float, waited: float, buffer: float, rate: float
) -> None:
    rule = auction(buffer)
    maintenance = rate * notional
    seen = pool(health * maintenance, maintenance, notional, waited=waited)
    f = share(rule, seen)
    given_up = float(rule.concession(seen, units(f))[0])
    left = health * maintenance - given_up
    assert 0.0 < f <= 1.0
    assert given_up <= health * maintenance * f * (1 + 1e-12)
    if f < 1.0:
        wanted = (1.0 + buffer) * maintenance * (1.0 - f)
        assert left == pytest.approx(wanted, rel=1e-6, abs=1e-9 * notional)
