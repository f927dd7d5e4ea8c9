"""A run against its impact-free twin: ratios and differences by a plain reading, closed forms, what is undefined."""

import itertools
import math

import numpy as np
import pytest

from experiments.endogenous_risk import (
    TWIN_METRICS,
    Twins,
    branching_by_amplification,
    branching_by_counts,
    endogenous,
    endogenous_means,
    endogenous_table,
    pooled_tail_dependence,
    twins,
)
from experiments.record.metric import evaluated
from experiments.run import run
from experiments.target import opened
from experiments.warning.early_warning import LiveBook
from simulation.errors import InputError
from tests.experiments.storms import TIER, by_hand, holder_of, one_market
from tests.experiments.test_metric_list import stormy


@pytest.fixture(scope="module")
def pair():
    return twins(stormy())


def marks(result):
    table = result.prices
    return {name: table["mark"][table["market"] == name].tolist() for name in result.scenario.names}


def returns(result):
    return {n: [math.log(b / a) for a, b in itertools.pairwise(m)] for n, m in marks(result).items()}


def moments(result, steps):
    found = [[column[t] for t in steps] for column in returns(result).values()]
    power = [math.fsum(r * r for r in column) for column in found]
    years = len(steps) * result.scenario.step_seconds / 31_536_000.0
    cross = math.fsum(a * b for a, b in zip(*found, strict=True))
    return sum(math.sqrt(p / years) for p in power) / 2.0, cross / math.sqrt(power[0] * power[1])


def test_the_twin_is_the_same_storm_without_impact(pair):
    assert pair.real.digest == pair.twin.digest
    assert pair.twin.metrics["price_amplification"] == pytest.approx(1.0)
    assert pair.real.metrics["price_amplification"] > 1.0
    with pytest.raises(InputError, match="different storms"):
        Twins(pair.real, run(stormy(seed=5)))


def test_amplification_factors_of_the_case_worked_by_hand():
    # The index falls to 96.50; sales of four and of two units bring it to 93.50. Without impact only A falls.
    values, reasons = endogenous(by_hand())
    assert values["amplification_of_price"] == pytest.approx(6.5 / 3.5)
    assert values["amplification_of_liquidations"] == 2.0
    alone = {"A": 4 * 3.5 + 4 * 96.5 * 0.005, "B": 2 * 3.5, "C": 3.5}
    assert run(by_hand(impact={"kind": "none"})).metrics["trader_loss"] == pytest.approx(sum(alone.values()), abs=1e-3)
    real = run(by_hand()).metrics["trader_loss"]
    assert values["amplification_of_loss"] == pytest.approx(real / sum(alone.values()), rel=1e-4)
    assert reasons["endogenous_correlation"] == "fewer than two markets moved"


def test_every_twin_metric_is_that_of_the_run_against_that_of_the_twin(pair):
    values, reasons = evaluated(TWIN_METRICS, pair)
    steps = range(120)
    real, twin = (moments(one, steps) for one in (pair.real, pair.twin))
    assert values["amplification_of_volatility"] == pytest.approx(real[0] / twin[0])
    assert values["endogenous_volatility"] == pytest.approx(real[0] - twin[0])
    assert values["endogenous_correlation"] == pytest.approx(real[1] - twin[1])
    series = pair.real.series
    stress = np.flatnonzero(pair.stress).tolist()
    assert set(stress) <= {t - 1 for t in series["step"][series["liquidated_pools"] > 0]}
    assert len(stress) >= 2
    outside = [t for t in steps if t not in stress]
    for part, chosen in (("in", stress), ("outside", outside)):
        real, twin = (moments(one, chosen) for one in (pair.real, pair.twin))
        assert values[f"endogenous_volatility_{part}_stress"] == pytest.approx(real[0] - twin[0])
        assert values[f"endogenous_correlation_{part}_stress"] == pytest.approx(real[1] - twin[1])
    ratios = []
    for name, mark in marks(pair.real).items():
        other = marks(pair.twin)[name]
        if min(other) < other[0]:
            ratios.append((mark[0] - min(mark)) / (other[0] - min(other)))
    assert values["amplification_of_price"] == pytest.approx(max(ratios))
    assert reasons == {"endogenous_tail_dependence": "needs at least 500 returns at q = 0.01 (got 120)"}


def test_where_impact_is_off_already_every_ratio_is_one_and_every_difference_zero():
    values, _ = endogenous(stormy(impact={"kind": "none"}))
    for name, value in values.items():
        if not math.isnan(value):
            assert value == (1.0 if name.startswith("amplification") else 0.0), name


def test_a_denominator_of_zero_is_undefined_and_says_which():
    values, reasons = endogenous(by_hand(price={"kind": "flat"}))
    assert reasons["amplification_of_price"] == "the mark of no market fell in the twin"
    assert reasons["amplification_of_loss"] == "no trader lost in the twin"
    assert reasons["amplification_of_volatility"] == "no mark moved in the twin"
    assert reasons["amplification_of_liquidations"] == "nobody was liquidated in the twin"
    assert reasons["endogenous_volatility_in_stress"] == "needs at least 2 returns (got 0)"
    assert all(math.isnan(values[name]) for name in reasons)


def test_means_over_storms_leave_out_and_count_what_is_undefined():
    table = endogenous_table(stormy(), range(1, 4))
    assert table.index.tolist() == [1, 2, 3]
    assert table["endogenous_volatility"][2] == endogenous(stormy(seed=2))[0]["endogenous_volatility"]
    means = endogenous_means(table)
    assert means["endogenous_volatility"].n == 3
    assert means["endogenous_volatility"].value == pytest.approx(table["endogenous_volatility"].mean())
    assert means["endogenous_tail_dependence"].reason == "undefined in all 3 runs"


def test_tail_dependence_of_many_storms_together_is_defined_where_that_of_one_is_not():
    pairs = [twins(stormy(seed=seed)) for seed in range(1, 6)]
    (real, why), (twin, why_twin) = pooled_tail_dependence(pairs, 0.01)
    assert not why
    assert not why_twin
    for value, index in ((real, 0), (twin, 1)):
        both = np.concatenate([one.returns[index] for one in pairs])
        lows = [set(np.argsort(column)[:6].tolist()) for column in both.T]
        assert value == pytest.approx(len(lows[0] & lows[1]) / 6)


def poisson_storms(ratio, triggers, storms, seed=1):
    """G_1 and S of Poisson branching with `ratio` children each."""
    random = np.random.default_rng(seed)
    first = random.poisson(triggers, storms)
    total, alive = first.copy(), first.copy()
    while alive.any():
        alive = random.poisson(ratio * alive)
        total += alive
    return first.astype(float), total.astype(float)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.7])
def test_the_branching_ratios_by_amplification_and_by_counts_agree_under_poisson_branching(ratio):
    first, total = poisson_storms(ratio, 20.0, 20_000)
    by_size, why = branching_by_amplification(first, total)
    by_count, _ = branching_by_counts(total)
    assert not why
    assert by_size == pytest.approx(ratio, abs=0.01)
    assert by_count == pytest.approx(ratio, abs=0.03)


def test_the_three_branching_ratios_of_runs_agree_with_their_definitions():
    scenario = one_market([holder_of(1.0, 97.0 - 0.2 * k, f"t{k}") for k in range(20)])
    metrics = [run(scenario.with_(seed=seed)).metrics for seed in (1, 2)]
    total = np.array([one["total_cascade_size"] for one in metrics])
    first = total - np.array([one["endogenous_cascade_size"] for one in metrics])
    by_size = branching_by_amplification(first, total)[0]
    assert by_size == pytest.approx(metrics[0]["branching_ratio"])
    assert branching_by_amplification(np.zeros(3), np.zeros(3))[1] == "nothing was liquidated"
    assert branching_by_counts(total)[1] == "all windows hold equally many events"


def test_all_four_branching_ratios_agree_on_storms_over_a_book_of_even_thresholds():
    """2,000 longs with thresholds even between 60 and 100 dollars, 50 a dollar: each sale of one unit takes 1.2 cents,
    which carries .6 further ones across; 35 fall by the shock. Structural, generational, by amplification, by counts.
    """
    book = {"kind": "book", "name": "long", "count": 2_000, "units": {"X": 1.0}}
    book["deposit"] = {"kind": "uniform", "low": 5.0, "high": 43.0}
    scenario = one_market(
        [book],
        steps=1,
        rounds_per_step=0,
        markets=[{"name": "X", "price": 100.0, "depth": 1e6, "tiers": [TIER]}],
        price={"kind": "scripted", "shocks": [{"step": 1, "size": -0.007}]},
        impact={"kind": "linear_units", "dollars_per_unit": 0.012},
        insurance_fund=1e6,
    )
    seeds = range(1, 81)
    metrics = [run(scenario.with_(seed=seed)).metrics for seed in seeds]
    total, later = (np.array([m[f"{k}_cascade_size"] for m in metrics]) for k in ("total", "endogenous"))
    structural = np.mean([LiveBook(opened(scenario.seeded(seed))).warning(0.02).radius for seed in range(1, 11)])
    assert structural == pytest.approx(0.6, abs=0.03)
    assert branching_by_amplification(total - later, total)[0] == pytest.approx(0.6, abs=0.03)
    assert np.mean([m["branching_ratio"] for m in metrics]) == pytest.approx(0.6, abs=0.04)
    assert branching_by_counts(total)[0] == pytest.approx(0.6, abs=0.1)
