"""What collateral is worth, once more on paper: bridges that drop and fail, baskets, pledges, accounts in a depeg."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import t as student

from experiments import collateral_basket, remote_collateral, wrong_way
from experiments.collateral_basket import Baskets
from experiments.depeg import index, scenario, shortfall
from experiments.depeg import run as depeg_run
from experiments.remote_collateral import DELAYS, YEAR_SECONDS, Bridge, Pooling, arrivals, haircut_target
from experiments.run import run
from experiments.wrong_way import SIDES, Pledge, losses

N = NormalDist()
DAY = 86_400.0

# Bridges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hazard", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("seconds", [1_200.0, DAY])
def test_the_haircut_under_hazard_solves_its_equation_in_closed_form(hazard: float, seconds: float) -> None:
    """p + (1 - p) N(-h / d) = a, so h = -d N^-1((a - p) / (1 - p)): larger than without hazard."""
    bridge = Bridge(volatility=0.6, shortfall=0.02, hazard_rate=hazard)
    lost = 1.0 - math.exp(-hazard * seconds / YEAR_SECONDS)
    deviation = 0.6 * math.sqrt(seconds / YEAR_SECONDS)
    expected = -deviation * N.inv_cdf((0.02 - lost) / (1.0 - lost))
    assert bridge.failure(seconds) == pytest.approx(lost, rel=1e-9)
    assert bridge.haircut(seconds) == pytest.approx(expected, rel=1e-9)
    assert bridge.haircut(seconds) > replace(bridge, hazard_rate=0.0).haircut(seconds) == -deviation * N.inv_cdf(0.02)


def test_a_message_that_is_dropped_takes_its_time_again_and_its_hazard_again() -> None:
    """Half are dropped: one send with 1/2, two with 1/4, ...; n sends take n delays, of return and of hazard."""
    bridge, haircut = Bridge(drop_rate=0.5, hazard_rate=0.7), 0.03
    expected = 0.0
    for n in range(1, 60):
        lost = 1.0 - math.exp(-0.7 * n * 1_200.0 / YEAR_SECONDS)
        fell = N.cdf(-haircut / (0.8 * math.sqrt(n * 1_200.0 / YEAR_SECONDS)))
        expected += 0.5**n * (lost + (1.0 - lost) * fell)
    assert bridge.probability(haircut, 1_200.0) == pytest.approx(expected, rel=1e-9)
    assert bridge.probability(bridge.haircut(1_200.0), 1_200.0) == pytest.approx(0.01, rel=1e-9)


def test_rare_drops_leave_the_haircut_and_frequent_ones_raise_it() -> None:
    never, rarely, often = (Bridge(drop_rate=rate).haircut(DAY) for rate in (0.0, 1e-9, 0.6))
    assert rarely == pytest.approx(never, rel=1e-6)
    assert often > 1.2 * never


@pytest.mark.parametrize("bridge", [Bridge(drop_rate=0.4), Bridge(hazard_rate=1.0), Bridge(0.5, 0.03, 0.2, 0.5)])
def test_drawn_arrivals_fall_short_as_often_as_accepted_with_drops_and_hazard(bridge: Bridge) -> None:
    checks = haircut_target(bridge, draws=60_000)
    assert [check.expected for check in checks] == [bridge.shortfall] * len(checks)
    assert len(checks) == sum(bridge.haircut(seconds) < 1.0 for seconds in DELAYS.values()) >= 4
    assert all(check.passed for check in checks)


def test_what_arrives_late_has_moved_for_all_the_time_it_was_sent() -> None:
    """Sends are geometric, mean 1 / (1 - q), and variance grows with their time: s^2 L / (1 - q)."""
    drops, draws = 0.75, 100_000
    worth = arrivals(Bridge(drop_rate=drops), DAY, draws)
    variance = 0.8**2 / 365.0 / (1.0 - drops)
    assert worth.var() == pytest.approx(variance, rel=0.05)
    assert worth.mean() == pytest.approx(1.0, abs=4.0 * math.sqrt(variance / draws))
    lost = (arrivals(Bridge(hazard_rate=3.0), 30 * DAY, draws) == 0.0).mean()
    assert lost == pytest.approx(1.0 - math.exp(-3.0 * 30.0 / 365.0), abs=4.0 * math.sqrt(0.25 / draws))


def test_at_the_longest_delay_the_bridge_alone_fails_as_often_as_accepted() -> None:
    bridge = Bridge(hazard_rate=0.5, shortfall=0.02)
    assert bridge.failure(bridge.longest) == pytest.approx(0.02, rel=1e-12)
    assert bridge.haircut(1.001 * bridge.longest) == 1.0 > bridge.haircut(0.99 * bridge.longest)
    assert Bridge().longest == math.inf


def test_a_haircut_is_never_more_than_everything() -> None:
    assert Bridge(volatility=9.0).haircut(YEAR_SECONDS) == 1.0
    assert Pooling().capital(1.0) == math.inf


@pytest.mark.parametrize(("saving", "remote"), [(0.2, 0.5), (0.3, 0.25), (0.05, 1.0)])
def test_pooling_breaks_even_where_what_it_saves_is_what_the_haircut_costs(saving: float, remote: float) -> None:
    pooling = Pooling(saving, remote)
    assert pooling.capital(0.0) == pytest.approx(1.0 - saving, rel=1e-12)
    cut = pooling.largest_haircut
    assert cut / (1.0 - cut) == pytest.approx(saving / ((1.0 - saving) * remote), rel=1e-12)
    assert pooling.capital(cut) == pytest.approx(1.0, rel=1e-12)
    for bridge in (Bridge(), Bridge(0.4, 0.05), Bridge(drop_rate=0.3), Bridge(hazard_rate=0.01)):
        assert bridge.haircut(pooling.break_even(bridge)) == pytest.approx(cut, rel=1e-6)
    days = (cut / (N.inv_cdf(0.99) * 0.8)) ** 2 * 365.0
    assert pooling.break_even(Bridge()) / DAY == pytest.approx(days, rel=1e-9)


def test_the_table_of_delays_states_haircut_and_capital_of_the_bridge_it_was_given() -> None:
    table = remote_collateral.run(Bridge(volatility=0.5), Pooling(0.4, 0.5)).set_index("delay")
    assert table["seconds"].to_dict() == {"12 s": 12, "20 min": 1_200, "1 h": 3_600, "1 day": DAY, "7 days": 7 * DAY}
    cut = N.inv_cdf(0.99) * 0.5 * math.sqrt(7.0 / 365.0)
    assert table.loc["7 days", "haircut"] == pytest.approx(cut, rel=1e-9)
    assert table.loc["7 days", "capital"] == pytest.approx(0.6 * (0.5 + 0.5 / (1.0 - cut)), rel=1e-9)


# Baskets ----------------------------------------------------------------------------------------------------------


def test_every_choice_of_tokens_is_one_account_of_equal_weights() -> None:
    weights = Baskets(tokens=3).weights(2)
    assert weights.tolist() == [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    assert len(Baskets().weights(4)) == 70


def test_failure_of_an_account_is_the_tail_of_a_t_law_with_the_variance_of_its_basket() -> None:
    """Two tokens, rho = 0.5: variance (1 + 0.5) / 2 of one token's; a t(5) law has variance 5 / 3 of its scale's."""
    baskets = Baskets(correlation=0.5, buffer=0.2, deviation=0.1, freedom=5.0)
    spread = 0.1 * math.sqrt(3.0 / 5.0) * math.sqrt(0.75)
    assert baskets.failure(2) == pytest.approx(student.sf(0.2 / spread, 5.0), rel=1e-9)


def test_drawn_returns_have_the_deviation_and_the_correlation_that_were_asked_for() -> None:
    drawn = Baskets(correlation=0.6, tokens=3, deviation=0.05, freedom=12.0).returns(60_000, seed=4)
    assert drawn.std(axis=0) == pytest.approx(np.full(3, 0.05), rel=0.03)
    assert np.corrcoef(drawn.T)[~np.eye(3, dtype=bool)] == pytest.approx(np.full(6, 0.6), abs=0.02)
    assert drawn.mean(axis=0) == pytest.approx(np.zeros(3), abs=4 * 0.05 / math.sqrt(60_000))
    kurtosis = ((drawn / drawn.std(axis=0)) ** 4).mean(axis=0)
    assert kurtosis == pytest.approx(np.full(3, 3.0 + 6.0 / (12.0 - 4.0)), rel=0.15)


def test_the_table_of_baskets_counts_accounts_step_by_step() -> None:
    draws = 4_000
    table = collateral_basket.run((0.6,), draws=draws, seed=3).set_index("tokens")
    for size in (1, 2, 8):
        drawn, weights = Baskets(0.6).returns(draws, 3), Baskets(0.6).weights(size)
        failed = [sum(float(w @ r) < -0.15 for w in weights) / len(weights) for r in drawn]
        assert table.loc[size, "account"] == pytest.approx(sum(failed) / draws, rel=1e-12)
        assert table.loc[size, "most"] == sum(share > 0.5 for share in failed) / draws
        hit = [share for share in failed if share > 0.0]
        assert table.loc[size, "given_any"] == pytest.approx(sum(hit) / len(hit), rel=1e-12)
        assert table.loc[size, "expected"] == Baskets(0.6).failure(size)


# Pledges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("confidence", [0.99, 0.95])
def test_what_both_rules_ask_of_a_pledge_on_paper(side: float, confidence: float) -> None:
    """The rule that knows the direction asks z times the deviation of equity; the flat one takes correlation as 0."""
    pledge = Pledge(correlation=0.5, share=0.3, horizon_days=4.0, confidence=confidence)
    z, root = N.inv_cdf(confidence), math.sqrt(4.0 / 365.0)
    position, token = 1_000.0 * 0.55 * root, 300.0 * 0.75 * root
    deviation = math.sqrt(position**2 + token**2 + 2.0 * side * 0.5 * position * token)
    assert pledge.deviation(side) == pytest.approx(deviation, rel=1e-12)
    assert pledge.required("wrong_way", side) == pytest.approx(z * deviation, rel=1e-9)
    assert pledge.required("flat", side) == pytest.approx(z * math.hypot(position, token), rel=1e-9)
    assert pledge.frequency("wrong_way", side) == pytest.approx(1.0 - confidence, rel=1e-9)
    assert pledge.frequency("flat", side) == pytest.approx(
        N.cdf(-z * math.hypot(position, token) / deviation), rel=1e-9
    )


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_drawn_losses_have_the_deviation_of_the_closed_form(side: float) -> None:
    pledge = Pledge(correlation=0.6, share=0.4, horizon_days=2.0)
    drawn = losses(pledge, side, 60_000)
    assert drawn.std() == pytest.approx(pledge.deviation(side), rel=0.02)
    assert drawn.mean() == pytest.approx(0.0, abs=4.0 * pledge.deviation(side) / math.sqrt(60_000))


def test_a_long_loses_when_its_perpetual_falls_and_so_does_whoever_holds_the_token() -> None:
    alone = replace(Pledge(), share=1e-12)
    assert losses(alone, -1.0, 100) == pytest.approx(-losses(alone, 1.0, 100), abs=1e-6)
    both = losses(Pledge(), 1.0, 100) + losses(Pledge(), -1.0, 100)  # the perpetuals cancel, two tokens are left
    assert both == pytest.approx(2.0 * losses(replace(Pledge(), position_volatility=1e-12), 1.0, 100), abs=1e-6)


def test_the_table_of_pledges_has_the_closed_form_beside_the_draws() -> None:
    table = wrong_way.run((0.3,), draws=20_000).set_index(["side", "rule"])
    for name, side in SIDES.items():
        for rule in ("flat", "wrong_way"):
            row, pledge = table.loc[(name, rule)], Pledge(correlation=0.3)
            assert row["expected"] == pledge.frequency(rule, side)
            assert row["drawn"] == (losses(pledge, side, 20_000) > pledge.required(rule, side)).mean()
            assert row["low"] < row["drawn"] < row["high"]
            assert row["drawn"] == pytest.approx(row["expected"], abs=4.0 * math.sqrt(0.012 / 20_000))


# Depegs -----------------------------------------------------------------------------------------------------------


def test_in_a_true_loss_the_perpetual_falls_by_a_tenth_in_forty_minutes_and_the_token_at_once_for_good() -> None:
    path = index("true loss")
    assert path[[0, 20, 30, 40, 60, 120], 0].tolist() == pytest.approx([1e5, 1e5, 97_500.0, 95_000.0, 9e4, 9e4])
    assert path[[19, 20, 120], 1].tolist() == [1.0, 0.65, 0.65]
    assert index("panic")[[19, 20, 59, 60], 1].tolist() == [1.0, 0.65, 0.65, 1.0]
    assert (index("panic")[:, 0] == 1e5).all()


@pytest.mark.parametrize(("event", "rule"), [("local", "own mark"), ("panic", "own mark"), ("panic", "index")])
def test_a_token_at_65_cents_closes_whoever_holds_more_than_15_times_it(event: str, rule: str) -> None:
    """10,000 tokens at 0.65 less 5 % are 6,175 dollars, which carry 4 % of a perpetual of 154,375."""
    opened = run(scenario(event, "redemption", accounts=200)).accounts
    notional = (opened["position_BTC"].abs() * 100_000.0)[opened["group"] == "traders"]
    assert shortfall(event, rule, accounts=200)["liquidated"] == (notional > 154_375.0).mean() > 0.1


def test_whoever_backs_a_position_with_a_broken_promise_leaves_what_the_tokens_do_not_cover() -> None:
    """The perpetual falls by a tenth; whoever is still open owes, with tokens at 0.65, what it lost beyond 6,500."""
    result = run(scenario("true loss", "redemption", accounts=200))
    traders = result.accounts[result.accounts["group"] == "traders"]
    cash = traders["equity"] - traders["position_USDX"] - traders["position_BTC"] * 90_000.0
    worth = cash + traders["position_BTC"] * 90_000.0 + 0.65 * traders["position_USDX"]
    expected = result.metrics["bad_debt"] - worth[worth < 0.0].sum()
    assert shortfall("true loss", "redemption", accounts=200)["bad_debt"] == pytest.approx(expected, rel=1e-9)
    assert worth.min() < 0.0


def test_each_rule_has_the_accounts_of_its_own_three_events() -> None:
    table = depeg_run(accounts=40).set_index("rule")
    for rule in ("own mark", "average"):
        local, panic, true = (shortfall(event, rule, accounts=40) for event in ("local", "panic", "true loss"))
        found = [local["liquidated"], panic["liquidated"], true["liquidated"], true["bad_debt"]]
        assert table.loc[rule].tolist() == found
