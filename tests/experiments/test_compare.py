"""compare: same storms in all arms, one row a run and metric, the same bytes for any number of workers."""

import dataclasses
import itertools
import json
import math
import os
import subprocess
import sys
import tomllib

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from experiments.arms import Arm, Plan, seed_list
from experiments.compare import compare, same_storms
from experiments.gallery import ranking
from experiments.run import run
from experiments.store import verify
from experiments.tables import read_table
from experiments.verdict import Outcomes
from simulation.errors import InputError, RunFailed, StoreError
from simulation.scenario import Scenario
from tests.experiments.comparisons import by_hand, tiny, tiny_comparison
from tests.style.source import ROOT

TABLES = {f"{name}.{end}" for name in ("runs", "summary", "who_hits_whom") for end in ("csv", "parquet")}
FILES = {*TABLES, "scenario.toml", "report.html", "verdict.txt"}
GRAPHS = {"contagion_worst.graphml", "contagion_median.graphml"}


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_comparison().save(tmp_path_factory.mktemp("results") / "tiny")


# Storms -------------------------------------------------------------------------------------------------------


def test_every_arm_of_a_seed_meets_the_same_storm_and_every_seed_another():
    comparison = tiny_comparison()
    assert len(set(comparison.digests.values())) == len(comparison.seeds) == 4
    for seed, digest in comparison.digests.items():
        for regime in ("isolated", "cross"):
            assert run(tiny(seed=seed, margin={"kind": regime})).digest == digest


def test_arms_that_met_different_storms_are_never_compared():
    arms = [Arm("isolated"), Arm("cross")]
    with pytest.raises(RunFailed, match="seed 8: isolated, phi = 0 and cross, phi = 0 met different storms"):
        same_storms([7, 8], arms, ["a", "a", "b", "c"])
    assert same_storms([7, 8], arms, ["a", "a", "b", "b"]) == {7: "a", 8: "b"}


# Arms ---------------------------------------------------------------------------------------------------------


def test_equal_arms_are_run_once():
    arms = Plan().arms(tiny())
    assert len(arms) == len(set(arms)) == 11
    assert [arm for arm in arms if arm.regime == "isolated"] == [Arm("isolated"), Arm("isolated", 0.0, True)]
    tried = [arm.reuse_share for arm in arms if arm.regime == "portfolio" and not arm.impact_free]
    assert sorted(tried) == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("regime", ["isolated", "cross"])
def test_a_regime_that_frees_no_margin_gives_the_same_run_in_both_designs(regime):
    equal_positions, equal_utilisation = (run(tiny(margin={"kind": regime}, reuse_share=phi)) for phi in (0.0, 1.0))
    assert equal_positions.fingerprint == equal_utilisation.fingerprint


def test_spending_freed_margin_makes_portfolio_positions_larger():
    values = tiny_comparison().outcomes.values
    interest = [values[Arm("portfolio", phi)]["open_interest"] for phi in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert all((after > before).all() for before, after in itertools.pairwise(interest))
    assert (interest[0] == values[Arm("isolated")]["open_interest"]).all()


def test_the_regime_of_the_scenario_keeps_its_parameters_the_others_take_defaults():
    plan, scenario = Plan(), tiny()
    assert plan.variant(scenario, Arm("portfolio", 0.5)).margin.correlation == 0.8
    assert plan.variant(scenario.with_(margin={"kind": "cross"}), Arm("portfolio")).margin.correlation == 0.6
    assert plan.variant(scenario, Arm("cross", 0.0, True)).impact.kind == "none"


# Tables -------------------------------------------------------------------------------------------------------


def test_the_tidy_table_has_one_row_a_run_and_metric():
    runs = tiny_comparison().runs
    keys = ["regime", "reuse_share", "impact_free", "seed", "metric"]
    assert not runs.duplicated(keys).any()
    assert set(runs["scenario_hash"]) == {tiny_comparison().scenario_hash}
    assert list(runs["seed"].unique()) == [1, 2, 3, 4]
    designs = runs[(runs["regime"] == "isolated") & ~runs["impact_free"]].groupby("design")["run"].unique()
    assert list(designs["equal positions"]) == list(designs["equal utilisation"]), "one run, shown in both designs"


def test_a_row_can_be_run_again_from_its_seed_and_arm():
    runs = tiny_comparison().runs
    rows = runs[(runs["regime"] == "portfolio") & (runs["reuse_share"] == 0.25) & (runs["seed"] == 3)]
    again = run(tiny(seed=3, reuse_share=0.25)).metrics
    for metric, value in zip(rows["metric"], rows["value"], strict=True):
        assert value == again[metric] or (math.isnan(value) and math.isnan(again[metric]))


def test_without_impact_in_the_scenario_nothing_is_amplified():
    still = compare(tiny(impact={"kind": "none"}), seeds=3, workers=1, reuse_grid=(0.0, 1.0), progress=False)
    found = [cell for cell in still.cells if cell.measure.twin]
    assert found
    for cell in found:
        assert (cell.estimate.value, cell.estimate.low, cell.estimate.high) == (1.0, 1.0, 1.0)


def test_the_order_of_the_seeds_changes_no_estimate():
    forwards, backwards = (compare(tiny(), seeds=seeds, workers=1, progress=False) for seeds in ([5, 9], [9, 5]))
    pd.testing.assert_frame_equal(forwards.summary, backwards.summary)
    assert str(forwards) == str(backwards)


# Workers ------------------------------------------------------------------------------------------------------


def test_one_two_and_three_workers_write_the_same_bytes(tmp_path):
    def files(workers):
        out = tmp_path / str(workers)
        compare(tiny(), seeds=2, workers=workers, out=out, reuse_grid=(0.0, 1.0), progress=False)
        return manifest(out)["files"]

    alone = files(1)
    assert alone.keys() >= FILES | GRAPHS
    assert files(2) == alone
    assert files(3) == alone


PLUGIN = """
import numpy as np
from agents.trader import Trader

class Bold(Trader):
    \"\"\"Buys the first market and waits.\"\"\"

    kind = "bold"

    def decide(self, members, view):
        return np.zeros_like(members.position)

    def open(self, members, view):
        orders = np.zeros_like(members.position)
        orders[:, 0] = members.deposited * members.leverage / view.mark_price[0]
        return orders
"""

SCRIPT = """
import sys
from experiments import compare, load_plugins
from tests.style.source import ROOT
from tests.experiments.comparisons import tiny

if __name__ == "__main__":
    load_plugins([sys.argv[1]])
    bold = tiny(population=[{"kind": "bold", "count": 9, "leverage": 9.0}])
    texts = [str(compare(bold, seeds=2, workers=n, reuse_grid=(), progress=False)) for n in (1, 2)]
    assert texts[0] == texts[1] and "bad debt" in texts[0]
    print("the same")
"""


def test_a_plugin_reaches_the_workers(tmp_path):
    (tmp_path / "bold.py").write_text(PLUGIN)
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "bold.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert (done.stdout, done.returncode) == ("the same\n", 0), done.stderr


# Gallery ------------------------------------------------------------------------------------------------------


def test_worst_and_median_run_are_chosen_by_bad_debt_then_liquidated_notional():
    debts = {("cross", 0.0, False): {"bad_debt": [9, 1, 1], "liquidated_notional": [0, 8, 7]}}
    quiet = {
        (regime, phi, False): {"bad_debt": [0, 0, 0], "liquidated_notional": [0, 0, 0]}
        for regime, phi in (("isolated", 0.0), ("portfolio", 0.0), ("portfolio", 1.0))
    }
    ranked = ranking(by_hand({**debts, **quiet}, seeds=3))
    assert ranked[-3:] == [(3, Arm("cross")), (2, Arm("cross")), (1, Arm("cross"))]
    assert len(ranked) == 3 * 4, "equal arms count once, impact-free twins and the re-use grid not at all"


def test_the_gallery_shows_all_regimes_on_the_storm_of_the_chosen_run():
    gallery = tiny_comparison().gallery
    for shown in (gallery.worst, gallery.median):
        assert list(shown.runs) == ["isolated", "cross", "portfolio"]
        assert {run.digest for run in shown.runs.values()} == {tiny_comparison().digests[shown.seed]}
    assert gallery.worst.run.metrics["bad_debt"] == max(
        tiny_comparison().outcomes.of(arm, "bad_debt").max()
        for arm in (Arm("isolated"), Arm("cross"), Arm("portfolio"), Arm("portfolio", 1.0))
    )


# Folder -------------------------------------------------------------------------------------------------------


def test_the_results_folder_is_complete(folder):
    assert verify(folder) == []
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert FILES | GRAPHS | {"manifest.json", "figures/verdict.png", "figures/paths_worst.png"} <= present
    pd.testing.assert_frame_equal(read_table(folder / "runs"), tiny_comparison().runs, check_dtype=False)
    assert (folder / "verdict.txt").read_text("utf-8") == str(tiny_comparison())


def test_the_scenario_in_the_folder_is_the_one_that_ran(folder):
    value = tomllib.loads((folder / "scenario.toml").read_text("utf-8"))
    assert Scenario.from_dict(value) == tiny()
    assert manifest(folder)["scenario_sha256"] == tiny_comparison().scenario_hash


@pytest.mark.parametrize("title", ["worst", "median"])
def test_the_contagion_graphs_can_be_read(folder, title):
    graph = nx.read_graphml(folder / f"contagion_{title}.graphml")
    chosen = getattr(tiny_comparison().gallery, title).run
    assert graph.is_directed()
    assert (graph.number_of_nodes() > 0) == (len(chosen.events) > 0)


def test_a_folder_in_the_way_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(StoreError, match="already holds files"):
        compare(tiny(steps=10_000, name="too-long-to-wait-for"), seeds=100, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failure_while_writing_leaves_nothing_behind(tmp_path):
    broken = dataclasses.replace(tiny_comparison(), runs=pd.DataFrame({"mixed": ["text", 1]}))
    with pytest.raises(StoreError, match="mixes text"):
        broken.save(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regimes": ("isolated", "crosss")}, 'regimes: must be among .*got "crosss"'),
        ({"regimes": ()}, "regimes: must be a list of at least one"),
        ({"regimes": ("cross", "cross")}, "regimes: names one twice"),
        ({"designs": ("fair",)}, "designs: must be among equal positions, equal utilisation"),
        ({"reuse_grid": (0.0, 1.5)}, r"reuse_grid: must be numbers from 0 to 1 \(got 1.5\)"),
        ({"reuse_grid": (1.0, 0.0)}, "reuse_grid: must rise"),
        ({"regime": ("cross",)}, 'compare: "regime" is not an option; there are'),
        ({"seeds": 0}, r"seeds: must be 1 to 100,000 seeds \(got 0\)"),
        ({"seeds": [3, 4, 3]}, "seeds: 3 is listed more than once"),
        ({"seeds": "3"}, "seeds: must be a number of seeds or a list"),
        ({"workers": -1}, "workers: must be a whole number"),
    ],
)
def test_what_cannot_be_compared_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        compare(tiny(), **{"seeds": 2, **options})


def test_seeds_count_from_the_seed_of_the_scenario():
    assert seed_list(3, 40) == [40, 41, 42]
    assert seed_list([9, 2], 40) == [9, 2]
    assert seed_list(range(2), 40) == [0, 1]


def test_fewer_regimes_and_designs_can_be_asked_for():
    only = {"regimes": ("cross", "portfolio"), "designs": ("equal utilisation",), "reuse_grid": ()}
    small = compare(tiny(), seeds=2, workers=1, progress=False, **only)
    assert isinstance(small.outcomes, Outcomes)
    compared = {cell.regime for cell in small.cells if cell.difference is not None}
    assert compared == {"portfolio"}, "against cross margin, the first"
    assert "isolated margin was not run" in small.reuse_star["bad_debt"].reason
    assert np.isnan(small.reuse_star["bad_debt"].value)
    assert "undefined" in str(small) or "[" in str(small)
