"""What `crossmargin impulse` prints, writes and draws."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.cli import execute
from experiments.impulse import picture
from experiments.impulse.folder import save_impulse
from experiments.impulse.impulse import Impulse, Shock
from experiments.impulse.impulse import impulse as studied
from experiments.run import run
from experiments.run_folder import save_run
from experiments.statistics import Estimate
from tests.experiments.storms import by_hand
from tests.venues import scenario

FILES = {
    *("impulse.txt", "impulse_matrix.png", "impulse_paths.png", "manifest.json", "scenario.toml"),
    *("responses.csv", "responses.parquet", "summary.csv", "summary.parquet"),
}


def venue_of(markets: int, seeds: tuple[int, ...] = (1, 2, 3)) -> Impulse:
    people = [{"kind": "holder", "count": 40, "leverage": 9.0, "markets_held": 2}]
    one = scenario(people, markets, price={"kind": "gbm"}, impact={"kind": "linear"}, steps=6)
    return studied(one, Shock(-0.1, horizon=5), seeds=seeds, workers=1)


@pytest.fixture(scope="module")
def three() -> Impulse:
    return venue_of(3)


def test_the_command_prints_the_study_and_keeps_it(tmp_path: Path, capsys: Any) -> None:
    save_run(run(by_hand()), tmp_path / "r")
    words = ["impulse", str(tmp_path / "r"), "isolated", "--shock", "-0.02", "--step", "2", "--horizon", "2"]
    assert execute([*words, "--seeds", "2", "--market", "X", "--out", str(tmp_path / "o")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("by-hand: -2 % in one market alone from step 2 on; 2 storms, 95 % intervals\n")
    assert "within 2 steps\n\nisolated margin:\n     X\nX 1.00\n" in printed
    assert {path.name for path in (tmp_path / "o").iterdir()} == FILES
    assert (tmp_path / "o" / "impulse.txt").read_text() + f"results in {tmp_path / 'o'}\n" == printed
    table = pd.read_csv(tmp_path / "o" / "responses.csv")
    assert table[["regime", "shocked", "market", "storms"]].to_numpy().tolist() == [["isolated", "X", "X", 2]]


def test_what_is_kept_is_written_once(three: Impulse, tmp_path: Path) -> None:
    one = by_hand()
    save_impulse(three, one, tmp_path / "one")
    before = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    with pytest.raises(Exception, match="already holds files"):
        save_impulse(three, one, tmp_path / "one")
    save_impulse(three, one, tmp_path / "two")
    for name, content in before.items():
        if name != "manifest.json":
            assert (tmp_path / "two" / name).read_bytes() == content, name


def test_pictures_say_what_they_show(three: Impulse) -> None:
    matrix, paths = picture.matrix_picture(three), picture.path_picture(three)
    assert "Mean over 3 storms, in brackets its 95 % interval. Each row: -10 % in that market" in matrix.caption
    assert "within 5 steps per unit of the shock" in matrix.caption
    assert "bands: 95 % intervals" in paths.caption
    alone = venue_of(2, (1,))
    assert picture.matrix_picture(alone).caption.startswith("One storm. ")
    assert picture.path_picture(alone).caption.startswith("One storm, mean over shocked markets.")
    assert {len(one.png) > 5_000 for one in (matrix, paths)} == {True}


def test_a_cell_shows_its_interval_where_that_says_more_than_nothing() -> None:
    def text(value: float, low: float, high: float) -> str:
        return picture._text(Estimate(value, low, high, 3, ""))

    assert text(1.234, 1.1, 1.4) == "1.23\n[1.10, 1.40]"
    assert text(0.0, 0.0, 0.0) == "0"
    assert text(0.001, -0.002, 0.003) == "0.00"
    assert text(0.001, -0.02, 0.003) == "0.00\n[-0.02, 0.00]"
    assert text(-0.5, np.nan, np.nan) == "-0.50"


def test_both_panels_show_every_rule_with_its_own_line(three: Impulse, monkeypatch: Any) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(picture, "png", lambda figure: seen.append(figure) or b"")
    picture.path_picture(three)
    for axes in seen[0].axes:
        lines = {line.get_label(): line.get_linestyle() for line in axes.lines if not line.get_label().startswith("_")}
        assert set(lines) == {"cross margin", "isolated margin"}
        assert len(set(lines.values())) == 2
        assert axes.get_xlabel() == "steps since the shock"
    own = next(line for line in seen[0].axes[0].lines if line.get_label() == "cross margin")
    expected = np.mean([np.diagonal(path, axis1=0, axis2=2).mean(axis=1) for path in three.paths["cross"]], axis=0)
    np.testing.assert_allclose(own.get_ydata(), expected)


def test_the_matrix_has_a_panel_a_rule_and_a_cell_a_pair(three: Impulse, monkeypatch: Any) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(picture, "png", lambda figure: seen.append(figure) or b"")
    picture.matrix_picture(three)
    assert [axes.get_title() for axes in seen[0].axes] == ["cross margin", "isolated margin"]
    for axes, regime in zip(seen[0].axes, three.responses, strict=True):
        cells = {text.get_position(): text.get_text().split("\n")[0] for text in axes.texts}
        for i, shocked in enumerate("ABC"):
            for j, market in enumerate("ABC"):
                assert cells[(j, i)] in {f"{three.cell(regime, shocked, market).value:.2f}", "0", "0.00"}
        assert [label.get_text() for label in axes.get_yticklabels()] == ["A", "B", "C"]
