"""The conformance command on the cases shipped with the tests: what passes, what fails, what is no case at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import execute
from experiments.conformance.case import Case
from experiments.conformance.reading import VARIABLE, find_folder, read_files
from experiments.conformance.run import compare_files, conformance
from experiments.conformance.venues import known_adapters
from simulation.errors import InputError
from tests.conformance.folders import NAME, OWN, folder, numbers_changed, one_case, own_table


def test_the_cases_worked_out_by_hand_pass() -> None:
    result = conformance(OWN)
    assert [str(failure) for failure in result.failures] == []
    assert not result.unreadable and not result.not_covered
    assert sum(row.passed for row in result.rows) == len(own_table()["cases"])
    assert {row.venue for row in result.rows} == {"exchanges"}


def test_the_command_prints_the_table_and_ends_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["conformance", "--vectors", str(OWN)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["venue", "kind", "cases", "passed", "worst", "error"]
    assert lines[1].split()[:4] == ["exchanges", "liquidation_price", "4", "4"]
    assert lines[-1] == "20 of 20 cases pass, 0 fail, 0 not covered"
    assert max(map(len, lines)) <= 110


def test_two_percent_off_is_a_failure_with_the_size_of_the_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = one_case("liquidation_price", expected={"liquidation_price": 84.2 * 1.02}, recomputed={})
    assert execute(["conformance", "--vectors", str(folder(tmp_path, wrong))]) == 1
    out = capsys.readouterr().out
    assert "failed:" in out and "long_5x: liquidation_price: expected 85.884" in out
    assert "off by 1.67 where 0.05 is allowed" in out
    assert "0 of 1 cases pass, 1 fail" in out


def test_any_wrong_number_is_noticed(tmp_path: Path) -> None:
    for case in own_table()["cases"]:
        for expected in numbers_changed(case["expected"], lambda number: number * 1.02 if number else 1.0):
            table = {**own_table(), "cases": [{**case, "expected": expected, "recomputed": {}}]}
            assert len(conformance(folder(tmp_path, table)).failures) == 1, (case["id"], expected)


def test_the_full_precision_number_is_compared_at_the_tolerance_of_the_file(tmp_path: Path) -> None:
    good = one_case("liquidation_price")
    assert conformance(folder(tmp_path, good)).rows[0].worst_error < 1e-15
    bad = one_case("liquidation_price", recomputed={"liquidation_price": 84.2105})
    assert "84.2105" in str(conformance(folder(tmp_path, bad)).failures[0])


def test_the_worst_error_is_against_the_rounded_number_where_there_is_no_other(tmp_path: Path) -> None:
    rounded = one_case("liquidation_price", recomputed={})
    error = conformance(folder(tmp_path, rounded)).rows[0].worst_error
    assert error == pytest.approx((160.0 / 1.9 - 84.2) / 84.2)


def test_a_name_that_is_not_answered_is_a_failure(tmp_path: Path) -> None:
    asked = one_case("unrealised_pnl", expected={"upnl": 20, "fee": 1})
    assert conformance(folder(tmp_path, asked)).failures[0].problems == ("fee: is missing from the answer",)


def test_an_adapter_that_raises_is_a_failure_and_the_others_go_on(tmp_path: Path) -> None:
    table = own_table()
    del table["cases"][0]["inputs"]["mmr"]
    result = conformance(folder(tmp_path, table))
    assert [failure.case for failure in result.failures] == ["long_5x"]
    assert result.failures[0].problems == ("no answer: KeyError: 'mmr'",)
    assert sum(row.passed for row in result.rows) == len(table["cases"]) - 1


def test_kinds_nobody_answers_are_listed_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = own_table()
    table["cases"] += [{"id": f"new{i}", "kind": "moon_phase", "inputs": {}, "expected": {"x": 1}} for i in range(3)]
    assert execute(["conformance", "--vectors", str(folder(tmp_path, table))]) == 0
    out = capsys.readouterr().out
    assert f"3 cases not covered:\n  {NAME}: moon_phase, 3 cases" in out
    assert "20 of 20 cases pass, 0 fail, 3 not covered" in out


def test_a_file_of_an_unknown_venue_is_listed(tmp_path: Path) -> None:
    table = {"system": "My own exchange", "cases": [{"kind": "halving", "inputs": {}, "expected": {"x": 1}}]}
    result = conformance(folder(tmp_path, table, name="mine.json"))
    assert result.not_covered == (("mine.json", "halving", 1),)
    assert result.exit_code == 0


@pytest.mark.parametrize("name", ["renamed.json", "cex_and_doc_examples_more.json", "more.cex_and_doc_examples.json"])
def test_the_name_of_the_file_matters_little(tmp_path: Path, name: str) -> None:
    result = conformance(folder(tmp_path, own_table(), name=name))
    assert not result.not_covered and not result.failures


def test_without_a_name_or_a_system_a_kind_only_one_venue_has_is_still_recognised(tmp_path: Path) -> None:
    table = one_case("vol_shock") | {"system": ""}
    assert not conformance(folder(tmp_path, table, name="x.json")).not_covered


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        ("", "cannot be read"),
        ("\udcff", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[1, 2]", "holds no list of cases"),
        ('{"system": "x"}', "holds no list of cases"),
        ('{"cases": {}}', "holds no list of cases"),
        ('{"cases": []}', "holds no cases"),
        ('{"cases": [3]}', "case 1: must be a table (got 3)"),
        ('{"cases": [{"inputs": {}}]}', "case 1: has no kind"),
        ('{"cases": [{"kind": "margin", "inputs": []}]}', "case 1: inputs must be a table (got a list of 0)"),
        ('{"cases": [{"kind": "margin", "inputs": {}}]}', "case 1: expected must be a table (got nothing)"),
        ('{"cases": [{"kind": "margin", "inputs": {}, "expected": {}}]}', "case 1: expects nothing"),
        (
            '{"cases": [{"kind": "m", "inputs": {}, "expected": {"x": 1}, "tolerance": 5}]}',
            "case 1: tolerance must be a table of rel and abs",
        ),
    ],
)
def test_what_is_no_file_of_cases_is_reported_and_is_an_error(
    tmp_path: Path, text: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(tmp_path, own_table())
    (tmp_path / "bad.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert execute(["conformance", "--vectors", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert f"not readable:\n  bad.json: {problem}" in out
    assert "20 of 20 cases pass" in out


def test_a_folder_that_is_not_there_is_refused_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (tmp_path / "nowhere", OWN / NAME):
        assert execute(["conformance", "--vectors", str(place)]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("--vectors: no such folder")


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("{}")
    with pytest.raises(InputError, match=r"no case files \(\*\.json\)"):
        conformance(tmp_path)


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(OWN))
    assert conformance().rows == conformance(OWN).rows
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=f"{VARIABLE}: no such folder"):
        conformance()


def test_without_any_folder_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiments.conformance.reading.__file__", str(tmp_path / "a" / "b" / "c" / "reading.py"))
    with pytest.raises(InputError, match="name their folder with --vectors DIR"):
        find_folder(None)


def test_many_failures_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    case = one_case("unrealised_pnl", expected={"upnl": 1})["cases"][0]
    table = {**own_table(), "cases": [{**case, "id": str(i)} for i in range(50)]}
    result = conformance(folder(tmp_path, table))
    assert len(result.failures) == 50
    assert str(result).count("unrealised_pnl: upnl: expected") <= 40
    assert "and 10 more" in str(result)


def test_answers_may_be_arrays_and_any_adapter_will_do() -> None:
    def answer(case: Case) -> Mapping[str, Any]:
        return {"liquidation_price": case.inputs["entry"]}

    files = read_files(OWN)
    result = compare_files(files, {("cex_and_doc_examples", "liquidation_price"): answer})
    assert [row.passed for row in result.rows] == [0]
    assert sum(count for _, _, count in result.not_covered) == len(own_table()["cases"]) - 4


def test_the_shipped_cases_are_plain_json() -> None:
    assert json.loads((OWN / NAME).read_text("ascii")) == own_table()
    assert len(known_adapters()) > 0
