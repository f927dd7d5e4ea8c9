"""The command line: each command does what one call in Python does."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import experiments
from experiments import check, load, run
from experiments.cli import execute
from experiments.metric_list import metric_list
from experiments.record.metrics import DETAILS, METRICS
from experiments.scenarios import preset_names
from experiments.template import TEMPLATE
from tests.style.paths import ROOT

PLUGIN = '''"""A trader and a margin rule of my own."""

import numpy as np

from agents.trader import Trader
from simulation.margin.base import MarginRule


class Contrarian(Trader):
    """Sells what is dear."""

    kind = "contrarian_of_the_tests"

    def decide(self, members, view):
        """Go against the last move."""
        return -np.sign(view.log_return(np.full(len(members), 5))) - members.position


class Net(MarginRule):
    """Only the net requirement counts."""

    kind = "net_of_the_tests"

    def pooled(self, signed):
        """Return the net of the signed requirements."""
        return np.abs(signed.sum(axis=1))
'''


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must succeed, and return what it prints."""
    code = execute(arguments)
    output = capsys.readouterr()
    assert code == 0, output.err
    return output.out


def test_help_names_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "--help")
    for command in ("compare", "run", "check", "new", "list", "bench", "conformance"):
        assert re.search(rf"^  {command} ", text, re.MULTILINE)


@pytest.mark.parametrize("command", ["compare", "run", "check", "new", "list", "bench", "conformance"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Usage: crossmargin" in out(capsys, command, "--help")


def test_list_shows_presets_rules_and_traders_with_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "list")
    for name in (*preset_names(), "gbm", "square_root", "portfolio", "queue", "holder", "lognormal"):
        assert re.search(rf"^  {name} +\w.*$", text, re.MULTILINE), name
    assert max(map(len, text.splitlines())) <= 110


def test_list_metrics_shows_every_metric_with_unit_and_definition(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "list", "metrics")
    assert text == f"{metric_list()}\n"
    for name in METRICS:
        assert re.search(rf"^  {name}: .+\n      \S.*$", text, re.MULTILINE), name


def test_run_prints_the_other_metrics_when_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["run", "classroom", "--seed", "4", "--set", "steps=80", "--quiet"]
    plain, every = out(capsys, *asked), out(capsys, *asked, "--all-metrics")
    result = run(load("classroom", ["seed=4", "steps=80"]))
    assert len(every.splitlines()) - len(plain.splitlines()) == len(DETAILS)
    for line in plain.splitlines():
        assert line.split() in [other.split() for other in every.splitlines()]
    assert f" {result.metrics['adl_winners']:.0f}\n" in every
    assert re.search(r"^  lower tail dependence +undefined: needs at least 500 returns", every, re.MULTILINE)
    assert re.search(r"^  adl share +\S+ %$", every, re.MULTILINE)
    assert re.search(r"^  fund needed +\$", every, re.MULTILINE)


def test_check_prints_what_python_returns(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "check", "classroom", "--set", "seed=7")
    assert text == f"{check('classroom', ['seed=7'])}\n"
    assert re.search(r"^seed +7$", text, re.MULTILINE)
    assert "200 accounts" in text and "memory" in text and "scenario hash" in text
    assert re.search(r"^  price +100,000 +initial index price, dollars$", text, re.MULTILINE)


def test_check_shows_trader_parameters_with_their_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(r"^  top_up_health +1.5 +equity over maintenance", out(capsys, "check", "classroom"), re.MULTILINE)


def test_run_prints_the_metrics_that_python_returns(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "run", "classroom", "--seed", "4", "--set", "steps=80", "--quiet")
    result = run(load("classroom", ["seed=4", "steps=80"]))
    assert result.fingerprint[:16] in text and result.digest[:16] in text
    assert f"liquidated accounts    {result.metrics['liquidated_accounts']:.0f}\n" in text


def test_run_leaves_tables_pictures_and_a_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "results"
    out(capsys, "run", "classroom", "--seed", "4", "--set", "steps=80", "--quiet", "--out", str(folder))
    names = {path.name for path in folder.iterdir()}
    assert {"events.csv", "metrics.parquet", "prices.png", "contagion.png", "contagion.graphml"} <= names
    result = run(load("classroom", ["seed=4", "steps=80"]))
    assert len(pd.read_csv(folder / "events.csv")) == len(result.events)
    assert load(folder / "scenario.toml") == result.scenario


def test_new_writes_a_scenario_that_is_valid_and_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    out(capsys, "new", str(file))
    assert file.read_text() == TEMPLATE.read_text("utf-8")
    assert "my-scenario: valid" in out(capsys, "check", str(file))
    assert run(load(file)).metrics["liquidated_accounts"] > 0


def test_compare_writes_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "results"
    arguments = ("classroom", "--seeds", "2,4", "--workers", "1", "--set", "steps=76", "--quiet", "--out", str(folder))
    text = out(capsys, "compare", *arguments)
    assert "P(insolvency)" in text
    assert (folder / "verdict.txt").read_text() in text
    assert sorted(set(pd.read_csv(folder / "runs.csv")["seed"])) == [2, 4]


def test_a_plug_in_brings_traders_and_rules_into_worker_processes_too(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(PLUGIN)
    options = "--plugin own.py --set population.chasers.kind=contrarian_of_the_tests --set margin.kind=net_of_the_tests"
    scenario = tmp_path / "own.toml"
    text = (ROOT / "experiments" / "presets" / "classroom.toml").read_text("utf-8").replace("lookback = 18\n", "")
    scenario.write_text(text)
    command = [sys.executable, "-m", "experiments.cli", "compare", "own.toml", "--seeds", "2", "--workers", "2"]
    command += ["--set", "price.shocks=[]", "--set", "steps=10", "--quiet", *options.split()]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert "same 2 storms" in result.stdout


def test_an_interrupt_ends_with_130_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "experiments.cli", "run", "venue", "--set", "steps=100000", "--out", "results"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "interrupted; nothing was written" in complaint and "Traceback" not in complaint
    assert not list(tmp_path.iterdir())


def test_a_failure_while_running_is_one_line_and_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "classroom", "--quiet", "--out", str(tmp_path / "results"), "--set", "impact.scale=1e6"]
    assert execute(arguments) == 1
    output = capsys.readouterr()
    assert re.fullmatch(r"CapacityError: .*\n", output.err)
    assert not list(tmp_path.iterdir())


def test_the_four_functions_are_functions_whatever_was_imported_before() -> None:
    code = "import experiments.run, experiments.compare\nfrom experiments import run, compare, load, check\n"
    code += "assert all(callable(f) and not hasattr(f, '__path__') for f in (run, compare, load, check))\n"
    code += "assert type(run).__name__ == type(compare).__name__ == 'function'\n"
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    assert set(experiments.__all__) >= {"run", "compare", "load", "check"}
