"""Savings, back-tests and procyclicality once more: recounted book by book, step by step, storm by storm."""

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from experiments import margin_backtest, procyclicality
from experiments.coverage import kupiec
from experiments.margin_backtest import CASES, LONG_PAIR, Backtest, Held, backtest, shortfall_test
from experiments.margin_efficiency import Crowd, capital_at, frontier, saving
from experiments.procyclicality import TOOLS, Storm, cost, largest_rise, liquidity_stress, measures, peak_to_trough
from experiments.statistics import wilson_interval
from simulation.errors import InputError

N = NormalDist()
PLAIN = {"kind": "value_at_risk"}

# Savings ----------------------------------------------------------------------------------------------------------


def test_an_unequal_book_saves_what_its_covariance_matrix_says() -> None:
    """Long 3 and 1, short 2, r = 0.5: v' C v = 14 + 2 * 0.5 * (3 - 6 - 2) = 9, so 1 - 3 / 6."""
    assert saving(np.array([3.0, 1.0, -2.0]), {**PLAIN, "correlation": 0.5}) == pytest.approx(0.5, rel=1e-9)


def test_a_crowd_is_long_as_often_as_told_and_lognormal_in_size() -> None:
    exposure = Crowd(books=20_000, markets=3, long_share=0.7).exposures()
    assert exposure.shape == (20_000, 3)
    assert (exposure > 0.0).mean() == pytest.approx(0.7, abs=4.0 * math.sqrt(0.21 / 60_000))
    size = np.log(np.abs(exposure))
    assert (size.mean(), size.std()) == pytest.approx((0.0, 1.0), abs=0.02)


def test_losses_of_a_crowd_have_the_spread_and_the_correlation_of_its_world() -> None:
    crowd = Crowd(books=20_000, markets=3)
    exposure = crowd.exposures()
    moves = -crowd.losses(exposure, 0.4) / exposure
    assert moves.std(axis=0) == pytest.approx(np.full(3, 0.02), rel=0.03)
    assert np.corrcoef(moves.T)[~np.eye(3, dtype=bool)] == pytest.approx(np.full(6, 0.4), abs=0.03)


@pytest.mark.parametrize(("engine", "world"), [(0.5, 0.5), (0.8, 0.1)])
def test_the_frontier_is_counted_book_by_book(engine: float, world: float) -> None:
    crowd, levels = Crowd(books=400, markets=3, seed=5), (0.8, 0.95)
    table = frontier(engine, world, crowd, levels).set_index(["regime", "confidence"])
    exposure = crowd.exposures()
    losses, gross = crowd.losses(exposure, world), np.abs(exposure).sum()
    matrix = np.full((3, 3), engine) + (1.0 - engine) * np.eye(3)
    for level in levels:
        z = N.inv_cdf(level) * 0.02
        alone = [[z * abs(v) for v in book] for book in exposure]
        joint = [z * math.sqrt(book @ matrix @ book) for book in exposure]
        broke = {
            "isolated": sum(
                any(x > m for x, m in zip(lost, own, strict=True)) for lost, own in zip(losses, alone, strict=True)
            ),
            "cross": sum(sum(lost) > sum(own) for lost, own in zip(losses, alone, strict=True)),
            "portfolio": sum(sum(lost) > own for lost, own in zip(losses, joint, strict=True)),
        }
        capital = {"isolated": z, "cross": z, "portfolio": sum(joint) / gross}
        for regime, count in broke.items():
            row, share = table.loc[(regime, level)], wilson_interval(count, 400)
            assert row["capital"] == pytest.approx(capital[regime], rel=1e-9)
            assert (row["insolvency"], row["low"], row["high"]) == (count / 400, share.low, share.high)
        assert broke["isolated"] > broke["cross"] > 0


def test_capital_at_a_probability_is_read_between_two_levels_in_logarithms() -> None:
    """From 1 % at 10 to 16 % at 4, 4 % is half-way in logarithms; a level without insolvency is no point of it."""
    rows = [("a", 0.16, 4.0), ("a", 0.01, 10.0), ("a", 0.0, 20.0), ("b", 0.16, 3.0), ("b", 0.08, 5.0), ("c", 0.0, 9.0)]
    table = pd.DataFrame(rows, columns=["regime", "insolvency", "capital"])
    found = capital_at(table, 0.04)
    assert found["a"] == pytest.approx(7.0, rel=1e-12)
    assert math.isnan(found["b"]), "it never gets there"
    assert math.isnan(found["c"]), "nobody was ever insolvent"
    assert (capital_at(table, 0.16)["b"], capital_at(table, 0.08)["b"]) == pytest.approx((3.0, 5.0))
    assert math.isnan(capital_at(table, 0.0801 / 2)["b"])


# Back-tests -------------------------------------------------------------------------------------------------------


def test_a_back_test_of_four_days_on_paper() -> None:
    """10,000 dollars long at 20 % a year: 99 % ask z 20 % / sqrt(365) of them every day, whatever the prices did."""
    prices = [[100.0], [97.0], [97.0], [94.09], [103.499]]  # -3 %, 0, -3 %, +10 %
    found = backtest(Held((1e4,)), PLAIN, {"kind": "replay", "prices": prices}, 4)
    margin = 1e4 * 0.2 / math.sqrt(365.0) * N.inv_cdf(0.99)
    assert found.requirement == pytest.approx([margin] * 4, rel=1e-9)
    assert found.loss == pytest.approx([300.0, 0.0, 300.0, -1_000.0], abs=1e-9)
    assert found.breached.tolist() == [True, False, True, False]
    assert found.rate == pytest.approx(0.01, rel=1e-12)
    assert found.worst == pytest.approx(300.0 / margin, rel=1e-9)
    assert (found.size.average, found.size.worst) == pytest.approx((300.0 - margin,) * 2, rel=1e-9)
    assert (found.share.value, found.share.n) == (0.5, 4)
    assert found.unconditional == kupiec(2, 4, found.rate)


def test_a_short_loses_when_its_market_rises_and_a_pair_what_both_lose() -> None:
    prices = [[100.0, 100.0], [110.0, 104.0]]
    found = backtest(Held((1e4, -2e4)), PLAIN, {"kind": "replay", "prices": prices}, 1)
    assert found.loss.tolist() == pytest.approx([-1_000.0 + 800.0])


def test_the_requirement_of_a_step_has_not_seen_the_step() -> None:
    """EWMA at 0.9: the variance after a fall of 10 % is 0.9 s^2 + 0.1 (10 %)^2, and counts from the next step on."""
    prices, held = [[100.0], [90.0], [90.0], [90.0]], Held((1e4,))
    rule = {**PLAIN, "update": {"kind": "ewma", "decay": 0.9}}
    found = backtest(held, rule, {"kind": "replay", "prices": prices}, 3)
    z, calm = N.inv_cdf(0.99), 0.2**2 / 365.0
    variance = [calm, 0.9 * calm + 0.1 * 0.1**2, 0.9 * (0.9 * calm + 0.1 * 0.1**2)]
    assert found.requirement == pytest.approx([1e4 * z * math.sqrt(v) for v in variance], rel=1e-9)


def test_the_table_holds_each_case_under_the_rule_asked_for_beside_the_plain_one() -> None:
    table = margin_backtest.run(300, 2, correlation_stress=0.25)
    for (name, held, assumed, real), (_, row) in zip(CASES, table.iterrows(), strict=True):
        rule, price = {**PLAIN, "correlation": assumed}, {"kind": "gbm", "correlation": real}
        found = backtest(held, {**rule, "correlation_stress": 0.25}, price, 300, 2)
        one, other = (exposure / 1e4 for exposure in held.exposure)
        variance = {r: one**2 + other**2 + 2.0 * one * other * r for r in (assumed, real, 0.0, 1.0)}
        stressed = max(variance[assumed], *(0.75 * variance[assumed] + 0.25 * variance[end] for end in (0.0, 1.0)))
        assert (row["case"], row["engine"], row["world"]) == (name, assumed, real)
        assert row["expected"] == pytest.approx(N.cdf(-N.inv_cdf(0.99) * math.sqrt(variance[assumed] / variance[real])))
        assert row["margin_ratio"] == pytest.approx(math.sqrt(stressed / variance[assumed]), rel=1e-9)
        assert row["share"] == found.breached.mean()
        assert (row["low"], row["high"]) == (found.share.low, found.share.high)
        assert (row["kupiec"], row["christoffersen"]) == (found.unconditional.p_value, found.independent.p_value)
        assert row["zone"] == found.zone


def test_the_shortfall_score_counts_breaches_at_97_5_percent_by_their_shortfall() -> None:
    steps, price = 2_000, {"kind": "gbm", "correlation": 0.3}
    loss = backtest(LONG_PAIR, PLAIN, price, steps, 4).loss
    deviation = 1e4 * 0.2 / math.sqrt(365.0) * math.sqrt(2.0 * 1.3)
    z = N.inv_cdf(0.975)
    beyond = loss[loss > z * deviation]
    expected = 1.0 - beyond.sum() / (deviation * N.pdf(z) / 0.025) / (0.025 * steps)
    assert shortfall_test(LONG_PAIR, {"kind": "normal"}, price, steps, 4) == pytest.approx(expected, rel=1e-9)


# Procyclicality ---------------------------------------------------------------------------------------------------

SHORT = Storm(calm_steps=60, storm_steps=20)


def test_a_storm_is_calm_wild_and_calm_again() -> None:
    storm = Storm(calm_steps=400, storm_steps=300, scale=4.0)
    loss = storm.margins({}, seed=3).loss
    assert len(loss) == 1_100
    calm, wild, after = loss[:400].std(), loss[400:700].std(), loss[700:].std()
    daily = 1e4 * 0.6 / math.sqrt(365.0)
    assert (calm, wild, after) == pytest.approx((daily, 4.0 * daily, daily), rel=0.15)


def test_measures_of_a_margin_are_those_of_its_largest_moves() -> None:
    margin = np.concatenate([np.full(40, 2.0), np.linspace(2.0, 5.0, 31), np.full(10, 5.0)])  # 30 steps of 0.1
    loss = np.where(np.arange(81) % 27 == 0, 9.0, 0.0)
    found = measures(Backtest(loss, margin, 0.01), Backtest(loss, np.full(81, 2.0), 0.01), 10.0)
    assert found["peak to trough"] == 2.5
    assert found["rise in 1"] == pytest.approx(2.1 / 2.0)
    assert found["rise in 5"] == pytest.approx(2.5 / 2.0)
    assert found["rise in 30"] == pytest.approx(2.5)
    assert found["cash called in 5"] == pytest.approx(0.05)
    assert found["cost"] == pytest.approx((40 * 2.0 + 31 * 3.5 + 10 * 5.0) / 81 / 2.0 - 1.0)
    assert found["breaches"] == pytest.approx(3 / 81)
    assert set(found) == {
        "peak to trough",
        *(f"rise in {n}" for n in (1, 5, 30)),
        "cash called in 5",
        "cost",
        "breaches",
    }


def test_the_table_of_tools_is_the_mean_over_storms_in_shares_of_twice_the_plain_margin() -> None:
    table = procyclicality.run(range(4, 6), SHORT)
    assert list(table.index) == list(TOOLS)
    for tool, anti in TOOLS.items():
        told = []
        for seed in (4, 5):
            plain, margin = SHORT.margins({}, seed).requirement, SHORT.margins(anti, seed)
            told.append(
                (
                    peak_to_trough(margin.requirement),
                    largest_rise(margin.requirement, 5),
                    liquidity_stress(margin.requirement, 2.0 * plain.mean(), 5),
                    cost(margin.requirement, plain),
                    margin.breached.mean(),
                )
            )
        columns = ["peak to trough", "rise in 5", "cash called in 5", "cost", "breaches"]
        assert table.loc[tool, columns].tolist() == pytest.approx(np.mean(told, axis=0).tolist(), rel=1e-12)


def test_a_window_may_be_as_long_as_the_series_less_one() -> None:
    margin = np.array([1.0, 2.0, 8.0])
    assert largest_rise(margin, 2) == 8.0
    assert liquidity_stress(margin, 14.0, 2) == 0.5
    for ask in (largest_rise, lambda m, n: liquidity_stress(m, 1.0, n)):
        with pytest.raises(InputError, match=r"steps: must be from 1 to 2, the window less 1 \(got 3\)"):
            ask(margin, 3)
