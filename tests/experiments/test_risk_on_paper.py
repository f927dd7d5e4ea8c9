"""Outcomes of traders and venues once more: read off the tables of an ordinary run, and by hand where nothing moves."""

import math

import numpy as np
import pytest

from experiments.margin_risk import TICKET_APART, Book, _excess, pooled_less_isolated, trader_outcomes
from experiments.paired import paired_difference
from experiments.run import Run, run
from experiments.target import opened
from experiments.venue_risk import VenueStorm, bad_debt_difference, venue_outcomes

WILD = Book(weights=(3.0, -2.0), correlation=0.2, steps=8, step_spread=0.05, spread=0.5)
HARD = VenueStorm(shocks=(-0.15, -0.15, 0.1, 0.1), volatility=0.6)
SEEDS = range(3, 7)


def share_lost(result: Run) -> np.ndarray:
    traders = result.accounts[result.accounts["deposited"] > 0.0]
    return 1.0 - (traders["equity"] / traders["deposited"]).to_numpy()


@pytest.mark.parametrize("regime", ["isolated", "cross"])
def test_outcomes_of_traders_are_those_that_the_tables_of_the_run_tell(regime: str) -> None:
    table = trader_outcomes(WILD, regime, SEEDS)
    for seed in SEEDS:
        result, found = run(WILD.scenario(regime).with_(seed=seed)), table.loc[seed]
        lost = share_lost(result)
        traders = result.accounts[result.accounts["deposited"] > 0.0]
        hit = traders["row"].isin(result.events["row"]).to_numpy()
        assert len(hit) == 40
        assert found["any_liquidation"] == hit.sum() / 40
        if hit.any():
            assert found["loss_given_liquidation"] == pytest.approx(lost[hit].sum() / hit.sum(), rel=1e-6)
        assert found["ruined"] == (lost > 0.4).sum() / 40
        assert found["largest_loss"] == pytest.approx(max(lost), rel=1e-6)
        closed = result.events.loc[result.events["market"] == "M0", "row"]
        assert found["core_kept"] == (40 - len(set(closed))) / 40
    assert (table["any_liquidation"].between(0.0, 1.0, "neither") & table["core_kept"].between(0.0, 1.0)).any()


def test_pooled_less_isolated_is_the_mean_of_differences_storm_by_storm() -> None:
    cross, isolated = (trader_outcomes(WILD, regime, SEEDS) for regime in ("cross", "isolated"))
    for name, found in pooled_less_isolated(WILD, SEEDS).items():
        assert found.value == pytest.approx((cross[name] - isolated[name]).mean(), abs=1e-12)
        assert found.n == (cross[name] - isolated[name]).count()
    assert pooled_less_isolated(WILD, SEEDS)["any_liquidation"].value != 0.0


def test_a_book_of_one_day_is_lost_in_the_proportion_of_its_weight() -> None:
    """No liquidation below a maintenance of 0.1 %: a loss is -w (P_1 / P_0 - 1) of the mean deposit, over one's own."""
    book = Book(weights=(0.5,), correlation=0.0, steps=1, maintenance_rate=0.001)
    scenario = book.scenario("cross", traders=10).with_(seed=2)
    result = run(scenario)
    mark = result.prices["mark"].to_numpy()
    traders = result.accounts[result.accounts["deposited"] > 0.0]
    assert traders["deposited"].between(7_000.0, 13_000.0).all()
    expected = -0.5 * 10_000.0 * (mark[1] / mark[0] - 1.0) / traders["deposited"]
    assert share_lost(result) == pytest.approx(expected.to_numpy(), rel=1e-6)
    assert mark[0] == 100.0


def test_a_step_of_a_book_has_the_spread_that_was_asked_for() -> None:
    """Volatility is a year's, of 365 steps of a day."""
    for spread in (0.01, 0.04):
        scenario = Book(step_spread=spread).scenario("isolated")
        assert scenario.step_seconds == 86_400.0
        assert scenario.column("volatility") * math.sqrt(1.0 / 365.0) == pytest.approx(np.full(4, spread), rel=1e-12)
    tier = Book(maintenance_rate=0.07).scenario("cross").to_dict()["markets"][0]["tiers"][0]
    assert (tier["maintenance_rate"], tier["initial_rate"]) == (0.07, 0.14)


def test_a_ticket_apart_is_the_second_market_in_a_pool_of_its_own() -> None:
    group = TICKET_APART.scenario("cross").population[0]
    assert group.isolated == ("M1",)
    assert group.parameters["units"] == {"M0": 50.0, "M1": 500.0}


def test_bad_debt_is_a_share_of_all_deposits_and_accounts_one_of_all_traders() -> None:
    table = venue_outcomes(HARD, {"kind": "isolated"}, SEEDS, reuse_share=1.0)
    for seed in SEEDS:
        result = run(HARD.scenario({"kind": "isolated"}, 1.0).with_(seed=seed))
        deposits = result.accounts["deposited"].sum()
        traders = result.accounts.loc[result.accounts["deposited"] > 0.0, "row"]
        hit = set(result.events["row"]) & set(traders)
        assert table.loc[seed, "accounts_hit"] == len(hit) / 200 > 0.0
        assert table.loc[seed, "bad_debt"] == pytest.approx(result.bankruptcies["deficit"].sum() / deposits, rel=1e-9)
        assert table.loc[seed, "digest"] == result.digest
    assert table["bad_debt"].max() > 0.0


def test_the_whole_fall_beyond_a_traders_own_money_is_bad_debt() -> None:
    """Leverage L, prices fall by x at once, no impact: what is owed is a deposit times L x - 1, for every trader."""
    storm = VenueStorm(
        shocks=(-0.5,), markets_held=1, leverage=(4.0, 4.0), volatility=0.0, traders=30, steps=2, at=1, impact=0.0
    )
    found = venue_outcomes(storm, {"kind": "cross"}, range(2))
    assert found["bad_debt"].tolist() == pytest.approx([4.0 * 0.5 - 1.0] * 2, rel=1e-4)
    assert found["accounts_hit"].tolist() == [1.0, 1.0]


def test_differences_of_bad_debt_are_taken_storm_by_storm() -> None:
    arms = [venue_outcomes(HARD, {"kind": kind}, SEEDS, 1.0) for kind in ("portfolio", "isolated")]
    found, turned = bad_debt_difference(*arms), bad_debt_difference(arms[1], arms[0])
    expected = paired_difference(arms[0]["bad_debt"].tolist(), arms[1]["bad_debt"].tolist())
    assert (found.value, found.low, found.high) == (expected.value, expected.low, expected.high)
    assert (turned.value, turned.low, turned.high) == pytest.approx((-found.value, -found.high, -found.low), rel=1e-9)


def test_a_venue_storm_lists_what_it_was_told() -> None:
    """Depth is the open interest of traders with the median deposit, so that `impact` is the move if it were sold."""
    storm = VenueStorm(shocks=(-0.1, 0.2), leverage=(2.0, 6.0), traders=50, long_share=0.25, correlation=0.4, at=3)
    plain = storm.scenario({"kind": "cross"}, 0.5).to_dict()
    assert [market["depth"] for market in plain["markets"]] == [50 * 10_000.0 * 4.0 / 2.0] * 2
    shocks = [(shock["step"], shock["market"], shock["size"]) for shock in plain["price"]["shocks"]]
    assert shocks == [(3, "M0", -0.1), (3, "M1", 0.2)]
    assert plain["price"]["base"]["correlation"] == 0.4
    assert plain["impact"]["scale"] == 0.02
    (group,) = plain["population"]
    assert (group["parameters"]["long_share"], group["count"], plain["reuse_share"]) == (0.25, 50, 0.5)
    assert (group["parameters"]["leverage"]["low"], group["parameters"]["leverage"]["high"]) == (2.0, 6.0)


def test_a_closed_pool_that_took_more_than_its_margin_would_be_seen() -> None:
    """Teeth of the check: a closed pool overdrawn by 5 dollars, or a wallet short of 7, is an excess of 5 or 7."""
    for overdrawn, short in ((5.0, 0.0), (0.0, 7.0), (5.0, 7.0)):
        model = opened(WILD.scenario("isolated", traders=3))
        rows = model.traders
        wallet = model.accounts.cash[rows, 0] + 100.0
        model.accounts.cash[rows, 0] = wallet
        assert _excess(model, rows, wallet) == 0.0
        model.accounts.position[rows[1], 0] = 0.0
        model.accounts.cash[rows[1], 1] = -overdrawn
        model.accounts.cash[rows[2], 0] -= short
        assert _excess(model, rows, wallet) == max(overdrawn, short)
