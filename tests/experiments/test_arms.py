"""The arms of a comparison: which variants run, which are one and the same run, and which plans are refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.arms import DESIGNS, MOST_SEEDS, REUSE_GRID, Arm, Plan, design_name, seed_list
from simulation.errors import InputError
from tests.experiments.comparisons import tiny


def test_the_usual_plan_has_two_arms_of_regimes_that_free_nothing_and_a_grid_of_portfolio_margin():
    arms = Plan().arms(tiny())
    assert arms[:4] == [Arm("isolated"), Arm("cross"), Arm("portfolio", 0.0), Arm("portfolio", 1.0)]
    assert arms[4:7] == [Arm("portfolio", share) for share in (0.25, 0.5, 0.75)]
    assert arms[7:] == [Arm(arm.regime, arm.reuse_share, True) for arm in arms[:4]]


def test_no_arm_is_run_twice():
    arms = Plan(reuse_grid=(0.0, 0.5, 1.0)).arms(tiny())
    assert len(set(arms)) == len(arms)


def test_every_regime_and_design_has_its_arm_and_its_twin_among_those_that_run():
    scenario, plan = tiny(), Plan()
    arms = plan.arms(scenario)
    for regime in plan.regimes:
        for share in DESIGNS.values():
            arm = plan.arm(scenario, regime, share)
            assert arm in arms
            assert Arm(arm.regime, arm.reuse_share, True) in arms


def test_without_portfolio_margin_there_is_no_grid():
    arms = Plan(regimes=("isolated", "cross")).arms(tiny())
    assert arms == [Arm("isolated"), Arm("cross"), Arm("isolated", 0.0, True), Arm("cross", 0.0, True)]


def test_one_design_runs_only_its_own_arms():
    plan = Plan(regimes=("portfolio",), designs=("equal utilisation",), reuse_grid=())
    assert plan.arms(tiny()) == [Arm("portfolio", 1.0), Arm("portfolio", 1.0, True)]


def test_the_regime_of_the_scenario_keeps_its_parameters_and_the_others_take_their_defaults():
    scenario = tiny(margin={"kind": "portfolio", "correlation": 0.37})
    assert Plan().rule(scenario, "portfolio")["correlation"] == 0.37
    assert Plan().rule(scenario, "cross") == {"kind": "cross"}
    assert Plan().variant(scenario, Arm("portfolio", 0.5)).margin.model_dump()["correlation"] == 0.37


def test_only_portfolio_margin_frees_any():
    frees = {regime: Plan().frees_margin(tiny(), regime) for regime in ("isolated", "cross", "portfolio")}
    assert frees == {"isolated": False, "cross": False, "portfolio": True}


@pytest.mark.parametrize("arm", Plan().arms(tiny()))
def test_a_variant_differs_from_the_scenario_in_margin_reuse_and_impact_only(arm):
    before, after = tiny().to_dict(), Plan().variant(tiny(), arm).to_dict()
    changed = {key for key in before if before[key] != after[key]}
    assert changed <= {"margin", "reuse_share", "impact"}
    assert after["margin"]["kind"] == arm.regime
    assert after["reuse_share"] == arm.reuse_share
    assert (after["impact"]["kind"] == "none") is arm.impact_free


def test_an_arm_is_named_by_regime_share_and_twin():
    assert Arm("cross").label == "cross, phi = 0"
    assert Arm("portfolio", 0.25, True).label == "portfolio, phi = 0.25, no impact"


def test_designs_have_names_and_other_shares_are_told_by_their_number():
    assert [design_name(share) for share in (0.0, 1.0, 0.5)] == ["equal positions", "equal utilisation", "re-use 0.5"]
    assert design_name(1.0 - 1e-12) == "equal utilisation"


def test_changing_the_seed_changes_nothing_else():
    before, after = tiny(seed=3), tiny(seed=3).seeded(11)
    assert after.seed == 11
    assert {**after.to_dict(), "seed": 3} == before.to_dict()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"regimes": ()}, "regimes: must be a list of at least one of .*cross, .*isolated, .*portfolio"),
        ({"regimes": "cross"}, 'regimes: must be a list of at least one of.*got "cross"'),
        ({"regimes": ("cross", "crosss")}, 'regimes: must be among .*cross, .*isolated, .*portfolio.*got "crosss"'),
        ({"regimes": ("cross", "cross")}, "regimes: names one twice"),
        ({"designs": ("equal",)}, 'designs: must be among equal positions, equal utilisation.*got "equal"'),
        ({"designs": ()}, "designs: must be a list of at least one"),
        ({"reuse_grid": (0.0, 1.5)}, r"reuse_grid: must be numbers from 0 to 1 \(got 1.5\)"),
        ({"reuse_grid": (0.0, float("nan"))}, r"reuse_grid: must be numbers from 0 to 1 \(got nan\)"),
        ({"reuse_grid": ("0.5",)}, 'reuse_grid: must be numbers from 0 to 1.*"0.5"'),
        ({"reuse_grid": (0.5, 0.25)}, "reuse_grid: must rise"),
        ({"reuse_grid": (0.5, 0.5)}, "reuse_grid: must rise"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_what_is_allowed(plan, message):
    with pytest.raises(InputError, match=message):
        Plan(**plan)


def test_a_number_of_seeds_counts_from_the_seed_of_the_scenario():
    assert seed_list(3, 40) == [40, 41, 42]
    assert seed_list(1, 0) == [0]


def test_a_list_of_seeds_is_taken_as_it_stands():
    assert seed_list([9, 2, 5], 1) == [9, 2, 5]
    assert seed_list((7,), 1) == [7]


@pytest.mark.parametrize("seeds", [0, -1, MOST_SEEDS + 1])
def test_too_few_or_too_many_seeds_are_refused(seeds):
    with pytest.raises(InputError, match=re.escape(f"must be 1 to 100,000 seeds (got {seeds})")):
        seed_list(seeds, 1)


@pytest.mark.parametrize("seeds", [True, "3", {1: 2}, [], (), 2.5, None])
def test_what_is_neither_a_number_nor_a_list_of_seeds_is_refused(seeds):
    with pytest.raises(InputError, match="seeds: must be a number of seeds or a list of them"):
        seed_list(seeds, 1)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
def test_a_list_with_something_that_is_no_seed_is_refused(seed):
    with pytest.raises(InputError):
        seed_list([1, seed], 1)


def test_a_storm_listed_twice_is_refused_by_name():
    with pytest.raises(InputError, match="seeds: 4 is listed more than once"):
        seed_list([4, 8, 4], 1)


@given(first=st.integers(0, 2**32), count=st.integers(1, 200))
def test_counted_seeds_are_distinct_and_in_order(first, count):
    found = seed_list(count, first)
    assert len(found) == len(set(found)) == count
    assert found == sorted(found)
    assert found[0] == first


@given(shares=st.lists(st.floats(0, 1), unique=True, max_size=6))
def test_any_rising_grid_of_shares_is_a_plan_and_contains_its_arms(shares):
    plan = Plan(reuse_grid=tuple(sorted(shares)))
    assert {Arm("portfolio", share) for share in shares} <= set(plan.arms(tiny()))


def test_the_usual_grid_reaches_from_equal_positions_to_equal_utilisation():
    assert (REUSE_GRID[0], REUSE_GRID[-1]) == (DESIGNS["equal positions"], DESIGNS["equal utilisation"])
