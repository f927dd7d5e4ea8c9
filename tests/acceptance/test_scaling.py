"""A venue four times as large is the same venue: every amount times four, every price and every choice the same."""

from typing import Any

import numpy as np
import pytest

from experiments import run
from simulation.accounts import QUANTUM
from tests.venues import book, scenario, storm

REGIMES = ("isolated", "cross", "portfolio")
UNITS = [(64.0, 32.0), (48.0, -80.0), (-96.0, 16.0), (112.0, 0.0), (-32.0, -64.0), (24.0, 96.0)]
DEPOSITS = [1_024.0, 1_536.0, 1_800.0, 1_400.0, 1_300.0, 1_450.0]
PATH = storm([128, 64], [124, 65], [116, 62], [118, 70], [104, 58], [98, 71], [120, 48])
WHOLE = {"kind": "full", "penalty_rate": 2.0**-8}
AMOUNTS = ["deficit", "insurance", "adl", "socialised", "unpaid"]
METRICS = ["bad_debt", "insurance_draw", "adl_notional", "liquidated_notional", "open_interest", "penalties"]


def listed(price: float, depth: float) -> list[dict[str, Any]]:
    """Two markets at 128 and 64 times `price` dollars, with dyadic margin rates."""
    tiers = [{"maintenance_rate": 2.0**-5, "initial_rate": 2.0**-4}]
    named = (("A", 128.0), ("B", 64.0))
    return [{"name": name, "price": price * start, "depth": depth, "tiers": tiers} for name, start in named]


def sized(size: float, margin: str, **changes: Any) -> Any:
    """Books, deposits, depth and fund times `size`."""
    people = [
        book(f"b{i}", {"A": size * a, "B": size * b}, size * deposit, posted_share=0.0)
        for i, ((a, b), deposit) in enumerate(zip(UNITS, DEPOSITS, strict=True))
    ]
    markets = listed(1.0, size * 2.0**18)
    usual: dict[str, Any] = {"price": PATH, "markets": markets, "liquidation": WHOLE, "margin": {"kind": margin}}
    return run(scenario(people, 2, insurance_fund=size * 64.0, **{**usual, **changes}))


@pytest.mark.parametrize("margin", REGIMES)
@pytest.mark.parametrize("size", [2.0, 4.0, 64.0])
def test_every_amount_is_exactly_as_many_times_larger_at_dyadic_prices(margin: str, size: float) -> None:
    """Without impact all products are whole quanta at both sizes, so nothing is rounded."""
    changes: dict[str, Any] = {"deleveraging": {"kind": "off"}, "socialise_losses": False}
    small, large = sized(1.0, margin, **changes), sized(size, margin, **changes)
    assert len(small.events)
    assert len(small.bankruptcies)
    for column in ("step", "round", "account", "market", "fill", "mark_before"):
        assert small.events[column].equals(large.events[column]), column
    for column in ("quantity", "notional", "equity", "loss"):
        np.testing.assert_array_equal(size * small.events[column], large.events[column])
    for column in AMOUNTS:
        np.testing.assert_array_equal(size * small.bankruptcies[column], large.bankruptcies[column])
    for column in ("deposited", "equity", "notional", "position_A", "position_B"):
        np.testing.assert_array_equal(size * small.accounts[column], large.accounts[column])


@pytest.mark.parametrize("margin", REGIMES)
@pytest.mark.parametrize("adl", ["queue", "pro_rata", "off"])
def test_with_impact_and_shared_losses_every_amount_scales_up_to_rounding(margin: str, adl: str) -> None:
    changes: dict[str, Any] = {"impact": {"kind": "linear"}, "deleveraging": {"kind": adl}}
    small, large = sized(1.0, margin, **changes), sized(4.0, margin, **changes)
    assert len(small.events) > 2
    assert small.events["account"].equals(large.events["account"])
    np.testing.assert_allclose(small.prices["mark"], large.prices["mark"], rtol=1e-6)
    slack = 4.0 * 0.02 * 128.0  # pro rata shares whole lots of about a cent, and one lot may fall elsewhere
    if adl != "pro_rata":
        slack = 4.0 * 400.0 * QUANTUM
    np.testing.assert_allclose(4.0 * small.accounts["equity"], large.accounts["equity"], atol=slack)
    for metric in METRICS:
        assert 4.0 * small.metrics[metric] == pytest.approx(large.metrics[metric], rel=1e-6, abs=slack), metric


@pytest.mark.parametrize("margin", REGIMES)
def test_ratios_do_not_know_the_size_of_the_venue(margin: str) -> None:
    changes = {"impact": {"kind": "linear"}}
    small, large = sized(1.0, margin, **changes), sized(16.0, margin, **changes)
    for metric in ("capital_efficiency", "liquidated_share", "cascade_size", "branching_ratio", "price_amplification"):
        assert small.metrics[metric] == pytest.approx(large.metrics[metric], rel=1e-6, nan_ok=True), metric


@pytest.mark.parametrize("margin", REGIMES)
def test_prices_in_units_four_times_as_large_change_no_dollar(margin: str) -> None:
    """Redenomination: a quarter of the units at four times the price is the same money."""
    path = np.array(PATH["prices"])
    markets = listed(4.0, 2.0**18)
    people = [
        book(f"b{i}", {"A": a / 4.0, "B": b / 4.0}, deposit, posted_share=0.0)
        for i, ((a, b), deposit) in enumerate(zip(UNITS, DEPOSITS, strict=True))
    ]
    usual: dict[str, Any] = {"liquidation": WHOLE, "insurance_fund": 64.0, "margin": {"kind": margin}}
    dear = run(scenario(people, 2, price=storm(*(4.0 * path)), markets=markets, **usual))
    plain = sized(1.0, margin)
    assert dear.events["account"].equals(plain.events["account"])
    np.testing.assert_allclose(dear.accounts["equity"], plain.accounts["equity"], atol=1.0)
    assert dear.metrics["bad_debt"] == pytest.approx(plain.metrics["bad_debt"], abs=1.0)


def test_a_copied_account_meets_the_fate_of_the_original() -> None:
    """Without impact and shared losses, twins end with the same bytes wherever they stand in the file."""
    one = [book(f"x{i}", {"A": a, "B": b}, d) for i, ((a, b), d) in enumerate(zip(UNITS, DEPOSITS, strict=True))]
    two = [book(f"a{i}", {"A": a, "B": b}, d) for i, ((a, b), d) in enumerate(zip(UNITS, DEPOSITS, strict=True))]
    for margin in REGIMES:
        usual: dict[str, Any] = {"price": PATH, "markets": listed(1.0, 1e6), "insurance_fund": 1e6}
        result = run(scenario([*one, *two], 2, margin={"kind": margin}, **usual))
        ends = result.accounts.set_index("group")[["equity", "position_A", "position_B"]]
        for i in range(len(UNITS)):
            assert ends.loc[f"x{i}"].tolist() == ends.loc[f"a{i}"].tolist()
