"""Prediction against outcome over many populations: the table, its honesty, its folder and its command."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from experiments.cli import execute
from experiments.warning.early_warning import Prediction
from experiments.warning.folder import save_study
from experiments.warning.outcome import Outcome, WarnedBook, outcome
from experiments.warning.picture import study_picture
from experiments.warning.study import Group, Study, study
from simulation.errors import InputError

SMALL = WarnedBook(accounts=400, markets=2, types=4)
STABLE, WILD = 0.5, 1.3


@pytest.fixture(scope="module")
def found() -> Study:
    return study(SMALL, (STABLE, WILD), 3, workers=1)


def outcome_of(simulated: float, predicted: float = 2.0, in_reach: bool = True) -> Outcome:
    return Outcome(0.5, Prediction(np.array([1.0]), np.array([predicted]), np.zeros(1), in_reach), simulated)


def test_every_book_is_warned_and_played_by_itself(found) -> None:
    books = found.books
    assert books.groupby(["margin", "population"]).size().tolist() == [2] * 6
    for regime in ("isolated", "cross"):
        mine = books[(books["margin"] == regime) & (books["population"] == 1)].reset_index()
        for place, radius in enumerate((STABLE, WILD)):
            alone = outcome(replace(SMALL, regime=regime, population=1).at_radius(radius))
            assert mine["radius"][place] == pytest.approx(radius)
            assert mine["simulated"][place] == alone.simulated


def test_means_are_those_of_the_single_books(found) -> None:
    books, means = found.books, found.means
    for row in means[means["radius"] == STABLE].to_dict("records"):
        ratio = books[(books["margin"] == row["margin"]) & (books["radius"] < 1.0)]["ratio"].to_numpy()
        half = t.ppf(0.975, 2) * ratio.std(ddof=1) / np.sqrt(3.0)
        assert row["ratio"] == pytest.approx(ratio.mean())
        assert (row["low"], row["high"]) == pytest.approx((ratio.mean() - half, ratio.mean() + half))
        assert (row["smallest"], row["largest"]) == (ratio.min(), ratio.max())


def test_a_ratio_is_simulated_over_predicted(found) -> None:
    stable = found.books[found.books["radius"] < 1.0]
    assert stable["ratio"].to_numpy() == pytest.approx((stable["simulated"] / stable["predicted"]).to_numpy())


def test_unstable_books_have_no_number_and_say_why(found) -> None:
    wild, means = found.books[found.books["radius"] > 1.0], found.means
    assert wild["ratio"].isna().all()
    assert wild["predicted"].isna().all()
    assert (wild["simulated"] > 1.0).all()
    assert wild["reason"].str.startswith("unstable: spectral radius 1.3").all()
    unstable = means[means["radius"] == WILD]
    assert unstable["ratio"].isna().all()
    assert unstable["unstable"].tolist() == [3, 3]
    assert str(found).count("undefined (unstable, no size is predicted)") == 2
    assert "unstable (radius 1 or more), which get no number, whatever came: 6 books" in str(found)


def test_the_text_tells_the_largest_distances() -> None:
    group = Group("cross", 0.5, (outcome_of(1.8), outcome_of(2.6)))  # ratios 0.9 and 1.3
    text = str(Study(SMALL, (group,)))
    assert "the mean is off by 10.0% at most (cross margin, radius 0.5); one population by up to 30%" in text
    assert "0.90 to 1.30" in text


def test_a_book_in_which_nothing_closed_is_left_out_and_said_to_be() -> None:
    group = Group("cross", 0.5, (outcome_of(2.2), outcome_of(2.2), outcome_of(np.nan)))
    study_ = Study(SMALL, (group,))
    assert study_.means["ratio"].tolist() == pytest.approx([1.1])
    assert study_.books["reason"].tolist() == ["", "", "nothing was closed by force"]


def test_what_moves_beyond_the_window_is_counted() -> None:
    group = Group("cross", 0.5, (outcome_of(2.0), outcome_of(2.0, in_reach=False)))
    assert "so that the prediction is not supported: 1 book" in str(Study(SMALL, (group,)))


def test_one_population_has_no_interval() -> None:
    text = str(Study(SMALL, (Group("cross", 0.5, (outcome_of(2.0),)),)))
    assert "1.000 [?, ?] (one run has no spread; an interval needs 2)" in text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"populations": 0}, "populations"),
        ({"populations": 1_001}, "populations"),
        ({"radii": (0.0,)}, "radius"),
        ({"radii": (float("nan"),)}, "radius"),
        ({"radii": ()}, "radius"),
        ({"radii": (0.5, 0.5)}, "radius"),
        ({"book": replace(SMALL, accounts=399)}, "accounts"),
    ],
)
def test_numbers_out_of_bounds_are_refused(changes, field) -> None:
    with pytest.raises(InputError, match=f"^{field}: must be "):
        study(**{"book": SMALL, "radii": (0.5,), "populations": 2, "workers": 1} | changes)


def test_the_folder_holds_what_was_found(found, tmp_path) -> None:
    out = save_study(found, tmp_path / "o")
    pd.testing.assert_frame_equal(pd.read_parquet(out / "books.parquet"), found.books)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "means.parquet"), found.means)
    assert (out / "outcomes.txt").read_text() == f"{found}\n"
    assert (out / "outcomes.png").read_bytes() == study_picture(found).png
    assert json.loads((out / "manifest.json").read_text())["seeds"] == [1, 2, 3]


def test_the_picture_counts_what_it_does_not_draw(found) -> None:
    assert "12 books" in study_picture(found).caption
    assert "6 without a ratio" in study_picture(found).caption


def test_the_command_writes_the_study(tmp_path, capsys) -> None:
    words = ["warn", "--outcomes", "--accounts", "400", "--populations", "2", "--radius", "0.4"]
    assert execute([*words, "--out", str(tmp_path / "o")]) == 0
    printed = capsys.readouterr().out
    assert "2 unlike populations of 400 accounts" in printed
    assert printed.startswith((tmp_path / "o" / "outcomes.txt").read_text())
    assert execute([*words, "--out", str(tmp_path / "o")]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["warn"], "RUN: must be a results folder or a scenario; or ask for --outcomes"),
        (["warn", "classroom", "--outcomes"], "--outcomes: takes populations of its own, no RUN (got classroom)"),
        (["warn", "classroom", "--populations", "3"], "--populations: goes with --outcomes only"),
        (["warn", "classroom", "--radius", "0.5"], "--radius: goes with --outcomes only"),
        (["warn", "--outcomes", "--populations", "0"], "populations: must be 1 to 1,000 (got 0)"),
        (["warn", "--outcomes", "--accounts", "10"], "accounts: must be 400 to 1,000,000 (got 10)"),
        (["warn", "--outcomes", "--radius", "-1"], "radius: must be different numbers above 0"),
        (["warn", "--outcomes", "--window", "0"], "--window: must be above 0 and at most 1 (got 0)"),
    ],
)
def test_what_does_not_go_together_is_refused(words, message, capsys) -> None:
    assert execute(words) == 2
    assert message in capsys.readouterr().err


def test_the_group_that_is_furthest_off_is_named_whichever_way_it_is_off() -> None:
    """Ratios 1.05 and 0.8: the second is further from 1."""
    near = Group("cross", 0.3, (outcome_of(2.1), outcome_of(2.1)))
    low = Group("isolated", 0.8, (outcome_of(1.4), outcome_of(1.8)))
    text = str(Study(SMALL, (near, low)))
    assert "the mean is off by 20.0% at most (isolated margin, radius 0.8); one population by up to 30%" in text


def test_books_that_move_beyond_the_window_are_counted_one_by_one() -> None:
    unstable = Outcome(1.2, Prediction(np.ones(1), np.full(1, np.nan), np.zeros(1), False, "unstable"), 9.0)
    group = Group("cross", 0.5, (outcome_of(2.0), outcome_of(2.0, in_reach=False), unstable))
    assert (group.row["beyond"], group.row["unstable"], group.row["populations"]) == (1, 1, 3)
    text = str(Study(SMALL, (group,)))
    assert "so that the prediction is not supported: 1 book\n" in text
    assert text.endswith("which get no number, whatever came: 1 book")
    assert Study(SMALL, (replace(group, outcomes=(outcome_of(2.0),)),)).means["beyond"].tolist() == [0]


def test_the_outcomes_of_a_margin_rule_come_radius_by_radius() -> None:
    groups = [Group(rule, r, (outcome_of(2.0 + r),)) for rule in ("cross", "isolated") for r in (0.3, 0.6)]
    found = Study(SMALL, tuple(groups))
    assert [[one.simulated for one in outcomes] for outcomes in found.of("isolated")] == [[2.3], [2.6]]
    assert found.of("portfolio") == []


def test_a_line_has_dashes_where_there_is_no_number() -> None:
    unstable = Outcome(1.2, Prediction(np.ones(1), np.full(1, np.nan), np.zeros(1), False, "unstable"), np.nan)
    lines = str(Study(SMALL, (Group("cross", 1.2, (unstable,)), Group("cross", 0.5, (outcome_of(3.0),))))).splitlines()
    table = [line.split() for line in lines if line.startswith("cross")]
    assert " ".join(table[0]) == "cross 1.2 - - undefined (unstable, no size is predicted)"
    assert table[1][:4] == ["cross", "0.5", "2.00", "3.00"]
    assert " ".join(table[1]).endswith("1.50 to 1.50")
