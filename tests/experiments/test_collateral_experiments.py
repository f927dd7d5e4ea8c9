"""Baskets, wrong-way collateral, remote collateral and depegs: closed forms, drawn shares, and what must never be."""

import numpy as np
import pytest

from experiments.collateral_basket import Baskets, survives
from experiments.collateral_basket import plot as basket_plot
from experiments.collateral_basket import run as basket_run
from experiments.collateral_basket import target as basket_target
from experiments.depeg import BOTTOM, EVENTS, index, shortfall
from experiments.depeg import run as depeg_run
from experiments.remote_collateral import DELAYS, Bridge, Pooling, haircut_target
from experiments.remote_collateral import plot as remote_plot
from experiments.remote_collateral import run as remote_run
from experiments.wrong_way import Pledge, relative_volatility
from experiments.wrong_way import run as wrong_way_run
from experiments.wrong_way import target as wrong_way_target

# Baskets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rho", "one", "eight"), [(0.2, 1.18, 0.14), (0.6, 1.14, 0.55), (0.9, 1.22, 1.04)])
def test_spreading_collateral_helps_the_account_as_far_as_tokens_differ(rho: float, one: float, eight: float) -> None:
    baskets = Baskets(rho)
    assert 100 * baskets.failure(1) == pytest.approx(one, abs=0.08), "indicative figures of one seed"
    assert 100 * baskets.failure(8) == pytest.approx(eight, abs=0.08)


@pytest.mark.parametrize("rho", [0.2, 0.6, 0.9])
def test_drawn_failures_are_those_of_the_closed_form(rho: float) -> None:
    assert all(check.passed for check in basket_target(Baskets(rho), draws=40_000))


def test_spreading_hardly_changes_joint_failure_and_makes_it_all_or_nothing() -> None:
    table = basket_run((0.2,), draws=100_000).set_index("tokens")
    assert table.loc[8, "given_any"] == 1.0, "eight of eight tokens: everybody holds the same"
    assert table.loc[1, "given_any"] < 0.3
    assert table.loc[8, "most"] > table.loc[1, "most"] / 3.0
    assert table.loc[8, "account"] < table.loc[1, "account"] / 5.0


def test_a_crash_of_one_token_is_survived_by_more_than_crash_over_buffer_tokens() -> None:
    assert [survives(m, 0.6, 0.15) for m in (1, 3, 4, 5, 8)] == [False, False, False, True, True]


# Wrong way --------------------------------------------------------------------------------------------------------


def test_a_long_margined_with_a_token_that_falls_with_it_is_half_again_as_risky_as_a_short() -> None:
    calm, tied = Pledge(correlation=0.0), Pledge(correlation=0.8)
    assert relative_volatility(calm, 1.0) == pytest.approx(1.04, abs=0.005)
    assert relative_volatility(calm, -1.0) == relative_volatility(calm, 1.0)
    assert relative_volatility(tied, 1.0) == pytest.approx(1.23, abs=0.005)
    assert relative_volatility(tied, -1.0) == pytest.approx(0.80, abs=0.005)
    assert relative_volatility(tied, 1.0) / relative_volatility(tied, -1.0) == pytest.approx(1.54, abs=0.01)


def test_a_flat_haircut_liquidates_longs_more_often_and_one_that_knows_the_direction_does_not() -> None:
    pledge = Pledge()
    assert pledge.frequency("flat", 1.0) > 2.0 * pledge.frequency("flat", -1.0)
    assert pledge.frequency("wrong_way", 1.0) == pytest.approx(pledge.frequency("wrong_way", -1.0), rel=1e-9)
    assert pledge.frequency("wrong_way", 1.0) == pytest.approx(0.01, rel=1e-6)
    assert all(check.passed for check in wrong_way_target(pledge, draws=100_000))


def test_drawn_intervals_of_the_direction_aware_rule_overlap() -> None:
    table = wrong_way_run((0.8,), draws=50_000)
    aware = table[table["rule"] == "wrong_way"].set_index("side")
    assert aware.loc["long", "low"] <= aware.loc["short", "high"]
    assert aware.loc["short", "low"] <= aware.loc["long", "high"]
    flat = table[table["rule"] == "flat"].set_index("side")
    assert flat.loc["long", "low"] > flat.loc["short", "high"]


# Remote -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delay", "percent"), [("12 s", 0.11), ("20 min", 1.15), ("1 h", 2.0), ("1 day", 9.7), ("7 days", 25.8)]
)
def test_the_haircut_of_remote_collateral_grows_with_the_root_of_its_delay(delay: str, percent: float) -> None:
    assert 100 * Bridge().haircut(DELAYS[delay]) == pytest.approx(percent, rel=0.01, abs=0.006)


def test_the_slope_is_one_half_and_drawn_shortfalls_agree() -> None:
    seconds = np.array([12.0, 604_800.0])
    slope = np.diff(np.log([Bridge().haircut(float(s)) for s in seconds]))[0] / np.diff(np.log(seconds))[0]
    assert slope == pytest.approx(0.5, abs=1e-9)
    assert all(check.passed for check in haircut_target(Bridge(), draws=100_000))


def test_beyond_the_break_even_delay_one_margin_a_chain_is_cheaper_and_hazard_brings_it_nearer() -> None:
    pooling = Pooling()
    calm, risky = (pooling.break_even(Bridge(hazard_rate=rate)) for rate in (0.0, 0.5))
    assert 0.0 < risky < calm
    assert pooling.capital(Bridge().haircut(calm * 0.9)) < pooling.capital(Bridge().haircut(calm * 1.1))


def test_no_haircut_serves_once_the_bridge_itself_fails_too_often() -> None:
    bridge = Bridge(hazard_rate=5.0)
    assert bridge.failure(86_400.0) > bridge.shortfall
    assert not np.isfinite(bridge.haircut(86_400.0)) or bridge.haircut(86_400.0) >= 1.0
    assert len(remote_run())


# Depeg ------------------------------------------------------------------------------------------------------------


def test_the_book_alone_liquidates_for_nothing_and_the_promise_leaves_the_debt() -> None:
    table = depeg_run(accounts=150).set_index("rule")
    assert table.loc["own mark", "false_local"] > 0.05
    assert table.loc["index", "false_local"] == table.loc["redemption", "false_local"] == 0.0
    assert table.loc["index", "false_panic"] > 0.05
    assert table.loc["redemption", "false_panic"] == 0.0
    assert table["bad_debt"].idxmax() == "redemption"
    assert table.loc["redemption", "bad_debt"] > 0.0


def test_without_a_depeg_nobody_is_closed_for_one() -> None:
    assert index("local")[:, 1].tolist() == [1.0] * len(index("local"))
    assert index("true loss")[-1].tolist() == [90_000.0, BOTTOM]
    assert index("panic")[-1].tolist() == [100_000.0, 1.0]
    assert all(shortfall(event, "redemption", 40)["liquidated"] == 0.0 for event in EVENTS[:2])


def test_pictures_are_drawn() -> None:
    for picture in (basket_plot(draws=5_000), remote_plot()):
        assert picture.png.startswith(b"\x89PNG")
        assert picture.caption
