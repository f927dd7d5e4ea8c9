"""The switchboard takes the scenario of a results folder, as the commands beside it do."""

import pandas as pd

from experiments.cli import execute
from experiments.run import run
from experiments.run_folder import save_run
from tests.experiments.storms import by_hand


def test_a_results_folder_is_as_good_as_its_scenario(tmp_path, capsys) -> None:
    save_run(run(by_hand()), tmp_path / "r")
    words = ["loops", str(tmp_path / "r"), "--loop", "impact", "--seeds", "1", "--out", str(tmp_path / "o")]
    assert execute(words) == 0
    assert "1 loop, 2 subsets, 1 storm" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "o" / "outcomes.csv")
    assert table["liquidated_notional"].iloc[1] == run(by_hand(seed=1)).metrics["liquidated_notional"]


def test_a_folder_without_a_scenario_is_refused(tmp_path, capsys) -> None:
    assert execute(["loops", str(tmp_path)]) == 2
    assert "holds no scenario.toml" in capsys.readouterr().err
