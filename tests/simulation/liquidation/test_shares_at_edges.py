"""How much is closed where rules bend: a stop above the target, fees that eat the margin, no equity, dust."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.liquidation.base import Distressed, LiquidationRule
from simulation.liquidation.dutch_auction import AuctionTerms
from simulation.liquidation.fraction import FractionClose
from simulation.liquidation.lending import close_factor, discounted_seizure, liquidatable
from simulation.liquidation.portfolio_auction import PortfolioAuction
from simulation.liquidation.staged_notional import StagedClose
from simulation.liquidation.to_requirement import RequirementClose
from simulation.liquidation.to_target import TargetClose
from simulation.liquidation.vega import NetworkDisposal
from simulation.liquidation.window import CapacityWindow, Request


def share(rule: LiquidationRule, equity: float, maintenance: float, notional: float, stop: float = 1.0) -> float:
    one = (np.array([x]) for x in (equity, maintenance, notional))
    return float(rule.fraction(Distressed(*one, np.zeros(1), stop=stop))[0])


# Down to a target ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stop", "expected"), [(1.0, 0.36), (1.25, 0.36), (1.6, 0.5)])
def test_the_target_is_what_the_venue_lets_go_at_where_that_is_more(stop: float, expected: float) -> None:
    """Equity 40 of 1,000 at 5 %: (62.5 - 40) / 62.5 at a health of 1.25, (80 - 40) / 80 at 1.6."""
    assert share(TargetClose(penalty_rate=0.0), 40.0, 50.0, 1_000.0, stop) == pytest.approx(expected)


@pytest.mark.parametrize("equity", [40.0, 62.5, 70.0, 1e6])
@pytest.mark.parametrize("penalty", [0.0625, 0.1])
def test_where_a_penalty_takes_all_the_margin_that_closing_frees_everything_goes(equity: float, penalty: float) -> None:
    """1.25 * 50 a thousand are freed: at 6.25 % nothing is left of it."""
    assert share(TargetClose(penalty_rate=penalty), equity, 50.0, 1_000.0) == 1.0


def test_who_has_more_than_the_target_and_is_closed_all_the_same_is_closed_whole() -> None:
    """A rule of health cannot tell why it is asked, and must not let a pool wait for ever."""
    assert share(TargetClose(penalty_rate=0.0), 62.5, 50.0, 1_000.0) == 1.0
    assert share(TargetClose(penalty_rate=0.0), 62.499999, 50.0, 1_000.0) == pytest.approx(1.6e-8)


@pytest.mark.parametrize(
    ("equity", "penalty", "expected"),
    [
        (45.0, 0.0, 0.1),
        (45.0, 0.01, 0.125),  # 5 of 50 - 10
        (45.0, 0.05, 1.0),  # closing frees nothing
        (45.0, 0.08, 1.0),  # closing makes it worse
        (0.0, 0.0, 1.0),
        (50.0, 0.0, 0.0),
        (50.0, 0.08, 0.0),  # nothing is missing, so nothing is closed, whatever it would cost
        (90.0, 0.01, 0.0),
    ],
)
def test_a_broker_sells_what_is_missing_and_what_the_sale_costs(equity: float, penalty: float, expected: float) -> None:
    assert share(RequirementClose(penalty_rate=penalty), equity, 50.0, 1_000.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rule", "equity", "expected"),
    [
        (FractionClose(), 0.0, 1.0),
        (FractionClose(), 0.5, 0.25),
        (StagedClose(), 0.0, 1.0),
        (StagedClose(), 0.5, 0.2),
        (NetworkDisposal(), 0.0, 1.0),
        (NetworkDisposal(), 0.5, 0.1),
    ],
)
def test_without_a_cent_a_pool_goes_whole_and_with_one_in_stages(
    rule: LiquidationRule, equity: float, expected: float
) -> None:
    assert share(rule, equity, 2e4, 1e6) == expected


def test_nothing_at_all_of_a_pool_is_no_place_in_the_queue() -> None:
    """Who is to be closed by nothing now takes no room of others, with a capacity and without."""
    seen = Distressed(*(np.array([9.0, 9.0, 9.0]) for _ in range(2)), np.array([500.0, 100.0, 100.0]), np.zeros(3))
    part = np.array([0.0, 1.0, 1e-9])
    for rule in (FractionClose(), FractionClose(capacity=50.0)):
        assert rule.admitted(seen, part).tolist()[:1] == [1]
    assert FractionClose().admitted(seen, part).tolist() == [1, 2]
    assert FractionClose(capacity=50.0).admitted(seen, part).tolist() == [1]


# Auctions ------------------------------------------------------------------------------------------------------


def test_an_auction_sells_enough_that_the_venue_lets_go() -> None:
    """Equity 80 of 100 with a stop at 1.3: B = 80 - 130, f = 50 / (50 + 80), and then 80 is 1.3 times 8 / 13 of 100."""
    rule = PortfolioAuction.model_validate({"terms": {"buffer": 0.15}})
    f = share(rule, 80.0, 100.0, 1e4, stop=1.3)
    assert f == pytest.approx(50.0 / 130.0)
    assert 1.3 * 100.0 * (1.0 - f) == pytest.approx(80.0)
    assert share(rule, 80.0, 100.0, 1e4, stop=1.1) == pytest.approx(35.0 / 115.0), "the buffer of 15 % is more"


def test_an_account_worth_nothing_is_for_sale_whole() -> None:
    rule, terms = PortfolioAuction.model_validate({}), AuctionTerms.model_validate({"fee_rate": 0.02})
    assert share(rule, 0.0, 100.0, 1e4) == 1.0
    assert float(rule.concession(Distressed(*(np.array([x]) for x in (0.0, 1.0, 1.0, 0.0))), np.ones(1))[0]) == 0.0
    assert terms.largest_share(0.0, -100.0, 0.7) == 1.0
    assert terms.largest_share(0.4, -100.0, 1.0) == pytest.approx(110.04 / 110.44)
    assert terms.largest_share(300.0, -100.0, 0.0) == 1.0, "given away, nothing less than all of it helps"


def test_at_a_buffer_margin_of_nothing_nothing_is_for_sale() -> None:
    """MM = 10 of V = 110: B = 10 - .1 * 100 = 0."""
    terms = AuctionTerms.model_validate({"buffer": 0.1})
    assert terms.largest_share(110.0, 10.0, 0.9) == 0.0
    assert 0.0 < float(terms.largest_share(110.0, 9.99, 0.9)) < 1e-3


@given(st.floats(-500.0, 500.0), st.floats(-1_000.0, -1.0), st.floats(0.0, 600.0))
def test_an_insolvent_auction_pays_from_the_debt_to_the_whole_maintenance(
    value: float, maintenance: float, seconds: float
) -> None:
    """Linearly in time; where the account is worth something the bidding starts at nothing."""
    terms = AuctionTerms.model_validate({"insolvent_seconds": 600.0})
    first, last = max(-value, 0.0), -maintenance
    found = float(terms.insolvent_payment(value, maintenance, seconds))
    assert found == pytest.approx(first + (last - first) * seconds / 600.0, abs=1e-9)


# Lending markets -----------------------------------------------------------------------------------------------


def test_health_at_the_edges() -> None:
    assert liquidatable(np.array([0.5, 0.0, -1.0, 1.0, 1.5])).tolist() == [True, True, True, False, False]
    assert close_factor(np.array([0.95, np.nextafter(0.95, 1.0), 1.0])).tolist() == [1.0, 0.5, 0.0]
    assert close_factor(0.97, 0.3, 0.98) == 1.0


@pytest.mark.parametrize(
    ("debt", "collateral", "health", "expected"),
    [
        (10.0, 5.0, 0.9, (4.5, 5.0, 5.5)),  # all of the collateral at a tenth less
        (10.0, 10.0 / 0.9, 0.9, (10.0, 10.0 / 0.9, 0.0)),  # exactly enough
        (0.0, 5.0, 0.9, (0.0, 0.0, 0.0)),  # nothing owed, nothing taken
        (10.0, 5.0, 0.2, (4.0, 5.0, 6.0)),  # no more than a fifth less
        (10.0, 5.0, 1.0, (0.0, 0.0, 0.0)),
    ],
)
def test_vaults_by_hand(debt: float, collateral: float, health: float, expected: tuple[float, float, float]) -> None:
    found = discounted_seizure(debt, collateral, health, 0.2)
    assert (float(found.repaid), float(found.seized), float(found.bad_debt)) == pytest.approx(expected)


# Windows -------------------------------------------------------------------------------------------------------


def test_a_capacity_of_less_than_a_unit_is_one_and_a_wish_for_nothing_leaves_no_record() -> None:
    terms = {"maker_fee_rate": 0.0005, "taker_fee_rate": 0.0005, "skew_scale": 100.0, "window_seconds": 5.0}
    rule = CapacityWindow.model_validate(terms)
    assert rule.capacity == pytest.approx(0.5)
    assert rule.close(Request(0.0, 1.0, 0.0), ()) == (0.0, ())
    units, record = rule.close(Request(0.4, 1.0, 0.0), ())
    assert (units, record) == (0.4, ((1.0, 0.4),))
    assert rule.left(record, 2.0) == pytest.approx(0.1)
    assert rule.close(Request(9.0, 2.0, 0.0), record)[0] == pytest.approx(0.1)
    assert rule.left(record, 6.0) == pytest.approx(0.5), "a window after it has closed it no longer counts"


def test_a_scale_of_less_than_a_unit_measures_the_premium_too() -> None:
    rule = CapacityWindow.model_validate({"skew_scale": 0.5, "multiplier": 100.0, "largest_premium": 0.1})
    full = ((0.0, rule.capacity),)
    assert rule.allowed(Request(1e-9, 1.0, 0.04), full) == 1e-9
    assert rule.allowed(Request(1e-9, 1.0, 0.06), full) == 0.0
