"""What one run prints and leaves behind, and the lists and descriptions that the command line shows."""

import math
import tomllib

import networkx as nx
import numpy as np
import pytest

from agents.cast import trader_types
from experiments import run_folder
from experiments.catalogue import catalogue, first_line
from experiments.description import check, described_scenario
from experiments.destination import Destination
from experiments.measures import MEASURES
from experiments.record.metrics import HEADLINES
from experiments.results import scenario_toml
from experiments.run import run
from experiments.scenarios import load, preset_names
from experiments.store import scenario_hash
from experiments.tables import read_table
from experiments.template import write_template
from simulation.errors import ScenarioError, StoreError
from simulation.rule import Rule
from simulation.scenario import Scenario
from tests.experiments.comparisons import tiny
from tests.experiments.storms import by_hand, one_market

SAVED = {"prices", "events", "bankruptcies", "accounts", "series", "metrics"}
SEEN = {"who_hits_whom", "centralities"}


@pytest.fixture(scope="module")
def result():
    return run(by_hand(seed=7))


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    return run_folder.save_run(result, tmp_path_factory.mktemp("run") / "out", command=["crossmargin", "run"])


def test_the_text_of_a_run_names_scenario_seed_storm_and_result(result):
    lines = run_folder.report(result).split("\n")
    assert lines[0] == "by-hand: cross margin, seed 7, 3 steps"
    prints = [scenario_hash(result.scenario.to_dict()), result.digest, result.fingerprint]
    named = zip(("scenario", "storm", "result"), prints, strict=True)
    assert lines[-1] == ", ".join(f"{name} {value[:16]}" for name, value in named)


def test_every_headline_metric_has_a_line_with_its_unit(result):
    lines = [line.split("  ") for line in run_folder.report(result).split("\n")[2:-2]]
    told = {parts[1].strip(): parts[-1].strip() for parts in lines}
    assert len(told) == len(HEADLINES) < len(result.metrics)
    assert told["liquidated notional"] == "$575"
    assert told["accounts hit"] == "66.7 %"
    assert told["P(insolvency)"] == "no"
    assert told["largest cascade"] == "2"
    assert told["price amplification"] == "1.86"
    assert told["liquidated accounts"] == "2"
    assert told["bad debt"] == "$0"
    assert told["branching ratio"] == "0.500"


def test_what_is_undefined_says_why():
    calm = run(by_hand(price={"kind": "flat"}))
    text = run_folder.report(calm)
    assert "undefined: nothing was liquidated" in text
    assert "undefined: the index of no market fell below its start" in text


def test_the_folder_holds_every_table_twice_a_graph_pictures_and_the_scenario(folder):
    names = {path.name for path in folder.iterdir()}
    assert {f"{name}.{ending}" for name in SAVED | SEEN for ending in ("csv", "parquet")} <= names
    assert {"scenario.toml", "contagion.graphml", "prices.png", "manifest.json"} <= names
    assert {"contagion_nodes.parquet", "contagion_edges.parquet", "who_hits_whom_market.png"} <= names


def test_the_tables_in_the_folder_are_those_of_the_run(folder, result):
    for name in SAVED - {"metrics"}:
        there, here = read_table(folder / name), getattr(result, name)
        assert list(there.columns) == list(here.columns)
        for column in here.columns:
            assert there[column].tolist() == here[column].tolist()


def test_the_metrics_in_the_folder_come_with_their_reasons(folder, result):
    table = read_table(folder / "metrics").set_index("metric")
    assert table["value"].to_dict() == pytest.approx(result.metrics, rel=0, abs=0, nan_ok=True)
    for name, value in result.metrics.items():
        assert bool(table["reason"][name]) == math.isnan(value)


def test_the_scenario_in_the_folder_runs_again_to_the_same_result(folder, result):
    again = run(load(folder / "scenario.toml"))
    assert again.fingerprint == result.fingerprint
    assert again.scenario == result.scenario


def test_the_graph_in_the_folder_is_that_of_the_run(folder, result):
    graph = nx.read_graphml(folder / "contagion.graphml")
    assert graph.number_of_nodes() == 2
    assert nx.is_directed_acyclic_graph(graph)
    (edge,) = graph.edges(data=True)
    mean = (100.0 - 94.5) / math.log(100.0 / 94.5)  # the fall from 96.50 to 94.50, weighted by the logarithmic mean
    assert edge[2]["share"] == pytest.approx(2.0 * mean * math.log(96.5 / 94.5), abs=1e-3)
    assert graph.graph["digest"] == result.digest


def test_a_folder_that_is_taken_is_refused_before_the_run(folder, tmp_path):
    with pytest.raises(StoreError):
        Destination(str(folder), False, []).check()
    Destination(str(folder), True, []).check()
    Destination(str(tmp_path / "new"), False, []).check()


def test_a_bar_counts_the_steps_and_changes_no_result(result, capsys):
    again = run_folder.run_with_bar(result.scenario, progress=True)
    assert again.fingerprint == result.fingerprint
    assert "3/3" in capsys.readouterr().err
    run_folder.run_with_bar(result.scenario, progress=False)
    assert capsys.readouterr().err == ""


def test_more_markets_than_fit_are_drawn_up_to_sixteen():
    markets = [{"name": f"M{i}", "price": 1.0} for i in range(18)]
    many = one_market([{"kind": "holder", "count": 1}], markets=markets, price={"kind": "flat"})
    picture = run_folder.price_picture(run(many))
    assert picture.name == "prices"
    assert picture.png.startswith(b"\x89PNG")


# Descriptions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_described_with_every_field_and_its_hash(name):
    scenario = load(name)
    text = described_scenario(scenario)
    assert text.startswith(f"{scenario.name}: valid\n")
    assert scenario_hash(scenario.to_dict()) in text
    for field in type(scenario).model_fields:
        assert any(line.strip().startswith(field) for line in text.split("\n")), field
    assert all(line == line.rstrip() for line in text.split("\n"))


def test_sizes_and_hours_are_worked_out():
    text = described_scenario(tiny())
    assert "58 accounts in 2 groups, 3 markets" in text
    assert "24 steps of 900 seconds = 6 hours" in text


def test_checking_takes_overrides_and_names_them_in_refusals():
    assert "steps" in check("classroom", ["steps=5", "price={kind = 'flat'}"])
    with pytest.raises(ScenarioError, match=r"--set steps=-1: steps: "):
        check("classroom", ["steps=-1"])


def test_rules_are_described_by_kind_and_their_first_sentence():
    text = described_scenario(tiny())
    kinds = {line.split()[1]: line.split(maxsplit=2)[2:] for line in text.split("\n") if line.startswith("  kind")}
    for rule in (tiny().margin, tiny().impact, tiny().price, tiny().liquidation):
        assert kinds[rule.kind] == [(type(rule).__doc__ or "").split("\n")[0]]


def test_laws_and_long_tables_are_told_shortly():
    scenario = tiny(price={"kind": "replay", "prices": [[100.0, 50.0, 10.0]] * 25})
    text = described_scenario(scenario)
    assert "25 rows of 3" in text
    assert "uniform (low 3, high 9.5)" in text
    assert "lognormal (median 20,000, sigma 1" in text


# Catalogue and template ---------------------------------------------------------------------------------------


def test_the_catalogue_has_every_preset_rule_and_trader_with_a_line():
    text = catalogue()
    first = [line.split()[0] for line in text.split("\n") if line.startswith("  ")]
    for name in (*preset_names(), *trader_types()):
        assert name in first
    for field, info in Scenario.model_fields.items():
        for family in Rule.__subclasses__():
            if info.annotation is family:
                assert f"[{field}] kind" in text
                assert set(family.kinds()) <= set(first)


def test_no_line_of_the_catalogue_is_wider_than_the_page_or_empty_of_words():
    for line in catalogue().split("\n"):
        assert len(line) <= 110
        assert not line.startswith("  ") or len(line.split()) >= 3, line


def test_a_first_line_has_no_full_stop():
    class Documented:
        """Say this. And that."""

    assert first_line(Documented) == "Say this. And that"
    assert first_line(type("Bare", (), {})) == ""


def test_the_template_is_commented_valid_and_runs(tmp_path):
    path = write_template(tmp_path / "mine.toml")
    text = path.read_text("utf-8")
    assert text.count("#") > 10
    assert np.isfinite(run(load(path)).metrics["end_equity"])


@pytest.mark.parametrize("name", ["mine.txt", "mine", ".toml", "mine.toml.bak"])
def test_another_ending_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(StoreError, match=r"must end in \.toml"):
        write_template(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_never_overwritten(tmp_path):
    (tmp_path / "mine.toml").write_text("precious")
    with pytest.raises(StoreError, match="exists already; choose another name"):
        write_template(tmp_path / "mine.toml")
    assert (tmp_path / "mine.toml").read_text() == "precious"


def test_a_folder_that_is_not_there_is_a_refusal_in_one_line(tmp_path):
    with pytest.raises(StoreError, match="cannot be written: No such file or directory") as refusal:
        write_template(tmp_path / "no" / "mine.toml")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", preset_names())
def test_a_scenario_written_out_in_full_is_the_same_scenario(name):
    scenario = load(name)
    assert Scenario.from_dict(tomllib.loads(scenario_toml(scenario))) == scenario


def test_titles_and_units_come_from_the_measures():
    for measure in MEASURES:
        if not measure.twin:
            assert run_folder._title(measure.metric) == measure.title
    assert run_folder._title("end_equity") == "end equity"
