"""The command `ask`: what it lists, prints and keeps."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from experiments.ask.answer import Answer, answer, save_answer, with_intervals
from experiments.ask.question import listed, question_named, questions
from experiments.cli import execute
from experiments.store import verify
from experiments.tables import read_table
from simulation.errors import InputError


@pytest.fixture(scope="module")
def saving() -> Answer:
    return answer(question_named("margin_efficiency"))  # closed forms: at once


def test_without_a_name_every_question_has_a_line(capsys):
    assert execute(["ask"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(questions())
    for line, question in zip(lines, questions().values(), strict=True):
        assert line.endswith(question.title) and len(line) <= 130


def test_listing_loads_no_question(monkeypatch):
    loaded = []
    monkeypatch.setattr("importlib.import_module", loaded.append)
    assert "depeg" in listed() and loaded == []


def test_the_answer_is_text_numbers_and_how_to_ask_again(saving):
    text = str(saving)
    assert text.startswith("What recognising offsets saves")
    assert "10 longs" in text and "0.3917" in text  # 1 - sqrt((1 + 9 * .3) / 10)
    assert text.endswith("in Python: experiments.margin_efficiency.run(correlations=(0.0, 0.3, 0.6, 0.9))")


def test_the_folder_holds_text_numbers_and_picture(saving, tmp_path):
    out = save_answer(saving, tmp_path / "out", command=["crossmargin", "ask"])
    names = {path.name for path in out.iterdir()}
    assert names == {"answer.txt", "answer.csv", "answer.parquet", "frontier.png", "manifest.json"}
    pd.testing.assert_frame_equal(read_table(out / "answer"), saving.table, check_dtype=False)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["question"] == "margin_efficiency" and manifest["command"] == ["crossmargin", "ask"]
    verify(out)
    assert str(saving) in (out / "answer.txt").read_text()


def test_the_command_writes_what_it_prints(tmp_path, capsys, saving):
    assert execute(["ask", "margin_efficiency", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert printed == f"{saving}\nresults in {tmp_path / 'out'}\n"
    assert execute(["ask", "margin_efficiency", "--out", str(tmp_path / "out")]) == 2
    assert "already holds files" in capsys.readouterr().err
    assert execute(["ask", "margin_efficiency", "--out", str(tmp_path / "out"), "--overwrite"]) == 0


def test_a_name_that_is_near_is_proposed():
    with pytest.raises(InputError, match=r'QUESTION: must be one of .* \(got "wrongway"\); did you mean .wrong_way.'):
        question_named("wrongway")


def test_what_is_undefined_is_not_printed_as_a_number(saving):
    table = pd.DataFrame({"a": [1.0, float("nan")]})
    assert "undefined" in str(replace(saving, table=table))


def test_rows_that_have_names_keep_them():
    table = question_named("procyclicality").run()
    assert table["tool"].iloc[0] == "none" and "floor" in table["tool"].tolist()


def test_a_number_and_its_interval_stand_together():
    table = pd.DataFrame(
        {
            "kind": ["a", "b", "c"],
            "debt": [12_345.6, float("nan"), 2.0],
            "debt_low": [1.0, float("nan"), float("nan")],
            "debt_high": [20_000.0, float("nan"), float("nan")],
            "share": [0.25, 0.5, 0.75],
            "low": [0.2, 0.4, float("nan")],
            "high": [0.3, 0.6, 0.8],
        }
    )
    shown = with_intervals(table)
    assert shown.columns.tolist() == ["kind", "debt [95 %]", "share [95 %]"]
    assert shown["debt [95 %]"].tolist() == ["12,346 [1, 20,000]", "undefined", "2"]
    assert shown["share [95 %]"].tolist() == ["0.25 [0.2, 0.3]", "0.5 [0.4, 0.6]", "0.75 [?, 0.8]"]


def test_a_low_without_a_high_or_a_value_is_a_column_like_others():
    table = pd.DataFrame({"x": [1.0], "y_low": [2.0], "z_low": [1.0], "z_high": [3.0]})
    assert with_intervals(table).columns.tolist() == ["x", "y_low", "z_low", "z_high"]
