"""Who hits whom by regime: the table of a comparison against arithmetic by hand, and against the runs themselves."""

import functools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.arms import Arm
from experiments.compare import compare
from experiments.compared_hits import hits_table
from experiments.graph.hits import who_hits_whom
from experiments.run import run
from tests.experiments.comparisons import MARKETS, by_hand, tiny, tiny_comparison

NAMES = [name for name, *_ in MARKETS]
T4 = 2.776445105197793  # Student's t, 4 degrees of freedom, 97.5 %


def counted_by_hand(storms=5):
    """Outcomes in which SOL took k dollars a storm from BTC under cross margin, 3 k under portfolio margin."""
    outcomes = by_hand(seeds=storms)
    arms = [arm for arm in outcomes.values if not arm.impact_free]
    hits = {arm: np.zeros((storms, 3, 3)) for arm in arms}
    k = np.arange(1.0, storms + 1.0)
    for arm in arms:
        hits[arm][:, 1, 1] = 10.0  # ETH and itself
        hits[arm][:, 2, 0] = {"isolated": 0.0, "cross": k, "portfolio": 3.0 * k}[arm.regime]
    return replace(outcomes, hits=hits)


def line(table, regime, one, other, design="equal positions"):
    chosen = (table["regime"] == regime) & (table["design"] == design)
    found = table[chosen & (table["from"] == one) & (table["to"] == other)]
    assert len(found) == 1
    return found.iloc[0]


def test_the_mean_and_its_interval_are_those_of_the_storms():
    found = line(hits_table(counted_by_hand()), "cross", "SOL", "BTC")
    half = T4 * math.sqrt(2.5 / 5)  # 1..5 have the mean 3 and the variance 2.5
    assert found["mean"] == 3.0 and found["storms"] == 5
    assert (found["low"], found["high"]) == pytest.approx((3.0 - half, 3.0 + half))


def test_the_difference_to_the_reference_is_paired_by_storm():
    table = hits_table(counted_by_hand())
    found = line(table, "portfolio", "SOL", "BTC")
    half = T4 * math.sqrt(9.0 * 2.5 / 5)
    assert found["difference"] == 9.0  # isolated: nothing
    assert (found["difference_low"], found["difference_high"]) == pytest.approx((9.0 - half, 9.0 + half))
    same = line(table, "portfolio", "ETH", "ETH")
    assert same["difference"] == same["difference_low"] == same["difference_high"] == 0.0
    assert same["mean"] == 10.0


def test_pairing_takes_out_what_both_regimes_share():
    outcomes = counted_by_hand()
    for arm in outcomes.hits:
        outcomes.hits[arm][:, 0, 0] = [1.0, 100.0, 20.0, 3.0, 7.0]  # the storm, the same for all
        outcomes.hits[arm][:, 0, 0] += 2.0 * (arm.regime == "cross")
    found = line(hits_table(outcomes), "cross", "BTC", "BTC")
    assert found["high"] - found["low"] > 50.0
    assert found["difference"] == found["difference_low"] == found["difference_high"] == 2.0


def test_the_reference_has_no_difference_to_itself():
    table = hits_table(counted_by_hand())
    own = table[table["regime"] == "isolated"]
    assert own[["difference", "difference_low", "difference_high"]].isna().all(axis=None)
    assert own["mean"].notna().all()


def test_without_isolated_margin_the_first_regime_is_the_reference():
    outcomes = counted_by_hand()
    other = replace(outcomes, plan=type(outcomes.plan)(regimes=("portfolio", "cross")))
    table = hits_table(other)
    assert line(table, "cross", "SOL", "BTC")["difference"] == 3.0 - 9.0
    assert math.isnan(line(table, "portfolio", "SOL", "BTC")["difference"])


def test_the_last_row_of_each_arm_holds_all_that_crossed():
    table = hits_table(counted_by_hand())
    across = table[table["from"] == ""]
    assert across["to"].eq("").all() and len(across) == 6
    cross = line(table, "cross", "", "")
    assert cross["mean"] == 3.0  # not the 10 dollars from ETH to itself
    both = [line(table, regime, "", "")["mean"] for regime in ("isolated", "portfolio")]
    assert both == [0.0, 9.0]


def test_every_pair_has_one_row_in_the_order_of_the_markets():
    table = hits_table(counted_by_hand())
    pairs = [(a, b) for a in NAMES for b in NAMES] + [("", "")]
    for _, part in table.groupby(["regime", "design"], sort=False):
        assert list(zip(part["from"], part["to"], strict=True)) == pairs
    assert list(dict.fromkeys(table["regime"])) == ["isolated", "cross", "portfolio"]
    assert list(dict.fromkeys(table["design"])) == ["equal positions", "equal utilisation"]


def test_one_storm_has_no_interval():
    found = line(hits_table(counted_by_hand(storms=1)), "cross", "SOL", "BTC")
    assert found["mean"] == 1.0
    assert math.isnan(found["low"]) and math.isnan(found["high"])


# Of real runs ---------------------------------------------------------------------------------------------------


@functools.cache
def stormy():
    return compare(tiny(), seeds=2, workers=1, progress=False)


def test_the_matrices_are_those_of_the_runs():
    outcomes = stormy().outcomes
    for arm in (Arm("isolated"), Arm("portfolio", 1.0)):
        variant = outcomes.plan.variant(outcomes.scenario, arm)
        for i, seed in enumerate(outcomes.seeds):
            again = who_hits_whom(run(variant.with_(seed=seed)))
            assert np.array_equal(outcomes.hits[arm][i], again.to_numpy(float))


def test_no_twin_has_a_matrix_because_without_impact_nobody_hits_anybody():
    outcomes = stormy().outcomes
    assert set(outcomes.hits) == {arm for arm in outcomes.values if not arm.impact_free}
    twin = outcomes.plan.variant(outcomes.scenario, Arm("cross", 0.0, True))
    assert not who_hits_whom(run(twin.with_(seed=1))).to_numpy().any()


def test_isolated_margin_carries_nothing_across_and_pooled_margin_does():
    table = tiny_comparison().hits
    isolated = table[(table["regime"] == "isolated") & (table["from"] != table["to"])]
    assert (isolated[["mean", "low", "high"]] == 0.0).all(axis=None)
    assert line(table, "isolated", "ETH", "ETH")["mean"] > 0.0
    assert line(table, "cross", "", "")["mean"] > 0.0


def test_the_parts_add_up_to_the_whole_that_crossed():
    for _, part in tiny_comparison().hits.groupby(["regime", "design"]):
        pairs = part[(part["from"] != part["to"])]
        assert pairs["mean"].sum() == pytest.approx(part[part["from"] == ""]["mean"].item(), abs=1e-6)


def test_the_table_can_be_read_again(tmp_path):
    comparison = tiny_comparison()
    comparison.save(tmp_path / "results")
    kept = pd.read_parquet(tmp_path / "results" / "who_hits_whom.parquet")
    pd.testing.assert_frame_equal(kept, comparison.hits, check_dtype=False)
    written = pd.read_csv(tmp_path / "results" / "who_hits_whom.csv", keep_default_na=False, na_values={"low": [""]})
    assert len(written) == len(comparison.hits)
