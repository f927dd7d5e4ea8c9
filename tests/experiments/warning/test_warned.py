import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.cli import execute
from experiments.run import run
from experiments.warning.folder import matrix_table, save_warning
from experiments.warning.outcome import WarnedBook
from experiments.warning.warned import warn, warning_picture

BOOK = WarnedBook(accounts=400, markets=2, types=4)


def stormy(radius=0.6, regime="cross"):
    return replace(BOOK, regime=regime).at_radius(radius).scenario()


def test_the_first_reading_is_taken_before_the_storm():
    warned = warn(stormy(), BOOK.window)
    assert warned.readings["step"].tolist() == [0, 1]
    assert warned.radius[0] == pytest.approx(0.6)
    assert warned.first_forced == 1


def test_a_run_is_the_same_whether_it_is_read_or_not():
    scenario = stormy()
    warned, plain = warn(scenario, BOOK.window), run(scenario)
    assert warned.marks.ravel().tolist() == plain.prices["mark"].tolist()
    assert warned.forced.sum() == pytest.approx(plain.events["notional"].sum())


def test_an_unstable_book_is_said_to_be_one():
    assert warn(stormy(1.3), BOOK.window).first_alarm == 0
    assert "unstable" in str(warn(stormy(1.3), BOOK.window))
    assert "from step 0" in str(warn(stormy(1.3), BOOK.window))


def test_a_calm_book_never_alarms():
    calm = stormy(0.2).with_(price={"kind": "flat"})
    warned = warn(calm, BOOK.window)
    assert (warned.first_alarm, warned.first_forced) == (None, None)
    assert "never unstable" in str(warned)
    assert "no forced trade" in str(warned)


def test_long_runs_are_read_at_most_201_times():
    long = stormy(0.2).with_(price={"kind": "flat"}, steps=450)
    readings = warn(long).readings
    assert len(readings) <= 201
    assert readings["step"].diff().dropna().unique().tolist() == [3]


def test_the_matrix_of_segregated_pools_has_zeros_off_its_diagonal():
    table = matrix_table(warn(stormy(regime="isolated"), BOOK.window))
    across = table[table["sold"] != table["forced_out"]]["dollars_per_dollar"]
    assert across.tolist() == [0.0, 0.0]


def test_the_picture_is_drawn_with_and_without_an_outcome():
    for scenario in (stormy(), stormy(0.2).with_(price={"kind": "flat"})):
        assert warning_picture(warn(scenario, BOOK.window)).png.startswith(b"\x89PNG")


def test_everything_is_written(tmp_path):
    warned = warn(stormy(), BOOK.window)
    out = save_warning(warned, tmp_path / "w")
    pd.testing.assert_frame_equal(pd.read_parquet(out / "readings.parquet"), warned.readings)
    assert pd.read_parquet(out / "forced_volume.parquet")["forced"].to_numpy() == pytest.approx(warned.forced)
    assert len(pd.read_parquet(out / "matrix.parquet")) == 4
    assert json.loads((out / "manifest.json").read_text())["seeds"] == [warned.scenario.seed]


def test_the_command_reads_a_scenario(tmp_path, capsys):
    assert execute(["warn", "classroom", "--out", str(tmp_path / "w")]) == 0
    assert "spectral radius" in capsys.readouterr().out
    assert (tmp_path / "w" / "early_warning.png").exists()
    assert execute(["warn", "classroom", "--window", "0"]) == 2


def test_every_margin_rule_can_be_read():
    for kind in ("isolated", "cross", "portfolio"):
        assert np.isfinite(warn(stormy().with_(margin={"kind": kind}), BOOK.window).radius).all()


def test_a_reading_foresees_what_a_common_fall_does_and_has_no_number_where_the_book_is_unstable():
    calm, wild = warn(stormy(0.5), BOOK.window).readings, warn(stormy(1.3), BOOK.window).readings
    assert (calm["first_sales"] > 0.0).any()
    assert calm["predicted_sales"][0] > calm["first_sales"][0]
    assert np.isnan(wild["predicted_sales"][0])
    assert (calm["vulnerability"][0] > 0.0) and (wild["vulnerability"][0] > calm["vulnerability"][0])


def test_classes_are_told_in_the_text_and_kept_in_the_folder(tmp_path):
    warned = warn(stormy(), BOOK.window)
    assert "the same by account class:" in str(warned)
    assert "in full distress" in str(warned)
    assert warned.groups == ("type-0", "type-1", "type-2", "type-3")
    assert warned.class_matrix.shape == (4, 4)
    folder = save_warning(warned, tmp_path / "w")
    assert len(pd.read_csv(folder / "class_matrix.csv")) == 16
    assert pd.read_csv(folder / "classes.csv")["class"].tolist() == list(warned.groups)
