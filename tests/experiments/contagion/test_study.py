"""The command `contagion`: what it prints, what it writes, from a scenario and from a results folder."""

import networkx as nx
import pytest
from click.testing import CliRunner

from experiments.causes.source import source_of
from experiments.cli import cli
from experiments.contagion.study import contagion, save_contagion
from experiments.graph.tables import read_parquet
from experiments.run import run
from experiments.run_folder import save_run
from experiments.store import verify
from experiments.tables import read_table
from tests.experiments.graph.test_hits import two_markets
from tests.experiments.storms import by_hand

FILES = {"contagion.txt", "contagion.graphml", "contagion.gexf", "contagion.png", "manifest.json"}
TABLES = {"contagion_nodes", "contagion_edges", "who_hits_whom", "centralities", "branching_ratios"}


@pytest.fixture(scope="module")
def found():
    return contagion(two_markets("cross"), 3)


def test_the_text_tells_cascades_matrix_accounts_and_ratios(found):
    text = str(found)
    worst = max(found.runs, key=lambda one: one.metrics["liquidated_notional"])
    assert text.startswith(
        f"by-hand, the worst of 3 storms, seed {worst.scenario.seed}: {len(found.seen.forest)} closings"
    )
    told = ("cascade", "across markets: $", "95 % interval", "cost others most", "over 3 storms", "generational")
    assert all(words in text for words in told)
    assert [one.scenario.seed for one in found.runs] == [1, 2, 3]


def test_nothing_liquidated_is_said_plainly():
    text = str(contagion(by_hand(price={"kind": "flat"})))
    assert "0 closings of 0 pools" in text
    assert "nobody was liquidated" in text
    assert "undefined (nothing was liquidated)" in text


def test_the_folder_is_complete_and_its_graphs_are_one(found, tmp_path):
    folder = save_contagion(found, tmp_path / "out", film=True)
    names = {path.name for path in folder.iterdir()}
    assert FILES | {f"{name}.parquet" for name in TABLES} | {"contagion.gif", "who_hits_whom_group.png"} <= names
    assert verify(folder) == []
    assert source_of(folder) == (found.seen.run.scenario, found.seen.run.digest)
    assert set(read_parquet(folder).edges) == set(nx.read_gexf(folder / "contagion.gexf").edges)
    over = read_table(folder / "who_hits_whom_over_storms")
    assert set(over["class"]) == {"market", "group", "kind"} and set(over["runs"]) == {3}
    assert (folder / "contagion.txt").read_text() == f"{found}\n"


def test_the_command_takes_a_results_folder(tmp_path):
    save_run(run(by_hand(seed=4)), tmp_path / "one")
    words = ["contagion", str(tmp_path / "one"), "--out", str(tmp_path / "two")]
    result = CliRunner().invoke(cli, words, obj=words)
    assert result.exit_code == 0, result.output
    assert "by-hand, seed 4: 2 closings of 2 pools in 1 cascade\n" in result.output
    assert (tmp_path / "two" / "contagion.gexf").is_file()
    assert not (tmp_path / "two" / "contagion.gif").exists()
