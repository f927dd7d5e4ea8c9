"""The bad-input catalogue for scenario files, row by row, through the command line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import check, load
from simulation.errors import ScenarioError
from tests.bad_input.contract import MOST_LINES, PLAIN, Case, check_lines, refused, top
from tests.bad_input.scenario_cases import NAMES, RANGES, SCENARIOS, SYNTAX, TYPES
from tests.style.paths import ROOT


def test_the_plain_scenario_that_all_cases_change_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "plain.toml"
    file.write_text(PLAIN)
    assert "valid" in check(file)


def test_the_catalogue_is_long() -> None:
    assert len(SCENARIOS) >= 120


@pytest.mark.parametrize("case", SCENARIOS, ids=lambda case: case.name)
def test_a_bad_scenario_is_refused_with_its_place_and_field(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("case.toml").write_text(case.text, "utf-8")
    lines = refused(["run", "case.toml", "--out", "results"], capsys, tmp_path / "results")
    assert any(re.search(case.expected, line) for line in lines), "\n".join(lines)
    assert all(line.startswith(("case.toml", "and ")) for line in lines), "\n".join(lines)


@pytest.mark.parametrize("case", [*SYNTAX[:3], *TYPES[:3], *RANGES[:3], *NAMES[:3]], ids=lambda case: case.name)
def test_the_program_itself_refuses_without_a_traceback(case: Case, tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(case.text, "utf-8")
    command = [sys.executable, "-m", "experiments.cli", "compare", "case.toml", "--out", "results"]
    result = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 2, result.stderr
    assert not result.stdout and "Traceback" not in result.stderr
    check_lines(result.stderr.rstrip("\n").split("\n"))
    assert re.search(case.expected, result.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]


def test_all_problems_are_told_at_once_up_to_twenty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "case.toml"
    file.write_text("\n".join(f"unknown_{i} = 1" for i in range(30_000)) + PLAIN)
    lines = refused(["check", str(file)], capsys, tmp_path / "results")
    assert len(lines) == MOST_LINES
    assert lines[-1] == "and 29980 more problems"


def test_problems_of_different_sections_come_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "case.toml"
    text = top("seed = -1\nreuse_share = 2").replace("price = 100.0", "price = -1").replace("count = 3", "count = 0")
    file.write_text(text)
    lines = refused(["check", str(file)], capsys, tmp_path / "results")
    assert [line.split(": ")[1] for line in lines] == ["seed", "markets[0].price", "population[0].count", "reuse_share"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name = 'é'".encode("latin-1"), r"not UTF-8 \(byte 0xE9 at offset 8\)"),
        ("seed = 1".encode("utf-16"), r"not UTF-8 \(byte 0xFF at offset 0\)"),
        (b"# " + b"x" * 1_048_576, r"file is 1.0 MB; limit 1 MiB"),
    ],
)
def test_bytes_that_are_no_text_or_too_many_are_refused(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "case.toml"
    file.write_bytes(content)
    (line,) = refused(["check", str(file)], capsys, tmp_path / "results")
    assert re.search(message, line)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.toml", r"scenario file not found: .*missing.toml"),
        ("clas.toml", r"not found: .*hint: similar file \"class.toml\""),
        ("venu", r"scenario file not found: venu; did you mean 'venue'\?"),
        ("folder.toml", r"folder.toml: not a regular file"),
        ("pipe.toml", r"pipe.toml: not a regular file"),
        ("a.yaml", r"a.yaml: unsupported type '.yaml'; use .toml"),
        ("a.py", r"a.py: unsupported type '.py'; use .toml"),
        ("a.pkl", r"a.pkl: unsupported type '.pkl'; use .toml"),
        ("noname", r"noname: unsupported type \(no suffix\)"),
        ("x" * 5000, r"scenario file not found: x+"),
        ("a\nb", r"scenario file not found: a\\nb"),
        ("", r"unsupported type|not found|not a regular file"),
        ("/dev/zero", r"/dev/zero: unsupported type|not a regular file"),
    ],
)
def test_what_is_no_scenario_file_is_refused_by_name(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("class.toml").write_text(PLAIN)
    Path("folder.toml").mkdir()
    os.mkfifo("pipe.toml")
    for other in ("a.yaml", "a.py", "a.pkl", "noname"):
        Path(other).write_text(PLAIN)
    (line,) = refused(["check", name], capsys, tmp_path / "results")
    assert re.search(message, line), line


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        top("insurance_fund = -0.0"),
        top("insurance_fund = 1e5"),
        top("seed = 0x1F"),
    ],
    ids=["byte order mark", "windows line ends", "negative zero", "exponent", "hexadecimal"],
)
def test_harmless_variety_is_accepted(text: str, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_bytes(text.encode())
    assert load(file).names == ("BTC", "ETH")


def test_a_scenario_file_runs_no_code(tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    for kind in ("trap", "trap.Trader", str(trap), f"exec(open({str(trap)!r}).read())"):
        file = tmp_path / "case.toml"
        file.write_text(PLAIN.replace('"holder"', repr(kind)))
        with pytest.raises(ScenarioError, match="must be one of"):
            load(file)
    assert not (tmp_path / "sprung").exists()
